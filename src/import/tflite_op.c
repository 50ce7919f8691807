/* SPDX-License-Identifier: Apache-2.0
 *
 * What the importers of single ops share: refusing, operands, quantization, activation ranges, windows, and emitting.
 */
#include "import/tflite_op.h"

#include "import/quantize.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lks_tfl_printable(char *text)
{
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
}

lks_status lks_tfl_refuse(const lks_tfl_op *op, lks_status status, const char *format, ...)
{
    char reason[384];
    va_list list;

    if (op->m->fb.status != LKS_OK)         /* the damage came first, and is in the error */
        return op->m->fb.status;
    va_start(list, format);
    vsnprintf(reason, sizeof reason, format, list);
    va_end(list);
    lks_tfl_printable(reason);
    return lks_fail(op->m->fb.error, status, "%s: %s: %s", op->m->fb.name, op->label, reason);
}

lks_status lks_tfl_refuse_rank(const lks_tfl_op *op, const char *what, uint32_t rank, uint32_t wanted)
{
    return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s must have %u dimensions, not %u", what, (unsigned)wanted,
                          (unsigned)rank);
}

/* The same about one tensor: "role tensor "name" what". */
static lks_status refuse_tensor(const lks_tfl_op *op, const char *role, const lks_tfl_tensor *t, const char *what)
{
    return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s tensor \"%.*s\" %s", role, LKS_TFL_TEXT(op->m, t->name), what);
}

/* ---- operands ------------------------------------------------------------------------------------------------------------ */

bool lks_tfl_has(const lks_tfl_op *op, uint32_t i)
{
    return i < op->o.inputs.count && lks_fb_item_signed(&op->m->fb, op->o.inputs, i) != -1;
}

/* Whatever it is. */
static lks_status any_tensor_at(const lks_tfl_op *op, lks_fb_vector list, uint32_t i, const char *role, lks_tfl_tensor **t)
{
    int64_t index = i < list.count ? lks_fb_item_signed(&op->m->fb, list, i) : -1;

    if (index == -1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "has no %s tensor", role);
    if (index < 0 || index >= op->m->tensor_count)
        return lks_tfl_refuse(op, LKS_ERR_FORMAT, "damaged file: the %s tensor is number %lld, of %u", role, (long long)index,
                              (unsigned)op->m->tensor_count);
    *t = &op->m->tensors[index];
    return LKS_OK;
}

static lks_status tensor_at(const lks_tfl_op *op, lks_fb_vector list, uint32_t i, const char *role, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(any_tensor_at(op, list, i, role, t));
    return (*t)->oddity ? refuse_tensor(op, role, *t, (*t)->oddity) : LKS_OK;
}

lks_status lks_tfl_operand(const lks_tfl_op *op, uint32_t i, const char *role, lks_tfl_tensor **t)
{
    return tensor_at(op, op->o.inputs, i, role, t);
}

/* Extents of the .lks: a tensor without extents is one element. */
lks_status lks_tfl_check_shape(const lks_tfl_op *op, const char *role, const lks_tfl_tensor *t)
{
    uint64_t n = 1;

    if (t->rank > LKS_MAX_RANK)
        return refuse_tensor(op, role, t, "has more than 6 dimensions");
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->dims[i] < 1)
            return refuse_tensor(op, role, t, t->dims[i] < 0 ? "has a dynamic shape" : "is empty");
        n *= (uint64_t)t->dims[i];
        if (t->dims[i] > (int32_t)LKS_MAX_EXTENT || n > LKS_MAX_ELEMENTS)
            return lks_tfl_refuse(op, LKS_ERR_LIMIT, "%s tensor \"%.*s\" is too large", role, LKS_TFL_TEXT(op->m, t->name));
    }
    return LKS_OK;
}

static const char *why_not(int32_t type)
{
    switch (type) {
    case LKS_TFL_FLOAT32:
    case LKS_TFL_FLOAT16:
    case LKS_TFL_FLOAT64: return "only INT8 models are supported, quantize weights and activations";
    case LKS_TFL_UINT8:   return "no reference kernel mixes it with the other types of this op";
    case LKS_TFL_INT16:   return "16-bit activations are supported only where QUANTIZE takes them";
    case LKS_TFL_INT4:    return "4-bit weights are not supported yet";
    default:              return "not supported here";
    }
}

static lks_status refuse_type(const lks_tfl_op *op, const char *role, const lks_tfl_tensor *t)
{
    return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s tensor \"%.*s\" is %s: %s", role, LKS_TFL_TEXT(op->m, t->name),
                          lks_tfl_type_name(t->type), why_not(t->type));
}

