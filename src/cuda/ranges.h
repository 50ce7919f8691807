/* SPDX-License-Identifier: Apache-2.0
 *
 * Ranges that a profiler shows around the launches of a step, in the domain "lockstep", where the toolkit's NVTX header is there;
 * without a profiler they do nothing.  With graphs they stand around the capture; --no-graph puts them around each run.
 */
#ifndef LKS_CUDA_RANGES_H
#define LKS_CUDA_RANGES_H

#if defined(__has_include)
#if __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define LKS_CUDA_RANGES
#endif
#endif

/* NULL: without a profiler, or without the header. */
typedef struct nvtxDomainRegistration_st lks_cuda_ranges;

static inline lks_cuda_ranges *lks_cuda_ranges_open(void)
{
#ifdef LKS_CUDA_RANGES
    return nvtxDomainCreateA("lockstep");
#else
    return NULL;
#endif
}

static inline void lks_cuda_ranges_close(lks_cuda_ranges *domain)
{
#ifdef LKS_CUDA_RANGES
    if (domain)
        nvtxDomainDestroy(domain);
#else
    (void)domain;
#endif
}

static inline void lks_cuda_range_push(lks_cuda_ranges *domain, const char *name)
{
#ifdef LKS_CUDA_RANGES
    nvtxEventAttributes_t a = { 0 };

    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = name;
    nvtxDomainRangePushEx(domain, &a);
#else
    (void)domain;
    (void)name;
#endif
}

static inline void lks_cuda_range_pop(lks_cuda_ranges *domain)
{
#ifdef LKS_CUDA_RANGES
    nvtxDomainRangePop(domain);
#else
    (void)domain;
#endif
}

#endif
