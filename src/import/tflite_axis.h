/* SPDX-License-Identifier: Apache-2.0
 *
 * Axes, and lists of extents, as operands and options state them.
 */
#ifndef LKS_IMPORT_TFLITE_AXIS_H
#define LKS_IMPORT_TFLITE_AXIS_H

#include "import/tflite_op.h"

/* An axis of a tensor of that rank as TensorFlow Lite counts it, from the end where it is negative.  Beyond the rank: refused. */
lks_status lks_tfl_axis(const lks_tfl_op *op, int64_t axis, uint32_t rank, uint32_t *settled);

/* The same of operand i, a constant of one INT32. */
lks_status lks_tfl_constant_axis(const lks_tfl_op *op, uint32_t i, uint32_t rank, uint32_t *axis);

/* Operand i, a constant of so many INT32 or INT64.  role: what errors call it. */
lks_status lks_tfl_constant_list(const lks_tfl_op *op, uint32_t i, const char *role, uint32_t count, lks_tfl_tensor **t);

#endif
