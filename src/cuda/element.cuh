/* SPDX-License-Identifier: Apache-2.0
 *
 * What kernels share that work element by element: bytes in words, and what may follow the tail of a kernel (lks_fused, a table).
 */
#ifndef LKS_CUDA_ELEMENT_CUH
#define LKS_CUDA_ELEMENT_CUH

#include "cuda/device.cuh"
#include "spec/magic.h"

/* Byte i of a word, signed. */
static __device__ __forceinline__ int32_t lks_byte(uint32_t word, int32_t i)
{
    return (int8_t)(word >> (8 * i));
}

static __device__ __forceinline__ uint32_t lks_word(int32_t b0, int32_t b1, int32_t b2, int32_t b3)
{
    return (uint32_t)(uint8_t)b0 | (uint32_t)(uint8_t)b1 << 8 | (uint32_t)(uint8_t)b2 << 16 | (uint32_t)(uint8_t)b3 << 24;
}

/* word[i] byte k <- word[k] byte i */
static __device__ __forceinline__ void lks_transpose4(uint32_t word[4])
{
    const uint32_t low01 = __byte_perm(word[0], word[1], 0x5140), high01 = __byte_perm(word[0], word[1], 0x7362);
    const uint32_t low23 = __byte_perm(word[2], word[3], 0x5140), high23 = __byte_perm(word[2], word[3], 0x7362);

    word[0] = __byte_perm(low01, low23, 0x5410);
    word[1] = __byte_perm(low01, low23, 0x7632);
    word[2] = __byte_perm(high01, high23, 0x5410);
    word[3] = __byte_perm(high01, high23, 0x7632);
}

/* The thread's index in a grid of one dimension. */
static __device__ __forceinline__ uint32_t lks_thread_index(void)
{
    return blockIdx.x * blockDim.x + threadIdx.x;
}

/* Enqueue such a grid: at least so many threads, 256 to a block. */
#define LKS_LAUNCH_EACH(kernel, threads, stream, ...) \
    LKS_LAUNCH(kernel, dim3((unsigned)lks_ceil_div(threads, 256)), dim3(256), 0, stream, __VA_ARGS__)

/* The remainder of a division whose quotient is at hand. */
static __device__ __forceinline__ uint32_t lks_remainder(uint32_t n, uint32_t quotient, lks_magic m)
{
    return n - quotient * (uint32_t)m.divisor;
}

/* A table of step->table on one element; table may be NULL. */
static __device__ __forceinline__ int32_t lks_apply_table(int32_t v, const int8_t *table)
{
    return table ? table[v + 128] : v;
}

/* lks_fused on one element of which x2 is the other addend. */
static __device__ __forceinline__ int32_t lks_follow(int32_t v, int32_t x2, const lks_fused &fused, const int8_t *table)
{
    return lks_apply_table(fused.adds ? lks_add(v, x2, fused.add) : v, table);
}

/* lks_add on four elements side by side; rounding and subtracts are constants, so that most of it goes. */
template <int rounding, int subtracts>
static __device__ __forceinline__ uint32_t lks_add4(uint32_t v, uint32_t x2, lks_addition p)
{
    uint32_t y = 0;

    p.tail.rounding = rounding;
    p.subtracts = subtracts;
#pragma unroll
    for (int32_t i = 0; i < 4; i++)
        y |= (uint32_t)(uint8_t)lks_add(lks_byte(v, i), lks_byte(x2, i), p) << (8 * i);
    return y;
}

/* On sixteen, eight at a time: they take turns in the first places, where their results then follow the others. */
template <int rounding, int subtracts>
static __device__ __forceinline__ uint4 lks_add16(uint4 v, uint4 x2, const lks_addition &p)
{
#pragma unroll 1
    for (int32_t i = 0; i < 2; i++) {
        v = uint4{ v.z, v.w, lks_add4<rounding, subtracts>(v.x, x2.x, p), lks_add4<rounding, subtracts>(v.y, x2.y, p) };
        x2 = uint4{ x2.z, x2.w, x2.x, x2.y };
    }
    return v;
}

static __device__ __forceinline__ uint32_t lks_apply_table4(uint32_t v, const int8_t *table)
{
    return lks_word(table[lks_byte(v, 0) + 128], table[lks_byte(v, 1) + 128], table[lks_byte(v, 2) + 128],
                    table[lks_byte(v, 3) + 128]);
}

/* lks_follow on four elements, and on sixteen. */
static __device__ __forceinline__ uint32_t lks_follow4(uint32_t v, uint32_t x2, const lks_fused &fused, const int8_t *table)
{
    uint32_t y = 0;

#pragma unroll 1                        /* of layers whose channels are no multiple of 16: kept small */
    for (int32_t i = 0; i < 4; i++)
        y |= (uint32_t)(uint8_t)lks_follow(lks_byte(v, i), lks_byte(x2, i), fused, table) << (8 * i);
    return y;
}

static __device__ __forceinline__ uint4 lks_follow16(uint4 v, uint4 x2, const lks_fused &fused, const int8_t *table)
{
    const int32_t half_up = fused.add.tail.rounding == LKS_HALF_UP;

    if (fused.adds && fused.add.subtracts == 0)
        v = half_up ? lks_add16<LKS_HALF_UP, 0>(v, x2, fused.add) : lks_add16<LKS_TFLITE, 0>(v, x2, fused.add);
    else if (fused.adds)
        v = uint4{ lks_follow4(v.x, x2.x, fused, NULL), lks_follow4(v.y, x2.y, fused, NULL), lks_follow4(v.z, x2.z, fused, NULL),
                   lks_follow4(v.w, x2.w, fused, NULL) };
    if (table)
        v = uint4{ lks_apply_table4(v.x, table), lks_apply_table4(v.y, table), lks_apply_table4(v.z, table),
                   lks_apply_table4(v.w, table) };
    return v;
}

/* Store bytes of y at y + at, from shared or local memory, with what follows: bytes is 1, 4 or 16, and all are aligned to it. */
template <int bytes>
static __device__ __forceinline__ void lks_store(const void *from, const int8_t *x2, int8_t *y, const lks_fused &fused,
                                                 const int8_t *table)
{
    const int follows = fused.adds || table;

    if (bytes == 16) {
        uint4 v = *(const uint4 *)from, a = { 0, 0, 0, 0 };

        if (fused.adds)
            a = *(const uint4 *)x2;
        *(uint4 *)y = follows ? lks_follow16(v, a, fused, table) : v;
    } else if (bytes == 4) {
        uint32_t v = *(const uint32_t *)from, a = fused.adds ? *(const uint32_t *)x2 : 0;

        *(uint32_t *)y = follows ? lks_follow4(v, a, fused, table) : v;
    } else {
        int32_t v = *(const int8_t *)from;

        *y = (int8_t)(follows ? lks_follow(v, fused.adds ? *x2 : 0, fused, table) : v);
    }
}

#endif
