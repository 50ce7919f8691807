/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: does every device give the bytes of the reference, op by op, and the same ones every time?
 */
#include "tools/verify.h"
#include "tools/commands.h"
#include "tools/model_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CASES 8
#define MODEL_BYTES_MAX 0x7fffffffu

/* ---- options and devices ------------------------------------------------------------------------------------------------- */

static bool check_options(verify_options *o, lks_error *error)
{
    const char *source = o->expect ? "--expect" : "--load-outputs";
    bool own = o->cases != UINT32_MAX || o->seed != 0 || o->input_count > 0;

    if (o->expect && o->load_outputs)
        return error_set(error, "--expect and --load-outputs: give only one of them");
    if (own && (o->expect || o->load_outputs))
        return error_set(error, "%s: brings its own cases: leave out --seed, --cases and INPUT", source);
    if (o->folders.count && !o->expect)
        return error_set(error, "--inputs: is for --expect only");
    if (o->reduce && o->capsule)
        return error_set(error, "--reduce and --capsule: give only one of them");
    if (o->cases == UINT32_MAX)
        o->cases = DEFAULT_CASES;
    return true;
}

static bool parse(int argc, char **argv, verify_options *o, lks_error *error)
{
    const option_spec specs[] = {
        { "seed", OPTION_U64, &o->seed, 0, UINT64_MAX, NULL },
        { "cases", OPTION_U32, &o->cases, 0, CASES_MAX, NULL },
        { "backend", OPTION_LIST, &o->backends, 0, 0, NULL },
        { "device", OPTION_TEXT, &o->common.device, 0, 0, NULL },
        { "variant", OPTION_TEXT, &o->variant, 0, 0, NULL },
        { "save-outputs", OPTION_TEXT, &o->save_outputs, 0, 0, NULL },
        { "load-outputs", OPTION_TEXT, &o->load_outputs, 0, 0, NULL },
        { "expect", OPTION_TEXT, &o->expect, 0, 0, NULL },
        { "save-expect", OPTION_TEXT, &o->save_expect, 0, 0, NULL },
        { "inputs", OPTION_LIST, &o->folders, 0, 0, NULL },
        { "junit", OPTION_TEXT, &o->junit, 0, 0, NULL },
        { "reduce", OPTION_TEXT, &o->reduce, 0, 0, NULL },
        { "capsule", OPTION_TEXT, &o->capsule, 0, 0, NULL },
        OPTIONS_WAYS(&o->common.ways), OPTIONS_THREADS(&o->common.ways), OPTIONS_LIMITS(&o->common), OPTIONS_JSON(&o->common),
    };
    int first;

    memset(o, 0, sizeof *o);
    o->cases = UINT32_MAX;
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc == first)
        return error_set(error, "give a MODEL: see lockstep verify --help");
    device_imply(&o->common.ways, &o->backends);
    o->model = argv[first];
    o->inputs = argv + first + 1;
    o->input_count = (uint32_t)(argc - first - 1);
    return check_options(o, error);
}

static bool selected(const verify_options *o, const device *d)
{
    bool named = o->backends.count == 0;

    for (size_t i = 0; i < o->backends.count; i++)
        named = named || strcmp(o->backends.item[i], d->info.backend) == 0;
    return named && device_named(d, o->common.device);
}

bool verify_devices(const verify_options *o, device_list *chosen, lks_error *error)
{
    size_t all;

    if (!device_enumerate(chosen, error))
        return false;
    for (size_t i = 0; i < o->backends.count; i++)
        if (!device_known(chosen, o->backends.item[i], error)) {
            free(chosen->device);
            return false;
        }
    all = chosen->count;
    chosen->count = 0;
    for (size_t i = 0; i < all; i++)
        if (selected(o, &chosen->device[i])) {
            device *d = &chosen->device[chosen->count++];

            *d = chosen->device[i];
            d->ways = o->common.ways;
        }
    if (chosen->count > 0)
        return true;
    free(chosen->device);
    return error_set(error, "--device: the chosen backends have no device \"%.80s\": see lockstep devices", o->common.device);
}

static bool find_devices(verification *v, lks_error *error)
{
    device_list list;

    if (!verify_devices(v->options, &list, error))
        return false;
    v->verdict = calloc(list.count, sizeof *v->verdict);
    for (size_t i = 0; v->verdict && i < list.count; i++)
        v->verdict[v->count++].device = list.device[i];
    free(list.device);
    return v->verdict || error_memory(error);
}

/* ---- model and cases ----------------------------------------------------------------------------------------------------- */

static bool open_model(verification *v, const blob *file, lks_error *error)
{
    const verify_options *o = v->options;
    uint8_t digest[LKS_DIGEST_SIZE];

    if (lks_model_parse(file->data, file->bytes, o->model, &o->common.limits, &v->model, error) != LKS_OK)
        return false;
    lks_model_get(v->model, &v->info);
    digest_hex(v->info.digest, v->sha256);
    lks_sha256(file->data, file->bytes, digest);
    digest_hex(digest, v->file_sha256);
    v->file_bytes = file->bytes;
    return true;
}

static bool make_own_cases(verification *v, lks_error *error)
{
    const verify_options *o = v->options;
    const input_options options = { IMAGE_NEAREST, options_memory(&o->common.limits) };
    input_set given = { .count = 0 };
    bool ok;

    if (o->input_count && !input_load(v->model, o->inputs, o->input_count, &options, &given, error))
        return false;
    ok = (!o->save_expect || verify_can_save_expect(v, o->input_count ? &given : NULL, error))
         && cases_open(v->model, o->seed, o->cases, o->input_count ? &given : NULL, &v->cases, error);
    input_free(&given);
    return ok;
}

