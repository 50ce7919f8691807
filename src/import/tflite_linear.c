/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops with weights: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED.
 */
#include "import/tflite_linear.h"

#include "import/quantize.h"

#include <stdlib.h>

/* ---- weights, multipliers, bias ------------------------------------------------------------------------------------------ */

/* x * w / y of a channel: lks_quantize_product or lks_quantize_narrow_product. */
typedef bool multiplier_of(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq);

static uint32_t weight_scale(const lks_tfl_op *op, const lks_tfl_tensor *w, uint32_t channel)
{
    return (uint32_t)lks_fb_item_unsigned(&op->m->fb, w->scales, w->scales.count == 1 ? 0 : channel);
}

/* One scale, or one per output channel along the axis that the op demands, zero points all 0.  zero: where a single scale may
 * have a zero point, that, in stored values; NULL: it may not. */
static lks_status check_weights(const lks_tfl_op *op, const lks_tfl_tensor *w, uint32_t axis, int32_t *zero)
{
    const uint32_t channels = (uint32_t)w->dims[axis], count = w->scales.count;
    const int32_t offset = w->type == LKS_TFL_UINT8 ? 128 : 0;

    if (count == 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the weights have no scale and zero point");
    if (count != 1 && (count != channels || w->axis != (int32_t)axis))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the weights have %u scales along axis %d, not 1 or %u along axis %u",
                              (unsigned)count, (int)w->axis, (unsigned)channels, (unsigned)axis);
    if (w->zeros.count != 1 && w->zeros.count != count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the weights have %u zero points for %u scales", (unsigned)w->zeros.count,
                              (unsigned)count);
    for (uint32_t i = 0; i < count; i++)
        if (!lks_scale_usable(weight_scale(op, w, i)))
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "weight scale %u is not a positive normal number", (unsigned)i);
    for (uint32_t i = 0; i < w->zeros.count; i++) {
        int64_t z = lks_fb_item_signed(&op->m->fb, w->zeros, i);

        if (z < -128 + offset || z > 127 + offset || (z != 0 && !(zero && count == 1)))
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "weight zero point %u is %lld: only %s", (unsigned)i, (long long)z,
                                  zero && count == 1 ? "values of its type are legal" : "0 is supported");
        if (zero)
            *zero = (int32_t)z - offset;
    }
    return LKS_OK;
}

/* The table rq: one row per output channel. */
static lks_status emit_multipliers(const lks_tfl_op *op, const lks_tfl_tensor *w, uint32_t channels, uint32_t x, uint32_t y,
                                   multiplier_of *combine, uint32_t *index)
{
    const uint32_t dims[2] = { channels, 2 };
    lks_rq *rows;

    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)channels * sizeof *rows));
    rows = malloc(channels * sizeof *rows);
    if (!rows)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < channels; i++) {
        if (w->scales.count == 1 && i > 0) {
            rows[i] = rows[0];
        } else if (!combine(x, weight_scale(op, w, i), y, &rows[i])) {
            free(rows);
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of channel %u give no multiplier", (unsigned)i);
        }
    }
    *index = lks_tfl_emit_constant(op, NULL, LKS_I32, 2, dims, rows);
    free(rows);
    return LKS_OK;
}

/* That operand as an i32 constant [channels]; zeros where it is left out. */
static lks_status emit_bias(const lks_tfl_op *op, uint32_t at, uint32_t channels, uint32_t *index)
{
    lks_tfl_tensor *bias = NULL;
    int32_t *values;

    if (lks_tfl_has(op, at)) {
        LKS_TFL_TRY(lks_tfl_constant(op, at, "bias", LKS_TFL_INT32, &bias));
        if (lks_tfl_elements(bias) != channels)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the bias has %u elements for %u output channels",
                                  (unsigned)lks_tfl_elements(bias), (unsigned)channels);
        *index = bias->index[LKS_TFL_PLAIN];
        if (*index != LKS_NO_TENSOR)
            return LKS_OK;
    }
    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)channels * sizeof *values));
    values = calloc(channels, sizeof *values);
    if (!values)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; bias && i < channels; i++)
        values[i] = (int32_t)lks_tfl_value(bias, i);
    *index = lks_tfl_emit_constant(op, bias, LKS_I32, 1, &channels, values);
    if (bias)
        bias->index[LKS_TFL_PLAIN] = *index;
    free(values);
    return LKS_OK;
}

