/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that only move elements.  Their bytes are copied, so that quantization does not matter, but for CONCATENATION of UINT8
 * operands, each of which becomes what the output's scale makes of it.
 */
#include "import/tflite_move.h"

#include "import/quantize.h"

#include <stdlib.h>
#include <string.h>

/* ---- axes, shapes -------------------------------------------------------------------------------------------------------- */

/* An axis as TensorFlow Lite counts it, from the end where it is negative. */
static lks_status settle_axis(const lks_tfl_op *op, int64_t axis, uint32_t rank, uint32_t *settled)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "axis %lld of %u dimensions", (long long)axis, (unsigned)rank);
    *settled = (uint32_t)(axis < 0 ? axis + rank : axis);
    return LKS_OK;
}

/* Operand i, a constant of one INT32: an axis of a tensor of that rank. */
static lks_status constant_axis(const lks_tfl_op *op, uint32_t i, uint32_t rank, uint32_t *axis)
{
    lks_tfl_tensor *t;

    LKS_TFL_TRY(lks_tfl_constant(op, i, "axis", LKS_TFL_INT32, &t));
    if (lks_tfl_elements(t) != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the axis must be one number");
    return settle_axis(op, lks_tfl_value(t, 0), rank, axis);
}

/* The shape of t with an axis of that extent put before axis `at`. */
static void insert_axis(const lks_tfl_tensor *t, uint32_t at, uint32_t extent, uint32_t dims[LKS_MAX_RANK])
{
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i + (i >= at)] = (uint32_t)t->dims[i];
    dims[at] = extent;
}

/* ---- EXPAND_DIMS, SQUEEZE ------------------------------------------------------------------------------------------------ */

lks_status lks_tfl_import_same_elements(const lks_tfl_op *op)
{
    const lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the input has %u elements, the output %u", (unsigned)lks_tfl_elements(x),
                              (unsigned)lks_tfl_elements(y));
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- CONCATENATION, PACK ------------------------------------------------------------------------------------------------- */

/* A UINT8 operand in the scale of the output: a table. */
static lks_status rescale(const lks_tfl_op *op, const lks_tfl_tensor *x, const lks_tfl_tensor *y, lks_tfl_quant qx, lks_tfl_quant qy,
                          uint32_t *index)
{
    const uint32_t size = LKS_TABLE_SIZE;
    const lks_op_args none = { 0 };
    uint32_t dims[LKS_MAX_RANK], operands[2];
    int8_t table[LKS_TABLE_SIZE];

    if (!lks_quantize_concat(qx.scale, qx.zero + 128, qy.scale, qy.zero + 128, table))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of an input and of the output are too far apart");
    LKS_TFL_TRY(lks_tfl_spend(op, size));
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = (uint32_t)x->dims[i];
    operands[0] = x->index[LKS_TFL_PLAIN];
    operands[1] = lks_tfl_emit_constant(op, NULL, LKS_I8, 1, &size, table);
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, dims, index));
    lks_builder_op(op->m->builder, LKS_OP_LUT, operands, index, &none);
    return LKS_OK;
}

/* Operand i of an op that makes y: constant, or not. */
static lks_status part(const lks_tfl_op *op, uint32_t i, const lks_tfl_tensor *y, lks_tfl_tensor **x)
{
    LKS_TFL_TRY(lks_tfl_operand(op, i, "input", x));
    if ((*x)->data)
        return lks_tfl_constant(op, i, "input", y->type, x);
    LKS_TFL_TRY(lks_tfl_input(op, i, LKS_TFL_I8_OR_U8, x));
    return lks_tfl_same_type(op, *x, y);
}

/* concatenation.cc: INT8 operands must have the output's scale; UINT8 ones are rescaled. */
static lks_status concat_operand(const lks_tfl_op *op, uint32_t i, const lks_tfl_tensor *y, uint32_t *index)
{
    lks_tfl_tensor *x;
    lks_tfl_quant qx, qy;

    LKS_TFL_TRY(part(op, i, y, &x));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (x->rank != y->rank)
        return lks_tfl_refuse_rank(op, "an input", x->rank, y->rank);
    if (qx.scale != qy.scale || qx.zero != qy.zero) {
        if (x->type != LKS_TFL_UINT8 || x->data)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input %u and the output have different scales or zero points", (unsigned)i);
        return rescale(op, x, y, qx, qy, index);
    }
    *index = x->index[LKS_TFL_PLAIN];
    return x->data ? lks_tfl_emit_plain(op, x, index) : LKS_OK;
}

