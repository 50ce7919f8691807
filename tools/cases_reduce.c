/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that look at whole axes: sum, reduce_max, arg_max and softmax.
 */
#include "tools/cases_maker.h"

/* ---- sum ----------------------------------------------------------------------------------------------------------------- */

/* The shape of y, kept or left out; *count: how many elements each sum has. */
static flow summed_shape(const flow *x, uint32_t axes, bool keep, uint32_t *count)
{
    uint32_t dims[LKS_MAX_RANK] = { 1 }, rank = 0;

    *count = 1;
    for (uint32_t i = 0; i < x->rank; i++) {
        bool gone = axes >> i & 1;

        *count *= gone ? x->dims[i] : 1;
        if (keep || !gone)
            dims[rank++] = gone ? 1 : x->dims[i];
    }
    return flow_shape(rank ? rank : 1, dims);
}

flow add_sum(maker *m, const flow *x, uint32_t axes, bool keep)
{
    lks_tail t = draw_tail(&m->d);
    int32_t zero = draw_x_zero(m, x), away = x->mean < zero ? zero - x->mean : x->mean - zero;
    uint32_t count;
    flow y = summed_shape(x, axes, keep, &count);
    uint64_t reach = root(count) * (uint64_t)x->spread + (uint64_t)count * (uint64_t)away;
    lks_rq rq = draw_scale(&m->d, t.rounding, (uint64_t)count * (uint64_t)max_distance(zero), reach);
    const lks_op_args a = { .sum = { (int32_t)axes, zero, t.y_zero, rq.m, rq.s, t.y_min, t.y_max, t.rounding } };

    return add_unary(m, LKS_OP_SUM, x, y, &a);
}

flow make_sum(maker *m)
{
    flow x = draw_any_shape(m);
    uint32_t all = (1u << x.rank) - 1, axes = 1 + draw_below(&m->s, all);

    draw_extreme(m);
    x = add_input(m, x);

    if (x.rank == 4 && draw_one_in(&m->s, 2))
        axes = 6;               /* over height and width */
    return add_sum(m, &x, axes, draw_one_in(&m->s, 2));
}

/* ---- reduce_max ---------------------------------------------------------------------------------------------------------- */

flow add_reduce_max(maker *m, const flow *x, uint32_t axes, bool keep)
{
    const int32_t smallest = draw_one_in(&m->d, 2);
    lks_tail t = draw_tail(&m->d);
    const lks_op_args a = { .reduce_max = { (int32_t)axes, smallest, t.y_min, t.y_max } };
    uint32_t count;

    return add_unary(m, LKS_OP_REDUCE_MAX, x, summed_shape(x, axes, keep, &count), &a);
}

flow make_reduce_max(maker *m)
{
    flow x = draw_any_shape(m);
    uint32_t all = (1u << x.rank) - 1, axes = 1 + draw_below(&m->s, all);

    x = add_input(m, x);
    return add_reduce_max(m, &x, axes, draw_one_in(&m->s, 2));
}

/* ---- arg_max ------------------------------------------------------------------------------------------------------------- */

flow add_arg_max(maker *m, const flow *x, uint32_t over, bool keep)
{
    const lks_op_args a = { .arg_max = { (int32_t)over, draw_one_in(&m->d, 2) } };
    uint32_t count;
    flow y = add_indices(m, summed_shape(x, 1u << over, keep, &count));

    lks_builder_op(m->b, LKS_OP_ARG_MAX, &x->tensor, &y.tensor, &a);
    return y;
}