static bool is_among(int32_t type, lks_tfl_types types)
{
    switch (type) {
    case LKS_TFL_INT8:  return types != LKS_TFL_INDICES;
    case LKS_TFL_UINT8: return types == LKS_TFL_I8_OR_U8 || types == LKS_TFL_I8_U8_OR_I16 || types == LKS_TFL_ANY;
    case LKS_TFL_INT16: return types == LKS_TFL_I8_U8_OR_I16 || types == LKS_TFL_ANY;
    case LKS_TFL_INT32:
    case LKS_TFL_INT64: return types == LKS_TFL_INDICES || types == LKS_TFL_ANY;
    default:            return false;
    }
}

static lks_status check_activation(const lks_tfl_op *op, const char *role, lks_tfl_types types, const lks_tfl_tensor *t)
{
    if (!is_among(t->type, types))
        return refuse_type(op, role, t);
    return lks_tfl_check_shape(op, role, t);
}

lks_status lks_tfl_input(const lks_tfl_op *op, uint32_t i, lks_tfl_types types, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(lks_tfl_operand(op, i, "input", t));
    LKS_TFL_TRY(check_activation(op, "input", types, *t));
    if ((*t)->data)
        return refuse_tensor(op, "input", *t, "is constant, which this op does not support");
    if (!(*t)->made)
        return refuse_tensor(op, "input", *t, "has neither data nor an earlier op that makes it");
    if ((*t)->index[LKS_TFL_PLAIN] == LKS_NO_TENSOR)       /* a graph input (tflite.c), or a shape (tflite_ends.h) */
        return refuse_type(op, "input", *t);
    return LKS_OK;
}

lks_status lks_tfl_output(const lks_tfl_op *op, lks_tfl_types types, lks_tfl_tensor **t)
{
    return lks_tfl_output_at(op, 0, types, t);
}

lks_status lks_tfl_output_at(const lks_tfl_op *op, uint32_t i, lks_tfl_types types, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(tensor_at(op, op->o.outputs, i, "output", t));
    LKS_TFL_TRY(check_activation(op, "output", types, *t));
    if ((*t)->made)
        return refuse_tensor(op, "output", *t, (*t)->input ? "is also a graph input" : "is made by two ops");
    if ((*t)->data)
        return refuse_tensor(op, "output", *t, "is constant");
    return LKS_OK;
}

lks_status lks_tfl_same_type(const lks_tfl_op *op, const lks_tfl_tensor *x, const lks_tfl_tensor *y)
{
    if (x->type != y->type)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output have different types, %s and %s",
                              lks_tfl_type_name(x->type),
                              lks_tfl_type_name(y->type));
    return LKS_OK;
}

lks_status lks_tfl_unary(const lks_tfl_op *op, lks_tfl_tensor **x, lks_tfl_tensor **y)
{
    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_OR_U8, x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, y));
    return lks_tfl_same_type(op, *x, *y);
}

lks_status lks_tfl_variable(const lks_tfl_op *op, uint32_t i, const char *role, int32_t type, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(any_tensor_at(op, op->o.inputs, i, role, t));
    if (!(*t)->variable)
        return refuse_tensor(op, role, *t, "is no variable");
    if ((*t)->type != type)
        return refuse_type(op, role, *t);
    if ((*t)->data || (*t)->made)
        return refuse_tensor(op, role, *t, (*t)->data ? "begins with data" : "is the state of two ops");
    LKS_TFL_TRY(lks_tfl_check_shape(op, role, *t));
    (*t)->made = true;
    return LKS_OK;
}

static uint32_t type_bytes(int32_t type)
{
    return type == LKS_TFL_INT64 ? 8 : type == LKS_TFL_INT32 ? 4 : type == LKS_TFL_INT16 ? 2 : 1;
}

lks_status lks_tfl_constant(const lks_tfl_op *op, uint32_t i, const char *role, int32_t type, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(lks_tfl_operand(op, i, role, t));
    if ((*t)->type != type)
        return refuse_type(op, role, *t);
    if (!(*t)->data)
        return refuse_tensor(op, role, *t, "is not constant");
    LKS_TFL_TRY(lks_tfl_check_shape(op, role, *t));
    if ((*t)->data_bytes != (uint64_t)lks_tfl_elements(*t) * type_bytes(type))
        return lks_tfl_refuse(op, LKS_ERR_FORMAT, "damaged file: %s tensor \"%.*s\" has %u bytes of data, its shape needs %llu",
                              role, LKS_TFL_TEXT(op->m, (*t)->name), (unsigned)(*t)->data_bytes,
                              (unsigned long long)lks_tfl_elements(*t) * type_bytes(type));
    return LKS_OK;
}

