/* SPDX-License-Identifier: Apache-2.0
 *
 * Work for no result, so that the limits of a device can be measured: dp4a and tensor cores on registers, and a copy in its
 * memory.
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

#define THREADS 256
#define BLOCKS_PER_MULTIPROCESSOR 8
#define ACCUMULATORS 16                 /* of a thread: more than the latency of an instruction over its rate */

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/*
 * 16 dp4a per round.  An operand of each is another accumulator: with operands that never change, a sum over rounds is a product,
 * and a compiler that sees it multiplies once.  The sums are stored where nobody looks, so that they must be computed.
 */
extern "C" __global__ void __launch_bounds__(THREADS) exercise_dot_kernel(uint32_t *out, uint32_t seed, int32_t rounds)
{
    const uint32_t b = seed ^ (threadIdx.x * 0x11131719u);
    uint32_t acc[ACCUMULATORS], sum = 0;

#pragma unroll
    for (int32_t i = 0; i < ACCUMULATORS; i++)
        acc[i] = (seed + threadIdx.x + (uint32_t)i) * 0x01030507u;
#pragma unroll 4
    for (int32_t r = 0; r < rounds; r++)
#pragma unroll
        for (int32_t i = 0; i < ACCUMULATORS; i++)
            acc[i] = lks_dp4a(acc[(i + (ACCUMULATORS >> 1)) & (ACCUMULATORS - 1)], b, acc[i]);
#pragma unroll
    for (int32_t i = 0; i < ACCUMULATORS; i++)
        sum ^= acc[i];
    out[lks_thread_index()] = sum;
}

/* 4 products of 16x8x32 per round and warp; operands of no pattern, since zeros cost less power than data. */
extern "C" __global__ void __launch_bounds__(THREADS) exercise_matrix_kernel(uint32_t *out, uint32_t seed, int32_t rounds)
{
    const uint32_t mixed = (seed + threadIdx.x) * 0x9e3779b1u;
    const uint32_t a[4] = { mixed, mixed ^ 0x5bd1e995u, mixed * 3u, mixed * 5u }, b[2] = { ~mixed, mixed * 7u };
    uint32_t d[4][4] = { { 0 } }, sum = 0;

    for (int32_t r = 0; r < rounds; r++)
#pragma unroll
        for (int32_t i = 0; i < 4; i++)
            lks_mma_16x8x32(d[i], a, b);
#pragma unroll
    for (int32_t i = 0; i < 4; i++)
        sum ^= (d[i][0] ^ d[i][1] ^ d[i][2] ^ d[i][3]) + (uint32_t)i;
    out[lks_thread_index()] = sum;
}

/* 16 bytes per thread. */
extern "C" __global__ void __launch_bounds__(THREADS) exercise_copy_kernel(const uint4 *from, uint4 *to, const uint32_t count)
{
    const uint32_t i = lks_thread_index();

    if (i < count)
        to[i] = from[i];
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

/* The launches that `amount` takes where one does `each`: one at least, and no more than 2^20, so that any amount ends. */
static uint64_t launches_of(uint64_t amount, uint64_t each)
{
    const int64_t most = 1 << 20;
    const int64_t launches = lks_ceil_div((int64_t)(amount >> 1), (int64_t)((each + 1) >> 1));

    return launches < 1 ? 1 : launches > most ? most : (uint64_t)launches;
}

/* Blocks that fill the device, as far as the results fit into the scratch memory. */
static uint32_t blocks_of(const lks_cuda_caps *c, size_t scratch_bytes)
{
    const uint32_t wanted = BLOCKS_PER_MULTIPROCESSOR * (uint32_t)c->multiprocessors;
    const size_t most = scratch_bytes >> 10;        /* THREADS words each */

    return wanted < most ? wanted : (uint32_t)most;
}

static cudaError_t exercise_units(lks_exercise what, uint64_t amount, uint64_t *done, const lks_cuda_caps *c, cudaStream_t stream,
                                  void *scratch, size_t scratch_bytes)
{
    const uint32_t blocks = blocks_of(c, scratch_bytes);
    const uint64_t per_round = what == LKS_EXERCISE_DOT ? (uint64_t)blocks * THREADS * ACCUMULATORS * 4
        : (uint64_t)blocks * (THREADS >> 5) * 4 * (16 * 8 * 32);
    const int64_t rounds_wanted = lks_ceil_div((int64_t)(amount >> 1), (int64_t)(per_round >> 1));
    const int32_t rounds = (int32_t)(rounds_wanted < 1 ? 1 : rounds_wanted > 1 << 14 ? 1 << 14 : rounds_wanted);
    const uint64_t launches = launches_of(amount, per_round * (uint64_t)rounds);
    uint32_t *out = (uint32_t *)scratch;
    cudaError_t e = cudaSuccess;

    for (uint64_t i = 0; i < launches && e == cudaSuccess; i++)
        e = what == LKS_EXERCISE_DOT
            ? LKS_LAUNCH(exercise_dot_kernel, dim3(blocks), dim3(THREADS), 0, stream, out, (uint32_t)i, rounds)
            : LKS_LAUNCH(exercise_matrix_kernel, dim3(blocks), dim3(THREADS), 0, stream, out, (uint32_t)i, rounds);
    *done = launches * (uint64_t)rounds * per_round;
    return e;
}

/* One half of the scratch memory onto the other. */
static cudaError_t exercise_copy(uint64_t amount, uint64_t *done, cudaStream_t stream, void *scratch, size_t scratch_bytes)
{
    const size_t half = scratch_bytes >> 5 << 4, most = (size_t)1 << 34, bytes = half < most ? half : most;
    const uint32_t count = (uint32_t)(bytes >> 4);
    const uint64_t launches = launches_of(amount, 2 * (uint64_t)bytes);
    cudaError_t e = cudaSuccess;

    for (uint64_t i = 0; i < launches && e == cudaSuccess; i++)
        e = LKS_LAUNCH(exercise_copy_kernel, dim3((unsigned)lks_ceil_div(count, THREADS)), dim3(THREADS), 0, stream,
                       (const uint4 *)scratch, (uint4 *)((unsigned char *)scratch + half), count);
    *done = launches * 2 * (uint64_t)bytes;
    return e;
}

extern "C" cudaError_t lks_cuda_exercise(lks_exercise what, uint64_t amount, uint64_t *done, const lks_cuda_caps *c,
                                         cudaStream_t stream, void *scratch, size_t scratch_bytes)
{
    return what == LKS_EXERCISE_COPY ? exercise_copy(amount, done, stream, scratch, scratch_bytes)
        : exercise_units(what, amount, done, c, stream, scratch, scratch_bytes);
}
