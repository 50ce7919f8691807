/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the convolutions that are made of others: a transposed one is one per phase of its strides; a 3-D one is one in
 * 2-D, over images whose channels hold all depths that lie under the kernel.
 */
#include "host/lower.h"

#include "spec/arith.h"

#include <string.h>

/* ---- transposed conv ----------------------------------------------------------------------------------------------------- */

/*
 * A phase of one axis: the outputs p = first + m * stride, for m < count, that the same taps of the kernel meet, r = phase +
 * stride * j for j < taps.  Tap j meets element base + m - j of x, so that a window over x with the taps in reverse gives them.
 */
typedef struct phase {
    int32_t stride, phase, first, count, taps, base, kernel;
} phase;

static phase phase_of(int32_t number, int32_t stride, int32_t pad, int32_t kernel, int32_t out)
{
    phase p = { .stride = stride, .phase = number, .kernel = kernel };

    p.first = (number + pad / stride * stride + stride - pad) % stride;
    p.count = p.first < out ? (out - p.first + stride - 1) / stride : 0;
    p.taps = number < kernel ? (kernel - number + stride - 1) / stride : 0;
    p.base = (p.first + pad - number) / stride;
    return p;
}

/* How far before x the window of the phase begins.  Where it begins within x, taps of no weight are put before the others. */
static int32_t pad_of(const phase *p)
{
    return p->taps - 1 - p->base > 0 ? p->taps - 1 - p->base : 0;
}

static int32_t window_of(const phase *p)
{
    return p->base + 1 + pad_of(p);
}

/* The row of the kernel that row i of the window stands for; -1: none. */
static int32_t tap_of(const phase *p, int32_t i)
{
    const int32_t j = window_of(p) - 1 - i;

    return j < p->taps ? p->phase + p->stride * j : -1;
}

/* Weights [out_c][window][window][group_c] of a phase; what is beyond the taps has no weight. */
static const int8_t *phase_weights(lks_lowering *l, const phase *h, const phase *w)
{
    const lks_transposed_conv_args *a = &l->v.op->args.transposed_conv;
    const lks_tensor *t = l->v.in[1];
    const size_t group_c = t->dims[3], taps = (size_t)window_of(h) * (size_t)window_of(w);
    int8_t *packed = lks_add_constants(l, t->dims[0] * taps * group_c), *to = packed;

    for (uint32_t o = 0; packed && o < t->dims[0]; o++)
        for (int32_t i = 0; i < window_of(h); i++)
            for (int32_t j = 0; j < window_of(w); j++, to += group_c) {
                const int32_t r = tap_of(h, i), q = tap_of(w, j);
                const size_t at = (((size_t)o * t->dims[1] + (size_t)r) * t->dims[2] + (size_t)q) * group_c;

                if (r < 0 || q < 0)
                    memset(to, a->w_zero, group_c);
                else
                    memcpy(to, (const int8_t *)t->data + at, group_c);
            }
    return packed;
}

static bool has_taps(const phase *h, const phase *w)
{
    return h->taps > 0 && w->taps > 0;
}

