/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that keep a state.  A case is one run, from a state of zeros.
 */
#include "tools/cases_maker.h"

#include <stdlib.h>

static uint64_t magnitude(int64_t v)
{
    return (uint64_t)(v < 0 ? -v : v);
}

/* The largest sum of |w| of a row. */
static uint64_t largest_row(const int8_t *w, uint32_t rows, uint32_t terms)
{
    uint64_t most = 0;

    for (uint32_t o = 0; o < rows; o++) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < terms; i++)
            sum += magnitude(*w++);
        most = sum > most ? sum : most;
    }
    return most;
}

/* ---- lstm ---------------------------------------------------------------------------------------------------------------- */

enum { LSTM_BATCH, LSTM_STEPS, LSTM_INPUTS, LSTM_CELLS, LSTM_FACTORS };

#define LSTM_RQ_ROWS (2 * LKS_GATES + 3)
#define LSTM_PRODUCT (UINT64_C(1) << 30)        /* the bound of the last three */

typedef struct lstm_parts {
    const uint32_t *f;
    uint32_t rows;                      /* of weights: all gates of all cells */
    int8_t *w, *r;
    int32_t *bias, bias_bits, time_major;
    lks_rq rq[LSTM_RQ_ROWS];
} lstm_parts;

static void fill_lstm(maker *m, lstm_parts *p)
{
    p->bias_bits = (int32_t)draw_below(&m->d, 28);
    pattern_fill(&m->d, (pattern)draw_below(&m->d, PATTERNS), 0, p->w, (size_t)p->rows * p->f[LSTM_INPUTS]);
    pattern_fill(&m->d, (pattern)draw_below(&m->d, PATTERNS), 0, p->r, (size_t)p->rows * p->f[LSTM_CELLS]);
    for (uint32_t o = 0; o < p->rows; o++)
        p->bias[o] = draw_between(&m->d, -(1 << p->bias_bits), (1 << p->bias_bits) - 1);
}

/* Gates from almost closed to far beyond saturation; cells mostly in the units that their scale states. */
static void scale_lstm(maker *m, const lks_lstm_args *a, lstm_parts *p)
{
    const uint64_t x_bound = largest_row(p->w, p->rows, p->f[LSTM_INPUTS]) * (uint64_t)max_distance(a->x_zero);
    const uint64_t h_bound = largest_row(p->r, p->rows, p->f[LSTM_CELLS]) * (uint64_t)max_distance(a->y_zero);
    const uint64_t bound[2] = { x_bound + (UINT64_C(1) << p->bias_bits), h_bound };
    lks_rq *last = &p->rq[2 * LKS_GATES];

    for (uint32_t i = 0; i < 2 * LKS_GATES; i++)
        p->rq[i] = draw_scale(&m->d, a->rounding, bound[i / LKS_GATES], 1 + bound[i / LKS_GATES] / 512);
    last[0] = scale_ratio(1, UINT64_C(1) << 15, a->rounding, LSTM_PRODUCT);
    last[1] = scale_ratio(1, UINT64_C(1) << (a->cell_shift < 14 ? 18 + a->cell_shift : 31), a->rounding, LSTM_PRODUCT);
    last[2] = draw_scale(&m->d, a->rounding, LSTM_PRODUCT, LSTM_PRODUCT / 2);
    if (draw_one_in(&m->d, 5))
        last[draw_below(&m->d, 2)] = draw_scale(&m->d, a->rounding, LSTM_PRODUCT, LSTM_PRODUCT / 256);
}

static flow add_lstm(maker *m, const flow *x, lstm_parts *p)
{
    const uint32_t cells = p->f[LSTM_CELLS], rq_dims[2] = { LSTM_RQ_ROWS, 2 }, bias_dims[2] = { LKS_GATES, cells };
    const uint32_t w_dims[3] = { LKS_GATES, cells, p->f[LSTM_INPUTS] }, r_dims[3] = { LKS_GATES, cells, cells };
    lks_op_args args = { .lstm = { .x_zero = draw_x_zero(m, x), .time_major = p->time_major } };
    uint32_t operand[5] = { x->tensor };
    flow y = flow_shape(3, (const uint32_t[]){ x->dims[0], x->dims[1], cells });

    args.lstm.y_zero = draw_zero(&m->d);
    args.lstm.rounding = draw_one_in(&m->d, 2) ? LKS_TFLITE : LKS_HALF_UP;
    args.lstm.cell_shift = draw_one_in(&m->d, 3) ? draw_between(&m->d, -16, 14) : DRAW(&m->d, 0, 1, -1);
    args.lstm.cell_clip = draw_one_in(&m->d, 3) ? draw_between(&m->d, 1, INT16_MAX) : 0;
    scale_lstm(m, &args.lstm, p);
    operand[1] = add_constant(m, LKS_I8, 3, w_dims, p->w);
    operand[2] = add_constant(m, LKS_I8, 3, r_dims, p->r);
    operand[3] = add_constant(m, LKS_I32, 2, bias_dims, p->bias);
    operand[4] = add_constant(m, LKS_I32, 2, rq_dims, p->rq);
    y = add_activation(m, y);
    lks_builder_op(m->b, LKS_OP_LSTM, operand, &y.tensor, &args);
    return y;
}

flow make_lstm(maker *m)
{
    static const uint32_t walked[] = { LSTM_INPUTS, LSTM_CELLS, LSTM_STEPS }, wide[] = { LSTM_BATCH, LSTM_STEPS };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    const uint32_t caps[LSTM_FACTORS] = { 9, 20, 300, 300 };
    uint32_t f[LSTM_FACTORS], dims[3];
    walk w = walk_of(m, &plan);
    lstm_parts p = { .f = f };
    flow x, y = { 0 };

    draw_extreme(m);
    draw_factors(m, LSTM_FACTORS, caps, &w, 2, f);
    p.rows = LKS_GATES * f[LSTM_CELLS];
    m->batch = f[LSTM_BATCH];
    dims[0] = 1 + draw_below(&m->s, 3);
    dims[1] = f[LSTM_STEPS];
    dims[2] = f[LSTM_INPUTS];
    p.time_major = draw_one_in(&m->s, 4);
    if (p.time_major) {
        dims[1] = f[LSTM_BATCH];
        dims[0] = f[LSTM_STEPS];
    }
    x = add_input(m, flow_shape(3, dims));
    p.w = malloc((size_t)p.rows * f[LSTM_INPUTS]);
    p.r = malloc((size_t)p.rows * f[LSTM_CELLS]);
    p.bias = malloc(p.rows * sizeof *p.bias);
    if (p.w && p.r && p.bias) {
        fill_lstm(m, &p);
        y = add_lstm(m, &x, &p);
    } else {
        m->failed = true;
    }
    free(p.w);
    free(p.r);
    free(p.bias);
    return y;
}

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

static void bound_svdf(const lks_svdf_args *a, svdf_parts *p)
{
    const uint32_t terms = p->f[SVDF_RANK] * p->f[SVDF_MEMORY];
    const uint64_t most = magnitude(a->state_min) > magnitude(a->state_max) ? magnitude(a->state_min) : magnitude(a->state_max);

    p->feature_bound = largest_row(p->w, p->filters, p->f[SVDF_INPUTS]) * (uint64_t)max_distance(a->x_zero);
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
