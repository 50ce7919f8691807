/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile that conv and matmul share: a block computes rows x columns outputs, the depth coming in through shared memory 32
 * bytes at a time.  In three parts, so that tensor cores can take the place of the second one:
 *
 *     load      rows of x (gathered) and columns of weights (packed) into a stage: [row or column][32 bytes], 48 bytes apart
 *     multiply  a stage into 32-bit accumulators, modulo 2^32
 *     finish    accumulators into y: bias, requantization, what is fused behind it; or into a partial sum of split-K
 *
 * 48 bytes apart, since 16-byte loads of 8 adjacent rows then start in 8 different groups of 4 banks (3 r mod 8): without
 * conflicts for the threads here and for ldmatrix alike.
 */
#ifndef LKS_CUDA_TILE_CUH
#define LKS_CUDA_TILE_CUH

#include "cuda/element.cuh"
#include "cuda/tile.h"

#define LKS_STAGE_STRIDE 48

/* A warp is 8 lanes high and 4 lanes wide; a thread has thread_rows rows, 8 apart, and 8 adjacent columns. */
template <int rows_, int columns_, int thread_rows_, int stages_>
struct lks_tile {
    static constexpr int rows = rows_, columns = columns_, thread_rows = thread_rows_, stages = stages_;
    static constexpr int warp_rows = 8 * thread_rows_, warp_columns = 32, groups = 1, warps_n = columns_ >> 5;
    static constexpr int threads = 2 * rows_, pieces = columns_ >> 5;  /* 16-byte pieces of outputs per thread */
    static constexpr int stage_bytes = (rows_ + columns_) * LKS_STAGE_STRIDE;
    /* 32 more than a row: 8-byte stores of 16 lanes, 4 rows of 32 bytes, then meet all banks */
    static constexpr int out_stride = columns_ + 32;
    static constexpr int shared_bytes = stages_ * stage_bytes > rows_ * out_stride ? stages_ * stage_bytes : rows_ * out_stride;

    /* A barrier of the threads that have a tile, each of which gives its number among them. */
    static __device__ __forceinline__ void sync(int32_t)
    {
        __syncthreads();
    }
};

typedef lks_tile<128, 128, 8, 2> lks_tile_128x128;
typedef lks_tile<128, 64, 4, 3> lks_tile_128x64;
typedef lks_tile<64, 64, 4, 4> lks_tile_64x64;
typedef lks_tile<64, 32, 2, 4> lks_tile_64x32;

/* ---- load ---------------------------------------------------------------------------------------------------------------- */

/* Where the window of one row lies: its image, its first row there, and its first byte in a row of the image (may be outside). */
typedef struct lks_tile_row {
    const int8_t *image;
    int64_t first;
    int32_t h;
} lks_tile_row;

/* Rows beyond the last one read the last one; their results go nowhere. */
static __device__ __forceinline__ lks_tile_row lks_locate_row(const lks_tile_args &a, uint32_t row, int32_t group)
{
    uint32_t m = row < (uint32_t)a.rows ? row : (uint32_t)a.rows - 1;
    uint32_t line = lks_divide(m, a.out_w), image = lks_divide(line, a.out_h);
    int32_t q = (int32_t)lks_remainder(m, line, a.out_w), p = (int32_t)lks_remainder(line, image, a.out_h);
    lks_tile_row r;

    r.image = a.x + (size_t)image * (size_t)a.image_bytes;
    r.h = p * a.stride_h - a.pad_top;
    r.first = (int64_t)(q * a.stride_w - a.pad_left) * a.in_c + group * a.group_c;
    return r;
}

/* Byte `inside` of a segment of a window: where it stands in its row of the image, and that row. */
typedef struct lks_tile_place {
    const int8_t *row;          /* NULL: beyond the image, or beyond the depth */
    int64_t at;
    int32_t inside, beyond_depth;
} lks_tile_place;

