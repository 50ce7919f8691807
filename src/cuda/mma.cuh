/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile of tile.cuh by tensor cores: the same rows, columns, depth and arguments, the same three parts, of which the third is
 * the very same.  Depth comes in 64 bytes at a time; a stage is [row or column][64 bytes] without gaps.
 *
 * The four 16-byte pieces of row r stand in the order piece ^ (r / 2 mod 4).  Two rows are 128 bytes, all banks: of 8 adjacent
 * rows, the pieces of one number, which ldmatrix reads at once, lie in 8 different groups of 4 banks, and so do the two rows that
 * 8 threads write at once.
 */
#ifndef LKS_CUDA_MMA_CUH
#define LKS_CUDA_MMA_CUH

#include "cuda/tile.cuh"

/*
 * A warp has warp_rows x warp_columns outputs, as products of 16 x 8; a thread of it rows lane / 4, + 8, + 16 ... and of each 32
 * columns 8 adjacent ones (tile.c permutes them).  blocks: that should fit into a multiprocessor at once, by registers.
 */
template <int rows_, int columns_, int warp_rows_, int warp_columns_, int warps_m_, int warps_n_, int stages_, int blocks_>
struct lks_mma_tile {
    static constexpr int rows = rows_, columns = columns_, warp_rows = warp_rows_, warp_columns = warp_columns_;
    static constexpr int stages = stages_, blocks = blocks_;
    static constexpr int warps_n = warps_n_, warps = warps_m_ * warps_n_, threads = 32 * warps;
    static constexpr int thread_rows = warp_rows_ >> 3, groups = warp_columns_ >> 5;
    /* 16-byte pieces that a thread stores of outputs, and loads of a stage: of x one piece number of every load_step-th row */
    static constexpr int log_warps = warps == 8 ? 3 : 2, pieces = (rows_ * columns_) >> (9 + log_warps);
    static constexpr int depth = LKS_MMA_DEPTH, load_step = 8 * warps;
    static constexpr int x_loads = rows_ >> (3 + log_warps), w_loads = columns_ >> (3 + log_warps);
    static constexpr int stage_bytes = (rows_ + columns_) * LKS_MMA_DEPTH;
    static constexpr int out_stride = columns_ + 32;
    static constexpr int shared_bytes = stages_ * stage_bytes > rows_ * out_stride ? stages_ * stage_bytes : rows_ * out_stride;

    static __device__ __forceinline__ void sync(int32_t)
    {
        __syncthreads();
    }
};

/* Shared memory within the 48 KiB that every card gives without being asked. */
typedef lks_mma_tile<128, 128, 64, 64, 2, 2, 3, 2> lks_tile_mma_128x128;
typedef lks_mma_tile<128, 64, 64, 32, 2, 2, 4, 3> lks_tile_mma_128x64;
typedef lks_mma_tile<64, 64, 32, 32, 2, 2, 4, 4> lks_tile_mma_64x64;

/* ---- load ---------------------------------------------------------------------------------------------------------------- */

/* lks_tile_row in 32 bits: fits_mma of tile.c says that they are enough.  Of LKS_LOAD_ROW16 image is where the row begins. */
typedef struct lks_mma_row {
    const int8_t *image;
    int32_t h, first;
} lks_mma_row;

template <lks_tile_load load>
static __device__ __forceinline__ lks_mma_row lks_locate_mma_row(const lks_tile_args &a, uint32_t row, int32_t group)
{
    const lks_tile_row r = lks_locate_row(a, row, group);
    lks_mma_row m = { r.image, r.h, (int32_t)r.first };

    if (load == LKS_LOAD_ROW16)
        m = lks_mma_row{ r.image + (uint32_t)r.h * (uint32_t)a.row_bytes + r.first, 0, 0 };
    lks_hold(m.image);
    lks_hold(m.h);
    lks_hold(m.first);
    return m;
}

/* A byte of depth: how many rows of the image below the window's first, and how many bytes right of it. */
typedef struct lks_mma_depth {
    uint32_t h;
    int32_t at;
} lks_mma_depth;

