/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases that are whole graphs of 2 to 12 ops: chains, residual adds, branches, shared tensors, several inputs and outputs, tails.
 */
#include "tools/cases_maker.h"

#include <string.h>

#define OPS_MAX 12
#define FLOWS_MAX (MAKER_INPUTS + OPS_MAX)
#define WORK_MAX 6000u          /* of one op, at the model's own batch */
#define GROWN 3000u             /* elements from which a tensor is padded no more, nor reduced over as a whole */

typedef struct graph {
    maker *m;
    flow flow[FLOWS_MAX];
    bool used[FLOWS_MAX];       /* by a later op */
    uint32_t inputs, count;
    bool batch_free;            /* only ops that leave axis 0 alone */
} graph;

static uint32_t most_of(uint32_t work, uint32_t each)
{
    return work / each ? work / each : 1;
}

/* ---- one op more --------------------------------------------------------------------------------------------------------- */

/* Outputs, groups and taps bounded by what the op may cost. */
static flow grow_conv(graph *g, const flow *x)
{
    draw *d = &g->m->s;
    conv_shape s = { .groups = 1, .group_c = x->dims[3] };
    uint32_t area, out;

    s.h = draw_axis_over(d, x->dims[1], true);
    s.w = draw_axis_over(d, x->dims[2], true);
    if (draw_one_in(d, 3)) {
        s.groups = x->dims[3];
        s.group_c = 1;
    } else if (x->dims[3] % 2 == 0 && draw_one_in(d, 4)) {
        s.groups = 2;
        s.group_c = x->dims[3] / 2;
    }
    area = x->dims[0] * s.h.out * s.w.out;
    out = most_of(WORK_MAX, area * (uint32_t)(s.h.kernel * s.w.kernel) * s.group_c);
    out = out > 24 ? 24 : out;
    s.group_o = s.groups > 1 ? 1 + draw_below(d, out > 2 * s.groups ? 2 : 1) : 1 + draw_below(d, out);
    return add_conv(g->m, x, &s);
}

static flow grow_pool(graph *g, const flow *x)
{
    axis h = draw_axis_over(&g->m->s, x->dims[1], false), w = draw_axis_over(&g->m->s, x->dims[2], false);

    return add_pool(g->m, draw_one_in(&g->m->s, 2) ? LKS_OP_MAX_POOL : LKS_OP_AVG_POOL, x, &h, &w);
}

/* Rows of the last extent of x; where the batch is fixed, sometimes all of them along one axis. */
static flow grow_fully_connected(graph *g, const flow *x)
{
    uint32_t terms = x->dims[x->rank - 1], rows = x->elements / terms, most = most_of(WORK_MAX, x->elements), dims[LKS_MAX_RANK];

    for (uint32_t i = 0; i + 1 < x->rank; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 1] = 1 + draw_below(&g->m->s, most > 24 ? 24 : most);
    if (x->rank == 1 || (!g->batch_free && draw_one_in(&g->m->s, 2))) {
        dims[1] = dims[x->rank - 1];
        dims[0] = rows;
        return add_fully_connected(g->m, x, terms, flow_shape(2, dims));
    }
    return add_fully_connected(g->m, x, terms, flow_shape(x->rank, dims));
}

/* Each matrix of x times itself, turned: what attention does. */
static flow grow_batch_matmul(graph *g, const flow *x)
{
    static const bool adjoint[2] = { false, true };
    flow y = *x;

    y.dims[y.rank - 1] = y.dims[y.rank - 2];
    return add_batch_matmul(g->m, x, x, flow_shape(y.rank, y.dims), adjoint, false);
}

static bool same_shape(const flow *a, const flow *b)
{
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return a->rank == b->rank;
}

/* A residual add, or sub or mul, where another tensor has the same shape; else with a constant row, or with itself. */
static flow grow_pair(graph *g, uint32_t at)
{
    const flow *x = &g->flow[at];
    const uint32_t kind = (uint32_t)DRAW(&g->m->s, LKS_OP_ADD, LKS_OP_ADD, LKS_OP_SUB, LKS_OP_MUL);
    flow row = flow_shape(1, &x->dims[x->rank - 1]);
    uint32_t first = draw_below(&g->m->s, g->count);

    for (uint32_t i = 0; i < g->count; i++) {
        uint32_t other = (first + i) % g->count;

        if (other != at && same_shape(&g->flow[other], x)) {
            g->used[other] = true;
            return add_pair(g->m, kind, x, &g->flow[other], *x, false);
        }
    }
    if (x->rank > 1 && draw_one_in(&g->m->s, 2))
        return add_pair(g->m, kind, x, &row, *x, true);
    return add_pair(g->m, kind, x, x, *x, false);
}

