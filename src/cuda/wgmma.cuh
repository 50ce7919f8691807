/* SPDX-License-Identifier: Apache-2.0
 *
 * The tile of tile.cuh by Hopper's wgmma: the same arguments, and the very same finish.  Depth comes in 128 bytes at a time.
 *
 * A block stays on its multiprocessor and has every gridDim.x-th tile.  Its warpgroups:
 *
 *     0, 1  consumers: multiply and finish a tile each, in turns, so that one finishes while the other multiplies
 *     2     the producer: fills a ring of stages for both, in the order of the tiles
 *
 * A stage is [row or column][128 bytes] in the 128-byte swizzle: piece p of 16 bytes stands in place p ^ (r mod 8) of row r.
 * tile.c packs weights so, and those of a stage are one bulk copy.  x is gathered 16 bytes at a time.
 *
 * wgmma gives warp w rows 16 w to 16 w + 15 of 64.  Rows of x stand in such an order that a warp has 32 adjacent ones of the
 * tile: row 64 h + 16 w + i of a stage is row 32 w + 16 h + i of the tile.
 */
#ifndef LKS_CUDA_WGMMA_CUH
#define LKS_CUDA_WGMMA_CUH

#include "cuda/mma.cuh"

/*
 * threads, sync and what is named in tile.cuh: of one consumer.  in_flight: stages that are on their way while an older one is
 * announced.  A consumer gives a stage back when the products of the next one are asked for, so that it is all stages but two.
 */
template <int columns_, int stages_>
struct lks_wgmma_tile {
    static constexpr int rows = 128, columns = columns_, warp_rows = 32, warp_columns = columns_, stages = stages_;
    static constexpr int warps_n = 1, threads = 128, block_threads = 384, thread_rows = 4, groups = columns_ >> 5;
    static constexpr int pieces = (rows * columns_) >> 11;
    static constexpr int depth = LKS_WGMMA_DEPTH, load_step = 16, x_loads = rows >> 4, in_flight = stages_ - 2;
    /* of a thread, in place of the 168 with which a kernel of 384 threads begins; a multiple of 8 */
    static constexpr int producer_registers = 88, consumer_registers = 208;
    static_assert(producer_registers + 2 * consumer_registers <= 3 * 168, "what a block has");
    static constexpr int w_bytes = columns_ * LKS_WGMMA_DEPTH, x_bytes = rows * LKS_WGMMA_DEPTH, stage_bytes = x_bytes + w_bytes;
    static constexpr int out_stride = columns_ + 32, out_at = stages_ * stage_bytes, out_bytes = rows * out_stride;
    static constexpr int barriers_at = out_at + 2 * out_bytes, shared_bytes = barriers_at + 8 * (2 * stages_ + 2);

    static __device__ __forceinline__ void sync(int32_t)
    {
        lks_sync_some(1 + ((int32_t)threadIdx.x >> 7), threads);
    }
};

/* Within the 227 KiB that a block of sm_90 may have: lks_cuda_caps.wgmma. */
typedef lks_wgmma_tile<128, 5> lks_tile_wgmma_128x128;
typedef lks_wgmma_tile<64, 6> lks_tile_wgmma_128x64;

/* ---- work ---------------------------------------------------------------------------------------------------------------- */

/* Work is numbered tile by tile, split by split. */
template <typename tile>
static __device__ __forceinline__ lks_tile_where lks_locate_work(const lks_tile_args &a, uint32_t index)
{
    const uint32_t split = lks_divide(index, a.tiles);

    return lks_locate_tile<tile>(a, lks_remainder(index, split, a.tiles), split, (int32_t)threadIdx.x & 127);
}

/* Its depth tiles; beyond the last work, of no meaning. */
typedef struct lks_depths {
    int32_t first, count;
} lks_depths;

static __device__ __forceinline__ lks_depths lks_depths_of(const lks_tile_args &a, uint32_t index)
{
    lks_depths d;

    d.first = (int32_t)lks_divide(index, a.tiles) * a.split_tiles;
    d.count = a.depth_tiles - d.first < a.split_tiles ? a.depth_tiles - d.first : a.split_tiles;
    return d;
}

