/* SPDX-License-Identifier: Apache-2.0
 *
 * What the case makers (cases_*.c) share: draws, extents, multipliers, tensors, and one function per op that adds it to a model.
 *
 * A case is legal by construction: what is drawn later is bounded by what was drawn before, and nothing is drawn again.
 *
 * A case must be the same with every compiler, and C leaves open in which order the arguments of a call, or the values of an
 * initializer, are computed: at most one of them may draw.
 */
#ifndef LOCKSTEP_TOOLS_CASES_MAKER_H
#define LOCKSTEP_TOOLS_CASES_MAKER_H

#include "host/model.h"
#include "spec/arith.h"

#define COUNT_OF(array) (sizeof (array) / sizeof (array)[0])

/* ---- draws (cases_draw.c) ------------------------------------------------------------------------------------------------ */

typedef struct draw {
    uint64_t state;             /* splitmix64 */
} draw;

draw draw_start(uint64_t kind, uint64_t seed, uint64_t k);
uint64_t draw_bits(draw *d);
uint32_t draw_below(draw *d, uint32_t n);                   /* 0 .. n - 1; n >= 1 */
int32_t draw_between(draw *d, int32_t lo, int32_t hi);      /* both included */
bool draw_one_in(draw *d, uint32_t n);

/* One of the values; all have int32_t. */
int32_t draw_of(draw *d, const int32_t *values, size_t count);
#define DRAW(d, ...) draw_of((d), (const int32_t[]){ __VA_ARGS__ }, COUNT_OF(((const int32_t[]){ __VA_ARGS__ })))

/* A zero point: often an end of the range. */
int32_t draw_zero(draw *d);

/* y_zero, a clamp that is mostly open, and a rounding. */
lks_tail draw_tail(draw *d);

/* How the bytes of a tensor look. */
typedef enum pattern {
    PATTERN_RANDOM,
    PATTERN_LOW,                /* all -128 */
    PATTERN_HIGH,               /* all 127 */
    PATTERN_ALTERNATING,        /* -128, 127, ... */
    PATTERN_SPARSE,             /* mostly the centre */
    PATTERN_NEAR,               /* the centre and its neighbours */
    PATTERN_RAMP,               /* no two neighbours are equal */
    PATTERNS
} pattern;

void pattern_fill(draw *d, pattern p, int32_t centre, int8_t *to, size_t n);
void pattern_fill_wide(draw *d, pattern p, int32_t centre, uint8_t *to, size_t n);      /* n little-endian int16 */
int32_t pattern_mean(pattern p, int32_t centre);
int32_t pattern_spread(pattern p);      /* about its standard deviation */

/* ---- the maker (cases_make.c) -------------------------------------------------------------------------------------------- */

#define MAKER_INPUTS 4

typedef struct maker_input {
    pattern pattern;
    int32_t centre;             /* of int16 values: 256 times that */
} maker_input;

typedef struct maker {
    draw d;                     /* for values */
    draw s;                     /* for shapes: equal for cases 2j and 2j + 1, so that what a device keeps by shape is found out */
    uint64_t k;
    lks_builder *b;
    uint32_t batch;             /* to run with, where the model turns out to be batch free */
    bool extreme;               /* every product and every sum as far from zero as it can be */
    uint32_t input_count;
    maker_input input[MAKER_INPUTS];
    bool failed;                /* memory ran out */
} maker;

/* An activation, and what its values are likely to be. */
typedef struct flow {
    uint32_t tensor, rank, elements, dims[LKS_MAX_RANK];
    int32_t mean, spread, centre;
    bool wide;                  /* int16: its values are about 256 times these */
} flow;

flow flow_shape(uint32_t rank, const uint32_t *dims);

/* Add a graph input; an op's output.  The flow says its shape, and is completed. */
flow add_input(maker *m, flow shape);
flow add_activation(maker *m, flow shape);
flow add_indices(maker *m, flow shape);     /* int32, of which no op but reshape makes use */
uint32_t add_constant(maker *m, lks_type type, uint32_t rank, const uint32_t *dims, const void *data);

/* A constant of the shape of a flow, with values of some pattern. */
uint32_t add_random_constant(maker *m, const flow *f);

/* Add an op whose only activations are x and y, which is returned. */
flow add_unary(maker *m, uint32_t kind, const flow *x, flow shape, const lks_op_args *args);

/* An x_zero for an activation. */
int32_t draw_x_zero(maker *m, const flow *x);

/* Makes one case in twelve extreme: for ops that sum. */
void draw_extreme(maker *m);

/* ---- extents (cases_draw.c) ---------------------------------------------------------------------------------------------- */

#define FACTORS_MAX 8

/*
 * The low cases walk one extent after the other over the edges of tiles, while the others are small.  Then each that may be wide
 * is, once, more than the 65535 blocks that a GPU's grid has along most of its axes; and, where it may be huge, the last one is
 * more than 2^21: what a grid of 4096 blocks of 512 threads covers.
 */
typedef struct walk {
    bool on, wide;
    uint32_t factor, extent;
    uint32_t work;              /* of the others */
} walk;

typedef struct walk_plan {
    const uint32_t *walked;     /* factors */
    uint32_t walked_count;
    const uint32_t *wide;
    uint32_t wide_count;
    bool huge;
} walk_plan;

