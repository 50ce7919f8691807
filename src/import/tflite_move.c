/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that give the elements of one tensor another order or shape, or repeat them.  Quantization does not matter.
 */
#include "import/tflite_move.h"

#include "import/quantize.h"
#include "import/tflite_axis.h"

#include <stdlib.h>

/* ---- EXPAND_DIMS, SQUEEZE ------------------------------------------------------------------------------------------------ */

lks_status lks_tfl_import_same_elements(const lks_tfl_op *op)
{
    const lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    if (lks_tfl_elements(x) != lks_tfl_elements(y))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the input has %u elements, the output %u", (unsigned)lks_tfl_elements(x),
                              (unsigned)lks_tfl_elements(y));
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- TRANSPOSE, TILE ----------------------------------------------------------------------------------------------------- */

lks_status lks_tfl_import_transpose(const lks_tfl_op *op)
{
    lks_op_args args = { .transpose = { { 0, 1, 2, 3, 4, 5 } } };
    lks_tfl_tensor *x, *y, *perm;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_constant_list(op, 1, "perm", x->rank, &perm));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t axis = lks_tfl_value(perm, i);

        if (axis < 0 || axis >= x->rank)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "perm names axis %lld of %u", (long long)axis, (unsigned)x->rank);
        args.transpose.perm[i] = (int32_t)axis;
    }
    return lks_tfl_emit(op, LKS_OP_TRANSPOSE, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_tile(const lks_tfl_op *op)
{
    lks_op_args args = { .tile = { { 1, 1, 1, 1, 1, 1 } } };
    lks_tfl_tensor *x, *y, *multiples;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_constant_list(op, 1, "multiples", x->rank, &multiples));
    for (uint32_t i = 0; i < x->rank; i++) {
        const int64_t count = lks_tfl_value(multiples, i);

        if (count < 1 || count > LKS_MAX_EXTENT)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "multiple %lld", (long long)count);
        args.tile.repeats[i] = (int32_t)count;
    }
    return lks_tfl_emit(op, LKS_OP_TILE, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* ---- GATHER, RESIZE_NEAREST_NEIGHBOR ------------------------------------------------------------------------------------- */

/* The i32 constant of so many values, which fill makes.  LKS_ERR_LIMIT, LKS_ERR_NOMEM */
static lks_status emit_indices(const lks_tfl_op *op, uint32_t rank, const uint32_t *dims,
                               int32_t (*fill)(const void *from, uint32_t i), const void *from, uint32_t *index)
{
    uint32_t count = 1;
    int32_t *values;

    for (uint32_t i = 0; i < rank; i++)
        count *= dims[i];
    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)count * sizeof *values));
    values = malloc(count * sizeof *values);
    if (!values)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    for (uint32_t i = 0; i < count; i++)
        values[i] = fill(from, i);
    *index = lks_tfl_emit_constant(op, NULL, LKS_I32, rank, dims, values);
    free(values);
    return LKS_OK;
}

/* Beyond int32: an index that no extent has. */
static int32_t position(const void *tensor, uint32_t i)
{
    const int64_t v = lks_tfl_value(tensor, i);

    return v < 0 || v > INT32_MAX ? -1 : (int32_t)v;
}

/* A single position takes the axis away: the .lks gathers an axis of extent 1, and leaves it out afterwards. */
lks_status lks_tfl_import_gather(const lks_tfl_op *op)
{
    static const lks_fb_field axis_field = { "GatherOptions.axis", 0, 4, 0 };
    static const lks_fb_field batch_dims = { "GatherOptions.batch_dims", 1, 4, 0 };
    const lks_op_args none = { 0 };
    lks_op_args args = { 0 };
    lks_tfl_tensor *x, *y, *positions;
    uint32_t operands[2], axis = 0, dims[LKS_MAX_RANK] = { 1 }, index;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_axis(op, lks_tfl_option(op, &axis_field), x->rank, &axis));
    if (lks_tfl_option(op, &batch_dims) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "batch_dims is not supported");
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "positions", &positions));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "positions", positions->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32,
                                 &positions));
    for (uint32_t i = 0; i < positions->rank; i++)
        dims[i] = (uint32_t)positions->dims[i];
    LKS_TFL_TRY(emit_indices(op, positions->rank ? positions->rank : 1, dims, position, positions, &operands[1]));
    operands[0] = x->index[LKS_TFL_PLAIN];
    args.axis.axis = (int32_t)axis;
    if (positions->rank != 0)
        return lks_tfl_emit(op, LKS_OP_GATHER, operands, y, &args);
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i == axis ? 1 : (uint32_t)x->dims[i];
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, x->rank, dims, &index));
    lks_builder_op(op->m->builder, LKS_OP_GATHER, operands, &index, &args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &index, y, &none);
}

typedef struct nearest {
    int32_t in, out;
    bool align_corners, half_pixel_centers;
} nearest;

