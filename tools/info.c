/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep info`: what a model is, op by op, and what it costs.
 */
#include "tools/commands.h"
#include "tools/json.h"
#include "tools/model_file.h"
#include "tools/options.h"
#include "tools/tensor.h"

#include <inttypes.h>
#include <stdio.h>
#include <math.h>
#include <string.h>

#define NAME_WIDTH 32

typedef struct info_options {
    common_options common;
    uint32_t batch;             /* 0: the model's own */
    const char *model, *profile;
} info_options;

/* A model and the batch that it is described at. */
typedef struct view {
    const char *path;
    lks_model *model;
    lks_model_info info;
    uint32_t batch;
    lks_cost cost;
    const char *profile;        /* NULL: none is asked about */
    uint32_t beyond;            /* limits of it that the model exceeds */
} view;

/* An op at the batch of the view. */
typedef struct op_view {
    lks_op_info op;
    lks_tensor_info output;     /* the first */
} op_view;

static bool get_op(const view *v, uint32_t i, op_view *o, lks_error *error)
{
    if (lks_model_op(v->model, i, &o->op) != LKS_OK)
        return error_set(error, "%s: has no op %" PRIu32, v->path, i);
    if (v->info.batch_free) {       /* all are proportional to the batch: spec 6 */
        o->op.macs = o->op.macs / v->info.batch * v->batch;
        o->op.element_ops = o->op.element_ops / v->info.batch * v->batch;
        o->op.state_bytes = o->op.state_bytes / v->info.batch * v->batch;
    }
    return tensor_get(v->model, o->op.output[0], v->batch, &o->output, error);
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static bool print_tensor(const view *v, const char *what, uint32_t i, uint32_t tensor, lks_error *error)
{
    lks_tensor_info t;
    char shape[SHAPE_SIZE];

    if (!tensor_get(v->model, tensor, v->batch, &t, error))
        return false;
    tensor_shape(&t, shape);
    printf("%s %" PRIu32 "  %s %s", what, i, tensor_type_name(t.type), shape);
    if (t.scale_bits)
        printf("  scale %.9g  zero point %" PRId32, tensor_scale(&t), t.zero_point);
    printf("  %s\n", t.name);
    return true;
}

/* Long names are told by their ends: "...block_3_add/relu". */
static void shorten(const char *name, char out[NAME_WIDTH + 1])
{
    size_t length = strlen(name);

    if (length <= NAME_WIDTH)
        memcpy(out, name, length + 1);
    else
        snprintf(out, NAME_WIDTH + 1, "...%s", name + length - (NAME_WIDTH - 3));
}

static bool print_op(const view *v, uint32_t i, lks_error *error)
{
    op_view o;
    char shape[SHAPE_SIZE], name[NAME_WIDTH + 1], bits[16] = "-";

    if (!get_op(v, i, &o, error))
        return false;
    tensor_shape(&o.output, shape);
    shorten(o.op.name, name);
    if (o.op.bound)
        snprintf(bits, sizeof bits, "%.1f", floor(10 * log2((double)o.op.bound)) / 10);     /* down: 31.0 would be too much */
    printf("%4" PRIu32 "  %-15s  %-20s  %13" PRIu64 "  %11" PRIu64 "  %-8s  %5s  %s\n", i, o.op.kind, shape, o.op.macs,
           o.op.element_ops, o.op.rounding[0] ? o.op.rounding : "-", bits, name);
    return true;
}

/* Of all ops. */
static uint64_t state_bytes(const view *v)
{
    uint64_t bytes = 0;
    op_view o;

    for (uint32_t i = 0; i < v->info.ops; i++)
        bytes += get_op(v, i, &o, NULL) ? o.op.state_bytes : 0;
    return bytes;
}

static void print_cost(const view *v)
{
    printf("\nMACs             %" PRIu64 "\nelement ops      %" PRIu64 "\n", v->cost.macs, v->cost.element_ops);
    printf("parameter bytes  %" PRIu64 "\npeak bytes       %" PRIu64 "\n", v->cost.parameter_bytes, v->cost.peak_bytes);
    if (state_bytes(v))
        printf("state bytes      %" PRIu64 "  part of the peak; kept from run to run where a session asks for it\n",
               state_bytes(v));
    puts("\nbound: log2 of the largest |accumulator| that any input can cause, proven from the weights; it stays below 31.");
}

static void print_profile(const view *v)
{
    lks_profile_row row;

    printf("\n%-40s  %20s  %12s      %s\n", v->profile, "value", "at most", "op");
    for (uint32_t i = 0; lks_model_profile(v->model, v->profile, i, &row) == LKS_OK; i++) {
        printf("%-40s  %20" PRIu64 "  %12" PRIu64 "  %s", row.what, row.value, row.at_most,
               row.value <= row.at_most ? "ok" : "NO");
        if (row.op != UINT32_MAX)
            printf("  %" PRIu32, row.op);
        putchar('\n');
    }
    if (v->beyond)
        printf("FAILED: %" PRIu32 " limits of %s do not hold\n", v->beyond, v->profile);
    else
        printf("PASSED: the model is within %s\n", v->profile);
}

static bool print_text(const view *v, lks_error *error)
{
    char hex[HEX_SIZE];

    digest_hex(v->info.digest, hex);
    printf("model  sha256 %s  %s\n", hex, v->path);
    printf("specification %" PRIu32 ", %zu bytes as .lks, batch %" PRIu32 " (%s)\n", v->info.spec_version, v->info.file_bytes,
           v->batch, v->info.batch_free ? "free" : "fixed");
    for (uint32_t i = 0; i < v->info.inputs; i++)
        if (!print_tensor(v, "input", i, lks_model_input(v->model, i), error))
            return false;
    for (uint32_t i = 0; i < v->info.outputs; i++)
        if (!print_tensor(v, "output", i, lks_model_output(v->model, i), error))
            return false;
    printf("\n%4s  %-15s  %-20s  %13s  %11s  %-8s  %5s  %s\n", "op", "kind", "output", "MACs", "element ops", "rounding", "bound",
           "name");
    for (uint32_t i = 0; i < v->info.ops; i++)
        if (!print_op(v, i, error))
            return false;
    print_cost(v);
    if (v->profile)
        print_profile(v);
    return true;
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_shape(json *j, const lks_tensor_info *t)
{
    json_open(j, "shape", '[');
    for (uint32_t i = 0; i < t->rank; i++)
        json_u64(j, NULL, t->dims[i]);
    json_close(j);
}

static bool json_tensor(json *j, const view *v, uint32_t tensor, lks_error *error)
{
    lks_tensor_info t;

    if (!tensor_get(v->model, tensor, v->batch, &t, error))
        return false;
    json_open(j, NULL, '{');
    json_text(j, "name", t.name);
    json_text(j, "type", tensor_type_name(t.type));
    json_shape(j, &t);
    if (t.scale_bits)
        json_double(j, "scale", tensor_scale(&t));
    json_i64(j, "zero_point", t.zero_point);
    json_close(j);
    return true;
}

static bool json_op(json *j, const view *v, uint32_t i, lks_error *error)
{
    op_view o;

    if (!get_op(v, i, &o, error))
        return false;
    json_open(j, NULL, '{');
    json_u64(j, "op", i);
    json_text(j, "kind", o.op.kind);
    json_text(j, "name", o.op.name);
    json_shape(j, &o.output);
    json_u64(j, "macs", o.op.macs);
    json_u64(j, "element_ops", o.op.element_ops);
    json_text(j, "rounding", o.op.rounding[0] ? o.op.rounding : NULL);
    if (o.op.state_bytes)
        json_u64(j, "state_bytes", o.op.state_bytes);
    if (o.op.bound) {
        json_u64(j, "bound", o.op.bound);
        json_double(j, "bound_bits", log2((double)o.op.bound));
    }
    json_close(j);
    return true;
}

static void json_head(json *j, const view *v)
{
    char hex[HEX_SIZE];

    digest_hex(v->info.digest, hex);
    json_text(j, "lockstep", LKS_VERSION);
    json_text(j, "model", v->path);
    json_text(j, "model_sha256", hex);
    json_u64(j, "spec", v->info.spec_version);
    json_u64(j, "file_bytes", v->info.file_bytes);
    json_u64(j, "batch", v->batch);
    json_bool(j, "batch_free", v->info.batch_free);
    json_u64(j, "macs", v->cost.macs);
    json_u64(j, "element_ops", v->cost.element_ops);
    json_u64(j, "parameter_bytes", v->cost.parameter_bytes);
    json_u64(j, "peak_bytes", v->cost.peak_bytes);
}

static bool json_tensors(json *j, const char *key, const view *v, uint32_t count,
                         uint32_t (*tensor)(const lks_model *model, uint32_t i), lks_error *error)
{
    bool ok = true;

    json_open(j, key, '[');
    for (uint32_t i = 0; ok && i < count; i++)
        ok = json_tensor(j, v, tensor(v->model, i), error);
    json_close(j);
    return ok;
}

static void json_profile(json *j, const view *v)
{
    lks_profile_row row;

    json_open(j, "profile", '{');
    json_text(j, "name", v->profile);
    json_text(j, "result", v->beyond ? "FAILED" : "PASSED");
    json_open(j, "limits", '[');
    for (uint32_t i = 0; lks_model_profile(v->model, v->profile, i, &row) == LKS_OK; i++) {
        json_open(j, NULL, '{');
        json_text(j, "what", row.what);
        json_u64(j, "value", row.value);
        json_u64(j, "at_most", row.at_most);
        json_bool(j, "holds", row.value <= row.at_most);
        if (row.op != UINT32_MAX)
            json_u64(j, "op", row.op);
        json_close(j);
    }
    json_close(j);
    json_close(j);
}

static bool print_json(const view *v, lks_error *error)
{
    json j = json_start();
    bool ok;

    json_head(&j, v);
    ok = json_tensors(&j, "inputs", v, v->info.inputs, lks_model_input, error)
      && json_tensors(&j, "outputs", v, v->info.outputs, lks_model_output, error);
    json_open(&j, "ops", '[');
    for (uint32_t i = 0; ok && i < v->info.ops; i++)
        ok = json_op(&j, v, i, error);
    json_close(&j);
    if (v->profile)
        json_profile(&j, v);
    return json_finish(&j, ok, error);
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, info_options *o, lks_error *error)
{
    const option_spec specs[] = {
        { "batch", OPTION_U32, &o->batch, 1, INT32_MAX, NULL },
        { "profile", OPTION_TEXT, &o->profile, 0, 0, NULL },
        OPTIONS_LIMITS(&o->common), OPTIONS_JSON(&o->common),
    };
    int first;

    memset(o, 0, sizeof *o);
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc - first != 1)
        return error_set(error, "give one MODEL: see lockstep info --help");
    o->model = argv[first];
    return true;
}

/* Count what the model exceeds.  false: there is no such profile. */
static bool hold_against_profile(view *v, lks_error *error)
{
    lks_profile_row row;
    uint32_t i = 0;

    for (; lks_model_profile(v->model, v->profile, i, &row) == LKS_OK; i++)
        v->beyond += row.value > row.at_most;
    return i > 0 || error_set(error, "--profile: \"%s\" is not a profile: cip1 and extended are", v->profile);
}

static bool describe(view *v, const info_options *o, lks_error *error)
{
    lks_status status;

    lks_model_get(v->model, &v->info);
    v->batch = o->batch ? o->batch : v->info.batch;
    status = lks_model_cost(v->model, v->batch, &v->cost);
    if (status == LKS_ERR_ARGUMENT)
        return error_set(error, v->info.batch_free ? "%s: --batch: %" PRIu32 " is more than the model's tensors allow"
                                                   : "%s: --batch: %" PRIu32 ": the model has a fixed batch: leave it out",
                         v->path, v->batch);
    if (status != LKS_OK)
        return error_set(error, "%s: --batch: a batch of %" PRIu32 " costs more than 64 bits can count", v->path, v->batch);
    v->profile = o->profile;
    if (v->profile && !hold_against_profile(v, error))
        return false;
    if (!(o->common.json ? print_json(v, error) : print_text(v, error)))
        return false;
    return !v->beyond || error_set(error, "%s: is not within %s: %" PRIu32 " of its limits do not hold", v->path, v->profile,
                                   v->beyond);
}

static bool info_main(int argc, char **argv, lks_error *error)
{
    info_options o;
    view v = { .model = NULL };
    bool ok;

    if (!parse(argc, argv, &o, error))
        return false;
    v.path = o.model;
    if (!model_file_open(o.model, &o.common.limits, &v.model, error))
        return false;
    ok = describe(&v, &o, error);
    lks_model_close(v.model);
    return ok;
}

const command command_info = {
    "info", "describe a model: inputs, outputs, ops, proven bounds, cost",
    "usage: lockstep info MODEL [options]\n\n"
    "Prints the digest of MODEL (.lks or .tflite), its inputs and outputs, a table of its ops, and what a run costs:\n"
    "exact counts, the same on every machine.\n\n"
    HELP_BUILTIN "\n"
    "  --batch N           describe a run with that batch (models whose batch is free)\n"
    "  --profile NAME      list the limits of a profile, cip1 or extended, with the model's values; exit 1 where one does\n"
    "                      not hold\n"
    HELP_LIMITS
    "  --json              print JSON\n",
    info_main
};
