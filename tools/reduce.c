/* SPDX-License-Identifier: Apache-2.0
 *
 * Shrinking a model to the smallest part on which a device still differs.
 *
 * Any set of ops is a model: what its ops take from outside the set becomes a graph input, with the bytes that cpu_ref computed
 * there.  The search tries the first op that differed alone, then ever more ops before it, then all; what fails is thinned by
 * delta debugging (Zeller, Hildebrandt: Simplifying and isolating failure-inducing input, 2002); at last, the batch.
 */
#include "tools/reduce.h"

#include "host/model.h"

#include <stdlib.h>
#include <string.h>

/* A part of the model on which the device differed. */
typedef struct part {
    lks_model *model;
    trace_job job;
    uint8_t *inputs, *expected, *got;
    uint32_t op, image;         /* where the first difference is: op of the part, and image */
} part;

typedef struct search {
    const reduce_failure *failure;
    const lks_graph *graph;
    device reference;
    trace trace;                /* of the whole model, with the values that cpu_ref gives */
    uint8_t *values;
    uint32_t *ops, *candidate;  /* ascending; ops: of the best part so far */
    uint32_t count;
    uint32_t first, images;     /* of the batch, in the best part */
    uint32_t tries;
    part best;                  /* model NULL: none found yet */
    lks_error *error;
} search;

static void close_part(part *p)
{
    trace_close(&p->job.trace);
    free(p->inputs);
    free(p->expected);
    free(p->got);
    lks_model_close(p->model);
    memset(p, 0, sizeof *p);
}

/* ---- a model of some ops ------------------------------------------------------------------------------------------------- */

/* What a set of ops makes of each tensor of the original. */
typedef struct role {
    bool made, used;            /* by an op of the set */
    uint32_t index;             /* in the part */
} role;

static void find_roles(const lks_graph *g, const uint32_t *ops, uint32_t count, role *roles)
{
    for (uint32_t i = 0; i < count; i++) {
        const lks_op *op = &g->ops[ops[i]];

        for (uint32_t k = 0; k < op->operand_count; k++)
            roles[op->operand[k]].used = true;
        for (uint32_t k = 0; k < op->output_count; k++)
            roles[op->output[k]].made = true;
    }
}

static bool is_output(const lks_graph *g, uint32_t tensor)
{
    for (uint32_t i = 0; i < g->output_count; i++)
        if (g->outputs[i] == tensor)
            return true;
    return false;
}

static void add_tensors(lks_builder *b, const lks_graph *g, role *roles)
{
    for (uint32_t t = 0; t < g->tensor_count; t++) {
        role *r = &roles[t];

        if (!r->made && !r->used)
            continue;
        r->index = lks_builder_tensor(b, &g->tensors[t]);
        if (!r->made && !g->tensors[t].constant)
            lks_builder_input(b, r->index);
        if (r->made && (!r->used || is_output(g, t)))
            lks_builder_output(b, r->index);
    }
}

static bool add_op(lks_builder *b, const lks_op *op, const role *roles)
{
    uint32_t *operand = calloc((size_t)op->operand_count + op->output_count + 1, sizeof *operand), *output;

    if (!operand)
        return false;
    output = operand + op->operand_count;
    for (uint32_t k = 0; k < op->operand_count; k++)
        operand[k] = roles[op->operand[k]].index;
    for (uint32_t k = 0; k < op->output_count; k++)
        output[k] = roles[op->output[k]].index;
    lks_builder_op(b, op->kind, operand, output, &op->args);
    free(operand);
    return true;
}

/* The bytes of the .lks file of a set of ops. */
static bool cut(const search *s, const uint32_t *ops, uint32_t count, role *roles, uint8_t **bytes, size_t *size)
{
    lks_builder *b = lks_builder_open();
    bool ok = true;

    if (!b)
        return error_memory(s->error);
    find_roles(s->graph, ops, count, roles);
    add_tensors(b, s->graph, roles);
    for (uint32_t i = 0; i < count && ok; i++)
        ok = add_op(b, &s->graph->ops[ops[i]], roles) || error_memory(s->error);
    ok = ok && lks_builder_write(b, bytes, size, s->error) == LKS_OK;
    lks_builder_close(b);
    return ok;
}

/* ---- its inputs ---------------------------------------------------------------------------------------------------------- */

/* An activation of the original in the run that failed: what was given, or what cpu_ref computed. */
static const uint8_t *value_of(const search *s, uint32_t tensor)
{
    const lks_graph *g = s->graph;
    const uint8_t *at = s->failure->inputs;
    lks_tensor_info t;

    for (size_t i = 0; i < s->trace.count; i++)
        if (s->trace.entry[i].index == tensor)
            return s->values + s->trace.entry[i].offset;
    for (uint32_t i = 0; i < g->input_count && g->inputs[i] != tensor; at += t.bytes, i++)
        if (!tensor_get(s->failure->model, g->inputs[i], s->failure->batch, &t, s->error))
            return NULL;
    return at;
}

