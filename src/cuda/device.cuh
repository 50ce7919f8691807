/* SPDX-License-Identifier: Apache-2.0
 *
 * What kernels ask of the machine beyond CUDA's own built-ins: launching, a block's shared memory, and single instructions.  The
 * tests compile the kernels as host C++ against a header of the same name and contents (tests/cuda_shim/cuda/device.cuh).
 */
#ifndef LKS_CUDA_DEVICE_CUH
#define LKS_CUDA_DEVICE_CUH

#include "spec/arith.h"

#include <cuda_runtime.h>

/* Enqueue a kernel; the value is its cudaError_t. */
#define LKS_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
    (kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__), cudaGetLastError())

/* The block's shared memory, 128-byte aligned: the only kind that kernels use. */
#define LKS_SHARED(name) \
    extern __shared__ __align__(128) unsigned char lks_block_shared[]; \
    unsigned char *const name = lks_block_shared

/* Keep v in a register: what it was computed from is forgotten, or the compiler may compute it anew in each round of a loop. */
static __device__ __forceinline__ void lks_hold(int32_t &v)
{
    asm volatile("" : "+r"(v));
}

static __device__ __forceinline__ void lks_hold(const int8_t *&v)
{
    asm volatile("" : "+l"(v));
}

/* acc + the sum of four products of signed bytes, modulo 2^32. */
static __device__ __forceinline__ uint32_t lks_dp4a(uint32_t a, uint32_t b, uint32_t acc)
{
    return (uint32_t)__dp4a((int)a, (int)b, (int)acc);
}

/*
 * Copies of 16 or 4 bytes from global to shared memory, both aligned to that size, which may land any time before lks_copy_wait
 * says so, and are seen by other threads after a barrier behind it.  Before sm_80 they land at once.
 */
static __device__ __forceinline__ void lks_copy16_async(void *shared, const void *global)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;"
                 :: "r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(__cvta_generic_to_global(global)) : "memory");
#else
    *(uint4 *)shared = *(const uint4 *)global;
#endif
}

static __device__ __forceinline__ void lks_copy4_async(void *shared, const void *global)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
                 :: "r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(__cvta_generic_to_global(global)) : "memory");
#else
    *(uint32_t *)shared = *(const uint32_t *)global;
#endif
}

/* The copies that this thread has asked for since the last commit become a group. */
static __device__ __forceinline__ void lks_copy_commit(void)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}

/* Wait until all groups of this thread but the pending youngest have landed. */
template <int pending>
static __device__ __forceinline__ void lks_copy_wait(void)
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" :: "n"(pending) : "memory");
#endif
}

/*
 * Four matrices of 8 rows of 16 bytes from shared memory.  Lanes 8 j to 8 j + 7 name the rows of matrix j, each 16-byte aligned;
 * r[j] then has bytes 4 (lane mod 4) and on of its row lane / 4.  PTX ISA, ldmatrix.
 */
static __device__ __forceinline__ void lks_ldmatrix_x4(uint32_t r[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"((uint32_t)__cvta_generic_to_shared(row)) : "memory");
}

/* d += a b for signed bytes, modulo 2^32: 8 rows, 8 columns, depth 16.  PTX ISA, mma.m8n8k16. */
static __device__ __forceinline__ void lks_mma_8x8x16(uint32_t d[2], uint32_t a, uint32_t b)
{
    asm volatile("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"
                 : "+r"(d[0]), "+r"(d[1]) : "r"(a), "r"(b));
}

/*
 * The same for 16 rows, 8 columns, depth 32.  PTX ISA, mma.m16n8k32: with g = lane / 4 and t = lane mod 4, a[0] and a[2] hold row
 * g at depths 4t and 16 + 4t, a[1] and a[3] row g + 8; b[0] and b[1] column g at those depths; d[0..1] row g at columns 2t and 2t
 * + 1, d[2..3] row g + 8.  So sm_75, which lacks it, has it as four of the small ones.
 */
static __device__ __forceinline__ void lks_mma_16x8x32(uint32_t d[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    lks_mma_8x8x16(d, a[0], b[0]);
    lks_mma_8x8x16(d, a[2], b[1]);
    lks_mma_8x8x16(d + 2, a[1], b[0]);
    lks_mma_8x8x16(d + 2, a[3], b[1]);
#endif
}

#endif
