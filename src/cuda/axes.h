/* SPDX-License-Identifier: Apache-2.0
 *
 * Indices of tensors of any rank: extents with strides, as few as possible, and with their magic divisors.  C and CUDA.
 */
#ifndef LKS_CUDA_AXES_H
#define LKS_CUDA_AXES_H

#include "spec/magic.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LKS_AXES_MAX (LKS_MAX_RANK + 1)     /* the batch comes first */

/* Outermost first.  Two strides in elements, for two operands; where there is one, the second is 0. */
typedef struct lks_axes {
    int32_t count;              /* 1 or more once it is finished */
    int32_t extent[LKS_AXES_MAX], stride[LKS_AXES_MAX][2];
    lks_magic magic[LKS_AXES_MAX];
} lks_axes;

/* Add the next inner axis to axes that began all zero; it is merged into the last one where one stride reaches over both. */
void lks_axes_add(lks_axes *a, int32_t extent, int32_t stride0, int32_t stride1);

/* Compute the magic divisors; no axis becomes one of extent 1. */
void lks_axes_finish(lks_axes *a);

/* The number of elements of a tensor of those extents. */
int32_t lks_elements(const int32_t dims[LKS_MAX_RANK]);

#ifdef __cplusplus
}
#endif

#endif