/* The images of one activation, appended to *at. */
static bool copy_images(const search *s, uint32_t tensor, uint32_t first, uint32_t images, uint8_t **at)
{
    const uint8_t *from = value_of(s, tensor);
    lks_tensor_info t;
    size_t image_bytes;

    if (!from || !tensor_get(s->failure->model, tensor, s->failure->batch, &t, s->error))
        return false;
    if (!s->failure->model->batch_free) {
        memcpy(*at, from, t.bytes);
        *at += t.bytes;
        return true;
    }
    image_bytes = tensor_image_bytes(&t);
    memcpy(*at, from + first * image_bytes, images * image_bytes);
    *at += images * image_bytes;
    return true;
}

/* For the whole model its own inputs, in its order; for a part those that add_tensors made, in the order of tensors. */
static bool gather_inputs(const search *s, const role *roles, uint32_t first, uint32_t images, part *p)
{
    const lks_graph *g = s->graph;
    uint8_t *at;

    p->inputs = at = malloc(p->job.input_bytes);
    if (!p->inputs)
        return error_memory(s->error);
    p->job.inputs = p->inputs;
    for (uint32_t i = 0; !roles && i < g->input_count; i++)
        if (!copy_images(s, g->inputs[i], first, images, &at))
            return false;
    for (uint32_t t = 0; roles && t < g->tensor_count; t++)
        if (roles[t].used && !roles[t].made && !g->tensors[t].constant && !copy_images(s, t, first, images, &at))
            return false;
    return true;
}

/* ---- one try ------------------------------------------------------------------------------------------------------------- */

/* A device that cannot run the part does not differ on it. */
static bool differs(const search *s, part *p, bool *yes)
{
    const reduce_failure *f = s->failure;
    const trace_entry *e = NULL;
    lks_mismatch mismatch;
    lks_error unused;

    p->expected = malloc(p->job.trace.bytes);
    p->got = malloc(p->job.trace.bytes);
    if (!p->expected || !p->got)
        return error_memory(s->error);
    if (!trace_job_run(&p->job, &s->reference, NULL, 1, NULL, p->expected, s->error))
        return false;
    if (trace_job_run(&p->job, f->device, f->variant, REDUCE_RUNS, p->expected, p->got, &unused))
        e = trace_compare(&p->job.trace, p->expected, p->got, &mismatch);
    *yes = e != NULL;
    if (e) {
        p->op = e->op;
        p->image = mismatch.at[0];
    }
    return true;
}

/* With every op output first, then with the outputs alone. */
static bool try_modes(const search *s, part *p, const role *roles, uint32_t first, uint32_t images, bool *yes)
{
    for (int kept = 1; kept >= 0; kept--) {
        p->job.kept = kept;
        if (!trace_job_open(&p->job, s->error) || (kept && !gather_inputs(s, roles, first, images, p)) || !differs(s, p, yes))
            return false;
        if (*yes)
            return true;
        trace_close(&p->job.trace);
        free(p->expected);
        free(p->got);
        p->expected = p->got = NULL;
    }
    return true;
}

static bool make_part(const search *s, const uint32_t *ops, uint32_t count, role *roles, uint32_t images, part *p)
{
    lks_model *whole = s->failure->model;
    const lks_limits limits = { .mem_bytes = UINT64_MAX };
    uint8_t *bytes;
    size_t size;

    memset(p, 0, sizeof *p);
    if (count == s->graph->op_count)
        p->model = lks_model_share(whole);
    else if (!cut(s, ops, count, roles, &bytes, &size)
             || lks_model_read(bytes, size, "the part", &limits, &p->model, s->error) != LKS_OK)
        return false;
    p->job.model = p->model;
    p->job.batch = whole->batch_free ? images : p->model->batch;
    return true;
}

/* Does the device differ on these ops and images?  Then they are the best part. */
static bool attempt(search *s, const uint32_t *ops, uint32_t count, uint32_t first, uint32_t images, bool *yes)
{
    role *roles = calloc(s->graph->tensor_count, sizeof *roles);
    part p = { .model = NULL };
    bool ok = roles || error_memory(s->error);

    *yes = false;
    s->tries++;
    ok = ok && make_part(s, ops, count, roles, images, &p)
         && try_modes(s, &p, count == s->graph->op_count ? NULL : roles, first, images, yes);
    free(roles);
    if (!ok || !*yes) {
        close_part(&p);
        return ok;
    }
    close_part(&s->best);
    s->best = p;
    memmove(s->ops, ops, count * sizeof *ops);
    s->count = count;
    s->first = first;
    s->images = images;
    return true;
}

/* ---- the search ---------------------------------------------------------------------------------------------------------- */

static bool try_range(search *s, uint32_t from, uint32_t to, bool *yes)
{
    for (uint32_t i = from; i <= to; i++)
        s->candidate[i - from] = i;
    return attempt(s, s->candidate, to - from + 1, 0, s->failure->batch, yes);
}

