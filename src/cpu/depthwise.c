/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution: LANES channels at a time, along a row of outputs.  spec 4.1 with groups = in_c
 *
 * Rows of x are read where they stand, if a pixel fills a vector; a last vector that would not be full moves back over the one
 * before it.  Else rows are staged: copied with their padding, each channel as often as it has outputs; and where a vector then
 * holds several whole pixels, it is several outputs (folding).
 *
 * Weights less their zero point may need nine bits: they are then three taps on the same x, which add up to them.
 */
#include "cpu/family.h"
#include "cpu/scale.h"
#include "spec/arith.h"

#include <string.h>

#define MAX_PARTS 3
/* Rows of a unit that stages: neighbouring ones share their rows of x. */
#define STAGED_ROWS 8
#define STAGED_BYTES (192 * 1024)
/* Units that a step should fall into at least. */
#define MIN_UNITS 16

/* What follows from the step and the set alone: the head of the packed constants.  A line is a row of x as kernels see it. */
typedef struct shape {
    lks_conv k;
    int32_t parts, vectors, fold;
    int32_t wide, pieces;       /* blocks of 4 vectors that go together; they and the other vectors are the pieces of a row */
    int32_t columns, quads, groups;         /* columns 0: taps one by one */
    int32_t staged, unit_rows, line_w, pad_left;
    size_t line_bytes;
    size_t at_scaling, at_pad, at_scale, at_weights, at_wide_scale, at_wide, bytes;    /* in the packed constants */
} shape;

static int32_t parts_of(const lks_step *s)
{
    const lks_conv *k = &s->args.conv;
    const size_t count = (size_t)k->out_c * (size_t)k->window.kernel_h * (size_t)k->window.kernel_w;

    for (size_t i = 0; i < count; i++)
        if (s->w[i] - k->w_zero < -128 || s->w[i] - k->w_zero > 127)
            return MAX_PARTS;
    return 1;
}

/* The columns of a line and how many output rows have theirs staged at once. */
static void lay_lines(shape *g)
{
    const lks_window *w = &g->k.window;

    g->line_w = w->in_w;
    g->pad_left = w->pad_left;
    g->unit_rows = 1;
    if (g->staged) {
        g->line_w = (w->out_w - 1) * w->stride_w + (w->kernel_w - 1) * w->dilation_w + 1;
        g->pad_left = 0;
    }
    g->line_bytes = lks_cpu_align((size_t)g->line_w * (size_t)g->k.out_c + LKS_CPU_SLACK);
    if (g->staged)
        g->unit_rows = (int32_t)lks_cpu_min(lks_cpu_max(STAGED_BYTES / (int64_t)g->line_bytes / w->stride_h, 1), STAGED_ROWS);
}

static shape shape_of(const lks_step *s, const lks_cpu_isa *isa)
{
    shape g = { .k = s->args.conv, .parts = parts_of(s), .fold = 1 };
    const lks_window *w = &g.k.window;
    const int32_t out_c = g.k.out_c, quads = (w->kernel_h - 1) / 4 + 1;
    size_t group_bytes = (size_t)isa->lanes * 4, scale_bytes = LKS_CPU_SCALE_VECTORS * (size_t)isa->lanes * sizeof(int32_t);

    g.staged = out_c != g.k.in_c || out_c < isa->lanes;
    g.vectors = (out_c - 1) / isa->lanes + 1;
    if (g.staged && w->stride_w == 1 && isa->lanes % out_c == 0 && w->out_w >= isa->lanes / out_c)
        g.fold = isa->lanes / out_c;
    g.groups = (g.parts * w->kernel_h * w->kernel_w - 1) / 4 + 1;
    if (g.parts == 1 && w->dilation_w == 1 && lks_cpu_taps_slide(w->kernel_w, quads, w->stride_w * g.fold)) {
        g.columns = w->kernel_w;
        g.quads = quads;
        g.groups = g.columns * quads;
    }
    if (!g.staged && g.columns == 3 && g.quads == 1)
        g.wide = out_c / (4 * isa->lanes);
    g.pieces = g.vectors - 3 * g.wide;
    lay_lines(&g);
    g.at_scaling = lks_cpu_align(sizeof g);
    g.at_pad = g.at_scaling + lks_cpu_align((size_t)g.vectors * sizeof(int32_t));
    g.at_scale = g.at_pad + g.line_bytes;
    g.at_weights = g.at_scale + lks_cpu_align((size_t)g.vectors * scale_bytes);
    g.at_wide_scale = g.at_weights + lks_cpu_align((size_t)g.vectors * (size_t)g.groups * group_bytes);
    g.at_wide = g.at_wide_scale + (size_t)g.wide * 4 * scale_bytes;
    g.bytes = g.at_wide + (size_t)g.wide * 12 * group_bytes;
    return g;
}

