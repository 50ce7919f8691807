/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that only move elements.
 */
#include "tools/cases_maker.h"

#include <stdlib.h>
#include <string.h>

flow add_reshape(maker *m, const flow *x, flow y)
{
    const lks_op_args none = { .word = { 0 } };

    return add_unary(m, LKS_OP_RESHAPE, x, y, &none);
}

/* The same extents, joined in two ways; half of the cases keep the first one apart, so that the batch stays free. */
flow make_reshape(maker *m)
{
    static const uint32_t caps[] = { 9, 4096, 300, 300, 300, 300 };
    uint32_t f[COUNT_OF(caps)];
    walk w = walk_of(m, &shape_walk);
    flow x, y;

    draw_factors(m, COUNT_OF(caps), caps, &w, 2, f);
    m->batch = f[0];
    f[0] = 1 + draw_below(&m->s, 3);
    x = draw_shape(m, COUNT_OF(caps), f);
    if (draw_one_in(&m->s, 2)) {
        f[1] *= f[0];
        y = draw_shape(m, COUNT_OF(caps) - 1, f + 1);
    } else {
        y = draw_shape(m, COUNT_OF(caps), f);
    }
    x = add_input(m, x);
    return add_reshape(m, &x, y);
}

flow add_pad(maker *m, const flow *x, const uint32_t *before, const uint32_t *after)
{
    lks_op_args a = { .pad = { .pad_value = draw_one_in(&m->d, 3) ? x->centre : draw_zero(&m->d) } };
    uint32_t dims[LKS_MAX_RANK];

    for (uint32_t i = 0; i < x->rank; i++) {
        a.pad.before[i] = (int32_t)before[i];
        a.pad.after[i] = (int32_t)after[i];
        dims[i] = x->dims[i] + before[i] + after[i];
    }
    return add_unary(m, LKS_OP_PAD, x, flow_shape(x->rank, dims), &a);
}

/* y is at most some 40000 elements for a whole batch: what may still be added to an axis depends on all others. */
flow make_pad(maker *m)
{
    flow x = draw_any_shape(m);
    uint32_t before[LKS_MAX_RANK] = { 0 }, after[LKS_MAX_RANK] = { 0 };
    uint32_t elements = x.elements, from = draw_one_in(&m->s, 4) ? 0 : 1;

    x = add_input(m, x);
    for (uint32_t n = 0, i = draw_below(&m->s, x.rank); n < x.rank; n++, i = (i + 1) % x.rank) {
        uint32_t rest = elements / x.dims[i], room = 5000 / (rest * m->batch), more;

        room = room > 70 ? 70 : room == 0 && x.dims[i] > 60000 ? 1 : room;
        if (i < from || room == 0)
            continue;
        more = draw_one_in(&m->s, 3) ? room : room < 3 ? room : 3;
        before[i] = draw_below(&m->s, more + 1);
        after[i] = draw_below(&m->s, more + 1);
        elements = rest * (x.dims[i] + before[i] + after[i]);
    }
    return add_pad(m, &x, before, after);
}

/* ---- concat, split ------------------------------------------------------------------------------------------------------- */

#define PARTS_MAX 6

flow add_concat(maker *m, const flow *x, uint32_t count, uint32_t at_axis)
{
    const lks_op_args a = { .axis = { (int32_t)at_axis } };
    uint32_t dims[LKS_MAX_RANK], operands[PARTS_MAX];
    flow y;

    memcpy(dims, x->dims, sizeof dims);
    dims[at_axis] = 0;
    for (uint32_t i = 0; i < count; i++) {
        operands[i] = x[i].tensor;
        dims[at_axis] += x[i].dims[at_axis];
    }
    y = add_activation(m, flow_shape(x->rank, dims));
    lks_builder_op_of(m->b, LKS_OP_CONCAT, operands, count, &y.tensor, 1, &a);
    return y;
}

