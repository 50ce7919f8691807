/* SPDX-License-Identifier: Apache-2.0
 *
 * SLICE and STRIDED_SLICE: rows of the table in tflite_ops.c.
 */
#ifndef LKS_IMPORT_TFLITE_SLICE_H
#define LKS_IMPORT_TFLITE_SLICE_H

#include "import/tflite_op.h"

lks_status lks_tfl_import_slice(const lks_tfl_op *op);
lks_status lks_tfl_import_strided_slice(const lks_tfl_op *op);

#endif
