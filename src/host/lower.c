/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering: what each op of docs/spec.md becomes among the kernels of spec/op.h.
 *
 * Shapes here leave the batch out where the model is free in it (op.h): first_extent is what remains of axis 0.
 */
#include "host/op_rules.h"
#include "host/plan.h"
#include "spec/arith.h"

#include <assert.h>
#include <string.h>

typedef struct lowering {
    const lks_model *m;
    lks_op_view v;
    lks_step *step;
    int32_t *table;
} lowering;

/* The extent of axis 0 that the shapes of op.h still show. */
static int32_t first_extent(const lowering *l, const lks_tensor *t)
{
    return (int32_t)(l->m->batch_free ? t->dims[0] / l->m->batch : t->dims[0]);
}

/* All elements of t but the batch. */
static int32_t image_elements(const lowering *l, const lks_tensor *t)
{
    return (int32_t)(t->elements / lks_model_images(l->m));
}

/* The shape of t as six extents, 1 beyond the rank, the batch left out. */
static void image_dims(const lowering *l, const lks_tensor *t, int32_t dims[LKS_MAX_RANK])
{
    dims[0] = first_extent(l, t);
    for (uint32_t i = 1; i < LKS_MAX_RANK; i++)
        dims[i] = i < t->rank ? (int32_t)t->dims[i] : 1;
}

/* ---- linear -------------------------------------------------------------------------------------------------------------- */

static void set_weights(const lowering *l)
{
    l->step->w = l->v.in[1]->data;
    l->step->bias = l->v.in[2]->data;
    l->step->rq = l->v.in[3]->data;
}

static void lower_conv(const lowering *l)
{
    const lks_conv_args *a = &l->v.op->args.conv;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1], *y = l->v.y;
    lks_conv *k = &l->step->args.conv;

    *k = (lks_conv){
        .window = {
            .images = first_extent(l, x),
            .in_h = (int32_t)x->dims[1], .in_w = (int32_t)x->dims[2], .out_h = (int32_t)y->dims[1], .out_w = (int32_t)y->dims[2],
            .kernel_h = (int32_t)w->dims[1], .kernel_w = (int32_t)w->dims[2], .stride_h = a->stride_h, .stride_w = a->stride_w,
            .dilation_h = a->dilation_h, .dilation_w = a->dilation_w, .pad_top = a->pad_top, .pad_left = a->pad_left
        },
        .in_c = (int32_t)x->dims[3], .out_c = (int32_t)y->dims[3], .groups = a->groups,
        .pad_value = a->pad_value, .x_zero = a->x_zero, .w_zero = a->w_zero,
        .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    l->step->kernel = k->groups > 1 && k->groups == k->in_c ? LKS_KERNEL_DEPTHWISE : LKS_KERNEL_CONV;
    set_weights(l);
}

