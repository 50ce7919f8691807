/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that only move elements.
 */
#include "host/rules.h"

#include "spec/arith.h"

#include <string.h>

static lks_status check_reshape(const lks_op_view *v)
{
    return v->y->elements == v->in[0]->elements ? LKS_OK : lks_illegal(v, "y", "must have as many elements as x");
}

static lks_status check_pad(const lks_op_view *v)
{
    const lks_pad_args *a = &v->op->args.pad;
    const lks_tensor *x = v->in[0];
    uint32_t dims[LKS_MAX_RANK] = { 0 };

    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        if (i >= x->rank && (a->before[i] || a->after[i]))
            return lks_illegal(v, "before, after", "must be 0 beyond the rank");
        dims[i] = x->dims[i] + (uint32_t)a->before[i] + (uint32_t)a->after[i];
    }
    return lks_expect_shape(v, v->y, "y", x->rank, dims);
}

static bool pad_free(const lks_op_view *v)
{
    return v->op->args.pad.before[0] == 0 && v->op->args.pad.after[0] == 0;
}

/* ---- concat, split ------------------------------------------------------------------------------------------------------- */

/* The shape of whole, which is made of count parts along axis: all but that axis as the first part has it. */
static lks_status join_shapes(const lks_op_view *v, const char *what, uint32_t count,
                              const lks_tensor *(*part)(const lks_op_view *v, uint32_t i), uint32_t dims[LKS_MAX_RANK])
{
    const uint32_t rank = part(v, 0)->rank, axis = (uint32_t)v->op->args.axis.axis;
    uint64_t sum = 0;

    if (axis >= rank)
        return lks_illegal(v, "axis", "must be less than the rank");
    memcpy(dims, part(v, 0)->dims, rank * sizeof *dims);
    for (uint32_t i = 0; i < count; i++) {
        const lks_tensor *t = part(v, i);

        dims[axis] = t->dims[axis];
        if (t->rank != rank || memcmp(t->dims, dims, rank * sizeof *dims) != 0)
            return lks_illegal(v, what, "must have equal shapes, but for the axis");
        sum += t->dims[axis];
    }
    if (sum > LKS_MAX_EXTENT)
        return lks_illegal(v, what, "are longer together than 2^24");
    dims[axis] = (uint32_t)sum;
    return LKS_OK;
}

static uint32_t count_constants(const lks_op_view *v)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < v->op->operand_count; i++)
        count += lks_operand(v, i)->constant ? 1 : 0;
    return count;
}

static lks_status check_concat(const lks_op_view *v)
{
    uint32_t dims[LKS_MAX_RANK] = { 0 };
    lks_status st = join_shapes(v, "operands", v->op->operand_count, lks_operand, dims);

    if (st != LKS_OK)
        return st;
    if (count_constants(v) == v->op->operand_count)
        return lks_illegal(v, "operands", "one of them must not be constant");
    for (uint32_t i = 0; i < v->op->operand_count; i++)
        if (lks_operand(v, i)->type != LKS_I8)
            return lks_illegal(v, "operands", "must be int8");
    return lks_expect_shape(v, v->y, "y", lks_operand(v, 0)->rank, dims);
}

static lks_status check_split(const lks_op_view *v)
{
    uint32_t dims[LKS_MAX_RANK] = { 0 };
    lks_status st = join_shapes(v, "outputs", v->op->output_count, lks_result, dims);

    return st != LKS_OK ? st : lks_expect_shape(v, v->in[0], "x", v->y->rank, dims);
}

static bool concat_free(const lks_op_view *v)
{
    return v->op->args.axis.axis != 0 && count_constants(v) == 0;
}

static bool split_free(const lks_op_view *v)
{
    return v->op->args.axis.axis != 0;
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

static const lks_arg_rule pad_args[] = {
    COUNT("before_0"), COUNT("before_1"), COUNT("before_2"), COUNT("before_3"), COUNT("before_4"), COUNT("before_5"),
    COUNT("after_0"), COUNT("after_1"), COUNT("after_2"), COUNT("after_3"), COUNT("after_4"), COUNT("after_5"), BYTE("pad_value")
};
static const lks_arg_rule axis_args[] = { { "axis", 0, LKS_MAX_RANK - 1 } };

const lks_op_rule lks_move_rules[] = {
    { LKS_OP_RESHAPE, "reshape", 1, 1, 0, NULL, -1, check_reshape, NULL, lks_same_first_extent, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_PAD, "pad", 1, 1, 13, pad_args, -1, check_pad, NULL, pad_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_CONCAT, "concat", LKS_ANY_COUNT, 1, 1, axis_args, -1, check_concat, NULL, concat_free, NULL, lks_per_output,
      LKS_I8, LKS_I8 },
    { LKS_OP_SPLIT, "split", 1, LKS_ANY_COUNT, 1, axis_args, -1, check_split, NULL, split_free, NULL, lks_per_input, LKS_I8, LKS_I8 },
    { 0 }
};
