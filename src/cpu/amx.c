/* SPDX-License-Identifier: Apache-2.0
 *
 * AMX: tiles of 16 rows of 64 bytes, of which a product of 16 x 64 by 64 x 16 int8 is one instruction.  Intel since Sapphire
 * Rapids.  Sums are int32 modulo 2^32, exact as in any order.
 *
 * Four sums, 32 rows by 32 columns, share two tiles of x and two of w: each byte that is loaded is used twice, which L1 can just
 * feed.  Rows should begin at multiples of 64 bytes: one that straddles two lines halves the rate, and worse.
 *
 * What does not help, measured: to prefetch weights, as loads are what limits the loop; and to finish the sums of one group of
 * rows between the products of the next, as the times of both add up even so.
 */
#include "cpu/sets.h"

#if defined(__x86_64__)
#include "spec/arith.h"

#include <immintrin.h>
#include <string.h>

#define GROUP LKS_CPU_MATRIX_ROWS
#define DEPTH 64                /* bytes of a tile's row: a step of the loops below */
#define TILE_BYTES 1024

/* gcc's tile instructions do not say that they read and write memory. */
#define MEMORY_IS_READ __asm__ volatile("" ::: "memory")

LKS_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512vbmi,avx2,bmi2,amx-tile,amx-int8")
#include "cpu/vec_avx512.h"
#include "cpu/micro_scale.h"
#include "cpu/micro_tile.h"

/* All eight tiles in full: 0 to 3 are sums, 4 and 5 of x, 6 and 7 of w. */
static void amx_begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } shape = { .palette = 1 };

    for (int i = 0; i < 8; i++) {
        shape.row_bytes[i] = DEPTH;
        shape.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" :: "m"(shape));
}

static void amx_end(void)
{
    _tile_release();
}

/* Sums of products to be finished: t.y, t.row_add and t.acc are those of the next row. */
typedef struct sums {
    lks_cpu_tile t;
    int32_t acc[GROUP * MAX_VECTORS * LANES] __attribute__((aligned(64)));      /* [rows][vectors * LANES] */
    int32_t column;             /* of the next row in its line */
} sums;

LKS_INLINE void finish_rows(sums *s, int32_t row, const int rows, const int vectors)
{
    v acc[MAX_ROWS][MAX_VECTORS];

    LKS_UNROLL
    for (int i = 0; i < rows; i++)
        LKS_UNROLL
        for (int j = 0; j < vectors; j++)
            acc[i][j] = v_load(s->acc + ((row + i) * vectors + j) * LANES);
    tile_end(&s->t, acc, rows, vectors);
    s->t.y += (size_t)rows * s->t.y_stride;
    s->t.row_add = s->t.row_add ? s->t.row_add + rows : NULL;
    s->t.acc += rows * vectors * LANES;
}

/* Rows row, row + 1, ... of at most `left`, four at best: their sums fill half of the registers.  Returns how many. */
LKS_INLINE int32_t finish_next(sums *s, int32_t row, int32_t left, const int vectors)
{
    if (left >= 4) {
        finish_rows(s, row, 4, vectors);
        return 4;
    }
    if (left >= 2) {
        finish_rows(s, row, 2, vectors);
        return 2;
    }
    finish_rows(s, row, 1, vectors);
    return 1;
}

/* Rows between two lines are nobody's. */
LKS_INLINE void finish_group(sums *s, int32_t rows, const int vectors)
{
    for (int32_t row = 0, count; row < rows; row += count) {
        const int32_t line = s->t.line - s->column, end = line > 0 ? line : line + s->t.gap;

        count = end < rows - row ? end : rows - row;
        count = line > 0 ? finish_next(s, row, count, vectors) : count;
        s->column += count;
        s->column = s->column == s->t.line + s->t.gap ? 0 : s->column;
    }
}

/* Sums begin with the base of their columns: one row in memory, loaded as 16. */
LKS_INLINE void load_bases(const int32_t *scale, const int tall, const int wide)
{
    const int32_t *left = scale + LKS_CPU_SCALE_BASE * LANES, *right = left + LKS_CPU_SCALE_VECTORS * LANES;

    _tile_loadd(0, left, 0);
    if (wide)
        _tile_loadd(1, right, 0);
    if (tall)
        _tile_loadd(2, left, 0);
    if (tall && wide)
        _tile_loadd(3, right, 0);
}

