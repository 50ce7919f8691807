/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that put values into another scale or range: QUANTIZE, RELU and its kin; rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_REQUANT_H
#define LKS_IMPORT_TFLITE_REQUANT_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_quantize(const lks_tfl_op *op);
lks_status lks_tfl_import_relu(const lks_tfl_op *op);
lks_status lks_tfl_import_relu6(const lks_tfl_op *op);
lks_status lks_tfl_import_relu_n1_to_1(const lks_tfl_op *op);
lks_status lks_tfl_import_relu_0_to_1(const lks_tfl_op *op);

#endif