/* What case k walks; not on for all k beyond. */
walk walk_of(maker *m, const walk_plan *p);

/*
 * Draw count extents whose product is about the work of the case: mostly small, some on the edges of tiles.
 *
 * caps   the largest of each.
 * shift  the usual work is halved so many times.
 */
void draw_factors(maker *m, uint32_t count, const uint32_t *caps, const walk *w, uint32_t shift, uint32_t *f);

/* Of batch, first and second other extent. */
extern const walk_plan shape_walk;

/* A shape of rank 1 .. 6 whose first extent is f[0], with the product of f. */
flow draw_shape(maker *m, uint32_t count, const uint32_t *f);

/* Any shape, for ops that do not care; m->batch is set. */
flow draw_any_shape(maker *m);

/* ---- multipliers (cases_scale.c) ----------------------------------------------------------------------------------------- */

/* A multiplier for a sum that cannot pass bound (spec 3.2) and mostly stays within reach, about a standard deviation. */
lks_rq draw_scale(draw *d, int32_t rounding, uint64_t bound, uint64_t reach);

/* The multiplier num / den, or the nearest legal one for a sum that cannot pass bound; both in 1 .. 2^32 - 1, bound < 2^31. */
lks_rq scale_ratio(uint64_t num, uint64_t den, int32_t rounding, uint64_t bound);

uint64_t root(uint64_t v);      /* floor of the square root */
int32_t max_distance(int32_t zero);

/* ---- windows (cases_window.c) -------------------------------------------------------------------------------------------- */

/* One axis of a window. */
typedef struct axis {
    uint32_t in, out;
    int32_t kernel, stride, dilation, before, after;
} axis;

/* An axis with that output extent and kernel. */
axis draw_axis_to(draw *d, uint32_t out, uint32_t kernel, bool dilate);

/* An axis over that input extent, with a small kernel. */
axis draw_axis_over(draw *d, uint32_t in, bool dilate);

/* ---- ops ----------------------------------------------------------------------------------------------------------------- */

typedef struct conv_shape {
    axis h, w;
    uint32_t groups, group_c, group_o;
} conv_shape;

flow add_conv(maker *m, const flow *x, const conv_shape *s);
flow add_fully_connected(maker *m, const flow *x, uint32_t terms, flow y);
flow add_batch_matmul(maker *m, const flow *a, const flow *b, flow y, const bool adjoint[2], bool b_constant);
flow add_scale(maker *m, const flow *x);
flow add_pair(maker *m, uint32_t kind, const flow *a, const flow *b, flow y, bool b_constant);    /* add, sub, mul */
flow add_add(maker *m, const flow *a, const flow *b, flow y, bool b_constant);
flow add_requant(maker *m, const flow *x);
flow add_lut(maker *m, const flow *x);
flow add_clamp(maker *m, const flow *x);
flow add_prelu(maker *m, const flow *x, flow slope);
flow add_pool(maker *m, uint32_t kind, const flow *x, const axis *h, const axis *w);
flow add_sum(maker *m, const flow *x, uint32_t axes, bool keep);
flow add_reduce_max(maker *m, const flow *x, uint32_t axes, bool keep);
flow add_resize_bilinear(maker *m, const flow *x, uint32_t out_h, uint32_t out_w);
flow add_arg_max(maker *m, const flow *x, uint32_t over, bool keep);
flow add_softmax(maker *m, const flow *x);
flow add_reshape(maker *m, const flow *x, flow y);
flow add_pad(maker *m, const flow *x, const uint32_t *before, const uint32_t *after);

/* x: count flows.  Parts: whose extents of the axis are in extent; all outputs are added. */
flow add_concat(maker *m, const flow *x, uint32_t count, uint32_t at_axis);
void add_split(maker *m, const flow *x, uint32_t at_axis, const uint32_t *extent, uint32_t count, flow *y);
flow add_slice(maker *m, const flow *x, const int32_t *begin, const int32_t *step, const uint32_t *extent);
flow add_transpose(maker *m, const flow *x, const uint32_t *perm);

/* ---- makers: one per row of the table in cases_make.c -------------------------------------------------------------------- */

/* Each adds inputs and ops; returns what becomes the output. */
flow make_conv(maker *m);
flow make_fully_connected(maker *m);
flow make_transposed_conv(maker *m);
flow make_conv_3d(maker *m);
flow make_batch_matmul(maker *m);
flow make_scale(maker *m);
flow make_add(maker *m);
flow make_sub(maker *m);
flow make_mul(maker *m);
flow make_requant(maker *m);
flow make_lut(maker *m);
flow make_clamp(maker *m);
flow make_prelu(maker *m);
flow make_max_pool(maker *m);
flow make_avg_pool(maker *m);
flow make_sum(maker *m);
flow make_reduce_max(maker *m);
flow make_arg_max(maker *m);
flow make_softmax(maker *m);
flow make_reshape(maker *m);
flow make_pad(maker *m);
flow make_concat(maker *m);
flow make_split(maker *m);
flow make_slice(maker *m);
flow make_transpose(maker *m);
flow make_tile(maker *m);
flow make_gather(maker *m);
flow make_resize_nearest(maker *m);
flow make_resize_bilinear(maker *m);
flow make_lstm(maker *m);
flow make_svdf(maker *m);
flow make_block(maker *m);
flow make_graph(maker *m);

#endif
