/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax over the last axis.  spec 4.9
 */
#include "cpu/family.h"

#include "spec/arith.h"

#define UNIT_ELEMENTS 1024

static int64_t rows(const lks_cpu_call *c)
{
    return (int64_t)c->n * c->args->softmax.rows;
}

static int64_t rows_per_unit(const lks_softmax *a)
{
    return lks_cpu_max(UNIT_ELEMENTS / a->columns, 1);
}

static int64_t units(const lks_cpu_call *c)
{
    const int64_t many = rows_per_unit(&c->args->softmax);

    return (rows(c) + many - 1) / many;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const lks_softmax *a = &c->args->softmax;

    return 1 + lks_cpu_min(rows_per_unit(a), rows(c)) * (100 + lks_cpu_min(2 * a->columns, 512 + a->columns / 2));
}

/* Packed: what each exponential adds to the total of its row. */
static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    (void)s;
    (void)isa;
    return LKS_TABLE_SIZE * sizeof(int32_t);
}

static void pack(const lks_step *s, const lks_cpu_isa *isa, void *packed)
{
    int32_t *added = packed;

    (void)isa;
    for (int i = 0; i < LKS_TABLE_SIZE; i++)
        added[i] = lks_rshift_away(s->exp_table[i], 12);
}

/* With more columns than there are values, each value is worked out once. */
static void by_table(const lks_cpu_call *c, const int8_t *x, int8_t *y, int32_t columns, int32_t top, lks_softmax_row row)
{
    int8_t table[LKS_TABLE_SIZE] = { 0 };

    for (int32_t v = -128; v <= top; v++)
        table[v + 128] = lks_softmax_finish(c->step->exp_table[top - v], row);
    c->isa->lut(table, x, y, (size_t)columns);
}

static void run_row(const lks_cpu_call *c, const int8_t *x, int8_t *y, int32_t columns)
{
    const int32_t top = c->isa->top(x, (size_t)columns), *exp_table = c->step->exp_table, *added = c->packed;
    int32_t total = 0;                      /* at most 4095 * 2^19 */
    lks_softmax_row row;

    for (int32_t i = 0; i < columns; i++)
        total += added[top - x[i]];
    row = lks_softmax_begin(total);
    if (columns > LKS_TABLE_SIZE) {
        by_table(c, x, y, columns, top, row);
        return;
    }
    for (int32_t i = 0; i < columns; i++)
        y[i] = lks_softmax_finish(exp_table[top - x[i]], row);
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const lks_softmax *a = &c->args->softmax;
    const int64_t many = rows_per_unit(a), last = lks_cpu_min(end * many, rows(c));

    (void)scratch;
    for (int64_t row = first * many; row < last; row++)
        run_row(c, c->x + row * a->columns, c->y + row * a->columns, a->columns);
}

const lks_cpu_family lks_cpu_softmax = {
    .packed_bytes = packed_bytes, .pack = pack, .units = units, .unit_work = unit_work, .run = run
};
