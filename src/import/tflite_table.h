/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that are functions of one int8: their 256 values become the table of a lut.
 */
#ifndef LKS_IMPORT_TFLITE_TABLE_H
#define LKS_IMPORT_TFLITE_TABLE_H

#include "import/tflite_op.h"

/* As lks_tfl_import_op, for one op each. */
lks_status lks_tfl_import_logistic(const lks_tfl_op *op);
lks_status lks_tfl_import_tanh(const lks_tfl_op *op);
lks_status lks_tfl_import_hard_swish(const lks_tfl_op *op);
lks_status lks_tfl_import_leaky_relu(const lks_tfl_op *op);
lks_status lks_tfl_import_abs(const lks_tfl_op *op);

#endif