/* The first channel of a vector. */
static int32_t channel_of(const shape *g, int32_t lanes, int32_t vector)
{
    return (int32_t)lks_cpu_max(lks_cpu_min(vector * lanes, g->k.out_c - lanes), 0);
}

/* Lanes of a vector that are stored. */
static int32_t used_lanes(const shape *g, int32_t lanes)
{
    return (int32_t)lks_cpu_min(g->k.out_c * g->fold, lanes);
}

/* ---- packing ------------------------------------------------------------------------------------------------------------- */

static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    return shape_of(s, isa).bytes;
}

static lks_cpu_channel scale_of(const lks_step *s, const lks_cpu_isa *isa, int32_t o)
{
    const lks_conv *k = &s->args.conv;
    const size_t taps = (size_t)k->window.kernel_h * (size_t)k->window.kernel_w;
    const int64_t bias = s->bias[o], x_reach = lks_cpu_max(k->x_zero + 128, 127 - k->x_zero);
    uint64_t reach = 0;
    uint32_t sum = 0;

    for (size_t i = 0; i < taps; i++) {
        const int32_t v = s->w[(size_t)o * taps + i] - k->w_zero;

        sum += (uint32_t)v;
        reach += (uint64_t)(v < 0 ? -v : v);
    }
    return (lks_cpu_channel){
        .base = (uint32_t)bias - ((uint32_t)k->x_zero + (uint32_t)isa->x_offset) * sum,
        .bound = reach * (uint64_t)x_reach + (uint64_t)(bias < 0 ? -bias : bias),
        .rq = s->rq[o]
    };
}

/* Where part `part` of tap (kh, kw) lies in the weights of a vector: [group][lanes][4], lane 0. */
static size_t place_of(const shape *g, int32_t lanes, int32_t kh, int32_t kw, int32_t part)
{
    const lks_window *w = &g->k.window;
    const size_t tap = (size_t)((part * w->kernel_h + kh) * w->kernel_w + kw);

    if (g->columns)
        return (size_t)(kw * g->quads + kh / 4) * (size_t)lanes * 4 + (size_t)(kh % 4);
    return tap / 4 * (size_t)lanes * 4 + tap % 4;
}

static void pack_lane(const lks_step *s, const shape *g, int32_t lanes, int32_t o, int8_t *to)
{
    const lks_window *k = &g->k.window;
    const int8_t *w = s->w + (size_t)o * (size_t)k->kernel_h * (size_t)k->kernel_w;

    for (int32_t kh = 0; kh < k->kernel_h; kh++)
        for (int32_t kw = 0; kw < k->kernel_w; kw++) {
            int32_t rest = *w++ - g->k.w_zero;

            for (int32_t part = 0; part < g->parts; part++) {
                const int32_t some = lks_clamp(rest, -128, 127);

                to[place_of(g, lanes, kh, kw, part)] = (int8_t)some;
                rest -= some;
            }
        }
}

