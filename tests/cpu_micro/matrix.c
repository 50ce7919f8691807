/* SPDX-License-Identifier: Apache-2.0
 *
 * The matrix engine of a set, where it has one: rows of any number, in one run or in lines with gaps, and rows joined.
 */
#include "cpu_micro/micro.h"

#include "spec/arith.h"

#include <string.h>

#define MOST_ROWS 90
#define MOST_DEEP 3             /* steps of the engine's own, of a segment */

/* x[segment]: rows x_step bytes apart; w[column][segment][depth].  Row i of x is an output where i % (line + gap) < line. */
typedef struct matrix_case {
    int32_t vectors, rows, columns, segments, depth, line, gap;
    size_t x_step;
    const int8_t **x;
    int8_t *w;
    int32_t outputs;
    int32_t *row_of;            /* by output */
} matrix_case;

static void fill_case(micro_run *r, matrix_case *c)
{
    const size_t rows = ((size_t)c->rows + 15) / 16 * 16;

    c->x = micro_take(r, (size_t)c->segments * sizeof *c->x);
    for (int32_t s = 0; s < c->segments; s++)
        c->x[s] = micro_input(r, (rows - 1) * c->x_step + (size_t)c->depth);
    c->w = micro_input(r, (size_t)(c->columns * c->segments * c->depth));
    c->row_of = micro_take(r, (size_t)c->rows * sizeof *c->row_of);
    for (int32_t i = 0; i < c->rows; i++)
        if (i % (c->line + c->gap) < c->line)
            c->row_of[c->outputs++] = i;
}

/* The order of isa.h: pairs of vectors, and within each segments, steps, vectors. */
static int8_t *pack(micro_run *r, const matrix_case *c)
{
    const int32_t lanes = r->isa->lanes, k_step = r->isa->k_step, deep = c->segments * c->depth;
    const size_t bytes = (size_t)(c->vectors * lanes * deep);
    int8_t *packed = micro_take(r, bytes);

    micro_fill(r, packed, bytes);
    for (int32_t o = 0; o < c->columns; o++) {
        const int32_t pair = o / (2 * lanes), wide = c->vectors - 2 * pair < 2 ? 1 : 2, in_pair = o % (2 * lanes);

        for (int32_t k = 0; k < deep; k++)
            packed[pair * 2 * lanes * deep + (k / k_step * wide * lanes + in_pair) * k_step + k % k_step] = c->w[o * deep + k];
    }
    return packed;
}

static int64_t sum_of(const matrix_case *c, int32_t row, int32_t column)
{
    int64_t sum = 0;

    for (int32_t s = 0; s < c->segments; s++)
        for (int32_t k = 0; k < c->depth; k++)
            sum += c->x[s][(size_t)row * c->x_step + (size_t)k] * c->w[(column * c->segments + s) * c->depth + k];
    return sum;
}

static micro_block scale_case(micro_run *r, const micro_mode *m, const matrix_case *c, const int32_t *row_add)
{
    int64_t *none = micro_take(r, (size_t)c->columns * sizeof *none);       /* x has no offset here */
    micro_block b = { .w_sum = none, .outputs = c->outputs, .channels = c->columns, .vectors = c->vectors };

    memset(none, 0, (size_t)c->columns * sizeof *none);
    b.sums = micro_take(r, (size_t)c->outputs * (size_t)c->columns * sizeof *b.sums);
    for (int32_t i = 0; i < c->outputs; i++)
        for (int32_t o = 0; o < c->columns; o++)
            b.sums[i * c->columns + o] = sum_of(c, c->row_of[i], o) + (row_add ? row_add[i] : 0);
    micro_scale_block(r, m, &b);
    return b;
}

static void expect(const matrix_case *c, const micro_block *b, const lks_cpu_tile *t, int32_t all, const micro_output *y,
                   const micro_output *acc)
{
    if (b->scaling == LKS_CPU_ANY)
        memcpy(acc->expected, acc->got, acc->bytes);    /* those beyond the columns are the kernel's own affair */
    for (int32_t i = 0; i < c->outputs; i++)
        for (int32_t o = 0; o < c->columns; o++) {
            const int32_t sum = (int32_t)b->sums[i * c->columns + o];

            if (b->scaling == LKS_CPU_ANY)
                ((int32_t *)acc->expected)[i * all + o] = sum;
            else
                ((int8_t *)y->expected)[(size_t)i * t->y_stride + (size_t)o] = lks_finish(sum, b->rq[o], t->tail);
        }
}

