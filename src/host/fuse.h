/* SPDX-License-Identifier: Apache-2.0
 *
 * Fusing: several steps of a plan become one that does the same integer operations in the same order, so that no byte changes.
 */
#ifndef LKS_HOST_FUSE_H
#define LKS_HOST_FUSE_H

#include "host/plan.h"

/*
 * Fuse what may be fused, in place.
 *
 * fusions  LKS_FUSE_...: what the backend can do.
 * lowered  its steps are changed; *count of them, in an order that still computes everything before it is used, remain.
 * home     one entry per tensor of the plan: afterwards the tensor in whose memory it lies, itself unless it is an alias.
 *
 * LKS_OK, or LKS_ERR_NOMEM: steps and home are as they were.
 */
lks_status lks_fuse(const lks_graph *g, uint32_t fusions, lks_lowered *lowered, uint32_t *count, uint32_t *home);

#endif
