/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: a model, planned for a batch and built into a program on one device, with a stream to run it on.
 */
#include "host/session.h"

#include "host/context.h"
#include "host/error.h"
#include "host/interface.h"
#include "host/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- interface types (spec 2) -------------------------------------------------------------------------------------------- */

static size_t image_elements(const lks_session *s, uint32_t tensor)
{
    return s->plan->tensors[tensor].image_bytes / lks_type_bytes(s->model->graph.tensors[tensor].type);
}

size_t lks_session_image_bytes(const lks_session *s, uint32_t tensor)
{
    return image_elements(s, tensor) * lks_type_bytes(s->model->graph.tensors[tensor].interface);
}

static lks_status write_tensor(lks_session *s, uint32_t tensor, const lks_in *in, lks_error *error)
{
    const lks_tensor *t = &s->model->graph.tensors[tensor];
    const size_t count = in->bytes / lks_type_bytes(t->interface), offset = s->plan->tensors[tensor].offset;
    size_t fit;

    if (!lks_interface_differs(t))
        return s->backend->write(s->stream, offset, in->data, in->bytes, error);
    fit = lks_interface_store(t, in->data, count, s->staging);
    if (fit < count)
        return lks_fail(error, LKS_ERR_ARGUMENT, "input \"%.80s\": element %zu does not fit int32", t->name, fit);
    return s->backend->write(s->stream, offset, s->staging, count * lks_type_bytes(t->type), error);
}

/* bytes: in the interface type. */
static lks_status read_tensor(lks_session *s, uint32_t tensor, void *data, size_t bytes, lks_error *error)
{
    const lks_tensor *t = &s->model->graph.tensors[tensor];
    const size_t count = bytes / lks_type_bytes(t->interface);
    lks_status st = s->backend->read(s->stream, s->plan->tensors[tensor].offset, data, count * lks_type_bytes(t->type), error);

    if (st == LKS_OK && lks_interface_differs(t))
        lks_interface_load(t, data, count);
    return st;
}

/* ---- state (spec 5) ------------------------------------------------------------------------------------------------------ */

static size_t state_bytes(const lks_plan *p, const lks_step *s)
{
    return s->state < 0 ? 0 : p->tensors[s->state].image_bytes * p->max_batch;
}

lks_status lks_session_save_state(lks_session *s, uint8_t *to, lks_error *error)
{
    lks_status st = LKS_OK;

    for (uint32_t i = 0; s->state_bytes && st == LKS_OK && i < s->plan->step_count; i++) {
        const lks_step *step = &s->plan->steps[i];
        const size_t bytes = state_bytes(s->plan, step);

        if (bytes)
            st = s->backend->read(s->stream, s->plan->tensors[step->state].offset, to, bytes, error);
        to += bytes;
    }
    return st;
}

/* Of the first images of each state. */
static lks_status load_images(lks_session *s, const uint8_t *from, uint32_t images, lks_error *error)
{
    lks_status st = LKS_OK;

    for (uint32_t i = 0; s->state_bytes && st == LKS_OK && i < s->plan->step_count; i++) {
        const lks_step *step = &s->plan->steps[i];
        const size_t bytes = state_bytes(s->plan, step);

        if (bytes)
            st = s->backend->write(s->stream, s->plan->tensors[step->state].offset, from,
                                   s->plan->tensors[step->state].image_bytes * images, error);
        from += bytes;
    }
    return st;
}

lks_status lks_session_load_state(lks_session *s, const uint8_t *from, lks_error *error)
{
    return load_images(s, from, s->plan->max_batch, error);
}

static lks_status make_state(lks_session *s, lks_error *error)
{
    for (uint32_t i = 0; i < s->plan->step_count; i++)
        s->state_bytes += state_bytes(s->plan, &s->plan->steps[i]);
    if (!s->state_bytes)
        return LKS_OK;
    s->zeros = calloc(s->state_bytes, 1);
    s->saved = s->keep_state ? calloc(s->state_bytes, 1) : NULL;
    if (!s->zeros || (s->keep_state && !s->saved))
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory: %zu bytes", s->state_bytes);
    return lks_session_load_state(s, s->zeros, error);
}

