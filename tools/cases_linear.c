/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of conv, fully_connected, batch_matmul and scale: weights, biases and multipliers whose bound holds by construction.
 */
#include "tools/cases_maker.h"

#include <stdlib.h>

/* The most terms of a sum whose factors all may be 255: floor((2^31 - 1) / 255^2).  spec 3.2 */
#define TERMS_MAX 33025

/* ---- weights ------------------------------------------------------------------------------------------------------------- */

typedef struct linear {
    uint32_t terms, out_c;
    int32_t x_zero, w_zero, rounding;
} linear;

/* One output channel's weights, in numbers. */
typedef struct channel {
    int64_t sum, magnitude, squares;    /* of w - w_zero: the sum, that of the absolute values, and of the squares */
} channel;

typedef enum bias_mode { BIAS_CENTRE, BIAS_ZERO, BIAS_SMALL, BIAS_BOUND } bias_mode;

static int32_t draw_w_zero(maker *m)
{
    return draw_one_in(&m->d, 2) ? 0 : draw_zero(&m->d);
}

static void fill_weights(maker *m, linear *l, int8_t *w)
{
    static const int32_t usual[] = {
        PATTERN_LOW, PATTERN_HIGH, PATTERN_ALTERNATING, PATTERN_SPARSE, PATTERN_NEAR, PATTERN_NEAR, PATTERN_RAMP
    };
    pattern p = PATTERN_RANDOM;

    l->w_zero = draw_w_zero(m);
    if (m->extreme) {
        p = draw_one_in(&m->d, 2) ? PATTERN_LOW : PATTERN_HIGH;
        l->w_zero = p == PATTERN_LOW ? 127 : -128;
    } else if (draw_one_in(&m->d, 2)) {
        p = (pattern)draw_of(&m->d, usual, COUNT_OF(usual));
    }
    pattern_fill(&m->d, p, l->w_zero, w, (size_t)l->terms * l->out_c);
}

static channel measure(const linear *l, const int8_t *w)
{
    channel c = { 0, 0, 0 };

    for (uint32_t i = 0; i < l->terms; i++) {
        int32_t v = w[i] - l->w_zero;

        c.sum += v;
        c.magnitude += v < 0 ? -v : v;
        c.squares += v * v;
    }
    return c;
}

static bias_mode draw_bias_mode(maker *m)
{
    return (bias_mode)DRAW(&m->d, BIAS_CENTRE, BIAS_CENTRE, BIAS_CENTRE, BIAS_CENTRE, BIAS_ZERO, BIAS_SMALL, BIAS_BOUND);
}

/* In -room .. room. */
static int32_t draw_bias(maker *m, bias_mode mode, int64_t centre, int64_t spread, int64_t room)
{
    int64_t noise = draw_between(&m->d, -1000, 1000) * spread / 1000, v = 0;

    switch (mode) {
    case BIAS_CENTRE: v = noise - centre; break;
    case BIAS_ZERO:   break;
    case BIAS_SMALL:  v = draw_between(&m->d, -300, 300); break;
    case BIAS_BOUND:  v = centre < 0 ? -room : centre > 0 || draw_one_in(&m->d, 2) ? room : -room; break;
    }
    return (int32_t)(v < -room ? -room : v > room ? room : v);
}

/* Bias and multiplier of one channel, so that the outputs spread: where the sum is likely to be comes from the weights and from
 * what is known of x. */
static void finish_channel(maker *m, const linear *l, const flow *x, const channel *c, bias_mode mode, int32_t *bias, lks_rq *rq)
{
    int64_t limit = c->magnitude * max_distance(l->x_zero), centre = c->sum * (x->mean - l->x_zero), middle, magnitude;
    int64_t spread = (int64_t)root((uint64_t)c->squares) * x->spread + 1;

    *bias = draw_bias(m, mode, centre, spread, LKS_INT32_MAX - limit);
    middle = centre + *bias < 0 ? -(centre + *bias) : centre + *bias;
    magnitude = *bias < 0 ? -(int64_t)*bias : *bias;
    *rq = draw_scale(&m->d, l->rounding, (uint64_t)(limit + magnitude), (uint64_t)(spread + middle));
}