static __device__ __forceinline__ lks_mma_depth lks_locate_depth(const lks_tile_args &a, int32_t depth)
{
    const uint32_t segment = lks_divide((uint32_t)depth, a.segment), kh = lks_divide(segment, a.segments_w);
    lks_mma_depth d;

    d.h = kh * (uint32_t)a.dilation_h;
    d.at = (int32_t)lks_remainder(segment, kh, a.segments_w) * (int32_t)a.segment_step
        + (int32_t)lks_remainder((uint32_t)depth, segment, a.segment);
    return d;
}

/* Where it is in memory, or NULL: beside the image.  What lies beyond the depth may be read, as its weights are 0. */
static __device__ __forceinline__ const int8_t *lks_find(const lks_tile_args &a, const lks_mma_row &r, const lks_mma_depth &d)
{
    const uint32_t h = (uint32_t)r.h + d.h, at = (uint32_t)(r.first + d.at);

    return h < (uint32_t)a.in_h && at < (uint32_t)a.row_bytes ? r.image + h * (uint32_t)a.row_bytes + at : NULL;
}

/*
 * Four bytes, each of which may be padding.  By the aligned words that hold the first and the last of those that exist (or byte 0
 * of the image, where none does): no branch, so that the loads of many words are on their way at once.
 */
static __device__ __forceinline__ uint32_t lks_fetch4(const lks_tile_args &a, const lks_mma_row &r, const lks_mma_depth &d)
{
    const uint32_t h = (uint32_t)r.h + d.h;
    const int32_t at = r.first + d.at, end = a.row_bytes - 1;
    const int32_t any = h < (uint32_t)a.in_h && at + 3 >= 0 && at <= end;
    const int32_t before = at < 0 ? -at : 0, behind = at + 3 > end ? at + 3 - end : 0;      /* bytes that do not exist */
    const int8_t *line = r.image + (any ? h : 0) * (uint32_t)a.row_bytes;
    const size_t first = (size_t)(line + (any ? at + before : 0)), last = (size_t)(line + (any ? at + 3 - behind : 0));
    const uint64_t low = *(const uint32_t *)(first & ~(size_t)3), high = *(const uint32_t *)(last & ~(size_t)3);
    const uint32_t word = (uint32_t)((high << 32 | low) >> (8 * (((size_t)line + (size_t)(int64_t)at) & 3)));
    const uint32_t exist = any ? (0xffffffffu << (8 * before)) & (0xffffffffu >> (8 * behind)) : 0;

    return (word & exist) | (a.pad_word & ~exist);
}

/* The pieces of x that a thread brings when they cannot be copied asynchronously: between fetching and keeping, products. */
template <typename tile, lks_tile_load load>
struct lks_mma_held {
    uint4 piece[load == LKS_LOAD_GATHER1 ? tile::x_loads : 1];
};

/* The thread's pieces of x, at some depth: copied to `to` and every load_step-th row, or held. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_load_pieces(const lks_tile_args &a, const lks_mma_row *r, int32_t depth,
                                                       unsigned char *to, lks_mma_held<tile, load> &held)
{
    lks_mma_depth d[4];

#pragma unroll
    for (int32_t w = 0; w < 4; w++)
        if (load == LKS_LOAD_GATHER4 || load == LKS_LOAD_GATHER1 || (load == LKS_LOAD_GATHER16 && w == 0))
            d[w] = lks_locate_depth(a, depth + 4 * w);
#pragma unroll
    for (int32_t i = 0; i < tile::x_loads; i++) {
        unsigned char *row = to + i * tile::load_step * tile::depth;

        if (load == LKS_LOAD_ROW16) {
            lks_copy16_async(row, r[i].image + (depth < a.segment_bytes ? depth : 0));
        } else if (load == LKS_LOAD_GATHER16) {
            const int8_t *from = lks_find(a, r[i], d[0]);

            if (from)
                lks_copy16_async(row, from);
            else
                *(uint4 *)row = uint4{ a.pad_word, a.pad_word, a.pad_word, a.pad_word };
        } else if (load == LKS_LOAD_GATHER4) {
#pragma unroll
            for (int32_t w = 0; w < 4; w++) {
                const int8_t *from = lks_find(a, r[i], d[w]);

                if (from)
                    lks_copy4_async(row + 4 * w, from);
                else
                    *(uint32_t *)(row + 4 * w) = a.pad_word;
            }
        } else {
            held.piece[load == LKS_LOAD_GATHER1 ? i : 0] = uint4{ lks_fetch4(a, r[i], d[0]), lks_fetch4(a, r[i], d[1]),
                                                                  lks_fetch4(a, r[i], d[2]), lks_fetch4(a, r[i], d[3]) };
        }
    }
}

template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_keep_pieces(unsigned char *to, const lks_mma_held<tile, load> &held)
{
#pragma unroll
    for (int32_t i = 0; load == LKS_LOAD_GATHER1 && i < tile::x_loads; i++)
        *(uint4 *)(to + i * tile::load_step * LKS_MMA_DEPTH) = held.piece[load == LKS_LOAD_GATHER1 ? i : 0];
}

/* The thread's pieces of the weights: as they are packed. */
template <typename tile>
static __device__ __forceinline__ void lks_load_weights(const uint8_t *w, unsigned char *stage)
{
#pragma unroll
    for (int32_t i = 0; i < tile::w_loads; i++)
        lks_copy16_async(stage + tile::rows * LKS_MMA_DEPTH + (i * tile::threads + (int32_t)threadIdx.x) * 16,
                         w + (i * tile::threads + (int32_t)threadIdx.x) * 16);
}