static void lower_fully_connected(const lowering *l)
{
    const lks_fully_connected_args *a = &l->v.op->args.fully_connected;
    const lks_tensor *w = l->v.in[1];

    l->step->kernel = LKS_KERNEL_MATMUL;
    l->step->args.matmul = (lks_matmul){
        .rows = image_elements(l, l->v.y) / (int32_t)w->dims[0], .in_c = (int32_t)w->dims[1], .out_c = (int32_t)w->dims[0],
        .x_zero = a->x_zero, .w_zero = a->w_zero, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    set_weights(l);
}

/* ---- element ------------------------------------------------------------------------------------------------------------- */

/* How far t moves for a step along each axis of y: 0 where it is broadcast. */
static void broadcast_strides(const lks_tensor *t, const lks_tensor *y, int32_t stride[LKS_MAX_RANK])
{
    int32_t elements = 1;

    memset(stride, 0, LKS_MAX_RANK * sizeof stride[0]);
    for (uint32_t i = t->rank; i-- > 0;) {
        stride[i + y->rank - t->rank] = t->dims[i] == 1 ? 0 : elements;
        elements *= (int32_t)t->dims[i];
    }
}

static void lower_add(const lowering *l)
{
    const lks_add_args *p = &l->v.op->args.add;
    const lks_tensor *a = l->v.in[0], *b = l->v.in[1];
    lks_binary *k = &l->step->args.binary;

    l->step->kernel = LKS_KERNEL_BINARY;
    *k = (lks_binary){
        .a_image = a->constant ? 0 : image_elements(l, a), .b_image = b->constant ? 0 : image_elements(l, b),
        .add = {
            .a_zero = p->a_zero, .b_zero = p->b_zero, .left_shift = p->left_shift,
            .a_rq = { p->a_m, p->a_s }, .b_rq = { p->b_m, p->b_s }, .rq = { p->m, p->s },
            .tail = { p->y_zero, p->y_min, p->y_max, p->rounding }
        }
    };
    image_dims(l, l->v.y, k->dims);
    broadcast_strides(a, l->v.y, k->a_stride);
    broadcast_strides(b, l->v.y, k->b_stride);
    l->step->x_data = a->data;
    l->step->x2_data = b->data;
    l->step->x_data_bytes = a->constant ? a->elements : 0;
    l->step->x2_data_bytes = b->constant ? b->elements : 0;
}

static void lower_lut(const lowering *l)
{
    l->step->kernel = LKS_KERNEL_LUT;
    l->step->args.lut.count = image_elements(l, l->v.y);
    l->step->table = l->v.in[1]->data;
}

/* An int8 has 256 values: its requantization is a table. */
static void lower_requant(const lowering *l)
{
    const lks_requant_args *a = &l->v.op->args.requant;
    const lks_tail tail = { a->y_zero, a->y_min, a->y_max, a->rounding };
    const lks_rq rq = { a->m, a->s };
    int8_t *table = (int8_t *)l->table;

    for (int32_t x = -128; x < 128; x++)
        table[x + 128] = lks_finish(x - a->x_zero, rq, tail);
    l->step->kernel = LKS_KERNEL_LUT;
    l->step->args.lut.count = image_elements(l, l->v.y);
    l->step->table = table;
}

/* ---- reduce -------------------------------------------------------------------------------------------------------------- */

static void lower_pool(const lowering *l)
{
    const lks_pool_args *a = &l->v.op->args.pool;
    const lks_tensor *x = l->v.in[0], *y = l->v.y;

    l->step->kernel = l->v.op->kind == LKS_OP_MAX_POOL ? LKS_KERNEL_WINDOW_MAX : LKS_KERNEL_WINDOW_SUM;
    l->step->args.pool = (lks_pool){
        .window = {
            .images = first_extent(l, x),
            .in_h = (int32_t)x->dims[1], .in_w = (int32_t)x->dims[2], .out_h = (int32_t)y->dims[1], .out_w = (int32_t)y->dims[2],
            .kernel_h = a->kernel_h, .kernel_w = a->kernel_w, .stride_h = a->stride_h, .stride_w = a->stride_w,
            .dilation_h = 1, .dilation_w = 1, .pad_top = a->pad_top, .pad_left = a->pad_left
        },
        .c = (int32_t)x->dims[3], .y_min = a->y_min, .y_max = a->y_max, .rounding = a->rounding
    };
}

static void lower_sum(const lowering *l)
{
    const lks_sum_args *a = &l->v.op->args.sum;
    lks_reduce *k = &l->step->args.reduce;

    l->step->kernel = LKS_KERNEL_REDUCE;
    *k = (lks_reduce){
        .axes = a->axes, .x_zero = a->x_zero, .rq = { a->m, a->s }, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    image_dims(l, l->v.in[0], k->dims);
}

static void lower_softmax(const lowering *l)
{
    const lks_softmax_args *a = &l->v.op->args.softmax;
    const lks_tensor *x = l->v.in[0];

    for (int32_t d = 0; d < LKS_TABLE_SIZE; d++)
        l->table[d] = lks_softmax_exp(-d, a->m, a->s);
    l->step->kernel = LKS_KERNEL_SOFTMAX;
    l->step->args.softmax.columns = (int32_t)x->dims[x->rank - 1];
    l->step->args.softmax.rows = image_elements(l, x) / l->step->args.softmax.columns;
    l->step->exp_table = l->table;
}

/* ---- move ---------------------------------------------------------------------------------------------------------------- */

static void lower_reshape(const lowering *l)
{
    lks_copy *k = &l->step->args.copy;

    l->step->kernel = LKS_KERNEL_COPY;
    *k = (lks_copy){ .y_dims = { image_elements(l, l->v.y), 1, 1, 1, 1, 1 } };
    memcpy(k->x_dims, k->y_dims, sizeof k->x_dims);
}

static void lower_pad(const lowering *l)
{
    const lks_pad_args *a = &l->v.op->args.pad;
    lks_copy *k = &l->step->args.copy;

    l->step->kernel = LKS_KERNEL_COPY;
    *k = (lks_copy){ .fill = a->pad_value };
    image_dims(l, l->v.in[0], k->x_dims);
    image_dims(l, l->v.y, k->y_dims);
    memcpy(k->before, a->before, sizeof k->before);
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

typedef struct lowering_row {
    uint32_t kind;
    void (*lower)(const lowering *l);
} lowering_row;

static const lowering_row rows[] = {
    { LKS_OP_CONV, lower_conv },
    { LKS_OP_FULLY_CONNECTED, lower_fully_connected },
    { LKS_OP_ADD, lower_add },
    { LKS_OP_REQUANT, lower_requant },
    { LKS_OP_LUT, lower_lut },
    { LKS_OP_MAX_POOL, lower_pool },
    { LKS_OP_AVG_POOL, lower_pool },
    { LKS_OP_SUM, lower_sum },
    { LKS_OP_SOFTMAX, lower_softmax },
    { LKS_OP_RESHAPE, lower_reshape },
    { LKS_OP_PAD, lower_pad }
};

void lks_lower(const lks_model *m, uint32_t op, lks_step *step, int32_t *table)
{
    lowering l = { m, lks_view_op(&m->graph, op, "", NULL), step, table };
    const lks_op *o = l.v.op;

    *step = (lks_step){ .op = op, .last_op = op, .x = (int32_t)o->operand[0], .x2 = -1, .y = (int32_t)o->output[0] };
    if (l.v.in[0]->constant)
        step->x = -1;
    if (o->operand_count > 1 && !l.v.in[1]->constant)
        step->x2 = (int32_t)o->operand[1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].kind == o->kind) {
            rows[i].lower(&l);
            return;
        }
    assert(0 && "an op without a lowering");      /* tests/laws.py compares the two tables */
}