/* The ordinary convolution of a phase; its y is dense. */
static void add_phase_conv(lks_lowering *l, const phase *h, const phase *w, int32_t y)
{
    const lks_transposed_conv_args *a = &l->v.op->args.transposed_conv;
    const lks_tensor *x = l->v.in[0];
    const bool depthwise = a->groups > 1 && (uint32_t)a->groups == x->dims[3];
    const int8_t *weights = phase_weights(l, h, w);
    lks_step *s = lks_add_step(l, depthwise ? LKS_KERNEL_DEPTHWISE : LKS_KERNEL_CONV);

    s->args.conv = (lks_conv){
        .window = {
            .images = lks_first_extent(l, x), .in_h = (int32_t)x->dims[1], .in_w = (int32_t)x->dims[2],
            .out_h = h->count, .out_w = w->count, .kernel_h = window_of(h), .kernel_w = window_of(w),
            .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .pad_top = pad_of(h), .pad_left = pad_of(w)
        },
        .in_c = (int32_t)x->dims[3], .out_c = (int32_t)l->v.y->dims[3], .groups = a->groups,
        .pad_value = a->x_zero, .x_zero = a->x_zero, .w_zero = a->w_zero,
        .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    s->y = y;
    s->w = weights;
    s->bias = l->v.in[2]->data;
    s->rq = l->v.in[3]->data;
}

/* What an output is that no tap meets: its bias, by channel.  NULL: memory ran out. */
static const int8_t *bias_values(lks_lowering *l)
{
    const lks_transposed_conv_args *a = &l->v.op->args.transposed_conv;
    const lks_tail tail = { a->y_zero, a->y_min, a->y_max, a->rounding };
    const int32_t *bias = l->v.in[2]->data;
    const lks_rq *rq = l->v.in[3]->data;
    int8_t *values = lks_add_constants(l, l->v.y->dims[3]);

    for (uint32_t o = 0; values && o < l->v.y->dims[3]; o++)
        values[o] = lks_finish(bias[o], rq[o], tail);
    return values;
}

/* To the outputs of a phase: from x, dense in their shape, or from one value per channel. */
static void add_phase_copy(lks_lowering *l, const phase *h, const phase *w, int32_t x, const int8_t *values)
{
    const int32_t images = lks_first_extent(l, l->v.in[0]), out_h = (int32_t)l->v.y->dims[1], out_w = (int32_t)l->v.y->dims[2];
    const int32_t c = (int32_t)l->v.y->dims[3], dense = x >= 0 ? 1 : 0, row = w->count * c * dense, image = h->count * row;
    lks_step *s = lks_add_step(l, LKS_KERNEL_COPY);

    s->x = x;
    s->x_data = values;
    s->x_data_bytes = values ? (size_t)c : 0;
    s->args.copy = (lks_copy){
        .x_image = images * image, .y_image = images * out_h * out_w * c, .y_first = (h->first * out_w + w->first) * c,
        .dims = { images, h->count, w->count, c, 1, 1 }, .x_dims = { images, h->count, w->count, c, 1, 1 },
        .x_stride = { image, row, c * dense, 1, 1, 1 },
        .y_stride = { out_h * out_w * c, h->stride * out_w * c, w->stride * c, 1, 1, 1 }
    };
}

static void add_phase(lks_lowering *l, const phase *h, const phase *w, const int8_t **values)
{
    const uint64_t bytes = (uint64_t)lks_first_extent(l, l->v.in[0]) * (uint64_t)h->count * (uint64_t)w->count * l->v.y->dims[3];
    int32_t scratch;

    if (has_taps(h, w)) {
        scratch = lks_add_scratch(l, bytes);
        add_phase_conv(l, h, w, scratch);
        add_phase_copy(l, h, w, scratch, NULL);
        return;
    }
    if (!*values)
        *values = bias_values(l);
    add_phase_copy(l, h, w, -1, *values);
}

static void lower_transposed_conv(lks_lowering *l)
{
    const lks_transposed_conv_args *a = &l->v.op->args.transposed_conv;
    const lks_tensor *w = l->v.in[1], *y = l->v.y;
    const int8_t *values = NULL;

    for (int32_t i = 0; i < a->stride_h; i++)
        for (int32_t j = 0; j < a->stride_w; j++) {
            const phase h = phase_of(i, a->stride_h, a->pad_top, (int32_t)w->dims[1], (int32_t)y->dims[1]);
            const phase s = phase_of(j, a->stride_w, a->pad_left, (int32_t)w->dims[2], (int32_t)y->dims[2]);

            if (h.count == 0 || s.count == 0)
                continue;
            if (a->stride_h == 1 && a->stride_w == 1)
                add_phase_conv(l, &h, &s, (int32_t)l->v.op->output[0]);
            else
                add_phase(l, &h, &s, &values);
        }
}

/* ---- conv 3-D ------------------------------------------------------------------------------------------------------------ */

/*
 * Gather for slice s of KD: y [n * OD][h * w][groups][KD][group_c] from x [n][D][h * w][groups][group_c].  Depths outside x are
 * padding: the outputs that see slice s inside x are those from low to end - 1.
 */
static void add_slice(lks_lowering *l, int32_t y, int32_t s)
{
    const lks_conv_3d_args *a = &l->v.op->args.conv_3d;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1];
    const int32_t n = lks_first_extent(l, x), in_d = (int32_t)x->dims[1], out_d = (int32_t)l->v.y->dims[1];
    const int32_t pixels = (int32_t)(x->dims[2] * x->dims[3]), c = (int32_t)x->dims[4], kd = (int32_t)w->dims[1];
    const int32_t group_c = c / a->groups;
    const int64_t first = (int64_t)s * a->dilation_d - a->pad_front;           /* the depth that output 0 sees */
    const int64_t low = first >= 0 ? 0 : (-first + a->stride_d - 1) / a->stride_d;
    const int64_t high = first >= in_d ? -1 : (in_d - 1 - first) / a->stride_d;
    const int64_t end = high < out_d - 1 ? high + 1 : out_d;
    const bool some = low < end;
    lks_step *step = lks_add_step(l, LKS_KERNEL_COPY);

    step->y = y;
    step->args.copy = (lks_copy){
        .x_image = n * in_d * pixels * c, .y_image = n * out_d * pixels * kd * c,
        .x_first = some ? (int32_t)(first + low * a->stride_d) * pixels * c : 0, .y_first = s * group_c,
        .dims = { n, out_d, pixels, a->groups, group_c, 1 },
        .x_dims = { n, some ? (int32_t)(end - low) : 0, pixels, a->groups, group_c, 1 }, .before = { 0, some ? (int32_t)low : 0 },
        .x_stride = { in_d * pixels * c, end - low > 1 ? a->stride_d * pixels * c : 0, c, group_c, 1, 1 },
        .y_stride = { out_d * pixels * kd * c, pixels * kd * c, kd * c, kd * group_c, 1, 1 }, .fill = a->pad_value
    };
}

