/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of networks with random weights, whose activations keep their spread.
 */
#include "tools/networks/layers.h"

#include <stdlib.h>
#include <string.h>

#define STREAMS 0x6e6574        /* apart from those of the case makers */
#define DEVIATION_LINEAR 40     /* int8 ends beyond three of them */
#define DEVIATION_RELU 64       /* the same of 0 .. 255 */

/* ---- tensors ------------------------------------------------------------------------------------------------------------- */

static uint32_t add_tensor(net *n, const char *name, const activation *y)
{
    lks_tensor t = { .name = name, .type = LKS_I8, .interface = LKS_I8, .rank = y->rank, .zero_point = y->zero };

    memcpy(t.dims, y->dims, y->rank * sizeof t.dims[0]);
    return lks_builder_tensor(n->b, &t);
}

static uint32_t constant(net *n, lks_type type, uint32_t rank, const uint32_t *dims, const void *data)
{
    lks_tensor t = { .name = "", .type = type, .interface = type, .constant = 1, .rank = rank, .data = data };

    memcpy(t.dims, dims, rank * sizeof dims[0]);
    return lks_builder_tensor(n->b, &t);
}

activation net_input(net *n, uint32_t rank, const uint32_t *dims)
{
    activation x = { .rank = rank, .zero = 0, .mean = 0, .variance = 5461 };     /* (256^2 - 1) / 12 */

    memcpy(x.dims, dims, rank * sizeof dims[0]);
    x.tensor = add_tensor(n, "input", &x);
    lks_builder_input(n->b, x.tensor);
    return x;
}

/* A value of mean 0 and that deviation behind a rectifier.  Of a normal variable, max(0, v) has the mean 0.399 and the variance
 * 0.341, in units of the deviation. */
static void settle(activation *y, rectifier r)
{
    y->zero = r == RELU ? -128 : 0;
    y->mean = r == RELU ? DEVIATION_RELU * 399 / 1000 : 0;
    y->variance = r == RELU ? DEVIATION_RELU * DEVIATION_RELU * 341 / 1000 : DEVIATION_LINEAR * DEVIATION_LINEAR;
}

static uint64_t deviation_of(rectifier r)
{
    return r == RELU ? DEVIATION_RELU : DEVIATION_LINEAR;
}

/* ---- linear layers ------------------------------------------------------------------------------------------------------- */

typedef struct weights {
    uint32_t out_c, terms;
    int8_t *w;                  /* [out_c][terms] */
    int32_t *bias;
    lks_rq *rq;
} weights;

static void close_weights(weights *l)
{
    free(l->w);
    free(l->bias);
    free(l->rq);
}

static bool open_weights(net *n, weights *l)
{
    l->w = malloc((size_t)l->out_c * l->terms);
    l->bias = calloc(l->out_c, sizeof *l->bias);
    l->rq = calloc(l->out_c, sizeof *l->rq);
    if (l->w && l->bias && l->rq)
        return true;
    close_weights(l);
    n->failed = true;
    return false;
}

/* Uniform in -127 .. 127 but for a second chance of -127. */
static void fill(draw *d, int8_t *w, size_t count)
{
    for (size_t i = 0; i < count; i += 8) {
        uint64_t bits = draw_bits(d);

        for (size_t k = i; k < count && k < i + 8; k++, bits >>= 8) {
            int32_t v = (int32_t)(bits & 255) - 128;

            w[k] = (int8_t)(v == -128 ? -127 : v);
        }
    }
}

/* A sum that could be larger breaks the bound law, and the reader says so. */
static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The bias takes away what the mean of x adds, and is a little random itself; the multiplier brings the rest to its deviation. */
static void scale_channel(const net *n, draw *d, const activation *x, rectifier r, const weights *l, uint32_t o)
{
    const int8_t *w = l->w + (size_t)o * l->terms;
    int64_t sum = 0, magnitude = 0, squares = 0;
    uint64_t deviation, bound;

    for (uint32_t i = 0; i < l->terms; i++) {
        sum += w[i];
        magnitude += w[i] < 0 ? -w[i] : w[i];
        squares += w[i] * w[i];
    }
    deviation = root(smaller((uint64_t)(squares * x->variance), UINT64_C(1) << 45) << 16) + 1;      /* in 2^-8 */
    l->bias[o] = (int32_t)(-x->mean * sum + draw_between(d, -250, 250) * (int64_t)(deviation >> 8) / 1000);
    bound = (uint64_t)(magnitude * max_distance(x->zero) + (l->bias[o] < 0 ? -(int64_t)l->bias[o] : l->bias[o]));
    l->rq[o] = scale_ratio(deviation_of(r) << 8, deviation, n->rounding, smaller(bound, LKS_INT32_MAX));
}

