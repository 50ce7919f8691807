/* SPDX-License-Identifier: Apache-2.0
 *
 * Tiles like those of micro_tile.h, behind which this is included, from SMMLA: the products of 2 rows and 2 columns, 8 deep.
 *
 * An accumulator holds two columns of two rows, row by row: a vector of columns needs two of them, `left` and `right`.
 */
#define MAX_PAIRS (MAX_ROWS / 2)

typedef struct v_block {
    v left, right;
} v_block;

LKS_INLINE v v_smmla(v acc, int8x16_t x, int8x16_t w)
{
#if defined(__clang__) && !defined(__ARM_FEATURE_MATMUL_INT8)   /* as in v_dot4 */
    __asm__("smmla %0.4s, %1.16b, %2.16b" : "+w"(acc) : "w"(x), "w"(w));
    return acc;
#else
    return vmmlaq_s32(acc, x, w);
#endif
}

/* All rows, then two columns after two columns: more accumulators fit than if all columns were held. */
LKS_INLINE void tile_i8mm_step(v_block acc[MAX_PAIRS][MAX_VECTORS], const int8_t *const x[MAX_ROWS], size_t at, const int8_t *w,
                               const int pairs, const int vectors)
{
    int8x16_t two[MAX_PAIRS];

    LKS_UNROLL
    for (int i = 0; i < pairs; i++)
        two[i] = vcombine_s8(vld1_s8(x[2 * i] + at), vld1_s8(x[2 * i + 1] + at));
    LKS_UNROLL
    for (int j = 0; j < vectors; j++) {
        const int8x16_t left = vld1q_s8(w + j * (LANES * K_STEP)), right = vld1q_s8(w + j * (LANES * K_STEP) + 16);

        LKS_UNROLL
        for (int i = 0; i < pairs; i++) {
            acc[i][j].left = v_smmla(acc[i][j].left, two[i], left);
            acc[i][j].right = v_smmla(acc[i][j].right, two[i], right);
        }
    }
}

/* rows and vectors are constants where this is used; the last of an odd number of rows is its own neighbour. */
LKS_INLINE void tile_i8mm(const lks_cpu_tile *t, const int rows, const int vectors)
{
    const int pairs = (rows + 1) / 2;
    const size_t bytes = (size_t)t->steps * K_STEP;
    const int8_t *w = t->w, *x[MAX_ROWS], *ahead = t->ahead;
    const size_t ahead_step = t->ahead_step;
    v_block acc[MAX_PAIRS][MAX_VECTORS];
    v row[MAX_ROWS][MAX_VECTORS];

    LKS_UNROLL
    for (int j = 0; j < vectors; j++) {
        const v base = v_load(t->scale + j * (LKS_CPU_SCALE_VECTORS * LANES) + LKS_CPU_SCALE_BASE * LANES);
        const v_block twice = {
            vcombine_s32(vget_low_s32(base), vget_low_s32(base)), vcombine_s32(vget_high_s32(base), vget_high_s32(base))
        };

        LKS_UNROLL
        for (int i = 0; i < pairs; i++)
            acc[i][j] = twice;
    }
    for (int32_t s = 0; s < t->segments; s++) {
        LKS_UNROLL
        for (int i = 0; i < 2 * pairs; i++)
            x[i] = t->x[(size_t)s * t->x_stride + (size_t)(i < rows ? i : rows - 1)];
        for (size_t at = 0; at < bytes; at += K_STEP, w += vectors * (LANES * K_STEP), ahead += ahead_step) {
            LKS_PREFETCH(ahead);
            tile_i8mm_step(acc, x, at, w, pairs, vectors);
        }
    }
    LKS_UNROLL
    for (int i = 0; i < pairs; i++)
        LKS_UNROLL
        for (int j = 0; j < vectors; j++) {
            LKS_KEEP(acc[i][j].left, REGISTER);
            LKS_KEEP(acc[i][j].right, REGISTER);
        }
    LKS_UNROLL
    for (int i = 0; i < rows; i++)
        LKS_UNROLL
        for (int j = 0; j < vectors; j++) {
            const v left = acc[i / 2][j].left, right = acc[i / 2][j].right;

            row[i][j] = i & 1 ? vcombine_s32(vget_high_s32(left), vget_high_s32(right))
                              : vcombine_s32(vget_low_s32(left), vget_low_s32(right));
        }
    tile_end(t, row, rows, vectors);
}

#define TILE_I8MM(rows, vectors)                                        \
    static void tile_i8mm_##rows##_##vectors(const lks_cpu_tile *t)     \
    {                                                                   \
        tile_i8mm(t, rows, vectors);                                    \
    }
