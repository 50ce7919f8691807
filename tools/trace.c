/* SPDX-License-Identifier: Apache-2.0
 *
 * Every op output of a run, one behind the other in op order.
 */
#include "tools/trace.h"
#include "tools/tensor.h"

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
