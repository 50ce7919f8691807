/* SPDX-License-Identifier: Apache-2.0
 *
 * Bilinear resizing: a unit is a row of output pixels.  spec 4.18
 */
#include "cpu/family.h"

#include "spec/arith.h"

static int64_t units(const lks_cpu_call *c)
{
    const lks_bilinear *a = &c->args->bilinear;

    return (int64_t)c->n * a->images * a->h.out;
}

/* At 4 elements per nanosecond. */
static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_bilinear *a = &c->args->bilinear;

    return (int64_t)a->w.out * a->c / 4 + a->w.out * 4 + 1;
}

static void run_row(const lks_cpu_call *c, int64_t unit)
{
    const lks_bilinear *a = &c->args->bilinear;
    const size_t channels = (size_t)a->c, row = (size_t)a->w.in * channels;
    const lks_between h = lks_bilinear_place((int32_t)(unit % a->h.out), a->h);
    const int8_t *x = c->x + (size_t)(unit / a->h.out) * (size_t)a->h.in * row;
    int8_t *y = c->y + (size_t)unit * (size_t)a->w.out * channels;

    for (int32_t q = 0; q < a->w.out; q++, y += channels) {
        const lks_between w = lks_bilinear_place(q, a->w);
        const int8_t *first = x + (size_t)h.first * row, *second = x + (size_t)h.second * row;
        const size_t left = (size_t)w.first * channels, right = (size_t)w.second * channels;
        const int8_t *const corners[4] = { first + left, first + right, second + left, second + right };

        c->isa->bilinear(corners, h.part, w.part, a->rounding, y, channels);
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    (void)scratch;
    for (int64_t unit = first; unit < end; unit++)
        run_row(c, unit);
}

const lks_cpu_family lks_cpu_bilinear = { .units = units, .unit_work = unit_work, .run = run };
