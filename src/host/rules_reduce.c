/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that make few elements of many.
 */
#include "host/rules.h"

#include "spec/arith.h"

static lks_status check_pool(const lks_op_view *v)
{
    const lks_pool_args *a = &v->op->args.pool;
    const lks_tensor *x = v->in[0];
    lks_status st;

    if ((st = lks_check_image(v)) != LKS_OK) return st;

    lks_axis h = { "height", x->dims[1], a->kernel_h, 1, a->stride_h, a->pad_top, a->pad_bottom };
    lks_axis s = { "width", x->dims[2], a->kernel_w, 1, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[4] = { x->dims[0], lks_window_extent(v, &h), 0, x->dims[3] };

    if (dims[1] == 0 || (dims[2] = lks_window_extent(v, &s)) == 0)
        return LKS_ERR_ILLEGAL;
    return lks_expect_shape(v, v->y, "y", 4, dims);
}

/* y has the extents of x, those of axes left out or 1. */
static lks_status check_without(const lks_op_view *v, uint32_t axes)
{
    const lks_tensor *x = v->in[0];
    uint32_t kept[LKS_MAX_RANK], left[LKS_MAX_RANK] = { 1 }, n = 0;

    if (axes >> x->rank)
        return lks_illegal(v, "axes", "names an axis that x does not have");
    for (uint32_t i = 0; i < x->rank; i++) {
        kept[i] = axes >> i & 1 ? 1 : x->dims[i];
        if (!(axes >> i & 1))
            left[n++] = x->dims[i];
    }
    if (v->y->rank == x->rank)
        return lks_expect_shape(v, v->y, "y", x->rank, kept);
    return lks_expect_shape(v, v->y, "y", n ? n : 1, left);
}

/* sum and reduce_max, whose first word is axes */
static lks_status check_reduced(const lks_op_view *v)
{
    return check_without(v, (uint32_t)v->op->args.word[0]);
}

static lks_status check_arg_max(const lks_op_view *v)
{
    const int32_t axis = v->op->args.arg_max.axis;

    return check_without(v, UINT32_C(1) << axis);
}

static lks_status check_softmax(const lks_op_view *v)
{
    if (v->in[0]->dims[v->in[0]->rank - 1] > LKS_MAX_SOFTMAX_COLUMNS)
        return lks_illegal(v, "x", "has more than 4095 columns");
    return lks_same_shape(v);
}

static lks_status prove_avg_pool(const lks_op_view *v)
{
    const lks_pool_args *a = &v->op->args.pool;

    v->op->bound = 129 * (uint64_t)a->kernel_h * (uint64_t)a->kernel_w;
    return v->op->bound <= LKS_INT32_MAX ? LKS_OK : lks_illegal(v, "kernel", "the sum could leave int32 (the bound law)");
}

static lks_status prove_sum(const lks_op_view *v)
{
    const lks_sum_args *a = &v->op->args.sum;
    lks_rq rq = { a->m, a->s };

    return lks_prove_requant(v, v->in[0]->elements / v->y->elements * lks_max_distance(a->x_zero), rq, a->rounding, 0);
}

static lks_status prove_softmax(const lks_op_view *v)
{
    v->op->bound = (uint64_t)v->in[0]->dims[v->in[0]->rank - 1] << 19;
    return LKS_OK;
}

static bool reduced_free(const lks_op_view *v)
{
    return !(v->op->args.word[0] & 1);
}

static bool arg_max_free(const lks_op_view *v)
{
    return v->op->args.arg_max.axis != 0;
}

static bool softmax_free(const lks_op_view *v)
{
    return v->y->rank >= 2;
}

static uint64_t per_tap(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * (uint64_t)v->op->args.pool.kernel_h * (uint64_t)v->op->args.pool.kernel_w;
}

static uint64_t three_per_input(const lks_op_view *v)
{
    return 3 * (uint64_t)v->in[0]->elements;
}

static const lks_arg_rule pool_args[] = {
    STRIDE("kernel_h"), STRIDE("kernel_w"), STRIDE("stride_h"), STRIDE("stride_w"), PADS, RANGE, ROUNDING
};
static const lks_arg_rule sum_args[] = {
    { "axes", 1, (1 << LKS_MAX_RANK) - 1 }, BYTE("x_zero"), BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING
};
static const lks_arg_rule reduce_max_args[] = { { "axes", 1, (1 << LKS_MAX_RANK) - 1 }, { "smallest", 0, 1 }, RANGE };
static const lks_arg_rule arg_max_args[] = { { "axis", 0, LKS_MAX_RANK - 1 }, { "smallest", 0, 1 } };
static const lks_arg_rule softmax_args[] = { { "m", 1 << 30, LKS_INT32_MAX }, { "s", 1, 31 } };

const lks_op_rule lks_reduce_rules[] = {
    { LKS_OP_MAX_POOL, "max_pool", 1, 1, 10, pool_args, -1, check_pool, NULL, NULL, NULL, per_tap, LKS_I8, LKS_I8 },
    { LKS_OP_AVG_POOL, "avg_pool", 1, 1, 11, pool_args, 10, check_pool, prove_avg_pool, NULL, NULL, per_tap, LKS_I8, LKS_I8 },
    { LKS_OP_SUM, "sum", 1, 1, 8, sum_args, 7, check_reduced, prove_sum, reduced_free, NULL, lks_per_input, LKS_I8, LKS_I8 },
    { LKS_OP_REDUCE_MAX, "reduce_max", 1, 1, 4, reduce_max_args, -1, check_reduced, NULL, reduced_free, NULL, lks_per_input,
      LKS_I8, LKS_I8 },
    { LKS_OP_ARG_MAX, "arg_max", 1, 1, 2, arg_max_args, -1, check_arg_max, NULL, arg_max_free, NULL, lks_per_input,
      LKS_I8, LKS_I32 },
    { LKS_OP_SOFTMAX, "softmax", 1, 1, 2, softmax_args, -1, check_softmax, prove_softmax, softmax_free, NULL, three_per_input,
      LKS_I8, LKS_I8 },
    { 0 }
};