/*
 * A place in the ring: a stage, and how often modulo 2 the ring has been passed.  A stage's barriers `full` and `empty` end one
 * phase each time.
 */
typedef struct lks_ring {
    int32_t stage;
    uint32_t parity;
} lks_ring;

template <typename tile>
static __device__ __forceinline__ void lks_advance(lks_ring &r, int32_t count)
{
    r.stage += count;
#pragma unroll 1
    while (r.stage >= tile::stages) {
        r.stage -= tile::stages;
        r.parity ^= 1;
    }
}

template <typename tile>
struct lks_wgmma_barriers {
    uint64_t full[tile::stages];        /* by each thread of the producer, and the bytes of the weights */
    uint64_t empty[tile::stages];       /* by each warp of the consumer that had the stage */
    uint64_t turn[2];                   /* of a consumer: the other has all stages of its tile, by each warp of that one */
};

/* ---- the producer -------------------------------------------------------------------------------------------------------- */

/* The oldest stage that is not announced yet is complete, but for its weights: a bulk copy tells the barrier itself. */
template <typename tile>
static __device__ __forceinline__ void lks_announce(lks_wgmma_barriers<tile> *barriers, lks_ring &oldest)
{
    lks_fence_async();                  /* wgmma reads through another proxy: PTX ISA, "Async Proxy" of wgmma */
    lks_barrier_arrive(&barriers->full[oldest.stage]);
    lks_advance<tile>(oldest, 1);
}

/* A thread brings one piece of every 16th row: 8 threads have the 128 bytes of a row. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_locate_rows(const lks_tile_args &a, const lks_tile_where &t,
                                                       lks_mma_row r[tile::x_loads])
{
#pragma unroll
    for (uint32_t i = 0; i < tile::x_loads; i++)
        r[i] = lks_locate_mma_row<load>(a, t.row + 32 * (i & 3) + 16 * (i >> 2) + ((uint32_t)t.thread >> 3), t.group);
}

template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_produce(const lks_tile_args &a, unsigned char *shared,
                                                   lks_wgmma_barriers<tile> *barriers)
{
    const int32_t thread = (int32_t)threadIdx.x & 127, piece = thread & 7, row = thread >> 3;
    const int32_t x_at = row * LKS_WGMMA_DEPTH + ((piece ^ (row & 7)) << 4);
    lks_mma_held<tile, load> unused;
    lks_ring next = { 0, 0 }, oldest = { 0, 0 };
    int32_t waiting = 0;

#pragma unroll 1
    for (uint32_t i = blockIdx.x; i < (uint32_t)a.work; i += gridDim.x) {
        const lks_tile_where t = lks_locate_work<tile>(a, i);
        const lks_depths depths = lks_depths_of(a, i);
        const uint8_t *w = a.weights + ((size_t)t.column_tile * (size_t)a.depth_tiles + (size_t)depths.first) * tile::w_bytes;
        lks_mma_row r[tile::x_loads];

        lks_locate_rows<tile, load>(a, t, r);
#pragma unroll 1
        for (int32_t d = depths.first; d < depths.first + depths.count; d++, w += tile::w_bytes) {
            unsigned char *stage = shared + next.stage * tile::stage_bytes;

            lks_barrier_wait(&barriers->empty[next.stage], next.parity ^ 1);
            if (thread == 0) {
                lks_barrier_expect(&barriers->full[next.stage], tile::w_bytes);
                lks_copy_bulk(stage + tile::x_bytes, w, tile::w_bytes, &barriers->full[next.stage]);
            }
            lks_load_pieces<tile, load>(a, r, d * LKS_WGMMA_DEPTH + 16 * piece, stage + x_at, unused);
            lks_copy_commit();
            lks_advance<tile>(next, 1);
            if (waiting < tile::in_flight) {
                waiting++;
            } else {
                lks_copy_wait<tile::in_flight>();
                lks_announce<tile>(barriers, oldest);
            }
        }
    }
    lks_copy_wait<0>();
    for (; waiting > 0; waiting--)
        lks_announce<tile>(barriers, oldest);
}

/* ---- consumers ----------------------------------------------------------------------------------------------------------- */

