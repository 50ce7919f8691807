/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: the files of results that it reads and writes, and the cases that come from them.
 */
#include "tools/files.h"
#include "tools/output.h"
#include "tools/verify.h"

#include "host/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The batch of one case. */
static uint32_t case_batch(const verification *v)
{
    return v->info.batch_free ? 1 : v->info.batch;
}

/* ---- --load-outputs ------------------------------------------------------------------------------------------------------ */

static bool read_recording(const char *path, uint64_t limit, recording *r, lks_error *error)
{
    blob file;

    return file_read(path, limit, &file, error) && recording_parse(file.data, file.bytes, path, r, error);
}

static bool saved_fits(const verification *v, const trace *t, lks_error *error)
{
    const recording *r = &v->saved;
    const char *path = v->options->load_outputs;
    char hex[HEX_SIZE];

    digest_hex(r->digest, hex);
    if (r->kind != RECORDING_OUTPUTS)
        return error_set(error, "%s: is a capsule: replay it with lockstep verify %s", path, path);
    if (strcmp(hex, v->sha256) != 0)
        return error_set(error, "%s: was made for the model with sha256 %s, and %s is %s", path, hex, v->options->model,
                         v->sha256);
    if (r->batch != case_batch(v) || r->input_bytes != cases_bytes(&v->cases) || r->result_bytes != t->bytes)
        return error_set(error, "%s: its batch or its sizes are not those of the model that it names", path);
    return true;
}

static bool add_saved(verification *v, lks_error *error)
{
    for (size_t i = 0; i < v->saved.count; i++) {
        const recording_case *c = &v->saved.item[i];

        if (!cases_add(&v->cases, CASE_GIVEN, i, c->name, c->inputs, error))
            return false;
        v->cases.item[i].origin = i;
    }
    return true;
}

bool verify_load_outputs(verification *v, lks_error *error)
{
    uint64_t limit = options_memory(&v->options->common.limits);
    trace t;
    bool ok;

    if (!read_recording(v->options->load_outputs, limit, &v->saved, error)
        || !cases_start(v->model, v->saved.count, &v->cases, error) || !trace_open(v->model, case_batch(v), &t, error))
        return false;
    ok = saved_fits(v, &t, error) && add_saved(v, error);
    trace_close(&t);
    return ok;
}

/* ---- --expect ------------------------------------------------------------------------------------------------------------ */

static bool golden_fits(const verification *v, lks_error *error)
{
    const golden *g = &v->golden;
    bool source = strcmp(g->sha256, v->file_sha256) == 0, model = strcmp(g->sha256, v->sha256) == 0;
    bool import = g->lks_sha256 && strcmp(g->lks_sha256, v->sha256) == 0;

    if (source && g->lks_sha256 && !import)
        return error_set(error, "%s: model.lks_sha256: %s imports to another model than when the file was made (now %s)",
                         v->options->expect, v->options->model, v->sha256);
    if (source || model || import)
        return true;
    return error_set(error, "%s: model.sha256: was made for the file with sha256 %s, and %s is %s", v->options->expect, g->sha256,
                     v->options->model, v->file_sha256);
}

/* The path of a file in the folders of --inputs; the caller's to free.  NULL: in none of them. */
static bool find_file(const option_list *folders, const char *name, char **path, lks_error *error)
{
    for (size_t i = 0; i < folders->count; i++) {
        *path = output_join(folders->item[i], name);
        if (!*path)
            return error_memory(error);
        if (access(*path, F_OK) == 0)
            return true;
        free(*path);
    }
    *path = NULL;
    return true;
}

static bool add_file(verification *v, const golden_case *g, char *path, lks_error *error)
{
    const input_options options = { IMAGE_NEAREST, options_memory(&v->options->common.limits) };
    input_set given;
    bool ok;

    if (!input_load(v->model, &path, 1, &options, &given, error))
        return false;
    ok = !v->info.batch_free || given.batch == 1
         || error_set(error, "%s: holds %" PRIu32 " images, and case \"%s\" is one", path, given.batch, g->name);
    ok = ok && cases_add_image(&v->cases, &given, 0, g->name, error);
    input_free(&given);
    return ok;
}

static bool add_golden(verification *v, const golden_case *g, lks_error *error)
{
    char *path = NULL;
    bool ok;

    if (g->kind != CASE_GIVEN)
        return cases_add(&v->cases, g->kind, g->number, g->name, NULL, error);
    if (v->info.inputs == 1 && !find_file(&v->options->folders, g->file, &path, error))
        return false;
    if (!path) {
        v->skipped[v->skipped_count++] = g;
        return true;
    }
    ok = add_file(v, g, path, error);
    free(path);
    return ok;
}

/* Have we made the bytes that the digests were made of? */
static bool inputs_fit(const verification *v, const golden_case *g, const test_case *c, lks_error *error)
{
    char hex[HEX_SIZE];

    for (uint32_t i = 0; i < v->info.inputs; i++) {
        tensor_digest(cases_input(&v->cases, c, i), v->cases.bytes[i], hex);
        if (strcmp(hex, g->input[i]) != 0)
            return error_set(error, "%s: case \"%s\": inputs_sha256[%" PRIu32 "]: expected %s, and %s has %s", v->options->expect,
                             g->name, i, g->input[i], g->file ? g->file : "its input", hex);
    }
    return true;
}

