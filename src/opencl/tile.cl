/* SPDX-License-Identifier: Apache-2.0
 *
 * One tile of the product of opencl/args.h: 2^TILE_M_LOG rows by 2^TILE_N_LOG columns, 8 x 8 of them in the registers of each
 * work-item. Operands pass through local memory as words, 2^TILE_K_LOG at a time (4 or 8); the next ones are read into registers
 * while the present ones are multiplied.  The small tile takes 4, so that a work-item has one 16-byte load of each operand in
 * flight, and 128 registers are enough (gfx11).  Sizes are options of the build, as is LKS_NAME, which adds size and dot product
 * to the name of a kernel.
 *
 * Columns of a work-item: 4 in each half of the tile, so that neighbours read neighbouring 16 bytes of local memory; rows alike.
 * Local a is [k][row] with 4 words more than rows: without them the two halves of k that one row is loaded in would meet in the
 * same banks.
 */
#define TILE_M (1 << TILE_M_LOG)
#define TILE_N (1 << TILE_N_LOG)
#define TILE_K (1 << TILE_K_LOG)
#define QUADS_LOG (TILE_K_LOG - 2)                      /* 16-byte loads along k */
#define WORDS_PAD 8                                     /* to which the words of a row are filled up */
#define THREADS_LOG (TILE_M_LOG + TILE_N_LOG - 6)
#define THREADS (1 << THREADS_LOG)
#define A_STRIDE (TILE_M + 4)
#define A_LOADS (1 << (TILE_M_LOG + QUADS_LOG - THREADS_LOG))   /* of a work-item */
#define B_LOADS (1 << (TILE_N_LOG + QUADS_LOG - THREADS_LOG))

LKS_FN void lks_tile_load(const lks_linear *l, const lks_row *row, __global const int8_t *x, __global const uint *w, uint k,
                          int plain, uint4 *a, uint4 *b)
{
    uint tid = (uint)get_local_id(0);

    #pragma unroll
    for (int i = 0; i < A_LOADS; i++)
        a[i] = lks_load_words(l, &row[i], x, k + ((tid & ((1 << QUADS_LOG) - 1)) << 2), plain);
    #pragma unroll
    for (int i = 0; i < B_LOADS; i++) {
        uint at = tid + ((uint)i << THREADS_LOG), row_k = at >> (TILE_N_LOG - 2), o = (at & ((TILE_N >> 2) - 1)) << 2;

        b[i] = vload4(0, w + (size_t)(k + row_k) * l->columns_pad + o);
    }
}

LKS_FN void lks_tile_store(__local uint *as, __local uint *bs, const uint4 *a, const uint4 *b)
{
    uint tid = (uint)get_local_id(0);

    #pragma unroll
    for (int i = 0; i < A_LOADS; i++) {
        uint at = tid + ((uint)i << THREADS_LOG), m = at >> QUADS_LOG, k = (at & ((1 << QUADS_LOG) - 1)) << 2;

        as[(k + 0) * A_STRIDE + m] = a[i].x;
        as[(k + 1) * A_STRIDE + m] = a[i].y;
        as[(k + 2) * A_STRIDE + m] = a[i].z;
        as[(k + 3) * A_STRIDE + m] = a[i].w;
    }
    #pragma unroll
    for (int i = 0; i < B_LOADS; i++)
        vstore4(b[i], tid + ((uint)i << THREADS_LOG), bs);
}

/* acc[i][j] += a[.][row i] . b[.][column j] over the words in local memory; sum[i]: of row i alone, where it is needed. */
LKS_FN void lks_tile_multiply(__local const uint *as, __local const uint *bs, uint row, uint column, int sums, uint acc[8][8],
                              uint sum[8])
{
    #pragma unroll 2
    for (int k = 0; k < TILE_K; k++) {
        const uint4 a0 = vload4(0, as + k * A_STRIDE + row), a1 = vload4(0, as + k * A_STRIDE + row + (TILE_M >> 1));
        const uint4 b0 = vload4(0, bs + k * TILE_N + column), b1 = vload4(0, bs + k * TILE_N + column + (TILE_N >> 1));
        const uint a[8] = { a0.x, a0.y, a0.z, a0.w, a1.x, a1.y, a1.z, a1.w };
        const uint b[8] = { b0.x, b0.y, b0.z, b0.w, b1.x, b1.y, b1.z, b1.w };

        #pragma unroll
        for (int i = 0; i < 8; i++) {
            #pragma unroll
            for (int j = 0; j < 8; j++)
                acc[i][j] = lks_dot(a[i], b[j], acc[i][j]);
            if (sums)
                sum[i] = lks_dot(a[i], 0x01010101u, sum[i]);
        }
    }
}