/* An accumulator of another width than 32 bits is not what the int8 kernels compute. */
static lks_status check_bias_type(const lks_tfl_op *op, const lks_fb_field *field)
{
    int64_t type = lks_tfl_option(op, field);

    if (type != 0 && type != LKS_TFL_INT32)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "accumulators of type %s are not supported", lks_tfl_type_name(type));
    return LKS_OK;
}

/* kernel_util.cc: GetQuantizedConvolutionMultipler, with one weight scale only */
static lks_status check_bias_scale(const lks_tfl_op *op, uint32_t at, uint32_t x, uint32_t w, uint32_t y)
{
    lks_tfl_tensor *bias;
    uint32_t scale = 0;

    if (!lks_tfl_has(op, at))
        return LKS_OK;
    LKS_TFL_TRY(lks_tfl_operand(op, at, "bias", &bias));
    if (bias->scales.count != 0) {
        scale = (uint32_t)lks_fb_item_unsigned(&op->m->fb, bias->scales, 0);
        if (!lks_scale_usable(scale))
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the bias scale is not a positive normal number");
    }
    if (!lks_bias_scale_agrees(x, w, scale, y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the bias scale is not input scale * weight scale");
    return LKS_OK;
}

/* ---- CONV_2D, DEPTHWISE_CONV_2D ------------------------------------------------------------------------------------------ */

static const lks_tfl_window_fields conv_2d = {
    .padding = { "Conv2DOptions.padding", 0, 1, 0 },
    .stride_w = { "Conv2DOptions.stride_w", 1, 4, 0 },
    .stride_h = { "Conv2DOptions.stride_h", 2, 4, 0 },
    .fused = { "Conv2DOptions.fused_activation_function", 3, 1, 0 },
    .dilation_w = { "Conv2DOptions.dilation_w_factor", 4, 4, 1 },
    .dilation_h = { "Conv2DOptions.dilation_h_factor", 5, 4, 1 },
};

static const lks_tfl_window_fields depthwise_conv_2d = {
    .padding = { "DepthwiseConv2DOptions.padding", 0, 1, 0 },
    .stride_w = { "DepthwiseConv2DOptions.stride_w", 1, 4, 0 },
    .stride_h = { "DepthwiseConv2DOptions.stride_h", 2, 4, 0 },
    .fused = { "DepthwiseConv2DOptions.fused_activation_function", 4, 1, 0 },
    .dilation_w = { "DepthwiseConv2DOptions.dilation_w_factor", 5, 4, 1 },
    .dilation_h = { "DepthwiseConv2DOptions.dilation_h_factor", 6, 4, 1 },
};

typedef struct conv_parts {
    lks_tfl_tensor *x, *w, *y;
    uint32_t channels;                      /* of the output */
    uint32_t operands[4];
    lks_op_args args;
} conv_parts;

static lks_status conv_operands(const lks_tfl_op *op, conv_parts *p)
{
    LKS_TFL_TRY(lks_tfl_unary(op, &p->x, &p->y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "weights", p->x->type, &p->w));
    if (p->w->rank != 4)
        return lks_tfl_refuse_rank(op, "the weights", p->w->rank, 4);
    if (p->x->rank != 4)
        return lks_tfl_refuse_rank(op, "the input", p->x->rank, 4);
    return LKS_OK;
}

/* Legacy uint8 weights have one scale and a zero point; in int8 models zero points are 0, and the kernels do not read them. */
static lks_status conv_weights(const lks_tfl_op *op, conv_parts *p, uint32_t axis)
{
    if (p->w->type == LKS_TFL_UINT8 && p->w->scales.count > 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "UINT8 weights have %u scales, not 1", (unsigned)p->w->scales.count);
    return check_weights(op, p->w, axis, p->w->type == LKS_TFL_UINT8 ? &p->args.conv.w_zero : NULL);
}

/* The rest, once groups and weights are settled.  kernel_util.cc: the multipliers of uint8 models are rounded as those of
 * FULLY_CONNECTED. */
static lks_status finish_conv(const lks_tfl_op *op, const lks_tfl_window_fields *f, conv_parts *p)
{
    lks_conv_args *a = &p->args.conv;
    lks_tfl_window h, w;
    lks_tfl_quant x, y;
    const bool narrow = p->w->type == LKS_TFL_UINT8;

    LKS_TFL_TRY(lks_tfl_quantization(op, p->x, &x));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->y, &y));
    if (narrow)
        LKS_TFL_TRY(check_bias_scale(op, 2, x.scale, weight_scale(op, p->w, 0), y.scale));
    LKS_TFL_TRY(lks_tfl_windows(op, f, p->x, p->y, p->w->dims[1], p->w->dims[2], &h, &w));
    LKS_TFL_TRY(lks_tfl_range(op, &f->fused, y, &a->y_min, &a->y_max));
    LKS_TFL_TRY(emit_bias(op, 2, p->channels, &p->operands[2]));
    LKS_TFL_TRY(emit_multipliers(op, p->w, p->channels, x.scale, y.scale,
                                 narrow ? lks_quantize_narrow_product : lks_quantize_product, &p->operands[3]));
    a->stride_h = (int32_t)h.stride;
    a->stride_w = (int32_t)w.stride;
    a->dilation_h = (int32_t)h.dilation;
    a->dilation_w = (int32_t)w.dilation;
    a->pad_top = h.before;
    a->pad_bottom = h.after;
    a->pad_left = w.before;
    a->pad_right = w.after;
    a->pad_value = a->x_zero = x.zero;      /* taps outside the image are skipped: they count as 0 */
    a->y_zero = y.zero;
    a->rounding = LKS_TFLITE;
    p->operands[0] = p->x->index[LKS_TFL_PLAIN];
    return lks_tfl_emit(op, LKS_OP_CONV, p->operands, p->y, &p->args);
}

