/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that only move elements.
 */
#include "host/lower.h"

#include <string.h>

static void lower_reshape(lks_lowering *l)
{
    lks_copy *k = &lks_add_step(l, LKS_KERNEL_COPY)->args.copy;

    *k = (lks_copy){ .y_dims = { lks_image_elements(l, l->v.y), 1, 1, 1, 1, 1 } };
    memcpy(k->x_dims, k->y_dims, sizeof k->x_dims);
}

static void lower_pad(lks_lowering *l)
{
    const lks_pad_args *a = &l->v.op->args.pad;
    lks_copy *k = &lks_add_step(l, LKS_KERNEL_COPY)->args.copy;

    *k = (lks_copy){ .fill = a->pad_value };
    lks_image_dims(l, l->v.in[0], k->x_dims);
    lks_image_dims(l, l->v.y, k->y_dims);
    memcpy(k->before, a->before, sizeof k->before);
}

const lks_lowering_row lks_move_lowerings[] = {
    { LKS_OP_RESHAPE, lower_reshape },
    { LKS_OP_PAD, lower_pad },
    { 0 }
};
