/* SPDX-License-Identifier: Apache-2.0
 *
 * What the lanes of a warp do together, once all of them have come.
 */
#ifndef SHIM_WARP_H
#define SHIM_WARP_H

#include "cuda_shim/block.h"

/*
 * Exchange.  lanes: by lane; NULL for those outside the mask; at least one is there.  All name the same operation.
 *
 * NULL, or what is wrong.
 */
const char *shim_warp_exchange(shim_lane *lanes[SHIM_WARP]);

#endif
