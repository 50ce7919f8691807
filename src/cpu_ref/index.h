/* SPDX-License-Identifier: Apache-2.0
 *
 * Walking through the indices of a tensor.
 */
#ifndef LKS_CPU_REF_INDEX_H
#define LKS_CPU_REF_INDEX_H

#include "spec/op.h"

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

#endif
