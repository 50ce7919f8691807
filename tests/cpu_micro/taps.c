/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise: taps one by one, windows that slide, and four vectors of channels at once.
 */
#include "cpu_micro/micro.h"

#include "spec/arith.h"

#include <string.h>

#define MOST_GROUPS 4
#define MOST_COUNT 11
#define MOST_LINES 16

/*
 * As plain arithmetic sees it: output i of channel c is the sum over all taps of x(tap, i, c) * w[tap][c].  Taps have a line of x
 * and, in the second form, a column: line[l][channel + column * x_column + c], or pad where there is no such column.
 */
typedef struct taps_case {
    int32_t lines, vectors, channels;   /* channels: those that are stored */
    size_t line_bytes;
    int8_t *line[MOST_LINES];
    int8_t *w;                  /* [tap][channel] */
    int32_t taps;
    int8_t pad;
} taps_case;

static int32_t value_of(const taps_case *k, const lks_cpu_taps *t, int32_t tap, int32_t output, int32_t channel)
{
    const int32_t rows = 4 * t->quads;
    const size_t c = t->channel + (size_t)channel;
    int32_t column;

    if (t->columns == 0)
        return k->line[tap][(size_t)output * t->x_step + c];
    column = t->first + output * t->step + tap / rows;
    return column < 0 || column >= t->in_w ? k->pad : k->line[tap % rows][(size_t)column * t->x_column + c];
}

/* The place of a channel's four weights, or constants, in those of all vectors; wide: in the order of lks_cpu_lane_channel. */
static int32_t place_of(const micro_run *r, const taps_case *k, int32_t channel)
{
    for (int32_t i = 0; k->vectors > 1 && i < k->vectors * r->isa->lanes; i++)
        if (lks_cpu_lane_channel(i / r->isa->lanes, i % r->isa->lanes) == channel)
            return i;
    return channel;
}

static void fill_case(micro_run *r, taps_case *k, const lks_cpu_taps *t)
{
    const size_t lanes = (size_t)(k->vectors * r->isa->lanes), reads = lanes;
    const size_t outputs = t->count > 0 ? (size_t)t->count : 1;

    k->line_bytes = t->channel + reads;
    k->line_bytes += t->columns == 0 ? (outputs - 1) * t->x_step : (size_t)(t->in_w - 1) * t->x_column;
    for (int32_t i = 0; i < k->lines; i++)
        k->line[i] = micro_input(r, k->line_bytes);
    k->w = micro_input(r, (size_t)k->taps * lanes);
    for (int32_t i = 0; i < k->taps; i++)
        if (micro_chance(r, 4))
            memset(k->w + (size_t)i * lanes, 0, lanes);         /* what fills a group, or rows that a kernel has not */
    k->pad = (int8_t)micro_between(r, -128, 127);
}

/* [tap / 4][vector][LANES][4]; the lanes of channels that there are not have anything. */
static int8_t *pack(micro_run *r, const taps_case *k)
{
    const int32_t lanes = k->vectors * r->isa->lanes;
    int8_t *packed = micro_take(r, (size_t)k->taps * (size_t)lanes);

    micro_fill(r, packed, (size_t)k->taps * (size_t)lanes);
    for (int32_t c = 0; c < k->channels; c++)
        for (int32_t i = 0; i < k->taps; i++)
            packed[(i / 4 * lanes + place_of(r, k, c)) * 4 + i % 4] = k->w[i * lanes + c];
    return packed;
}

static micro_block scale_case(micro_run *r, const micro_mode *m, const taps_case *k, const lks_cpu_taps *t)
{
    const int32_t lanes = k->vectors * r->isa->lanes;
    int64_t *w_sum = micro_take(r, (size_t)lanes * sizeof *w_sum);
    int32_t *at = micro_take(r, (size_t)lanes * sizeof *at);
    micro_block b = { .w_sum = w_sum, .outputs = t->count, .channels = k->channels, .vectors = k->vectors, .channels_at = at };

    b.sums = micro_take(r, (size_t)(t->count * k->channels) * sizeof *b.sums);
    for (int32_t c = 0; c < k->channels; c++) {
        w_sum[c] = 0;
        at[c] = place_of(r, k, c);
        for (int32_t i = 0; i < k->taps; i++)
            w_sum[c] += k->w[i * lanes + c];
        for (int32_t o = 0; o < t->count; o++) {
            int64_t sum = 0;

            for (int32_t i = 0; i < k->taps; i++)
                sum += value_of(k, t, i, o, c) * k->w[i * lanes + c];
            b.sums[o * k->channels + c] = sum;
        }
    }
    micro_scale_block(r, m, &b);
    return b;
}

static void expect(const micro_run *r, const taps_case *k, const micro_block *b, const lks_cpu_taps *t, const micro_output *y,
                   const micro_output *acc)
{
    int8_t *ys = y->expected;
    int32_t *sums = acc->expected;

    if (b->scaling == LKS_CPU_ANY)
        memcpy(sums, acc->got, acc->bytes);     /* of the other lanes there may be anything */
    for (int32_t i = 0; i < t->count; i++)
        for (int32_t c = 0; c < k->channels; c++) {
            const int32_t sum = (int32_t)b->sums[i * k->channels + c];

            if (b->scaling == LKS_CPU_ANY)
                sums[i * r->isa->lanes + c] = sum;
            else
                ys[(size_t)i * t->y_step + (size_t)c] = lks_finish(sum, b->rq[c], t->tail);
        }
}