static int32_t nearest_source(const void *from, uint32_t i)
{
    const nearest *n = from;

    return lks_quantize_nearest((int32_t)i, n->in, n->out, n->align_corners, n->half_pixel_centers);
}

lks_status lks_tfl_import_resize_nearest_neighbor(const lks_tfl_op *op)
{
    static const lks_fb_field align = { "ResizeNearestNeighborOptions.align_corners", 0, 1, 0 },
        half = { "ResizeNearestNeighborOptions.half_pixel_centers", 1, 1, 0 };
    const lks_op_args none = { 0 };
    lks_tfl_tensor *x, *y, *size;
    uint32_t operands[3];

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    if (x->rank != 4 || y->rank != 4)
        return lks_tfl_refuse_rank(op, "input and output", x->rank != 4 ? x->rank : y->rank, 4);
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "size", &size));
    if (!size->shape_only) {
        LKS_TFL_TRY(lks_tfl_constant_list(op, 1, "size", 2, &size));
        if (lks_tfl_value(size, 0) != y->dims[1] || lks_tfl_value(size, 1) != y->dims[2])
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the size operand contradicts the shape of the output tensor");
    }
    operands[0] = x->index[LKS_TFL_PLAIN];
    for (uint32_t i = 1; i <= 2; i++) {
        const nearest n = { x->dims[i], y->dims[i], lks_tfl_option(op, &align) != 0, lks_tfl_option(op, &half) != 0 };
        const uint32_t extent = (uint32_t)n.out;

        if (n.in > 1 << 22 || n.out > 1 << 22)
            return lks_tfl_refuse(op, LKS_ERR_LIMIT, "an extent beyond 2^22");
        LKS_TFL_TRY(emit_indices(op, 1, &extent, nearest_source, &n, &operands[i]));
    }
    return lks_tfl_emit(op, LKS_OP_RESIZE_NEAREST, operands, y, &none);
}

/* ---- SPACE_TO_DEPTH, DEPTH_TO_SPACE -------------------------------------------------------------------------------------- */

/* x read as [n, a, b, c, d], axes 2 and 3 changed, and read as y. */
static lks_status swap_blocks(const lks_tfl_op *op, const lks_tfl_tensor *x, lks_tfl_tensor *y, const uint32_t dims[5])
{
    const uint32_t swapped[5] = { dims[0], dims[1], dims[3], dims[2], dims[4] };
    const lks_op_args none = { 0 }, args = { .transpose = { { 0, 1, 3, 2, 4, 5 } } };
    uint32_t before, after;

    LKS_TFL_TRY(lks_tfl_emit_between(op, y, 5, dims, &before));
    LKS_TFL_TRY(lks_tfl_emit_between(op, y, 5, swapped, &after));
    lks_builder_op(op->m->builder, LKS_OP_RESHAPE, &x->index[LKS_TFL_PLAIN], &before, &none);
    lks_builder_op(op->m->builder, LKS_OP_TRANSPOSE, &before, &after, &args);
    return lks_tfl_emit(op, LKS_OP_RESHAPE, &after, y, &none);
}

/* small: the side with fewer channels, large: the other one, of which an element is a block of b x b. */
static lks_status check_blocks(const lks_tfl_op *op, const lks_tfl_tensor *small, const lks_tfl_tensor *large, int64_t b)
{
    if (small->rank != 4 || large->rank != 4)
        return lks_tfl_refuse_rank(op, "input and output", small->rank != 4 ? small->rank : large->rank, 4);
    if (b < 1 || b > 65535 || small->dims[0] != large->dims[0] || small->dims[1] != b * large->dims[1]
        || small->dims[2] != b * large->dims[2] || b * b * small->dims[3] != large->dims[3])
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output do not fit blocks of %lld", (long long)b);
    return LKS_OK;
}

lks_status lks_tfl_import_space_to_depth(const lks_tfl_op *op)
{
    static const lks_fb_field block = { "SpaceToDepthOptions.block_size", 0, 4, 0 };
    const int64_t b = lks_tfl_option(op, &block);
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(check_blocks(op, x, y, b));

    const uint32_t dims[5] = {
        (uint32_t)x->dims[0], (uint32_t)y->dims[1], (uint32_t)b, (uint32_t)y->dims[2], (uint32_t)(b * x->dims[3])
    };

    return swap_blocks(op, x, y, dims);
}

lks_status lks_tfl_import_depth_to_space(const lks_tfl_op *op)
{
    static const lks_fb_field block = { "DepthToSpaceOptions.block_size", 0, 4, 0 };
    const int64_t b = lks_tfl_option(op, &block);
    lks_tfl_tensor *x, *y;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(check_blocks(op, y, x, b));

    const uint32_t dims[5] = {
        (uint32_t)x->dims[0], (uint32_t)x->dims[1], (uint32_t)x->dims[2], (uint32_t)b, (uint32_t)(b * y->dims[3])
    };

    return swap_blocks(op, x, y, dims);
}
