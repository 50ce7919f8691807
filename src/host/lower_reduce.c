/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that make few elements of many.
 */
#include "host/lower.h"

#include "spec/arith.h"

static void lower_pool(lks_lowering *l)
{
    const lks_pool_args *a = &l->v.op->args.pool;
    const lks_tensor *x = l->v.in[0], *y = l->v.y;
    lks_step *s = lks_add_step(l, l->v.op->kind == LKS_OP_MAX_POOL ? LKS_KERNEL_WINDOW_MAX : LKS_KERNEL_WINDOW_SUM);

    s->args.pool = (lks_pool){
        .window = {
            .images = lks_first_extent(l, x),
            .in_h = (int32_t)x->dims[1], .in_w = (int32_t)x->dims[2], .out_h = (int32_t)y->dims[1], .out_w = (int32_t)y->dims[2],
            .kernel_h = a->kernel_h, .kernel_w = a->kernel_w, .stride_h = a->stride_h, .stride_w = a->stride_w,
            .dilation_h = 1, .dilation_w = 1, .pad_top = a->pad_top, .pad_left = a->pad_left
        },
        .c = (int32_t)x->dims[3], .y_min = a->y_min, .y_max = a->y_max, .rounding = a->rounding
    };
}

static void lower_sum(lks_lowering *l)
{
    const lks_sum_args *a = &l->v.op->args.sum;
    lks_reduce *k = &lks_add_step(l, LKS_KERNEL_REDUCE)->args.reduce;

    *k = (lks_reduce){
        .axes = a->axes, .x_zero = a->x_zero, .rq = { a->m, a->s }, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    lks_image_dims(l, l->v.in[0], k->dims);
}

static void lower_reduce_max(lks_lowering *l)
{
    const lks_reduce_max_args *a = &l->v.op->args.reduce_max;
    lks_reduce *k = &lks_add_step(l, LKS_KERNEL_REDUCE)->args.reduce;

    *k = (lks_reduce){
        .kind = a->smallest ? LKS_REDUCE_MIN : LKS_REDUCE_MAX, .axes = a->axes, .tail = { .y_min = a->y_min, .y_max = a->y_max }
    };
    lks_image_dims(l, l->v.in[0], k->dims);
}

static void lower_arg_max(lks_lowering *l)
{
    const lks_arg_max_args *a = &l->v.op->args.arg_max;
    lks_arg_max *k = &lks_add_step(l, LKS_KERNEL_ARG_MAX)->args.arg_max;
    int32_t dims[LKS_MAX_RANK];

    lks_image_dims(l, l->v.in[0], dims);
    *k = (lks_arg_max){ .outer = 1, .extent = dims[a->axis], .inner = 1, .smallest = a->smallest };
    for (int32_t i = 0; i < LKS_MAX_RANK; i++)
        *(i < a->axis ? &k->outer : &k->inner) *= i == a->axis ? 1 : dims[i];
}

static void lower_softmax(lks_lowering *l)
{
    const lks_softmax_args *a = &l->v.op->args.softmax;
    const lks_tensor *x = l->v.in[0];
    const int32_t columns = (int32_t)x->dims[x->rank - 1];
    int32_t *table = lks_add_constants(l, LKS_TABLE_SIZE * sizeof *table);
    lks_step *s = lks_add_step(l, LKS_KERNEL_SOFTMAX);

    for (int32_t d = 0; table && d < LKS_TABLE_SIZE; d++)
        table[d] = lks_softmax_exp(-d, a->m, a->s);
    s->args.softmax = (lks_softmax){ .rows = lks_image_elements(l, x) / columns, .columns = columns };
    s->exp_table = table;
}

const lks_lowering_row lks_reduce_lowerings[] = {
    { LKS_OP_MAX_POOL, lower_pool },
    { LKS_OP_AVG_POOL, lower_pool },
    { LKS_OP_SUM, lower_sum },
    { LKS_OP_REDUCE_MAX, lower_reduce_max },
    { LKS_OP_ARG_MAX, lower_arg_max },
    { LKS_OP_SOFTMAX, lower_softmax },
    { 0 }
};