uint32_t lks_tfl_elements(const lks_tfl_tensor *t)
{
    uint32_t n = 1;

    for (uint32_t i = 0; i < t->rank; i++)
        n *= (uint32_t)t->dims[i];
    return n;
}

uint8_t lks_tfl_stored_byte(const lks_tfl_tensor *t, uint32_t i)
{
    return t->type == LKS_TFL_UINT8 ? t->data[i] ^ 0x80 : t->data[i];
}

int64_t lks_tfl_value(const lks_tfl_tensor *t, uint32_t i)
{
    uint32_t width = type_bytes(t->type);
    const uint8_t *p = t->data + (size_t)i * width;
    uint64_t v = 0, sign = UINT64_C(1) << (8 * width - 1);

    if (t->type == LKS_TFL_UINT8)
        return (int64_t)p[0] - 128;
    for (uint32_t b = 0; b < width; b++)
        v |= (uint64_t)p[b] << (8 * b);
    return v & sign ? -(int64_t)(2 * sign - 1 - v) - 1 : (int64_t)v;
}

/* ---- quantization -------------------------------------------------------------------------------------------------------- */

lks_status lks_tfl_quantization(const lks_tfl_op *op, const lks_tfl_tensor *t, lks_tfl_quant *q)
{
    const int32_t offset = t->type == LKS_TFL_UINT8 ? 128 : 0, least = t->type == LKS_TFL_INT16 ? INT16_MIN : -128;
    int64_t zero;

    if (t->scales.count == 0)
        return refuse_tensor(op, "quantized", t, "has no scale and zero point");
    if (t->scales.count != 1 || t->zeros.count != 1)
        return refuse_tensor(op, "quantized", t, "has a scale per channel, which only weights may have");
    q->scale = (uint32_t)lks_fb_item_unsigned(&op->m->fb, t->scales, 0);
    if (!lks_scale_usable(q->scale))
        return refuse_tensor(op, "quantized", t, "has a scale that is not a positive normal number");
    zero = lks_fb_item_signed(&op->m->fb, t->zeros, 0);
    if (zero < least + offset || zero > -1 - least + offset)
        return refuse_tensor(op, "quantized", t, "has a zero point outside its type");
    q->zero = (int32_t)zero - offset;
    return LKS_OK;
}

/* schema.fbs: ActivationFunctionType, and the values between which each clamps.  TANH and SIGN_BIT are missing: the reference
 * silently ignores them (kernel_util.cc: CalculateActivationRangeQuantized). */
static const struct {
    bool has_low, has_high;
    int32_t low, high;
} activations[] = {
    { false, false,  0, 0 },            /* NONE */
    { true,  false,  0, 0 },            /* RELU */
    { true,  true,  -1, 1 },            /* RELU_N1_TO_1 */
    { true,  true,   0, 6 },            /* RELU6 */
};

lks_status lks_tfl_range(const lks_tfl_op *op, const lks_fb_field *fused, lks_tfl_quant y, int32_t *y_min, int32_t *y_max)
{
    int64_t function = lks_tfl_option(op, fused);
    int32_t low = -128, high = 127;

    if (function < 0 || function >= (int64_t)(sizeof activations / sizeof activations[0]))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "fused activation function %lld%s is not supported", (long long)function,
                              function == 4 ? " (TANH)" : function == 5 ? " (SIGN_BIT)" : "");
    if ((activations[function].has_low && !lks_quantize_value(activations[function].low, y.scale, y.zero, &low))
        || (activations[function].has_high && !lks_quantize_value(activations[function].high, y.scale, y.zero, &high)))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output scale is too small for its fused activation function");
    *y_min = low > -128 ? low : -128;
    *y_max = high < 127 ? high : 127;
    return LKS_OK;
}

lks_status lks_tfl_between(const lks_tfl_op *op, lks_tfl_quant y, int32_t from, int32_t to, int32_t *y_min, int32_t *y_max)
{
    int32_t low, high;

    if (!lks_quantize_value(from, y.scale, y.zero, &low) || !lks_quantize_value(to, y.scale, y.zero, &high))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scale is too small for its range");
    *y_min = low > -128 ? low : -128;
    *y_max = high < 127 ? high : 127;
    return LKS_OK;
}

/* ---- options ------------------------------------------------------------------------------------------------------------- */

int64_t lks_tfl_option(const lks_tfl_op *op, const lks_fb_field *field)
{
    return lks_fb_signed(&op->m->fb, op->o.options, field);
}

/* ---- windows ------------------------------------------------------------------------------------------------------------- */

