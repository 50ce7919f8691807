/* SPDX-License-Identifier: Apache-2.0
 *
 * From an element's index to its place.
 */
#ifndef LKS_CUDA_AXES_CUH
#define LKS_CUDA_AXES_CUH

#include "cuda/axes.h"
#include "cuda/element.cuh"

typedef struct lks_offsets {
    uint32_t first, second;     /* by the strides of lks_axes */
} lks_offsets;

static __device__ __forceinline__ lks_offsets lks_locate_element(const lks_axes &a, uint32_t i)
{
    lks_offsets at = { 0, 0 };

#pragma unroll 1
    for (int32_t axis = a.count - 1; axis >= 0; axis--) {
        const uint32_t outer = lks_divide(i, a.magic[axis]), k = lks_remainder(i, outer, a.magic[axis]);

        at.first += k * (uint32_t)a.stride[axis][0];
        at.second += k * (uint32_t)a.stride[axis][1];
        i = outer;
    }
    return at;
}

#endif
