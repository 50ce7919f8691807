/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that give elements another order or shape: rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_MOVE_H
#define LKS_IMPORT_TFLITE_MOVE_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_transpose(const lks_tfl_op *op);
lks_status lks_tfl_import_tile(const lks_tfl_op *op);
lks_status lks_tfl_import_gather(const lks_tfl_op *op);
lks_status lks_tfl_import_resize_nearest_neighbor(const lks_tfl_op *op);
lks_status lks_tfl_import_space_to_depth(const lks_tfl_op *op);
lks_status lks_tfl_import_depth_to_space(const lks_tfl_op *op);

/* EXPAND_DIMS, SQUEEZE: the output has the elements of operand 0 in their order, and says itself which shape it has. */
lks_status lks_tfl_import_same_elements(const lks_tfl_op *op);

#endif
