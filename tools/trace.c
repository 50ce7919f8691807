/* SPDX-License-Identifier: Apache-2.0
 *
 * What a run gave, one tensor behind the other: every op output in op order, or what it returned.
 */
#include "tools/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add(trace *t, const lks_model *model, uint32_t batch, trace_entry e, lks_error *error)
{
    trace_entry *grown = realloc(t->entry, (t->count + 1) * sizeof *grown);

    if (!grown)
        return error_memory(error);
    t->entry = grown;
    if (!tensor_get(model, e.index, batch, &e.tensor, error))
        return false;
    e.offset = t->bytes;
    if (e.tensor.bytes > SIZE_MAX - t->bytes)
        return error_memory(error);
    t->bytes += e.tensor.bytes;
    grown[t->count++] = e;
    return true;
}

static bool add_op(trace *t, const lks_model *model, uint32_t batch, uint32_t op, lks_error *error)
{
    lks_op_info info;

    if (lks_model_op(model, op, &info) != LKS_OK)
        return error_set(error, "the model has no op %u", op);
    for (uint32_t i = 0; i < info.outputs; i++) {
        trace_entry e = { .op = op, .output = i, .outputs = info.outputs, .index = info.output[i] };

        if (!add(t, model, batch, e, error))
            return false;
    }
    return true;
}

bool trace_open(const lks_model *model, uint32_t batch, trace *t, lks_error *error)
{
    lks_model_info info;

    memset(t, 0, sizeof *t);
    lks_model_get(model, &info);
    for (uint32_t op = 0; op < info.ops; op++)
        if (!add_op(t, model, batch, op, error)) {
            trace_close(t);
            return false;
        }
    return true;
}

/* The op output that is tensor `index`. */
static bool add_output(trace *t, const lks_model *model, uint32_t batch, uint32_t index, lks_error *error)
{
    lks_model_info info;
    lks_op_info op;

    lks_model_get(model, &info);
    for (uint32_t i = 0; i < info.ops; i++) {
        if (lks_model_op(model, i, &op) != LKS_OK)
            break;
        for (uint32_t k = 0; k < op.outputs; k++)
            if (op.output[k] == index)
                return add(t, model, batch, (trace_entry){ .op = i, .output = k, .outputs = op.outputs, .index = index }, error);
    }
    return error_set(error, "tensor %u: is made by no op", index);
}

bool trace_open_outputs(const lks_model *model, uint32_t batch, trace *t, lks_error *error)
{
    lks_model_info info;

    memset(t, 0, sizeof *t);
    lks_model_get(model, &info);
    for (uint32_t i = 0; i < info.outputs; i++)
        if (!add_output(t, model, batch, lks_model_output(model, i), error)) {
            trace_close(t);
            return false;
        }
    return true;
}

void trace_close(trace *t)
{
    free(t->entry);
    memset(t, 0, sizeof *t);
}

bool trace_read(const trace *t, lks_session *session, uint8_t *data, lks_error *error)
{
    for (size_t i = 0; i < t->count; i++) {
        const trace_entry *e = &t->entry[i];

        if (lks_session_read(session, e->index, data + e->offset, e->tensor.bytes, error) != LKS_OK)
            return false;
    }
    return true;
}

const trace_entry *trace_compare(const trace *t, const uint8_t *expected, const uint8_t *got, lks_mismatch *mismatch)
{
    for (size_t i = 0; i < t->count; i++) {
        const trace_entry *e = &t->entry[i];

        if (lks_compare(&e->tensor, expected + e->offset, got + e->offset, e->tensor.bytes, mismatch) != LKS_OK)
            return e;
    }
    return NULL;
}