void add_split(maker *m, const flow *x, uint32_t at_axis, const uint32_t *extent, uint32_t count, flow *y)
{
    const lks_op_args a = { .axis = { (int32_t)at_axis } };
    uint32_t dims[LKS_MAX_RANK], outputs[PARTS_MAX];

    memcpy(dims, x->dims, sizeof dims);
    for (uint32_t i = 0; i < count; i++) {
        dims[at_axis] = extent[i];
        y[i] = add_activation(m, flow_shape(x->rank, dims));
        outputs[i] = y[i].tensor;
    }
    lks_builder_op_of(m->b, LKS_OP_SPLIT, &x->tensor, 1, outputs, count, &a);
}

/* An axis of a shape, mostly not the first, cut into at most that many parts: how many, and their extents. */
static uint32_t draw_parts(draw *d, const flow *shape, uint32_t most, uint32_t *at_axis, uint32_t extent[PARTS_MAX])
{
    uint32_t count, rest;

    *at_axis = draw_below(d, shape->rank);
    if (*at_axis == 0 && !draw_one_in(d, 4))
        *at_axis = shape->rank - 1;
    rest = shape->dims[*at_axis];
    count = 1 + draw_below(d, most);
    count = count < rest ? count : rest;
    for (uint32_t i = 0; i + 1 < count; i++) {
        uint32_t room = rest - (count - 1 - i), some = draw_one_in(d, 2) ? rest / (count - i) : 1 + draw_below(d, room);

        extent[i] = draw_one_in(d, 3) && room >= 16 ? 16 * (1 + draw_below(d, room / 16)) : some;
        rest -= extent[i];
    }
    extent[count - 1] = rest;
    return count;
}

/* A constant of that shape. */
static flow add_constant_part(maker *m, flow part)
{
    int8_t *data = malloc(part.elements);

    if (!data) {
        m->failed = true;
        return part;
    }
    pattern_fill(&m->d, draw_one_in(&m->d, 2) ? PATTERN_RANDOM : PATTERN_RAMP, 0, data, part.elements);
    part.tensor = add_constant(m, LKS_I8, part.rank, part.dims, data);
    free(data);
    return part;
}

/* Inputs; the same one may come twice in a row; one in six cases has a constant among them. */
flow make_concat(maker *m)
{
    flow shape = draw_any_shape(m), x[PARTS_MAX];
    uint32_t extent[PARTS_MAX], at_axis, count = draw_parts(&m->s, &shape, PARTS_MAX, &at_axis, extent);
    bool constant = draw_one_in(&m->s, 6);

    for (uint32_t i = 0; i < count; i++) {
        flow part = flow_shape(shape.rank, shape.dims);

        part.dims[at_axis] = extent[i];
        part = flow_shape(part.rank, part.dims);
        if (i > 0 && extent[i] == extent[i - 1] && (m->input_count == MAKER_INPUTS || draw_one_in(&m->s, 4)))
            x[i] = x[i - 1];
        else if (m->input_count == MAKER_INPUTS || (constant && i > 0 && draw_one_in(&m->s, 2)))
            x[i] = add_constant_part(m, part);
        else
            x[i] = add_input(m, part);
    }
    return add_concat(m, x, count, at_axis);
}

/* Some parts are outputs, the last one always. */
flow make_split(maker *m)
{
    flow shape = draw_any_shape(m), x, y[PARTS_MAX];
    uint32_t extent[PARTS_MAX], at_axis, count = draw_parts(&m->s, &shape, PARTS_MAX, &at_axis, extent);

    x = add_input(m, shape);
    add_split(m, &x, at_axis, extent, count, y);
    for (uint32_t i = 0; i + 1 < count; i++)
        if (!draw_one_in(&m->s, 3))
            lks_builder_output(m->b, y[i].tensor);
    return y[count - 1];
}

/* ---- slice, transpose, tile ---------------------------------------------------------------------------------------------- */

flow add_slice(maker *m, const flow *x, const int32_t *begin, const int32_t *step, const uint32_t *extent)
{
    lks_op_args a = { .slice = { .step = { 1, 1, 1, 1, 1, 1 } } };

    memcpy(a.slice.begin, begin, x->rank * sizeof *begin);
    memcpy(a.slice.step, step, x->rank * sizeof *step);
    return add_unary(m, LKS_OP_SLICE, x, flow_shape(x->rank, extent), &a);
}

