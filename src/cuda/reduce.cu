/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, maxima and minima over any set of axes.  spec 4.8, 4.17
 */
#include "cuda/axes.cuh"
#include "cuda/family.h"
#include "cuda/row.cuh"

/* Axes that are reduced alternate with axes that are kept, once neighbours are merged: of six there are at most three. */
typedef struct reduce_args {
    const int8_t *x;
    int8_t *y;
    uint32_t outputs, summed;   /* elements of y; elements of x that make one */
    int32_t kind;               /* LKS_REDUCE_... */
    uint32_t base;              /* of a sum: - summed * x_zero, modulo 2^32 */
    lks_axes kept, axes;        /* with strides of x; axes: the summed ones */
    lks_rq rq;
    lks_tail tail;
} reduce_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* What a thread begins with. */
static __device__ __forceinline__ uint32_t nothing(int32_t kind)
{
    return kind == LKS_REDUCE_SUM ? 0u : (uint32_t)-128;
}

static __device__ __forceinline__ uint32_t joined(uint32_t acc, int32_t x, int32_t kind)
{
    const uint32_t term = (uint32_t)lks_reduce_term(x, kind);

    return kind == LKS_REDUCE_SUM ? acc + term : lks_max_of(acc, term);
}

/* One thread per output: neighbours read neighbours where the last axis is kept. */
extern "C" __global__ void __launch_bounds__(256) reduce_thread_kernel(const reduce_args a)
{
    const uint32_t i = lks_thread_index();
    uint32_t acc = nothing(a.kind);

    if (i >= a.outputs)
        return;

    const int8_t *x = a.x + lks_locate_element(a.kept, i).first;

    for (int32_t r = 0; r < a.axes.extent[2]; r++)
        for (int32_t q = 0; q < a.axes.extent[1]; q++)
#pragma unroll 8                        /* the first axis, which is often the only one: loads on their way at once */
            for (int32_t p = 0; p < a.axes.extent[0]; p++)
                acc = joined(acc, x[(uint32_t)(p * a.axes.stride[0][0] + q * a.axes.stride[1][0] + r * a.axes.stride[2][0])],
                             a.kind);
    a.y[i] = lks_reduce_finish((int32_t)(acc + a.base), a.kind, a.rq, a.tail);
}

/* A team of threads per output. */
template <int threads>
static __device__ __forceinline__ void reduce_team(const reduce_args &a, uint32_t output, uint32_t thread, uint32_t *shared)
{
    const int8_t *x = a.x + lks_locate_element(a.kept, output).first;
    uint32_t acc = nothing(a.kind);

    for (uint32_t i = thread; i < a.summed; i += threads)
        acc = joined(acc, x[lks_locate_element(a.axes, i).first], a.kind);
    acc = a.kind == LKS_REDUCE_SUM ? lks_combine<threads>(acc, shared, lks_sum_of)
        : lks_combine<threads>(acc, shared, lks_max_of);
    if (thread == 0)
        a.y[output] = lks_reduce_finish((int32_t)(acc + a.base), a.kind, a.rq, a.tail);
}

extern "C" __global__ void __launch_bounds__(128) reduce_warp_kernel(const reduce_args a)
{
    const uint32_t output = blockIdx.x * 4 + (threadIdx.x >> 5);

    if (output < a.outputs)
        reduce_team<32>(a, output, threadIdx.x & 31, NULL);
}

extern "C" __global__ void __launch_bounds__(256) reduce_block_kernel(const reduce_args a)
{
    LKS_SHARED(shared);

    reduce_team<256>(a, blockIdx.x, threadIdx.x, (uint32_t *)shared);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "thread", "warp", "block", NULL };
enum { THREAD, WARP, BLOCK };

static int64_t summed_of(const lks_reduce *k)
{
    int64_t summed = 1;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        summed *= k->axes >> axis & 1 ? k->dims[axis] : 1;
    return summed;
}

/*
 * A thread alone where neighbours' loads are neighbours and there are outputs for the whole device; else as many as share a sum
 * well.
 */
static uint32_t choose(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c)
{
    const lks_reduce *k = &s->args.reduce;
    const int64_t summed = summed_of(k), outputs = lks_ceil_div(lks_elements(k->dims), summed) * max_batch;
    int last = LKS_MAX_RANK - 1;

    while (last > 0 && k->dims[last] == 1)
        last--;
    if (!(k->axes >> last & 1) && (summed <= 64 || outputs >= 256 * (int64_t)c->multiprocessors))
        return THREAD;
    return summed <= 1024 ? WARP : BLOCK;
}

static reduce_args args_of(const lks_reduce *k, const lks_cuda_operands *t)
{
    reduce_args a = {};
    int32_t stride[LKS_MAX_RANK], image = 1;

    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        stride[axis] = image;
        image *= k->dims[axis];
    }
    a.x = t->x;
    a.y = t->y;
    a.rq = k->rq;
    a.tail = k->tail;
    a.summed = (uint32_t)summed_of(k);
    a.outputs = (uint32_t)lks_ceil_div((int64_t)t->n * image, a.summed);
    a.kind = k->kind;
    a.base = 0u - a.summed * (uint32_t)k->x_zero;
    lks_axes_add(&a.kept, t->n, image, 0);
    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        lks_axes_add(k->axes >> axis & 1 ? &a.axes : &a.kept, k->dims[axis], stride[axis], 0);
    lks_axes_finish(&a.kept);
    lks_axes_finish(&a.axes);
    for (int32_t axis = a.axes.count; axis < 3; axis++)
        a.axes.extent[axis] = 1;        /* for the loops of reduce_thread_kernel */
    return a;
}

static cudaError_t launch(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *,
                          cudaStream_t stream)
{
    const reduce_args a = args_of(&s->args.reduce, t);

    switch (variant) {
    case THREAD: return LKS_LAUNCH_EACH(reduce_thread_kernel, a.outputs, stream, a);
    case WARP: return LKS_LAUNCH(reduce_warp_kernel, dim3((unsigned)lks_ceil_div(a.outputs, 4)), dim3(128), 0, stream, a);
    default: return LKS_LAUNCH(reduce_block_kernel, dim3(a.outputs), dim3(256), 32, stream, a);
    }
}

extern "C" const lks_cuda_family lks_cuda_reduce = { variants, NULL, choose, NULL, NULL, NULL, launch };