/*
 * Of rows of 128 bytes in the 128-byte swizzle, depth along the rows, 8 rows 1024 bytes on.  PTX ISA, wgmma, "Matrix Descriptor
 * Format": the address, the leading byte offset (which a swizzle does not use) and the stride byte offset in units of 16 bytes;
 * mode 1 in bits 62 and 63; the base offset is 0, as patterns begin at multiples of 1024.  32 bytes deeper is an address 32
 * higher: places are exchanged by the bits of the address that results.
 */
static __device__ __forceinline__ uint64_t lks_describe(const unsigned char *rows)
{
    return (uint64_t)1 << 62 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 16 | (lks_shared_address(rows) & 0x3ffff) >> 4;
}

/* 128 bytes of depth: 64 rows of the stage, and the other 64, by all columns. */
template <typename tile>
static __device__ __forceinline__ void lks_multiply_stage(uint32_t (&low)[tile::columns >> 1],
                                                          uint32_t (&high)[tile::columns >> 1], const unsigned char *stage)
{
    const uint64_t x = lks_describe(stage), w = lks_describe(stage + tile::x_bytes), half = 64 * LKS_WGMMA_DEPTH >> 4;

#pragma unroll
    for (uint64_t depth = 0; depth < LKS_WGMMA_DEPTH >> 4; depth += 32 >> 4) {
        lks_wgmma_64xNx32(low, x + depth, w + depth);
        lks_wgmma_64xNx32(high, x + half + depth, w + depth);
    }
}

/*
 * All depth of a tile.  A stage goes back when its products are complete: awaited when those of the next one have been asked for.
 * The other consumer may begin when this one waits for no stage any more: by its parity, a phase that has not begun cannot be
 * told from one that has ended, so that only the next phase of a stage may be waited for.
 */
template <typename tile>
static __device__ __forceinline__ void lks_accumulate_wgmma(uint32_t (&low)[tile::columns >> 1],
                                                            uint32_t (&high)[tile::columns >> 1],
                                                            const unsigned char *shared, lks_wgmma_barriers<tile> *barriers,
                                                            lks_ring &ring, int32_t count, int32_t other)
{
    const int32_t speaks = (threadIdx.x & 31) == 0;
    int32_t before = 0;

#pragma unroll 1
    for (int32_t i = 0; i < count; i++) {
        lks_barrier_wait(&barriers->full[ring.stage], ring.parity);
        lks_wgmma_fence();
        lks_multiply_stage<tile>(low, high, shared + ring.stage * tile::stage_bytes);
        lks_wgmma_commit();
        lks_wgmma_wait<1>();
        if (i > 0 && speaks)
            lks_barrier_arrive(&barriers->empty[before]);
        before = ring.stage;
        lks_advance<tile>(ring, 1);
    }
    if (speaks)
        lks_barrier_arrive(&barriers->turn[other]);
    lks_wgmma_wait<0>();
    if (speaks)
        lks_barrier_arrive(&barriers->empty[before]);
}

/* Accumulators as fragments have them, as lks_finish_tile wants them. */
template <typename tile>
static __device__ __forceinline__ void lks_sort(uint32_t acc[tile::groups][tile::thread_rows][8],
                                                uint32_t (&from)[tile::columns >> 1], int32_t half)
{
#pragma unroll
    for (int32_t j = 0; j < tile::columns >> 3; j++)
#pragma unroll
        for (int32_t v = 0; v < 4; v++) {
            lks_hold(from[4 * j + v]);  /* not read before the wait behind which it is there */
            acc[j >> 2][2 * half + (v >> 1)][2 * (j & 3) + (v & 1)] = from[4 * j + v];
        }
}

template <typename tile>
static __device__ __forceinline__ void lks_finish_wgmma(const lks_tile_args &a, const lks_tile_where &t,
                                                        const uint32_t acc[tile::groups][tile::thread_rows][8],
                                                        unsigned char *out)
{
    if (!a.partial) {
        lks_finish_tile<tile>(a, t, acc, out);
        return;
    }
#pragma unroll
    for (int32_t g = 0; g < tile::groups; g++) {
        lks_tile_where part = t;

        part.thread_column += 32 * g;
        lks_store_partial<tile>(a, part, acc[g]);
    }
}