/* All of an axis, a part of it, every n-th, or some of it backwards. */
static void draw_range(draw *d, uint32_t extent, int32_t *begin, int32_t *step, uint32_t *count)
{
    const int32_t last = (int32_t)extent - 1;
    int32_t first, end;

    *step = DRAW(d, 1, 1, 1, 2, 3, 7, 16);
    first = draw_one_in(d, 2) ? 0 : draw_between(d, 0, last);
    end = draw_one_in(d, 2) ? last : draw_between(d, first, last);
    if (draw_one_in(d, 3) && first >= 16)
        first -= first % 16;
    *count = (uint32_t)((end - first) / *step) + 1;
    *begin = first;
    if (draw_one_in(d, 4)) {
        *begin = first + ((int32_t)*count - 1) * *step;
        *step = -*step;
    }
    if (*count == 1 && draw_one_in(d, 4))
        *step = DRAW(d, -(1 << 24), 1 << 24, -1);
}

flow make_slice(maker *m)
{
    flow shape = draw_any_shape(m), x = add_input(m, shape);
    int32_t begin[LKS_MAX_RANK], step[LKS_MAX_RANK];
    uint32_t extent[LKS_MAX_RANK], whole = draw_one_in(&m->s, 4) ? 0 : 1;

    for (uint32_t i = 0; i < x.rank; i++) {
        begin[i] = 0;
        step[i] = 1;
        extent[i] = x.dims[i];
        if (i >= whole && !draw_one_in(&m->s, 3))
            draw_range(&m->s, x.dims[i], &begin[i], &step[i], &extent[i]);
    }
    return add_slice(m, &x, begin, step, extent);
}

flow add_transpose(maker *m, const flow *x, const uint32_t *perm)
{
    lks_op_args a = { .transpose = { { 0, 1, 2, 3, 4, 5 } } };
    uint32_t dims[LKS_MAX_RANK];

    for (uint32_t i = 0; i < x->rank; i++) {
        a.transpose.perm[i] = (int32_t)perm[i];
        dims[i] = x->dims[perm[i]];
    }
    return add_unary(m, LKS_OP_TRANSPOSE, x, flow_shape(x->rank, dims), &a);
}

/* Any order, or two axes that change places, or the last one that comes to the front. */
flow make_transpose(maker *m)
{
    flow shape = draw_any_shape(m), x = add_input(m, shape);
    uint32_t perm[LKS_MAX_RANK] = { 0, 1, 2, 3, 4, 5 }, first = draw_one_in(&m->s, 4) || x.rank == 1 ? 0 : 1;
    const bool rotate = draw_one_in(&m->s, 4);

    for (uint32_t i = x.rank - 1; i > first; i--) {
        const uint32_t other = rotate ? i - 1 : first + draw_below(&m->s, i - first + 1), swapped = perm[i];

        perm[i] = perm[other];
        perm[other] = swapped;
    }
    return add_transpose(m, &x, perm);
}

/* y is at most some 40000 elements for a whole batch. */
flow make_tile(maker *m)
{
    lks_op_args a = { .tile = { { 1, 1, 1, 1, 1, 1 } } };
    flow shape = draw_any_shape(m), x = add_input(m, shape);
    uint32_t dims[LKS_MAX_RANK], elements = x.elements, from = draw_one_in(&m->s, 4) ? 0 : 1;

    memcpy(dims, x.dims, sizeof dims);
    for (uint32_t i = from; i < x.rank; i++) {
        uint32_t room = 5000 / (elements * m->batch), n;

        room = room < 1 ? 1 : room > 40 ? 40 : room;
        n = draw_one_in(&m->s, 2) ? 1 : 1 + draw_below(&m->s, draw_one_in(&m->s, 3) || room < 4 ? room : 4);
        a.tile.repeats[i] = (int32_t)n;
        dims[i] *= n;
        elements *= n;
    }
    return add_unary(m, LKS_OP_TILE, &x, flow_shape(x.rank, dims), &a);
}

/* ---- gather, resize_nearest ---------------------------------------------------------------------------------------------- */