static __device__ __forceinline__ lks_tile_place lks_locate(const lks_tile_args &a, const lks_tile_row &r, int32_t depth)
{
    uint32_t segment = lks_divide((uint32_t)depth, a.segment), kh = lks_divide(segment, a.segments_w);
    int32_t h = (int32_t)((uint32_t)r.h + kh * (uint32_t)a.dilation_h);         /* beyond the depth it may wrap */
    lks_tile_place p;

    p.inside = (int32_t)lks_remainder((uint32_t)depth, segment, a.segment);
    p.at = r.first + (int64_t)lks_remainder(segment, kh, a.segments_w) * a.segment_step + p.inside;
    p.beyond_depth = segment >= (uint32_t)a.segments;
    p.row = !p.beyond_depth && (uint32_t)h < (uint32_t)a.in_h ? r.image + (uint32_t)h * (uint32_t)a.row_bytes : NULL;
    return p;
}

static __device__ __forceinline__ int lks_in_row(const lks_tile_args &a, const lks_tile_place &p, int32_t offset)
{
    return p.row && (uint64_t)(p.at + offset) < (uint64_t)(int64_t)a.row_bytes;
}

/* Four bytes, each of which may be padding, or past the end of a segment (its weight is 0, and so is it, for sums of x). */
static __device__ __forceinline__ uint32_t lks_gather4(const lks_tile_args &a, const lks_tile_place &p)
{
    uint32_t word = 0;

#pragma unroll
    for (int32_t i = 0; i < 4; i++) {
        uint32_t v = lks_in_row(a, p, i) ? (uint8_t)p.row[p.at + i] : a.pad_word & 255;

        if (!p.beyond_depth && p.inside + i < a.segment_bytes)
            word |= v << (8 * i);
    }
    return word;
}

/* 16 bytes of one row at some depth into shared memory. */
template <lks_tile_load load>
static __device__ __forceinline__ void lks_load_row(const lks_tile_args &a, const lks_tile_row &r, int32_t depth,
                                                    unsigned char *to)
{
    if (load == LKS_LOAD_ROW16) {
        if (depth < a.segment_bytes)
            lks_copy16_async(to, r.image + (uint32_t)r.h * (uint32_t)a.row_bytes + r.first + depth);
        else
            *(uint4 *)to = uint4{ 0, 0, 0, 0 };
    } else if (load == LKS_LOAD_GATHER16) {
        lks_tile_place p = lks_locate(a, r, depth);
        uint32_t fill = p.beyond_depth ? 0 : a.pad_word;

        if (lks_in_row(a, p, 0))
            lks_copy16_async(to, p.row + p.at);
        else
            *(uint4 *)to = uint4{ fill, fill, fill, fill };
    } else {
#pragma unroll
        for (int32_t i = 0; i < 4; i++) {
            lks_tile_place p = lks_locate(a, r, depth + 4 * i);

            if (load == LKS_LOAD_GATHER1)
                ((uint32_t *)to)[i] = lks_gather4(a, p);
            else if (lks_in_row(a, p, 0))
                lks_copy4_async(to + 4 * i, p.row + p.at);
            else
                ((uint32_t *)to)[i] = p.beyond_depth ? 0 : a.pad_word;
        }
    }
}

/* One depth tile into a stage: two threads per row of x, and the weights as they are packed. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_load_stage(const lks_tile_args &a, const lks_tile_row &r, const uint8_t *weights,
                                                      int32_t depth_tile, unsigned char *stage)
{
    const int32_t thread = (int32_t)threadIdx.x, half = thread & 1;
    const uint8_t *w = weights + (size_t)depth_tile * (tile::columns * LKS_TILE_DEPTH);

    lks_load_row<load>(a, r, depth_tile * LKS_TILE_DEPTH + half * 16, stage + (thread >> 1) * LKS_STAGE_STRIDE + half * 16);
#pragma unroll
    for (int32_t i = 0; i < 2 * tile::columns; i += tile::threads)
        if (2 * tile::columns >= tile::threads || thread < 2 * tile::columns)
            lks_copy16_async(stage + (tile::rows + ((i + thread) >> 1)) * LKS_STAGE_STRIDE + half * 16, w + (i + thread) * 16);
}

/* ---- multiply ------------------------------------------------------------------------------------------------------------ */

/* Adjacent words of a row in shared memory, by one load. */
template <int words>
struct lks_words {
    uint32_t word[words];
};

