/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops with weights: rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_LINEAR_H
#define LKS_IMPORT_TFLITE_LINEAR_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_conv_2d(const lks_tfl_op *op);
lks_status lks_tfl_import_depthwise_conv_2d(const lks_tfl_op *op);
lks_status lks_tfl_import_fully_connected(const lks_tfl_op *op);
lks_status lks_tfl_import_transpose_conv(const lks_tfl_op *op);
lks_status lks_tfl_import_batch_matmul(const lks_tfl_op *op);

#endif
