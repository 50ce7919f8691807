/* SPDX-License-Identifier: Apache-2.0
 *
 * From int16 to int8.  spec 4.4
 */
#include "cuda/element.cuh"
#include "cuda/family.h"

/* ---- device -------------------------------------------------------------------------------------------------------------- */

/* Four elements per thread; the last thread may have fewer. */
extern "C" __global__ void __launch_bounds__(256) requant_kernel(const int16_t *x, int8_t *y, uint32_t count,
                                                                 const lks_requantization k)
{
    const uint32_t first = lks_thread_index() * 4;

    if (first + 4 <= count) {
        const uint2 v = *(const uint2 *)(x + first);
        const int32_t value[4] = { (int16_t)v.x, (int16_t)(v.x >> 16), (int16_t)v.y, (int16_t)(v.y >> 16) };
        uint32_t word = 0;

#pragma unroll
        for (int32_t i = 0; i < 4; i++)
            word |= (uint32_t)(uint8_t)lks_finish(value[i] - k.x_zero, k.rq, k.tail) << (8 * i);
        *(uint32_t *)(y + first) = word;
    } else {
        for (uint32_t i = first; i < count; i++)
            y[i] = lks_finish(x[i] - k.x_zero, k.rq, k.tail);
    }
}

/* ---- host ---------------------------------------------------------------------------------------------------------------- */

static const char *const variants[] = { "words", NULL };

static cudaError_t launch(const lks_step *s, uint32_t, const lks_cuda_operands *t, const lks_cuda_caps *, cudaStream_t stream)
{
    const int64_t count = (int64_t)t->n * s->args.requant.count;

    return LKS_LAUNCH_EACH(requant_kernel, lks_ceil_div(count, 4), stream, (const int16_t *)t->x, t->y, (uint32_t)count,
                           s->args.requant);
}

extern "C" const lks_cuda_family lks_cuda_requant = { variants, NULL, NULL, NULL, NULL, NULL, launch };