/* Axes 1 and 2 of an image, else the last; axis 0 too where the batch is fixed. */
static flow grow_sum(graph *g, const flow *x)
{
    uint32_t axes = x->rank == 4 ? 6 : x->rank > 1 ? 1u << (x->rank - 1) : 1;

    if (!g->batch_free && draw_one_in(&g->m->s, 4))
        axes |= 1;
    if (draw_one_in(&g->m->s, 3))
        return add_reduce_max(g->m, x, axes, true);
    return add_sum(g->m, x, axes, draw_one_in(&g->m->s, 2));
}

/* Everything behind axis 0 in one, or axis 1 split off it, or, where the batch is fixed, all in one. */
static flow grow_reshape(graph *g, const flow *x)
{
    uint32_t rest = x->elements / x->dims[0];

    if (!g->batch_free && draw_one_in(&g->m->s, 3))
        return add_reshape(g->m, x, flow_shape(1, (const uint32_t[]){ x->elements }));
    if (rest % 2 == 0 && draw_one_in(&g->m->s, 3))
        return add_reshape(g->m, x, flow_shape(4, (const uint32_t[]){ x->dims[0], 2, 1, rest / 2 }));
    return add_reshape(g->m, x, flow_shape(2, (const uint32_t[]){ x->dims[0], rest }));
}

static flow grow_pad(graph *g, const flow *x)
{
    uint32_t before[LKS_MAX_RANK] = { 0 }, after[LKS_MAX_RANK] = { 0 }, room = x->elements > 600 ? 1 : 2;

    for (uint32_t i = g->batch_free ? 1 : 0; i < x->rank; i++) {
        before[i] = draw_below(&g->m->s, 1 + room / (i == 0 || i == x->rank - 1 ? 2 : 1));
        after[i] = draw_below(&g->m->s, room);
    }
    return add_pad(g->m, x, before, after);
}

/* With another tensor of the same shape, or with itself. */
static flow grow_concat(graph *g, uint32_t at)
{
    flow x[2] = { g->flow[at], g->flow[at] };
    uint32_t first = draw_below(&g->m->s, g->count), at_axis = x[0].rank - 1;

    for (uint32_t i = 0; i < g->count; i++)
        if (same_shape(&g->flow[(first + i) % g->count], &x[0])) {
            g->used[(first + i) % g->count] = true;
            x[draw_below(&g->m->s, 2)] = g->flow[(first + i) % g->count];
            break;
        }
    at_axis -= at_axis > 1 ? draw_below(&g->m->s, 2) : 0;
    return add_concat(g->m, x, 2, at_axis);
}

/* The second part of the last axis; the first one is an output, or nobody's. */
static flow grow_split(graph *g, const flow *x)
{
    uint32_t at_axis = x->rank - 1, last = x->dims[at_axis], extent[2] = { 1 + draw_below(&g->m->s, last), 0 };
    flow y[2];

    extent[1] = last - extent[0];
    add_split(g->m, x, at_axis, extent, extent[1] ? 2 : 1, y);
    if (extent[1] && draw_one_in(&g->m->s, 2))
        lks_builder_output(g->m->b, y[0].tensor);
    return y[extent[1] ? 1 : 0];
}

/* The last two axes change places, where neither is the first. */
static flow grow_transpose(graph *g, const flow *x)
{
    uint32_t perm[LKS_MAX_RANK] = { 0, 1, 2, 3, 4, 5 };

    if (x->rank > 2 || (x->rank == 2 && !g->batch_free)) {
        perm[x->rank - 1] = x->rank - 2;
        perm[x->rank - 2] = x->rank - 1;
    }
    return add_transpose(g->m, x, perm);
}

/* Every other element of the last axis, or all of it backwards. */
static flow grow_slice(graph *g, const flow *x)
{
    int32_t begin[LKS_MAX_RANK] = { 0 }, step[LKS_MAX_RANK] = { 1, 1, 1, 1, 1, 1 };
    uint32_t extent[LKS_MAX_RANK], last = x->rank - 1;

    memcpy(extent, x->dims, sizeof extent);
    if (draw_one_in(&g->m->s, 2)) {
        step[last] = 2;
        extent[last] = (extent[last] + 1) / 2;
    } else {
        step[last] = -1;
        begin[last] = (int32_t)extent[last] - 1;
    }
    return add_slice(g->m, x, begin, step, extent);
}

/* A little larger, or smaller. */
static flow grow_resize(graph *g, const flow *x)
{
    const uint32_t most = x->elements > 300 ? 1 : 2, h = 1 + draw_below(&g->m->s, most * x->dims[1]);

    return add_resize_bilinear(g->m, x, h, 1 + draw_below(&g->m->s, most * x->dims[2]));
}

