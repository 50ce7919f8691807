/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep explain`: one output element as a worked sum, held against what every device gives.
 */
#include "tools/explain_report.h"
#include "tools/commands.h"
#include "tools/model_file.h"
#include "host/interface.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_OP UINT32_MAX

/* ---- options ------------------------------------------------------------------------------------------------------------- */

static bool parse(int argc, char **argv, explain_options *o, lks_error *error)
{
    const option_spec specs[] = {
        { "op", OPTION_U32, &o->op, 0, LKS_MAX_OPS - 1, NULL },
        { "output", OPTION_U32, &o->output, 0, LKS_MAX_ENDS - 1, NULL },
        { "at", OPTION_TEXT, &o->at, 0, 0, NULL },
        { "all", OPTION_FLAG, &o->all, 0, 0, NULL },
        { "backend", OPTION_LIST, &o->backends, 0, 0, NULL },
        { "device", OPTION_TEXT, &o->common.device, 0, 0, NULL },
        { "variant", OPTION_TEXT, &o->variant, 0, 0, NULL },
        OPTIONS_ISA(&o->common.ways), OPTIONS_THREADS(&o->common.ways), OPTIONS_CACHE(&o->common.ways),
        OPTIONS_LIMITS(&o->common), OPTIONS_JSON(&o->common),
    };
    int first;

    memset(o, 0, sizeof *o);
    o->op = NO_OP;
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc - first < 2)
        return error_set(error, "give a MODEL and at least one INPUT: see lockstep explain --help");
    if (o->op == NO_OP || !o->at)
        return error_set(error, "%s: give the op and the element, such as --op 3 --at 0,1,2,3: see lockstep info for the ops",
                         o->op == NO_OP ? "--op" : "--at");
    device_imply(&o->common.ways, &o->backends);
    o->model = argv[first];
    o->inputs = argv + first + 1;
    o->input_count = (uint32_t)(argc - first - 1);
    return true;
}

/* One coordinate, up to a comma or the end; NULL: not a number that fits. */
static const char *next_coordinate(const char *p, uint32_t *value)
{
    uint64_t v = 0;
    const char *start = p;

    for (; *p >= '0' && *p <= '9' && v <= UINT32_MAX; p++)
        v = 10 * v + (uint64_t)(*p - '0');
    if (p == start || v > UINT32_MAX || (*p != ',' && *p != '\0'))
        return NULL;
    *value = (uint32_t)v;
    return p;
}

static bool parse_at(explaining *x, lks_error *error)
{
    const explain_tensor *y = &x->e.y;
    const char *p = x->options->at;
    char shape[SHAPE_SIZE];
    lks_tensor_info t = { .rank = y->rank };
    bool sound = true;

    memcpy(t.dims, y->dims, sizeof t.dims);
    tensor_shape(&t, shape);
    for (uint32_t i = 0; i < y->rank && sound; i++) {
        p = next_coordinate(p, &x->e.at[i]);
        sound = p && x->e.at[i] < y->dims[i] && (*p == ',') == (i + 1 < y->rank);
        p = sound && *p == ',' ? p + 1 : p;
    }
    if (sound)
        return true;
    return error_set(error, "--at: \"%s\" is no element of %s, which op %" PRIu32 " gives: give %" PRIu32 " number%s with commas",
                     x->options->at, shape, x->options->op, y->rank, y->rank == 1 ? "" : "s");
}

/* ---- the run ------------------------------------------------------------------------------------------------------------- */

/* The inputs of the run, one behind the other. */
static bool load_inputs(explaining *x, lks_error *error)
{
    const explain_options *o = x->options;
    const input_options options = { IMAGE_NEAREST, options_memory(&o->common.limits) };
    input_set given;
    size_t all = 0;

    if (!input_load(x->model, o->inputs, o->input_count, &options, &given, error))
        return false;
    x->batch = given.batch;
    for (uint32_t i = 0; i < given.count; i++)
        all += given.in[i].bytes;
    x->inputs = malloc(all + 1);
    all = 0;
    for (uint32_t i = 0; x->inputs && i < given.count; all += given.in[i].bytes, i++)
        memcpy(x->inputs + all, given.in[i].data, given.in[i].bytes);
    input_free(&given);
    return x->inputs || error_memory(error);
}

static bool load(explaining *x, lks_error *error)
{
    const explain_options *o = x->options;

    if (!model_file_open(o->model, &o->common.limits, &x->model, error))
        return false;
    lks_model_get(x->model, &x->info);
    if (lks_model_op(x->model, o->op, &x->op) != LKS_OK)
        return error_set(error, "--op: %s has ops 0 to %" PRIu32 ": see lockstep info", o->model, x->info.ops - 1);
    if (!load_inputs(x, error) || !device_affordable(x->model, o->model, x->batch, &o->common.limits, error))
        return false;
    x->job = (trace_job){ .model = x->model, .batch = x->batch, .kept = true, .inputs = x->inputs };
    if (!trace_job_open(&x->job, error))
        return false;
    x->values = malloc(x->job.trace.bytes);
    x->other = malloc(x->job.trace.bytes);
    return (x->values && x->other) || error_memory(error);
}

/* ---- the op -------------------------------------------------------------------------------------------------------------- */

/* The bytes of an activation in the run of cpu_ref. */
static const uint8_t *bytes_of(const explaining *x, uint32_t tensor)
{
    const uint8_t *at = x->inputs;
    lks_tensor_info t;
    lks_error unused;

    for (size_t i = 0; i < x->job.trace.count; i++)
        if (x->job.trace.entry[i].index == tensor)
            return x->values + x->job.trace.entry[i].offset;
    for (uint32_t i = 0; i < x->info.inputs && lks_model_input(x->model, i) != tensor; at += t.bytes, i++)
        if (!tensor_get(x->model, lks_model_input(x->model, i), x->batch, &t, &unused))
            break;
    return at;
}

static bool view(const explaining *x, uint32_t tensor, explain_tensor *t, lks_error *error)
{
    lks_tensor_info info;

    if (!tensor_get(x->model, tensor, x->batch, &info, error))
        return false;
    t->tensor = &x->model->graph.tensors[tensor];
    t->rank = info.rank;
    memcpy(t->dims, info.dims, sizeof t->dims);
    t->data = info.constant ? NULL : bytes_of(x, tensor);
    return true;
}

/* From malloc; NULL: *error says why. */
static explain_tensor *view_all(const explaining *x, const uint32_t *tensors, uint32_t count, lks_error *error)
{
    explain_tensor *all = calloc(count, sizeof *all);
    bool ok = all || error_memory(error);

    for (uint32_t i = 0; ok && i < count; i++)
        ok = view(x, tensors[i], &all[i], error);
    if (ok)
        return all;
    free(all);
    return NULL;
}

static bool view_op(explaining *x, lks_error *error)
{
    const lks_op *op = &x->model->graph.ops[x->options->op];

    x->e.op = op;
    x->e.all = x->options->all;
    x->e.error = error;
    x->e.output = x->options->output;
    if (x->e.output >= op->output_count)
        return error_set(error, "--output: op %" PRIu32 " has outputs 0 to %" PRIu32, x->options->op, op->output_count - 1);
    x->e.in = view_all(x, op->operand, op->operand_count, error);
    x->e.out = x->e.in ? view_all(x, op->output, op->output_count, error) : NULL;
    if (!x->e.out)
        return false;
    x->e.y = x->e.out[x->e.output];
    return true;
}

/* ---- the devices --------------------------------------------------------------------------------------------------------- */

static int64_t value_in(const explaining *x, const uint8_t *values)
{
    const explain_tensor *y = &x->e.y;
    size_t index = 0;

    for (uint32_t i = 0; i < y->rank; i++)
        index = index * y->dims[i] + x->e.at[i];
    for (size_t i = 0; i < x->job.trace.count; i++)
        if (x->job.trace.entry[i].index == x->op.output[x->e.output])
            return lks_interface_value(values + x->job.trace.entry[i].offset, y->tensor->interface, index);
    return 0;
}

bool explain_agrees(const explaining *x, const explain_answer *a)
{
    return a->ran && a->value == x->e.result;
}

static bool is_reference(const device *d)
{
    return strcmp(d->info.backend, DEVICE_REFERENCE) == 0 && d->index == 0;
}

static bool selected(const explain_options *o, const device *d)
{
    bool named = o->backends.count == 0;

    for (size_t i = 0; i < o->backends.count; i++)
        named = named || strcmp(o->backends.item[i], d->info.backend) == 0;
    return named && device_named(d, o->common.device);
}

static void ask(explaining *x, const device *d)
{
    explain_answer *a = &x->answer[x->count++];
    uint8_t *values = is_reference(d) ? x->values : x->other;
    lks_error failure = { LKS_OK, "" };
    lks_mismatch unused;

    a->device = *d;
    a->device.ways = x->options->common.ways;
    if (!d->info.usable) {
        snprintf(a->failure, sizeof a->failure, "%s", d->info.reason);
        return;
    }
    a->ran = is_reference(d) || trace_job_run(&x->job, &a->device, x->options->variant, 1, NULL, values, &failure);
    if (!a->ran) {
        snprintf(a->failure, sizeof a->failure, "%s", failure.text);
        return;
    }
    a->value = value_in(x, values);
    if (!is_reference(d))
        a->earlier = trace_compare(&x->job.trace, x->values, values, &unused);
    if (a->earlier && a->earlier->op >= x->options->op)
        a->earlier = NULL;
}

/* The reference first: it runs before the element is worked out, because its op outputs are the operands. */
static bool ask_devices(explaining *x, const device_list *list)
{
    x->answer = calloc(list->count, sizeof *x->answer);
    if (!x->answer)
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (is_reference(&list->device[i]))
            ask(x, &list->device[i]);
    for (size_t i = 0; i < list->count; i++)
        if (!is_reference(&list->device[i]) && selected(x->options, &list->device[i]))
            ask(x, &list->device[i]);
    return true;
}

static bool run_reference(explaining *x, lks_error *error)
{
    common_options options = { .backend = DEVICE_REFERENCE };
    device d;

    return device_pick(&options, &d, error) && trace_job_run(&x->job, &d, NULL, 1, NULL, x->values, error);
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static bool passed(const explaining *x)
{
    for (size_t i = 0; i < x->count; i++) {
        const explain_answer *a = &x->answer[i];

        if (!explain_agrees(x, a) && (a->device.info.usable || x->options->backends.count))
            return false;
    }
    return x->count > 0 && x->answer[0].ran;
}

static bool explain_all(explaining *x, lks_error *error)
{
    const explain_options *o = x->options;
    device_list list;
    bool ok = true;

    if (!device_enumerate(&list, error))
        return false;
    for (size_t i = 0; i < o->backends.count && ok; i++)
        ok = device_known(&list, o->backends.item[i], error);
    ok = ok && load(x, error) && view_op(x, error) && parse_at(x, error) && run_reference(x, error) && explain_op(&x->e);
    if (ok && !ask_devices(x, &list))
        ok = error_memory(error);
    free(list.device);
    if (!ok)
        return false;
    ok = passed(x);
    if (o->common.json && !explain_print_json(x, ok, error))
        return false;
    if (!o->common.json) {
        explain_print_text(x);
        puts(ok ? "\nPASSED" : "\nFAILED");
    }
    return ok || error_set(error, "%s: not every device gives the value that was worked out: see the report", o->model);
}

static bool explain_main(int argc, char **argv, lks_error *error)
{
    explain_options o;
    explaining x = { .options = &o };
    bool ok = parse(argc, argv, &o, error) && explain_all(&x, error);

    explain_close(&x.e);
    trace_close(&x.job.trace);
    free(x.inputs);
    free(x.values);
    free(x.other);
    free(x.answer);
    lks_model_close(x.model);
    return ok;
}

const command command_explain = {
    "explain", "one output element as a worked sum, and what every device gives for it",
    "usage: lockstep explain MODEL INPUT... --op N --at I,J,... [options]\n\n"
    "Works out one element of the output of op N, from the formulas of docs/spec.md and without any kernel: every term of\n"
    "the sum, the accumulator with its proven bound, each rounding step, zero point and clamp.  The operands are what\n"
    "cpu_ref computed.  The result is compared with what cpu_ref and every other usable device give; the last line is\n"
    "PASSED or FAILED.\n\n"
    HELP_INPUTS HELP_BUILTIN "\n"
    "  --op N              the op: see lockstep info\n"
    "  --output K          which of its outputs, where it has several: 0 unless it is given\n"
    "  --at I,J,...        the element: one number from 0 per axis of the op's output, the batch first\n"
    "  --all               every term, also of long sums\n"
    "  --backend NAME      besides cpu_ref only that backend; may be repeated; it then must be usable\n"
    "  --device NAME       only devices with that number, UUID, or part of a name\n"
    "  --variant NAME      the kernels that devices other than cpu_ref must use\n"
    HELP_ISA("") HELP_THREADS("")
    HELP_CACHE("")
    HELP_LIMITS
    "  --json              print JSON\n",
    explain_main
};
