/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify FILE.capsule`: does the device still differ, and does any other?
 */
#include "tools/json.h"
#include "tools/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a device of this machine gives now. */
typedef struct answer {
    device device;
    bool named;                     /* it is the one of the capsule, by backend and number */
    bool ran, differs;
    bool as_recorded;               /* the bytes of the capsule */
    lks_mismatch mismatch;
    const trace_entry *entry;
    char failure[sizeof ((lks_error *)0)->text];
} answer;

typedef struct replay {
    const verify_options *options;
    recording capsule;
    lks_model *model;
    lks_model_info info;
    trace_job job;
    uint8_t *inputs, *expected, *recorded, *got;
    lks_mismatch mismatch;                          /* of the capsule itself */
    const trace_entry *entry;
    bool reference_agrees;
    answer *answer;
    size_t count;
} replay;

/* ---- reading it ---------------------------------------------------------------------------------------------------------- */

static bool check_options(const verify_options *o, lks_error *error)
{
    bool files = o->save_outputs || o->load_outputs || o->expect || o->save_expect || o->junit || o->reduce || o->capsule;

    if (!files && !o->input_count)
        return true;
    return error_set(error, "%s: is a capsule: use only --backend, --device, --variant, --json and limits with it", o->model);
}

static bool open_model(replay *r, lks_error *error)
{
    const verify_options *o = r->options;
    const recording *c = &r->capsule;
    char name[600];

    if (c->kind != RECORDING_CAPSULE)
        return error_set(error, "%s: is a file of outputs: use lockstep verify MODEL --load-outputs %s", o->model, o->model);
    snprintf(name, sizeof name, "%.500s: model", o->model);
    if (lks_model_parse(c->model, c->model_bytes, name, &o->common.limits, &r->model, error) != LKS_OK)
        return false;
    lks_model_get(r->model, &r->info);
    if (c->model_bytes != r->info.file_bytes || memcmp(c->model, r->info.file, c->model_bytes) != 0)
        return error_set(error, "%s: model: is not a .lks file", o->model);
    if (!r->info.batch_free && c->batch != r->info.batch)
        return error_set(error, "%s: batch: is %" PRIu32 ", and the model runs with %" PRIu32 " only", o->model, c->batch,
                         r->info.batch);
    return device_affordable(r->model, o->model, c->batch, &o->common.limits, error);
}

/* Copies. */
static bool open_bytes(replay *r, lks_error *error)
{
    const recording *c = &r->capsule;

    r->job = (trace_job){ .model = r->model, .batch = c->batch, .kept = c->kept };
    if (!trace_job_open(&r->job, error))
        return false;
    if (r->job.input_bytes != c->input_bytes || r->job.trace.bytes != c->result_bytes)
        return error_set(error, "%s: sizes: the inputs or results are not those of its model", r->options->model);
    r->inputs = malloc(c->input_bytes);
    r->expected = malloc(c->result_bytes);
    r->recorded = malloc(c->result_bytes);
    r->got = malloc(c->result_bytes);
    if (!r->inputs || !r->expected || !r->recorded || !r->got)
        return error_memory(error);
    memcpy(r->inputs, c->item[0].inputs, c->input_bytes);
    memcpy(r->expected, c->item[0].result, c->result_bytes);
    memcpy(r->recorded, c->item[0].got, c->result_bytes);
    r->job.inputs = r->inputs;
    r->entry = trace_compare(&r->job.trace, r->expected, r->recorded, &r->mismatch);
    return true;
}

/* ---- running it ---------------------------------------------------------------------------------------------------------- */

static bool run_reference(replay *r, lks_error *error)
{
    common_options options = { .backend = DEVICE_REFERENCE };
    lks_mismatch unused;
    device d;

    if (!device_pick(&options, &d, error) || !trace_job_run(&r->job, &d, NULL, 1, NULL, r->got, error))
        return false;
    r->reference_agrees = !trace_compare(&r->job.trace, r->expected, r->got, &unused);
    return true;
}

/* The variant of the capsule belongs to its backend. */
static const char *variant_for(const replay *r, const answer *a)
{
    if (r->options->variant)
        return r->options->variant;
    return strcmp(a->device.info.backend, r->capsule.backend) == 0 && r->capsule.variant[0] ? r->capsule.variant : NULL;
}

static void run_device(replay *r, answer *a)
{
    const recording *c = &r->capsule;
    lks_error failure = { LKS_OK, "" };

    a->named = strcmp(a->device.info.backend, c->backend) == 0 && a->device.index == c->device;
    if (!a->device.info.usable) {
        snprintf(a->failure, sizeof a->failure, "%s", a->device.info.reason);
        return;
    }
    a->ran = trace_job_run(&r->job, &a->device, variant_for(r, a), REDUCE_RUNS, r->expected, r->got, &failure);
    if (!a->ran) {
        snprintf(a->failure, sizeof a->failure, "%s", failure.text);
        return;
    }
    a->entry = trace_compare(&r->job.trace, r->expected, r->got, &a->mismatch);
    a->differs = a->entry != NULL;
    a->as_recorded = memcmp(r->got, r->recorded, c->result_bytes) == 0;
}

static bool run_devices(replay *r, lks_error *error)
{
    device_list list;

    if (!verify_devices(r->options, &list, error))
        return false;
    r->answer = calloc(list.count, sizeof *r->answer);
    for (size_t i = 0; r->answer && i < list.count; i++) {
        r->answer[i].device = list.device[i];
        run_device(r, &r->answer[i]);
    }
    r->count = r->answer ? list.count : 0;
    free(list.device);
    return r->answer || error_memory(error);
}

/* All devices that can run give the expected bytes now, and one at least did. */
static bool passed(const replay *r)
{
    size_t ran = 0;

    for (size_t i = 0; i < r->count; i++) {
        const answer *a = &r->answer[i];

        ran += a->ran;
        if (a->differs || (!a->ran && (a->device.info.usable || r->options->backends.count)))
            return false;
    }
    return r->reference_agrees && ran > 0;
}

/* ---- telling it ---------------------------------------------------------------------------------------------------------- */

static const char *answer_word(const answer *a)
{
    if (!a->device.info.usable)
        return "not usable";
    if (!a->ran)
        return "FAILED";
    if (!a->differs)
        return a->named ? "equal: differs no longer" : "equal";
    if (!a->named)
        return "DIFFERS";
    return a->as_recorded ? "STILL DIFFERS, with the same bytes" : "STILL DIFFERS, with other bytes";
}

static bool has_named(const replay *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->answer[i].named && r->answer[i].ran)
            return true;
    return false;
}

static void print_capsule(const replay *r)
{
    const recording *c = &r->capsule;
    char original[HEX_SIZE], part[HEX_SIZE], text[VERIFY_LINE];

    digest_hex(c->digest, original);
    digest_hex(r->info.digest, part);
    trace_describe(r->model, r->entry, &r->mismatch, text, sizeof text);
    printf("capsule  %s: Lockstep %s on %s %" PRIu32 "  %s, %s%s%s\n", r->options->model, c->engine, c->backend, c->device,
           c->name, c->driver, c->variant[0] ? ", variant " : "", c->variant);
    printf("model  sha256 %s, op %" PRIu32 "\n", original, c->op);
    printf("part  sha256 %s, %" PRIu32 " op%s, batch %" PRIu32 ", %s\n", part, r->info.ops, r->info.ops == 1 ? "" : "s", c->batch,
           c->kept ? "every op output" : "outputs only");
    printf("case  %s\n", c->item[0].name);
    printf("recorded  %s\n", text);
}

static void print_text(const replay *r)
{
    const int width = 16;
    char text[VERIFY_LINE];

    print_capsule(r);
    printf("reference  cpu_ref gives %s\n\n",
           r->reference_agrees ? "the expected bytes" : "OTHER BYTES than the capsule expects");
    printf("%-*s  %6s  %s\n", width, "backend", "device", "result");
    for (size_t i = 0; i < r->count; i++) {
        const answer *a = &r->answer[i];

        printf("%-*s  %6" PRIu32 "  %s%s%s\n", width, a->device.info.backend, a->device.index, answer_word(a),
               a->failure[0] ? ": " : "", a->failure);
        if (a->differs) {
            trace_describe(r->model, a->entry, &a->mismatch, text, sizeof text);
            printf("%*s%s\n", width + 10, "", text);
        }
    }
    if (!has_named(r))
        printf("\n%s %" PRIu32 " was not run here: this says nothing about the device that differed.\n", r->capsule.backend,
               r->capsule.device);
}

static void json_difference(json *j, const char *key, const replay *r, const trace_entry *e, const lks_mismatch *m)
{
    char text[VERIFY_LINE];

    json_open(j, key, '{');
    json_u64(j, "op", e->op);
    json_text(j, "name", e->tensor.name);
    json_open(j, "at", '[');
    for (uint32_t i = 0; i < e->tensor.rank; i++)
        json_u64(j, NULL, m->at[i]);
    json_close(j);
    json_i64(j, "expected", m->expected);
    json_i64(j, "got", m->got);
    json_u64(j, "elements_that_differ", m->count);
    trace_describe(r->model, e, m, text, sizeof text);
    json_text(j, "text", text);
    json_close(j);
}

static void json_answer(json *j, const replay *r, const answer *a)
{
    json_open(j, NULL, '{');
    json_text(j, "backend", a->device.info.backend);
    json_u64(j, "device", a->device.index);
    json_text(j, "name", a->device.info.name);
    json_text(j, "driver", a->device.info.driver);
    json_bool(j, "of_the_capsule", a->named);
    json_text(j, "result", answer_word(a));
    json_text(j, "reason", a->failure[0] ? a->failure : NULL);
    if (a->differs)
        json_difference(j, "difference", r, a->entry, &a->mismatch);
    json_close(j);
}

static void json_capsule(json *j, const replay *r)
{
    const recording *c = &r->capsule;
    char original[HEX_SIZE], part[HEX_SIZE];

    digest_hex(c->digest, original);
    digest_hex(r->info.digest, part);
    json_text(j, "made_by", c->engine);
    json_text(j, "backend", c->backend);
    json_u64(j, "device", c->device);
    json_text(j, "device_name", c->name);
    json_text(j, "driver", c->driver);
    json_text(j, "variant", c->variant[0] ? c->variant : NULL);
    json_text(j, "model_sha256", original);
    json_u64(j, "op", c->op);
    json_text(j, "part_sha256", part);
    json_u64(j, "part_ops", r->info.ops);
    json_u64(j, "batch", c->batch);
    json_bool(j, "every_op_output", c->kept);
    json_text(j, "case", c->item[0].name);
    json_difference(j, "recorded", r, r->entry, &r->mismatch);
}

static bool print_json(const replay *r, bool ok, lks_error *error)
{
    json j = json_start();

    json_text(&j, "lockstep", LKS_VERSION);
    json_text(&j, "file", r->options->model);
    json_capsule(&j, r);
    json_bool(&j, "reference_gives_the_expected_bytes", r->reference_agrees);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < r->count; i++)
        json_answer(&j, r, &r->answer[i]);
    json_close(&j);
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------- */

static bool replay_all(replay *r, uint8_t *bytes, size_t size, lks_error *error)
{
    const verify_options *o = r->options;
    bool ok;

    if (!recording_parse(bytes, size, o->model, &r->capsule, error))
        return false;
    if (!check_options(o, error) || !open_model(r, error) || !open_bytes(r, error) || !run_reference(r, error)
        || !run_devices(r, error))
        return false;
    ok = passed(r);
    if (o->common.json && !print_json(r, ok, error))
        return false;
    if (!o->common.json)
        print_text(r);
    return ok || error_set(error, "%s: not every device gives the expected bytes: see the report", o->model);
}

bool verify_capsule(const verify_options *o, uint8_t *bytes, size_t size, lks_error *error)
{
    replay r = { .options = o };
    bool ok = replay_all(&r, bytes, size, error);

    trace_close(&r.job.trace);
    recording_close(&r.capsule);
    lks_model_close(r.model);
    free(r.inputs);
    free(r.expected);
    free(r.recorded);
    free(r.got);
    free(r.answer);
    return ok;
}