/* Add w, bias and rq: operands 1 to 3.  Sets l->w_zero. */
static void add_weights(maker *m, linear *l, const flow *x, uint32_t w_rank, const uint32_t *w_dims, uint32_t *operand)
{
    const uint32_t dims[2] = { l->out_c, 2 };
    int8_t *w = malloc((size_t)l->terms * l->out_c);
    int32_t *bias = malloc(l->out_c * sizeof *bias);
    lks_rq *rq = malloc(l->out_c * sizeof *rq);
    bias_mode mode = draw_bias_mode(m);

    operand[0] = x->tensor;
    if (w && bias && rq) {
        fill_weights(m, l, w);
        for (uint32_t o = 0; o < l->out_c; o++) {
            channel c = measure(l, w + (size_t)o * l->terms);

            finish_channel(m, l, x, &c, m->extreme && draw_one_in(&m->d, 2) ? BIAS_BOUND : mode, &bias[o], &rq[o]);
        }
        operand[1] = add_constant(m, LKS_I8, w_rank, w_dims, w);
        operand[2] = add_constant(m, LKS_I32, 1, dims, bias);
        operand[3] = add_constant(m, LKS_I32, 2, dims, rq);
    } else {
        m->failed = true;
    }
    free(w);
    free(bias);
    free(rq);
}

/* ---- conv ---------------------------------------------------------------------------------------------------------------- */

flow add_conv(maker *m, const flow *x, const conv_shape *s)
{
    const uint32_t out_c = s->groups * s->group_o, taps = (uint32_t)(s->h.kernel * s->w.kernel);
    const uint32_t w_dims[4] = { out_c, (uint32_t)s->h.kernel, (uint32_t)s->w.kernel, s->group_c };
    const uint32_t y_dims[4] = { x->dims[0], s->h.out, s->w.out, out_c };
    lks_tail t = draw_tail(&m->d);
    linear l = { .terms = taps * s->group_c, .out_c = out_c, .x_zero = draw_x_zero(m, x), .rounding = t.rounding };
    uint32_t operand[4] = { 0 };
    lks_op_args a = { .conv = {
        .stride_h = s->h.stride, .stride_w = s->w.stride, .dilation_h = s->h.dilation, .dilation_w = s->w.dilation,
        .pad_top = s->h.before, .pad_bottom = s->h.after, .pad_left = s->w.before, .pad_right = s->w.after,
        .pad_value = draw_one_in(&m->d, 2) ? l.x_zero : draw_zero(&m->d), .groups = (int32_t)s->groups,
        .x_zero = l.x_zero, .y_zero = t.y_zero, .y_min = t.y_min, .y_max = t.y_max, .rounding = t.rounding
    } };
    flow y;

    add_weights(m, &l, x, 4, w_dims, operand);
    a.conv.w_zero = l.w_zero;
    y = add_activation(m, flow_shape(4, y_dims));
    lks_builder_op(m->b, LKS_OP_CONV, operand, &y.tensor, &a);
    return y;
}

enum { CONV_BATCH, CONV_H, CONV_W, CONV_GROUPS, CONV_GROUP_C, CONV_GROUP_O, CONV_KERNEL_H, CONV_KERNEL_W, CONV_FACTORS };

/* One group; depthwise, with one or several outputs per input; one output and several inputs per group; groups of any size. */
static void draw_groups(maker *m, const walk *w, uint32_t *caps)
{
    uint32_t kind = draw_below(&m->s, 8);

    if (w->on && w->factor == CONV_GROUPS)
        kind = 1 + draw_below(&m->s, 4);
    else if (w->on && (w->factor == CONV_GROUP_C || w->factor == CONV_GROUP_O))
        kind = draw_one_in(&m->s, 4) ? 4 : 0;
    if (kind > 4 || kind == 0)
        caps[CONV_GROUPS] = 1;
    if (kind == 1 || kind == 2)
        caps[CONV_GROUP_C] = 1;
    if (kind == 1 || kind == 3)
        caps[CONV_GROUP_O] = 1;
}