/* A block of 4 vectors, in the order of lks_cpu_lane_channel.  0: it is scaled one by one, and cannot go together. */
static int pack_wide(const lks_step *s, const lks_cpu_isa *isa, const shape *g, int32_t block, int8_t *packed)
{
    const int32_t lanes = isa->lanes, first = block * 4 * lanes;
    int32_t *scale = (int32_t *)(void *)(packed + g->at_wide_scale) + (size_t)block * 4 * LKS_CPU_SCALE_VECTORS * (size_t)lanes;
    int8_t *weights = packed + g->at_wide + (size_t)block * 12 * (size_t)lanes * 4;
    lks_cpu_channel channels[4 * LKS_CPU_MAX_LANES];

    for (int32_t k = 0; k < 4; k++)
        for (int32_t i = 0; i < lanes; i++) {
            const int32_t o = first + lks_cpu_lane_channel(k, i);

            channels[k * lanes + i] = scale_of(s, isa, o);
            pack_lane(s, g, 4 * lanes, o, weights + (size_t)(k * lanes + i) * 4);
        }
    return lks_cpu_pack_scale(isa, channels, 4 * lanes, 4, g->k.tail.rounding, scale) != LKS_CPU_ANY;
}

static void pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    shape g = shape_of(s, isa);
    const int32_t lanes = isa->lanes, used = used_lanes(&g, lanes);
    int8_t *weights = (int8_t *)packed + g.at_weights;
    int32_t *scaling = (int32_t *)(void *)((int8_t *)packed + g.at_scaling);
    int32_t *scale = (int32_t *)(void *)((int8_t *)packed + g.at_scale);

    for (int32_t block = 0; block < g.wide; block++)
        if (!pack_wide(s, isa, &g, block, packed)) {
            g.wide = 0;
            g.pieces = g.vectors;
        }
    memcpy(packed, &g, sizeof g);
    memset((int8_t *)packed + g.at_pad, g.k.pad_value, g.line_bytes);
    for (int32_t v = 0; v < g.vectors; v++) {
        lks_cpu_channel channels[LKS_CPU_MAX_LANES];

        for (int32_t i = 0; i < used; i++) {
            const int32_t o = channel_of(&g, lanes, v) + i % g.k.out_c;

            channels[i] = scale_of(s, isa, o);
            pack_lane(s, &g, lanes, o, weights + 4 * i);
        }
        *scaling++ = (int32_t)lks_cpu_pack_scale(isa, channels, used, 1, g.k.tail.rounding, scale);
        scale += LKS_CPU_SCALE_VECTORS * lanes;
        weights += (size_t)g.groups * (size_t)lanes * 4;
    }
}

/* ---- lines --------------------------------------------------------------------------------------------------------------- */

/* Scratch of one thread. */
typedef struct work {
    const int8_t **lines;       /* those under the output row at work: kernel_h, filled up to whole quads */
    const int8_t **taps;        /* 4 * groups */
    int32_t *acc;               /* [out_w][lanes] */
    int8_t *stage;              /* the lines of unit_rows output rows */
} work;

/* Lines that the rows of a unit see, first to last. */
static int32_t staged_lines(const shape *g)
{
    const lks_window *w = &g->k.window;

    return (g->unit_rows - 1) * w->stride_h + (w->kernel_h - 1) * w->dilation_h + 1;
}

static work work_in(const shape *g, const lks_cpu_isa *isa, int8_t *scratch, size_t *bytes)
{
    int8_t *at = scratch;
    work w;

    w.lines = (const int8_t **)(void *)at;
    at += lks_cpu_align(((size_t)g->k.window.kernel_h + 3) / 4 * 4 * sizeof *w.lines);
    w.taps = (const int8_t **)(void *)at;
    at += lks_cpu_align((size_t)g->groups * 4 * sizeof *w.taps);
    w.acc = (int32_t *)(void *)at;
    at += lks_cpu_align((size_t)g->k.window.out_w * (size_t)isa->lanes * sizeof *w.acc);
    w.stage = at;
    at += g->staged ? (size_t)staged_lines(g) * g->line_bytes : 0;
    *bytes = (size_t)(at - scratch);
    return w;
}

static size_t scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    static int8_t origin[LKS_ARENA_ALIGN];
    const shape g = shape_of(s, isa);
    size_t bytes;

    work_in(&g, isa, origin, &bytes);
    return bytes;
}

