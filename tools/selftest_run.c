/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep selftest`: every case through the reference and then through every variant of every device.
 */
#include "host/session.h"
#include "tools/selftest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- variants ------------------------------------------------------------------------------------------------------------ */

static bool wanted(const selftest *s, const char *name)
{
    return !s->variant || strcmp(s->variant, name ? name : AUTO) == 0;
}

/* One more family that has the variant; false: out of memory, or out of room. */
static bool add_variant(const selftest *s, target *t, const char *name, uint32_t families)
{
    if (!wanted(s, name))
        return true;
    for (uint32_t i = 0; i < t->variants && name; i++)
        if (t->variant[i] && strcmp(t->variant[i], name) == 0) {
            t->families[i] |= families;
            return true;
        }
    if (t->variants == VARIANTS_MAX || (name && !(t->variant[t->variants] = strdup(name))))
        return false;
    t->families[t->variants++] = families;
    return true;
}

static bool add_variants(const selftest *s, target *t, const lks_session *session)
{
    bool ok = add_variant(s, t, NULL, UINT32_MAX);
    const char *name;

    for (int kernel = 0; kernel < LKS_KERNEL_COUNT; kernel++)
        for (uint32_t i = 0; ok && (name = lks_session_variant(session, kernel, i)); i++)
            ok = add_variant(s, t, name, 1u << kernel);
    return ok;
}

/* A device that cannot even be opened is lost, and the report says so. */
static bool find_variants(const selftest *s, target *t, const made_case *any, lks_error *error)
{
    lks_session *session;
    lks_error failed;
    bool ok;

    if (!t->device.info.usable)
        return true;
    if (!device_hold(&t->device, &failed) || !device_open(any->model, &t->device, any->batch, false, &session, &failed)) {
        snprintf(t->lost, sizeof t->lost, "%s", failed.text);
        return true;
    }
    ok = add_variants(s, t, session);
    lks_session_close(session);
    return ok || error_memory(error);
}

bool selftest_prepare(selftest *s, lks_error *error)
{
    made_case any;
    bool ok = cases_make(LKS_OP_REQUANT, 0, 0, &any, error), found = false;

    for (size_t i = 0; i < s->targets && ok; i++) {
        ok = find_variants(s, &s->target[i], &any, error);
        found = found || s->target[i].variants > 0;
    }
    if (ok)
        cases_free(&any);
    if (ok && !found && s->variant)
        return error_set(error, "--variant: none of the chosen devices has a variant \"%s\": see the table without --variant",
                         s->variant);
    return ok;
}

/* ---- one case ------------------------------------------------------------------------------------------------------------ */

static bool note_failure(const selftest *s, target *t, uint32_t variant, uint32_t kind, uint64_t k, const trial *tr,
                         const finding *found, lks_error *error)
{
    row *r = &t->row[variant][kind];
    failure *f;

    if (!r->shown && !(r->shown = calloc(FAILURES_SHOWN, sizeof *r->shown)))
        return error_memory(error);
    if (r->failed++ >= FAILURES_SHOWN)
        return true;
    f = &r->shown[r->failed - 1];
    f->k = k;
    f->found = *found;
    describe_op(tr->made->model, found->op, f->what, sizeof f->what);
    snprintf(f->what + strlen(f->what), sizeof f->what - strlen(f->what), "; batch %" PRIu32, tr->made->batch);
    if (!s->quiet)
        report_failure(s, t, variant, kind, f);
    return true;
}

/* chain = SHA-256(chain, data) */
static bool extend(uint8_t chain[LKS_DIGEST_SIZE], const void *data, size_t bytes, lks_error *error)
{
    uint8_t *both = malloc(LKS_DIGEST_SIZE + bytes);

    if (!both)
        return error_memory(error);
    memcpy(both, chain, LKS_DIGEST_SIZE);
    memcpy(both + LKS_DIGEST_SIZE, data, bytes);
    lks_sha256(both, LKS_DIGEST_SIZE + bytes, chain);
    free(both);
    return true;
}

static bool check_variant(selftest *s, target *t, uint32_t variant, uint32_t kind, uint64_t k, trial *tr, lks_error *error)
{
    row *r = &t->row[variant][kind];
    finding found = { "", 0, "" };
    outcome done;

    if (t->lost[0] || !(t->families[variant] & tr->families))
        return true;
    done = trial_check(tr, &t->device, t->variant[variant], 64 * k + 1, &found);
    r->passed += done == OUTCOME_PASSED;
    r->unsupported += done == OUTCOME_UNSUPPORTED;
    if (s->certify && !t->variant[variant] && !extend(t->chain[kind], tr->got, tr->trace.bytes, error))
        return false;
    if (done == OUTCOME_DEVICE_LOST)
        snprintf(t->lost, sizeof t->lost, "%.500s", found.text);
    return done == OUTCOME_PASSED || done == OUTCOME_UNSUPPORTED || note_failure(s, t, variant, kind, k, tr, &found, error);
}

/* What the list of cases is: model, batch and input of each. */
static bool extend_list(selftest *s, const trial *tr, lks_error *error)
{
    uint8_t batch[4];

    for (int i = 0; i < 4; i++)
        batch[i] = (uint8_t)(tr->made->batch >> 8 * i);
    return extend(s->list, tr->info.digest, sizeof tr->info.digest, error) && extend(s->list, batch, sizeof batch, error)
           && extend(s->list, tr->made->input, tr->made->input_bytes, error);
}

static bool export(const selftest *s, uint32_t kind, uint64_t k, const trial *tr, lks_error *error)
{
    char what[FINDING_SIZE], name[FINDING_SIZE];

    describe_op(tr->made->model, 0, what, sizeof what);
    snprintf(name, sizeof name, "%s seed %" PRIu64 " case %" PRIu64 ": %.400s", cases_name(s->kind[kind]), s->seed, k, what);
    return pack_append(s->pack, tr, name, error);
}

static bool check_trial(selftest *s, uint32_t kind, uint64_t k, trial *tr, lks_error *error)
{
    s->ran++;
    s->ran_of[kind]++;
    if (s->pack && !export(s, kind, k, tr, error))
        return false;
    if (s->certify && !extend_list(s, tr, error))
        return false;
    for (size_t i = 0; i < s->targets; i++)
        for (uint32_t v = 0; v < s->target[i].variants; v++)
            if (!check_variant(s, &s->target[i], v, kind, k, tr, error))
                return false;
    return true;
}

static bool run_case(selftest *s, uint32_t kind, uint64_t k, lks_error *error)
{
    const char *name = cases_name(s->kind[kind]);
    lks_error why;
    made_case made;
    trial tr;
    bool ok;

    if (!cases_make(s->kind[kind], s->seed, k, &made, &why))
        return error_set(error, "case %" PRIu64 " of %s cannot be made: %.300s", k, name, why.text);
    ok = trial_open(&made, &tr, &why);
    if (ok) {
        ok = check_trial(s, kind, k, &tr, error);
        trial_close(&tr);
    } else {
        error_set(error, "case %" PRIu64 " of %s does not run on the reference: %.300s", k, name, why.text);
    }
    cases_free(&made);
    return ok;
}

/* ---- replaying ----------------------------------------------------------------------------------------------------------- */

/* Run one case on every device for what it leaves behind, whatever comes of it. */
static void run_unseen(const selftest *s, uint32_t op, uint64_t k)
{
    lks_error why;
    made_case made;
    finding found;
    trial tr;

    if (!cases_make(op, s->seed, k, &made, &why))
        return;
    if (trial_open(&made, &tr, &why)) {
        for (size_t i = 0; i < s->targets; i++)
            for (uint32_t v = 0; v < s->target[i].variants; v++)
                if (s->target[i].families[v] & tr.families)
                    trial_check(&tr, &s->target[i].device, s->target[i].variant[v], 64 * k + 1, &found);
        trial_close(&tr);
    }
    cases_free(&made);
}

/*
 * What a device keeps from case to case (weights cached by shape, say) shows only when another case ran before.  A replay
 * therefore runs some first: the twins of the same shapes (cases_make.h), and before one of the first cases, which have none, all
 * that came before it.
 */
static void lead_in(const selftest *s)
{
    const uint64_t without_twins = 256;
    uint32_t op;

    for (uint64_t k = 0; s->only < without_twins && k < s->only; k++)
        for (size_t i = 0; cases_kind(i, &op); i++)
            run_unseen(s, op, k);
    for (size_t i = 0; s->only >= without_twins && cases_kind(i, &op); i++)
        run_unseen(s, op, s->only ^ 1);
}

/* ---- all cases ----------------------------------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On a terminal, and only when it takes longer than a second. */
static void show_progress(const selftest *s, double since, double *shown)
{
    double at;

    if (s->ran % 64 != 0 || !isatty(STDERR_FILENO) || (at = now()) - since < 1 || at - *shown < 0.2)
        return;
    *shown = at;
    fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " cases ", s->ran, (s->only == NO_CASE ? s->cases : 1) * s->kinds);
}

/* Case by case through all ops, so that a limit of time leaves none out. */
bool selftest_run(selftest *s, lks_error *error)
{
    uint64_t first = s->only == NO_CASE ? 0 : s->only, end = s->only == NO_CASE ? s->cases : s->only + 1;
    double since = now(), shown = 0;
    bool ok = true, late = false;

    if (s->only != NO_CASE)
        lead_in(s);
    for (uint64_t k = first; k < end && ok && !late; k++)
        for (uint32_t kind = 0; kind < s->kinds && ok && !late; kind++) {
            ok = run_case(s, kind, k, error);
            late = s->seconds && now() - since >= (double)s->seconds;
            show_progress(s, since, &shown);
        }
    if (shown > 0)
        fputs("\r\033[K", stderr);
    return ok;
}

void selftest_free(selftest *s)
{
    for (size_t i = 0; i < s->targets; i++) {
        device_release(&s->target[i].device);
        for (uint32_t v = 0; v < VARIANTS_MAX; v++) {
            free(s->target[i].variant[v]);
            for (uint32_t k = 0; k < KINDS_MAX; k++)
                free(s->target[i].row[v][k].shown);
        }
    }
    free(s->target);
}
