/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that keep a state.  A case is one run, from a state of zeros.
 */
#include "tools/cases_maker.h"

#include <stdlib.h>

/* ---- svdf ---------------------------------------------------------------------------------------------------------------- */

enum { SVDF_BATCH, SVDF_INPUTS, SVDF_UNITS, SVDF_RANK, SVDF_MEMORY, SVDF_FACTORS };

/* The constants of a case, and what follows for its multipliers. */
typedef struct svdf_parts {
    const uint32_t *f;
    uint32_t filters;
    int8_t *w;
    int16_t *time;
    int32_t *bias;
    uint64_t feature_bound, bound;      /* the largest of all channels */
} svdf_parts;

static int16_t draw_short(maker *m, int32_t bits)
{
    return (int16_t)draw_between(&m->d, -(1 << bits), (1 << bits) - 1);
}

/* Weights of about the same number of bits each, which may be all that there are. */
static void fill_svdf(maker *m, svdf_parts *p)
{
    const int32_t bits = m->extreme ? 15 : 4 + (int32_t)draw_below(&m->d, 12), bias_bits = (int32_t)draw_below(&m->d, 31);

    pattern_fill(&m->d, (pattern)draw_below(&m->d, PATTERNS), 0, p->w, (size_t)p->filters * p->f[SVDF_INPUTS]);
    for (uint32_t i = 0; i < p->filters * p->f[SVDF_MEMORY]; i++)
        p->time[i] = draw_short(m, bits);
    for (uint32_t u = 0; u < p->f[SVDF_UNITS]; u++)
        p->bias[u] = draw_between(&m->d, -(1 << bias_bits), (1 << bias_bits) - 1);
}

static uint64_t magnitude(int64_t v)
{
    return (uint64_t)(v < 0 ? -v : v);
}

static void bound_svdf(const lks_svdf_args *a, svdf_parts *p)
{
    const uint32_t inputs = p->f[SVDF_INPUTS], terms = p->f[SVDF_RANK] * p->f[SVDF_MEMORY];
    const uint64_t most = magnitude(a->state_min) > magnitude(a->state_max) ? magnitude(a->state_min) : magnitude(a->state_max);

    for (uint32_t f = 0; f < p->filters; f++) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < inputs; i++)
            sum += magnitude(p->w[(size_t)f * inputs + i]);
        sum *= (uint64_t)max_distance(a->x_zero);
        p->feature_bound = sum > p->feature_bound ? sum : p->feature_bound;
    }
    for (uint32_t u = 0; u < p->f[SVDF_UNITS]; u++) {
        uint64_t sum = magnitude(p->bias[u]);

        for (uint32_t i = 0; i < terms; i++)
            sum += most * magnitude(p->time[(size_t)u * terms + i]);
        sum = sum > LKS_INT32_MAX ? LKS_INT32_MAX : sum;
        p->bound = sum > p->bound ? sum : p->bound;
    }
}

static void draw_state_range(maker *m, lks_svdf_args *a)
{
    const int32_t u = draw_short(m, 15), v = draw_short(m, 15);

    a->state_min = INT16_MIN;
    a->state_max = INT16_MAX;
    if (draw_one_in(&m->d, 3)) {
        a->state_min = -128;
        a->state_max = 127;
    } else if (draw_one_in(&m->d, 5)) {
        a->state_min = u < v ? u : v;
        a->state_max = u < v ? v : u;
    }
}

static flow add_svdf(maker *m, const flow *x, svdf_parts *p)
{
    const uint32_t units = p->f[SVDF_UNITS];
    const uint32_t w_dims[2] = { p->filters, p->f[SVDF_INPUTS] }, time_dims[2] = { p->filters, p->f[SVDF_MEMORY] };
    const lks_tail t = draw_tail(&m->d);
    lks_op_args args = { .svdf = { .rank = (int32_t)p->f[SVDF_RANK], .x_zero = draw_x_zero(m, x) } };
    lks_svdf_args *a = &args.svdf;
    uint32_t operand[4] = { x->tensor };
    lks_rq feature, rq;
    flow y = flow_shape(2, (const uint32_t[]){ x->dims[0], units });

    draw_state_range(m, a);
    bound_svdf(a, p);
    feature = draw_scale(&m->d, t.rounding, p->feature_bound, 1 + p->feature_bound / 2048);
    rq = draw_scale(&m->d, t.rounding, p->bound, p->bound / 2);
    a->feature_m = feature.m;
    a->feature_s = feature.s;
    a->y_zero = t.y_zero;
    a->m = rq.m;
    a->s = rq.s;
    a->y_min = t.y_min;
    a->y_max = t.y_max;
    a->rounding = t.rounding;
    operand[1] = add_constant(m, LKS_I8, 2, w_dims, p->w);
    operand[2] = add_constant(m, LKS_I16, 2, time_dims, p->time);
    operand[3] = add_constant(m, LKS_I32, 1, &units, p->bias);
    y = add_activation(m, y);
    lks_builder_op(m->b, LKS_OP_SVDF, operand, &y.tensor, &args);
    return y;
}

flow make_svdf(maker *m)
{
    static const uint32_t walked[] = { SVDF_INPUTS, SVDF_UNITS, SVDF_MEMORY, SVDF_RANK }, wide[] = { SVDF_BATCH, SVDF_UNITS };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    const uint32_t caps[SVDF_FACTORS] = { 9, 600, 300, 9, 40 };
    uint32_t f[SVDF_FACTORS];
    walk w = walk_of(m, &plan);
    svdf_parts p = { .f = f };
    flow x, y = { 0 };

    draw_extreme(m);
    draw_factors(m, SVDF_FACTORS, caps, &w, 1, f);
    p.filters = f[SVDF_UNITS] * f[SVDF_RANK];
    m->batch = f[SVDF_BATCH];
    x = flow_shape(2, (const uint32_t[]){ 1 + draw_below(&m->s, 3), f[SVDF_INPUTS] });
    x = add_input(m, x);
    p.w = malloc((size_t)p.filters * f[SVDF_INPUTS]);
    p.time = malloc((size_t)p.filters * f[SVDF_MEMORY] * sizeof *p.time);
    p.bias = malloc(f[SVDF_UNITS] * sizeof *p.bias);
    if (p.w && p.time && p.bias) {
        fill_svdf(m, &p);
        y = add_svdf(m, &x, &p);
    } else {
        m->failed = true;
    }
    free(p.w);
    free(p.time);
    free(p.bias);
    return y;
}