template <int words>
static __device__ __forceinline__ lks_words<words> lks_load_words(const unsigned char *from)
{
    lks_words<words> w;

    if (words == 4) {
        const uint4 v = *(const uint4 *)from;

        w.word[0] = v.x, w.word[1] = v.y, w.word[words - 2] = v.z, w.word[words - 1] = v.w;
    } else {
        const uint2 v = *(const uint2 *)from;

        w.word[0] = v.x, w.word[1] = v.y;
    }
    return w;
}

/*
 * One stage.  A thread loads some words of all its rows into registers, and then of its columns one by one: per 16 bytes of depth
 * thread_rows + 8 loads of 16 bytes for 32 thread_rows dp4a.  At 8 rows those are 16 for 256: the loads of a warp take 16 * 4
 * clocks of shared memory, its dp4a 256 * 2 of one of four schedulers, so that shared memory is half idle.  With 8 rows the loads
 * are of 8 bytes, twice as many and as free of conflicts (12 r mod 32), since registers for 16 would be spilled.  The dp4a
 * between two on the same accumulator, one for each other row, hide its latency.
 */
template <typename tile, bool w_zero>
static __device__ __forceinline__ void lks_multiply(uint32_t acc[tile::thread_rows][8], uint32_t x_sum[tile::thread_rows],
                                                    const unsigned char *x, const unsigned char *w)
{
    constexpr int words = tile::thread_rows == 8 ? 2 : 4;

#pragma unroll 1                        /* unrolled, loads move up until registers spill */
    for (int32_t depth = 0; depth < LKS_TILE_DEPTH; depth += 4 * words) {
        lks_words<words> a[tile::thread_rows];

#pragma unroll
        for (int32_t i = 0; i < tile::thread_rows; i++) {
            a[i] = lks_load_words<words>(x + i * 8 * LKS_STAGE_STRIDE + depth);
#pragma unroll
            for (int32_t k = 0; w_zero && k < words; k++)
                x_sum[i] = lks_dp4a(a[i].word[k], 0x01010101u, x_sum[i]);
        }
#pragma unroll
        for (int32_t j = 0; j < 8; j++) {
            const lks_words<words> b = lks_load_words<words>(w + j * 4 * LKS_STAGE_STRIDE + depth);

#pragma unroll
            for (int32_t k = 0; k < words; k++)
#pragma unroll
                for (int32_t i = 0; i < tile::thread_rows; i++)
                    acc[i][j] = lks_dp4a(a[i].word[k], b.word[k], acc[i][j]);
        }
    }
}

/* ---- finish -------------------------------------------------------------------------------------------------------------- */

/* Which outputs a block has, and which of them a thread. */
typedef struct lks_tile_where {
    uint32_t row, column_tile;  /* first row; column tile over all groups */
    int32_t group, column;      /* first column within the group */
    int32_t split;
    int32_t thread;             /* of those that have the tile: all of a block, or of wgmma a warpgroup */
    int32_t thread_row, thread_column;
} lks_tile_where;

template <typename tile>
static __device__ __forceinline__ lks_tile_where lks_locate_tile(const lks_tile_args &a, uint32_t index, uint32_t split,
                                                                 int32_t thread)
{
    const int32_t warp = thread >> 5, lane = thread & 31;
    const uint32_t row_tile = lks_divide(index, a.column_tiles);
    const int32_t warp_n = warp & (tile::warps_n - 1), warp_m = tile::warps_n == 4 ? warp >> 2 : warp >> (tile::warps_n - 1);
    lks_tile_where t;

    t.column_tile = lks_remainder(index, row_tile, a.column_tiles);
    t.row = row_tile * tile::rows;
    t.split = (int32_t)split;
    t.thread = thread;
    t.group = (int32_t)lks_divide(t.column_tile, a.group_tiles);
    t.column = (int32_t)lks_remainder(t.column_tile, (uint32_t)t.group, a.group_tiles) * tile::columns;
    t.thread_row = warp_m * tile::warp_rows + (lane >> 2);
    t.thread_column = warp_n * tile::warp_columns + (lane & 3) * 8;
    return t;
}

