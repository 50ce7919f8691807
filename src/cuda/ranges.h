/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges that a profiler shows around the launches of a step, where the toolkit's NVTX header is there; without a profiler they
 * do nothing.  With graphs they stand around the capture; --no-graph puts them around each run.
 */
#ifndef LKS_CUDA_RANGES_H
#define LKS_CUDA_RANGES_H

#if defined(__has_include)
#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define LKS_CUDA_RANGES
#endif
#endif

static inline void lks_cuda_range_push(const char *name)
{
#ifdef LKS_CUDA_RANGES
    nvtxRangePushA(name);
#else
    (void)name;
#endif
}

static inline void lks_cuda_range_pop(void)
{
#ifdef LKS_CUDA_RANGES
    nvtxRangePop();
#endif
}

#endif
