/* SPDX-License-Identifier: Apache-2.0
 *
 * What copy, gather and binary share: a thread has 16, 4 or 1 adjacent bytes of y, as shapes are aligned.
 */
#ifndef LKS_CUDA_UNITS_CUH
#define LKS_CUDA_UNITS_CUH

#include "cuda/element.cuh"
#include "cuda/family.h"

/* In the order in which they are chosen. */
static const char *const lks_unit_variants[] = { "16_bytes", "4_bytes", "bytes", NULL };
enum { LKS_UNIT_16, LKS_UNIT_4, LKS_UNIT_1 };

static inline int32_t lks_unit_of(uint32_t variant)
{
    return variant == LKS_UNIT_16 ? 16 : variant == LKS_UNIT_4 ? 4 : 1;
}

/* One unit per thread, by family_16_kernel, family_4_kernel or family_1_kernel. */
#define LKS_LAUNCH_UNITS(family, variant, units, stream, args) \
    ((variant) == LKS_UNIT_16 ? LKS_LAUNCH_EACH(family##_16_kernel, units, stream, args) \
     : (variant) == LKS_UNIT_4 ? LKS_LAUNCH_EACH(family##_4_kernel, units, stream, args) \
     : LKS_LAUNCH_EACH(family##_1_kernel, units, stream, args))

#endif
