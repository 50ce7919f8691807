/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that join tensors along an axis, or part one.  Bytes are copied, so that quantization does not matter, but for
 * CONCATENATION of UINT8 operands, each of which becomes what the output's scale makes of it.
 */
#include "import/tflite_join.h"

#include "import/quantize.h"
#include "import/tflite_axis.h"

/* ---- CONCATENATION, PACK ------------------------------------------------------------------------------------------------- */

/* A UINT8 operand in the scale of the output: a table. */
static lks_status rescale(const lks_tfl_op *op, const lks_tfl_tensor *x, const lks_tfl_tensor *y, lks_tfl_quant qx,
                          lks_tfl_quant qy, uint32_t *index)
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
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input %u and the output have different scales or zero points",
                                  (unsigned)i);
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
    LKS_TFL_TRY(lks_tfl_axis(op, lks_tfl_option(op, &axis_field), y->rank, &axis));
    if (lks_tfl_option(op, &fused) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "a fused activation function is not supported");
    for (uint32_t i = 0; i < op->o.inputs.count; i++)
        LKS_TFL_TRY(concat_operand(op, i, y, &operands[i]));
    return emit_concat(op, operands, op->o.inputs.count, y, axis);
}

/* pack.cc: each operand with an axis of extent 1, one behind the other along it. */
/* The shape of t with an axis of that extent put before axis `at`. */
static void insert_axis(const lks_tfl_tensor *t, uint32_t at, uint32_t extent, uint32_t dims[LKS_MAX_RANK])
{
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i + (i >= at)] = (uint32_t)t->dims[i];
    dims[at] = extent;
}

lks_status lks_tfl_import_pack(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "PackOptions.axis", 1, 4, 0 }, count = { "PackOptions.values_count", 0, 4, 0 };
    const lks_op_args none = { 0 };
    uint32_t operands[LKS_MAX_ENDS], dims[LKS_MAX_RANK] = { 0 }, axis = 0;
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(lks_tfl_axis(op, lks_tfl_option(op, &axis_field), y->rank, &axis));
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
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s is %lld for %u outputs", field->name,
                              (long long)lks_tfl_option(op, field), (unsigned)op->o.outputs.count);
    return LKS_OK;
}

/* Operands axis, x; equal parts. */
lks_status lks_tfl_import_split(const lks_tfl_op *op)
{
    static const lks_fb_field count = { "SplitOptions.num_splits", 0, 4, 0 };
    lks_tfl_tensor *x, *y;
    uint32_t axis;

    LKS_TFL_TRY(lks_tfl_input(op, 1, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(lks_tfl_constant_axis(op, 0, x->rank, &axis));
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
    LKS_TFL_TRY(lks_tfl_constant_axis(op, 2, x->rank, &axis));
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
    LKS_TFL_TRY(lks_tfl_axis(op, lks_tfl_option(op, &axis_field), x->rank, &axis));
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
