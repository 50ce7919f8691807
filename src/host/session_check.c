/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session checks itself: the reference runs on the same inputs, and every byte of the outputs must be equal; of every
 * intermediate tensor too, where the session keeps them.
 */
#include "host/error.h"
#include "host/op_rules.h"
#include "host/registry.h"
#include "host/session.h"

#include <stdlib.h>
#include <string.h>

/* The largest batch of the session, as options state it. */
static uint32_t session_batch(const lks_session *s)
{
    return s->model->batch_free ? s->plan->max_batch : s->model->batch;
}

static lks_status open_reference(lks_session *s, lks_error *error)
{
    const lks_session_options o = {
        .backend = lks_reference()->name, .max_batch = session_batch(s), .keep = s->plan->keep, .keep_state = s->keep_state,
        .check = LKS_CHECK_NONE
    };

    return s->reference ? LKS_OK : lks_session_open(s->model, &o, &s->reference, error);
}

/* Buffers for the outputs of one run, of the sizes of out; the blocks are one after the other in *memory. */
static lks_out *make_outputs(const lks_session *s, const lks_out *out, uint8_t **memory)
{
    uint32_t count = s->model->graph.output_count;
    lks_out *copy = malloc(count * sizeof *copy);
    size_t bytes = 0;

    for (uint32_t i = 0; i < count; i++)
        bytes += out[i].bytes;
    *memory = malloc(bytes);
    if (!copy || !*memory) {
        free(copy);
        free(*memory);
        *memory = NULL;
        return NULL;
    }
    for (size_t i = 0, at = 0; i < count; at += out[i++].bytes)
        copy[i] = (lks_out){ *memory + at, out[i].bytes };
    return copy;
}

static lks_status compare_tensor(const lks_session *s, uint32_t tensor, const void *expected, const void *got, size_t bytes,
                                 lks_mismatch *mismatch)
{
    lks_tensor_info t;
    lks_status st;

    lks_model_tensor(s->model, tensor, &t);
    st = lks_compare(&t, expected, got, bytes, mismatch);
    mismatch->tensor = tensor;
    for (uint32_t i = 0; i < s->model->graph.op_count; i++)
        for (uint32_t k = 0; k < s->model->graph.ops[i].output_count; k++)
            if (s->model->graph.ops[i].output[k] == tensor)
                mismatch->op = i;
    return st;
}

/* Compare all outputs, take over the reference's bytes, and keep the first mismatch. */
static lks_status compare_outputs(lks_session *s, const lks_out *expected, const lks_out *out)
{
    lks_status st = LKS_OK;

    for (uint32_t i = 0; i < s->model->graph.output_count; i++) {
        lks_mismatch where;

        if (compare_tensor(s, s->model->graph.outputs[i], expected[i].data, out[i].data, out[i].bytes, &where) == LKS_OK)
            continue;
        if (st == LKS_OK)
            s->mismatch = where;
        st = LKS_ERR_MISMATCH;
        memcpy(out[i].data, expected[i].data, out[i].bytes);
    }
    return st;
}

/* ---- where it began ------------------------------------------------------------------------------------------------------ */

/*
 * Compare a tensor of two sessions that keep, after the same run.
 *
 * LKS_OK            it is equal.
 * LKS_ERR_MISMATCH  *first says where it differs.
 * otherwise         it could not be read: that says nothing about its bytes.
 */
static lks_status compare_kept(const lks_session *s, lks_session *reference, lks_session *device, uint32_t tensor,
                               lks_mismatch *first, lks_error *error)
{
    size_t bytes = lks_session_image_bytes(reference, tensor) * s->images;
    uint8_t *both = malloc(2 * bytes);
    lks_mismatch where;
    lks_status st = both ? lks_session_read(reference, tensor, both, bytes, error)
        : lks_fail(error, LKS_ERR_NOMEM, "out of memory: %zu bytes", 2 * bytes);

    if (st == LKS_OK)
        st = lks_session_read(device, tensor, both + bytes, bytes, error);
    if (st == LKS_OK)
        st = compare_tensor(s, tensor, both, both + bytes, bytes, &where);
    if (st == LKS_ERR_MISMATCH)
        *first = where;
    free(both);
    return st;
}

/* The same of all op outputs, up to the first that differs. */
static lks_status find_first(const lks_session *s, lks_session *reference, lks_session *device, lks_mismatch *first,
                             lks_error *error)
{
    const lks_graph *g = &s->model->graph;
    lks_status st = LKS_OK;

    for (uint32_t i = 0; i < g->op_count && st == LKS_OK; i++)
        for (uint32_t k = 0; k < g->ops[i].output_count && st == LKS_OK; k++)
            st = compare_kept(s, reference, device, g->ops[i].output[k], first, error);
    return st;
}

