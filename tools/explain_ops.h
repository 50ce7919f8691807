/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops that `lockstep explain` knows and that stand outside explain_ops.c: each fills in the explanation of one element.
 */
#ifndef LOCKSTEP_TOOLS_EXPLAIN_OPS_H
#define LOCKSTEP_TOOLS_EXPLAIN_OPS_H

#include "tools/explain.h"

void explain_conv(explanation *e);
void explain_fully_connected(explanation *e);
void explain_transposed_conv(explanation *e);
void explain_conv_3d(explanation *e);
void explain_batch_matmul(explanation *e);
void explain_scale(explanation *e);
void explain_reshape(explanation *e);
void explain_pad(explanation *e);
void explain_concat(explanation *e);
void explain_split(explanation *e);
void explain_slice(explanation *e);
void explain_transpose(explanation *e);
void explain_tile(explanation *e);
void explain_gather(explanation *e);
void explain_resize_nearest(explanation *e);
void explain_resize_bilinear(explanation *e);
void explain_lstm(explanation *e);
void explain_svdf(explanation *e);

#endif
