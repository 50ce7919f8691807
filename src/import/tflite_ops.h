/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that can be imported.
 */
#ifndef LKS_IMPORT_TFLITE_OPS_H
#define LKS_IMPORT_TFLITE_OPS_H

#include "import/tflite_op.h"

/* Import one op: check it as the reference does, and add its constants, its output and itself to m->builder. */
lks_status lks_tfl_import_op(const lks_tfl_op *op);

#endif
