/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernels of shim_kernels.cu, for shim_test.c.
 */
#ifndef SHIM_KERNELS_H
#define SHIM_KERNELS_H

#include "cuda_shim/cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

/* SHIM_WGMMA_...: in the order of the swizzle modes of matrix descriptors. */
enum {
    SHIM_REVERSE, SHIM_SUM, SHIM_COPY, SHIM_MATRIX, SHIM_GRID, SHIM_PAIRS, SHIM_RING,
    SHIM_WGMMA_NONE, SHIM_WGMMA_128B, SHIM_WGMMA_64B, SHIM_WGMMA_32B
};

#define SHIM_RING_STEPS 12

/* What a kernel does wrong. */
enum {
    PLANTED_NOTHING, PLANTED_NO_BARRIER, PLANTED_SOME_RETURN, PLANTED_OTHER_BARRIER, PLANTED_SHARED_OVERRUN,
    PLANTED_GLOBAL_OVERRUN,
    PLANTED_LANE_RETURNS, PLANTED_OTHER_MASK, PLANTED_LANE_OUTSIDE, PLANTED_NO_WAIT,
    PLANTED_WRONG_PARITY, PLANTED_LOST_COPY, PLANTED_OVERWRITTEN, PLANTED_NO_ASYNC_FENCE, PLANTED_NO_WGMMA_FENCE,
    PLANTED_OPERAND_WRITTEN, PLANTED_OTHER_PRODUCT, PLANTED_NEVER_WAITED
};

cudaError_t shim_test_launch(int kernel, unsigned threads, const void *a, const void *b, int32_t *y, int wrong,
                             cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
