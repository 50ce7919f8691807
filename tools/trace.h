/* SPDX-License-Identifier: Apache-2.0
 *
 * Every op output of a run, one behind the other in op order.
 */
#ifndef LOCKSTEP_TOOLS_TRACE_H
#define LOCKSTEP_TOOLS_TRACE_H

#include "tools/errors.h"

typedef struct trace_entry {
    uint32_t op, output;        /* output `output` of op `op` */
    uint32_t outputs;           /* of that op */
    uint32_t index;             /* of the tensor */
    size_t offset;
    lks_tensor_info tensor;     /* at the batch of the trace */
} trace_entry;

typedef struct trace {
    trace_entry *entry;
    size_t count;
    size_t bytes;               /* of all outputs together */
} trace;

/* Lay out the op outputs of the model at that batch.  The caller closes it. */
bool trace_open(const lks_model *model, uint32_t batch, trace *t, lks_error *error);
void trace_close(trace *t);

/* Read all of them from the last run of a session that keeps; data has t->bytes bytes. */
bool trace_read(const trace *t, lks_session *session, uint8_t *data, lks_error *error);

#endif