/* The first op that differed with 0, 1, 3, 7, ... ops before it; then everything. */
static bool find_range(search *s, bool *yes)
{
    uint32_t op = s->failure->op, before = 0;

    for (;; before = 2 * before + 1) {
        uint32_t from = before < op ? op - before : 0;

        if (!try_range(s, from, op, yes))
            return false;
        if (*yes || from == 0)
            break;
    }
    return *yes || try_range(s, 0, s->graph->op_count - 1, yes);
}

/* Part i of so many equal ones of the ops, or all the others. */
static bool try_chunk(search *s, uint32_t i, uint32_t chunks, bool others, bool *yes)
{
    uint32_t from = (uint32_t)((uint64_t)s->count * i / chunks), to = (uint32_t)((uint64_t)s->count * (i + 1) / chunks), n = 0;

    for (uint32_t k = 0; k < s->count; k++)
        if ((k >= from && k < to) != others)
            s->candidate[n++] = s->ops[k];
    return attempt(s, s->candidate, n, s->first, s->images, yes);
}

static bool try_chunks(search *s, uint32_t chunks, bool others, bool *yes)
{
    for (uint32_t i = 0; i < chunks && s->tries < REDUCE_TRIES_MAX; i++) {
        if (!try_chunk(s, i, chunks, others, yes))
            return false;
        if (*yes)
            return true;
    }
    *yes = false;
    return true;
}

static bool thin(search *s)
{
    uint32_t chunks = 2;
    bool yes;

    while (s->count > 1 && s->tries < REDUCE_TRIES_MAX) {
        if (!try_chunks(s, chunks, false, &yes))
            return false;
        if (yes) {
            chunks = 2;
            continue;
        }
        if (chunks > 2 && !try_chunks(s, chunks, true, &yes))
            return false;
        if (!yes && chunks >= s->count)
            break;
        chunks = yes ? chunks - 1 : 2 * chunks;
        if (chunks > s->count)
            chunks = s->count;
    }
    return true;
}

/* The image that differs alone, with the one before it, with the two before it, ... */
static bool shrink_batch(search *s)
{
    uint32_t images = s->images, last = s->best.image;
    bool yes = false;

    if (!s->failure->model->batch_free)
        return true;
    memcpy(s->candidate, s->ops, s->count * sizeof *s->ops);
    for (uint32_t n = 1; n < images && !yes && s->tries < REDUCE_TRIES_MAX; n++)
        if (!attempt(s, s->candidate, s->count, last + 1 > n ? last + 1 - n : 0, n, &yes))
            return false;
    return true;
}

static bool open_search(search *s)
{
    const reduce_failure *f = s->failure;
    trace_job job = { .model = f->model, .batch = f->batch, .kept = true, .inputs = f->inputs };
    common_options options = { .backend = DEVICE_REFERENCE };

    if (!device_pick(&options, &s->reference, s->error) || !trace_job_open(&job, s->error))
        return false;
    s->trace = job.trace;
    s->values = malloc(s->trace.bytes);
    s->ops = calloc(s->graph->op_count, sizeof *s->ops);
    s->candidate = calloc(s->graph->op_count, sizeof *s->candidate);
    if (!s->values || !s->ops || !s->candidate)
        return error_memory(s->error);
    return trace_job_run(&job, &s->reference, NULL, 1, NULL, s->values, s->error);
}

static void close_search(search *s)
{
    close_part(&s->best);
    trace_close(&s->trace);
    free(s->values);
    free(s->ops);
    free(s->candidate);
}

/* ---- the capsule --------------------------------------------------------------------------------------------------------- */

static bool write_part(const search *s, const char *path)
{
    const part *p = &s->best;
    const reduce_failure *f = s->failure;
    recording_case item = { f->case_name, p->inputs, p->expected, p->got };
    recording r = {
        .kind = RECORDING_CAPSULE, .kept = p->job.kept, .batch = p->job.batch, .op = s->ops[p->op], .model = p->model->file,
        .model_bytes = p->model->file_bytes, .input_bytes = p->job.input_bytes, .result_bytes = p->job.trace.bytes,
        .item = &item, .count = 1
    };

    memcpy(r.digest, f->model->digest, sizeof r.digest);
    recording_origin(&r, f->device, f->variant);
    return recording_write(path, &r, s->error);
}

static bool run_search(search *s, bool shrink)
{
    bool yes = false, ok;

    if (!open_search(s))
        return false;
    ok = shrink ? find_range(s, &yes) : try_range(s, 0, s->graph->op_count - 1, &yes);
    if (ok && !yes)
        return error_set(s->error, "the difference on %s %u did not show again: no capsule was written",
                         s->failure->device->info.backend, s->failure->device->index);
    return ok && (!shrink || (thin(s) && shrink_batch(s)));
}

bool reduce_write(const reduce_failure *failure, bool shrink, const char *path, reduction *done, lks_error *error)
{
    search s = { .failure = failure, .graph = &failure->model->graph, .error = error };
    bool ok = run_search(&s, shrink) && write_part(&s, path);

    if (ok)
        *done = (reduction){
            path, s.count, s.graph->op_count, s.best.job.batch, failure->batch, s.ops[s.best.op], s.tries
        };
    close_search(&s);
    return ok;
}
