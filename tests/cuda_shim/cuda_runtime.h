/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of CUDA C++ that kernels use, as host C++: qualifiers, vector types, built-in variables and functions.  Found before
 * the toolkit's header of this name.
 */
#ifndef SHIM_CUDA_RUNTIME_H
#define SHIM_CUDA_RUNTIME_H

#include "cuda_shim/cuda_runtime_api.h"

#ifdef __cplusplus
#include "cuda_shim/shim.h"

#include <cstring>

#define __host__
#define __device__
#define __global__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)

#define threadIdx shim_thread_index
#define blockIdx shim_block_index
#define blockDim shim_block_size
#define gridDim shim_grid_size
#define warpSize 32

/* ---- vector types: a load of one must be aligned as on a card, which a sanitizer checks ------------------------------------ */

#define SHIM_VECTOR2(name, element, bytes) \
    struct alignas(bytes) name { element x, y; }; \
    static inline name make_##name(element x, element y) { return { x, y }; }
#define SHIM_VECTOR4(name, element, bytes) \
    struct alignas(bytes) name { element x, y, z, w; }; \
    static inline name make_##name(element x, element y, element z, element w) { return { x, y, z, w }; }

SHIM_VECTOR2(char2, signed char, 2)
SHIM_VECTOR2(uchar2, unsigned char, 2)
SHIM_VECTOR2(int2, int, 8)
SHIM_VECTOR2(uint2, unsigned int, 8)
SHIM_VECTOR2(longlong2, long long, 16)
SHIM_VECTOR2(ulonglong2, unsigned long long, 16)
SHIM_VECTOR4(char4, signed char, 4)
SHIM_VECTOR4(uchar4, unsigned char, 4)
SHIM_VECTOR4(int4, int, 16)
SHIM_VECTOR4(uint4, unsigned int, 16)

/* ---- barriers and lanes -------------------------------------------------------------------------------------------------- */

#define __syncthreads() shim_barrier(__FILE__, __LINE__)
#define __syncwarp(...) shim_sync_warp(__FILE__, __LINE__ __VA_OPT__(,) __VA_ARGS__)
#define __shfl_sync(...) shim_shuffle(__FILE__, __LINE__, SHIM_SHUFFLE, __VA_ARGS__)
#define __shfl_up_sync(...) shim_shuffle(__FILE__, __LINE__, SHIM_SHUFFLE_UP, __VA_ARGS__)
#define __shfl_down_sync(...) shim_shuffle(__FILE__, __LINE__, SHIM_SHUFFLE_DOWN, __VA_ARGS__)
#define __shfl_xor_sync(...) shim_shuffle(__FILE__, __LINE__, SHIM_SHUFFLE_XOR, __VA_ARGS__)
#define __ballot_sync(mask, vote) shim_vote(__FILE__, __LINE__, mask, vote)
#define __any_sync(mask, vote) (shim_vote(__FILE__, __LINE__, mask, vote) != 0)
#define __all_sync(mask, vote) (shim_vote(__FILE__, __LINE__, mask, !(vote)) == 0)

static inline void shim_sync_warp(const char *file, int line, uint32_t mask = 0xffffffffu)
{
    shim_lane lane = {};

    lane.what = SHIM_SYNC;
    lane.mask = mask;
    lane.file = file;
    lane.line = line;
    shim_exchange_lanes(&lane);
}

template <typename T>
static inline T shim_shuffle(const char *file, int line, shim_exchange what, uint32_t mask, T value, int argument, int width = 32)
{
    shim_lane lane = {};

    static_assert(sizeof value == 4 || sizeof value == 8, "shuffles move words");
    lane.what = what;
    lane.mask = mask;
    lane.argument = argument;
    lane.width = width;
    lane.file = file;
    lane.line = line;
    std::memcpy(lane.value, &value, sizeof value);
    shim_exchange_lanes(&lane);
    std::memcpy(&value, lane.value, sizeof value);
    return value;
}

static inline uint32_t shim_vote(const char *file, int line, uint32_t mask, int vote)
{
    shim_lane lane = {};

    lane.what = SHIM_BALLOT;
    lane.mask = mask;
    lane.value[0] = vote != 0;
    lane.file = file;
    lane.line = line;
    shim_exchange_lanes(&lane);
    return lane.value[0];
}

/* ---- integer functions --------------------------------------------------------------------------------------------------- */

static inline unsigned int __umulhi(unsigned int a, unsigned int b)
{
    return (unsigned int)((unsigned long long)a * b >> 32);
}

static inline int __mulhi(int a, int b)
{
    return (int)((long long)a * b >> 32);
}

static inline unsigned int __byte_perm(unsigned int a, unsigned int b, unsigned int selector)
{
    unsigned long long both = (unsigned long long)b << 32 | a;
    unsigned int result = 0;

    for (int i = 0; i < 4; i++) {
        unsigned int s = selector >> 4 * i, byte = (unsigned int)(both >> 8 * (s & 7)) & 0xff;

        result |= (s & 8 ? (byte & 0x80 ? 0xffu : 0u) : byte) << 8 * i;
    }
    return result;
}

static inline unsigned int __funnelshift_r(unsigned int low, unsigned int high, unsigned int shift)
{
    return (unsigned int)(((unsigned long long)high << 32 | low) >> (shift & 31));
}

static inline unsigned int __funnelshift_l(unsigned int low, unsigned int high, unsigned int shift)
{
    return (unsigned int)((((unsigned long long)high << 32 | low) << (shift & 31)) >> 32);
}

static inline int __clz(int v)
{
    return v ? __builtin_clz((unsigned int)v) : 32;
}

static inline int __popc(unsigned int v)
{
    return __builtin_popcount(v);
}

static inline int __ffs(int v)
{
    return __builtin_ffs(v);
}

template <typename T> static inline T __ldg(const T *p)
{
    return *p;
}

template <typename T> static inline T min(T a, T b)
{
    return b < a ? b : a;
}

template <typename T> static inline T max(T a, T b)
{
    return a < b ? b : a;
}

/* ---- what C++ adds to the runtime ---------------------------------------------------------------------------------------- */

template <typename... P>
static inline cudaError_t cudaFuncSetAttribute(void (*function)(P...), enum cudaFuncAttribute attribute, int value)
{
    cudaError_t status = shim_usable();

    if (status == cudaSuccess && (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0
                                  || (size_t)value > shim_current()->shared_bytes_per_block))
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess)
        shim_allow_shared((const void *)function, shim_device(), (size_t)value);
    return shim_return(status);
}
#endif

#endif
