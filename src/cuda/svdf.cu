/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of filters over time: one unit of one image per thread, which owns the memories of its filters.  spec 4.51
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

#include <string.h>

/* Packed: base [filters], w [word of inputs][filter], bias [units], w_time [filter][memory]. */
typedef struct svdf_args {
    const int8_t *x;
    const int32_t *base, *bias;
    const uint32_t *w;
    const int16_t *w_time;
    int16_t *state;
    int8_t *y;
    uint32_t outputs;
    lks_magic units;
    lks_svdf k;
} svdf_args;

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* Inputs 4 i to 4 i + 3, of which those beyond the last are 0. */
static __device__ __forceinline__ uint32_t load_inputs(const svdf_args &p, const int8_t *x, int32_t i)
{
    uint32_t word = 0;

    if ((p.k.in_c & 3) == 0)
        return *(const uint32_t *)(x + 4 * i);
#pragma unroll
    for (int32_t b = 0; b < 4; b++)
        if (4 * i + b < p.k.in_c)
            word |= (uint32_t)(uint8_t)x[4 * i + b] << (8 * b);
    return word;
}

/* base: the share of x_zero. */
static __device__ __forceinline__ int32_t feature(const svdf_args &p, const int8_t *x, uint32_t f)
{
    const uint32_t filters = (uint32_t)(p.k.units * p.k.rank);
    const int32_t words = (p.k.in_c + 3) >> 2;
    uint32_t acc = (uint32_t)p.base[f];

#pragma unroll 4
    for (int32_t i = 0; i < words; i++)
        acc = lks_dp4a(load_inputs(p, x, i), p.w[(size_t)(uint32_t)i * filters + f], acc);
    return lks_clamp(lks_requant((int32_t)acc, p.k.feature_rq, p.k.tail.rounding), p.k.state_min, p.k.state_max);
}

static __device__ __forceinline__ int64_t remember(int16_t *state, int32_t newest, const int16_t *w_time, int32_t memory)
{
    int64_t sum = 0;

    for (int32_t t = 0; t < memory; t++) {
        const int32_t v = t + 1 < memory ? state[t + 1] : newest;

        state[t] = (int16_t)v;
        sum += w_time[t] * v;
    }
    return sum;
}

extern "C" __global__ void __launch_bounds__(128) svdf_kernel(const svdf_args p)
{
    const uint32_t i = lks_thread_index();

    if (i >= p.outputs)
        return;

    const uint32_t image = lks_divide(i, p.units), unit = lks_remainder(i, image, p.units);
    const uint32_t filters = (uint32_t)(p.k.units * p.k.rank), first = unit * (uint32_t)p.k.rank;
    const int8_t *x = p.x + (size_t)image * (uint32_t)p.k.in_c;
    int64_t sum = p.bias[unit];

    for (uint32_t f = first; f < first + (uint32_t)p.k.rank; f++)
        sum += remember(p.state + ((size_t)image * filters + f) * (uint32_t)p.k.memory, feature(p, x, f),
                        p.w_time + (size_t)f * (uint32_t)p.k.memory, p.k.memory);
    p.y[i] = lks_finish(lks_saturate(sum), p.k.rq, p.k.tail);
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "threads", NULL };

typedef struct layout {
    size_t filters, words, w, w_time, bias, bytes;
} layout;

static layout layout_of(const lks_svdf *k)
{
    layout l = {};

    l.filters = (size_t)k->units * (size_t)k->rank;
    l.words = (size_t)lks_ceil_div(k->in_c, 4);
    l.w = l.filters * 4;
    l.bias = l.w + l.words * l.filters * 4;
    l.w_time = l.bias + (size_t)k->units * 4;
    l.bytes = l.w_time + l.filters * (size_t)k->memory * 2;
    return l;
}

static size_t packed_bytes(const lks_step *s, uint32_t)
{
    return layout_of(&s->args.svdf).bytes;
}

static void pack(const lks_step *s, uint32_t, void *packed)
{
    const lks_svdf *k = &s->args.svdf;
    const layout l = layout_of(k);
    uint8_t *to = (uint8_t *)packed;

    memset(packed, 0, l.bytes);
    for (size_t f = 0; f < l.filters; f++) {
        const int8_t *w = s->w + f * (size_t)k->in_c;
        int64_t sum = 0;

        for (size_t i = 0; i < (size_t)k->in_c; i++) {
            sum += w[i];
            to[l.w + ((i >> 2) * l.filters + f) * 4 + (i & 3)] = (uint8_t)w[i];
        }
        ((uint32_t *)packed)[f] = 0u - (uint32_t)k->x_zero * (uint32_t)sum;
    }
    memcpy(to + l.bias, s->bias, (size_t)k->units * 4);
    memcpy(to + l.w_time, s->w_time, l.filters * (size_t)k->memory * 2);
}

static cudaError_t launch(const lks_step *s, uint32_t, const lks_cuda_operands *t, const lks_cuda_caps *, cudaStream_t stream)
{
    const lks_svdf *k = &s->args.svdf;
    const layout l = layout_of(k);
    const uint8_t *packed = (const uint8_t *)t->packed;
    const svdf_args p = {
        t->x, (const int32_t *)packed, (const int32_t *)(packed + l.bias), (const uint32_t *)(packed + l.w),
        (const int16_t *)(packed + l.w_time), t->state, t->y, (uint32_t)(t->n * k->images * k->units), lks_magic_of(k->units), *k
    };

    return LKS_LAUNCH(svdf_kernel, dim3((unsigned)lks_ceil_div(p.outputs, 128)), dim3(128), 0, stream, p);
}

extern "C" const lks_cuda_family lks_cuda_svdf = { variants, NULL, NULL, packed_bytes, pack, NULL, launch };
