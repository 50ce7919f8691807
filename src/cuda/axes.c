/* SPDX-License-Identifier: Apache-2.0
 *
 * Merging axes.
 */
#include "cuda/axes.h"

void lks_axes_add(lks_axes *a, int32_t extent, int32_t stride0, int32_t stride1)
{
    int32_t last = a->count - 1;

    if (extent == 1)
        return;
    if (a->count > 0 && a->stride[last][0] == (int64_t)extent * stride0 && a->stride[last][1] == (int64_t)extent * stride1) {
        a->extent[last] *= extent;
    } else {
        last = a->count++;
        a->extent[last] = extent;
    }
    a->stride[last][0] = stride0;
    a->stride[last][1] = stride1;
}

void lks_axes_finish(lks_axes *a)
{
    if (a->count == 0)
        a->extent[a->count++] = 1;
    for (int32_t i = 0; i < a->count; i++)
        a->magic[i] = lks_magic_of(a->extent[i]);
}

int32_t lks_elements(const int32_t dims[LKS_MAX_RANK])
{
    int32_t elements = 1;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        elements *= dims[axis];
    return elements;
}
