/* SPDX-License-Identifier: Apache-2.0
 *
 * Many threads on one result: sums and maxima over a warp or a block.  Integers, so that the order is free.
 */
#ifndef LKS_CUDA_ROW_CUH
#define LKS_CUDA_ROW_CUH

#include "cuda/element.cuh"

static __device__ __forceinline__ uint32_t lks_sum_of(uint32_t a, uint32_t b)
{
    return a + b;
}

static __device__ __forceinline__ uint32_t lks_max_of(uint32_t a, uint32_t b)
{
    return (uint32_t)max((int32_t)a, (int32_t)b);
}

/*
 * The values of a team of threads, combined; every thread of it gets the result.
 *
 * threads  of a team: 32, a warp; or all of the block, a multiple of 32, and then every thread of it must come.
 * shared   threads / 32 words that nobody else uses until the next barrier but those of this function.
 */
template <int threads, typename combine>
static __device__ __forceinline__ uint32_t lks_combine(uint32_t v, uint32_t *shared, combine f)
{
#pragma unroll
    for (int32_t step = 16; step > 0; step >>= 1)
        v = f(v, __shfl_xor_sync(0xffffffffu, v, step));
    if (threads == 32)
        return v;
    if ((threadIdx.x & 31) == 0)
        shared[threadIdx.x >> 5] = v;
    __syncthreads();
    v = shared[0];
#pragma unroll
    for (int32_t i = 1; i < threads >> 5; i++)
        v = f(v, shared[i]);
    return v;
}

#endif
