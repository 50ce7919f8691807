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
    const int32_t width = (int32_t)lks_type_bytes(l->v.y->type);
    const int32_t dims[LKS_MAX_RANK] = { width * lks_image_elements(l, l->v.y), 1, 1, 1, 1, 1 };
    lks_copy *k = add_only_copy(l, dims);

    k->x_image *= width;        /* of bytes, whatever the type: spec 7 */
    k->y_image *= width;
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

/* ---- slice, transpose, tile ---------------------------------------------------------------------------------------------- */

static void lower_slice(lks_lowering *l)
{
    const lks_slice_args *a = &l->v.op->args.slice;
    int32_t dims[LKS_MAX_RANK], stride[LKS_MAX_RANK];
    lks_copy *k;

    lks_image_dims(l, l->v.in[0], dims);
    dense_strides(dims, stride);
    lks_image_dims(l, l->v.y, dims);
    k = add_only_copy(l, dims);
    for (int axis = 0; axis < LKS_MAX_RANK; axis++) {
        k->x_first += a->begin[axis] * stride[axis];
        k->x_stride[axis] = dims[axis] == 1 ? stride[axis] : a->step[axis] * stride[axis];     /* one that is taken stays in x */
    }
}

static void lower_transpose(lks_lowering *l)
{
    const int32_t *perm = l->v.op->args.transpose.perm;
    int32_t dims[LKS_MAX_RANK], stride[LKS_MAX_RANK];
    lks_copy *k;

    lks_image_dims(l, l->v.in[0], dims);
    dense_strides(dims, stride);
    lks_image_dims(l, l->v.y, dims);
    k = add_only_copy(l, dims);
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        k->x_stride[axis] = stride[perm[axis]];
}

/* From x [outer][inner] to y [outer][repeats][inner], per image. */
static void repeat(lks_step *s, int32_t x, int32_t y, int32_t outer, int32_t repeats, int32_t inner)
{
    s->x = x;
    s->y = y;
    s->args.copy = (lks_copy){
        .x_image = outer * inner, .y_image = outer * repeats * inner,
        .dims = { outer, repeats, inner, 1, 1, 1 }, .x_dims = { outer, repeats, inner, 1, 1, 1 },
        .x_stride = { inner, 0, 1, 1, 1, 1 }, .y_stride = { repeats * inner, inner, 1, 1, 1, 1 }
    };
}

static int32_t product(const int32_t *dims, int from, int to)
{
    int32_t n = 1;

    for (int i = from; i < to; i++)
        n *= dims[i];
    return n;
}

/* Axis by axis from the last one: what is inside is repeated already, and moves as one piece. */
static void lower_tile(lks_lowering *l)
{
    const lks_op *op = l->v.op;
    int32_t dims[LKS_MAX_RANK], repeats[LKS_MAX_RANK], from = (int32_t)op->operand[0];

    memcpy(repeats, op->args.tile.repeats, sizeof repeats);
    lks_image_dims(l, l->v.in[0], dims);
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        const int32_t outer = product(dims, 0, axis), inner = product(dims, axis, LKS_MAX_RANK);
        const bool last = product(repeats, 0, axis) == 1;

        if (repeats[axis] != 1 || (last && from == (int32_t)op->operand[0])) {
            const uint64_t bytes = (uint64_t)outer * (uint64_t)repeats[axis] * (uint64_t)inner;
            const int32_t to = last ? (int32_t)op->output[0] : lks_add_scratch(l, bytes);

            repeat(lks_add_step(l, LKS_KERNEL_COPY), from, to, outer, repeats[axis], inner);
            from = to;
        }
        if (last)
            return;
        dims[axis] *= repeats[axis];
    }
}

/* ---- gather, resize_nearest ---------------------------------------------------------------------------------------------- */

static void lower_gather(lks_lowering *l)
{
    static const int32_t first[1] = { 0 };
    const int axis = l->v.op->args.axis.axis;
    lks_step *s = lks_add_step(l, LKS_KERNEL_GATHER);
    int32_t dims[LKS_MAX_RANK];

    lks_image_dims(l, l->v.in[0], dims);
    s->args.gather = (lks_gather){
        .outer = product(dims, 0, axis), .in_a = 1, .in_b = dims[axis], .out_a = 1, .out_b = (int32_t)l->v.in[1]->elements,
        .inner = product(dims, axis + 1, LKS_MAX_RANK)
    };
    s->rows = first;
    s->columns = l->v.in[1]->data;
}

static void lower_resize_nearest(lks_lowering *l)
{
    const lks_tensor *x = l->v.in[0], *y = l->v.y;
    lks_step *s = lks_add_step(l, LKS_KERNEL_GATHER);

    s->args.gather = (lks_gather){
        .outer = lks_first_extent(l, x), .in_a = (int32_t)x->dims[1], .in_b = (int32_t)x->dims[2],
        .out_a = (int32_t)y->dims[1], .out_b = (int32_t)y->dims[2], .inner = (int32_t)x->dims[3]
    };
    s->rows = l->v.in[1]->data;
    s->columns = l->v.in[2]->data;
}

static lks_bilinear_axis bilinear_axis(const lks_lowering *l, uint32_t axis, int32_t scale, int32_t offset)
{
    return (lks_bilinear_axis){ (int32_t)l->v.in[0]->dims[axis], (int32_t)l->v.y->dims[axis], scale, offset };
}

static void lower_resize_bilinear(lks_lowering *l)
{
    const lks_resize_bilinear_args *a = &l->v.op->args.resize_bilinear;
    const lks_tensor *x = l->v.in[0];

    lks_add_step(l, LKS_KERNEL_BILINEAR)->args.bilinear = (lks_bilinear){
        .images = lks_first_extent(l, x), .c = (int32_t)x->dims[3], .rounding = a->rounding,
        .h = bilinear_axis(l, 1, a->scale_h, a->offset_h), .w = bilinear_axis(l, 2, a->scale_w, a->offset_w)
    };
}

const lks_lowering_row lks_move_lowerings[] = {
    { LKS_OP_RESHAPE, lower_reshape },
    { LKS_OP_PAD, lower_pad },
    { LKS_OP_CONCAT, lower_concat },
    { LKS_OP_SPLIT, lower_split },
    { LKS_OP_SLICE, lower_slice },
    { LKS_OP_TRANSPOSE, lower_transpose },
    { LKS_OP_TILE, lower_tile },
    { LKS_OP_GATHER, lower_gather },
    { LKS_OP_RESIZE_NEAREST, lower_resize_nearest },
    { LKS_OP_RESIZE_BILINEAR, lower_resize_bilinear },
    { 0 }
};