/* Consumer c has the tiles of the block whose number is c modulo 2; number n waits until the other has all stages of n - 1. */
template <typename tile>
static __device__ __forceinline__ void lks_consume(const lks_tile_args &a, unsigned char *shared,
                                                   lks_wgmma_barriers<tile> *barriers, int32_t consumer)
{
    const uint32_t step = gridDim.x;
    uint32_t turn = consumer == 0;      /* the first tile has no predecessor: parity 1 is that of a phase before the first */
    lks_ring ring = { 0, 0 };

    if (consumer)
        lks_advance<tile>(ring, lks_depths_of(a, blockIdx.x).count);
#pragma unroll 1
    for (uint32_t i = blockIdx.x + (consumer ? step : 0); i < (uint32_t)a.work; i += 2 * step, turn ^= 1) {
        const lks_tile_where t = lks_locate_work<tile>(a, i);
        uint32_t low[tile::columns >> 1] = { 0 }, high[tile::columns >> 1] = { 0 };
        uint32_t acc[tile::groups][tile::thread_rows][8];

        lks_barrier_wait(&barriers->turn[consumer], turn);
        lks_accumulate_wgmma<tile>(low, high, shared, barriers, ring, lks_depths_of(a, i).count, 1 - consumer);
        lks_advance<tile>(ring, lks_depths_of(a, i + step).count);      /* those of the other's next tile */
        lks_sort<tile>(acc, low, 0);
        lks_sort<tile>(acc, high, 1);
        lks_finish_wgmma<tile>(a, t, acc, shared + tile::out_at + consumer * tile::out_bytes);
    }
}

/* ---- a block ------------------------------------------------------------------------------------------------------------- */

template <typename tile>
static __device__ __forceinline__ void lks_open_barriers(lks_wgmma_barriers<tile> *barriers)
{
    if (threadIdx.x == 0) {
        for (int32_t i = 0; i < tile::stages; i++) {
            lks_barrier_init(&barriers->full[i], 129);
            lks_barrier_init(&barriers->empty[i], 4);
        }
        lks_barrier_init(&barriers->turn[0], 4);
        lks_barrier_init(&barriers->turn[1], 4);
        lks_fence_async();
    }
    __syncthreads();
}

/* Grid: as many blocks as multiprocessors, or one per tile and split where those are fewer. */
template <typename tile, lks_tile_load load>
static __device__ __forceinline__ void lks_compute_wgmma_tile(const lks_tile_args &a)
{
#if LKS_HAS_WGMMA
    LKS_SHARED(shared);
    lks_wgmma_barriers<tile> *barriers = (lks_wgmma_barriers<tile> *)(shared + tile::barriers_at);

    /* the same in all lanes, so that ptxas sees that no warp is divided */
    const int32_t group = __shfl_sync(0xffffffffu, (int32_t)threadIdx.x >> 7, 0);

    lks_open_barriers<tile>(barriers);
    if (group == 2) {
        lks_take_registers<tile::producer_registers, false>();
        lks_produce<tile, load>(a, shared, barriers);
    } else {
        lks_take_registers<tile::consumer_registers, true>();
        lks_consume<tile>(a, shared, barriers, group);
    }
#endif
}

/* ---- kernels and launches ------------------------------------------------------------------------------------------------ */

#define LKS_WGMMA_KERNEL(name, size, load) \
    extern "C" __global__ void __launch_bounds__(lks_tile_##size::block_threads, 1) name(const lks_tile_args a) \
    { \
        lks_compute_wgmma_tile<lks_tile_##size, load>(a); \
    }

typedef void lks_tile_kernel(const lks_tile_args);

/* More shared memory than a kernel has without asking. */
static inline cudaError_t lks_allow_shared(lks_tile_kernel *kernel, int bytes)
{
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
}

#define LKS_LAUNCH_WGMMA(name, size, a, multiprocessors, stream) \
    (lks_allow_shared(name, lks_tile_##size::shared_bytes) != cudaSuccess ? cudaGetLastError() \
     : LKS_LAUNCH(name, dim3((unsigned)((a).work < (multiprocessors) ? (a).work : (multiprocessors))), \
                  dim3(lks_tile_##size::block_threads), lks_tile_##size::shared_bytes, stream, a))

#endif
