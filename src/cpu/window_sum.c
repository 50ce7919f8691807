/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling: sums down the rows of a window, and then along its columns.  spec 4.7
 */
#include "cpu/family.h"

#include "spec/arith.h"

#include <string.h>

#define PART_C 512              /* channels of a unit */
#define FAST_COUNT (1 << 22)    /* that isa->average takes */

/* Pixels that the windows of a row of y see, padding included. */
static int64_t line_pixels(const lks_window *w)
{
    return (int64_t)(w->out_w - 1) * w->stride_w + w->kernel_w;
}

static int64_t part_c(const lks_pool *a)
{
    return lks_cpu_min(a->c, PART_C);
}

/* A line of sums, and the sums of one output. */
static size_t scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)isa;
    return (size_t)(line_pixels(&s->args.pool.window) + 1) * (size_t)part_c(&s->args.pool) * sizeof(int32_t);
}

static int64_t parts(const lks_pool *a)
{
    return (a->c + PART_C - 1) / PART_C;
}

/* A unit is some channels of a row of y. */
static int64_t units(const lks_cpu_call *c)
{
    const lks_window *w = &c->args->pool.window;

    return (int64_t)c->n * w->images * w->out_h * parts(&c->args->pool);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;

    return 1 + (line_pixels(w) * w->kernel_h + (int64_t)w->out_w * w->kernel_w) * (2 + part_c(a) / 16);
}

/* What a window covers of an axis of `extent`, from where it starts; its length is the result. */
static int32_t covered(int64_t start, int32_t kernel, int32_t extent, int64_t *first)
{
    *first = lks_cpu_max(start, 0);
    return (int32_t)lks_cpu_max(lks_cpu_min(start + kernel, extent) - *first, 0);
}

static void finish(const lks_cpu_call *c, const int32_t *acc, int32_t k, int8_t *y, int32_t channels)
{
    const lks_pool *a = &c->args->pool;
    const lks_tail tail = { 0, a->y_min, a->y_max, a->rounding };

    if (k < FAST_COUNT)
        c->isa->average(acc, k, tail, y, (size_t)channels);
    else
        for (int32_t i = 0; i < channels; i++)
            y[i] = (int8_t)lks_clamp(lks_average(acc[i], k, a->rounding), a->y_min, a->y_max);
}

/* Sums of `rows` rows from x on, of some channels; line[i] is the pixel that x points at, and i more. */
static void down(const lks_cpu_call *c, const int8_t *x, int32_t rows, int64_t pixels, int32_t channels, int32_t *line)
{
    const lks_pool *a = &c->args->pool;
    const int64_t row = (int64_t)a->window.in_w * a->c;

    memset(line, 0, (size_t)pixels * (size_t)channels * sizeof *line);
    for (int32_t h = 0; h < rows; h++, x += row)
        if (channels == a->c)
            c->isa->accumulate(x, line, (size_t)pixels * (size_t)channels);
        else
            for (int64_t v = 0; v < pixels; v++)
                c->isa->accumulate(x + v * a->c, line + v * channels, (size_t)channels);
}

/* Sums are modulo 2^32 in between, and exact in the end: rules_*.c. */
static void add_pixel(int32_t *acc, const int32_t *line, int32_t channels)
{
    for (int32_t i = 0; i < channels; i++)
        acc[i] = (int32_t)((uint32_t)acc[i] + (uint32_t)line[i]);
}

static void along(const lks_cpu_call *c, const int32_t *line, int32_t rows, int32_t channels, int32_t *acc, int8_t *y)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;

    for (int64_t q = 0; q < w->out_w; q++, y += a->c) {
        int64_t first;
        const int32_t columns = covered(q * w->stride_w - w->pad_left, w->kernel_w, w->in_w, &first);

        memcpy(acc, line + first * channels, (size_t)channels * sizeof *acc);
        for (int32_t k = 1; k < columns; k++)
            add_pixel(acc, line + (first + k) * channels, channels);
        finish(c, acc, rows * columns, y, channels);
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;
    const int64_t pixels = lks_cpu_min(w->in_w, line_pixels(w) - w->pad_left);
    int32_t *acc = scratch;

    for (int64_t u = first; u < end; u++) {
        const int64_t at = u % parts(a) * PART_C, row = u / parts(a);
        const int32_t channels = (int32_t)lks_cpu_min(PART_C, a->c - at);
        int64_t top;
        const int32_t rows = covered(row % w->out_h * w->stride_h - w->pad_top, w->kernel_h, w->in_h, &top);
        const int8_t *x = c->x + ((row / w->out_h * w->in_h + top) * w->in_w) * a->c + at;
        int32_t *line = acc + part_c(a);

        down(c, x, rows, pixels, channels, line);
        along(c, line, rows, channels, acc, c->y + row * w->out_w * a->c + at);
    }
}

const lks_cpu_family lks_cpu_window_sum = { .scratch_bytes = scratch_bytes, .units = units, .unit_work = unit_work, .run = run };