/* Add the concatenation of operands, which are in the .lks. */
static lks_status emit_concat(const lks_tfl_op *op, const uint32_t *operands, uint32_t count, lks_tfl_tensor *y, uint32_t axis)
{
    const lks_op_args args = { .axis = { (int32_t)axis } };

    LKS_TFL_TRY(lks_tfl_emit_activation(op, y));
    lks_builder_op_of(op->m->builder, LKS_OP_CONCAT, operands, count, &y->index[LKS_TFL_PLAIN], 1, &args);
    return LKS_OK;
}

lks_status lks_tfl_import_concatenation(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "ConcatenationOptions.axis", 0, 4, 0 };
    static const lks_fb_field fused = { "ConcatenationOptions.fused_activation_function", 1, 1, 0 };
    uint32_t operands[LKS_MAX_ENDS], axis = 0;
    lks_tfl_tensor *y;

    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(settle_axis(op, lks_tfl_option(op, &axis_field), y->rank, &axis));
    if (lks_tfl_option(op, &fused) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "a fused activation function is not supported");
    for (uint32_t i = 0; i < op->o.inputs.count; i++)
        LKS_TFL_TRY(concat_operand(op, i, y, &operands[i]));
    return emit_concat(op, operands, op->o.inputs.count, y, axis);
}

/* pack.cc: each operand with an axis of extent 1, one behind the other along it. */
lks_status lks_tfl_import_pack(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "PackOptions.axis", 1, 4, 0 }, count = { "PackOptions.values_count", 0, 4, 0 };
    const lks_op_args none = { 0 };
    uint32_t operands[LKS_MAX_ENDS], dims[LKS_MAX_RANK] = { 0 }, axis = 0;
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(settle_axis(op, lks_tfl_option(op, &axis_field), y->rank, &axis));
    if (lks_tfl_option(op, &count) != op->o.inputs.count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "values_count is not the number of inputs");
    for (uint32_t i = 0; i < op->o.inputs.count; i++) {
        LKS_TFL_TRY(lks_tfl_input(op, i, LKS_TFL_I8_OR_U8, &x));
        LKS_TFL_TRY(lks_tfl_same_type(op, x, y));
        if (x->rank + 1 != y->rank)
            return lks_tfl_refuse_rank(op, "an input", x->rank, y->rank - 1);
        insert_axis(x, axis, 1, dims);
        LKS_TFL_TRY(lks_tfl_emit_between(op, y, y->rank, dims, &operands[i]));
        lks_builder_op(op->m->builder, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], &operands[i], &none);
    }
    return emit_concat(op, operands, op->o.inputs.count, y, axis);
}

/* ---- SPLIT, SPLIT_V, UNPACK ---------------------------------------------------------------------------------------------- */

/* All outputs, of the type of x. */
static lks_status emit_split(const lks_tfl_op *op, const lks_tfl_tensor *x, uint32_t axis)
{
    const lks_op_args args = { .axis = { (int32_t)axis } };
    uint32_t outputs[LKS_MAX_ENDS];
    lks_tfl_tensor *y;

    for (uint32_t i = 0; i < op->o.outputs.count; i++) {
        LKS_TFL_TRY(lks_tfl_output_at(op, i, LKS_TFL_I8_OR_U8, &y));
        LKS_TFL_TRY(lks_tfl_same_type(op, x, y));
        LKS_TFL_TRY(lks_tfl_emit_activation(op, y));
        outputs[i] = y->index[LKS_TFL_PLAIN];
    }
    lks_builder_op_of(op->m->builder, LKS_OP_SPLIT, &x->index[LKS_TFL_PLAIN], 1, outputs, op->o.outputs.count, &args);
    return LKS_OK;
}

static lks_status check_count(const lks_tfl_op *op, const lks_fb_field *field)
{
    if (lks_tfl_option(op, field) != op->o.outputs.count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s is %lld for %u outputs", field->name, (long long)lks_tfl_option(op, field),
                              (unsigned)op->o.outputs.count);
    return LKS_OK;
}

