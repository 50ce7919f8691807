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

/* Add a copy of x to y, of all of x to all of y where both have the shape dims. */
static lks_copy *add_copy(lks_lowering *l, const lks_tensor *x, const lks_tensor *y, const int32_t dims[LKS_MAX_RANK])
{
    lks_copy *k = &lks_add_step(l, LKS_KERNEL_COPY)->args.copy;

    *k = (lks_copy){ .x_image = x->constant ? 0 : lks_image_elements(l, x), .y_image = lks_image_elements(l, y) };
    memcpy(k->dims, dims, sizeof k->dims);
    memcpy(k->x_dims, dims, sizeof k->x_dims);
    dense_strides(dims, k->x_stride);
    dense_strides(dims, k->y_stride);
    return k;
}

static void lower_reshape(lks_lowering *l)
{
    const int32_t dims[LKS_MAX_RANK] = { lks_image_elements(l, l->v.y), 1, 1, 1, 1, 1 };

    add_copy(l, l->v.in[0], l->v.y, dims);
}

static void lower_pad(lks_lowering *l)
{
    const lks_pad_args *a = &l->v.op->args.pad;
    int32_t dims[LKS_MAX_RANK];
    lks_copy *k;

    lks_image_dims(l, l->v.y, dims);
    k = add_copy(l, l->v.in[0], l->v.y, dims);
    lks_image_dims(l, l->v.in[0], k->x_dims);
    dense_strides(k->x_dims, k->x_stride);
    memcpy(k->before, a->before, sizeof k->before);
    k->fill = a->pad_value;
}

const lks_lowering_row lks_move_lowerings[] = {
    { LKS_OP_RESHAPE, lower_reshape },
    { LKS_OP_PAD, lower_pad },
    { 0 }
};