LKS_INLINE void multiply_step(const int8_t *x, size_t x_step, const int8_t *w, const int tall, const int wide)
{
    const size_t w_step = (size_t)(wide ? 2 : 1) * LANES * K_STEP;

    _tile_loadd(4, x, x_step);
    _tile_loadd(6, w, w_step);
    _tile_dpbssd(0, 4, 6);
    if (wide) {
        _tile_loadd(7, w + LANES * K_STEP, w_step);
        _tile_dpbssd(1, 4, 7);
    }
    if (tall) {
        _tile_loadd(5, x + 16 * x_step, x_step);
        _tile_dpbssd(2, 5, 6);
    }
    if (tall && wide)
        _tile_dpbssd(3, 5, 7);
}

LKS_INLINE void store_sums(int32_t *acc, const int tall, const int wide, const int vectors)
{
    const size_t step = (size_t)vectors * LANES * sizeof *acc;

    _tile_stored(0, acc, step);
    if (wide)
        _tile_stored(1, acc + LANES, step);
    if (tall)
        _tile_stored(2, acc + 16 * vectors * LANES, step);
    if (tall && wide)
        _tile_stored(3, acc + (16 * vectors + 1) * LANES, step);
    MEMORY_IS_READ;
}

/* Rows r to r + 31, or 15, by vectors j and, if wide, j + 1. */
LKS_INLINE void multiply(const lks_cpu_tile *t, int32_t r, int32_t j, int32_t *acc, const int tall, const int wide,
                         const int vectors)
{
    const size_t bytes = (size_t)t->steps * K_STEP;
    const int8_t *w = t->w + (size_t)j * LANES * (size_t)t->segments * bytes;

    load_bases(t->scale + j * (LKS_CPU_SCALE_VECTORS * LANES), tall, wide);
    for (int32_t s = 0; s < t->segments; s++) {
        const int8_t *x = t->x[(size_t)s * t->x_stride] + (size_t)r * t->x_step;

        for (size_t at = 0; at < bytes; at += DEPTH, w += TILE_BYTES * (wide ? 2 : 1))
            multiply_step(x + at, t->x_step, w, tall, wide);
    }
    store_sums(acc + j * LANES, tall, wide, vectors);
}

/* vectors is a constant where this is used. */
LKS_INLINE void run(const lks_cpu_tile *t, int32_t rows, const int vectors)
{
    sums s = { .t = *t };

    MEMORY_IS_READ;
    for (int32_t r = 0; r < rows; r += GROUP) {
        LKS_UNROLL
        for (int j = 0; j < vectors; j += 2)
            if (rows - r > 16)
                multiply(t, r, j, s.acc, 1, j + 1 < vectors, vectors);
            else
                multiply(t, r, j, s.acc, 0, j + 1 < vectors, vectors);
        finish_group(&s, rows - r < GROUP ? rows - r : GROUP, vectors);
    }
}

#define RUN(vectors)                                                    \
    static void run_##vectors(const lks_cpu_tile *t, int32_t rows)      \
    {                                                                   \
        run(t, rows, vectors);                                          \
    }
RUN(1) RUN(2) RUN(3) RUN(4)

static void amx_run(const lks_cpu_tile *t, int32_t rows)
{
    static void (*const by_vectors[MAX_VECTORS])(const lks_cpu_tile *, int32_t) = { run_1, run_2, run_3, run_4 };

    by_vectors[(t->columns - 1) / LANES](t, rows);
}

/* bytes bytes, and some behind them: up to a multiple of 32. */
LKS_INLINE void copy_run(const int8_t *from, int8_t *to, size_t bytes)
{
    size_t i = 0;

    for (; i + 32 < bytes; i += 64)
        _mm512_storeu_si512(to + i, _mm512_loadu_si512(from + i));
    if (i < bytes)
        _mm256_storeu_si256((__m256i *)(void *)(to + i), _mm256_loadu_si256((const __m256i *)(const void *)(from + i)));
}

static void amx_join(const int8_t *const *x, size_t x_stride, int32_t segments, size_t segment_bytes, int8_t *to, size_t to_step,
                     int32_t rows)
{
    const size_t depth = segment_bytes * (size_t)segments;
    const __mmask64 rest = ((__mmask64)1 << (to_step - depth)) - 1;

    for (int32_t r = 0; r < rows; r++, to += to_step) {
        for (int32_t s = 0; s < segments; s++)
            copy_run(x[(size_t)s * x_stride + (size_t)r], to + (size_t)s * segment_bytes, segment_bytes);
        _mm512_mask_storeu_epi8(to + depth, rest, _mm512_setzero_si512());
    }
}

const lks_cpu_matrix lks_cpu_amx = { .depth = DEPTH, .begin = amx_begin, .run = amx_run, .end = amx_end, .join = amx_join };
LKS_TARGET_END
#endif