/* ---- multiply ------------------------------------------------------------------------------------------------------------ */

/* Bytes from the beginning of the rows, or columns, of a stage to a 16-byte piece. */
static __device__ __forceinline__ int32_t lks_piece_at(int32_t row, int32_t piece)
{
    return row * LKS_MMA_DEPTH + ((piece ^ ((row >> 1) & 3)) << 4);
}

/* What a warp multiplies at once: 32 bytes of depth of its rows and columns. */
template <typename tile>
struct lks_mma_operands {
    uint32_t x[tile::warp_rows >> 4][4], w[tile::warp_columns >> 4][4];
};

/*
 * The four matrices of a load are, of x, rows 0 to 7 and 8 to 15 of the first 16 bytes of depth, and of the second 16; of the
 * weights the first and second 16 bytes of columns 0 to 7, and of 8 to 15.
 */
template <typename tile>
static __device__ __forceinline__ void lks_load_operands(lks_mma_operands<tile> &o, const unsigned char *stage, int32_t x_at,
                                                         int32_t w_at)
{
#pragma unroll
    for (int32_t i = 0; i < tile::warp_rows >> 4; i++)
        lks_ldmatrix_x4(o.x[i], stage + x_at + i * 16 * LKS_MMA_DEPTH);
#pragma unroll
    for (int32_t j = 0; j < tile::warp_columns >> 4; j++)
        lks_ldmatrix_x4(o.w[j], stage + tile::rows * LKS_MMA_DEPTH + w_at + j * 16 * LKS_MMA_DEPTH);
}

template <typename tile>
static __device__ __forceinline__ void lks_multiply_operands(uint32_t acc[tile::groups][tile::thread_rows][8],
                                                             const lks_mma_operands<tile> &o)
{
#pragma unroll
    for (int32_t j = 0; j < tile::warp_columns >> 3; j++)
#pragma unroll
        for (int32_t i = 0; i < tile::warp_rows >> 4; i++) {
            uint32_t *low = &acc[j >> 2][2 * i][2 * (j & 3)], *high = &acc[j >> 2][2 * i + 1][2 * (j & 3)];
            uint32_t d[4] = { low[0], low[1], high[0], high[1] };

            lks_mma_16x8x32(d, o.x[i], &o.w[j >> 1][2 * (j & 1)]);
            low[0] = d[0], low[1] = d[1], high[0] = d[2], high[1] = d[3];
        }
}

/*
 * One stage: two products deep, of which the second's operands are on their way while the first is computed.  Its pieces of the
 * four in a row are those of the first ^ 2.
 */
template <typename tile>
static __device__ __forceinline__ void lks_multiply_mma(uint32_t acc[tile::groups][tile::thread_rows][8],
                                                        const unsigned char *stage, int32_t x_at, int32_t w_at)
{
    lks_mma_operands<tile> first, second;

    lks_load_operands<tile>(first, stage, x_at, w_at);
    lks_load_operands<tile>(second, stage, x_at ^ 32, w_at ^ 32);
    lks_multiply_operands<tile>(acc, first);
    lks_multiply_operands<tile>(acc, second);
}