/* Weights [O, KH, KW, C / groups].  integer_ops/conv.h */
lks_status lks_tfl_import_conv_2d(const lks_tfl_op *op)
{
    static const lks_fb_field bias_type = { "Conv2DOptions.quantized_bias_type", 6, 1, 0 };
    conv_parts p = { 0 };
    int32_t groups;

    LKS_TFL_TRY(conv_operands(op, &p));
    LKS_TFL_TRY(conv_weights(op, &p, 0));
    LKS_TFL_TRY(check_bias_type(op, &bias_type));
    groups = p.x->dims[3] / p.w->dims[3];
    if (groups < 1 || p.x->dims[3] % p.w->dims[3] != 0 || p.w->dims[0] % groups != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "weights of %d channels for %d outputs do not divide %d input channels",
                              (int)p.w->dims[3], (int)p.w->dims[0], (int)p.x->dims[3]);
    p.channels = (uint32_t)p.w->dims[0];
    p.args.conv.groups = groups;
    LKS_TFL_TRY(lks_tfl_emit_plain(op, p.w, &p.operands[1]));
    return finish_conv(op, &conv_2d, &p);
}

/* Weights [1, KH, KW, O] become [O, KH, KW, 1]. */
static lks_status emit_depthwise(const lks_tfl_op *op, lks_tfl_tensor *w, uint32_t *index)
{
    uint32_t taps = (uint32_t)w->dims[1] * (uint32_t)w->dims[2], channels = (uint32_t)w->dims[3];
    const uint32_t dims[4] = { channels, (uint32_t)w->dims[1], (uint32_t)w->dims[2], 1 };
    uint8_t *turned;

    if (w->index[LKS_TFL_DEPTHWISE] == LKS_NO_TENSOR) {
        LKS_TFL_TRY(lks_tfl_spend(op, w->data_bytes));
        turned = malloc(w->data_bytes);
        if (!turned)
            return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
        for (uint32_t t = 0; t < taps; t++)
            for (uint32_t c = 0; c < channels; c++)
                turned[(size_t)c * taps + t] = lks_tfl_stored_byte(w, t * channels + c);
        w->index[LKS_TFL_DEPTHWISE] = lks_tfl_emit_constant(op, w, LKS_I8, 4, dims, turned);
        free(turned);
    }
    *index = w->index[LKS_TFL_DEPTHWISE];
    return LKS_OK;
}