/* Start from the state that the device had before the run. */
static lks_status hand_over(const lks_session *s, lks_session *to, lks_error *error)
{
    return s->keep_state && s->state_bytes ? lks_session_load_state(to, s->saved, error) : LKS_OK;
}

static lks_status run_again(const lks_session *s, lks_session *on, const lks_in *in, const lks_out *out, lks_error *error)
{
    lks_status st = hand_over(s, on, error);

    return st == LKS_OK ? lks_session_run(on, in, out, error) : st;
}

/* The op whose state has byte `at` of all states. */
static uint32_t op_of_state(const lks_session *s, size_t at)
{
    for (uint32_t i = 0; i < s->plan->step_count; i++) {
        const lks_step *step = &s->plan->steps[i];
        const size_t bytes = step->state < 0 ? 0 : s->plan->tensors[step->state].image_bytes * s->plan->max_batch;

        if (at < bytes)
            return step->op;
        at -= bytes;
    }
    return 0;
}

/* What the device and the reference have left to the next run. */
static lks_status compare_state(lks_session *s, const int16_t *expected, const int16_t *got, lks_error *error)
{
    lks_mismatch *m = &s->mismatch;

    for (size_t i = s->state_bytes / sizeof *got; i-- > 0;)
        if (expected[i] != got[i])
            *m = (lks_mismatch){ .count = m->count + 1, .first = i, .expected = expected[i], .got = got[i] };
    if (m->count == 0)
        return LKS_OK;
    m->op = op_of_state(s, (size_t)m->first * sizeof *got);
    m->tensor = s->model->graph.ops[m->op].output[0];
    return lks_fail(error, LKS_ERR_MISMATCH,
                    "%s %u: differs from the reference in the state that op %u leaves to the next run: %llu elements differ",
                    s->backend->name, s->context->index, m->op, (unsigned long long)m->count);
}

static lks_status check_state(lks_session *s, lks_error *error)
{
    uint8_t *both = malloc(2 * s->state_bytes);
    lks_status st = both ? lks_session_save_state(s->reference, both, error) : lks_fail(error, LKS_ERR_NOMEM, "out of memory");

    if (st == LKS_OK)
        st = lks_session_save_state(s, both + s->state_bytes, error);
    if (st == LKS_OK)
        st = compare_state(s, (const int16_t *)(const void *)both, (const int16_t *)(const void *)(both + s->state_bytes), error);
    free(both);
    return st;
}

/* Run both once more with every intermediate kept.  Where that is not possible, or shows nothing, the mismatch stays as it is. */
static void locate(lks_session *s, const lks_in *in, const lks_out *scratch)
{
    lks_session_options o = {
        .backend = lks_reference()->name, .max_batch = session_batch(s), .keep = 1, .check = LKS_CHECK_NONE
    };
    lks_session *reference = NULL, *device = NULL;

    o.keep_state = s->keep_state;
    if (lks_session_open(s->model, &o, &reference, NULL) == LKS_OK && run_again(s, reference, in, scratch, NULL) == LKS_OK) {
        o.backend = NULL;
        o.context = s->context;
        o.variant = s->variant;
        if (lks_session_open(s->model, &o, &device, NULL) == LKS_OK && run_again(s, device, in, scratch, NULL) == LKS_OK)
            find_first(s, reference, device, &s->mismatch, NULL);
    }
    lks_session_close(reference);
    lks_session_close(device);
}

static lks_status report(const lks_session *s, lks_error *error)
{
    const lks_mismatch *m = &s->mismatch;
    const lks_op *op = &s->model->graph.ops[m->op];

    return lks_fail(error, LKS_ERR_MISMATCH,
                    "%s %u: differs from the reference: op %u (%s \"%.80s\"), element %llu: expected %lld, got %lld; "
                    "%llu elements differ",
                    s->backend->name, s->context->index, m->op, lks_op_rule_of(op->kind)->name,
                    s->model->graph.tensors[m->tensor].name, (unsigned long long)m->first, (long long)m->expected,
                    (long long)m->got, (unsigned long long)m->count);
}

lks_status lks_session_check(lks_session *s, const lks_in *in, const lks_out *out, lks_error *error)
{
    uint8_t *memory = NULL;
    lks_out *expected = make_outputs(s, out, &memory);
    lks_status st = expected ? open_reference(s, error) : lks_fail(error, LKS_ERR_NOMEM, "out of memory");

    if (st == LKS_OK)
        st = run_again(s, s->reference, in, expected, error);
    if (st == LKS_OK && compare_outputs(s, expected, out) != LKS_OK) {
        locate(s, in, expected);
        st = report(s, error);
    } else if (st == LKS_OK && s->plan->keep) {
        st = find_first(s, s->reference, s, &s->mismatch, error);
        if (st == LKS_ERR_MISMATCH)
            st = report(s, error);
    }
    if (st == LKS_OK && s->keep_state && s->state_bytes)
        st = check_state(s, error);
    free(expected);
    free(memory);
    return st;
}
