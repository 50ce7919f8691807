/* SPDX-License-Identifier: Apache-2.0
 *
 * Models of one op, from a line of numbers.
 */
#ifndef LOCKSTEP_TOOLS_NETWORKS_SINGLE_OP_H
#define LOCKSTEP_TOOLS_NETWORKS_SINGLE_OP_H

#include "tools/networks/layers.h"

/* what: "conv:1,56,56,64,64,3,3,1" and so on (networks.h).  model: what errors call it.  Adds input and op; *y is its output. */
bool single_op(net *n, const char *model, const char *what, activation *y, lks_error *error);

#endif