/* Operands axis, x; equal parts. */
lks_status lks_tfl_import_split(const lks_tfl_op *op)
{
    static const lks_fb_field count = { "SplitOptions.num_splits", 0, 4, 0 };
    lks_tfl_tensor *x, *y;
    uint32_t axis;

    LKS_TFL_TRY(lks_tfl_input(op, 1, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(constant_axis(op, 0, x->rank, &axis));
    LKS_TFL_TRY(check_count(op, &count));
    for (uint32_t i = 0; i < op->o.outputs.count; i++) {
        LKS_TFL_TRY(lks_tfl_output_at(op, i, LKS_TFL_I8_OR_U8, &y));
        if (y->rank != x->rank || (int64_t)y->dims[axis] * op->o.outputs.count != x->dims[axis])
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "output %u is not one of %u equal parts", (unsigned)i,
                                  (unsigned)op->o.outputs.count);
    }
    return emit_split(op, x, axis);
}

/* Operands x, sizes, axis; one of the sizes may be -1: what is left. */
lks_status lks_tfl_import_split_v(const lks_tfl_op *op)
{
    static const lks_fb_field count = { "SplitVOptions.num_splits", 0, 4, 0 };
    lks_tfl_tensor *x, *y, *sizes;
    uint32_t axis, unknown = 0;

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "sizes", &sizes));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "sizes", sizes->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32, &sizes));
    LKS_TFL_TRY(constant_axis(op, 2, x->rank, &axis));
    LKS_TFL_TRY(check_count(op, &count));
    if (lks_tfl_elements(sizes) != op->o.outputs.count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%u sizes for %u outputs", (unsigned)lks_tfl_elements(sizes),
                              (unsigned)op->o.outputs.count);
    for (uint32_t i = 0; i < op->o.outputs.count; i++) {
        int64_t size = lks_tfl_value(sizes, i);

        LKS_TFL_TRY(lks_tfl_output_at(op, i, LKS_TFL_I8_OR_U8, &y));
        if (y->rank != x->rank || (size != y->dims[axis] && !(size == -1 && unknown++ == 0)))
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "output %u has not the size %lld", (unsigned)i, (long long)size);
    }
    return emit_split(op, x, axis);
}

/* Each output: a part of extent 1, without the axis. */
lks_status lks_tfl_import_unpack(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "UnpackOptions.axis", 1, 4, 0 }, count = { "UnpackOptions.num", 0, 4, 0 };
    const lks_op_args none = { 0 };
    uint32_t parts[LKS_MAX_ENDS], dims[LKS_MAX_RANK], axis = 0;
    lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(settle_axis(op, lks_tfl_option(op, &axis_field), x->rank, &axis));
    LKS_TFL_TRY(check_count(op, &count));
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i == axis ? 1 : (uint32_t)x->dims[i];
    for (uint32_t i = 0; i < op->o.outputs.count; i++) {
        LKS_TFL_TRY(lks_tfl_output_at(op, i, LKS_TFL_I8_OR_U8, &y));
        LKS_TFL_TRY(lks_tfl_same_type(op, x, y));
        if (y->rank + 1 != x->rank)
            return lks_tfl_refuse_rank(op, "an output", y->rank, x->rank - 1);
        LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, dims, &parts[i]));
    }
    args.axis.axis = (int32_t)axis;
    lks_builder_op_of(op->m->builder, LKS_OP_SPLIT, &x->index[LKS_TFL_PLAIN], 1, parts, op->o.outputs.count, &args);
    for (uint32_t i = 0; i < op->o.outputs.count; i++) {
        LKS_TFL_TRY(lks_tfl_output_at(op, i, LKS_TFL_I8_OR_U8, &y));
        LKS_TFL_TRY(lks_tfl_emit(op, LKS_OP_RESHAPE, &parts[i], y, &none));
    }
    return LKS_OK;
}

/* ---- SLICE, STRIDED_SLICE ------------------------------------------------------------------------------------------------ */

