/* SPDX-License-Identifier: Apache-2.0
 *
 * The constants of requantization in the order of vectors: how micro-kernels want a channel's multiplier, shift and base.
 */
#ifndef LKS_CPU_SCALE_H
#define LKS_CPU_SCALE_H

#include "cpu/isa.h"

/* What is known of one output channel. */
typedef struct lks_cpu_channel {
    uint32_t base;              /* modulo 2^32 */
    uint64_t bound;             /* |sum| is at most that, base and all; by the bound law below 2^31 */
    lks_rq rq;
} lks_cpu_channel;

/*
 * Constants of `count` channels, at most vectors * isa->lanes, into [vector][LKS_CPU_SCALE_VECTORS][lanes]; lanes without a
 * channel give 0.
 */
lks_cpu_scaling lks_cpu_pack_scale(const lks_cpu_isa *isa, const lks_cpu_channel *channels, int32_t count, int32_t vectors,
                                   int32_t rounding, int32_t *scale);

#endif
