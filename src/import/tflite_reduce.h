/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that look at whole axes: rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_REDUCE_H
#define LKS_IMPORT_TFLITE_REDUCE_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_reduce_max(const lks_tfl_op *op);
lks_status lks_tfl_import_reduce_min(const lks_tfl_op *op);
lks_status lks_tfl_import_mean(const lks_tfl_op *op);
lks_status lks_tfl_import_sum(const lks_tfl_op *op);
lks_status lks_tfl_import_arg_max(const lks_tfl_op *op);
lks_status lks_tfl_import_arg_min(const lks_tfl_op *op);
lks_status lks_tfl_import_softmax(const lks_tfl_op *op);

#endif