/* A constant of indices below extent: in order, backwards, stretched, or any. */
static uint32_t add_index_table(maker *m, uint32_t rank, const uint32_t *dims, uint32_t extent)
{
    const uint32_t count = flow_shape(rank, dims).elements, kind = draw_below(&m->d, 4);
    int32_t *index = malloc(count * sizeof *index);
    uint32_t tensor;

    if (!index) {
        m->failed = true;
        return LKS_NO_TENSOR;
    }
    for (uint32_t i = 0; i < count; i++)
        switch (kind) {
        case 0:  index[i] = (int32_t)(i % extent); break;
        case 1:  index[i] = (int32_t)(extent - 1 - i % extent); break;
        case 2:  index[i] = (int32_t)((uint64_t)i * extent / count); break;
        default: index[i] = draw_between(&m->d, 0, (int32_t)extent - 1); break;
        }
    tensor = add_constant(m, LKS_I32, rank, dims, index);
    free(index);
    return tensor;
}

/* As many indices as leave y small; of rank 1 to 3, as far as the rank of y allows. */
flow make_gather(maker *m)
{
    flow shape = draw_any_shape(m), x = add_input(m, shape), y;
    lks_op_args a = { .axis = { (int32_t)draw_below(&m->s, x.rank) } };
    uint32_t operands[2], dims[LKS_MAX_RANK], indices[3] = { 1, 1, 1 }, rank = 0, rest, room;

    if (a.axis.axis == 0 && !draw_one_in(&m->s, 4))
        a.axis.axis = (int32_t)x.rank - 1;
    rest = x.elements / x.dims[a.axis.axis];
    room = 6000 / (rest * m->batch);
    room = room < 1 ? 1 : room > 300 ? 300 : room;
    for (uint32_t n = 1 + draw_below(&m->s, 3); rank == 0 || (rank < n && x.rank + rank <= LKS_MAX_RANK); rank++) {
        indices[rank] = 1 + draw_below(&m->s, room);
        room /= indices[rank];
        room = room ? room : 1;
    }
    operands[0] = x.tensor;
    operands[1] = add_index_table(m, rank, indices, x.dims[a.axis.axis]);
    for (uint32_t i = 0; i < x.rank - 1 + rank; i++)
        dims[i] = i < (uint32_t)a.axis.axis ? x.dims[i] : i < (uint32_t)a.axis.axis + rank ? indices[i - (uint32_t)a.axis.axis]
                : x.dims[i - rank + 1];
    y = add_activation(m, flow_shape(x.rank - 1 + rank, dims));
    lks_builder_op(m->b, LKS_OP_GATHER, operands, &y.tensor, &a);
    return y;
}

enum { RESIZE_BATCH, RESIZE_C, RESIZE_H, RESIZE_W, RESIZE_OUT_H, RESIZE_OUT_W, RESIZE_FACTORS };

flow make_resize_nearest(maker *m)
{
    static const uint32_t walks[] = { RESIZE_C, RESIZE_OUT_W, RESIZE_W }, wide[] = { RESIZE_BATCH, RESIZE_OUT_W, RESIZE_C };
    static const uint32_t caps[RESIZE_FACTORS] = { 9, 4096, 60, 300, 60, 300 };
    static const walk_plan plan = { walks, COUNT_OF(walks), wide, COUNT_OF(wide), true };
    const lks_op_args none = { .word = { 0 } };
    uint32_t f[RESIZE_FACTORS], operands[3];
    walk w = walk_of(m, &plan);
    flow x, y;

    draw_factors(m, RESIZE_FACTORS, caps, &w, 1, f);
    m->batch = f[RESIZE_BATCH];

    const uint32_t n = 1 + draw_below(&m->s, 3);

    x = add_input(m, flow_shape(4, (const uint32_t[]){ n, f[RESIZE_H], f[RESIZE_W], f[RESIZE_C] }));
    operands[0] = x.tensor;
    operands[1] = add_index_table(m, 1, &f[RESIZE_OUT_H], f[RESIZE_H]);
    operands[2] = add_index_table(m, 1, &f[RESIZE_OUT_W], f[RESIZE_W]);
    y = add_activation(m, flow_shape(4, (const uint32_t[]){ n, f[RESIZE_OUT_H], f[RESIZE_OUT_W], f[RESIZE_C] }));
    lks_builder_op(m->b, LKS_OP_RESIZE_NEAREST, operands, &y.tensor, &none);
    return y;
}
