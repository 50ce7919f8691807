/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels that try the shim itself: each is right, and wrong where its argument says so.
 */
#include "cuda_shim/shim_kernels.h"

#include "cuda/device.cuh"

/* y[i] = x[n - 1 - i] through shared memory: a barrier, without which one warp reads what another has not written yet. */
extern "C" __global__ void reverse_kernel(const int32_t *x, int32_t *y, int wrong)
{
    LKS_SHARED(memory);
    int32_t *row = (int32_t *)memory;
    unsigned i = threadIdx.x;

    row[i] = x[i];
    if (wrong == PLANTED_NO_BARRIER) {
        y[i] = row[blockDim.x - 1 - i];
        return;
    }
    if (wrong == PLANTED_SOME_RETURN && i == 37)
        return;
    if (wrong == PLANTED_OTHER_BARRIER && i == 37)
        __syncthreads();
    else
        __syncthreads();
    if (wrong == PLANTED_SHARED_OVERRUN && i == 0)
        row[blockDim.x] = 1;
    if (wrong == PLANTED_GLOBAL_OVERRUN && i == 0)
        y[blockDim.x] = 1;
    y[i] = row[blockDim.x - 1 - i];
}

/* y[0] = the sum of x[0] .. x[31], through shuffles. */
extern "C" __global__ void sum_kernel(const int32_t *x, int32_t *y, int wrong)
{
    int32_t v = x[threadIdx.x];

    if (wrong == PLANTED_LANE_RETURNS && threadIdx.x == 5)
        return;
    if (wrong == PLANTED_OTHER_MASK && threadIdx.x == 5)
        v += __shfl_xor_sync(0x0000ffffu, v, 16);
    for (int step = 16; step > 0; step >>= 1)
        v += __shfl_xor_sync(wrong == PLANTED_LANE_OUTSIDE ? 0x0000ffffu << (threadIdx.x & 16) : 0xffffffffu, v, step);
    if (threadIdx.x == 0)
        y[0] = v;
}

/* y = x through asynchronous copies in two groups, 16 bytes a thread and group. */
extern "C" __global__ void copy_kernel(const int32_t *x, int32_t *y, int wrong)
{
    LKS_SHARED(memory);
    unsigned at = 16 * threadIdx.x, half = 16 * blockDim.x;

    lks_copy16_async(memory + at, x + 4 * threadIdx.x);
    lks_copy_commit();
    lks_copy16_async(memory + half + at, x + 4 * (blockDim.x + threadIdx.x));
    lks_copy_commit();
    lks_copy_wait<1>();
    *(int4 *)(y + 4 * threadIdx.x) = *(const int4 *)(memory + at);
    if (wrong != PLANTED_NO_WAIT)
        lks_copy_wait<0>();
    *(int4 *)(y + 4 * (blockDim.x + threadIdx.x)) = *(const int4 *)(memory + half + at);
}

/* y[m][n] = sum of a[m][k] * b[n][k]: 16 x 8 x 32 by one warp through ldmatrix and mma.sync. */
extern "C" __global__ void matrix_kernel(const int8_t *a, const int8_t *b, int32_t *y)
{
    LKS_SHARED(memory);
    int lane = (int)threadIdx.x;
    uint32_t ra[4], rb[2];
    uint32_t acc[4] = { 0, 0, 0, 0 };

    for (int i = lane; i < 32; i += 32) {       /* rows of 32 bytes, as 16 + 16 */
        for (int k = 0; k < 16; k++)
            memory[16 * i + k] = (unsigned char)a[32 * (i % 16) + 16 * (i / 16) + k];
        for (int k = 0; k < 16 && i < 16; k++)
            memory[512 + 16 * i + k] = (unsigned char)b[32 * (i % 8) + 16 * (i / 8) + k];
    }
    __syncwarp();
    lks_ldmatrix_x4(ra, memory + 16 * lane);
    lks_ldmatrix_x2(rb, memory + 512 + 16 * (lane & 15));
    lks_mma_16x8x32(acc, ra, rb);
    for (int v = 0; v < 4; v++)
        y[8 * (lane / 4 + 8 * (v / 2)) + 2 * (lane % 4) + v % 2] = (int32_t)acc[v];
}

