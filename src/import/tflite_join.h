/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that join tensors along an axis, or part one: rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_JOIN_H
#define LKS_IMPORT_TFLITE_JOIN_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_concatenation(const lks_tfl_op *op);
lks_status lks_tfl_import_pack(const lks_tfl_op *op);
lks_status lks_tfl_import_split(const lks_tfl_op *op);
lks_status lks_tfl_import_split_v(const lks_tfl_op *op);
lks_status lks_tfl_import_unpack(const lks_tfl_op *op);

#endif