/*
 * Requantize the thread's accumulators into bytes at out, a tile in shared memory.  rounding is a constant, so half of
 * lks_requant goes.
 */
template <typename tile, int rounding>
static __device__ __forceinline__ void lks_requant_tile(const lks_tile_args &a, const uint32_t acc[tile::thread_rows][8],
                                                        const lks_tile_column *columns, unsigned char *out)
{
    lks_tail tail = a.tail;
    uint32_t y[tile::thread_rows][2] = { { 0 } };

    tail.rounding = rounding;
#pragma unroll
    for (int32_t j = 0; j < 8; j++) {
        const uint4 packed = *(const uint4 *)&columns[j];
        const lks_rq rq = { (int32_t)packed.y, (int32_t)packed.z };

#pragma unroll
        for (int32_t i = 0; i < tile::thread_rows; i++)
            y[i][j >> 2] |= (uint32_t)(uint8_t)lks_finish((int32_t)(acc[i][j] + packed.x), rq, tail) << (8 * (j & 3));
    }
#pragma unroll
    for (int32_t i = 0; i < tile::thread_rows; i++)
        *(uint2 *)(out + i * 8 * tile::out_stride) = uint2{ y[i][0], y[i][1] };
}

/* One place of the tile in shared memory to y: bytes at a time along a row. */
typedef struct lks_tile_piece {
    int32_t from;               /* in shared memory */
    int32_t inside;             /* is there such an output */
    size_t at;                  /* in y */
} lks_tile_piece;

template <typename tile, int bytes>
static __device__ __forceinline__ lks_tile_piece lks_locate_piece(const lks_tile_args &a, const lks_tile_where &t, int32_t i)
{
    constexpr int32_t shift = (tile::columns == 128 ? 7 : tile::columns == 64 ? 6 : 5) - (bytes == 16 ? 4 : bytes == 4 ? 2 : 0);
    const int32_t row = i >> shift, column = (i & ((1 << shift) - 1)) * bytes;
    lks_tile_piece p;

    p.from = row * tile::out_stride + column;
    p.inside = t.row + (uint32_t)row < (uint32_t)a.rows && t.column + column < a.group_out_c;
    p.at = (size_t)(t.row + (uint32_t)row) * (size_t)a.out_c + (size_t)(t.group * a.group_out_c + t.column + column);
    return p;
}

/* 16 bytes at a time: what is added is on its way for several pieces at once. */
template <typename tile>
static __device__ __forceinline__ void lks_store_pieces(const lks_tile_args &a, const lks_tile_where &t, const unsigned char *out)
{
    constexpr int32_t at_once = tile::pieces < 4 ? tile::pieces : 4;
    const int32_t thread = t.thread, follows = a.fused.adds || a.table;

#pragma unroll 1
    for (int32_t i = 0; i < tile::pieces; i += at_once) {
        uint4 x2[at_once];

#pragma unroll
        for (int32_t k = 0; k < at_once; k++) {
            const lks_tile_piece p = lks_locate_piece<tile, 16>(a, t, (i + k) * tile::threads + thread);

            x2[k] = a.fused.adds && p.inside ? *(const uint4 *)(a.x2 + p.at) : uint4{ 0, 0, 0, 0 };
        }
#pragma unroll 1
        for (int32_t k = 0; k < at_once; k++) {
            const lks_tile_piece p = lks_locate_piece<tile, 16>(a, t, (i + k) * tile::threads + thread);
            uint4 v = *(const uint4 *)(out + p.from);

            if (follows)
                v = lks_follow16(v, x2[0], a.fused, a.table);
            if (p.inside)
                *(uint4 *)(a.y + p.at) = v;
#pragma unroll
            for (int32_t next = 0; next + 1 < at_once; next++)      /* registers have no index */
                x2[next] = x2[next + 1];
        }
    }
}

/* The tile in shared memory to y, bytes at a time along a row. */
template <typename tile, int bytes>
static __device__ __forceinline__ void lks_store_tile(const lks_tile_args &a, const lks_tile_where &t, const unsigned char *out)
{
#pragma unroll 1
    for (int32_t i = t.thread; i < (tile::rows * tile::columns) >> (bytes == 4 ? 2 : 0); i += tile::threads) {
        const lks_tile_piece p = lks_locate_piece<tile, bytes>(a, t, i);

        if (p.inside)
            lks_store<bytes>(out + p.from, a.x2 + p.at, a.y + p.at, a.fused, a.table);
    }
}