/* y[block] = block: a grid of three dimensions, arguments that change type. */
extern "C" __global__ void grid_kernel(int64_t scale, int32_t *y)
{
    unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;

    if (threadIdx.x == 1 && threadIdx.y == 2)
        y[block] = (int32_t)(scale * block);
}

/* y[i] = x[i ^ 63]: each 64 threads behind a barrier of their own. */
extern "C" __global__ void pairs_kernel(const int32_t *x, int32_t *y, int wrong)
{
    LKS_SHARED(memory);
    int32_t *row = (int32_t *)memory;
    unsigned i = threadIdx.x;

    row[i] = x[i];
    if (wrong == PLANTED_SOME_RETURN && i >= 96)
        return;
    if (wrong != PLANTED_NO_BARRIER)
        lks_sync_some(1 + (int)(i >> 6), 64);
    y[i] = row[i ^ 63];
}

/* y = x through a ring of two stages of 128 bytes: the second warp has them filled in bulk, the first empties them. */
extern "C" __global__ void ring_kernel(const int32_t *x, int32_t *y, int wrong)
{
    LKS_SHARED(memory);
    uint64_t *full = (uint64_t *)(memory + 256), *empty = full + 2;
    unsigned lane = threadIdx.x & 31;

    for (int i = 0; threadIdx.x == 0 && i < 2; i++) {
        lks_barrier_init(&full[i], 1);
        lks_barrier_init(&empty[i], 32);
    }
    lks_fence_async();
    __syncthreads();
    for (unsigned i = 0; i < SHIM_RING_STEPS; i++) {
        unsigned stage = i & 1, parity = i >> 1 & 1;

        if (threadIdx.x < 32) {
            if (wrong != PLANTED_NO_WAIT)
                lks_barrier_wait(&full[stage], parity);
            y[32 * i + lane] = ((int32_t *)(memory + 128 * stage))[lane];
            lks_barrier_arrive(&empty[stage]);
        } else if (lane == 0) {
            lks_barrier_wait(&empty[stage], parity ^ (wrong != PLANTED_WRONG_PARITY));
            if (wrong == PLANTED_OVERWRITTEN)
                *full = 0;
            lks_barrier_expect(&full[stage], 128);
            if (wrong != PLANTED_LOST_COPY || i != 5)
                lks_copy_bulk(memory + 128 * stage, x + 32 * i, 128, &full[stage]);
        }
    }
}

/* Where byte k of a row stands: 64 of them, in the layouts that the PTX manual draws; of the widest, the middle half of a row. */
static unsigned place_of(int mode, unsigned row, unsigned k)
{
    switch (mode) {
    case 1:  return row * 128 + (((k >> 4) + 2) ^ (row & 7)) * 16 + (k & 15);
    case 2:  return row * 64 + ((k >> 4) ^ (row >> 1 & 3)) * 16 + (k & 15);
    case 3:  return (k >> 5) * 2048 + row * 32 + ((k >> 4 & 1) ^ (row >> 2 & 1)) * 16 + (k & 15);
    default: return (k >> 4) * 1024 + row * 16 + (k & 15);
    }
}

/* Of 64 rows, 32 bytes of depth from 32 * step on. */
static uint64_t describe(int mode, const unsigned char *matrix, unsigned step)
{
    static const unsigned strides[] = { 128, 1024, 512, 256 }, steps[] = { 2048, 32, 32, 2048 }, begins[] = { 0, 32, 0, 0 };
    const uint64_t start = (lks_shared_address(matrix) + begins[mode] + step * steps[mode]) >> 4;

    return start | (uint64_t)(mode ? 1 : 1024 >> 4) << 16 | (uint64_t)(strides[mode] >> 4) << 32 | (uint64_t)mode << 62;
}