static void add_linear(net *n, uint32_t kind, const activation *x, activation *y, const weights *l, const uint32_t *w_dims,
                       const lks_op_args *args)
{
    const uint32_t pairs[2] = { l->out_c, 2 };
    uint32_t operands[4];

    operands[0] = x->tensor;
    operands[1] = constant(n, LKS_I8, kind == LKS_OP_CONV ? 4 : 2, w_dims, l->w);
    operands[2] = constant(n, LKS_I32, 1, &l->out_c, l->bias);
    operands[3] = constant(n, LKS_I32, 2, pairs, l->rq);
    lks_builder_op(n->b, kind, operands, &y->tensor, args);
}

static bool make_weights(net *n, const activation *x, rectifier r, weights *l)
{
    draw d = draw_start(STREAMS, n->seed, n->layers++);

    if (!open_weights(n, l))
        return false;
    fill(&d, l->w, (size_t)l->out_c * l->terms);
    for (uint32_t o = 0; o < l->out_c; o++)
        scale_channel(n, &d, x, r, l, o);
    return true;
}

/* 0: the window does not fit. */
static uint32_t extent_behind(uint32_t in, uint32_t kernel, const window *w)
{
    uint64_t padded = (uint64_t)in + 2 * (uint64_t)w->pad, reach = (uint64_t)(kernel - 1) * w->dilation + 1;

    return padded < reach ? 0 : (uint32_t)((padded - reach) / w->stride + 1);
}

/* y's shape: that of x, with the window over h and w. */
static activation slide(net *n, const activation *x, uint32_t c, const window *w)
{
    activation y = { .rank = 4, .dims = { x->dims[0], extent_behind(x->dims[1], w->kernel_h, w),
                                          extent_behind(x->dims[2], w->kernel_w, w), c } };

    n->failed = n->failed || y.dims[1] == 0 || y.dims[2] == 0;
    return y;
}

activation net_conv(net *n, const char *name, const activation *x, uint32_t out_c, window w, uint32_t groups, rectifier r)
{
    const uint32_t w_dims[4] = { out_c, w.kernel_h, w.kernel_w, x->dims[3] / groups };
    const int32_t stride = (int32_t)w.stride, pad = (int32_t)w.pad, dilation = (int32_t)w.dilation;
    weights l = { .out_c = out_c, .terms = w_dims[1] * w_dims[2] * w_dims[3] };
    activation y = slide(n, x, out_c, &w);
    lks_op_args args = { .conv = {
        .stride_h = stride, .stride_w = stride, .dilation_h = dilation, .dilation_w = dilation, .pad_top = pad, .pad_bottom = pad,
        .pad_left = pad, .pad_right = pad, .pad_value = x->zero, .groups = (int32_t)groups, .x_zero = x->zero, .y_min = -128,
        .y_max = 127, .rounding = n->rounding } };

    if (n->failed || !make_weights(n, x, r, &l))
        return y;
    settle(&y, r);
    args.conv.y_zero = y.zero;
    y.tensor = add_tensor(n, name, &y);
    add_linear(n, LKS_OP_CONV, x, &y, &l, w_dims, &args);
    close_weights(&l);
    return y;
}

activation net_fully_connected(net *n, const char *name, const activation *x, uint32_t out, bool flatten, rectifier r)
{
    activation y = { .rank = flatten ? 2 : x->rank, .dims = { x->dims[0] } };
    weights l = { .out_c = out, .terms = x->dims[x->rank - 1] };
    uint32_t w_dims[2];
    lks_op_args args = { .fully_connected = { .x_zero = x->zero, .y_min = -128, .y_max = 127, .rounding = n->rounding } };

    for (uint32_t i = 1; i + 1 < x->rank; i++)
        if (flatten)
            l.terms *= x->dims[i];
        else
            y.dims[i] = x->dims[i];
    y.dims[y.rank - 1] = w_dims[0] = out;
    w_dims[1] = l.terms;
    if (n->failed || !make_weights(n, x, r, &l))
        return y;
    settle(&y, r);
    args.fully_connected.y_zero = y.zero;
    y.tensor = add_tensor(n, name, &y);
    add_linear(n, LKS_OP_FULLY_CONNECTED, x, &y, &l, w_dims, &args);
    close_weights(&l);
    return y;
}