/* The accumulators of one part of the depth, for finish_split_kernel. */
template <typename tile>
static __device__ __forceinline__ void lks_store_partial(const lks_tile_args &a, const lks_tile_where &t,
                                                         const uint32_t acc[tile::thread_rows][8])
{
    const int32_t column = t.column + t.thread_column, o = t.group * a.group_out_c + column;

#pragma unroll
    for (int32_t i = 0; i < tile::thread_rows; i++) {
        const uint32_t row = t.row + (uint32_t)(t.thread_row + 8 * i);
        int32_t *to = a.partial + ((size_t)t.split * (size_t)a.rows + row) * (size_t)a.out_c + o;

        if (row >= (uint32_t)a.rows)
            continue;
#pragma unroll
        for (int32_t j = 0; j < 8; j += 4)
            if (a.vector >= 4) {
                if (column + j < a.group_out_c)
                    *(uint4 *)(to + j) = uint4{ acc[i][j], acc[i][j + 1], acc[i][j + 2], acc[i][j + 3] };
            } else {
#pragma unroll
                for (int32_t k = j; k < j + 4; k++)
                    if (column + k < a.group_out_c)
                        to[k] = (int32_t)acc[i][k];
            }
    }
}

/* acc: of each group of 32 columns of the warp. */
template <typename tile>
static __device__ __forceinline__ void lks_finish_tile(const lks_tile_args &a, const lks_tile_where &t,
                                                       const uint32_t acc[tile::groups][tile::thread_rows][8],
                                                       unsigned char *shared)
{
    const lks_tile_column *columns = a.columns + (size_t)t.column_tile * tile::columns + t.thread_column;
    unsigned char *out = shared + t.thread_row * tile::out_stride + t.thread_column;

    tile::sync(t.thread);               /* the last stage has been read */
#pragma unroll
    for (int32_t g = 0; g < tile::groups; g++)
        if (a.tail.rounding == LKS_HALF_UP)
            lks_requant_tile<tile, LKS_HALF_UP>(a, acc[g], columns + 32 * g, out + 32 * g);
        else
            lks_requant_tile<tile, LKS_TFLITE>(a, acc[g], columns + 32 * g, out + 32 * g);
    tile::sync(t.thread);
    if (a.vector == 16)
        lks_store_pieces<tile>(a, t, shared);
    else if (a.vector == 4)
        lks_store_tile<tile, 4>(a, t, shared);
    else
        lks_store_tile<tile, 1>(a, t, shared);
}

/* ---- a block ------------------------------------------------------------------------------------------------------------- */

/*
 * Depth tiles first to end through a ring of stages.  One barrier per tile: behind it the tile's copies are visible to all, and
 * the stage that was multiplied before it is free to be loaded again.
 */
template <typename tile, lks_tile_load load, bool w_zero>
static __device__ __forceinline__ void lks_accumulate(const lks_tile_args &a, const lks_tile_where &t,
                                                      uint32_t acc[tile::thread_rows][8], uint32_t x_sum[tile::thread_rows],
                                                      unsigned char *shared)
{
    const lks_tile_row r = lks_locate_row(a, t.row + (threadIdx.x >> 1), t.group);
    const uint8_t *weights = a.weights + (size_t)t.column_tile * (size_t)a.depth_tiles * (tile::columns * LKS_TILE_DEPTH);
    const unsigned char *x = shared + t.thread_row * LKS_STAGE_STRIDE;
    const unsigned char *w = shared + (tile::rows + (t.thread_column & ~31) + ((t.thread_column >> 3) & 3)) * LKS_STAGE_STRIDE;
    const int32_t first = (int32_t)blockIdx.y * a.split_tiles;
    const int32_t end = first + a.split_tiles < a.depth_tiles ? first + a.split_tiles : a.depth_tiles;
    int32_t next = first, stage = 0, free_stage = tile::stages - 1;

#pragma unroll
    for (int32_t i = 0; i < tile::stages - 1; i++, next++) {
        if (next < end)
            lks_load_stage<tile, load>(a, r, weights, next, shared + i * tile::stage_bytes);
        lks_copy_commit();
    }
#pragma unroll 1
    for (int32_t i = first; i < end; i++, next++) {
        lks_copy_wait<tile::stages - 2>();
        __syncthreads();
        if (next < end)
            lks_load_stage<tile, load>(a, r, weights, next, shared + free_stage * tile::stage_bytes);
        lks_copy_commit();
        lks_multiply<tile, w_zero>(acc, x_sum, x + stage * tile::stage_bytes, w + stage * tile::stage_bytes);
        free_stage = stage;
        stage = stage + 1 < tile::stages ? stage + 1 : 0;
    }
}