/* padding.h: ComputePaddingHeightWidth, one axis */
lks_status lks_tfl_pad_window(const lks_tfl_op *op, const lks_fb_field *padding, const char *axis, lks_tfl_window *w)
{
    int64_t rule = lks_tfl_option(op, padding), effective, out, total;

    if (w->stride < 1 || w->stride > 65535 || w->dilation < 1 || w->dilation > 65535 || w->kernel < 1 || w->kernel > 65535)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s: stride %lld, dilation %lld, kernel %lld: each must be 1 to 65535",
                              axis, (long long)w->stride, (long long)w->dilation, (long long)w->kernel);
    if (rule != 0 && rule != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "padding rule %lld is not supported", (long long)rule);
    effective = (int64_t)(w->kernel - 1) * w->dilation + 1;
    out = rule == 0 ? (w->in + w->stride - 1) / w->stride : (w->in + w->stride - effective) / w->stride;
    if (out < 1 || out != w->out)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s: the output has extent %d, but %s padding gives %lld", axis,
                              (int)w->out, rule == 0 ? "SAME" : "VALID", (long long)(out < 0 ? 0 : out));
    total = rule == 0 ? (out - 1) * w->stride + effective - w->in : 0;
    if (total < 0)
        total = 0;
    w->before = (int32_t)(total / 2);       /* the odd one goes after */
    w->after = (int32_t)(total - total / 2);
    return LKS_OK;
}

static int64_t option_or(const lks_tfl_op *op, const lks_fb_field *field, int64_t otherwise)
{
    return field->name ? lks_tfl_option(op, field) : otherwise;
}

lks_status lks_tfl_windows(const lks_tfl_op *op, const lks_tfl_window_fields *f, const lks_tfl_tensor *x, const lks_tfl_tensor *y,
                           int32_t kernel_h, int32_t kernel_w, lks_tfl_window *h, lks_tfl_window *w)
{
    if (x->rank != 4)
        return lks_tfl_refuse_rank(op, "the input", x->rank, 4);
    if (y->rank != 4)
        return lks_tfl_refuse_rank(op, "the output", y->rank, 4);
    *h = (lks_tfl_window){ .in = x->dims[1], .out = y->dims[1], .kernel = (int32_t)option_or(op, &f->kernel_h, kernel_h),
                           .stride = lks_tfl_option(op, &f->stride_h), .dilation = option_or(op, &f->dilation_h, 1) };
    *w = (lks_tfl_window){ .in = x->dims[2], .out = y->dims[2], .kernel = (int32_t)option_or(op, &f->kernel_w, kernel_w),
                           .stride = lks_tfl_option(op, &f->stride_w), .dilation = option_or(op, &f->dilation_w, 1) };
    LKS_TFL_TRY(lks_tfl_pad_window(op, &f->padding, "height", h));
    return lks_tfl_pad_window(op, &f->padding, "width", w);
}

/* ---- emitting ------------------------------------------------------------------------------------------------------------ */

lks_status lks_tfl_spend(const lks_tfl_op *op, uint64_t bytes)
{
    if (bytes > op->m->allowance)
        return lks_tfl_refuse(op, LKS_ERR_LIMIT, "constants that are used many times would make the model too large");
    op->m->allowance -= bytes;
    return LKS_OK;
}

/* A string of the file, terminated; a zero within ends it. */
static const char *copy_name(const lks_tfl_op *op, lks_fb_vector name, char text[LKS_MAX_NAME + 1])
{
    uint32_t length = name.count < LKS_MAX_NAME ? name.count : LKS_MAX_NAME;

    if (length != 0)
        memcpy(text, op->m->fb.bytes + name.at, length);
    text[length] = '\0';
    return text;
}

uint32_t lks_tfl_emit_constant(const lks_tfl_op *op, const lks_tfl_tensor *source, lks_type type, uint32_t rank,
                               const uint32_t *dims, const void *data)
{
    char name[LKS_MAX_NAME + 1] = "";
    lks_tensor t = { .name = name, .type = type, .interface = type, .constant = 1, .rank = rank, .data = data };

    if (source)
        copy_name(op, source->name, name);
    memcpy(t.dims, dims, rank * sizeof *dims);
    return lks_builder_tensor(op->m->builder, &t);
}

/* The shape in the .lks: a tensor without extents is [1]. */
static void copy_shape(lks_tensor *to, const lks_tfl_tensor *from)
{
    to->rank = from->rank == 0 ? 1 : from->rank;
    to->dims[0] = 1;
    for (uint32_t i = 0; i < from->rank; i++)
        to->dims[i] = (uint32_t)from->dims[i];
}

