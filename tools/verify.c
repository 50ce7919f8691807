/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep verify`: does every device give the bytes of the reference, op by op, and the same ones every time?
 */
#include "tools/verify.h"
#include "tools/commands.h"
#include "tools/json.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CASES 8
#define ANY_DEVICE UINT32_MAX
#define AT_SIZE 80

typedef struct verify_options {
    common_options common;      /* backend is unused: see backends */
    option_list backends;
    uint64_t seed;
    uint32_t cases;
    const char *model;
    char *const *inputs;
    uint32_t input_count;
} verify_options;

static const char *const check_names[CHECKS] = { "against_cpu_ref", "repeat", "outputs", "batch" };
static const char *const check_words[CHECKS] = {
    "from cpu_ref", "from its own first run", "in what a run returns, from the op output", "in a batch, from a single run"
};

/* ---- options and devices ------------------------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, verify_options *o, lks_error *error)
{
    const option_spec specs[] = {
        { "seed", OPTION_U64, &o->seed, 0, UINT64_MAX, NULL },
        { "cases", OPTION_U32, &o->cases, 0, 100000, NULL },
        { "backend", OPTION_LIST, &o->backends, 0, 0, NULL },
        { "device", OPTION_U32, &o->common.device, 0, 65535, NULL },
        OPTIONS_LIMITS(&o->common), OPTIONS_JSON(&o->common),
    };
    int first;

    memset(o, 0, sizeof *o);
    o->cases = DEFAULT_CASES;
    o->common.device = ANY_DEVICE;
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc == first)
        return error_set(error, "give a MODEL: see lockstep verify --help");
    o->model = argv[first];
    o->inputs = argv + first + 1;
    o->input_count = (uint32_t)(argc - first - 1);
    return true;
}

static bool selected(const verify_options *o, const device *d)
{
    bool named = o->backends.count == 0;

    for (size_t i = 0; i < o->backends.count; i++)
        named = named || strcmp(o->backends.item[i], d->info.backend) == 0;
    return named && (o->common.device == ANY_DEVICE || o->common.device == d->index);
}

static bool select_devices(verification *v, const verify_options *o, const device_list *list, lks_error *error)
{
    for (size_t i = 0; i < o->backends.count; i++)
        if (!device_known(list, o->backends.item[i], error))
            return false;
    v->verdict = calloc(list->count + 1, sizeof *v->verdict);
    if (!v->verdict)
        return error_memory(error);
    for (size_t i = 0; i < list->count; i++)
        if (selected(o, &list->device[i]))
            v->verdict[v->count++].device = list->device[i];
    if (v->count == 0)
        return error_set(error, "--device: the chosen backends have no device %" PRIu32 ": see lockstep devices",
                         o->common.device);
    return true;
}

static bool find_devices(verification *v, const verify_options *o, lks_error *error)
{
    device_list list;
    bool ok;

    if (!device_enumerate(&list, error))
        return false;
    ok = select_devices(v, o, &list, error);
    free(list.device);
    return ok;
}

static bool make_cases(verification *v, const verify_options *o, lks_error *error)
{
    const input_options options = { IMAGE_NEAREST, options_memory(&o->common.limits) };
    input_set given;
    bool ok;

    if (o->input_count == 0)
        return cases_open(v->model, o->seed, o->cases, NULL, &v->cases, error);
    if (!input_load(v->model, o->inputs, o->input_count, &options, &given, error))
        return false;
    ok = cases_open(v->model, o->seed, o->cases, &given, &v->cases, error);
    input_free(&given);
    return ok;
}

/* ---- the outcome --------------------------------------------------------------------------------------------------------- */

static uint64_t comparisons_of(const verdict *d)
{
    uint64_t all = 0;

    for (int i = 0; i < CHECKS; i++)
        all += d->comparisons[i];
    return all;
}

/* A device that nobody asked for by name may be unusable; any other must have been compared, and be equal. */
static bool verdict_ok(const verdict *d, const verify_options *o)
{
    if (!d->device.info.usable)
        return o->backends.count == 0;
    return !d->failure[0] && d->divergences == 0 && comparisons_of(d) > 0;
}

static const char *verdict_word(const verdict *d)
{
    if (!d->device.info.usable)
        return "not usable";
    if (d->divergences)
        return "DIFFERS";
    if (d->failure[0])
        return "FAILED";
    return comparisons_of(d) ? "equal" : "NOTHING COMPARED";
}

static bool passed(const verification *v, const verify_options *o)
{
    uint64_t all = 0;

    for (size_t i = 0; i < v->count; i++) {
        if (!verdict_ok(&v->verdict[i], o))
            return false;
        all += comparisons_of(&v->verdict[i]);
    }
    return all > 0;
}

/* Was a device other than the reference compared with it? */
static bool independent(const verification *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].comparisons[CHECK_REFERENCE])
            return true;
    return false;
}

static void coordinate(const divergence *d, char text[AT_SIZE])
{
    lks_tensor_info at = d->entry->tensor;

    memcpy(at.dims, d->mismatch.at, sizeof at.dims);
    tensor_shape(&at, text);
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static void print_divergence(const verification *v, const verdict *d)
{
    const divergence *first = &d->first;
    const trace_entry *e = first->entry;
    lks_op_info op;
    char at[AT_SIZE];

    if (lks_model_op(v->model, e->op, &op) != LKS_OK)
        return;
    coordinate(first, at);
    printf("\n%s %" PRIu32 " differs %s: ", d->device.info.backend, d->device.index, check_words[first->check]);
    printf("case %s, op %" PRIu32 " %s \"%s\" at %s: ", first->item->name, e->op, op.kind, e->tensor.name, at);
    printf("expected %" PRId64 ", got %" PRId64 "; ", first->mismatch.expected, first->mismatch.got);
    printf("%" PRIu64 " of %zu elements differ\n", first->mismatch.count, e->tensor.bytes / tensor_type_bytes(e->tensor.type));
}

static void print_count(const verdict *d, verify_check check)
{
    if (d->comparisons[check])
        printf("  %9" PRIu64, d->comparisons[check]);
    else
        printf("  %9s", "-");
}

static void print_verdict(const verdict *d)
{
    printf("%-8s  %6" PRIu32, d->device.info.backend, d->device.index);
    for (int i = 0; i < CHECKS; i++)
        print_count(d, (verify_check)i);
    printf("  %12" PRIu64 "  %s%s%s\n", d->bytes, verdict_word(d), d->failure[0] ? ": " : "", d->failure);
}

static void print_cases(const verification *v)
{
    printf("cases  %zu:", v->cases.count);
    for (size_t i = 0; i < v->cases.count && i < 16; i++)
        printf(" %s", v->cases.item[i].name);
    puts(v->cases.count > 16 ? " ..." : "");
}

static void print_text(const verification *v)
{
    char hex[HEX_SIZE];

    digest_hex(v->info.digest, hex);
    printf("model  sha256 %s  %s\n", hex, v->path);
    print_cases(v);
    printf("\ncomparisons of tensors: every op output with cpu_ref's, and with a second run's; the outputs of runs without kept\n"
           "intermediates, and of batches%s, with those of single runs\n\n", v->group > 1 ? "" : " (not of this model)");
    printf("%-8s  %6s  %9s  %9s  %9s  %9s  %12s  %s\n", "backend", "device", "cpu_ref", "repeat", "outputs", "batch", "bytes",
           "result");
    for (size_t i = 0; i < v->count; i++)
        print_verdict(&v->verdict[i]);
    for (size_t i = 0; i < v->count; i++)
        if (v->verdict[i].divergences)
            print_divergence(v, &v->verdict[i]);
    if (!independent(v))
        puts("\nNo backend was compared with another one: this says only that cpu_ref agrees with itself.");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_divergence(json *j, const verification *v, const divergence *d)
{
    const trace_entry *e = d->entry;
    lks_op_info op;

    if (lks_model_op(v->model, e->op, &op) != LKS_OK)
        return;
    json_open(j, "first_divergence", '{');
    json_text(j, "check", check_names[d->check]);
    json_text(j, "case", d->item->name);
    json_u64(j, "op", e->op);
    json_text(j, "kind", op.kind);
    json_text(j, "name", e->tensor.name);
    json_open(j, "at", '[');
    for (uint32_t i = 0; i < e->tensor.rank; i++)
        json_u64(j, NULL, d->mismatch.at[i]);
    json_close(j);
    json_i64(j, "expected", d->mismatch.expected);
    json_i64(j, "got", d->mismatch.got);
    json_u64(j, "elements_that_differ", d->mismatch.count);
    json_close(j);
}

static void json_verdict(json *j, const verification *v, const verdict *d)
{
    json_open(j, NULL, '{');
    json_text(j, "backend", d->device.info.backend);
    json_u64(j, "device", d->device.index);
    json_text(j, "name", d->device.info.name);
    json_text(j, "driver", d->device.info.driver);
    json_text(j, "result", verdict_word(d));
    json_text(j, "reason", d->failure[0] ? d->failure : NULL);
    json_open(j, "comparisons", '{');
    for (int i = 0; i < CHECKS; i++)
        json_u64(j, check_names[i], d->comparisons[i]);
    json_close(j);
    json_u64(j, "bytes", d->bytes);
    json_u64(j, "comparisons_that_differ", d->divergences);
    if (d->divergences)
        json_divergence(j, v, &d->first);
    json_close(j);
}

static bool print_json(const verification *v, bool ok, lks_error *error)
{
    json j = json_start();
    char hex[HEX_SIZE];

    digest_hex(v->info.digest, hex);
    json_text(&j, "lockstep", LKS_VERSION);
    json_text(&j, "model", v->path);
    json_text(&j, "model_sha256", hex);
    json_open(&j, "cases", '[');
    for (size_t i = 0; i < v->cases.count; i++)
        json_text(&j, NULL, v->cases.item[i].name);
    json_close(&j);
    json_open(&j, "devices", '[');
    for (size_t i = 0; i < v->count; i++)
        json_verdict(&j, v, &v->verdict[i]);
    json_close(&j);
    json_bool(&j, "compared_with_another_backend", independent(v));
    json_text(&j, "result", ok ? "PASSED" : "FAILED");
    return json_finish(&j, true, error);
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool verify(verification *v, const verify_options *o, lks_error *error)
{
    bool ok;

    if (!find_devices(v, o, error) || lks_model_open(o->model, &o->common.limits, &v->model, error) != LKS_OK)
        return false;
    lks_model_get(v->model, &v->info);
    if (!make_cases(v, o, error) || !verify_run(v, error))
        return false;
    ok = passed(v, o);
    if (o->common.json && !print_json(v, ok, error))
        return false;
    if (!o->common.json)
        print_text(v);
    return ok || error_set(error, "%s: not every device gave the bytes of the reference: see the report", o->model);
}

static bool verify_main(int argc, char **argv, lks_error *error)
{
    verify_options o;
    verification v = { .count = 0 };
    bool ok;

    if (!parse(argc, argv, &o, error))
        return false;
    v.path = o.model;
    v.limits = o.common.limits;
    ok = verify(&v, &o, error);
    if (!o.common.json)
        puts(ok ? "\nPASSED" : "\nFAILED");
    verify_free(&v);
    free(v.verdict);
    cases_close(&v.cases);
    lks_model_close(v.model);
    return ok;
}

const command command_verify = {
    "verify", "compare every backend with the reference, op by op, and with itself",
    "usage: lockstep verify MODEL [INPUT...] [options]\n\n"
    "Runs MODEL (.lks or .tflite) on every usable device and compares bytes: every op output with that of cpu_ref, and\n"
    "with a second run; the outputs of runs without kept intermediates and of batches with those of single runs.  The\n"
    "first op that differs is named with coordinate and values.  The last line is PASSED or FAILED.\n\n"
    "The inputs are random bytes (case random_N: the top bytes of splitmix64 from state N), constant bytes 00, 80 and 7f,\n"
    "and those that are given.\n"
    HELP_INPUTS "\n"
    "  --cases N           how many random cases, 0 to 100000 (default 8)\n"
    "  --seed S            the first N (default 0)\n"
    "  --backend NAME      only that backend; may be repeated; it then must be usable\n"
    "  --device N          only devices with that number\n"
    HELP_LIMITS
    "  --json              print JSON\n",
    verify_main
};