/* Grid: x one block per tile, column tiles first, so that blocks that run together share their rows of x in L2; y the splits. */
template <typename tile, lks_tile_load load, bool w_zero>
static __device__ __forceinline__ void lks_compute_tile(const lks_tile_args &a)
{
    LKS_SHARED(shared);
    const lks_tile_where t = lks_locate_tile<tile>(a, blockIdx.x, blockIdx.y, (int32_t)threadIdx.x);
    uint32_t acc[1][tile::thread_rows][8] = { { { 0 } } }, x_sum[tile::thread_rows] = { 0 };

    lks_accumulate<tile, load, w_zero>(a, t, acc[0], x_sum, shared);
    if (w_zero)
#pragma unroll
        for (int32_t i = 0; i < tile::thread_rows; i++)
#pragma unroll
            for (int32_t j = 0; j < 8; j++)
                acc[0][i][j] -= (uint32_t)a.w_zero * x_sum[i];
    if (a.partial)
        lks_store_partial<tile>(a, t, acc[0]);
    else
        lks_finish_tile<tile>(a, t, acc, shared);
}

/* ---- the second pass of split-K ------------------------------------------------------------------------------------------ */

/* The parts of one output, in order of the splits, and its tail. */
static __device__ __forceinline__ int32_t lks_finish_split(const lks_tile_args &a, uint32_t element)
{
    const size_t elements = (size_t)a.rows * (size_t)a.out_c;
    const uint32_t o = lks_remainder(element, lks_divide(element, a.out), a.out), group = lks_divide(o, a.group);
    const uint32_t column = group * (uint32_t)(a.group_tiles.divisor * a.tile_columns) + lks_remainder(o, group, a.group);
    const lks_tile_column c = a.columns[column];
    uint32_t acc = c.base;

#pragma unroll 8                        /* loads on their way at once */
    for (int32_t i = 0; i < a.splits; i++)
        acc += (uint32_t)a.partial[(size_t)i * elements + element];
    return lks_finish((int32_t)acc, c.rq, a.tail);
}

/* One output per thread. */
static __device__ __forceinline__ void lks_finish_splits(const lks_tile_args &a)
{
    const uint32_t element = lks_thread_index();

    if (element < (uint32_t)(a.rows * a.out_c)) {
        int8_t y = (int8_t)lks_finish_split(a, element);

        lks_store<1>(&y, a.x2 + element, a.y + element, a.fused, a.table);
    }
}

/* ---- kernels and launches ------------------------------------------------------------------------------------------------ */

/* At least 256 threads of registers fit into a multiprocessor twice: 128 registers per thread. */
#define LKS_TILE_KERNEL(name, size, load, w_zero) \
    extern "C" __global__ void __launch_bounds__(lks_tile_##size::threads, lks_tile_##size::threads == 256 ? 2 : 4) \
    name(const lks_tile_args a) \
    { \
        lks_compute_tile<lks_tile_##size, load, w_zero>(a); \
    }

#define LKS_LAUNCH_TILE(name, size, a, stream) \
    LKS_LAUNCH(name, \
               dim3((unsigned)(lks_ceil_div((a).rows, lks_tile_##size::rows) * (a).column_tiles.divisor), (unsigned)(a).splits), \
               dim3(lks_tile_##size::threads), lks_tile_##size::shared_bytes, stream, a)

#endif
