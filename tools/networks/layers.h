/* SPDX-License-Identifier: Apache-2.0
 *
 * Layers of networks with random weights, whose activations keep their spread: every layer knows mean and variance of what
 * it gets, subtracts the mean by its bias, and scales what remains to a standard deviation that fills int8 and seldom clips.
 *
 * Integers only, so that a network is the same on every machine.
 */
#ifndef LOCKSTEP_TOOLS_NETWORKS_LAYERS_H
#define LOCKSTEP_TOOLS_NETWORKS_LAYERS_H

#include "tools/cases_maker.h"

/* A network under construction.  Whatever fails is told by lks_builder_write, or by failed. */
typedef struct net {
    lks_builder *b;
    uint64_t seed, layers;      /* weights come from both: layer i is the same whatever comes behind it */
    int32_t rounding;
    bool failed;                /* memory ran out, or a shape that is none */
} net;

/* A tensor between layers.  mean and variance are of the stored value minus zero, and estimates. */
typedef struct activation {
    uint32_t tensor, rank, dims[LKS_MAX_RANK];
    int32_t zero, mean, variance;
} activation;

/* What follows a sum: nothing (about 0, both signs), or max(0, ...). */
typedef enum rectifier { LINEAR, RELU } rectifier;

typedef struct window {
    uint32_t kernel_h, kernel_w, stride, pad, dilation;     /* pad on all four sides */
} window;

/* Uniform random int8. */
activation net_input(net *n, uint32_t rank, const uint32_t *dims);

/* x [n, h, w, c].  groups divides c and out_c. */
activation net_conv(net *n, const char *name, const activation *x, uint32_t out_c, window w, uint32_t groups, rectifier r);

/* One row per first extents of the shape: x [..., k] to y [..., out]; flatten: x [n, ...] to y [n, out]. */
activation net_fully_connected(net *n, const char *name, const activation *x, uint32_t out, bool flatten, rectifier r);

/* The sum of two of one shape. */
activation net_add(net *n, const char *name, const activation *a, const activation *b, rectifier r);

/* kind: LKS_OP_MAX_POOL or LKS_OP_AVG_POOL. */
activation net_pool(net *n, const char *name, uint32_t kind, const activation *x, window w);

/* x [n, h, w, c] to y [n, c]. */
activation net_mean(net *n, const char *name, const activation *x);

#endif