/* Weights [out_c][kd][taps][group_c] as [out_c][taps][kd][group_c].  NULL: memory ran out. */
static const int8_t *weights_2d(lks_lowering *l)
{
    const lks_tensor *w = l->v.in[1];
    const size_t kd = w->dims[1], taps = (size_t)w->dims[2] * w->dims[3], c = w->dims[4];
    int8_t *packed = lks_add_constants(l, w->elements);
    const int8_t *from = w->data;

    for (size_t o = 0; packed && o < w->dims[0]; o++)
        for (size_t s = 0; s < kd; s++)
            for (size_t tap = 0; tap < taps; tap++, from += c)
                memcpy(packed + ((o * taps + tap) * kd + s) * c, from, c);
    return packed;
}

static void lower_conv_3d(lks_lowering *l)
{
    const lks_conv_3d_args *a = &l->v.op->args.conv_3d;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1], *y = l->v.y;
    const int32_t kd = (int32_t)w->dims[1], in_c = kd * (int32_t)x->dims[4];
    const int32_t images = lks_first_extent(l, x) * (int32_t)y->dims[1];
    const int32_t scratch = lks_add_scratch(l, (uint64_t)images * x->dims[2] * x->dims[3] * (uint64_t)in_c);
    const bool depthwise = a->groups > 1 && a->groups == in_c;
    const int8_t *weights = weights_2d(l);
    lks_step *s;

    for (int32_t i = 0; i < kd && !l->failed; i++)
        add_slice(l, scratch, i);
    s = lks_add_step(l, depthwise ? LKS_KERNEL_DEPTHWISE : LKS_KERNEL_CONV);
    s->x = scratch;
    s->args.conv = (lks_conv){
        .window = {
            .images = images, .in_h = (int32_t)x->dims[2], .in_w = (int32_t)x->dims[3], .out_h = (int32_t)y->dims[2],
            .out_w = (int32_t)y->dims[3], .kernel_h = (int32_t)w->dims[2], .kernel_w = (int32_t)w->dims[3],
            .stride_h = a->stride_h, .stride_w = a->stride_w, .dilation_h = a->dilation_h, .dilation_w = a->dilation_w,
            .pad_top = a->pad_top, .pad_left = a->pad_left
        },
        .in_c = in_c, .out_c = (int32_t)y->dims[4], .groups = a->groups, .pad_value = a->pad_value,
        .x_zero = a->x_zero, .w_zero = a->w_zero, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    s->w = weights;
    s->bias = l->v.in[2]->data;
    s->rq = l->v.in[3]->data;
}

const lks_lowering_row lks_conv_lowerings[] = {
    { LKS_OP_TRANSPOSED_CONV, lower_transposed_conv },
    { LKS_OP_CONV_3D, lower_conv_3d },
    { 0 }
};
