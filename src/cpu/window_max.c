/* SPDX-License-Identifier: Apache-2.0
 *
 * Max pooling, first down the rows of a window and then along its columns.  spec 4.6
 */
#include "cpu/family.h"

#include <string.h>

/* Pixels that the windows of a row of y see, padding included. */
static size_t line_pixels(const lks_window *w)
{
    return (size_t)(w->out_w - 1) * (size_t)w->stride_w + (size_t)w->kernel_w;
}

static size_t scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)isa;
    return line_pixels(&s->args.pool.window) * (size_t)s->args.pool.c;
}

/* A unit is a row of y. */
static int64_t units(const lks_cpu_call *c)
{
    const lks_window *w = &c->args->pool.window;

    return (int64_t)c->n * w->images * w->out_h;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;
    const int64_t down = (int64_t)line_pixels(w) * a->c * w->kernel_h / 32;

    return 1 + down + (int64_t)w->out_w * w->kernel_w * (w->stride_w == 1 ? a->c / 32 : 4 + a->c / 32);
}

/* The largest of the rows under output row p, in line; padding counts as -128, the smallest there is. */
static void down(const lks_cpu_call *c, const int8_t *x, int32_t p, int8_t *line)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;
    const int64_t pixels = (int64_t)line_pixels(w), columns = lks_cpu_min(w->in_w, pixels - w->pad_left);
    const int64_t top = (int64_t)p * w->stride_h - w->pad_top, end = lks_cpu_min(top + w->kernel_h, w->in_h);

    memset(line, -128, (size_t)pixels * (size_t)a->c);
    for (int64_t h = lks_cpu_max(top, 0); h < end && columns > 0; h++)
        c->isa->max(x + h * w->in_w * a->c, line + (size_t)w->pad_left * (size_t)a->c, (size_t)(columns * a->c), 0);
}

static void along(const lks_cpu_call *c, const int8_t *line, int8_t *y)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;
    const size_t pixel = (size_t)a->c, row = (size_t)w->out_w * pixel;

    if (w->stride_w == 1) {
        memcpy(y, line, row);
        for (size_t k = 1; k < (size_t)w->kernel_w; k++)
            c->isa->max(line + k * pixel, y, row, 0);
    } else
        for (size_t q = 0; q < (size_t)w->out_w; q++) {
            const int8_t *from = line + q * (size_t)w->stride_w * pixel;

            memcpy(y + q * pixel, from, pixel);
            for (size_t k = 1; k < (size_t)w->kernel_w; k++)
                c->isa->max(from + k * pixel, y + q * pixel, pixel, 0);
        }
    if (a->y_min > -128 || a->y_max < 127)
        c->isa->clamp(y, row, a->y_min, a->y_max);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const lks_pool *a = &c->args->pool;
    const lks_window *w = &a->window;

    for (int64_t u = first; u < end; u++) {
        down(c, c->x + u / w->out_h * w->in_h * w->in_w * a->c, (int32_t)(u % w->out_h), scratch);
        along(c, scratch, c->y + u * w->out_w * a->c);
    }
}

const lks_cpu_family lks_cpu_window_max = { .scratch_bytes = scratch_bytes, .units = units, .unit_work = unit_work, .run = run };