static void stage_line(const shape *g, const int8_t *row, int8_t *to)
{
    const lks_window *w = &g->k.window;
    const int32_t left = (int32_t)lks_cpu_max(w->pad_left, 0), from = (int32_t)lks_cpu_max(-w->pad_left, 0);
    const int32_t multiplier = g->k.out_c / g->k.in_c;
    const int64_t pixels = lks_cpu_min(w->in_w - from, g->line_w - left);

    memset(to, g->k.pad_value, g->line_bytes);
    if (pixels <= 0)
        return;
    to += (size_t)left * (size_t)g->k.out_c;
    row += (size_t)from * (size_t)g->k.in_c;
    if (multiplier == 1) {
        memcpy(to, row, (size_t)pixels * (size_t)g->k.in_c);
        return;
    }
    for (size_t i = 0; i < (size_t)pixels * (size_t)g->k.in_c; i++)
        for (int32_t j = 0; j < multiplier; j++)
            *to++ = row[i];
}

/* Lines under output rows p to end of an image. */
static void stage_lines(const shape *g, work *w, const int8_t *image, int32_t p, int32_t end)
{
    const lks_window *s = &g->k.window;
    const size_t row = (size_t)s->in_w * (size_t)g->k.in_c;
    const int32_t first = p * s->stride_h - s->pad_top;
    const int32_t last = first + (end - 1 - p) * s->stride_h + (s->kernel_h - 1) * s->dilation_h;

    for (int32_t h = first; h <= last; h++)
        if (h >= 0 && h < s->in_h)
            stage_line(g, image + (size_t)h * row, w->stage + (size_t)(h - first) * g->line_bytes);
}

/* Lines under output row p, of a unit whose first row is `first`. */
static void find_lines(const lks_cpu_call *c, const shape *g, work *w, const int8_t *image, int32_t first, int32_t p)
{
    const lks_window *s = &g->k.window;
    const int8_t *pad = (const int8_t *)c->packed + g->at_pad;
    const int32_t rows = (s->kernel_h + 3) / 4 * 4;

    for (int32_t kh = 0; kh < rows; kh++) {
        const int32_t h = p * s->stride_h - s->pad_top + kh * s->dilation_h;

        if (kh >= s->kernel_h)
            w->lines[kh] = w->lines[0];
        else if (h < 0 || h >= s->in_h)
            w->lines[kh] = pad;
        else if (g->staged)
            w->lines[kh] = w->stage + (size_t)(h - (first * s->stride_h - s->pad_top)) * g->line_bytes;
        else
            w->lines[kh] = image + (size_t)h * (size_t)s->in_w * (size_t)g->k.in_c;
    }
}

/* ---- rows ---------------------------------------------------------------------------------------------------------------- */

static void finish_any(const lks_cpu_call *c, const shape *g, const lks_cpu_taps *t, int32_t channel)
{
    for (int32_t i = 0; i < t->count; i++)
        for (int32_t l = 0; l < t->channels; l++)
            t->y[(size_t)i * t->y_step + (size_t)l] = lks_finish(t->acc[i * c->isa->lanes + l],
                                                                 c->step->rq[channel + l % g->k.out_c], t->tail);
}

/* A block of 4 vectors of some outputs; t has everything but what is the block's own. */
static void run_wide(const lks_cpu_call *c, const shape *g, lks_cpu_taps t, int32_t block)
{
    const int8_t *packed = c->packed;
    const size_t lanes = (size_t)c->isa->lanes;

    t.channel = (size_t)block * 4 * lanes;
    t.y += t.channel;
    t.w = packed + g->at_wide + (size_t)block * 12 * lanes * 4;
    t.scale = (const int32_t *)(const void *)(packed + g->at_wide_scale) + (size_t)block * 4 * LKS_CPU_SCALE_VECTORS * lanes;
    t.scaling = g->k.tail.rounding == LKS_TFLITE ? LKS_CPU_TFLITE : LKS_CPU_HALF_UP;
    c->isa->wide(&t);
}

