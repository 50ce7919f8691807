/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of two activations: tiles as in product.c, but the columns of b are packed while it runs.  spec 4.50
 *
 * A unit is one matrix product's block of columns: it packs them into scratch, and all rows of a meet them there.
 */
#include "cpu/product.h"

#include "spec/arith.h"

#include <string.h>

#define CHUNK_ROWS 48

/* One matrix product: where its operands and its output are. */
typedef struct place {
    const int8_t *a, *b;
    int8_t *y;
} place;

typedef struct sizes {
    int64_t matrices;           /* of one image */
    int32_t rows, columns, steps;
    size_t step_bytes;          /* of packed b, of one vector */
    lks_cpu_split split;
} sizes;

static sizes sizes_of(const lks_batch_matmul *k, const lks_cpu_isa *isa)
{
    sizes z = { .matrices = 1, .rows = k->dims[4], .columns = k->dims[5], .steps = (k->depth - 1) / isa->k_step + 1 };

    for (int i = 0; i < LKS_MAX_RANK - 2; i++)
        z.matrices *= k->dims[i];
    z.step_bytes = (size_t)(isa->lanes * isa->k_step);
    z.split = lks_cpu_split_columns(isa, z.columns);
    return z;
}

/* Scratch of one thread: a block of b and its constants, a chunk of rows of a. */
typedef struct work {
    const int8_t **x;
    int32_t *row_add, *acc, *scale;
    int8_t *b, *rows, *narrow;
    lks_rq rq[LKS_CPU_MAX_VECTORS * LKS_CPU_MAX_LANES];
} work;

static work work_in(const sizes *z, const lks_cpu_isa *isa, int8_t *scratch, size_t *bytes)
{
    const size_t depth = (size_t)z->steps * (size_t)isa->k_step, scales = LKS_CPU_SCALE_VECTORS * (size_t)isa->lanes;
    work w = { .x = (const int8_t **)(void *)scratch };
    int8_t *at = scratch + lks_cpu_align(CHUNK_ROWS * sizeof *w.x);

    w.row_add = (int32_t *)(void *)at;
    at += lks_cpu_align(CHUNK_ROWS * sizeof *w.row_add);
    w.acc = (int32_t *)(void *)at;
    at += lks_cpu_align(LKS_CPU_ACC_ELEMENTS * sizeof *w.acc);
    w.scale = (int32_t *)(void *)at;
    at += lks_cpu_align((size_t)isa->max_vectors * scales * sizeof *w.scale);
    w.b = at;
    at += lks_cpu_align((size_t)isa->max_vectors * (size_t)z->steps * z->step_bytes);
    w.rows = at;
    at += lks_cpu_align(CHUNK_ROWS * depth * (size_t)isa->x_bytes + LKS_CPU_SLACK);
    w.narrow = at;
    at += lks_cpu_align(depth + LKS_CPU_SLACK);
    *bytes = (size_t)(at - scratch);
    return w;
}

static size_t scratch_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    static int8_t origin[LKS_ARENA_ALIGN];
    const sizes z = sizes_of(&s->args.batch_matmul, isa);
    size_t bytes;

    work_in(&z, isa, origin, &bytes);
    return bytes;
}

static int64_t units(const lks_cpu_call *c)
{
    const sizes z = sizes_of(&c->args->batch_matmul, c->isa);

    return c->n * z.matrices * z.split.blocks;
}

static int64_t unit_work(const lks_cpu_call *c)
{
    const sizes z = sizes_of(&c->args->batch_matmul, c->isa);
    const int64_t columns = z.columns / z.split.blocks + 1, depth = c->args->batch_matmul.depth;

    return (z.rows * columns / (32 * c->isa->lanes) + columns) * depth + 1;
}

static place place_of(const lks_cpu_call *c, const sizes *z, int64_t matrix)
{
    const lks_batch_matmul *k = &c->args->batch_matmul;
    const int64_t n = matrix / z->matrices;
    int64_t rest = matrix % z->matrices, a = n * k->a_image, b = n * k->b_image;

    for (int i = LKS_MAX_RANK - 3; i >= 0; i--) {
        a += rest % k->dims[i] * k->a_stride[i];
        b += rest % k->dims[i] * k->b_stride[i];
        rest /= k->dims[i];
    }
    return (place){ c->x + a, c->x2 + b, c->y + (size_t)matrix * (size_t)z->rows * (size_t)z->columns };
}

/* ---- columns of b -------------------------------------------------------------------------------------------------------- */

/* Column o of b into its lane; its sum. */
static uint32_t pack_column(const lks_batch_matmul *k, const lks_cpu_isa *isa, const int8_t *b, size_t step_bytes, int8_t *to)
{
    const size_t depth = (size_t)k->depth, k_step = (size_t)isa->k_step, apart = (size_t)k->b_depth;
    uint32_t sum = 0;

    for (size_t i = 0; i < depth; i += k_step, to += step_bytes)
        for (size_t j = 0; j < k_step && i + j < depth; j++) {
            const int32_t v = b[(i + j) * apart];

            to[j] = (int8_t)v;
            sum += (uint32_t)v;
        }
    return sum;
}