static void run_case(micro_run *r, const micro_mode *m, taps_case *k, lks_cpu_taps t, void (*kernel)(const lks_cpu_taps *t))
{
    const size_t lanes = (size_t)(k->vectors * r->isa->lanes);
    int8_t *pad = micro_take(r, lanes);
    micro_block b;
    micro_output y, acc;

    t.channels = k->channels;
    fill_case(r, k, &t);
    b = scale_case(r, m, k, &t);
    t.x = (const int8_t *const *)k->line;
    t.w = pack(r, k);
    t.pad = memset(pad, k->pad, lanes);
    t.scale = b.scale;
    t.scaling = b.scaling;
    t.tail = micro_tail(r, m->rounding);
    t.y_step = (size_t)(k->channels + micro_between(r, 0, 5));
    y = micro_output_of(r, t.count > 0 ? (size_t)(t.count - 1) * t.y_step + (size_t)k->channels : 0, 1);
    acc = micro_output_of(r, (size_t)t.count * lanes, sizeof(int32_t));
    t.y = y.got;
    t.acc = acc.got;
    kernel(&t);
    expect(r, k, &b, &t, &y, &acc);
    micro_compare(r, &y);
    micro_compare(r, &acc);
}

/* ---- taps one by one ----------------------------------------------------------------------------------------------------- */

static void test_groups(micro_run *r, int32_t groups, int32_t channels, const micro_mode *m)
{
    taps_case k = { .lines = 4 * groups, .vectors = 1, .channels = channels, .taps = 4 * groups };
    lks_cpu_taps t = { .groups = groups, .count = (int32_t)micro_between(r, 0, MOST_COUNT) };

    t.channel = (size_t)micro_between(r, 0, 40);
    t.x_step = (size_t)micro_between(r, 1, 40);
    micro_case(r, "%d taps, %d outputs of %d channels from %d on, %s", (int)k.taps, (int)t.count, (int)channels, (int)t.channel,
               m->name);
    run_case(r, m, &k, t, r->isa->taps);
}

void micro_test_taps(micro_run *r)
{
    for (int32_t groups = 1; groups <= MOST_GROUPS; groups++)
        for (int32_t channels = 1; channels <= r->isa->lanes; channels++)
            for (int32_t i = 0; i < 3 * MICRO_MODES; i++)
                test_groups(r, groups, channels, &micro_modes[i % MICRO_MODES]);
}

/* ---- windows that slide -------------------------------------------------------------------------------------------------- */

/* Windows begin up to so many columns before the image, and end up to so many behind it. */
static lks_cpu_taps place_window(micro_run *r, int32_t columns, int32_t quads, int32_t step)
{
    lks_cpu_taps t = { .columns = columns, .quads = quads, .groups = columns * quads, .step = step };

    t.count = (int32_t)micro_between(r, 0, MOST_COUNT);
    t.first = (int32_t)micro_between(r, -columns, 3);
    t.in_w = (int32_t)micro_between(r, 1, 2 * columns + MOST_COUNT * step);
    return t;
}

static void test_window(micro_run *r, lks_cpu_taps t, const char *what, int32_t vectors, int32_t channels, const micro_mode *m,
                        void (*kernel)(const lks_cpu_taps *t))
{
    taps_case k = { .lines = 4 * t.quads, .vectors = vectors, .channels = channels, .taps = 4 * t.columns * t.quads };

    t.channel = (size_t)micro_between(r, 0, 40);
    t.x_column = (size_t)micro_between(r, 1, 90);
    micro_case(r, "%s: %d columns of %d rows, step %d, %d outputs of %d channels from column %d of %d on, %s", what,
               (int)t.columns, (int)(4 * t.quads), (int)t.step, (int)t.count, (int)channels, (int)t.first, (int)t.in_w, m->name);
    run_case(r, m, &k, t, kernel);
}

/* All forms that lks_cpu_taps_slide names. */
void micro_test_slide(micro_run *r)
{
    int32_t forms = 0;

    for (int32_t columns = 1; columns <= 8; columns++)
        for (int32_t quads = 1; 4 * quads <= MOST_LINES; quads++)
            for (int32_t step = 1; step <= 3; step++) {
                if (!lks_cpu_taps_slide(columns, quads, step))
                    continue;
                forms++;
                for (int32_t channels = 1; channels <= r->isa->lanes; channels++)
                    for (int32_t i = 0; i < 6 * MICRO_MODES; i++)
                        test_window(r, place_window(r, columns, quads, step), "slide", 1, channels,
                                    &micro_modes[i % MICRO_MODES], r->isa->taps);
            }
    micro_same(r, forms, 1, forms > 0);
}

/* ---- four vectors at once ------------------------------------------------------------------------------------------------ */

void micro_test_wide(micro_run *r)
{
    for (int32_t step = 1; step <= 2; step++)
        for (int32_t i = 0; i < 60 * MICRO_MODES; i++)
            if (micro_modes[i % MICRO_MODES].scaling != LKS_CPU_ANY)
                test_window(r, place_window(r, 3, 1, step), "wide", 4, 4 * r->isa->lanes, &micro_modes[i % MICRO_MODES],
                            r->isa->wide);
}
