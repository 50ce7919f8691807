/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of the largest or smallest element along an axis.  spec 4.19
 */
#include "cpu/family.h"

#include <string.h>

#define UNIT_COLUMNS 256        /* of inner, at a time */
#define UNIT_ROWS 16            /* of a last axis */

static int64_t parts(const lks_arg_max *a)
{
    return (a->inner + UNIT_COLUMNS - 1) / UNIT_COLUMNS;
}

static int64_t rows_per_unit(const lks_arg_max *a)
{
    return a->inner == 1 ? UNIT_ROWS : 1;
}

static int64_t rows(const lks_cpu_call *c)
{
    return (int64_t)c->n * c->args->arg_max.outer;
}

static int64_t units(const lks_cpu_call *c)
{
    const lks_arg_max *a = &c->args->arg_max;

    return (rows(c) + rows_per_unit(a) - 1) / rows_per_unit(a) * parts(a);
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_arg_max *a = &c->args->arg_max;

    if (a->inner == 1)
        return lks_cpu_min(UNIT_ROWS, rows(c)) * (10 + a->extent / 16);
    return 1 + (int64_t)a->extent * (4 + lks_cpu_min(a->inner, UNIT_COLUMNS) / 4);
}

static int8_t bottom(const int8_t *x, int32_t count)
{
    int8_t low = x[0];

    for (int32_t i = 1; i < count; i++)
        low = x[i] < low ? x[i] : low;
    return low;
}

/* The first element that equals the largest. */
static int32_t first_best(const lks_cpu_call *c, const int8_t *x)
{
    const lks_arg_max *a = &c->args->arg_max;
    const int32_t best = a->smallest ? bottom(x, a->extent) : c->isa->top(x, (size_t)a->extent);

    return (int32_t)((const int8_t *)memchr(x, (uint8_t)best, (size_t)a->extent) - x);
}

/* `columns` neighbours at once; a later equal does not count. */
static void best_of_columns(const lks_arg_max *a, const int8_t *x, int32_t *y, int32_t columns)
{
    int8_t best[UNIT_COLUMNS];

    memcpy(best, x, (size_t)columns);
    memset(y, 0, (size_t)columns * sizeof *y);
    for (int32_t k = 1; k < a->extent; k++) {
        x += a->inner;
        for (int32_t i = 0; i < columns; i++) {
            const int better = a->smallest ? x[i] < best[i] : x[i] > best[i];

            y[i] = better ? k : y[i];
            best[i] = better ? x[i] : best[i];
        }
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const lks_arg_max *a = &c->args->arg_max;
    const int64_t row = (int64_t)a->extent * a->inner;
    int32_t *y = (int32_t *)(void *)c->y;       /* activations are LKS_ARENA_ALIGN aligned */

    (void)scratch;
    if (a->inner == 1) {
        for (int64_t i = first * UNIT_ROWS; i < lks_cpu_min(end * UNIT_ROWS, rows(c)); i++)
            y[i] = first_best(c, c->x + i * row);
        return;
    }
    for (int64_t u = first; u < end; u++) {
        const int64_t i = u / parts(a), k = u % parts(a) * UNIT_COLUMNS;

        best_of_columns(a, c->x + i * row + k, y + i * a->inner + k, (int32_t)lks_cpu_min(UNIT_COLUMNS, a->inner - k));
    }
}

const lks_cpu_family lks_cpu_arg_max = { .units = units, .unit_work = unit_work, .run = run };