lks_status lks_session_reset(lks_session *s, lks_error *error)
{
    lks_error unused;
    lks_status st;

    error = error ? error : &unused;
    if (!s)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_reset: session is NULL");
    st = lks_session_load_state(s, s->zeros, error);
    return st == LKS_OK ? lks_ok(error) : st;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

/* The context of the options, or one of the session's own. */
static lks_status take_context(lks_session *s, const lks_session_options *o, lks_error *error)
{
    const lks_context_options own = { .backend = o->backend, .device = o->device };
    lks_status st = LKS_OK;

    if (o->context && (o->backend || o->device))
        return lks_fail(error, LKS_ERR_ARGUMENT, "backend, device: are those of the context");
    if (o->context)
        s->context = lks_context_share(o->context);
    else
        st = lks_context_open(&own, &s->context, error);
    if (st == LKS_OK)
        s->backend = s->context->backend;
    return st;
}

static lks_status make_staging(lks_session *s, lks_error *error)
{
    const lks_graph *g = &s->model->graph;
    size_t most = 0;

    for (uint32_t i = 0; i < g->input_count; i++) {
        size_t bytes = s->plan->tensors[g->inputs[i]].image_bytes * s->plan->max_batch;

        if (lks_interface_differs(&g->tensors[g->inputs[i]]) && bytes > most)
            most = bytes;
    }
    if (most && !(s->staging = malloc(most)))
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory: %zu bytes", most);
    return LKS_OK;
}

/* How often runs are checked; false: the options make no sense. */
static bool check_every(const lks_session_options *o, uint32_t *every)
{
    switch (o->check) {
    case LKS_CHECK_AUTO:   *every = 64; return true;
    case LKS_CHECK_NONE:   *every = 0; return true;
    case LKS_CHECK_FULL:   *every = 1; return true;
    case LKS_CHECK_SAMPLE: *every = o->sample_every; return *every > 0;
    }
    return false;
}

static lks_status apply_options(lks_session *s, const lks_session_options *o, lks_error *error)
{
    if (!check_every(o, &s->check_every))
        return lks_fail(error, LKS_ERR_ARGUMENT, "check: no such rule, or a sample of every 0 runs");
    s->keep_state = o->keep_state;
    if (s->backend == lks_reference())
        s->check_every = 0;
    if (o->variant && !(s->variant = malloc(strlen(o->variant) + 1)))
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory");
    if (o->variant)
        strcpy(s->variant, o->variant);
    return LKS_OK;
}

static lks_status check_batch(const lks_model *model, const lks_session_options *o, lks_plan_options *plan, lks_error *error)
{
    uint32_t batch = o->max_batch ? o->max_batch : model->batch;

    if (!lks_model_runs_with(model, batch))
        return lks_fail(error, LKS_ERR_ARGUMENT, "batch %u: the model runs with %s", batch,
                        model->batch_free ? "smaller ones only (spec 7)" : "its own only");
    plan->max_batch = model->batch_free ? batch : 1;
    return LKS_OK;
}

lks_status lks_session_open(lks_model *model, const lks_session_options *options, lks_session **session, lks_error *error)
{
    return lks_session_open_guarded(model, options, 0, session, error);
}

lks_status lks_session_open_guarded(lks_model *model, const lks_session_options *options, size_t guard_bytes,
                                    lks_session **session, lks_error *error)
{
    const lks_session_options defaults = { 0 }, *o = options ? options : &defaults;
    lks_plan_options plan = { .keep = o->keep, .guard_bytes = guard_bytes };
    lks_error unused;
    lks_session *s;
    lks_status st;

    error = error ? error : &unused;
    if (!session)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_open: session is NULL");
    *session = NULL;
    if (!model)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_open: model is NULL");
    if ((st = check_batch(model, o, &plan, error)) != LKS_OK)
        return st;
    s = calloc(1, sizeof *s);
    if (!s)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory");
    s->model = lks_model_share(model);
    if ((st = take_context(s, o, error)) != LKS_OK)                                                     goto fail;
    if ((st = apply_options(s, o, error)) != LKS_OK)                                                    goto fail;
    plan.fusions = o->no_fuse ? 0 : s->backend->fusions;
    if ((st = lks_plan_make(model, &plan, &s->plan, error)) != LKS_OK)                                  goto fail;
    if ((st = s->backend->build(s->context->device, s->plan, s->variant, &s->program, error)) != LKS_OK) goto fail;
    if ((st = s->backend->stream_open(s->program, &s->stream, error)) != LKS_OK)                        goto fail;
    if ((st = make_staging(s, error)) != LKS_OK)                                                        goto fail;
    if ((st = make_state(s, error)) != LKS_OK)                                                          goto fail;
    *session = s;
    return lks_ok(error);

fail:
    lks_session_close(s);
    return st;
}

void lks_session_close(lks_session *s)
{
    if (!s)
        return;
    if (s->stream)
        s->backend->stream_close(s->stream);
    if (s->program)
        s->backend->destroy(s->program);
    lks_context_close(s->context);
    lks_session_close(s->reference);
    lks_plan_free(s->plan);
    free(s->staging);
    free(s->zeros);
    free(s->saved);
    free(s->variant);
    lks_model_close(s->model);
    free(s);
}

void lks_session_device(const lks_session *s, lks_device_info *info)
{
    assert(s && info);
    lks_context_device(s->context, info);
}

lks_status lks_session_mismatch(const lks_session *s, lks_mismatch *mismatch)
{
    *mismatch = s->mismatch;
    return s->mismatch.count ? LKS_ERR_MISMATCH : LKS_OK;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

static lks_status check_buffer(const lks_session *s, const char *what, uint32_t i, uint32_t tensor, const lks_in *buffer,
                               lks_error *error)
{
    size_t image = lks_session_image_bytes(s, tensor);

    if (!buffer->data)
        return lks_fail(error, LKS_ERR_ARGUMENT, "%s %u: is NULL", what, i);
    if (buffer->bytes == 0 || buffer->bytes % image != 0 || buffer->bytes / image != s->images)
        return lks_fail(error, LKS_ERR_ARGUMENT, "%s %u: has %zu bytes: %u images of %zu bytes were expected", what, i,
                        buffer->bytes, s->images, image);
    return LKS_OK;
}

/* Sets images. */
static lks_status check_buffers(lks_session *s, const lks_in *in, const lks_out *out, lks_error *error)
{
    const lks_graph *g = &s->model->graph;
    size_t image = lks_session_image_bytes(s, g->inputs[0]), images;
    lks_status st = LKS_OK;

    s->images = 0;
    if (!in || !out)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_run: in or out is NULL");
    images = in[0].bytes / image;
    if (images < 1 || images > s->plan->max_batch)
        return lks_fail(error, LKS_ERR_ARGUMENT, "input 0: has %zu bytes, and an image %zu: the session runs 1 to %u images",
                        in[0].bytes, image, s->plan->max_batch);
    s->images = (uint32_t)images;
    for (uint32_t i = 0; st == LKS_OK && i < g->input_count; i++)
        st = check_buffer(s, "input", i, g->inputs[i], &in[i], error);
    for (uint32_t i = 0; st == LKS_OK && i < g->output_count; i++)
        st = check_buffer(s, "output", i, g->outputs[i], &(lks_in){ out[i].data, out[i].bytes }, error);
    return st;
}

lks_status lks_session_put(lks_session *s, const lks_in *in, lks_error *error)
{
    const lks_graph *g = &s->model->graph;
    lks_status st = LKS_OK;

    for (uint32_t i = 0; st == LKS_OK && i < g->input_count; i++)
        st = write_tensor(s, g->inputs[i], &in[i], error);
    return st;
}

lks_status lks_session_compute(lks_session *s, lks_error *error)
{
    lks_status st = s->keep_state ? LKS_OK : load_images(s, s->zeros, s->images, error);

    return st == LKS_OK ? s->backend->run(s->stream, s->images, error) : st;
}

lks_status lks_session_get(lks_session *s, const lks_out *out, lks_error *error)
{
    const lks_graph *g = &s->model->graph;
    lks_status st = LKS_OK;

    for (uint32_t i = 0; st == LKS_OK && i < g->output_count; i++)
        st = read_tensor(s, g->outputs[i], out[i].data, out[i].bytes, error);
    return st;
}

lks_status lks_session_wait(lks_session *s, lks_error *error)
{
    return s->backend->wait(s->stream, error);
}

static lks_status run_on_device(lks_session *s, const lks_in *in, const lks_out *out, lks_error *error)
{
    lks_status st = lks_session_put(s, in, error);

    if (st == LKS_OK)
        st = lks_session_compute(s, error);
    if (st == LKS_OK)
        st = lks_session_get(s, out, error);
    return st == LKS_OK ? lks_ok(error) : st;
}

lks_status lks_session_run(lks_session *s, const lks_in *in, const lks_out *out, lks_error *error)
{
    lks_error unused;
    lks_status st;
    bool checked;

    error = error ? error : &unused;
    if (!s)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_run: session is NULL");
    if (s->mismatch.count)
        return lks_fail(error, LKS_ERR_MISMATCH, "%s %u: differed from the reference before: it is not used any more",
                        s->backend->name, s->context->index);
    checked = s->check_every && s->runs % s->check_every == 0;
    st = check_buffers(s, in, out, error);
    if (st == LKS_OK && checked && s->keep_state && s->state_bytes)
        st = lks_session_save_state(s, s->saved, error);
    if (st == LKS_OK)
        st = run_on_device(s, in, out, error);
    if (st == LKS_OK && checked)
        st = lks_session_check(s, in, out, error);
    if (st == LKS_OK)
        s->runs++;          /* a check that could not be made is made up for by the next run */
    if (st != LKS_OK)
        s->images = 0;
    return st;
}

lks_status lks_session_read(lks_session *s, uint32_t tensor, void *data, size_t size, lks_error *error)
{
    lks_error unused;
    lks_status st;

    error = error ? error : &unused;
    if (!s || !data)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_session_read: session or data is NULL");
    if (!s->plan->keep)
        return lks_fail(error, LKS_ERR_ARGUMENT, "the session was opened without keep");
    if (s->images == 0)
        return lks_fail(error, LKS_ERR_ARGUMENT, "there is no run to read from: none was made, or the last one failed");
    if (tensor >= s->model->graph.tensor_count || s->model->graph.tensors[tensor].constant)
        return lks_fail(error, LKS_ERR_ARGUMENT, "tensor %u: is no activation of the model", tensor);
    if (size != lks_session_image_bytes(s, tensor) * s->images)
        return lks_fail(error, LKS_ERR_ARGUMENT, "tensor %u: has %zu bytes, not %zu", tensor,
                        lks_session_image_bytes(s, tensor) * s->images, size);
    st = read_tensor(s, tensor, data, size, error);
    return st == LKS_OK ? lks_ok(error) : st;
}

/* ---- for selftest -------------------------------------------------------------------------------------------------------- */

/* A byte that depends on seed and place: one round of splitmix64's mixing. */
static uint8_t poison_byte(uint64_t seed, size_t at)
{
    uint64_t z = (seed ^ at) * 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    return (uint8_t)(z >> 56);
}

lks_status lks_session_poison(lks_session *s, uint64_t seed, lks_error *error)
{
    size_t bytes = s->plan->arena_bytes;
    uint8_t *poison = malloc(bytes);
    lks_status st;

    if (!poison)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory: %zu bytes", bytes);
    for (size_t i = 0; i < bytes; i++)
        poison[i] = poison_byte(seed, i);
    st = s->backend->write(s->stream, 0, poison, bytes, error);
    free(poison);
    return st;
}

/* The first byte of the guards of a tensor that is not poison; 0: none is. */
static int64_t damage(const lks_session *s, const uint8_t *arena, uint64_t seed, const lks_plan_tensor *t)
{
    size_t end = t->offset + t->image_bytes * s->images, room = t->image_bytes * s->plan->max_batch;
    size_t stop = t->offset + (room + LKS_ARENA_ALIGN - 1) / LKS_ARENA_ALIGN * LKS_ARENA_ALIGN + s->plan->guard_bytes;

    for (size_t i = 1; i <= s->plan->guard_bytes; i++)
        if (arena[t->offset - i] != poison_byte(seed, t->offset - i))
            return -(int64_t)i;
    for (size_t i = end; i < stop; i++)
        if (arena[i] != poison_byte(seed, i))
            return (int64_t)(i - end + 1);
    return 0;
}

lks_status lks_session_check_guards(lks_session *s, uint64_t seed, uint32_t *tensor, int64_t *distance, lks_error *error)
{
    uint8_t *arena = malloc(s->plan->arena_bytes);
    lks_status st;

    *distance = 0;
    if (!arena)
        return lks_fail(error, LKS_ERR_NOMEM, "out of memory: %zu bytes", s->plan->arena_bytes);
    st = s->backend->read(s->stream, 0, arena, s->plan->arena_bytes, error);
    for (uint32_t t = 0; st == LKS_OK && t < s->plan->tensor_count; t++) {
        if (s->plan->tensors[t].image_bytes == 0)
            continue;
        *distance = damage(s, arena, seed, &s->plan->tensors[t]);
        if (*distance) {
            *tensor = t;
            st = lks_fail(error, LKS_ERR_MISMATCH, "tensor %u: a kernel wrote %lld bytes %s it", t,
                          (long long)(*distance < 0 ? -*distance : *distance), *distance < 0 ? "before" : "behind");
        }
    }
    free(arena);
    return st;
}

const char *lks_session_variant(const lks_session *s, int kernel, uint32_t i)
{
    return s->backend->variant(s->context->device, (lks_kernel)kernel, i);
}