/* Output channel ic * multiplier + m sees input channel ic alone.  integer_ops/depthwise_conv.h, which takes the multiplier from
 * the options, not from the shapes: where they differ it leaves outputs unwritten, or writes too many. */
lks_status lks_tfl_import_depthwise_conv_2d(const lks_tfl_op *op)
{
    static const lks_fb_field multiplier = { "DepthwiseConv2DOptions.depth_multiplier", 3, 4, 0 };
    conv_parts p = { 0 };

    LKS_TFL_TRY(conv_operands(op, &p));
    LKS_TFL_TRY(conv_weights(op, &p, 3));
    if (p.w->dims[0] != 1 || (int64_t)p.x->dims[3] * lks_tfl_option(op, &multiplier) != p.w->dims[3])
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "weights [%d, ..., %d] do not fit %d input channels and multiplier %lld",
                              (int)p.w->dims[0], (int)p.w->dims[3], (int)p.x->dims[3],
                              (long long)lks_tfl_option(op, &multiplier));
    p.channels = (uint32_t)p.w->dims[3];
    p.args.conv.groups = p.x->dims[3];
    LKS_TFL_TRY(emit_depthwise(op, p.w, &p.operands[1]));
    return finish_conv(op, &depthwise_conv_2d, &p);
}

/* ---- TRANSPOSE_CONV ------------------------------------------------------------------------------------------------------ */

/* Operands: the shape of the output, the weights [O, KH, KW, C], the input, and a bias, or none. */
static lks_status transpose_operands(const lks_tfl_op *op, conv_parts *p)
{
    lks_tfl_tensor *shape;

    LKS_TFL_TRY(lks_tfl_input(op, 2, LKS_TFL_I8_OR_U8, &p->x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &p->y));
    LKS_TFL_TRY(lks_tfl_same_type(op, p->x, p->y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "weights", p->x->type, &p->w));
    if (p->w->rank != 4 || p->x->rank != 4 || p->y->rank != 4)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input, weights and output must have 4 dimensions");
    LKS_TFL_TRY(lks_tfl_operand(op, 0, "shape", &shape));
    if (shape->shape_only)
        return LKS_OK;
    LKS_TFL_TRY(lks_tfl_constant(op, 0, "shape", LKS_TFL_INT32, &shape));
    for (uint32_t i = 0; i < 4; i++)
        if (lks_tfl_elements(shape) != 4 || lks_tfl_value(shape, i) != p->y->dims[i])
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the shape operand contradicts the shape of the output tensor");
    return LKS_OK;
}

/*
 * transpose_conv.cc: the padding is that of the convolution from y to x, which must give the extent of x.  Behind y, it is how
 * far the last kernel reaches beyond.
 */
static lks_status transpose_axis(const lks_tfl_op *op, const lks_fb_field *padding, const lks_fb_field *stride, int32_t y,
                                 int32_t x, int32_t kernel, const char *name, lks_tfl_window *a)
{
    *a = (lks_tfl_window){ .in = y, .out = x, .kernel = kernel, .stride = lks_tfl_option(op, stride), .dilation = 1 };
    LKS_TFL_TRY(lks_tfl_pad_window(op, padding, name, a));
    a->after = (int32_t)((x - 1) * a->stride + kernel - a->before - y);
    return LKS_OK;
}

