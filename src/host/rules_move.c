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

/* ---- slice, transpose, tile ---------------------------------------------------------------------------------------------- */

static lks_status check_slice(const lks_op_view *v)
{
    const lks_slice_args *a = &v->op->args.slice;
    const lks_tensor *x = v->in[0], *y = v->y;

    if (y->rank != x->rank)
        return lks_illegal(v, "y", "must have the rank of x");
    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        const int64_t extent = i < x->rank ? x->dims[i] : 1, count = i < x->rank ? y->dims[i] : 1;
        const int64_t last = a->begin[i] + (count - 1) * a->step[i];

        if (a->step[i] == 0)
            return lks_illegal(v, "step", "must not be 0");
        if (i >= x->rank && a->step[i] != 1)
            return lks_illegal(v, "step", "must be 1 beyond the rank");
        if (a->begin[i] >= extent || last < 0 || last >= extent)
            return lks_illegal(v, "begin, step", "reach beyond x");
    }
    return LKS_OK;
}

static bool slice_free(const lks_op_view *v)
{
    return v->op->args.slice.begin[0] == 0 && v->op->args.slice.step[0] == 1 && lks_same_first_extent(v);
}

static lks_status check_transpose(const lks_op_view *v)
{
    const int32_t *perm = v->op->args.transpose.perm;
    const lks_tensor *x = v->in[0];
    uint32_t dims[LKS_MAX_RANK], seen = 0;

    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        if (i >= x->rank && perm[i] != (int32_t)i)
            return lks_illegal(v, "perm", "must be the axis itself beyond the rank");
        seen |= UINT32_C(1) << perm[i];
        dims[i] = x->dims[perm[i]];
    }
    if (seen != (1 << LKS_MAX_RANK) - 1)
        return lks_illegal(v, "perm", "must name every axis once");
    return lks_expect_shape(v, v->y, "y", x->rank, dims);
}

static bool transpose_free(const lks_op_view *v)
{
    return v->op->args.transpose.perm[0] == 0;
}

static lks_status check_tile(const lks_op_view *v)
{
    const int32_t *repeats = v->op->args.tile.repeats;
    const lks_tensor *x = v->in[0];
    uint32_t dims[LKS_MAX_RANK] = { 0 };

    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        const uint64_t extent = (uint64_t)x->dims[i] * (uint64_t)repeats[i];

        if (i >= x->rank && repeats[i] != 1)
            return lks_illegal(v, "repeats", "must be 1 beyond the rank");
        if (extent > LKS_MAX_EXTENT)
            return lks_illegal(v, "repeats", "make an extent beyond 2^24");
        dims[i] = (uint32_t)extent;
    }
    return lks_expect_shape(v, v->y, "y", x->rank, dims);
}

static bool tile_free(const lks_op_view *v)
{
    return v->op->args.tile.repeats[0] == 1;
}

/* ---- gather, resize_nearest ---------------------------------------------------------------------------------------------- */

/* The values of constant operand i, which are indices into so many. */
static lks_status check_indices(const lks_op_view *v, uint32_t i, const char *what, uint32_t extent)
{
    const int32_t *index = v->in[i]->data;

    for (uint32_t k = 0; k < v->in[i]->elements; k++)
        if (index[k] < 0 || (uint32_t)index[k] >= extent)
            return lks_illegal(v, what, "an index is out of range");
    return LKS_OK;
}

static lks_status check_gather(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0], *j = v->in[1];
    const uint32_t axis = (uint32_t)v->op->args.axis.axis, rank = x->rank - 1 + j->rank;
    uint32_t dims[LKS_MAX_RANK];
    lks_status st;

    if (axis >= x->rank)
        return lks_illegal(v, "axis", "must be less than the rank");
    if ((st = lks_expect_constant(v, 1, "indices", LKS_I32, j->rank)) != LKS_OK) return st;
    if (rank > LKS_MAX_RANK)
        return lks_illegal(v, "y", "would have more than 6 dimensions");
    memcpy(dims, x->dims, axis * sizeof *dims);
    memcpy(dims + axis, j->dims, j->rank * sizeof *dims);
    memcpy(dims + axis + j->rank, x->dims + axis + 1, (x->rank - axis - 1) * sizeof *dims);
    if ((st = check_indices(v, 1, "indices", x->dims[axis])) != LKS_OK) return st;
    return lks_expect_shape(v, v->y, "y", rank, dims);
}

static bool gather_free(const lks_op_view *v)
{
    return v->op->args.axis.axis != 0;
}

static lks_status check_resize_nearest(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0], *rows = v->in[1], *columns = v->in[2];
    lks_status st;

    if ((st = lks_check_image(v)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 1, "rows", LKS_I32, 1)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 2, "columns", LKS_I32, 1)) != LKS_OK) return st;
    if ((st = check_indices(v, 1, "rows", x->dims[1])) != LKS_OK) return st;
    if ((st = check_indices(v, 2, "columns", x->dims[2])) != LKS_OK) return st;

    const uint32_t dims[4] = { x->dims[0], rows->dims[0], columns->dims[0], x->dims[3] };

    return lks_expect_shape(v, v->y, "y", 4, dims);
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

/* The largest extent whose places are counted in int32, and the place of the last output. */
#define BILINEAR_EXTENT_MAX (1u << 21)

