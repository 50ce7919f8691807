/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that keep a state: variable tensors become the state of the op that uses them.
 */
#ifndef LKS_IMPORT_TFLITE_STATE_H
#define LKS_IMPORT_TFLITE_STATE_H

#include "import/tflite_op.h"

/* As lks_tfl_import_op, for one op each. */
lks_status lks_tfl_import_lstm(const lks_tfl_op *op);
lks_status lks_tfl_import_svdf(const lks_tfl_op *op);

#endif