static flow finish_conv(maker *m, const uint32_t *f)
{
    conv_shape s = { .groups = f[CONV_GROUPS], .group_c = f[CONV_GROUP_C], .group_o = f[CONV_GROUP_O] };
    flow x;

    s.h = draw_axis_to(&m->s, f[CONV_H], f[CONV_KERNEL_H], true);
    s.w = draw_axis_to(&m->s, f[CONV_W], f[CONV_KERNEL_W], true);
    x = flow_shape(4, (const uint32_t[]){ 1 + draw_below(&m->s, 3), s.h.in, s.w.in, s.groups * s.group_c });
    x = add_input(m, x);

    m->batch = f[CONV_BATCH];
    return add_conv(m, &x, &s);
}

/* Sums as long and as large as the bound law allows, or 4096 channels. */
static flow make_long_conv(maker *m)
{
    const uint32_t pixels = 1 + draw_below(&m->s, 2), out = 1 + draw_below(&m->s, 3);
    uint32_t f[CONV_FACTORS] = { 1, 1, pixels, 1, 4096, out, 1, 1 };

    if (draw_one_in(&m->s, 2)) {
        m->extreme = true;
        f[CONV_GROUP_C] = TERMS_MAX - draw_below(&m->s, 3);
        f[CONV_GROUP_O] = f[CONV_W] = 1;
    } else if (draw_one_in(&m->s, 4)) {
        f[CONV_GROUPS] = 4096;
        f[CONV_GROUP_C] = f[CONV_GROUP_O] = 1;
    }
    return finish_conv(m, f);
}

flow make_conv(maker *m)
{
    static const uint32_t walked[] = { CONV_GROUP_C, CONV_GROUP_O, CONV_W, CONV_GROUPS, CONV_H, CONV_KERNEL_W };
    static const uint32_t wide[] = { CONV_BATCH, CONV_GROUP_O, CONV_GROUPS, CONV_W };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), true };
    uint32_t caps[CONV_FACTORS] = { 9, 300, 300, 300, 1100, 600, 7, 11 }, f[CONV_FACTORS], most;
    walk w = walk_of(m, &plan);

    draw_extreme(m);
    if (!w.on && draw_one_in(&m->s, 150))
        return make_long_conv(m);
    if (w.on && w.factor == CONV_KERNEL_W)
        caps[CONV_KERNEL_W] = 33;
    draw_groups(m, &w, caps);
    draw_factors(m, CONV_FACTORS, caps, &w, 0, f);
    most = TERMS_MAX / (f[CONV_KERNEL_H] * f[CONV_KERNEL_W]);
    f[CONV_GROUP_C] = f[CONV_GROUP_C] < most ? f[CONV_GROUP_C] : most;
    return finish_conv(m, f);
}

/* ---- transposed_conv ----------------------------------------------------------------------------------------------------- */

/* An axis of x of that extent, and the y that it makes: padding is less than the kernel, and behind as low as 1 - stride. */
static axis draw_scattered_axis(draw *d, uint32_t in, uint32_t kernel)
{
    axis a = { .in = in, .kernel = (int32_t)kernel, .stride = DRAW(d, 1, 1, 2, 2, 2, 3, 4, 7), .dilation = 1 };
    const int32_t whole = ((int32_t)in - 1) * a.stride + a.kernel;
    int32_t rest;

    if (draw_one_in(d, 2))
        a.before = draw_between(d, 0, (a.kernel < whole ? a.kernel : whole) - 1);
    rest = whole - a.before;
    if (draw_one_in(d, 2))
        a.after = draw_between(d, 1 - a.stride, (a.kernel < rest ? a.kernel : rest) - 1);
    a.out = (uint32_t)(whole - a.before - a.after);
    return a;
}