static lks_status check_bilinear_axis(const lks_op_view *v, const char *axis, uint32_t in, uint32_t out, int32_t scale,
                                      int32_t offset)
{
    if (in > BILINEAR_EXTENT_MAX)
        return lks_illegal(v, axis, "x is larger than 2^21");
    if ((int64_t)(out - 1) * scale + (offset > 0 ? offset : 0) > LKS_INT32_MAX)
        return lks_illegal(v, axis, "the last place could leave int32");
    return LKS_OK;
}

static lks_status check_resize_bilinear(const lks_op_view *v)
{
    const lks_resize_bilinear_args *a = &v->op->args.resize_bilinear;
    const lks_tensor *x = v->in[0], *y = v->y;
    lks_status st;

    if ((st = lks_check_image(v)) != LKS_OK) return st;
    if (y->rank != 4 || y->dims[0] != x->dims[0] || y->dims[3] != x->dims[3])
        return lks_illegal(v, "y", "must have rank 4, and the batch and channels of x");
    if ((st = check_bilinear_axis(v, "height", x->dims[1], y->dims[1], a->scale_h, a->offset_h)) != LKS_OK) return st;
    return check_bilinear_axis(v, "width", x->dims[2], y->dims[2], a->scale_w, a->offset_w);
}

static lks_status prove_resize_bilinear(const lks_op_view *v)
{
    v->op->bound = UINT64_C(1) << 27;
    return LKS_OK;
}

static uint64_t four_per_output(const lks_op_view *v)
{
    return 4 * (uint64_t)v->y->elements;
}

static const lks_arg_rule resize_bilinear_args[] = {
    { "scale_h", 0, LKS_INT32_MAX }, { "scale_w", 0, LKS_INT32_MAX }, { "offset_h", -LKS_INT32_MAX, LKS_INT32_MAX },
    { "offset_w", -LKS_INT32_MAX, LKS_INT32_MAX }, ROUNDING
};
static const lks_arg_rule pad_args[] = {
    COUNT("before_0"), COUNT("before_1"), COUNT("before_2"), COUNT("before_3"), COUNT("before_4"), COUNT("before_5"),
    COUNT("after_0"), COUNT("after_1"), COUNT("after_2"), COUNT("after_3"), COUNT("after_4"), COUNT("after_5"), BYTE("pad_value")
};
#define AXIS(name) { name, 0, LKS_MAX_RANK - 1 }
#define BEGIN(name) { name, 0, (1 << 24) - 1 }
#define STEP(name) { name, -(1 << 24), 1 << 24 }
#define REPEATS(name) { name, 1, 1 << 24 }

static const lks_arg_rule axis_args[] = { AXIS("axis") };
static const lks_arg_rule slice_args[] = {
    BEGIN("begin_0"), BEGIN("begin_1"), BEGIN("begin_2"), BEGIN("begin_3"), BEGIN("begin_4"), BEGIN("begin_5"),
    STEP("step_0"), STEP("step_1"), STEP("step_2"), STEP("step_3"), STEP("step_4"), STEP("step_5")
};
static const lks_arg_rule transpose_args[] = {
    AXIS("perm_0"), AXIS("perm_1"), AXIS("perm_2"), AXIS("perm_3"), AXIS("perm_4"), AXIS("perm_5")
};
static const lks_arg_rule tile_args[] = {
    REPEATS("repeats_0"), REPEATS("repeats_1"), REPEATS("repeats_2"), REPEATS("repeats_3"),
    REPEATS("repeats_4"), REPEATS("repeats_5")
};

const lks_op_rule lks_move_rules[] = {
    { LKS_OP_RESHAPE, "reshape", 1, 1, 0, NULL, -1, check_reshape, NULL, lks_same_first_extent, NULL, lks_per_output,
      LKS_SAME_TYPE, LKS_SAME_TYPE },
    { LKS_OP_PAD, "pad", 1, 1, 13, pad_args, -1, check_pad, NULL, pad_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_CONCAT, "concat", LKS_ANY_COUNT, 1, 1, axis_args, -1, check_concat, NULL, concat_free, NULL, lks_per_output,
      LKS_I8, LKS_I8 },
    { LKS_OP_SPLIT, "split", 1, LKS_ANY_COUNT, 1, axis_args, -1, check_split, NULL, split_free, NULL, lks_per_input,
      LKS_I8, LKS_I8 },
    { LKS_OP_SLICE, "slice", 1, 1, 12, slice_args, -1, check_slice, NULL, slice_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_TRANSPOSE, "transpose", 1, 1, 6, transpose_args, -1, check_transpose, NULL, transpose_free, NULL, lks_per_output,
      LKS_I8, LKS_I8 },
    { LKS_OP_TILE, "tile", 1, 1, 6, tile_args, -1, check_tile, NULL, tile_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_GATHER, "gather", 2, 1, 1, axis_args, -1, check_gather, NULL, gather_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_RESIZE_NEAREST, "resize_nearest", 3, 1, 0, NULL, -1, check_resize_nearest, NULL, NULL, NULL, lks_per_output,
      LKS_I8, LKS_I8 },
    { LKS_OP_RESIZE_BILINEAR, "resize_bilinear", 1, 1, 5, resize_bilinear_args, 4, check_resize_bilinear,
      prove_resize_bilinear, NULL, NULL, four_per_output, LKS_I8, LKS_I8 },
    { 0 }
};
