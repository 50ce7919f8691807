/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that multiply by weights.
 */
#include "host/lower.h"

static void set_weights(const lks_lowering *l, lks_step *s)
{
    s->w = l->v.in[1]->data;
    s->bias = l->v.in[2]->data;
    s->rq = l->v.in[3]->data;
}

static void lower_conv(lks_lowering *l)
{
    const lks_conv_args *a = &l->v.op->args.conv;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1], *y = l->v.y;
    const bool depthwise = a->groups > 1 && (uint32_t)a->groups == x->dims[3];
    lks_step *s = lks_add_step(l, depthwise ? LKS_KERNEL_DEPTHWISE : LKS_KERNEL_CONV);

    s->args.conv = (lks_conv){
        .window = {
            .images = lks_first_extent(l, x),
            .in_h = (int32_t)x->dims[1], .in_w = (int32_t)x->dims[2], .out_h = (int32_t)y->dims[1], .out_w = (int32_t)y->dims[2],
            .kernel_h = (int32_t)w->dims[1], .kernel_w = (int32_t)w->dims[2], .stride_h = a->stride_h, .stride_w = a->stride_w,
            .dilation_h = a->dilation_h, .dilation_w = a->dilation_w, .pad_top = a->pad_top, .pad_left = a->pad_left
        },
        .in_c = (int32_t)x->dims[3], .out_c = (int32_t)y->dims[3], .groups = a->groups,
        .pad_value = a->pad_value, .x_zero = a->x_zero, .w_zero = a->w_zero,
        .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    set_weights(l, s);
}

static void lower_fully_connected(lks_lowering *l)
{
    const lks_fully_connected_args *a = &l->v.op->args.fully_connected;
    const lks_tensor *w = l->v.in[1];
    lks_step *s = lks_add_step(l, LKS_KERNEL_MATMUL);

    s->args.matmul = (lks_matmul){
        .rows = lks_image_elements(l, l->v.y) / (int32_t)w->dims[0], .in_c = (int32_t)w->dims[1], .out_c = (int32_t)w->dims[0],
        .x_zero = a->x_zero, .w_zero = a->w_zero, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    set_weights(l, s);
}

/* The strides of a matrix operand t: its leading axes over those of y, what its rows or columns are of y, and the depth. */
static void matrix_strides(const lks_tensor *t, const lks_tensor *y, bool depth_last, int32_t stride[LKS_MAX_RANK], int outer,
                           int32_t *depth)
{
    const uint32_t matrix = t->rank - 2, last = t->dims[t->rank - 1];
    int32_t elements = (int32_t)(last * t->dims[matrix]);

    stride[outer] = depth_last ? (int32_t)last : 1;
    *depth = depth_last ? 1 : (int32_t)last;
    for (uint32_t i = matrix; i-- > 0;) {
        stride[i + y->rank - t->rank] = t->dims[i] == 1 ? 0 : elements;
        elements *= (int32_t)t->dims[i];
    }
}

static void lower_batch_matmul(lks_lowering *l)
{
    const lks_batch_matmul_args *p = &l->v.op->args.batch_matmul;
    const lks_tensor *a = l->v.in[0], *b = l->v.in[1], *y = l->v.y;
    lks_step *s = lks_add_step(l, LKS_KERNEL_BATCH_MATMUL);
    lks_batch_matmul *k = &s->args.batch_matmul;
    const uint32_t lead = y->rank - 2;

    *k = (lks_batch_matmul){
        .a_image = a->constant ? 0 : lks_image_elements(l, a), .b_image = b->constant ? 0 : lks_image_elements(l, b),
        .dims = { 1, 1, 1, 1, (int32_t)y->dims[lead], (int32_t)y->dims[lead + 1] },
        .depth = (int32_t)a->dims[a->rank - (p->adj_a ? 2 : 1)],
        .a_zero = p->a_zero, .b_zero = p->b_zero, .rq = { p->m, p->s }, .tail = { p->y_zero, p->y_min, p->y_max, p->rounding }
    };
    for (uint32_t i = 0; i < lead; i++)
        k->dims[i] = i == 0 ? lks_first_extent(l, y) : (int32_t)y->dims[i];
    matrix_strides(a, y, !p->adj_a, k->a_stride, LKS_MAX_RANK - 2, &k->a_depth);
    matrix_strides(b, y, p->adj_b, k->b_stride, LKS_MAX_RANK - 1, &k->b_depth);
    lks_set_operand_data(l, s);
}

/* A depthwise convolution of 1x1: an image stays one, all else is one row of pixels. */
static void lower_scale(lks_lowering *l)
{
    const lks_fully_connected_args *a = &l->v.op->args.fully_connected;
    const lks_tensor *x = l->v.in[0];
    const int32_t channels = (int32_t)x->dims[x->rank - 1], pixels = lks_image_elements(l, x) / channels;
    lks_step *s = lks_add_step(l, LKS_KERNEL_DEPTHWISE);
    lks_window *w = &s->args.conv.window;

    s->args.conv = (lks_conv){
        .window = { .images = 1, .in_h = 1, .in_w = pixels, .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
                    .dilation_h = 1, .dilation_w = 1 },
        .in_c = channels, .out_c = channels, .groups = channels, .x_zero = a->x_zero, .w_zero = a->w_zero,
        .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    if (x->rank == 4) {
        w->images = lks_first_extent(l, x);
        w->in_h = (int32_t)x->dims[1];
        w->in_w = (int32_t)x->dims[2];
    }
    w->out_h = w->in_h;
    w->out_w = w->in_w;
    set_weights(l, s);
}

const lks_lowering_row lks_linear_lowerings[] = {
    { LKS_OP_CONV, lower_conv },
    { LKS_OP_FULLY_CONNECTED, lower_fully_connected },
    { LKS_OP_BATCH_MATMUL, lower_batch_matmul },
    { LKS_OP_SCALE, lower_scale },
    { 0 }
};