enum { SCATTER_BATCH, SCATTER_H, SCATTER_W, SCATTER_GROUPS, SCATTER_GROUP_C, SCATTER_GROUP_O, SCATTER_KERNEL_H, SCATTER_KERNEL_W,
       SCATTER_FACTORS };

static flow add_transposed_conv(maker *m, const flow *x, const conv_shape *s)
{
    const uint32_t out_c = s->groups * s->group_o;
    const uint32_t w_dims[4] = { out_c, (uint32_t)s->h.kernel, (uint32_t)s->w.kernel, s->group_c };
    lks_tail t = draw_tail(&m->d);
    linear l = {
        .terms = w_dims[1] * w_dims[2] * s->group_c, .out_c = out_c, .x_zero = draw_x_zero(m, x), .rounding = t.rounding
    };
    uint32_t operand[4] = { 0 };
    lks_op_args a;
    flow y;

    add_weights(m, &l, x, 4, w_dims, operand);
    a = (lks_op_args){ .transposed_conv = {
        s->h.stride, s->w.stride, s->h.before, s->h.after, s->w.before, s->w.after, (int32_t)s->groups,
        l.x_zero, l.w_zero, t.y_zero, t.y_min, t.y_max, t.rounding
    } };
    y = add_activation(m, flow_shape(4, (const uint32_t[]){ x->dims[0], s->h.out, s->w.out, out_c }));
    lks_builder_op(m->b, LKS_OP_TRANSPOSED_CONV, operand, &y.tensor, &a);
    return y;
}

flow make_transposed_conv(maker *m)
{
    static const uint32_t walked[] = { SCATTER_GROUP_C, SCATTER_GROUP_O, SCATTER_W }, wide[] = { SCATTER_BATCH, SCATTER_W };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    uint32_t caps[SCATTER_FACTORS] = { 9, 60, 60, 40, 300, 300, 6, 6 }, f[SCATTER_FACTORS];
    walk w = walk_of(m, &plan);
    conv_shape s;
    flow x;

    draw_extreme(m);
    if (draw_one_in(&m->s, 2))
        caps[SCATTER_GROUPS] = 1;
    else if (draw_one_in(&m->s, 2))
        caps[SCATTER_GROUP_C] = 1;
    draw_factors(m, SCATTER_FACTORS, caps, &w, 1, f);
    m->batch = f[SCATTER_BATCH];
    s = (conv_shape){ .groups = f[SCATTER_GROUPS], .group_c = f[SCATTER_GROUP_C], .group_o = f[SCATTER_GROUP_O] };
    s.h = draw_scattered_axis(&m->s, f[SCATTER_H], f[SCATTER_KERNEL_H]);
    s.w = draw_scattered_axis(&m->s, f[SCATTER_W], f[SCATTER_KERNEL_W]);
    x = flow_shape(4, (const uint32_t[]){ 1 + draw_below(&m->s, 3), f[SCATTER_H], f[SCATTER_W], s.groups * s.group_c });
    x = add_input(m, x);
    return add_transposed_conv(m, &x, &s);
}

/* ---- conv_3d ------------------------------------------------------------------------------------------------------------- */

enum { CUBE_BATCH, CUBE_D, CUBE_H, CUBE_W, CUBE_GROUPS, CUBE_GROUP_C, CUBE_GROUP_O, CUBE_KERNEL_D, CUBE_KERNEL_H, CUBE_FACTORS };