/* Operand i, a constant of so many INT32 or INT64. */
static lks_status constant_list(const lks_tfl_op *op, uint32_t i, const char *role, uint32_t count, lks_tfl_tensor **t)
{
    LKS_TFL_TRY(lks_tfl_operand(op, i, role, t));
    LKS_TFL_TRY(lks_tfl_constant(op, i, role, (*t)->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32, t));
    if (lks_tfl_elements(*t) != count)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s has %u elements, not %u", role, (unsigned)lks_tfl_elements(*t), (unsigned)count);
    return LKS_OK;
}

static lks_status check_extents(const lks_tfl_op *op, const lks_tfl_tensor *y, uint32_t rank, const int64_t *extent)
{
    bool same = y->rank == rank;

    for (uint32_t i = 0; same && i < rank; i++)
        same = y->dims[i] == extent[i];
    return same ? LKS_OK : lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output has not the shape that the other operands give");
}

lks_status lks_tfl_import_slice(const lks_tfl_op *op)
{
    lks_op_args args = { .slice = { .step = { 1, 1, 1, 1, 1, 1 } } };
    lks_tfl_tensor *x, *y, *begins, *sizes;
    int64_t extent[LKS_MAX_RANK] = { 0 };

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(constant_list(op, 1, "begin", x->rank, &begins));
    LKS_TFL_TRY(constant_list(op, 2, "size", x->rank, &sizes));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t begin = lks_tfl_value(begins, i), size = lks_tfl_value(sizes, i);

        if (begin < 0 || begin >= x->dims[i] || size < -1 || size > x->dims[i] - begin)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "axis %u: %lld elements from %lld of %d", (unsigned)i, (long long)size,
                                  (long long)begin, (int)x->dims[i]);
        args.slice.begin[i] = (int32_t)begin;
        extent[i] = size < 0 ? x->dims[i] - begin : size;
    }
    LKS_TFL_TRY(check_extents(op, y, x->rank, extent));
    return lks_tfl_emit(op, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* What STRIDED_SLICE asks for: its operands, and bit i of each mask for entry i of them. */
typedef struct ranges {
    lks_tfl_tensor *begin, *end, *step;
    uint32_t count;
    int64_t begin_mask, end_mask, ellipsis_mask, new_mask, shrink_mask, offset;
} ranges;

/* What becomes of it: a slice of x, and the shape of y, which may lack axes of x and have others. */
typedef struct sliced {
    lks_op_args args;
    uint32_t dims[LKS_MAX_RANK], axis, rank;    /* of the slice, so far; of y, so far */
    int64_t extent[LKS_MAX_RANK + 1];
} sliced;

static lks_status read_ranges(const lks_tfl_op *op, ranges *r)
{
    static const lks_fb_field begin = { "StridedSliceOptions.begin_mask", 0, 4, 0 }, end = { "StridedSliceOptions.end_mask", 1, 4, 0 },
        ellipsis = { "StridedSliceOptions.ellipsis_mask", 2, 4, 0 }, inserted = { "StridedSliceOptions.new_axis_mask", 3, 4, 0 },
        shrink = { "StridedSliceOptions.shrink_axis_mask", 4, 4, 0 }, offset = { "StridedSliceOptions.offset", 5, 1, 0 };

    LKS_TFL_TRY(lks_tfl_constant(op, 1, "begin", LKS_TFL_INT32, &r->begin));
    r->count = lks_tfl_elements(r->begin);
    LKS_TFL_TRY(constant_list(op, 2, "end", r->count, &r->end));
    LKS_TFL_TRY(constant_list(op, 3, "strides", r->count, &r->step));
    r->begin_mask = lks_tfl_option(op, &begin);
    r->end_mask = lks_tfl_option(op, &end);
    r->ellipsis_mask = lks_tfl_option(op, &ellipsis);
    r->new_mask = lks_tfl_option(op, &inserted);
    r->shrink_mask = lks_tfl_option(op, &shrink);
    r->offset = lks_tfl_option(op, &offset);
    if (r->count > 2 * LKS_MAX_RANK)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%u ranges", (unsigned)r->count);
    return LKS_OK;
}

static bool is_set(int64_t mask, uint32_t i)
{
    return mask >> i & 1;
}

static int64_t clamped(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* strided_slice_logic.h: StridedSliceStartForAxis, StridedSliceEndForAxis */
static int64_t settle(int64_t at, int64_t extent, int64_t step, bool masked, bool is_end)
{
    if (masked && is_end)
        return step > 0 ? extent : -1;
    if (masked)
        return step > 0 ? 0 : extent - 1;
    at += at < 0 ? extent : 0;
    return step > 0 ? clamped(at, 0, extent) : clamped(at, -1, extent - 1);
}

/* Entry i, of the next axis of x. */
static lks_status take_range(const lks_tfl_op *op, const lks_tfl_tensor *x, const ranges *r, uint32_t i, sliced *s)
{
    const uint32_t axis = s->axis++;
    const int64_t extent = axis < x->rank ? x->dims[axis] : 0, step = lks_tfl_value(r->step, i);
    int64_t begin, end, count;

    if (axis >= x->rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more ranges than the input has dimensions");
    if (step == 0 || step < -(1 << 24) || step > 1 << 24)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "stride %lld", (long long)step);
    begin = settle(lks_tfl_value(r->begin, i), extent, step, is_set(r->begin_mask, i), false);
    end = settle(lks_tfl_value(r->end, i) + (r->offset ? begin : 0), extent, step, is_set(r->end_mask, i), true);
    count = is_set(r->shrink_mask, i) ? 1 : step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
    if (begin < 0 || begin >= extent || count < 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "range %u is empty", (unsigned)i);
    s->args.slice.begin[axis] = (int32_t)begin;
    s->args.slice.step[axis] = (int32_t)step;
    s->dims[axis] = (uint32_t)count;
    if (!is_set(r->shrink_mask, i))
        s->extent[s->rank++] = count;
    return LKS_OK;
}

/* The next axes of x, whole. */
static lks_status take_whole(const lks_tfl_op *op, const lks_tfl_tensor *x, uint32_t end, sliced *s)
{
    for (; s->axis < end; s->axis++) {
        if (s->rank >= LKS_MAX_RANK)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than 6 dimensions");
        s->dims[s->axis] = (uint32_t)x->dims[s->axis];
        s->extent[s->rank++] = x->dims[s->axis];
    }
    return LKS_OK;
}

/* strided_slice.cc: BuildStridedSliceParams.  An ellipsis stands for all axes that nothing else names. */
static lks_status take_ranges(const lks_tfl_op *op, const lks_tfl_tensor *x, const ranges *r, sliced *s)
{
    uint32_t named = 0;

    for (uint32_t i = 0; i < r->count; i++)
        named += !is_set(r->ellipsis_mask, i) && !is_set(r->new_mask, i);
    for (uint32_t i = 0; i < r->count; i++) {
        if (s->rank >= LKS_MAX_RANK)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than 6 dimensions");
        if (is_set(r->ellipsis_mask, i) && x->rank <= named)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the ellipsis stands for no axis, which revisions of TensorFlow disagree about");
        if (is_set(r->ellipsis_mask, i))
            LKS_TFL_TRY(take_whole(op, x, s->axis + x->rank - named, s));
        else if (is_set(r->new_mask, i))
            s->extent[s->rank++] = 1;
        else
            LKS_TFL_TRY(take_range(op, x, r, i, s));
    }
    return take_whole(op, x, x->rank, s);
}

lks_status lks_tfl_import_strided_slice(const lks_tfl_op *op)
{
    const lks_op_args none = { 0 };
    sliced s = { .args = { .slice = { .step = { 1, 1, 1, 1, 1, 1 } } } };
    lks_tfl_tensor *x, *y;
    uint32_t index;
    ranges r;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(read_ranges(op, &r));
    if ((r.ellipsis_mask & (r.ellipsis_mask - 1)) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "more than one ellipsis");
    LKS_TFL_TRY(take_ranges(op, x, &r, &s));
    LKS_TFL_TRY(check_extents(op, y, s.rank, s.extent));
    if (s.rank == x->rank && r.new_mask == 0 && r.shrink_mask == 0)
        return lks_tfl_emit(op, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], y, &s.args);
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, s.dims, &index));
    lks_builder_op(op->m->builder, LKS_OP_SLICE, &x->index[LKS_TFL_PLAIN], &index, &s.args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &index, y, &none);
}

