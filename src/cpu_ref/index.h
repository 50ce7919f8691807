/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking through the indices of a tensor.
 */
#ifndef LKS_CPU_REF_INDEX_H
#define LKS_CPU_REF_INDEX_H

#include "spec/op.h"

#include <stddef.h>

/* Step to the next index in row-major order; 0: that was the last. */
static inline int next_index(int32_t i[LKS_MAX_RANK], const int32_t dims[LKS_MAX_RANK])
{
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        if (++i[axis] < dims[axis])
            return 1;
        i[axis] = 0;
    }
    return 0;
}

/* Where the element of that index is. */
static inline size_t offset_of(const int32_t i[LKS_MAX_RANK], const int32_t stride[LKS_MAX_RANK])
{
    size_t at = 0;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        at += (size_t)i[axis] * (size_t)stride[axis];
    return at;
}

#endif