static flow add_conv_3d(maker *m, const flow *x, const axis *d, const conv_shape *s)
{
    const uint32_t out_c = s->groups * s->group_o;
    const uint32_t w_dims[5] = { out_c, (uint32_t)d->kernel, (uint32_t)s->h.kernel, (uint32_t)s->w.kernel, s->group_c };
    lks_tail t = draw_tail(&m->d);
    linear l = { .terms = w_dims[1] * w_dims[2] * w_dims[3] * s->group_c, .out_c = out_c, .x_zero = draw_x_zero(m, x),
                 .rounding = t.rounding };
    uint32_t operand[4] = { 0 };
    lks_op_args a = { .conv_3d = {
        d->stride, s->h.stride, s->w.stride, d->dilation, s->h.dilation, s->w.dilation, d->before, d->after,
        s->h.before, s->h.after,
        s->w.before, s->w.after, draw_one_in(&m->d, 2) ? l.x_zero : draw_zero(&m->d), (int32_t)s->groups,
        l.x_zero, 0, t.y_zero, t.y_min, t.y_max, t.rounding
    } };
    flow y;

    add_weights(m, &l, x, 5, w_dims, operand);
    a.conv_3d.w_zero = l.w_zero;
    y = add_activation(m, flow_shape(5, (const uint32_t[]){ x->dims[0], d->out, s->h.out, s->w.out, out_c }));
    lks_builder_op(m->b, LKS_OP_CONV_3D, operand, &y.tensor, &a);
    return y;
}

flow make_conv_3d(maker *m)
{
    static const uint32_t walked[] = { CUBE_GROUP_C, CUBE_GROUP_O, CUBE_D }, wide[] = { CUBE_BATCH, CUBE_W };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    uint32_t caps[CUBE_FACTORS] = { 5, 60, 20, 20, 20, 300, 300, 4, 4 }, f[CUBE_FACTORS];
    walk w = walk_of(m, &plan);
    conv_shape s;
    axis d;
    flow x;

    draw_extreme(m);
    if (draw_one_in(&m->s, 2))
        caps[CUBE_GROUPS] = 1;
    else if (draw_one_in(&m->s, 2))
        caps[CUBE_GROUP_C] = 1;
    draw_factors(m, CUBE_FACTORS, caps, &w, 1, f);
    m->batch = f[CUBE_BATCH];
    s = (conv_shape){ .groups = f[CUBE_GROUPS], .group_c = f[CUBE_GROUP_C], .group_o = f[CUBE_GROUP_O] };
    d = draw_axis_to(&m->s, f[CUBE_D], f[CUBE_KERNEL_D], true);
    s.h = draw_axis_to(&m->s, f[CUBE_H], f[CUBE_KERNEL_H], true);
    s.w = draw_axis_to(&m->s, f[CUBE_W], 1 + draw_below(&m->s, 2), true);
    x = flow_shape(5, (const uint32_t[]){ 1 + draw_below(&m->s, 2), d.in, s.h.in, s.w.in, s.groups * s.group_c });
    x = add_input(m, x);
    return add_conv_3d(m, &x, &d, &s);
}

/* ---- fully_connected ----------------------------------------------------------------------------------------------------- */

flow add_fully_connected(maker *m, const flow *x, uint32_t terms, flow shape)
{
    const uint32_t out_c = shape.dims[shape.rank - 1], w_dims[2] = { out_c, terms };
    lks_tail t = draw_tail(&m->d);
    linear l = { .terms = terms, .out_c = out_c, .x_zero = draw_x_zero(m, x), .rounding = t.rounding };
    uint32_t operand[4] = { 0 };
    lks_op_args a;
    flow y;

    add_weights(m, &l, x, 2, w_dims, operand);
    a = (lks_op_args){ .fully_connected = { l.x_zero, l.w_zero, t.y_zero, t.y_min, t.y_max, t.rounding } };
    y = add_activation(m, shape);
    lks_builder_op(m->b, LKS_OP_FULLY_CONNECTED, operand, &y.tensor, &a);
    return y;
}

enum { FC_BATCH, FC_ROWS, FC_OUT, FC_TERMS, FC_TERMS_2, FC_FACTORS };

