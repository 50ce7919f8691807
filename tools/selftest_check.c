/* SPDX-License-Identifier: Apache-2.0
 *
 * One case of `lockstep selftest` on one device: every session that must give the reference's bytes.
 */
#include "host/session.h"
#include "tools/selftest.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD_BYTES 256
#define SINGLES 8               /* images of a batch that are run alone, besides the last */
#define POISONS 4               /* of one session, at most */

/* ---- what was found ------------------------------------------------------------------------------------------------------ */

static outcome fail(finding *found, const char *check, uint32_t op, const char *text)
{
    found->check = check;
    found->op = op;
    snprintf(found->text, sizeof found->text, "%s", text);
    return OUTCOME_FAILED;
}

static outcome fail_status(finding *found, const char *check, const lks_error *error)
{
    fail(found, check, 0, error->text);
    return error->status == LKS_ERR_DEVICE ? OUTCOME_DEVICE_LOST : OUTCOME_FAILED;
}

/* Compare bytes of an op output; image: which one of the batch they begin with. */
static outcome compare(finding *found, const char *check, const trace_entry *e, const uint8_t *expected, const uint8_t *got,
                       size_t bytes, uint32_t image)
{
    lks_tensor_info at = e->tensor;
    lks_mismatch m;
    char place[SHAPE_SIZE];

    if (lks_compare(&e->tensor, expected, got, bytes, &m) == LKS_OK)
        return OUTCOME_PASSED;
    m.at[0] += image;
    memcpy(at.dims, m.at, sizeof at.dims);
    tensor_shape(&at, place);
    fail(found, check, e->op, "");
    snprintf(found->text, sizeof found->text, "output of op %" PRIu32 " at %s: expected %" PRId64 ", got %" PRId64
             "; %" PRIu64 " of %zu elements differ", e->op, place, m.expected, m.got, m.count,
             bytes / tensor_type_bytes(e->tensor.type));
    return OUTCOME_FAILED;
}

static outcome compare_traces(const trial *t, finding *found, const char *check, const uint8_t *expected, const uint8_t *got)
{
    outcome done = OUTCOME_PASSED;

    for (size_t i = 0; i < t->trace.count && done == OUTCOME_PASSED; i++) {
        const trace_entry *e = &t->trace.entry[i];

        done = compare(found, check, e, expected + e->offset, got + e->offset, e->tensor.bytes, 0);
    }
    return done;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

static lks_status open_session(const trial *t, const device *d, const char *variant, bool keep, bool no_fuse,
                               lks_session **session, lks_error *error)
{
    lks_session_options o = {
        .context = d->context, .max_batch = t->made->batch, .keep = keep, .no_fuse = no_fuse || d->ways.no_fuse,
        .variant = variant,
        .check = LKS_CHECK_NONE
    };

    if (!d->context)
        o.backend = d->info.backend;

    return lks_session_open_guarded(t->made->model, &o, keep ? GUARD_BYTES : 0, session, error);
}

/* Where the batch is not free, there is one image: all of it. */
static uint32_t images_of(const trial *t)
{
    return t->info.batch_free ? t->made->batch : 1;
}

/* Images first .. first + count - 1 of all inputs. */
static lks_status run_images(const trial *t, lks_session *session, uint32_t first, uint32_t count, lks_error *error)
{
    uint32_t batch = images_of(t);
    const uint8_t *data = t->made->input;
    uint8_t *to = t->returned;
    lks_tensor_info x;

    for (uint32_t i = 0; i < t->info.inputs; i++) {
        if (!tensor_get(t->made->model, lks_model_input(t->made->model, i), t->made->batch, &x, error))
            return error->status;
        t->in[i] = (lks_in){ data + x.bytes / batch * first, x.bytes / batch * count };
        data += x.bytes;
    }
    for (uint32_t i = 0; i < t->info.outputs; i++) {
        t->out[i] = (lks_out){ to, t->output[i]->tensor.bytes / batch * count };
        memset(to, 0x5a, t->out[i].bytes);
        to += t->out[i].bytes;
    }
    return lks_session_run(session, t->in, t->out, error);
}

static lks_status run_all(const trial *t, lks_session *session, lks_error *error)
{
    return run_images(t, session, 0, images_of(t), error);
}

/* Poison everything, run, and read every op output. */
static lks_status run_traced(const trial *t, lks_session *session, uint64_t poison, uint8_t *data, lks_error *error)
{
    lks_status st = lks_session_poison(session, poison, error);

    if (st == LKS_OK)
        st = run_all(t, session, error);
    return st != LKS_OK || trace_read(&t->trace, session, data, error) ? st : error->status;
}

/* ---- the checks ---------------------------------------------------------------------------------------------------------- */

static outcome check_guards(const trial *t, lks_session *session, uint64_t poison, finding *found)
{
    uint32_t tensor = 0;
    int64_t distance = 0;
    lks_error error;
    lks_status st = lks_session_check_guards(session, poison, &tensor, &distance, &error);

    if (st != LKS_ERR_MISMATCH)
        return st == LKS_OK ? OUTCOME_PASSED : fail_status(found, "guard", &error);
    fail(found, "guard", 0, "");
    for (size_t i = 0; i < t->trace.count; i++)
        if (t->trace.entry[i].index == tensor)
            found->op = t->trace.entry[i].op;
    snprintf(found->text, sizeof found->text, "a kernel wrote where no tensor is: %" PRId64 " bytes %s tensor %" PRIu32,
             distance < 0 ? -distance : distance, distance < 0 ? "before" : "behind", tensor);
    return OUTCOME_FAILED;
}

/* What a run returns, for some images of the batch. */
static outcome compare_outputs(const trial *t, finding *found, const char *check, uint32_t first, uint32_t count)
{
    uint32_t batch = images_of(t);
    outcome done = OUTCOME_PASSED;

    for (uint32_t i = 0; i < t->info.outputs && done == OUTCOME_PASSED; i++) {
        const trace_entry *e = t->output[i];
        size_t image = e->tensor.bytes / batch;

        done = compare(found, check, e, t->expected + e->offset + image * first, t->out[i].data, image * count, first);
    }
    return done;
}

/* Every op output with the reference's and with those of a second run in other memory, and the bytes between them. */
static outcome check_kept(trial *t, lks_session *session, uint64_t poison, finding *found)
{
    lks_error error;
    outcome done;

    if (run_traced(t, session, poison, t->got, &error) != LKS_OK)
        return fail_status(found, "run", &error);
    if ((done = compare_traces(t, found, "reference", t->expected, t->got)) != OUTCOME_PASSED)   return done;
    if ((done = compare_outputs(t, found, "reference", 0, images_of(t))) != OUTCOME_PASSED)      return done;
    if ((done = check_guards(t, session, poison, found)) != OUTCOME_PASSED)                      return done;
    if (run_traced(t, session, poison + 1, t->again, &error) != LKS_OK)
        return fail_status(found, "run", &error);
    if ((done = compare_traces(t, found, "repeat", t->got, t->again)) != OUTCOME_PASSED)         return done;
    return check_guards(t, session, poison + 1, found);
}

/* Whether image i is run alone: all of a batch of usual size, the first ones and the last of a large one. */
static bool runs_alone(const trial *t, uint32_t i)
{
    return i < SINGLES || i + 1 == images_of(t);
}

/* A plan that keeps nothing: memory is used again.  Then each image alone. */
static outcome check_plain(trial *t, lks_session *session, uint64_t poison, finding *found)
{
    lks_error error;
    lks_status st = lks_session_poison(session, poison, &error);
    outcome done;

    if (st == LKS_OK)
        st = run_all(t, session, &error);
    if (st != LKS_OK)
        return fail_status(found, "run", &error);
    done = compare_outputs(t, found, "keep", 0, images_of(t));
    for (uint32_t i = 0; images_of(t) > 1 && i < images_of(t) && done == OUTCOME_PASSED; i++) {
        if (!runs_alone(t, i))
            continue;
        if (run_images(t, session, i, 1, &error) != LKS_OK)
            return fail_status(found, "run", &error);
        done = compare_outputs(t, found, "batch", i, 1);
    }
    return done;
}

/* The sessions of a case.  Another kind of plan is another row here. */
static const struct {
    bool keep, no_fuse;
    outcome (*check)(trial *t, lks_session *session, uint64_t poison, finding *found);
} sessions[] = { { true, false, check_kept }, { false, false, check_plain }, { false, true, check_plain } };

outcome trial_check(trial *t, const device *d, const char *variant, uint64_t poison, finding *found)
{
    outcome done = OUTCOME_PASSED;
    bool fuses = false;

    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0] && done == OUTCOME_PASSED; i++) {
        lks_session *session;
        lks_error error;
        lks_status st;

        if (sessions[i].no_fuse && !fuses)
            continue;           /* the same plan as the row before */
        st = open_session(t, d, variant, sessions[i].keep, sessions[i].no_fuse, &session, &error);

        if (st == LKS_ERR_UNSUPPORTED && variant && i == 0)
            return OUTCOME_UNSUPPORTED;
        if (st != LKS_OK)
            return fail_status(found, "open", &error);
        fuses = session->backend->fusions != 0 && !d->ways.no_fuse;
        done = sessions[i].check(t, session, poison + POISONS * i, found);
        lks_session_close(session);
    }
    return done;
}