/* ---- TRANSPOSE, TILE ----------------------------------------------------------------------------------------------------- */

lks_status lks_tfl_import_transpose(const lks_tfl_op *op)
{
    lks_op_args args = { .transpose = { { 0, 1, 2, 3, 4, 5 } } };
    lks_tfl_tensor *x, *y, *perm;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(constant_list(op, 1, "perm", x->rank, &perm));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t axis = lks_tfl_value(perm, i);

        if (axis < 0 || axis >= x->rank)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "perm names axis %lld of %u", (long long)axis, (unsigned)x->rank);
        args.transpose.perm[i] = (int32_t)axis;
    }
    return lks_tfl_emit(op, LKS_OP_TRANSPOSE, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_tile(const lks_tfl_op *op)
{
    lks_op_args args = { .tile = { { 1, 1, 1, 1, 1, 1 } } };
    lks_tfl_tensor *x, *y, *multiples;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(constant_list(op, 1, "multiples", x->rank, &multiples));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t count = lks_tfl_value(multiples, i);

        if (count < 1 || count > LKS_MAX_EXTENT)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "multiple %lld", (long long)count);
        args.tile.repeats[i] = (int32_t)count;
    }
    return lks_tfl_emit(op, LKS_OP_TILE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- GATHER, RESIZE_NEAREST_NEIGHBOR ------------------------------------------------------------------------------------- */

/* The i32 constant of so many values, which fill makes.  LKS_ERR_LIMIT, LKS_ERR_NOMEM */
static lks_status emit_indices(const lks_tfl_op *op, uint32_t rank, const uint32_t *dims, int32_t (*fill)(const void *from, uint32_t i),
                               const void *from, uint32_t *index)
{
    uint32_t count = 1;
    int32_t *values;

    for (uint32_t i = 0; i < rank; i++)
        count *= dims[i];
    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)count * sizeof *values));
    values = malloc(count * sizeof *values);
    if (!values)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < count; i++)
        values[i] = fill(from, i);
    *index = lks_tfl_emit_constant(op, NULL, LKS_I32, rank, dims, values);
    free(values);
    return LKS_OK;
}