/* Pieces begin to end of some outputs; t has everything but what is a piece's own. */
static void run_pieces(const lks_cpu_call *c, const shape *g, lks_cpu_taps t, int32_t begin, int32_t end)
{
    const int8_t *packed = c->packed;
    const int32_t lanes = c->isa->lanes;
    int8_t *y = t.y;

    for (; begin < end && begin < g->wide; begin++)
        run_wide(c, g, t, begin);
    for (int32_t v = begin + 3 * g->wide; v < end + 3 * g->wide; v++) {
        const int32_t channel = channel_of(g, lanes, v);

        t.channel = (size_t)channel;
        t.y = y + channel;
        t.w = packed + g->at_weights + (size_t)v * (size_t)g->groups * (size_t)lanes * 4;
        t.scale = (const int32_t *)(const void *)(packed + g->at_scale) + (size_t)v * LKS_CPU_SCALE_VECTORS * (size_t)lanes;
        t.scaling = (lks_cpu_scaling)((const int32_t *)(const void *)(packed + g->at_scaling))[v];
        c->isa->taps(&t);
        if (t.scaling == LKS_CPU_ANY)
            finish_any(c, g, &t, channel);
    }
}

/* Pointers to the taps of output q. */
static void find_taps(const lks_cpu_call *c, const shape *g, work *w, int32_t q)
{
    const lks_window *s = &g->k.window;
    const int8_t *pad = (const int8_t *)c->packed + g->at_pad;
    const int8_t **to = w->taps;

    for (int32_t part = 0; part < g->parts; part++)
        for (int32_t kh = 0; kh < s->kernel_h; kh++)
            for (int32_t kw = 0; kw < s->kernel_w; kw++) {
                const int32_t v = q * s->stride_w - g->pad_left + kw * s->dilation_w;

                *to++ = v >= 0 && v < g->line_w ? w->lines[kh] + (size_t)v * (size_t)g->k.out_c : pad;
            }
    while (to < w->taps + 4 * (size_t)g->groups)
        *to++ = pad;
}

/* Outputs q, q + 1, ... of a row, none of whose taps but those of a single output lies beyond its line. */
static void run_outputs(const lks_cpu_call *c, const shape *g, work *w, lks_cpu_taps t, int32_t q, int32_t begin, int32_t end)
{
    t.y += (size_t)q * (size_t)g->k.out_c;
    t.first = q * g->k.window.stride_w - g->pad_left;
    if (g->columns == 0)
        find_taps(c, g, w, q);
    run_pieces(c, g, t, begin, end);
}

/* The outputs of a row whose windows lie within it: *first to *end. */
static void inner_outputs(const shape *g, int32_t *first, int32_t *end)
{
    const lks_window *s = &g->k.window;
    const int32_t room = g->line_w - 1 - (s->kernel_w - 1) * s->dilation_w + g->pad_left;

    *first = g->pad_left > 0 ? (g->pad_left - 1) / s->stride_w + 1 : 0;
    *end = room < 0 ? 0 : (int32_t)lks_cpu_min(room / s->stride_w + 1, s->out_w);
    if (*end <= *first)
        *first = *end = 0;
}

/* One row of outputs at y; lines are found. */
static void run_row(const lks_cpu_call *c, const shape *g, work *w, int8_t *y, int32_t begin, int32_t end)
{
    const size_t out_c = (size_t)g->k.out_c, step = out_c * (size_t)g->fold;
    const int32_t out_w = g->k.window.out_w;
    int32_t from = 0, to = out_w;
    lks_cpu_taps t = {
        .x = g->columns ? w->lines : w->taps, .groups = g->groups, .columns = g->columns, .quads = g->quads,
        .step = g->k.window.stride_w * g->fold, .in_w = g->line_w, .x_column = out_c, .channels = used_lanes(g, c->isa->lanes),
        .x_step = step * (size_t)g->k.window.stride_w, .y_step = step, .pad = (const int8_t *)c->packed + g->at_pad,
        .tail = g->k.tail, .y = y, .acc = w->acc, .count = 1
    };

    if (g->columns == 0)
        inner_outputs(g, &from, &to);
    for (int32_t q = 0; q < from; q++)
        run_outputs(c, g, w, t, q, begin, end);
    for (int32_t q = to; q < out_w; q++)
        run_outputs(c, g, w, t, q, begin, end);
    t.count = (to - from) / g->fold;
    if (t.count > 0)
        run_outputs(c, g, w, t, from, begin, end);
    t.count = 1;
    if (out_w % g->fold)
        run_outputs(c, g, w, t, out_w - g->fold, begin, end);
}