lks_status lks_tfl_emit_plain(const lks_tfl_op *op, lks_tfl_tensor *t, uint32_t *index)
{
    lks_tensor shape = { 0 };
    uint8_t *stored;

    assert((t->type == LKS_TFL_INT8 || t->type == LKS_TFL_UINT8) && t->data);
    if (t->index[LKS_TFL_PLAIN] == LKS_NO_TENSOR) {
        LKS_TFL_TRY(lks_tfl_spend(op, t->data_bytes));
        stored = malloc(t->data_bytes);
        if (!stored)
            return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
        for (uint32_t i = 0; i < t->data_bytes; i++)
            stored[i] = lks_tfl_stored_byte(t, i);
        copy_shape(&shape, t);
        t->index[LKS_TFL_PLAIN] = lks_tfl_emit_constant(op, t, LKS_I8, shape.rank, shape.dims, stored);
        free(stored);
    }
    *index = t->index[LKS_TFL_PLAIN];
    return LKS_OK;
}

/* What a tensor of the file is in the .lks.  name: room for the name. */
static lks_status describe_activation(const lks_tfl_op *op, const lks_tfl_tensor *t, char name[LKS_MAX_NAME + 1], lks_tensor *out)
{
    const bool indices = t->type == LKS_TFL_INT32 || t->type == LKS_TFL_INT64;
    lks_tfl_quant q;

    *out = (lks_tensor){ .name = copy_name(op, t->name, name),
                         .type = indices ? LKS_I32 : t->type == LKS_TFL_INT16 ? LKS_I16 : LKS_I8 };
    out->interface = t->type == LKS_TFL_UINT8 ? LKS_U8 : t->type == LKS_TFL_INT64 ? LKS_I64 : out->type;
    copy_shape(out, t);
    if (t->scales.count != 0 && !indices) {
        LKS_TFL_TRY(lks_tfl_quantization(op, t, &q));
        out->scale_bits = q.scale;
        out->zero_point = q.zero + (t->type == LKS_TFL_UINT8 ? 128 : 0);
    }
    return LKS_OK;
}

lks_status lks_tfl_either(const lks_tfl_op *op, uint32_t i, const lks_tfl_tensor *y, lks_tfl_quant *q, uint32_t *index,
                          bool *constant)
{
    lks_tfl_tensor *t;

    LKS_TFL_TRY(lks_tfl_operand(op, i, "input", &t));
    *constant = t->data != NULL;
    if (*constant) {
        LKS_TFL_TRY(lks_tfl_constant(op, i, "input", y->type, &t));
        LKS_TFL_TRY(lks_tfl_emit_plain(op, t, index));
    } else {
        LKS_TFL_TRY(lks_tfl_input(op, i, LKS_TFL_I8_OR_U8, &t));
        LKS_TFL_TRY(lks_tfl_same_type(op, t, y));
        *index = t->index[LKS_TFL_PLAIN];
    }
    return lks_tfl_quantization(op, t, q);
}

lks_status lks_tfl_emit_activation(const lks_tfl_op *op, lks_tfl_tensor *t)
{
    char name[LKS_MAX_NAME + 1];
    lks_tensor out;

    LKS_TFL_TRY(describe_activation(op, t, name, &out));
    t->index[LKS_TFL_PLAIN] = lks_builder_tensor(op->m->builder, &out);
    if (t->index[LKS_TFL_PLAIN] == LKS_NO_TENSOR)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    t->made = true;
    return LKS_OK;
}

lks_status lks_tfl_emit_between(const lks_tfl_op *op, const lks_tfl_tensor *y, uint32_t rank, const uint32_t *dims,
                                uint32_t *index)
{
    char name[LKS_MAX_NAME + 1];
    lks_tensor out;

    LKS_TFL_TRY(lks_tfl_spend(op, sizeof out + LKS_MAX_NAME));     /* a long list of operands makes many */
    LKS_TFL_TRY(describe_activation(op, y, name, &out));
    out.rank = rank;
    memset(out.dims, 0, sizeof out.dims);
    memcpy(out.dims, dims, rank * sizeof *dims);
    *index = lks_builder_tensor(op->m->builder, &out);
    return LKS_OK;
}

lks_status lks_tfl_emit(const lks_tfl_op *op, uint32_t kind, const uint32_t *operands, lks_tfl_tensor *y, const lks_op_args *args)
{
    LKS_TFL_TRY(lks_tfl_emit_activation(op, y));
    lks_builder_op(op->m->builder, kind, operands, &y->index[LKS_TFL_PLAIN], args);
    return LKS_OK;
}
