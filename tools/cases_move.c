/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that only move elements: reshape and pad.
 */
#include "tools/cases_maker.h"

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