static void run_case(micro_run *r, const micro_mode *m, matrix_case *c)
{
    const int32_t all = c->vectors * r->isa->lanes;
    int32_t *row_add = NULL;
    lks_cpu_tile t = { .x_stride = 1, .segments = c->segments, .steps = c->depth / r->isa->k_step, .columns = c->columns,
                       .x_step = c->x_step, .line = c->line, .gap = c->gap };
    micro_output y, acc;
    micro_block b;

    fill_case(r, c);
    if (micro_chance(r, 2))
        row_add = micro_take(r, (size_t)c->outputs * sizeof *row_add);
    for (int32_t i = 0; row_add && i < c->outputs; i++)
        row_add[i] = (int32_t)micro_between(r, -100000, 100000);
    b = scale_case(r, m, c, row_add);
    t.x = c->x;
    t.w = pack(r, c);
    t.scale = b.scale;
    t.row_add = row_add;
    t.scaling = b.scaling;
    t.tail = micro_tail(r, m->rounding);
    t.y_stride = (size_t)(c->columns + micro_between(r, 0, 5));
    y = micro_output_of(r, (size_t)(c->outputs - 1) * t.y_stride + (size_t)c->columns, 1);
    acc = micro_output_of(r, (size_t)(c->outputs * all), sizeof(int32_t));
    t.y = y.got;
    t.acc = acc.got;
    r->isa->matrix->begin();
    r->isa->matrix->run(&t, c->rows);
    r->isa->matrix->end();
    expect(c, &b, &t, all, &y, &acc);
    micro_compare(r, &y);
    micro_compare(r, &acc);
}

void micro_test_matrix(micro_run *r)
{
    const int32_t lanes = r->isa->lanes;

    for (int32_t columns = 1; r->isa->matrix && columns <= r->isa->max_vectors * lanes; columns++) {
        const micro_mode *m = &micro_modes[columns % MICRO_MODES];
        matrix_case c = { .vectors = (columns - 1) / lanes + 1, .columns = columns };

        c.rows = (int32_t)micro_between(r, 1, MOST_ROWS);
        c.segments = (int32_t)micro_between(r, 1, 3);
        c.depth = (int32_t)micro_between(r, 1, MOST_DEEP) * r->isa->matrix->depth;
        c.x_step = (size_t)micro_between(r, 1, c.depth + 64);
        c.line = micro_chance(r, 2) ? c.rows : (int32_t)micro_between(r, 1, 20);
        c.gap = (int32_t)micro_between(r, 0, 6);
        micro_case(r, "%d rows %d apart in lines of %d and gaps of %d x %d columns, %d segments of %d, %s", (int)c.rows,
                   (int)c.x_step, (int)c.line, (int)c.gap, (int)columns, (int)c.segments, (int)c.depth, m->name);
        run_case(r, m, &c);
    }
}

static void join_case(micro_run *r, int32_t segments, int32_t bytes, int32_t rows)
{
    const int32_t depth = r->isa->matrix->depth, run = segments * bytes, step = (run - 1) / depth * depth + depth;
    const size_t stride = (size_t)(rows + micro_between(r, 0, 3)), behind = 32;
    const int8_t **x = micro_take(r, (size_t)segments * stride * sizeof *x);
    const micro_output to = micro_output_of(r, (size_t)rows * (size_t)step + behind, 1);
    int8_t *expected = to.expected;

    memset(expected, 0, (size_t)rows * (size_t)step);
    for (int32_t s = 0; s < segments; s++) {
        const int8_t *from = micro_input(r, (size_t)rows * (size_t)bytes);

        for (int32_t i = 0; i < rows; i++) {
            x[(size_t)s * stride + (size_t)i] = from + i * bytes;
            memcpy(expected + i * step + s * bytes, from + i * bytes, (size_t)bytes);
        }
    }
    r->isa->matrix->join(x, stride, segments, (size_t)bytes, to.got, (size_t)step, rows);
    memcpy(expected + rows * step, (int8_t *)to.got + rows * step, behind);      /* may be written */
    micro_compare(r, &to);
}

void micro_test_join(micro_run *r)
{
    for (int32_t bytes = 1; r->isa->matrix && bytes <= 200; bytes++) {
        const int32_t segments = (int32_t)micro_between(r, 1, 7), rows = (int32_t)micro_between(r, 1, 9);

        micro_case(r, "%d rows of %d segments of %d bytes", (int)rows, (int)segments, (int)bytes);
        join_case(r, segments, bytes, rows);
    }
}