/* The first channel of a piece. */
static size_t piece_channel(const shape *g, int32_t lanes, int32_t piece)
{
    return (size_t)(piece + 3 * (piece < g->wide ? piece : g->wide)) * (size_t)lanes;
}

/* What is fused behind the tail, on the channels of pieces begin to end of a row: all, or whole vectors. */
static void finish_row(const lks_cpu_call *c, const shape *g, size_t at, int32_t begin, int32_t end)
{
    const size_t out_c = (size_t)g->k.out_c, pixels = (size_t)g->k.window.out_w;
    const size_t first = piece_channel(g, c->isa->lanes, begin), channels = piece_channel(g, c->isa->lanes, end) - first;

    if (end - begin == g->pieces) {
        lks_cpu_finish_fused(c, &g->k.fused, c->y + at, c->x2 ? c->x2 + at : NULL, pixels * out_c);
        return;
    }
    at += first;
    for (size_t i = 0; i < pixels; i++, at += out_c)
        lks_cpu_finish_fused(c, &g->k.fused, c->y + at, c->x2 ? c->x2 + at : NULL, channels);
}

/* ---- units --------------------------------------------------------------------------------------------------------------- */

/* A unit is some rows of an image, and some of the pieces of its rows where there are few rows. */
typedef struct units {
    int64_t images;
    int32_t blocks, parts;      /* of an image's rows; of the pieces */
} units;

static units units_of(const lks_cpu_call *c, const shape *g)
{
    units u = { .images = (int64_t)c->n * g->k.window.images, .blocks = (g->k.window.out_h - 1) / g->unit_rows + 1, .parts = 1 };
    const int64_t rows = u.images * u.blocks;

    /* vectors that lie over each other cannot be two threads' */
    if (!g->staged && g->k.out_c % c->isa->lanes == 0 && rows < MIN_UNITS)
        u.parts = (int32_t)lks_cpu_min(g->pieces, (MIN_UNITS - 1) / rows + 1);
    return u;
}

static int64_t count_units(const lks_cpu_call *c)
{
    const units u = units_of(c, c->packed);

    return u.images * u.blocks * u.parts;
}

/* A vector of a 3 x 3 kernel takes 2 ns. */
static int64_t unit_work(const lks_cpu_call *c)
{
    const shape *g = c->packed;
    const units u = units_of(c, g);

    return (int64_t)g->unit_rows * (g->k.window.out_w / g->fold) * g->vectors / u.parts * (g->groups + 3) / 3 + 1;
}

static void run_unit(const lks_cpu_call *c, const shape *g, work *w, int64_t image, int32_t block, int32_t begin, int32_t end)
{
    const lks_window *s = &g->k.window;
    const int8_t *x = c->x + (size_t)image * (size_t)s->in_h * (size_t)s->in_w * (size_t)g->k.in_c;
    const int32_t first = block * g->unit_rows, last = (int32_t)lks_cpu_min(first + g->unit_rows, s->out_h);
    const size_t row = (size_t)s->out_w * (size_t)g->k.out_c;

    if (g->staged)
        stage_lines(g, w, x, first, last);
    for (int32_t p = first; p < last; p++) {
        const size_t at = ((size_t)image * (size_t)s->out_h + (size_t)p) * row;

        find_lines(c, g, w, x, first, p);
        run_row(c, g, w, c->y + at, begin, end);
        if (g->k.fused.adds || c->step->table)
            finish_row(c, g, at, begin, end);
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const shape *g = c->packed;
    const units u = units_of(c, g);
    size_t bytes;
    work w = work_in(g, c->isa, scratch, &bytes);

    for (int64_t i = first; i < end; i++) {
        const int64_t part = i % u.parts, rows = i / u.parts;

        run_unit(c, g, &w, rows / u.blocks, (int32_t)(rows % u.blocks), (int32_t)(g->pieces * part / u.parts),
                 (int32_t)(g->pieces * (part + 1) / u.parts));
    }
}

const lks_cpu_family lks_cpu_depthwise = {
    .packed_bytes = packed_bytes, .pack = pack, .scratch_bytes = scratch_bytes, .units = count_units, .unit_work = unit_work,
    .run = run
};
