/* SPDX-License-Identifier: Apache-2.0
 *
 * Built-in models: known networks and single ops with seeded weights, so that a device can be measured without a file.
 *
 * They are models like any other: written by the builder, read and proven by the reader.  A name gives the same bytes on
 * every machine.
 */
#ifndef LOCKSTEP_TOOLS_NETWORKS_NETWORKS_H
#define LOCKSTEP_TOOLS_NETWORKS_NETWORKS_H

#include "tools/files.h"

#define NETWORK_PREFIX "builtin:"

/* Does the name of a model begin as those of built-in ones do?  A file of such a name is ./builtin:... */
bool network_named(const char *model);

/* Is it the plain name of a network, such as "resnet50", without prefix or options? */
bool network_known(const char *name);

/*
 * The .lks file of a built-in model: "builtin:WHAT[,half_up][,seed=N]".  On success *file is the caller's (free its data).
 *
 * WHAT is a network, or a single op with its numbers; those in brackets may be left out, from the last:
 *
 *     conv:N,H,W,C,K,R,S[,stride,pad,dilation,groups]     K filters of R x S over N images of H x W x C
 *     depthwise:N,H,W,C,R,S[,stride,pad,dilation]
 *     fc:M,K,N                                            M rows of K numbers to N
 *     add:N,H,W,C    max_pool:N,H,W,C,R,S[,stride,pad]    avg_pool: the same
 *
 * stride 1; pad, on all four sides: half of the larger kernel extent, with dilation, so that an odd square kernel keeps the size;
 * dilation 1; groups 1.
 */
bool network_file(const char *model, blob *file, lks_error *error);

#define HELP_BUILTIN                                                                                                    \
    "A MODEL may be built in: builtin:resnet50, mobilenet_v2, vgg16, bert_base (its linear layers), or a single op:\n" \
    "builtin:conv:N,H,W,C,K,R,S, ... (see lockstep bench --help); ,half_up and ,seed=N may follow.\n"

#endif
