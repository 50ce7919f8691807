/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that only move elements.
 */
#include "host/lower.h"

#include <string.h>

static void dense_strides(const int32_t dims[LKS_MAX_RANK], int32_t stride[LKS_MAX_RANK])
{
    int32_t elements = 1;

    for (int axis = LKS_MAX_RANK - 1; axis >= 0; elements *= dims[axis--])
        stride[axis] = elements;
}

/* Add a copy of tensor x to tensor y of the model: of all of x to all of y where both have the shape dims. */
static lks_copy *add_copy(lks_lowering *l, uint32_t x, uint32_t y, const int32_t dims[LKS_MAX_RANK])
{
    const lks_tensor *from = &l->m->graph.tensors[x], *to = &l->m->graph.tensors[y];
    lks_step *s = lks_add_step(l, LKS_KERNEL_COPY);
    lks_copy *k = &s->args.copy;

    s->x = from->constant ? -1 : (int32_t)x;
    s->x2 = -1;
    s->y = (int32_t)y;
    s->x_data = from->data;
    s->x_data_bytes = from->constant ? from->elements : 0;
    *k = (lks_copy){ .x_image = from->constant ? 0 : lks_image_elements(l, from), .y_image = lks_image_elements(l, to) };
    memcpy(k->dims, dims, sizeof k->dims);
    memcpy(k->x_dims, dims, sizeof k->x_dims);
    dense_strides(dims, k->x_stride);
    dense_strides(dims, k->y_stride);
    return k;
}

static lks_copy *add_only_copy(lks_lowering *l, const int32_t dims[LKS_MAX_RANK])
{
    return add_copy(l, l->v.op->operand[0], l->v.op->output[0], dims);
}

static void lower_reshape(lks_lowering *l)
{
    const int32_t dims[LKS_MAX_RANK] = { lks_image_elements(l, l->v.y), 1, 1, 1, 1, 1 };

    add_only_copy(l, dims);
}

static void lower_pad(lks_lowering *l)
{
    const lks_pad_args *a = &l->v.op->args.pad;
    int32_t dims[LKS_MAX_RANK];
    lks_copy *k;

    lks_image_dims(l, l->v.y, dims);
    k = add_only_copy(l, dims);
    lks_image_dims(l, l->v.in[0], k->x_dims);
    dense_strides(k->x_dims, k->x_stride);
    memcpy(k->before, a->before, sizeof k->before);
    k->fill = a->pad_value;
}

/* ---- concat, split: one copy per part ------------------------------------------------------------------------------------ */

static void lower_concat(lks_lowering *l)
{
    const lks_op *op = l->v.op;
    int32_t dims[LKS_MAX_RANK], stride[LKS_MAX_RANK], first = 0;

    lks_image_dims(l, l->v.y, dims);
    dense_strides(dims, stride);
    for (uint32_t i = 0; i < op->operand_count; i++) {
        lks_copy *k;

        lks_image_dims(l, lks_operand(&l->v, i), dims);
        k = add_copy(l, op->operand[i], op->output[0], dims);
        memcpy(k->y_stride, stride, sizeof stride);
        k->y_first = first;
        first += dims[op->args.axis.axis] * stride[op->args.axis.axis];
    }
}

static void lower_split(lks_lowering *l)
{
    const lks_op *op = l->v.op;
    int32_t dims[LKS_MAX_RANK], stride[LKS_MAX_RANK], first = 0;

    lks_image_dims(l, l->v.in[0], dims);
    dense_strides(dims, stride);
    for (uint32_t i = 0; i < op->output_count; i++) {
        lks_copy *k;

        lks_image_dims(l, lks_result(&l->v, i), dims);
        k = add_copy(l, op->operand[0], op->output[i], dims);
        memcpy(k->x_stride, stride, sizeof stride);
        k->x_first = first;
        first += dims[op->args.axis.axis] * stride[op->args.axis.axis];
    }
}

const lks_lowering_row lks_move_lowerings[] = {
    { LKS_OP_RESHAPE, lower_reshape },
    { LKS_OP_PAD, lower_pad },
    { LKS_OP_CONCAT, lower_concat },
    { LKS_OP_SPLIT, lower_split },
    { 0 }
};
