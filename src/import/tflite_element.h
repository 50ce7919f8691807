/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that work element by element.
 */
#ifndef LKS_IMPORT_TFLITE_ELEMENT_H
#define LKS_IMPORT_TFLITE_ELEMENT_H

#include "import/tflite_op.h"

/* As lks_tfl_import_op, for one op each. */
lks_status lks_tfl_import_add(const lks_tfl_op *op);
lks_status lks_tfl_import_sub(const lks_tfl_op *op);
lks_status lks_tfl_import_mul(const lks_tfl_op *op);
lks_status lks_tfl_import_prelu(const lks_tfl_op *op);
lks_status lks_tfl_import_maximum(const lks_tfl_op *op);
lks_status lks_tfl_import_minimum(const lks_tfl_op *op);

#endif