static flow grow_any(graph *g, uint32_t at)
{
    const flow *x = &g->flow[at];
    uint32_t kind = draw_below(&g->m->s, 20);

    if (x->rank != 4 && kind < 8)
        kind = 8 + kind % 4;
    if (x->rank == 1 && g->batch_free)
        return grow_pair(g, at);
    if (x->elements > GROWN && (kind == 8 || kind == 11 || kind == 14 || kind == 16))
        return add_requant(g->m, x);
    switch (kind) {
    case 0: case 1: case 2: case 3: case 4: return grow_conv(g, x);
    case 5:                                 return grow_pool(g, x);
    case 6:                                 return draw_one_in(&g->m->s, 2) ? grow_pool(g, x) : grow_resize(g, x);
    case 8:                                 return x->rank > 2 && draw_one_in(&g->m->s, 3) ? grow_batch_matmul(g, x)
                                                                                           : grow_fully_connected(g, x);
    case 9:                                 return draw_one_in(&g->m->s, 2) ? add_requant(g->m, x) : add_scale(g->m, x);
    case 10:                                return grow_reshape(g, x);
    case 11:                                return add_softmax(g->m, x);
    case 7:                                 return add_prelu(g->m, x, flow_shape(1, &x->dims[x->rank - 1]));
    case 12:                                return draw_one_in(&g->m->s, 2) ? add_lut(g->m, x) : add_clamp(g->m, x);
    case 13:                                return grow_sum(g, x);
    case 14:                                return grow_pad(g, x);
    case 16:                                return grow_concat(g, at);
    case 17:                                return grow_split(g, x);
    case 18:                                return grow_transpose(g, x);
    case 19:                                return grow_slice(g, x);
    default:                                return grow_pair(g, at);
    }
}

/* ---- the graph ----------------------------------------------------------------------------------------------------------- */

/* Images of one batch; a second input often has the shape of the first, so that they can meet. */
static void start(graph *g)
{
    draw *d = &g->m->s;
    const uint32_t n = 1 + draw_below(d, 3), h = 1 + draw_below(d, 9), w = 1 + draw_below(d, 9);
    const uint32_t c = (uint32_t)DRAW(d, 1, 2, 3, 4, 8, 16, 17);
    flow first = flow_shape(4, (const uint32_t[]){ n, h, w, c });

    g->inputs = 1 + (draw_one_in(d, 3) ? 1 + draw_below(d, MAKER_INPUTS - 1) : 0);
    for (uint32_t i = 0; i < g->inputs; i++) {
        flow x = first;

        if (i > 0 && draw_one_in(d, 3))
            x = flow_shape(2, (const uint32_t[]){ n, 1 + draw_below(d, 40) });
        g->flow[g->count++] = add_input(g->m, x);
    }
}

/* Mostly the newest tensor, so that chains grow; sometimes any, so that they branch and share. */
static uint32_t draw_source(graph *g)
{
    return draw_one_in(&g->m->s, 4) ? draw_below(&g->m->s, g->count) : g->count - 1;
}

static void append(graph *g, uint32_t at, flow y)
{
    g->used[at] = true;
    g->flow[g->count++] = y;
}

/* Flatten, fully connected, softmax: how classifiers end. */
static void add_tail(graph *g)
{
    uint32_t at = g->count - 1, rest = g->flow[at].elements / g->flow[at].dims[0];
    flow y = add_reshape(g->m, &g->flow[at], flow_shape(2, (const uint32_t[]){ g->flow[at].dims[0], rest }));

    append(g, at, y);
    y = grow_fully_connected(g, &g->flow[g->count - 1]);
    append(g, g->count - 1, y);
    y = add_softmax(g->m, &g->flow[g->count - 1]);
    append(g, g->count - 1, y);
}

/* What nothing uses is an output, save one now and then; so is, now and then, what an op uses as well.  There always is one: the
 * last. */
static void add_outputs(graph *g)
{
    for (uint32_t i = g->inputs; i < g->count; i++)
        if (i + 1 == g->count || draw_one_in(&g->m->s, 8) != !g->used[i])
            lks_builder_output(g->m->b, g->flow[i].tensor);
}

flow make_graph(maker *m)
{
    graph g = { .m = m };
    uint32_t ops = 2 + draw_below(&m->s, OPS_MAX - 1);
    bool tail = ops > 4 && draw_one_in(&m->s, 3);

    m->batch = 1 + draw_below(&m->s, draw_one_in(&m->s, 4) ? 9 : 3);
    g.batch_free = !draw_one_in(&m->s, 3);
    start(&g);
    for (uint32_t end = g.count + ops - (tail ? 3 : 0); g.count < end;) {
        uint32_t at = draw_source(&g);
        flow y = grow_any(&g, at);

        append(&g, at, y);
    }
    if (tail)
        add_tail(&g);
    add_outputs(&g);
    return g.flow[g.count - 1];
}
