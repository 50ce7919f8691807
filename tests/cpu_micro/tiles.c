/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles of every width and height, for every number of columns.
 */
#include "cpu_micro/micro.h"

#include "spec/arith.h"

#include <string.h>

#define MOST_STEPS 7

/* A tile as plain arithmetic sees it: x[segment][row][depth], w[column][segment][depth]. */
typedef struct tile_case {
    int32_t vectors, rows, columns, segments, steps, depth;     /* depth: of a segment */
    int8_t *x, *w;
    int32_t *row_add;           /* NULL: none */
} tile_case;

static const int8_t *const *pointers_of(micro_run *r, const tile_case *c, size_t stride)
{
    const size_t rows = (size_t)c->rows, depth = (size_t)c->depth;
    const int8_t **x = micro_take(r, (size_t)c->segments * stride * sizeof *x);

    for (size_t i = 0; i < (size_t)c->segments * rows; i++) {
        int16_t *wide = NULL;

        if (r->isa->x_bytes == 1) {
            x[i / rows * stride + i % rows] = c->x + i * depth;
            continue;
        }
        wide = micro_take(r, depth * sizeof *wide);
        for (size_t k = 0; k < depth; k++)
            wide[k] = c->x[i * depth + k];
        x[i / rows * stride + i % rows] = (const int8_t *)wide;
    }
    return x;
}

/* Weights in the order of isa.h; those of columns that there are not are anything. */
static int8_t *pack(micro_run *r, const tile_case *c)
{
    const int32_t lanes = r->isa->lanes, k_step = r->isa->k_step, all = c->vectors * lanes;
    int8_t *packed = micro_take(r, (size_t)c->segments * (size_t)c->depth * (size_t)all);

    micro_fill(r, packed, (size_t)c->segments * (size_t)c->depth * (size_t)all);
    for (int32_t o = 0; o < c->columns; o++)
        for (int32_t k = 0; k < c->segments * c->depth; k++)
            packed[((k / k_step) * all + o) * k_step + k % k_step] = c->w[o * c->segments * c->depth + k];
    return packed;
}

static int64_t sum_of(const tile_case *c, int32_t row, int32_t column)
{
    int64_t sum = c->row_add ? c->row_add[row] : 0;

    for (int32_t s = 0; s < c->segments; s++)
        for (int32_t k = 0; k < c->depth; k++)
            sum += c->x[(s * c->rows + row) * c->depth + k] * c->w[(column * c->segments + s) * c->depth + k];
    return sum;
}

static void fill_case(micro_run *r, tile_case *c)
{
    const size_t columns = (size_t)c->columns, deep = (size_t)c->segments * (size_t)c->depth;

    c->x = micro_input(r, (size_t)c->rows * deep);
    c->w = micro_input(r, columns * deep);
    for (size_t o = 0; o < columns; o++)
        if (micro_chance(r, 4))
            micro_fill(r, c->w + o * deep, deep);
    c->row_add = micro_chance(r, 2) ? micro_take(r, (size_t)c->rows * sizeof *c->row_add) : NULL;
    for (int32_t i = 0; c->row_add && i < c->rows; i++)
        c->row_add[i] = (int32_t)micro_between(r, -100000, 100000);
}

static micro_block scale_case(micro_run *r, const micro_mode *m, const tile_case *c)
{
    int64_t *w_sum = micro_take(r, (size_t)c->columns * sizeof *w_sum);
    micro_block b = { .w_sum = w_sum, .outputs = c->rows, .channels = c->columns, .vectors = c->vectors };

    b.sums = micro_take(r, (size_t)c->rows * (size_t)c->columns * sizeof *b.sums);
    for (int32_t o = 0; o < c->columns; o++) {
        w_sum[o] = 0;
        for (int32_t k = 0; k < c->segments * c->depth; k++)
            w_sum[o] += c->w[o * c->segments * c->depth + k];
        for (int32_t i = 0; i < c->rows; i++)
            b.sums[i * c->columns + o] = sum_of(c, i, o);
    }
    micro_scale_block(r, m, &b);
    return b;
}

/* Outputs, or sums, of which those beyond the columns are the kernel's own affair. */
static void expect(const tile_case *c, const micro_block *b, const lks_cpu_tile *t, int32_t lanes, const micro_output *y,
                   const micro_output *acc)
{
    const int32_t all = c->vectors * lanes;
    int8_t *ys = y->expected;
    int32_t *sums = acc->expected;

    if (b->scaling == LKS_CPU_ANY)
        memcpy(sums, acc->got, acc->bytes);
    for (int32_t i = 0; i < c->rows; i++)
        for (int32_t o = 0; o < c->columns; o++) {
            const int32_t sum = (int32_t)b->sums[i * c->columns + o];

            if (b->scaling == LKS_CPU_ANY)
                sums[i * all + o] = sum;
            else
                ys[(size_t)i * t->y_stride + (size_t)o] = lks_finish(sum, b->rq[o], t->tail);
        }
}

static void run_case(micro_run *r, const micro_mode *m, lks_cpu_tile_function *kernel, tile_case *c)
{
    const size_t stride = (size_t)(c->rows + micro_between(r, 0, 3));
    micro_block b;
    lks_cpu_tile t = { .x_stride = stride, .segments = c->segments, .steps = c->steps, .columns = c->columns };
    micro_output y, acc;

    fill_case(r, c);
    b = scale_case(r, m, c);
    t.x = pointers_of(r, c, stride);
    t.w = pack(r, c);
    t.scale = b.scale;
    t.row_add = c->row_add;
    t.scaling = b.scaling;
    t.tail = micro_tail(r, m->rounding);
    t.y_stride = (size_t)(c->columns + micro_between(r, 0, 5));
    t.ahead = t.w;
    t.ahead_step = (size_t)micro_between(r, 0, 1);
    y = micro_output_of(r, (size_t)(c->rows - 1) * t.y_stride + (size_t)c->columns, 1);
    acc = micro_output_of(r, (size_t)(c->rows * c->vectors * r->isa->lanes), sizeof(int32_t));
    t.y = y.got;
    t.acc = acc.got;
    kernel(&t);
    expect(c, &b, &t, r->isa->lanes, &y, &acc);
    micro_compare(r, &y);
    micro_compare(r, &acc);
}

static void test_tile(micro_run *r, int32_t vectors, const lks_cpu_tile_kernel *kernel)
{
    for (int32_t columns = 1; columns <= vectors * r->isa->lanes; columns++)
        for (int32_t i = 0; i < MICRO_MODES; i++) {
            tile_case c = { .vectors = vectors, .rows = kernel->rows, .columns = columns };

            c.segments = (int32_t)micro_between(r, 1, 3);
            c.steps = (int32_t)micro_between(r, 1, MOST_STEPS);
            c.depth = c.steps * r->isa->k_step;
            micro_case(r, "%d rows x %d of %d columns, %d segments of %d steps, %s", (int)c.rows, (int)columns,
                       (int)(vectors * r->isa->lanes), (int)c.segments, (int)c.steps, micro_modes[i].name);
            run_case(r, &micro_modes[i], kernel->run, &c);
        }
}

void micro_test_tiles(micro_run *r)
{
    for (int32_t vectors = 1; vectors <= r->isa->max_vectors; vectors++) {
        const lks_cpu_tile_kernel *k = r->isa->tiles[vectors - 1];

        for (; k->rows > 1; k++)
            test_tile(r, vectors, k);
        test_tile(r, vectors, k);
        micro_same(r, vectors, 1, k->rows);     /* isa.h: there is one of 1 row */
    }
}
