/* SPDX-License-Identifier: Apache-2.0
 *
 * From which op to which each activation is alive.
 */
#ifndef LKS_HOST_LIFETIME_H
#define LKS_HOST_LIFETIME_H

#include "host/model.h"

/* first > last: not an activation. */
typedef struct lks_lifetime {
    uint32_t first, last;           /* positions in the list of ops, both included */
} lks_lifetime;

/*
 * One entry per tensor of the graph, by the rule for peak bytes of spec 6.
 *
 * The caller frees it; NULL: out of memory.
 */
lks_lifetime *lks_lifetimes(const lks_graph *g);

#endif