lks_status lks_tfl_import_transpose_conv(const lks_tfl_op *op)
{
    static const lks_fb_field padding = { "TransposeConvOptions.padding", 0, 1, 0 },
        stride_w = { "TransposeConvOptions.stride_w", 1, 4, 0 }, stride_h = { "TransposeConvOptions.stride_h", 2, 4, 0 },
        fused = { "TransposeConvOptions.fused_activation_function", 3, 1, 0 },
        bias_type = { "TransposeConvOptions.quantized_bias_type", 4, 1, 0 };
    conv_parts p = { 0 };
    lks_tfl_window h, w;
    lks_tfl_quant x, y;
    lks_transposed_conv_args *a = &p.args.transposed_conv;
    int32_t zero = 0;

    LKS_TFL_TRY(transpose_operands(op, &p));
    LKS_TFL_TRY(check_weights(op, p.w, 0, p.w->type == LKS_TFL_UINT8 && p.w->scales.count == 1 ? &zero : NULL));
    LKS_TFL_TRY(check_bias_type(op, &bias_type));
    if (lks_tfl_option(op, &fused) != 0)        /* revisions of the reference ignore it */
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "a fused activation function is not supported");
    LKS_TFL_TRY(lks_tfl_quantization(op, p.x, &x));
    LKS_TFL_TRY(lks_tfl_quantization(op, p.y, &y));
    if (p.w->type == LKS_TFL_UINT8)
        LKS_TFL_TRY(check_bias_scale(op, 3, x.scale, weight_scale(op, p.w, 0), y.scale));
    LKS_TFL_TRY(transpose_axis(op, &padding, &stride_h, p.y->dims[1], p.x->dims[1], p.w->dims[1], "height", &h));
    LKS_TFL_TRY(transpose_axis(op, &padding, &stride_w, p.y->dims[2], p.x->dims[2], p.w->dims[2], "width", &w));
    p.operands[0] = p.x->index[LKS_TFL_PLAIN];
    p.channels = (uint32_t)p.w->dims[0];
    LKS_TFL_TRY(lks_tfl_emit_plain(op, p.w, &p.operands[1]));
    LKS_TFL_TRY(emit_bias(op, 3, p.channels, &p.operands[2]));
    LKS_TFL_TRY(emit_multipliers(op, p.w, p.channels, x.scale, y.scale,
                                 p.w->type == LKS_TFL_UINT8 ? lks_quantize_narrow_product : lks_quantize_product,
                                 &p.operands[3]));
    *a = (lks_transposed_conv_args){
        (int32_t)h.stride, (int32_t)w.stride, h.before, h.after, w.before, w.after, 1, x.zero, zero, y.zero, -128, 127, LKS_TFLITE
    };
    return lks_tfl_emit(op, LKS_OP_TRANSPOSED_CONV, p.operands, p.y, &p.args);
}

/* ---- FULLY_CONNECTED ----------------------------------------------------------------------------------------------------- */

/* The operands, and the options that are not about the output's range.  zero: of the weights. */
static lks_status dense_operands(const lks_tfl_op *op, lks_tfl_tensor **x, lks_tfl_tensor **w, lks_tfl_tensor **y, int32_t *zero)
{
    static const lks_fb_field format = { "FullyConnectedOptions.weights_format", 1, 1, 0 };
    static const lks_fb_field bias_type = { "FullyConnectedOptions.quantized_bias_type", 4, 1, 0 };

    LKS_TFL_TRY(lks_tfl_unary(op, x, y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "weights", (*x)->type, w));
    if (lks_tfl_option(op, &format) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "shuffled weights are not supported");
    LKS_TFL_TRY(check_bias_type(op, &bias_type));
    if ((*w)->rank != 2)
        return lks_tfl_refuse_rank(op, "the weights", (*w)->rank, 2);
    LKS_TFL_TRY(check_weights(op, *w, 0, zero));
    if ((*w)->type == LKS_TFL_UINT8 && (*w)->scales.count != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "UINT8 weights have %u scales, not 1", (unsigned)(*w)->scales.count);
    if ((*w)->scales.count != 1 && (*y)->rank != 2)     /* integer_ops/fully_connected.h: FullyConnectedPerChannel */
        return lks_tfl_refuse_rank(op, "the output, with weights scaled per channel,", (*y)->rank, 2);
    return LKS_OK;
}