static lks_cpu_block pack_block(const lks_cpu_call *c, const sizes *z, work *w, const int8_t *b, int32_t begin, int32_t end)
{
    const lks_batch_matmul *k = &c->args->batch_matmul;
    const uint32_t a_zero = (uint32_t)k->a_zero, fixed = (uint32_t)k->depth * a_zero * (uint32_t)k->b_zero;
    const size_t lanes = (size_t)c->isa->lanes, step_bytes = (size_t)(end - begin) * z->step_bytes;
    lks_cpu_channel channels[LKS_CPU_MAX_VECTORS * LKS_CPU_MAX_LANES];
    lks_cpu_block block = { .w = w->b, .scale = w->scale, .rq = w->rq, .vectors = end - begin };

    block.columns = (int32_t)lks_cpu_min((int64_t)(end - begin) * (int64_t)lanes, z->columns - begin * (int64_t)lanes);
    memset(w->b, 0, (size_t)z->steps * step_bytes);
    for (int32_t o = 0; o < block.columns; o++) {
        const int64_t column = begin * (int64_t)lanes + o;
        const uint32_t sum = pack_column(k, c->isa, b + column * k->b_stride[5], step_bytes,
                                         w->b + (size_t)o * (size_t)c->isa->k_step);

        w->rq[o] = k->rq;
        channels[o] = (lks_cpu_channel){
            .base = fixed - (a_zero + (uint32_t)c->isa->x_offset) * sum,
            .bound = (uint64_t)k->depth * (uint64_t)lks_cpu_reach(k->a_zero) * (uint64_t)lks_cpu_reach(k->b_zero), .rq = k->rq
        };
    }
    block.scaling = lks_cpu_pack_scale(c->isa, channels, block.columns, end - begin, k->tail.rounding, w->scale);
    return block;
}

/* ---- rows of a ----------------------------------------------------------------------------------------------------------- */

static const int8_t *gather_row(const lks_cpu_call *c, const sizes *z, work *w, const int8_t *a, int32_t r)
{
    const lks_batch_matmul *k = &c->args->batch_matmul;
    const size_t depth = (size_t)k->depth, padded = (size_t)z->steps * (size_t)c->isa->k_step;
    int8_t *to = w->rows + (size_t)r * padded * (size_t)c->isa->x_bytes;
    int8_t *narrow = c->isa->x_bytes == 1 ? to : w->narrow;

    if (k->a_depth == 1)
        memcpy(narrow, a, depth);
    else
        for (size_t i = 0; i < depth; i++)
            narrow[i] = a[i * (size_t)k->a_depth];
    memset(narrow + depth, 0, padded - depth);
    if (k->b_zero) {
        const uint32_t sum = (0u - (uint32_t)k->b_zero) * (uint32_t)c->isa->sum(narrow, depth);

        memcpy(&w->row_add[r], &sum, sizeof sum);
    }
    if (c->isa->x_bytes == 2)
        c->isa->widen(narrow, (int16_t *)(void *)to, padded);
    return to;
}

static void run_unit(const lks_cpu_call *c, const sizes *z, work *w, int64_t unit)
{
    const lks_batch_matmul *k = &c->args->batch_matmul;
    const int32_t block = (int32_t)(unit % z->split.blocks), begin = lks_cpu_block_first(&z->split, block);
    const place at = place_of(c, z, unit / z->split.blocks);
    const lks_cpu_block b = pack_block(c, z, w, at.b, begin, lks_cpu_block_first(&z->split, block + 1));

    for (int32_t first = 0; first < z->rows; first += CHUNK_ROWS) {
        const int32_t rows = (int32_t)lks_cpu_min(z->rows - first, CHUNK_ROWS);
        const lks_cpu_tile t = {
            .x = w->x, .segments = 1, .steps = z->steps, .row_add = k->b_zero ? w->row_add : NULL, .tail = k->tail,
            .acc = w->acc, .y_stride = (size_t)z->columns,
            .y = at.y + (size_t)first * (size_t)z->columns + (size_t)(begin * c->isa->lanes)
        };

        for (int32_t r = 0; r < rows; r++)
            w->x[r] = gather_row(c, z, w, at.a + (int64_t)(first + r) * k->a_stride[4], r);
        lks_cpu_block_run(c->isa, &b, t, rows);
    }
}

static void run(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch)
{
    const sizes z = sizes_of(&c->args->batch_matmul, c->isa);
    size_t bytes;
    work w = work_in(&z, c->isa, scratch, &bytes);

    for (int64_t unit = first; unit < end; unit++)
        run_unit(c, &z, &w, unit);
}

const lks_cpu_family lks_cpu_batch_matmul = {
    .scratch_bytes = scratch_bytes, .units = units, .unit_work = unit_work, .run = run
};
