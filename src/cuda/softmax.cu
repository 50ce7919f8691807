/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax over the last axis: a warp or a block per row.  spec 4.9
 */
#include "cuda/family.h"
#include "cuda/row.cuh"

#include <string.h>

#define BLOCK_THREADS 256
#define TABLE_BYTES (LKS_TABLE_SIZE * 4)

/* x, y [rows][columns]; exp_table: E(-i) at index i. */
typedef struct softmax_args {
    const int8_t *x;
    int8_t *y;
    const int32_t *exp_table;
    uint32_t rows;
    int32_t columns;
} softmax_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* One row by a team of threads (lks_combine). */
template <int threads>
static __device__ __forceinline__ void softmax_row(const softmax_args &a, uint32_t row, int32_t thread, const int32_t *exp_table,
                                                   uint32_t *shared)
{
    const int8_t *x = a.x + (size_t)row * (size_t)a.columns;
    int8_t *y = a.y + (size_t)row * (size_t)a.columns;
    int32_t top = -128;
    uint32_t total = 0;                 /* of the row: at most 4095 * 2^19 */

    for (int32_t c = thread; c < a.columns; c += threads)
        top = max(top, (int32_t)x[c]);
    top = (int32_t)lks_combine<threads>((uint32_t)top, shared, lks_max_of);
    for (int32_t c = thread; c < a.columns; c += threads)
        total += (uint32_t)lks_rshift_away(exp_table[top - x[c]], 12);
    total = lks_combine<threads>(total, shared + (threads >> 5), lks_sum_of);

    const lks_softmax_row scale = lks_softmax_begin((int32_t)total);

    for (int32_t c = thread; c < a.columns; c += threads)
        y[c] = lks_softmax_finish(exp_table[top - x[c]], scale);
}

/* The table of exponentials into shared memory, by BLOCK_THREADS threads. */
static __device__ __forceinline__ int32_t *load_table(const softmax_args &a, unsigned char *shared)
{
    int32_t *table = (int32_t *)shared;

    table[threadIdx.x] = a.exp_table[threadIdx.x];
    __syncthreads();
    return table;
}

extern "C" __global__ void __launch_bounds__(BLOCK_THREADS) softmax_warp_kernel(const softmax_args a)
{
    LKS_SHARED(shared);
    const int32_t *table = load_table(a, shared);
    const uint32_t row = blockIdx.x * (BLOCK_THREADS >> 5) + (threadIdx.x >> 5);

    if (row < a.rows)
        softmax_row<32>(a, row, (int32_t)threadIdx.x & 31, table, NULL);
}

extern "C" __global__ void __launch_bounds__(BLOCK_THREADS) softmax_block_kernel(const softmax_args a)
{
    LKS_SHARED(shared);
    const int32_t *table = load_table(a, shared);

    softmax_row<BLOCK_THREADS>(a, blockIdx.x, (int32_t)threadIdx.x, table, (uint32_t *)(shared + TABLE_BYTES));
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "warp", "block", NULL };
enum { WARP, BLOCK };

/* Few long rows: a warp each would leave the device idle. */
static uint32_t choose(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    const lks_softmax *k = &s->args.softmax;

    return k->columns > 256 && (int64_t)max_batch * k->rows < 8 * (int64_t)c->multiprocessors ? BLOCK : WARP;
}

static size_t packed_bytes(const lks_step *, uint32_t)
{
    return TABLE_BYTES;
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    memcpy(packed, s->exp_table, TABLE_BYTES);
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_softmax *k = &s->args.softmax;
    const softmax_args a = { t->x, t->y, (const int32_t *)t->packed, (uint32_t)(t->n * k->rows), k->columns };
    const unsigned warps = BLOCK_THREADS >> 5;

    if (variant == BLOCK)
        return LKS_LAUNCH(softmax_block_kernel, dim3(a.rows), dim3(BLOCK_THREADS), TABLE_BYTES + 2 * 4 * warps, stream, a);

    const dim3 grid((unsigned)lks_ceil_div(a.rows, warps));

    return LKS_LAUNCH(softmax_warp_kernel, grid, dim3(BLOCK_THREADS), TABLE_BYTES, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_softmax = { variants, NULL, choose, packed_bytes, pack, NULL, launch };