/* Half of the cases reshape the indices, the only thing that may be done with them. */
flow make_arg_max(maker *m)
{
    const lks_op_args none = { .word = { 0 } };
    flow x = draw_any_shape(m), y, flat;
    uint32_t over = draw_one_in(&m->s, 2) ? x.rank - 1 : draw_below(&m->s, x.rank);

    x = add_input(m, x);
    y = add_arg_max(m, &x, over, draw_one_in(&m->s, 2));
    if (draw_one_in(&m->s, 2))
        return y;
    flat = add_indices(m, flow_shape(2, (const uint32_t[]){ y.dims[0], y.elements / y.dims[0] }));
    lks_builder_op(m->b, LKS_OP_RESHAPE, &y.tensor, &flat.tensor, &none);
    return flat;
}

/* ---- softmax ------------------------------------------------------------------------------------------------------------- */

flow add_softmax(maker *m, const flow *x)
{
    int32_t factor = draw_one_in(&m->d, 4) ? DRAW(&m->d, 1 << 30, LKS_INT32_MAX) : draw_between(&m->d, 1 << 30, LKS_INT32_MAX);
    int32_t shift = draw_one_in(&m->d, 5) ? draw_between(&m->d, 1, 31) : draw_between(&m->d, 19, 24);
    const lks_op_args a = { .softmax = { factor, shift } };

    return add_unary(m, LKS_OP_SOFTMAX, x, flow_shape(x->rank, x->dims), &a);
}

enum { SOFTMAX_BATCH, SOFTMAX_COLUMNS, SOFTMAX_ROWS, SOFTMAX_FACTORS };

static void draw_softmax_factors(maker *m, const walk *w, uint32_t *f)
{
    const uint32_t caps[SOFTMAX_FACTORS] = { 9, LKS_MAX_SOFTMAX_COLUMNS, 300 };

    draw_factors(m, SOFTMAX_FACTORS, caps, w, 2, f);
    if (w->wide && w->factor == SOFTMAX_ROWS) {
        f[SOFTMAX_COLUMNS] = 33;
        f[SOFTMAX_BATCH] = 1;
    } else if (w->wide) {
        f[SOFTMAX_COLUMNS] = 2;
    } else if (!w->on && draw_one_in(&m->s, 40)) {
        f[SOFTMAX_COLUMNS] = LKS_MAX_SOFTMAX_COLUMNS - draw_below(&m->s, 2);
        f[SOFTMAX_ROWS] = f[SOFTMAX_BATCH] = 1;
    } else if (!w->on && draw_one_in(&m->s, 4)) {
        /* many sums whose quotients are far from 0: what a reciprocal that is nearly right gets wrong is one in some hundred */
        f[SOFTMAX_COLUMNS] = 2 + draw_below(&m->s, 4);
        f[SOFTMAX_ROWS] = 200 + draw_below(&m->s, 200);
    }
}

/* One of the ranks that a softmax may have; the last extent is its columns. */
static flow softmax_shape(maker *m, uint32_t n, uint32_t rows, uint32_t columns)
{
    uint32_t dims[LKS_MAX_RANK] = { n, 1, 1, 1, 1, columns };

    switch (draw_below(&m->s, 4)) {
    case 0:
        return flow_shape(1, &columns);
    case 1:
        return flow_shape(2, (const uint32_t[]){ n * rows, columns });
    case 2:
        return flow_shape(3, (const uint32_t[]){ n, rows, columns });
    }
    dims[1 + draw_below(&m->s, 4)] = rows;
    return flow_shape(LKS_MAX_RANK, dims);
}

flow make_softmax(maker *m)
{
    static const uint32_t walked[] = { SOFTMAX_COLUMNS, SOFTMAX_ROWS }, wide[] = { SOFTMAX_BATCH, SOFTMAX_ROWS };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    walk w = walk_of(m, &plan);
    uint32_t f[SOFTMAX_FACTORS], n = w.wide ? 1 : 1 + draw_below(&m->s, 3);
    flow x;

    draw_softmax_factors(m, &w, f);
    m->batch = f[SOFTMAX_BATCH];
    x = add_input(m, softmax_shape(m, n, f[SOFTMAX_ROWS], f[SOFTMAX_COLUMNS]));
    return add_softmax(m, &x);
}