/* fully_connected_common.cc: CalculateOpDataFullyConnected.  One weight scale takes another path than several: see narrow. */
lks_status lks_tfl_import_fully_connected(const lks_tfl_op *op)
{
    static const lks_fb_field fused = { "FullyConnectedOptions.fused_activation_function", 0, 1, 0 };
    lks_op_args args = { 0 };
    lks_fully_connected_args *a = &args.fully_connected;
    lks_tfl_tensor *x, *w, *y;
    lks_tfl_quant qx, qy;
    uint32_t operands[4], channels;
    bool narrow;

    LKS_TFL_TRY(dense_operands(op, &x, &w, &y, &a->w_zero));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    channels = (uint32_t)w->dims[0];
    narrow = w->scales.count == 1;
    if (narrow)
        LKS_TFL_TRY(check_bias_scale(op, 2, qx.scale, weight_scale(op, w, 0), qy.scale));
    LKS_TFL_TRY(lks_tfl_range(op, &fused, qy, &a->y_min, &a->y_max));
    operands[0] = x->index[LKS_TFL_PLAIN];
    LKS_TFL_TRY(lks_tfl_emit_plain(op, w, &operands[1]));
    LKS_TFL_TRY(emit_bias(op, 2, channels, &operands[2]));
    LKS_TFL_TRY(emit_multipliers(op, w, channels, qx.scale, qy.scale,
                                 narrow ? lks_quantize_narrow_product : lks_quantize_product, &operands[3]));
    a->x_zero = qx.zero;
    a->y_zero = qy.zero;
    a->rounding = LKS_TFLITE;
    return lks_tfl_emit(op, LKS_OP_FULLY_CONNECTED, operands, y, &args);
}

/* ---- BATCH_MATMUL -------------------------------------------------------------------------------------------------------- */

/* The operands' ranks, beyond which the reference refuses, and their types.  batch_matmul.cc: BatchMatMulPrepare */
static lks_status check_matrices(const lks_tfl_op *op, const lks_tfl_tensor *y)
{
    for (uint32_t i = 0; i < 2; i++) {
        lks_tfl_tensor *t;

        LKS_TFL_TRY(lks_tfl_operand(op, i, "input", &t));
        if (t->rank < 2 || t->rank > 5)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "an input has %u dimensions: there must be 2 to 5", (unsigned)t->rank);
    }
    if (y->type != LKS_TFL_INT8)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the reference has it for INT8 only, not for %s",
                              lks_tfl_type_name(y->type));
    return LKS_OK;
}

/* The product of the scales is rounded as that of FULLY_CONNECTED. */
lks_status lks_tfl_import_batch_matmul(const lks_tfl_op *op)
{
    static const lks_fb_field adj_x = { "BatchMatMulOptions.adj_x", 0, 1, 0 }, adj_y = { "BatchMatMulOptions.adj_y", 1, 1, 0 };
    lks_op_args args = { 0 };
    lks_batch_matmul_args *p = &args.batch_matmul;
    lks_tfl_quant a, b, qy;
    lks_tfl_tensor *y;
    uint32_t operands[2];
    bool a_constant, b_constant;
    lks_rq rq;

    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(check_matrices(op, y));
    LKS_TFL_TRY(lks_tfl_either(op, 0, y, &a, &operands[0], &a_constant));
    LKS_TFL_TRY(lks_tfl_either(op, 1, y, &b, &operands[1], &b_constant));
    if (a_constant && b_constant)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "both inputs are constant");
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (!lks_quantize_narrow_product(a.scale, b.scale, qy.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales give no multiplier");
    *p = (lks_batch_matmul_args){
        .a_zero = a.zero, .b_zero = b.zero, .y_zero = qy.zero, .adj_a = lks_tfl_option(op, &adj_x) != 0,
        .adj_b = lks_tfl_option(op, &adj_y) != 0, .m = rq.m, .s = rq.s, .y_min = -128, .y_max = 127, .rounding = LKS_TFLITE
    };
    return lks_tfl_emit(op, LKS_OP_BATCH_MATMUL, operands, y, &args);
}
