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

/* The block's shared memory, 1024-byte aligned (a pattern of wgmma): the only kind that kernels use. */
#define LKS_SHARED(name) \
    extern __shared__ __align__(1024) unsigned char lks_block_shared[]; \
    unsigned char *const name = lks_block_shared

/* Keep v in a register: what it was computed from is forgotten, or the compiler may compute it anew in each round of a loop. */
static __device__ __forceinline__ void lks_hold(int32_t &v)
{
    asm volatile("" : "+r"(v));
}

static __device__ __forceinline__ void lks_hold(uint32_t &v)
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

/* ---- sm_90a: barriers in shared memory, bulk copies, wgmma ---------------------------------------------------------------- */

/* Code for other machines has empty bodies in their place, and is never launched there. */
#if !defined(__CUDA_ARCH__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define LKS_HAS_WGMMA 1
#else
#define LKS_HAS_WGMMA 0
#endif

/* An address as instructions for shared memory take it. */
static __device__ __forceinline__ uint32_t lks_shared_address(const void *shared)
{
    return (uint32_t)__cvta_generic_to_shared(shared);
}

/* Wait until so many threads, whole warps, have come to the barrier of that number; 0 is that of __syncthreads.  bar.sync */
static __device__ __forceinline__ void lks_sync_some(int32_t barrier, int32_t threads)
{
    asm volatile("bar.sync %0, %1;" :: "r"(barrier), "r"(threads) : "memory");
}

/*
 * A barrier of 8 bytes in shared memory.  A phase of it ends, and the next begins, when `count` arrivals and all bytes that were
 * expected have come.  Other threads, and copies, see it after lks_fence_async and a barrier.  PTX ISA, mbarrier.
 */
static __device__ __forceinline__ void lks_barrier_init(uint64_t *barrier, uint32_t count)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(lks_shared_address(barrier)), "r"(count) : "memory");
}

static __device__ __forceinline__ void lks_barrier_arrive(uint64_t *barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(lks_shared_address(barrier)) : "memory");
}

/* Arrive, and let the phase expect so many bytes of bulk copies. */
static __device__ __forceinline__ void lks_barrier_expect(uint64_t *barrier, uint32_t bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                 :: "r"(lks_shared_address(barrier)), "r"(bytes) : "memory");
}

/*
 * Wait for the end of the phase of that parity: the present one, or the one before it (before the first, one of parity 1).  No
 * other phase of that parity may be meant.
 */
static __device__ __forceinline__ void lks_barrier_wait(uint64_t *barrier, uint32_t parity)
{
    uint32_t ended = 0;

    while (!ended)
        asm volatile("{\n\t.reg .pred p;\n\t"
                     "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n\t"
                     "selp.u32 %0, 1, 0, p;\n\t}"
                     : "=r"(ended) : "r"(lks_shared_address(barrier)), "r"(parity) : "memory");
}

/* Copy bytes, a multiple of 16, between addresses that are aligned to 16; the barrier expects them.  PTX ISA, cp.async.bulk */
static __device__ __forceinline__ void lks_copy_bulk(void *shared, const void *global, uint32_t bytes, uint64_t *barrier)
{
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];"
                 :: "r"(lks_shared_address(shared)), "l"(__cvta_generic_to_global(global)), "r"(bytes),
                 "r"(lks_shared_address(barrier)) : "memory");
}

/* What this thread has written to shared memory, landed copies of 16 bytes too, is seen by wgmma and bulk copies behind it. */
static __device__ __forceinline__ void lks_fence_async(void)
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* From here on the threads of this warpgroup have so many registers each, which are more or less than before.  setmaxnreg */
template <int registers, bool more>
static __device__ __forceinline__ void lks_take_registers(void)
{
    if (more)
        asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" :: "n"(registers));
    else
        asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" :: "n"(registers));
}

/* Before the first of some products: accumulators that this thread has written, or read, are from here on those of wgmma. */
static __device__ __forceinline__ void lks_wgmma_fence(void)
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

/* The products since the last commit become a group. */
static __device__ __forceinline__ void lks_wgmma_commit(void)
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/* Wait until all groups but the pending youngest are complete: only then may accumulators be touched, or operands be written. */
template <int pending>
static __device__ __forceinline__ void lks_wgmma_wait(void)
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" :: "n"(pending) : "memory");
}

/*
 * d += a b for signed bytes, modulo 2^32: a of 64 rows, b of 64 or 128 columns, both of depth 32 in shared memory, as descriptors
 * say.  By the four warps of a warpgroup; warp w has rows 16 w to 16 w + 15, and d[4 j ..] of lane l is that of mma.m16n8k32 for
 * columns 8 j to 8 j + 7.  PTX ISA, wgmma.mma_async, "Register Fragments".
 */
#define LKS_4(d, i) "+r"(d[i]), "+r"(d[(i) + 1]), "+r"(d[(i) + 2]), "+r"(d[(i) + 3])
#define LKS_16(d, i) LKS_4(d, i), LKS_4(d, (i) + 4), LKS_4(d, (i) + 8), LKS_4(d, (i) + 12)

static __device__ __forceinline__ void lks_wgmma_64xNx32(uint32_t (&d)[32], uint64_t a, uint64_t b)
{
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, 1, 0;\n\t"
                 "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 {"
                 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, "
                 "%32, %33, p;\n\t}"
                 : LKS_16(d, 0), LKS_16(d, 16) : "l"(a), "l"(b) : "memory");
}

static __device__ __forceinline__ void lks_wgmma_64xNx32(uint32_t (&d)[64], uint64_t a, uint64_t b)
{
    asm volatile("{\n\t.reg .pred p;\n\tsetp.ne.b32 p, 1, 0;\n\t"
                 "wgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 {"
                 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
                 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
                 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
                 "%64, %65, p;\n\t}"
                 : LKS_16(d, 0), LKS_16(d, 16), LKS_16(d, 32), LKS_16(d, 48) : "l"(a), "l"(b) : "memory");
}

#endif