void trace_describe(const lks_model *model, const trace_entry *e, const lks_mismatch *m, char *text, size_t size)
{
    lks_tensor_info at = e->tensor;
    lks_op_info op = { .kind = "?" };
    char where[SHAPE_SIZE];

    lks_model_op(model, e->op, &op);
    memcpy(at.dims, m->at, sizeof at.dims);
    tensor_shape(&at, where);
    snprintf(text, size, "op %u %s \"%.80s\" at %s: expected %lld, got %lld; %llu of %zu elements differ", e->op, op.kind,
             e->tensor.name, where, (long long)m->expected, (long long)m->got, (unsigned long long)m->count,
             e->tensor.bytes / tensor_type_bytes(e->tensor.type));
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

static bool tensor_sum(const trace_job *job, uint32_t inputs, size_t *bytes, lks_error *error)
{
    lks_tensor_info t;

    *bytes = 0;
    for (uint32_t i = 0; i < inputs; i++) {
        if (!tensor_get(job->model, lks_model_input(job->model, i), job->batch, &t, error))
            return false;
        if (t.bytes > SIZE_MAX - *bytes)
            return error_memory(error);
        *bytes += t.bytes;
    }
    return true;
}

bool trace_job_open(trace_job *job, lks_error *error)
{
    lks_model_info info;

    lks_model_get(job->model, &info);
    memset(&job->trace, 0, sizeof job->trace);
    if (!tensor_sum(job, info.inputs, &job->input_bytes, error))
        return false;
    return job->kept ? trace_open(job->model, job->batch, &job->trace, error)
                     : trace_open_outputs(job->model, job->batch, &job->trace, error);
}

/* Inputs and outputs of one run; from malloc. */
typedef struct ends {
    lks_in *in;
    lks_out *out;
    uint8_t *memory;            /* of the outputs */
} ends;

static void close_ends(ends *e)
{
    free(e->in);
    free(e->out);
    free(e->memory);
}

static bool open_ends(const trace_job *job, const lks_model_info *info, const trace *outputs, ends *e, lks_error *error)
{
    const uint8_t *at = job->inputs;
    lks_tensor_info t;

    e->in = calloc(info->inputs, sizeof *e->in);
    e->out = calloc(info->outputs, sizeof *e->out);
    e->memory = malloc(outputs->bytes ? outputs->bytes : 1);
    if (!e->in || !e->out || !e->memory)
        return error_memory(error);
    for (uint32_t i = 0; i < info->inputs; at += t.bytes, i++) {
        if (!tensor_get(job->model, lks_model_input(job->model, i), job->batch, &t, error))
            return false;
        e->in[i] = (lks_in){ at, t.bytes };
    }
    for (uint32_t i = 0; i < info->outputs; i++)
        e->out[i] = (lks_out){ e->memory + outputs->entry[i].offset, outputs->entry[i].tensor.bytes };
    return true;
}

/* Every run finds other bytes in its outputs, so that one which is not written is noticed. */
static bool run_once(const trace_job *job, lks_session *session, const ends *e, size_t output_bytes, uint32_t run, uint8_t *data,
                     lks_error *error)
{
    memset(e->memory, run % 2 ? 0x5a : 0xa5, output_bytes);
    if (lks_session_run(session, e->in, e->out, error) != LKS_OK)
        return false;
    if (job->kept)
        return trace_read(&job->trace, session, data, error);
    memcpy(data, e->memory, output_bytes);
    return true;
}

static bool run_all(const trace_job *job, lks_session *session, const ends *e, size_t output_bytes, uint32_t runs,
                    const uint8_t *expected, uint8_t *data, lks_error *error)
{
    lks_mismatch unused;

    for (uint32_t i = 0; i < runs; i++) {
        if (!run_once(job, session, e, output_bytes, i, data, error))
            return false;
        if (!expected || trace_compare(&job->trace, expected, data, &unused))
            break;
    }
    return true;
}

bool trace_job_run(const trace_job *job, const device *d, const char *variant, uint32_t runs, const uint8_t *expected,
                   uint8_t *data, lks_error *error)
{
    const lks_session_options options = {
        .max_batch = job->batch, .keep = job->kept, .variant = variant, .check = LKS_CHECK_NONE
    };
    ends e = { .memory = NULL };
    lks_session *session = NULL;
    lks_model_info info;
    trace outputs;
    bool ok;

    lks_model_get(job->model, &info);
    if (!trace_open_outputs(job->model, job->batch, &outputs, error))
        return false;
    ok = open_ends(job, &info, &outputs, &e, error) && device_open_with(job->model, d, options, &session, error)
         && run_all(job, session, &e, outputs.bytes, runs, expected, data, error);
    lks_session_close(session);
    close_ends(&e);
    trace_close(&outputs);
    return ok;
}
