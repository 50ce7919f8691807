/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and columns by tables.  spec 4.35, 4.36
 */
#include "cpu/family.h"

#include <string.h>

#define UNIT_BYTES 16384

/* A unit is some rows of y: those of [outer][out_a], out_b * inner elements each. */
static int64_t rows_per_unit(const lks_gather *g)
{
    return lks_cpu_max(UNIT_BYTES / ((int64_t)g->out_b * g->inner), 1);
}

static int64_t rows(const lks_cpu_call *c)
{
    const lks_gather *g = &c->args->gather;

    return (int64_t)c->n * g->outer * g->out_a;
}

static int64_t units(const lks_cpu_call *c)
{
    const int64_t many = rows_per_unit(&c->args->gather);

    return (rows(c) + many - 1) / many;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_gather *g = &c->args->gather;

    return 1 + lks_cpu_min(rows_per_unit(g), rows(c)) * g->out_b * (2 + g->inner / 32);
}

static void run_row(const lks_cpu_call *c, int64_t row)
{
    const lks_gather *g = &c->args->gather;
    const int32_t *columns = c->step->columns;
    const size_t inner = (size_t)g->inner;
    const int8_t *x = c->x + (row / g->out_a * g->in_a + c->step->rows[row % g->out_a]) * g->in_b * g->inner;
    int8_t *y = c->y + row * g->out_b * g->inner;

    if (inner == 1)
        for (int32_t b = 0; b < g->out_b; b++)
            y[b] = x[columns[b]];
    else
        for (int32_t b = 0; b < g->out_b; b++, y += inner)
            memcpy(y, x + (size_t)columns[b] * inner, inner);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const int64_t many = rows_per_unit(&c->args->gather), last = lks_cpu_min(end * many, rows(c));

    (void)scratch;
    for (int64_t row = first * many; row < last; row++)
        run_row(c, row);
}

const lks_cpu_family lks_cpu_gather = { .units = units, .unit_work = unit_work, .run = run };
