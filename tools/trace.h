/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run gave, one tensor behind the other: every op output in op order, or what it returned.
 */
#ifndef LOCKSTEP_TOOLS_TRACE_H
#define LOCKSTEP_TOOLS_TRACE_H

#include "tools/device.h"
#include "tools/tensor.h"

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

/* The same for the outputs of the model alone, in model order. */
bool trace_open_outputs(const lks_model *model, uint32_t batch, trace *t, lks_error *error);

/* Read all of them from the last run of a session that keeps; data has t->bytes bytes. */
bool trace_read(const trace *t, lks_session *session, uint8_t *data, lks_error *error);

/* The first tensor in which two traces differ; NULL: they are equal. */
const trace_entry *trace_compare(const trace *t, const uint8_t *expected, const uint8_t *got, lks_mismatch *mismatch);

/* `op 3 conv "name" at [0, 1]: expected 5, got 6; 1 of 10 elements differ` */
void trace_describe(const lks_model *model, const trace_entry *e, const lks_mismatch *m, char *text, size_t size);

/* One run that can be made on any device. */
typedef struct trace_job {
    lks_model *model;
    uint32_t batch;
    bool kept;                  /* a session that keeps, and every op output; else what a run returns */
    const uint8_t *inputs;      /* of all model inputs, one behind the other */
    size_t input_bytes;
    trace trace;                /* laid out by trace_job_open */
} trace_job;

/* Fill in trace and input_bytes from model, batch and kept.  The caller closes the trace. */
bool trace_job_open(trace_job *job, lks_error *error);

/* Run it `runs` times in one session, until a run differs from expected (NULL: once); data has the last one, of trace.bytes. */
bool trace_job_run(const trace_job *job, const device *d, const char *variant, uint32_t runs, const uint8_t *expected,
                   uint8_t *data, lks_error *error);

#endif