/* Beyond int32: an index that no extent has. */
static int32_t position(const void *tensor, uint32_t i)
{
    const int64_t v = lks_tfl_value(tensor, i);

    return v < 0 || v > INT32_MAX ? -1 : (int32_t)v;
}

/* y is the shape of x with the shape of the positions in place of the axis: one axis, of extent 1, where they are a single number. */
lks_status lks_tfl_import_gather(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "GatherOptions.axis", 0, 4, 0 }, batch_dims = { "GatherOptions.batch_dims", 1, 4, 0 };
    const lks_op_args none = { 0 };
    lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y, *positions;
    uint32_t operands[2], axis = 0, dims[LKS_MAX_RANK] = { 1 }, index;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(settle_axis(op, lks_tfl_option(op, &axis_field), x->rank, &axis));
    if (lks_tfl_option(op, &batch_dims) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "batch_dims is not supported");
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "positions", &positions));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "positions", positions->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32, &positions));
    for (uint32_t i = 0; i < positions->rank; i++)
        dims[i] = (uint32_t)positions->dims[i];
    LKS_TFL_TRY(emit_indices(op, positions->rank ? positions->rank : 1, dims, position, positions, &operands[1]));
    operands[0] = x->index[LKS_TFL_PLAIN];
    args.axis.axis = (int32_t)axis;
    if (positions->rank != 0)
        return lks_tfl_emit(op, LKS_OP_GATHER, operands, y, &args);
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i == axis ? 1 : (uint32_t)x->dims[i];
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, dims, &index));
    lks_builder_op(op->m->builder, LKS_OP_GATHER, operands, &index, &args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &index, y, &none);
}

typedef struct nearest {
    int32_t in, out;
    bool align_corners, half_pixel_centers;
} nearest;

static int32_t nearest_source(const void *from, uint32_t i)
{
    const nearest *n = from;

    return lks_quantize_nearest((int32_t)i, n->in, n->out, n->align_corners, n->half_pixel_centers);
}