/* x and y for n images: the shapes that spec 4.2 allows, free in the batch and not. */
static flow shape_fully_connected(maker *m, uint32_t n, const uint32_t *f)
{
    uint32_t rows = f[FC_ROWS], out = f[FC_OUT], a = f[FC_TERMS], b = f[FC_TERMS_2], terms = a * b;
    flow x, y;

    switch (draw_below(&m->s, 8)) {
    case 0:
        x = flow_shape(4, (const uint32_t[]){ n * rows, a, 1, b });
        y = flow_shape(2, (const uint32_t[]){ n * rows, out });
        break;
    case 1:
        x = flow_shape(1, (const uint32_t[]){ terms });
        y = flow_shape(1, (const uint32_t[]){ out });
        break;
    case 2:
        x = flow_shape(2, (const uint32_t[]){ rows * a, b });
        y = flow_shape(3, (const uint32_t[]){ 1, rows, out });
        break;
    case 3:
        x = flow_shape(3, (const uint32_t[]){ n, b, rows * a });
        y = flow_shape(4, (const uint32_t[]){ n, 1, rows, out });
        break;
    case 4: case 5:
        x = flow_shape(2, (const uint32_t[]){ n * rows, terms });
        y = flow_shape(2, (const uint32_t[]){ n * rows, out });
        break;
    default:
        x = flow_shape(3, (const uint32_t[]){ n, rows, terms });
        y = flow_shape(3, (const uint32_t[]){ n, rows, out });
    }
    x = add_input(m, x);
    return add_fully_connected(m, &x, terms, y);
}

flow make_fully_connected(maker *m)
{
    static const uint32_t walked[] = { FC_TERMS, FC_OUT, FC_ROWS }, wide[] = { FC_BATCH, FC_OUT, FC_ROWS };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), true };
    const uint32_t caps[FC_FACTORS] = { 9, 300, 1100, 4100, 8 };
    uint32_t f[FC_FACTORS];
    walk w = walk_of(m, &plan);

    draw_extreme(m);
    draw_factors(m, FC_FACTORS, caps, &w, 0, f);
    if (!w.on && draw_one_in(&m->s, 100)) {
        f[FC_BATCH] = f[FC_ROWS] = f[FC_TERMS_2] = f[FC_OUT] = 1;
        f[FC_TERMS] = TERMS_MAX - draw_below(&m->s, 3);
        m->extreme = true;
    }
    m->batch = f[FC_BATCH];
    return shape_fully_connected(m, 1 + draw_below(&m->s, 2), f);
}

/* ---- batch_matmul -------------------------------------------------------------------------------------------------------- */

/* The last two extents of an operand: rows of a, or columns of b, and the depth. */
static void set_matrix(flow *f, uint32_t outer, uint32_t depth, bool depth_last)
{
    f->dims[f->rank - 2] = depth_last ? outer : depth;
    f->dims[f->rank - 1] = depth_last ? depth : outer;
    *f = flow_shape(f->rank, f->dims);
}

flow add_batch_matmul(maker *m, const flow *a, const flow *b, flow y, const bool adjoint[2], bool b_constant)
{
    lks_tail t = draw_tail(&m->d);
    const uint32_t depth = a->dims[a->rank - (adjoint[0] ? 2 : 1)];
    const int32_t a_zero = draw_x_zero(m, a);
    const uint32_t operand[2] = { a->tensor, b_constant ? add_random_constant(m, b) : b->tensor };
    const int32_t b_zero = b_constant ? draw_zero(&m->d) : draw_x_zero(m, b);
    const int64_t a_mean = a->mean - a_zero, b_mean = b_constant ? 0 : b->mean - b_zero, mean = a_mean * b_mean * depth;
    const uint64_t bound = (uint64_t)depth * (uint64_t)max_distance(a_zero) * (uint64_t)max_distance(b_zero);
    const uint64_t reach = 74 * 74 * root(depth) + (uint64_t)(mean < 0 ? -mean : mean);
    const lks_rq rq = draw_scale(&m->d, t.rounding, bound, reach < bound ? reach : bound);
    const lks_op_args args = { .batch_matmul = {
        a_zero, b_zero, t.y_zero, adjoint[0], adjoint[1], rq.m, rq.s, t.y_min, t.y_max, t.rounding
    } };

    y = add_activation(m, y);
    lks_builder_op(m->b, LKS_OP_BATCH_MATMUL, operand, &y.tensor, &args);
    return y;
}

