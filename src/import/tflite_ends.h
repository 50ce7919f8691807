/* SPDX-License-Identifier: Apache-2.0
 *
 * Ops of a .tflite file that leave no op in the .lks: conversions from and to floats at the ends of the graph, arithmetic on
 * shapes, and reshapings of constants.
 *
 * A float graph input that QUANTIZE reads, and a float graph output that DEQUANTIZE makes, are left out: the quantized tensor is
 * the input or output instead, and its scale and zero point say what its values mean.
 */
#ifndef LKS_IMPORT_TFLITE_ENDS_H
#define LKS_IMPORT_TFLITE_ENDS_H

#include "import/tflite_op.h"

/* Find the inner tensor of each float graph input; inputs are marked already.  LKS_ERR_FORMAT: an operator is damaged. */
lks_status lks_tfl_find_inner(lks_tfl_model *m);

/* QUANTIZE from FLOAT32: nothing is left to do at a graph input; refused elsewhere. */
lks_status lks_tfl_import_float_quantize(const lks_tfl_op *op);
lks_status lks_tfl_import_dequantize(const lks_tfl_op *op);

/*
 * Whether the op is done when its operands are looked at.
 *
 * Shape arithmetic makes an INT32 tensor from shapes and constants alone: as TensorFlow Lite Micro, the importer takes the shape
 * of each tensor from the file, and what computes it again is left out.  RESHAPE, SQUEEZE and EXPAND_DIMS of a constant make a
 * constant.
 */
lks_status lks_tfl_fold(const lks_tfl_op *op, bool *done);

#endif