/* Four columns of one row. */
LKS_FN void lks_tile_finish(const lks_linear *l, lks_places p, __global int8_t *arena, __global const int8_t *constants, uint m,
                            uint o, uint zero, const uint *acc)
{
    const uint group = (uint)get_group_id(2), first = group * (uint)l->group_o + o;
    const size_t at = (size_t)m * (size_t)l->out_c + first;
    __global const int8_t *x2 = LKS_OPERAND(x2);
    int8_t y[4];

    #pragma unroll
    for (uint j = 0; j < 4; j++) {
        if (o + j >= (uint)l->group_o)
            continue;
        y[j] = lks_linear_tail(acc[j] + (uint)LKS_BIAS[first + j] - zero, LKS_RQ[first + j], l->tail, &l->fused, x2 + at + j,
                               LKS_TABLE);
        if ((l->out_c & 3) != 0 || (l->group_o & 3) != 0)
            arena[p.y + at + j] = y[j];
    }
    if ((l->out_c & 3) == 0 && (l->group_o & 3) == 0 && o < (uint)l->group_o)
        *(__global char4 *)(arena + p.y + at) = (char4)(y[0], y[1], y[2], y[3]);
}

/* The tile of this work-group: group ids are column tile, row tile, group of channels. */
LKS_FN void lks_product_of_rows(const lks_linear *l, lks_places p, __global int8_t *arena, __global const int8_t *constants,
                                int plain, __local uint *as, __local uint *bs)
{
    const uint tid = (uint)get_local_id(0), rows = p.count, group = (uint)get_group_id(2);
    const uint m0 = (uint)get_group_id(1) << TILE_M_LOG, o0 = (uint)get_group_id(0) << TILE_N_LOG;
    const uint row = (tid >> (TILE_N_LOG - 3)) << 2, column = (tid & ((TILE_N >> 3) - 1)) << 2;
    const uint words_pad = (l->words + WORDS_PAD - 1) & ~(uint)(WORDS_PAD - 1);
    __global const int8_t *x = LKS_OPERAND(x) + group * (uint)l->group_c;
    __global const uint *w = (__global const uint *)(constants + p.w) + (size_t)group * words_pad * l->columns_pad + o0;
    lks_row rows_of[A_LOADS];
    uint acc[8][8], sum[8];
    uint4 a[A_LOADS], b[B_LOADS];

    for (int i = 0; i < 8; i++) {
        sum[i] = 0;
        for (int j = 0; j < 8; j++)
            acc[i][j] = 0;
    }
    for (int i = 0; i < A_LOADS; i++)       /* beyond the last row: that one again, which is not stored */
        rows_of[i] = lks_find_row(l, min(m0 + ((tid + ((uint)i << THREADS_LOG)) >> QUADS_LOG), rows - 1), plain);
    lks_tile_load(l, rows_of, x, w, 0, plain, a, b);
    for (uint k = 0; k < words_pad; k += TILE_K) {
        lks_tile_store(as, bs, a, b);
        barrier(CLK_LOCAL_MEM_FENCE);
        if (k + TILE_K < words_pad)
            lks_tile_load(l, rows_of, x, w, k + TILE_K, plain, a, b);
        lks_tile_multiply(as, bs, row, column, l->w_zero != 0, acc, sum);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    #pragma unroll
    for (uint i = 0; i < 8; i++) {
        uint m = m0 + row + (i & 3) + (i >> 2) * (TILE_M >> 1), zero = (uint)l->w_zero * sum[i];

        if (m >= rows)
            continue;
        lks_tile_finish(l, p, arena, constants, m, o0 + column, zero, acc[i]);
        lks_tile_finish(l, p, arena, constants, m, o0 + column + (TILE_N >> 1), zero, acc[i] + 4);
    }
}

#define LKS_GROUP __attribute__((reqd_work_group_size(THREADS, 1, 1)))
#define LKS_LOCAL __local uint as[TILE_K * A_STRIDE], bs[TILE_K * TILE_N]
#define LKS_PRODUCT(plain) lks_product_of_rows(&l, p, arena, constants, plain, as, bs)
