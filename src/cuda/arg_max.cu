/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of the largest or smallest element along an axis: a thread per output, or a warp where the axis is the last.
 * spec 4.19
 */
#include "cuda/family.h"
#include "cuda/row.cuh"

typedef struct arg_max_args {
    const int8_t *x;
    int32_t *y;
    uint32_t outputs;
    lks_magic inner;
    int32_t extent, smallest;
} arg_max_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

static __device__ __forceinline__ uint32_t larger_key(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

extern "C" __global__ void __launch_bounds__(256) arg_max_thread_kernel(const arg_max_args a)
{
    const uint32_t i = lks_thread_index(), inner = (uint32_t)a.inner.divisor;
    uint32_t best = 0;

    if (i >= a.outputs)
        return;

    const uint32_t outer = lks_divide(i, a.inner);
    const int8_t *x = a.x + (size_t)outer * ((size_t)a.extent * inner) + lks_remainder(i, outer, a.inner);

    for (uint32_t k = 0; k < (uint32_t)a.extent; k++)
        best = larger_key(best, lks_arg_key(x[(size_t)k * inner], k, a.smallest));
    a.y[i] = lks_arg_index(best);
}

extern "C" __global__ void __launch_bounds__(128) arg_max_warp_kernel(const arg_max_args a)
{
    const uint32_t output = blockIdx.x * 4 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
    uint32_t best = 0;

    if (output >= a.outputs)
        return;

    const int8_t *x = a.x + (size_t)output * (size_t)a.extent;

    for (uint32_t k = lane; k < (uint32_t)a.extent; k += 32)
        best = larger_key(best, lks_arg_key(x[k], k, a.smallest));
    best = lks_combine<32>(best, NULL, larger_key);
    if (lane == 0)
        a.y[output] = lks_arg_index(best);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "thread", "warp", NULL };
enum { THREAD, WARP };

static int supports(const lks_step *s, uint32_t variant, const lks_cuda_caps *)
{
    return variant == THREAD || s->args.arg_max.inner == 1;
}

static uint32_t choose(const lks_step *s, uint32_t, const lks_cuda_caps *c)
{
    return supports(s, WARP, c) && s->args.arg_max.extent > 16 ? WARP : THREAD;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const lks_arg_max *k = &s->args.arg_max;
    const arg_max_args a = { t->x, (int32_t *)t->y, (uint32_t)((int64_t)t->n * k->outer * k->inner), lks_magic_of(k->inner),
                             k->extent, k->smallest };

    if (variant == WARP)
        return LKS_LAUNCH(arg_max_warp_kernel, dim3((unsigned)lks_ceil_div(a.outputs, 4)), dim3(128), 0, stream, a);
    return LKS_LAUNCH(arg_max_thread_kernel, dim3((unsigned)lks_ceil_div(a.outputs, 256)), dim3(256), 0, stream, a);
}

extern "C" const lks_cuda_family lks_cuda_arg_max = { variants, supports, choose, NULL, NULL, NULL, launch };
