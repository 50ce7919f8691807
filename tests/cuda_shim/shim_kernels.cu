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

extern "C" cudaError_t shim_test_launch(int kernel, unsigned threads, const void *a, const void *b, int32_t *y, int wrong,
                                        cudaStream_t stream)
{
    switch (kernel) {
    case SHIM_REVERSE: return LKS_LAUNCH(reverse_kernel, 1, threads, threads * 4, stream, (const int32_t *)a, y, wrong);
    case SHIM_SUM:     return LKS_LAUNCH(sum_kernel, 1, threads, 0, stream, (const int32_t *)a, y, wrong);
    case SHIM_COPY:    return LKS_LAUNCH(copy_kernel, 1, threads, threads * 32, stream, (const int32_t *)a, y, wrong);
    case SHIM_MATRIX:  return LKS_LAUNCH(matrix_kernel, 1, 32, 768, stream, (const int8_t *)a, (const int8_t *)b, y);
    default:           return LKS_LAUNCH(grid_kernel, dim3(3, 4, 5), dim3(2, 3), 0, stream, 7, y);
    }
}
