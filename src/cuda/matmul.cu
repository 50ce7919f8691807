/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected: the tiles of conv, and for few rows a kernel that streams the weights.  spec 4.2
 */
#include "cuda/family.h"
#include "cuda/wgmma.cuh"

#include <string.h>

/* ---- tiles --------------------------------------------------------------------------------------------------------------- */

LKS_TILE_KERNEL(matmul_row16_128x128_kernel, 128x128, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(matmul_row16_128x64_kernel, 128x64, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(matmul_row16_64x64_kernel, 64x64, LKS_LOAD_ROW16, false)
LKS_TILE_KERNEL(matmul_row16_64x32_kernel, 64x32, LKS_LOAD_ROW16, false)

LKS_MMA_KERNEL(matmul_row16_mma_128x128_kernel, mma_128x128, LKS_LOAD_ROW16)
LKS_MMA_KERNEL(matmul_row16_mma_128x64_kernel, mma_128x64, LKS_LOAD_ROW16)
LKS_MMA_KERNEL(matmul_row16_mma_64x64_kernel, mma_64x64, LKS_LOAD_ROW16)

LKS_WGMMA_KERNEL(matmul_row16_wgmma_128x128_kernel, wgmma_128x128, LKS_LOAD_ROW16)
LKS_WGMMA_KERNEL(matmul_row16_wgmma_128x64_kernel, wgmma_128x64, LKS_LOAD_ROW16)

/* Depths that are no multiple of 16, and a zero point of the weights, are rare: one tile. */
LKS_TILE_KERNEL(matmul_gather4_64x64_kernel, 64x64, LKS_LOAD_GATHER4, false)
LKS_TILE_KERNEL(matmul_gather1_64x64_kernel, 64x64, LKS_LOAD_GATHER1, false)
LKS_TILE_KERNEL(matmul_gather16_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER16, true)
LKS_TILE_KERNEL(matmul_gather4_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER4, true)
LKS_TILE_KERNEL(matmul_gather1_w_zero_64x64_kernel, 64x64, LKS_LOAD_GATHER1, true)

extern "C" __global__ void __launch_bounds__(256) matmul_finish_split_kernel(const lks_tile_args a)
{
    lks_finish_splits(a);
}

/* ---- stream -------------------------------------------------------------------------------------------------------------- */

#define STREAM_THREADS 64
#define STREAM_COLUMNS 4                /* of a warp */

/* w [out_c][in_c]; blocks: row groups times column_blocks. */
typedef struct stream_args {
    const int8_t *x, *x2, *table, *w;
    const lks_tile_column *columns;
    int8_t *y;
    int32_t rows, in_c, out_c;
    lks_magic column_blocks;
    lks_tail tail;
    lks_fused fused;
} stream_args;

/*
 * Sum each of count values over the 32 lanes: count is a power of two, and lane l then holds the sum of value l >> (5 - log2
 * count). Each step hands half of the values that are left to the lane across and adds what comes back: count + 5 shuffles, not 5
 * * count.
 */
template <int count>
static __device__ __forceinline__ uint32_t sum_over_lanes(uint32_t value[count], int32_t lane)
{
    int32_t left = count;

#pragma unroll
    for (int32_t step = 16; step > 0; step >>= 1) {
        if (left == 1) {
            value[0] += __shfl_xor_sync(0xffffffffu, value[0], step);
            continue;
        }
        left >>= 1;
#pragma unroll
        for (int32_t i = 0; i < count; i++)
            if (i < left) {
                const uint32_t low = value[i], high = value[i + left < count ? i + left : 0];

                value[i] = (lane & step ? high : low) + __shfl_xor_sync(0xffffffffu, lane & step ? low : high, step);
            }
    }
    return value[0];
}

/* Four columns of up to rows rows: each weight is loaded once, 512 adjacent bytes by a warp, and meets all rows. */
template <int rows>
static __device__ __forceinline__ void accumulate(const stream_args &a, uint32_t row, uint32_t column, int32_t lane,
                                                  uint32_t acc[rows * STREAM_COLUMNS])
{
    const int8_t *x[rows], *w[STREAM_COLUMNS];

#pragma unroll
    for (uint32_t r = 0; r < rows; r++)         /* rows and columns beyond the last read the last; nothing is stored for them */
        x[r] = a.x + (size_t)(row + r < (uint32_t)a.rows ? row + r : (uint32_t)a.rows - 1) * (size_t)a.in_c;
#pragma unroll
    for (uint32_t c = 0; c < STREAM_COLUMNS; c++)
        w[c] = a.w + (size_t)(column + c < (uint32_t)a.out_c ? column + c : (uint32_t)a.out_c - 1) * (size_t)a.in_c;
#pragma unroll 2
    for (int32_t k = lane * 16; k < a.in_c; k += 512) {
        uint4 b[STREAM_COLUMNS];

#pragma unroll
        for (int32_t c = 0; c < STREAM_COLUMNS; c++)
            b[c] = *(const uint4 *)(w[c] + k);
#pragma unroll
        for (int32_t r = 0; r < rows; r++) {
            const uint4 v = *(const uint4 *)(x[r] + k);

#pragma unroll
            for (int32_t c = 0; c < STREAM_COLUMNS; c++) {
                uint32_t *sum = &acc[r * STREAM_COLUMNS + c];

                *sum = lks_dp4a(v.w, b[c].w, lks_dp4a(v.z, b[c].z, lks_dp4a(v.y, b[c].y, lks_dp4a(v.x, b[c].x, *sum))));
            }
        }
    }
}

template <int rows>
static __device__ __forceinline__ void stream(const stream_args &a)
{
    constexpr int32_t values = rows * STREAM_COLUMNS, shift = rows == 8 ? 0 : rows == 4 ? 1 : 3;
    const int32_t lane = (int32_t)threadIdx.x & 31;
    const uint32_t row_group = lks_divide(blockIdx.x, a.column_blocks);
    const uint32_t block = lks_remainder(blockIdx.x, row_group, a.column_blocks);
    const uint32_t column = (block * (STREAM_THREADS >> 5) + (threadIdx.x >> 5)) * STREAM_COLUMNS;
    uint32_t acc[values] = { 0 };

    accumulate<rows>(a, row_group * rows, column, lane, acc);

    const uint32_t sum = sum_over_lanes<values>(acc, lane);
    const uint32_t value = (uint32_t)lane >> shift, r = row_group * rows + (value >> 2), o = column + (value & 3);

    if ((lane & ((1 << shift) - 1)) == 0 && r < (uint32_t)a.rows && o < (uint32_t)a.out_c) {
        const size_t at = (size_t)r * (size_t)a.out_c + o;
        const int8_t y = lks_finish((int32_t)(sum + a.columns[o].base), a.columns[o].rq, a.tail);

        lks_store<1>(&y, a.x2 + at, a.y + at, a.fused, a.table);
    }
}

extern "C" __global__ void __launch_bounds__(STREAM_THREADS) matmul_stream_1_kernel(const stream_args a)
{
    stream<1>(a);
}

extern "C" __global__ void __launch_bounds__(STREAM_THREADS) matmul_stream_4_kernel(const stream_args a)
{
    stream<4>(a);
}

extern "C" __global__ void __launch_bounds__(STREAM_THREADS) matmul_stream_8_kernel(const stream_args a)
{
    stream<8>(a);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { LKS_TILE_NAMES(""), LKS_TILE_NAMES("_split"), "stream", NULL };
enum { STREAM = 2 * LKS_TILE_COUNT };

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *c)
{
    const lks_matmul *k = &s->args.matmul;
    const lks_conv conv = lks_tile_conv(s);
    const int common = (k->in_c & 15) == 0 && k->w_zero == 0;

    if (variant == STREAM)
        return common;
    return lks_tile_of(variant) == LKS_TILE_64X64 || (common && lks_tile_open(&conv, lks_tile_of(variant), c));
}

/* Up to 8 rows the weights are what there is to move. */
static uint32_t choose(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    if (supports(s, STREAM, c) && (int64_t)max_batch * s->args.matmul.rows <= 8)
        return STREAM;
    return lks_tile_choose(s, supports(s, STREAM, c) ? (1u << LKS_TILE_COUNT) - 1 : 1u << LKS_TILE_64X64, max_batch, c);
}

/* The stream kernel's: the table, columns [out_c], w [out_c][in_c]. */
static size_t stream_weights_offset(const lks_matmul *k)
{
    return LKS_TABLE_SIZE + (size_t)k->out_c * sizeof(lks_tile_column);
}

static size_t packed_bytes(const lks_step *s, uint32_t variant)
{
    const lks_matmul *k = &s->args.matmul;

    return variant == STREAM ? stream_weights_offset(k) + (size_t)k->out_c * (size_t)k->in_c
        : lks_tile_packed_bytes(s, lks_tile_of(variant));
}

static void pack_stream(const lks_step *s, uint8_t *packed)
{
    const lks_conv k = lks_tile_conv(s);
    lks_tile_column *columns = (lks_tile_column *)(packed + LKS_TABLE_SIZE);

    lks_pack_table(s, packed);
    for (int32_t o = 0; o < k.out_c; o++)
        columns[o] = lks_tile_column{ lks_column_base(s, &k, o), s->rq[o], 0 };
    memcpy(packed + stream_weights_offset(&s->args.matmul), s->w, (size_t)k.out_c * (size_t)k.in_c);
}

static void pack(const lks_step *s, uint32_t variant, void *packed)
{
    if (variant == STREAM)
        pack_stream(s, (uint8_t *)packed);
    else
        lks_tile_pack(s, lks_tile_of(variant), packed);
}

static cudaError_t launch_stream(const lks_step *s, const lks_cuda_operands *t, cudaStream_t stream)
{
    const lks_matmul *k = &s->args.matmul;
    const uint8_t *packed = (const uint8_t *)t->packed;
    const int32_t rows = t->n * k->rows, at_once = rows == 1 ? 1 : rows <= 4 ? 4 : 8;
    const stream_args a = {
        t->x, k->fused.adds ? t->x2 : t->x, s->table ? (const int8_t *)packed : NULL,
        (const int8_t *)(packed + stream_weights_offset(k)), (const lks_tile_column *)(packed + LKS_TABLE_SIZE), t->y,
        rows, k->in_c, k->out_c, lks_magic_of(lks_ceil_div(k->out_c, STREAM_COLUMNS * (STREAM_THREADS >> 5))), k->tail, k->fused
    };
    const dim3 grid((unsigned)(lks_ceil_div(rows, at_once) * a.column_blocks.divisor));

    switch (at_once) {
    case 1: return LKS_LAUNCH(matmul_stream_1_kernel, grid, dim3(STREAM_THREADS), 0, stream, a);
    case 4: return LKS_LAUNCH(matmul_stream_4_kernel, grid, dim3(STREAM_THREADS), 0, stream, a);
    default: return LKS_LAUNCH(matmul_stream_8_kernel, grid, dim3(STREAM_THREADS), 0, stream, a);
    }
}

#define LAUNCH(load, size) LKS_LAUNCH_TILE(matmul_##load##_##size##_kernel, size, a, stream)

#define LAUNCH_WGMMA(size) LKS_LAUNCH_WGMMA(matmul_row16_##size##_kernel, size, a, c->multiprocessors, stream)

static cudaError_t launch_tile(const lks_tile_args &a, uint32_t tile, lks_tile_load load, const lks_cuda_caps *c,
                               cudaStream_t stream)
{
    if (a.w_zero)
        return load == LKS_LOAD_ROW16 ? LAUNCH(gather16_w_zero, 64x64)
            : load == LKS_LOAD_GATHER4 ? LAUNCH(gather4_w_zero, 64x64) : LAUNCH(gather1_w_zero, 64x64);
    if (load != LKS_LOAD_ROW16)
        return load == LKS_LOAD_GATHER4 ? LAUNCH(gather4, 64x64) : LAUNCH(gather1, 64x64);
    switch (tile) {
    case LKS_TILE_128X128: return LAUNCH(row16, 128x128);
    case LKS_TILE_128X64: return LAUNCH(row16, 128x64);
    case LKS_TILE_64X64: return LAUNCH(row16, 64x64);
    case LKS_TILE_64X32: return LAUNCH(row16, 64x32);
    case LKS_TILE_MMA_128X128: return LAUNCH(row16, mma_128x128);
    case LKS_TILE_MMA_128X64: return LAUNCH(row16, mma_128x64);
    case LKS_TILE_WGMMA_128X128: return LAUNCH_WGMMA(wgmma_128x128);
    case LKS_TILE_WGMMA_128X64: return LAUNCH_WGMMA(wgmma_128x64);
    default: return LAUNCH(row16, mma_64x64);
    }
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *c,
                          cudaStream_t stream)
{
    if (variant == STREAM)
        return launch_stream(s, t, stream);

    const lks_conv k = lks_tile_conv(s);
    const lks_tile_args a = lks_tile_args_of(s, variant, t, c);
    const cudaError_t e = launch_tile(a, lks_tile_of(variant), lks_tile_load_of(&k), c, stream);

    return e != cudaSuccess || !a.partial ? e
        : LKS_LAUNCH_EACH(matmul_finish_split_kernel, (int64_t)a.rows * a.out_c, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_matmul = {
    variants, supports, choose, packed_bytes, pack, lks_tile_workspace_bytes, launch
};