enum { BM_BATCH, BM_LEAD, BM_ROWS, BM_COLUMNS, BM_DEPTH, BM_FACTORS };

/* Leading axes: both operands have them all, one of them has 1 somewhere, or b has none; or b is constant. */
static flow shape_batch_matmul(maker *m, uint32_t n, const uint32_t *f)
{
    const uint32_t rank = 2 + draw_below(&m->s, 5), kind = draw_below(&m->s, 8);
    const uint32_t adjoints = draw_below(&m->s, 4);
    const bool adjoint[2] = { adjoints & 1, adjoints >> 1 }, constant = kind == 0 || kind == 1;
    uint32_t dims[LKS_MAX_RANK] = { n, f[BM_LEAD], 1, 1, 1, 1 };
    flow a, b, y;

    if (rank == 2)
        dims[0] = 1;
    a = b = y = flow_shape(rank, dims);
    for (uint32_t i = constant ? 0 : 1; kind < 6 && i + 2 < rank; i++)
        if (draw_one_in(&m->s, 3))
            (constant || draw_one_in(&m->s, 2) ? &b : &a)->dims[i] = 1;
    if (constant && n > 1)
        b.dims[0] = 1;
    if ((kind == 0 || kind == 2) && rank > 2)
        b.rank = 2;
    set_matrix(&a, f[BM_ROWS], f[BM_DEPTH], !adjoint[0]);
    set_matrix(&b, f[BM_COLUMNS], f[BM_DEPTH], adjoint[1]);
    for (uint32_t i = 0; i + 2 < rank; i++) {
        uint32_t other = b.rank == rank ? b.dims[i] : 1;

        y.dims[i] = a.dims[i] > other ? a.dims[i] : other;
    }
    set_matrix(&y, f[BM_ROWS], f[BM_COLUMNS], true);
    a = add_input(m, a);
    if (!constant)
        b = add_input(m, b);
    return add_batch_matmul(m, &a, &b, y, adjoint, constant);
}

flow make_batch_matmul(maker *m)
{
    static const uint32_t walked[] = { BM_DEPTH, BM_COLUMNS, BM_ROWS, BM_LEAD }, wide[] = { BM_BATCH, BM_ROWS, BM_COLUMNS };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    const uint32_t caps[BM_FACTORS] = { 9, 9, 300, 300, 4100 };
    uint32_t f[BM_FACTORS];
    walk w = walk_of(m, &plan);

    draw_extreme(m);
    draw_factors(m, BM_FACTORS, caps, &w, 0, f);
    if (!w.on && draw_one_in(&m->s, 100)) {
        f[BM_BATCH] = f[BM_LEAD] = f[BM_ROWS] = f[BM_COLUMNS] = 1;
        f[BM_DEPTH] = TERMS_MAX - draw_below(&m->s, 3);
        m->extreme = true;
    }
    m->batch = f[BM_BATCH];
    return shape_batch_matmul(m, 1 + draw_below(&m->s, 2), f);
}

/* ---- scale --------------------------------------------------------------------------------------------------------------- */

flow add_scale(maker *m, const flow *x)
{
    const uint32_t channels = x->dims[x->rank - 1];
    lks_tail t = draw_tail(&m->d);
    linear l = { .terms = 1, .out_c = channels, .x_zero = draw_x_zero(m, x), .rounding = t.rounding };
    uint32_t operand[4] = { 0 };
    lks_op_args a;
    flow y;

    add_weights(m, &l, x, 1, &channels, operand);
    a = (lks_op_args){ .fully_connected = { l.x_zero, l.w_zero, t.y_zero, t.y_min, t.y_max, t.rounding } };
    y = add_activation(m, flow_shape(x->rank, x->dims));
    lks_builder_op(m->b, LKS_OP_SCALE, operand, &y.tensor, &a);
    return y;
}

flow make_scale(maker *m)
{
    flow x = draw_any_shape(m);

    draw_extreme(m);
    x = add_input(m, x);
    return add_scale(m, &x);
}