static bool make_cases(verification *v, lks_error *error)
{
    if (v->options->load_outputs)
        return (!v->options->save_expect || verify_can_save_expect(v, NULL, error)) && verify_load_outputs(v, error);
    return v->options->expect ? verify_load_expect(v, error) : make_own_cases(v, error);
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool passed(const verification *v)
{
    uint64_t all = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (!verify_verdict_ok(v, &v->verdict[i]))
            return false;
        for (int k = 0; k < CHECKS; k++)
            all += v->verdict[i].comparisons[k];
    }
    return all > 0;
}

/* Outputs are for comparing, also of a device that differs; a golden file is made of a verification that passed. */
static bool write_files(verification *v, bool ok, lks_error *error)
{
    const verify_options *o = v->options;

    if (o->save_outputs && !verify_save_outputs(v, error))
        return false;
    if (o->save_expect && ok && !verify_save_expect(v, error))
        return false;
    if (!ok && (o->reduce || o->capsule) && !verify_save_capsule(v, error))
        return false;
    return !o->junit || verify_write_junit(v, error);
}

static bool verify_model(verification *v, const blob *file, lks_error *error)
{
    const verify_options *o = v->options;
    lks_error lost = { LKS_OK, "" };
    bool ok, written;

    if (!find_devices(v, error) || !open_model(v, file, error) || !make_cases(v, error) || !verify_run(v, error))
        return false;
    ok = passed(v);
    written = write_files(v, ok, &lost);
    if (o->common.json && !verify_print_json(v, ok && written, error))
        return false;
    if (!o->common.json)
        verify_print_text(v);
    if (!written)
        *error = lost;
    if (!written)
        return false;
    return ok || error_set(error, "%s: not every device gave the expected bytes: see the report", o->model);
}

static bool verify(verify_options *o, lks_error *error)
{
    uint64_t memory = options_memory(&o->common.limits);
    verification v = { .options = o };
    blob file;
    bool ok;

    if (!model_file_read(o->model, memory > MODEL_BYTES_MAX ? memory : MODEL_BYTES_MAX, &file, error))
        return false;
    if (recording_is(file.data, file.bytes))
        return verify_capsule(o, file.data, file.bytes, error);
    ok = verify_model(&v, &file, error);
    free(file.data);
    verify_free(&v);
    verify_close_files(&v);
    free(v.verdict);
    cases_close(&v.cases);
    lks_model_close(v.model);
    return ok;
}

static bool verify_main(int argc, char **argv, lks_error *error)
{
    verify_options o;
    bool ok;

    if (!parse(argc, argv, &o, error))
        return false;
    ok = verify(&o, error);
    if (!o.common.json)
        puts(ok ? "\nPASSED" : "\nFAILED");
    return ok;
}

const command command_verify = {
    "verify", "compare every backend with the reference, op by op, with itself, and with files",
    "usage: lockstep verify MODEL [INPUT...] [options]\n"
    "       lockstep verify FILE.capsule [options]\n\n"
    "Runs MODEL (.lks or .tflite) on every usable device and compares bytes: every op output with that of cpu_ref, and\n"
    "with a second run; the outputs of runs without kept intermediates and of batches with those of single runs.  The\n"
    "first op that differs is named with coordinate and values, and the line that shows it again.  The last line is\n"
    "PASSED or FAILED.\n\n"
    "The inputs are random bytes (case random_N: the top bytes of splitmix64 from state N), constant bytes 00, 80 and 7f,\n"
    "and those that are given.\n"
    HELP_INPUTS HELP_BUILTIN "\n"
    "  --cases N             how many random cases, 0 to 100000 (default 8)\n"
    "  --seed S              the first N (default 0)\n"
    "  --backend NAME        only that backend; may be repeated; it then must be usable\n"
    "  --device NAME         only devices with that number, UUID, or part of a name\n"
    "  --variant NAME        only devices that have kernels of that name, which then use them\n"
    HELP_WAYS("  ") HELP_THREADS("  ") "\n"
    "Comparing with another machine, or with an earlier day:\n"
    "  --save-outputs FILE   write cases, inputs and every op output of the first device (also if it differs)\n"
    "  --load-outputs FILE   run the cases of such a file on every device, and compare every op output with it\n"
    "  --save-expect FILE    write a golden file (JSON): the SHA-256 of inputs, outputs and all op outputs; only if PASSED\n"
    "  --expect FILE         run the cases of a golden file on every device, and compare the digests\n"
    "  --inputs DIR          where the files are that a golden file names; may be repeated; cases without a file are\n"
    "                        skipped, which is said\n"
    "  --junit FILE          write a JUnit report (XML): a suite per device, a test per case\n\n"
    "Where a device differs from cpu_ref or from itself:\n"
    "  --capsule FILE        write the model, the inputs of that case and both results as one file, which\n"
    "                        lockstep verify FILE replays\n"
    "  --reduce FILE         the same with the fewest ops and the smallest batch that still differ.  A fault in the state\n"
    "                        of a process can need what ran before: if the part alone is equal when it is replayed, use\n"
    "                        --capsule\n\n"
    "A capsule is replayed on every chosen device, with the variant that it names on its own backend.\n\n"
    HELP_LIMITS
    "  --json                print JSON\n",
    verify_main
};