/* ---- a block ------------------------------------------------------------------------------------------------------------- */

/* As lks_accumulate of tile.cuh. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_accumulate_mma(const lks_tile_args &a, const lks_tile_where &t,
                                                          uint32_t acc[tile::groups][tile::thread_rows][8], unsigned char *shared)
{
    const int32_t thread = (int32_t)threadIdx.x, lane = thread & 31, piece = thread & 3;
    const int32_t warp_row = t.thread_row - (lane >> 2), warp_column = t.thread_column - (lane & 3) * 8;
    const int32_t x_at = lks_piece_at(warp_row + (lane & 15), lane >> 4);
    const int32_t w_at = lks_piece_at(warp_column + (lane & 7) + (lane >> 4) * 8, (lane >> 3) & 1);
    const int32_t first = (int32_t)blockIdx.y * a.split_tiles;
    const int32_t end = first + a.split_tiles < a.depth_tiles ? first + a.split_tiles : a.depth_tiles;
    const uint8_t *w = a.weights
        + ((size_t)t.column_tile * (size_t)a.depth_tiles + (size_t)first) * (tile::columns * LKS_MMA_DEPTH);
    unsigned char *x_to = shared + lks_piece_at(thread >> 2, piece);
    lks_mma_row r[tile::x_loads];
    lks_mma_held<tile, load> held = {};
    int32_t next = first, stage = 0, free_stage = tile::stages - 1;

#pragma unroll
    for (int32_t i = 0; i < tile::x_loads; i++)
        r[i] = lks_locate_mma_row<load>(a, t.row + (uint32_t)(thread >> 2) + (uint32_t)(tile::load_step * i), t.group);
#pragma unroll
    for (int32_t i = 0; i < tile::stages - 1; i++, next++) {
        if (next < end) {
            lks_load_pieces<tile, load>(a, r, next * LKS_MMA_DEPTH + 16 * piece, x_to + i * tile::stage_bytes, held);
            lks_keep_pieces<tile, load>(x_to + i * tile::stage_bytes, held);
            lks_load_weights<tile>(w, shared + i * tile::stage_bytes);
            w += tile::columns * LKS_MMA_DEPTH;
        }
        lks_copy_commit();
    }
#pragma unroll 1
    for (int32_t i = first; i < end; i++, next++) {
        lks_copy_wait<tile::stages - 2>();
        __syncthreads();
        if (next < end) {
            lks_load_pieces<tile, load>(a, r, next * LKS_MMA_DEPTH + 16 * piece, x_to + free_stage * tile::stage_bytes, held);
            lks_load_weights<tile>(w, shared + free_stage * tile::stage_bytes);
            w += tile::columns * LKS_MMA_DEPTH;
        }
        lks_copy_commit();
        lks_multiply_mma<tile>(acc, shared + stage * tile::stage_bytes, x_at, w_at);
        if (next < end)
            lks_keep_pieces<tile, load>(x_to + free_stage * tile::stage_bytes, held);
        free_stage = stage;
        stage = stage + 1 < tile::stages ? stage + 1 : 0;
    }
}

/* Grid: as lks_compute_tile. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_compute_mma_tile(const lks_tile_args &a)
{
    LKS_SHARED(shared);
    const lks_tile_where t = lks_locate_tile<tile>(a, blockIdx.x, blockIdx.y, (int32_t)threadIdx.x);
    uint32_t acc[tile::groups][tile::thread_rows][8] = { { { 0 } } };

    lks_accumulate_mma<tile, load>(a, t, acc, shared);
    if (!a.partial) {
        lks_finish_tile<tile>(a, t, acc, shared);
        return;
    }
#pragma unroll
    for (int32_t g = 0; g < tile::groups; g++) {
        lks_tile_where part = t;

        part.thread_column += 32 * g;
        lks_store_partial<tile>(a, part, acc[g]);
    }
}

/* What is held between fetching and keeping takes the registers of a block. */
#define LKS_MMA_KERNEL(name, size, load) \
    extern "C" __global__ void __launch_bounds__(lks_tile_##size::threads, \
                                                 lks_tile_##size::blocks - (load == LKS_LOAD_GATHER1)) \
    name(const lks_tile_args a) \
    { \
        lks_compute_mma_tile<lks_tile_##size, load>(a); \
    }

#endif