lks_status lks_tfl_import_resize_nearest_neighbor(const lks_tfl_op *op)
{
    static const lks_fb_field align = { "ResizeNearestNeighborOptions.align_corners", 0, 1, 0 },
        half = { "ResizeNearestNeighborOptions.half_pixel_centers", 1, 1, 0 };
    const lks_op_args none = { 0 };
    lks_tfl_tensor *x, *y, *size;
    uint32_t operands[3];

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    if (x->rank != 4 || y->rank != 4)
        return lks_tfl_refuse_rank(op, "input and output", x->rank != 4 ? x->rank : y->rank, 4);
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "size", &size));
    if (!size->shape_only) {
        LKS_TFL_TRY(constant_list(op, 1, "size", 2, &size));
        if (lks_tfl_value(size, 0) != y->dims[1] || lks_tfl_value(size, 1) != y->dims[2])
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the size operand contradicts the shape of the output tensor");
    }
    operands[0] = x->index[LKS_TFL_PLAIN];
    for (uint32_t i = 1; i <= 2; i++) {
        const nearest n = { x->dims[i], y->dims[i], lks_tfl_option(op, &align) != 0, lks_tfl_option(op, &half) != 0 };
        const uint32_t extent = (uint32_t)n.out;

        if (n.in > 1 << 22 || n.out > 1 << 22)
            return lks_tfl_refuse(op, LKS_ERR_LIMIT, "an extent beyond 2^22");
        LKS_TFL_TRY(emit_indices(op, 1, &extent, nearest_source, &n, &operands[i]));
    }
    return lks_tfl_emit(op, LKS_OP_RESIZE_NEAREST, operands, y, &none);
}

/* ---- SPACE_TO_DEPTH, DEPTH_TO_SPACE -------------------------------------------------------------------------------------- */

/* x read as [n, a, b, c, d], axes 2 and 3 changed, and read as y. */
static lks_status swap_blocks(const lks_tfl_op *op, const lks_tfl_tensor *x, lks_tfl_tensor *y, const uint32_t dims[5])
{
    const uint32_t swapped[5] = { dims[0], dims[1], dims[3], dims[2], dims[4] };
    const lks_op_args none = { 0 }, args = { .transpose = { { 0, 1, 3, 2, 4, 5 } } };
    uint32_t before, after;

    LKS_TFL_TRY(lks_tfl_emit_between(op, y, 5, dims, &before));
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, 5, swapped, &after));
    lks_builder_op(op->m->builder, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], &before, &none);
    lks_builder_op(op->m->builder, LKS_OP_TRANSPOSE, &before, &after, &args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &after, y, &none);
}

/* small: the side with fewer channels, large: the other one, of which an element is a block of b x b. */
static lks_status check_blocks(const lks_tfl_op *op, const lks_tfl_tensor *small, const lks_tfl_tensor *large, int64_t b)
{
    if (small->rank != 4 || large->rank != 4)
        return lks_tfl_refuse_rank(op, "input and output", small->rank != 4 ? small->rank : large->rank, 4);
    if (b < 1 || b > 65535 || small->dims[0] != large->dims[0] || small->dims[1] != b * large->dims[1]
        || small->dims[2] != b * large->dims[2] || b * b * small->dims[3] != large->dims[3])
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output do not fit blocks of %lld", (long long)b);
    return LKS_OK;
}

lks_status lks_tfl_import_space_to_depth(const lks_tfl_op *op)
{
    static const lks_fb_field block = { "SpaceToDepthOptions.block_size", 0, 4, 0 };
    const int64_t b = lks_tfl_option(op, &block);
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(check_blocks(op, x, y, b));

    const uint32_t dims[5] = { (uint32_t)x->dims[0], (uint32_t)y->dims[1], (uint32_t)b, (uint32_t)y->dims[2], (uint32_t)(b * x->dims[3]) };

    return swap_blocks(op, x, y, dims);
}

lks_status lks_tfl_import_depth_to_space(const lks_tfl_op *op)
{
    static const lks_fb_field block = { "DepthToSpaceOptions.block_size", 0, 4, 0 };
    const int64_t b = lks_tfl_option(op, &block);
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(check_blocks(op, y, x, b));

    const uint32_t dims[5] = { (uint32_t)x->dims[0], (uint32_t)x->dims[1], (uint32_t)x->dims[2], (uint32_t)b, (uint32_t)(b * y->dims[3]) };

    return swap_blocks(op, x, y, dims);
}