/* ---- other layers -------------------------------------------------------------------------------------------------------- */

/* Its zero points are the means, so that the sum is about 0 again. */
activation net_add(net *n, const char *name, const activation *a, const activation *b, rectifier r)
{
    const bool tflite = n->rounding == LKS_TFLITE;
    const uint64_t deviation = root((uint64_t)(a->variance + b->variance) << 20);        /* in 2^-10 */
    const uint32_t operands[2] = { a->tensor, b->tensor };
    lks_rq rq = scale_ratio(deviation_of(r), tflite ? deviation << 9 : deviation, n->rounding, UINT64_C(510) << 19);
    activation y = *a;
    lks_op_args args = { .add = { .a_zero = a->zero + a->mean, .b_zero = b->zero + b->mean, .m = rq.m, .s = rq.s, .y_min = -128,
                                  .y_max = 127, .rounding = n->rounding } };

    args.add.left_shift = tflite ? 20 : 0;
    args.add.a_m = args.add.b_m = tflite ? 1 << 30 : 1 << 10;           /* a half, behind the left shift */
    settle(&y, r);
    if (r == RELU) {            /* not normal: what was rectified before is skewed, and more so in each block */
        y.mean = y.mean * 11 / 10;
        y.variance = y.variance * 14 / 10;
    }
    args.add.y_zero = y.zero;
    y.tensor = add_tensor(n, name, &y);
    lks_builder_op(n->b, LKS_OP_ADD, operands, &y.tensor, &args);
    return y;
}

/* The largest of four values behind a rectifier is about 0.9 deviations, with a variance of 0.5 squared ones; of nine, 1.25 and
 * 0.4.  (They depend on one another a little: independent ones would give 1.03 and 1.49.) */
static void settle_max(activation *y, const window *w)
{
    bool small = w->kernel_h * w->kernel_w <= 4;

    y->mean = DEVIATION_RELU * (small ? 90 : 125) / 100;
    y->variance = DEVIATION_RELU * DEVIATION_RELU * (small ? 5 : 4) / 10;
}

activation net_pool(net *n, const char *name, uint32_t kind, const activation *x, window w)
{
    const int32_t stride = (int32_t)w.stride, pad = (int32_t)w.pad;
    activation y = slide(n, x, x->dims[3], &w);
    lks_op_args args = { .pool = { (int32_t)w.kernel_h, (int32_t)w.kernel_w, stride, stride, pad, pad, pad, pad, -128, 127, 0 } };

    if (n->failed)
        return y;
    args.pool.rounding = kind == LKS_OP_AVG_POOL ? n->rounding : 0;
    y.zero = x->zero;
    y.mean = x->mean;
    y.variance = x->variance;
    if (kind == LKS_OP_MAX_POOL && x->zero == -128)
        settle_max(&y, &w);
    y.tensor = add_tensor(n, name, &y);
    lks_builder_op(n->b, kind, &x->tensor, &y.tensor, &args);
    return y;
}

/* The mean of an image varies less than its pixels: about half as much, as they depend on one another. */
activation net_mean(net *n, const char *name, const activation *x)
{
    const uint64_t count = (uint64_t)x->dims[1] * x->dims[2], deviation = root((uint64_t)x->variance << 16) / 2;    /* in 2^-8 */
    lks_rq rq = scale_ratio((uint64_t)DEVIATION_LINEAR << 8, count * deviation, n->rounding, count * 255);
    activation y = { .rank = 2, .dims = { x->dims[0], x->dims[3] } };
    lks_op_args args = { .sum = { .axes = 6, .x_zero = x->zero + x->mean, .m = rq.m, .s = rq.s, .y_min = -128, .y_max = 127,
                                  .rounding = n->rounding } };

    settle(&y, LINEAR);
    y.tensor = add_tensor(n, name, &y);
    lks_builder_op(n->b, LKS_OP_SUM, &x->tensor, &y.tensor, &args);
    return y;
}