/* ---- the reference ------------------------------------------------------------------------------------------------------- */

static bool allocate(trial *t, lks_error *error)
{
    t->expected = malloc(t->trace.bytes);
    t->got = malloc(t->trace.bytes);
    t->again = malloc(t->trace.bytes);
    t->returned = malloc(t->trace.bytes);
    t->in = calloc(t->info.inputs, sizeof *t->in);
    t->out = calloc(t->info.outputs, sizeof *t->out);
    t->output = calloc(t->info.outputs, sizeof *t->output);
    if (!t->expected || !t->got || !t->again || !t->returned || !t->in || !t->out || !t->output)
        return error_memory(error);
    for (uint32_t i = 0; i < t->info.outputs; i++)
        for (size_t k = 0; k < t->trace.count; k++)
            if (t->trace.entry[k].index == lks_model_output(t->made->model, i))
                t->output[i] = &t->trace.entry[k];
    return true;
}

static bool run_reference(trial *t, lks_error *error)
{
    const device reference = { .info = { .backend = DEVICE_REFERENCE } };
    lks_session *session;
    bool ok;

    if (open_session(t, &reference, NULL, true, false, &session, error) != LKS_OK)
        return false;
    for (uint32_t i = 0; i < session->plan->step_count; i++)
        t->families |= 1u << session->plan->steps[i].kernel;
    ok = run_all(t, session, error) == LKS_OK && trace_read(&t->trace, session, t->expected, error);
    lks_session_close(session);
    return ok;
}

bool trial_open(const made_case *made, trial *t, lks_error *error)
{
    memset(t, 0, sizeof *t);
    t->made = made;
    lks_model_get(made->model, &t->info);
    if (trace_open(made->model, made->batch, &t->trace, error) && allocate(t, error) && run_reference(t, error))
        return true;
    trial_close(t);
    return false;
}

void trial_close(trial *t)
{
    trace_close(&t->trace);
    free(t->expected);
    free(t->got);
    free(t->again);
    free(t->returned);
    free(t->in);
    free(t->out);
    free((void *)t->output);
    memset(t, 0, sizeof *t);
}