/* y[m][n] = sum of a[m][k] b[n][k] over 64, 64 x 64, by a warpgroup; a[m][k] = x[64 m + k] and b[n][k] = x[64 n + k + 4096]. */
extern "C" __global__ void wgmma_kernel(const int32_t *x, int32_t *y, int mode, int wrong)
{
    LKS_SHARED(a);
    unsigned char *b = a + 8192;
    unsigned thread = threadIdx.x, warp = thread >> 5, lane = thread & 31;
    uint32_t acc[32] = { 0 };

    for (unsigned i = thread; i < 4096; i += 128) {
        a[place_of(mode, i >> 6, i & 63)] = (unsigned char)x[i];
        b[place_of(mode, i >> 6, i & 63)] = (unsigned char)x[i + 4096];
    }
    lks_fence_async();
    if (thread == 0) {                  /* a barrier, so that copies are watched, and one of them */
        lks_barrier_init((uint64_t *)(b + 8192), 1);
        if (wrong == PLANTED_NO_ASYNC_FENCE) {
            lks_copy16_async(b + 32, x);
            lks_copy_commit();
            lks_copy_wait<0>();
        }
    }
    __syncthreads();
    if (wrong != PLANTED_NO_WGMMA_FENCE)
        lks_wgmma_fence();
    for (unsigned step = 0; step < 2; step++) {
        const unsigned other = wrong == PLANTED_OTHER_PRODUCT && warp == 2 ? 0 : step;

        lks_wgmma_64xNx32(acc, describe(mode, a, step), describe(mode, b, other));
    }
    lks_wgmma_commit();
    if (wrong == PLANTED_OPERAND_WRITTEN && thread == 5)
        a[place_of(mode, 63, 63)] ^= 1;
    if (wrong != PLANTED_NO_WAIT && wrong != PLANTED_NEVER_WAITED)
        lks_wgmma_wait<0>();
    for (unsigned i = 0; i < 32; i++)
        y[64 * (16 * warp + lane / 4 + 8 * (i / 2 & 1)) + 8 * (i / 4) + 2 * (lane % 4) + i % 2] = (int32_t)acc[i];
    if (wrong == PLANTED_NO_WAIT)
        lks_wgmma_wait<0>();
}

extern "C" cudaError_t shim_test_launch(int kernel, unsigned threads, const void *a, const void *b, int32_t *y, int wrong,
                                        cudaStream_t stream)
{
    switch (kernel) {
    case SHIM_REVERSE: return LKS_LAUNCH(reverse_kernel, 1, threads, threads * 4, stream, (const int32_t *)a, y, wrong);
    case SHIM_SUM:     return LKS_LAUNCH(sum_kernel, 1, threads, 0, stream, (const int32_t *)a, y, wrong);
    case SHIM_COPY:    return LKS_LAUNCH(copy_kernel, 1, threads, threads * 32, stream, (const int32_t *)a, y, wrong);
    case SHIM_MATRIX:  return LKS_LAUNCH(matrix_kernel, 1, 32, 768, stream, (const int8_t *)a, (const int8_t *)b, y);
    case SHIM_PAIRS:   return LKS_LAUNCH(pairs_kernel, 1, threads, threads * 4, stream, (const int32_t *)a, y, wrong);
    case SHIM_RING:    return LKS_LAUNCH(ring_kernel, 1, 64, 288, stream, (const int32_t *)a, y, wrong);
    case SHIM_WGMMA_NONE:
    case SHIM_WGMMA_128B:
    case SHIM_WGMMA_64B:
    case SHIM_WGMMA_32B:
        return LKS_LAUNCH(wgmma_kernel, 1, 128, 16400, stream, (const int32_t *)a, y, kernel - SHIM_WGMMA_NONE, wrong);
    default:           return LKS_LAUNCH(grid_kernel, dim3(3, 4, 5), dim3(2, 3), 0, stream, 7, y);
    }
}