bool verify_load_expect(verification *v, lks_error *error)
{
    golden *g = &v->golden;

    if (!golden_open(v->options->expect, v->info.inputs, v->info.outputs, g, error) || !golden_fits(v, error)
        || !cases_start(v->model, g->count, &v->cases, error))
        return false;
    v->skipped = calloc(g->count, sizeof *v->skipped);
    if (!v->skipped)
        return error_memory(error);
    for (size_t i = 0; i < g->count; i++) {
        size_t before = v->cases.count;

        if (!add_golden(v, &g->item[i], error))
            return false;
        if (v->cases.count == before)
            continue;
        v->cases.item[before].origin = i;
        if (!inputs_fit(v, &g->item[i], &v->cases.item[before], error))
            return false;
    }
    return true;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

bool verify_can_save_expect(const verification *v, const input_set *given, lks_error *error)
{
    const verify_options *o = v->options;

    if (o->load_outputs || (v->info.inputs > 1 && given))
        return error_set(error, "--save-expect: a golden file cannot name these inputs: leave out %s",
                         o->load_outputs ? "--load-outputs" : "the INPUT files of a model with several inputs");
    for (uint32_t i = 0; i < o->input_count; i++) {
        if (!golden_file_name(o->inputs[i]))
            return error_set(error, "--save-expect: %s: a golden file cannot write this name: use printable ASCII", o->inputs[i]);
        if (v->info.batch_free && given->images[i] != 1)
            return error_set(error, "--save-expect: %s: holds %" PRIu32 " images: a golden file needs one file for each",
                             o->inputs[i], given->images[i]);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(golden_file_name(o->inputs[i]), golden_file_name(o->inputs[k])) == 0)
                return error_set(error, "--save-expect: %s and %s: have the same name without their folders", o->inputs[k],
                                 o->inputs[i]);
    }
    return true;
}

/* The file of each given case: an INPUT, or what the golden that was loaded names; the caller's to free. */
static const char **given_files(const verification *v)
{
    const char **files = calloc(v->cases.count + 1, sizeof *files);

    for (size_t i = 0; files && i < v->cases.count; i++) {
        const test_case *c = &v->cases.item[i];

        if (c->kind == CASE_GIVEN)
            files[i] = v->golden.count ? v->golden.item[c->origin].file : v->options->inputs[c->number];
    }
    return files;
}

bool verify_save_expect(const verification *v, lks_error *error)
{
    const char **files = given_files(v);
    const golden_source source = {
        .model = v->model, .path = v->options->model, .file_bytes = v->file_bytes, .sha256 = v->file_sha256,
        .lks_sha256 = v->sha256, .cases = &v->cases, .files = files, .digests = v->digests
    };
    bool ok = files ? golden_write(v->options->save_expect, &source, error) : error_memory(error);

    free(files);
    return ok;
}

static void describe_recording(const verification *v, recording *r)
{
    r->kind = RECORDING_OUTPUTS;
    r->kept = true;
    r->batch = case_batch(v);
    r->input_bytes = cases_bytes(&v->cases);
    r->result_bytes = v->trace.bytes;
    memcpy(r->digest, v->info.digest, sizeof r->digest);
    recording_origin(r, &v->recorded->device, v->options->variant);
}

bool verify_save_outputs(const verification *v, lks_error *error)
{
    recording r = { .count = v->cases.count };
    bool ok;

    if (!v->recorded || v->recorded->failure[0])
        return error_set(error, "%s: not written: no device ran all cases", v->options->save_outputs);
    describe_recording(v, &r);
    r.item = calloc(r.count + 1, sizeof *r.item);
    for (size_t i = 0; r.item && i < r.count; i++)
        r.item[i] = (recording_case){ v->cases.item[i].name, v->cases.item[i].data, v->record + i * r.result_bytes, NULL };
    ok = r.item ? recording_write(v->options->save_outputs, &r, error) : error_memory(error);
    free(r.item);
    return ok;
}

/* ---- capsules ------------------------------------------------------------------------------------------------------------ */

/* The inputs of cases start .. start + n - 1, each model input's one behind the other; the caller's to free. */
static uint8_t *join_inputs(const case_list *list, size_t start, uint32_t n)
{
    uint8_t *joined = malloc(cases_bytes(list) * n), *to = joined;

    for (uint32_t i = 0; joined && i < list->inputs; i++)
        for (uint32_t k = 0; k < n; k++, to += list->bytes[i])
            memcpy(to, cases_input(list, &list->item[start + k], i), list->bytes[i]);
    return joined;
}

static const verdict *first_fault(const verification *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].fault.item)
            return &v->verdict[i];
    return NULL;
}

bool verify_save_capsule(verification *v, lks_error *error)
{
    const verify_options *o = v->options;
    const verdict *d = first_fault(v);
    reduce_failure failure = { .model = v->model, .variant = o->variant };
    size_t start;
    uint32_t n = 1;
    uint8_t *inputs;
    bool ok;

    if (!d)
        return true;
    start = (size_t)(d->fault.item - v->cases.item);
    if (d->fault.check == CHECK_BATCH)
        n = verify_batch(v, d->fault.item, &start);
    inputs = join_inputs(&v->cases, start, n);
    failure.device = &d->device;
    failure.case_name = d->fault.item->name;
    failure.batch = v->info.batch_free ? n : v->info.batch;
    failure.inputs = inputs;
    failure.op = d->fault.entry->op;
    ok = inputs ? reduce_write(&failure, o->reduce != NULL, o->reduce ? o->reduce : o->capsule, &v->reduction, error)
                : error_memory(error);
    free(inputs);
    return ok;
}

void verify_close_files(verification *v)
{
    golden_close(&v->golden);
    recording_close(&v->saved);
    free(v->skipped);
}
