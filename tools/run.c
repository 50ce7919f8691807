/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep run`: run a model on files, say what it answers, and write outputs and intermediates.
 */
#include "tools/run.h"
#include "tools/commands.h"
#include "tools/model_file.h"
#include "tools/npy.h"
#include "tools/output.h"
#include "tools/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CLASSES_MAX 4096    /* without --top and --labels, longer outputs are not taken for a list of classes */

/* ---- options ------------------------------------------------------------------------------------------------------------- */

static bool check_options(run_options *o, lks_error *error)
{
    if (o->output && o->output_dir)
        return error_set(error, "--output and --output-dir: give only one of them");
    if (o->show && o->common.json)
        return error_set(error, "--show and --json: give only one of them");
    return device_check(o->check_text, &o->check, error);
}

static bool parse(int argc, char **argv, run_options *o, lks_error *error)
{
    static const char *const resizings[] = { "nearest", "bilinear", NULL };
    const option_spec specs[] = {
        { "labels", OPTION_TEXT, &o->labels, 0, 0, NULL },
        { "top", OPTION_U32, &o->top, 1, CLASSES_TOP_MAX, NULL },
        { "output", OPTION_TEXT, &o->output, 0, 0, NULL },
        { "output-dir", OPTION_TEXT, &o->output_dir, 0, 0, NULL },
        { "dump", OPTION_TEXT, &o->dump, 0, 0, NULL },
        { "resize", OPTION_CHOICE, &o->resizing, 0, 0, resizings },
        { "check", OPTION_TEXT, &o->check_text, 0, 0, NULL },
        { "variant", OPTION_TEXT, &o->variant, 0, 0, NULL },
        { "show", OPTION_FLAG, &o->show, 0, 0, NULL },
        OPTIONS_DEVICE(&o->common), OPTIONS_WAYS(&o->common.ways), OPTIONS_THREADS(&o->common.ways), OPTIONS_LIMITS(&o->common),
        OPTIONS_JSON(&o->common),
    };
    int first;

    memset(o, 0, sizeof *o);
    if (!options_parse(argc, argv, specs, sizeof specs / sizeof specs[0], &first, error))
        return false;
    if (argc - first < 2)
        return error_set(error, "give a MODEL and at least one INPUT: see lockstep run --help");
    o->model = argv[first];
    o->inputs = argv + first + 1;
    o->input_count = (uint32_t)(argc - first - 1);
    return check_options(o, error);
}

/* ---- before the run ------------------------------------------------------------------------------------------------------ */

uint32_t run_classes(const run *r, uint32_t output, uint32_t *images)
{
    uint32_t classes = classes_of(&r->tensor[r->info.inputs + output], images);
    bool asked = r->options->top || r->labels.count > 0;

    if (r->labels.count > 0 && classes != r->labels.count)
        return 0;
    return asked || classes <= DEFAULT_CLASSES_MAX ? classes : 0;
}

/* --labels and --top need an output that they fit. */
static bool check_classes(const run *r, lks_error *error)
{
    const run_options *o = r->options;
    uint32_t classes = 0, images;

    for (uint32_t i = 0; i < r->info.outputs; i++) {
        if (run_classes(r, i, &images))
            return true;
        if (classes == 0)
            classes = classes_of(&r->tensor[r->info.inputs + i], &images);
    }
    if (o->labels && classes)
        return error_set(error, "%s: has %zu labels, but the model has %u classes: give one label per line, in class order",
                         o->labels, r->labels.count, classes);
    if (o->labels || o->top)
        return error_set(error, "%s: no output is a list of classes: leave out --labels and --top", o->model);
    return true;
}

/* Describe inputs and outputs, and make room for the outputs. */
static bool prepare_tensors(run *r, lks_error *error)
{
    uint32_t inputs = r->info.inputs, all = inputs + r->info.outputs;

    r->tensor = calloc(all, sizeof *r->tensor);
    r->digest = calloc(all, sizeof *r->digest);
    r->out = calloc(r->info.outputs, sizeof *r->out);
    if (!r->tensor || !r->digest || !r->out)
        return error_memory(error);
    for (uint32_t i = 0; i < all; i++) {
        uint32_t t = i < inputs ? lks_model_input(r->model, i) : lks_model_output(r->model, i - inputs);

        if (!tensor_get(r->model, t, r->inputs.batch, &r->tensor[i], error))
            return false;
    }
    for (uint32_t i = 0; i < r->info.outputs; i++) {
        r->out[i].bytes = r->tensor[inputs + i].bytes;
        r->out[i].data = malloc(r->out[i].bytes);
        if (!r->out[i].data)
            return error_memory(error);
    }
    return true;
}

static bool load(run *r, lks_error *error)
{
    const run_options *o = r->options;
    const input_options in = { (image_resizing)o->resizing, options_memory(&o->common.limits) };

    if (!device_pick(&o->common, &r->device, error))
        return false;
    if (!model_file_open(o->model, &o->common.limits, &r->model, error))
        return false;
    lks_model_get(r->model, &r->info);
    if (o->output && r->info.outputs != 1)
        return error_set(error, "--output: %s has %u outputs: use --output-dir", o->model, r->info.outputs);
    if (o->labels && !labels_open(o->labels, &r->labels, error))
        return false;
    if (!input_load(r->model, o->inputs, o->input_count, &in, &r->inputs, error))
        return false;
    return device_affordable(r->model, o->model, r->inputs.batch, &o->common.limits, error) && prepare_tensors(r, error)
           && check_classes(r, error);
}

/* ---- the run ------------------------------------------------------------------------------------------------------------- */

static bool execute(run *r, lks_error *error)
{
    lks_session_options options = r->options->check;
    uint32_t inputs = r->info.inputs;

    options.max_batch = r->inputs.batch;
    options.keep = r->options->dump != NULL;
    options.variant = r->options->variant;
    if (!device_hold(&r->device, error) || !device_open_with(r->model, &r->device, options, &r->session, error)
        || lks_session_run(r->session, r->inputs.in, r->out, error) != LKS_OK)
        return false;
    for (uint32_t i = 0; i < inputs + r->info.outputs; i++) {
        const void *data = i < inputs ? r->inputs.in[i].data : r->out[i - inputs].data;

        tensor_digest(data, r->tensor[i].bytes, r->digest[i]);
    }
    return true;
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

static bool save(const char *directory, const char *name, const lks_tensor_info *tensor, const void *data, lks_error *error)
{
    char *path = output_join(directory, name);
    bool ok = path ? npy_save(path, tensor, data, error) : error_memory(error);

    free(path);
    return ok;
}

/*
 * "003_conv1_relu.npy", or "004_01_half.npy" of an op with several outputs; letters that a file system might not like become '_'.
 */
static void dump_name(const trace_entry *e, char name[160])
{
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    size_t used = (size_t)snprintf(name, 160, "%03u_", e->op);
    const char *from = e->tensor.name[0] ? e->tensor.name : "op";

    if (e->outputs > 1)
        used += (size_t)snprintf(name + used, 160 - used, "%02u_", e->output);
    for (size_t i = 0; from[i] && i < 100; i++)
        name[used++] = strchr(allowed, from[i]) ? from[i] : '_';
    snprintf(name + used, 160 - used, ".npy");
}

static bool dump_entries(run *r, const trace *t, uint8_t *data, lks_error *error)
{
    char name[160];

    if (!trace_read(t, r->session, data, error) || !output_directory(r->options->dump, error))
        return false;
    for (size_t i = 0; i < t->count; i++) {
        const trace_entry *e = &t->entry[i];

        dump_name(e, name);
        if (!save(r->options->dump, name, &e->tensor, data + e->offset, error))
            return false;
    }
    tensor_digest(data, t->bytes, r->trace);
    return true;
}

static bool dump(run *r, lks_error *error)
{
    trace t;
    uint8_t *data;
    bool ok;

    if (!trace_open(r->model, r->inputs.batch, &t, error))
        return false;
    data = malloc(t.bytes);
    ok = data ? dump_entries(r, &t, data, error) : error_memory(error);
    free(data);
    trace_close(&t);
    return ok;
}

/* An output that would replace what it was made from. */
static bool output_is_apart(const run_options *o, lks_error *error)
{
    bool apart = !o->output || !output_same_file(o->output, o->model);

    for (uint32_t i = 0; apart && o->output && i < o->input_count; i++)
        apart = !output_same_file(o->output, o->inputs[i]);
    return apart || error_set(error, "%s: --output: is the model or an input: choose another name", o->output);
}

static bool write_outputs(const run *r, lks_error *error)
{
    const lks_tensor_info *tensor = r->tensor + r->info.inputs;
    char name[32];

    if (r->options->output)
        return npy_save(r->options->output, &tensor[0], r->out[0].data, error);
    if (!r->options->output_dir)
        return true;
    if (!output_directory(r->options->output_dir, error))
        return false;
    for (uint32_t i = 0; i < r->info.outputs; i++) {
        snprintf(name, sizeof name, "output_%u.npy", i);
        if (!save(r->options->output_dir, name, &tensor[i], r->out[i].data, error))
            return false;
    }
    return true;
}

/* ---- the command --------------------------------------------------------------------------------------------------------- */

static void close_run(run *r)
{
    for (uint32_t i = 0; r->out && i < r->info.outputs; i++)
        free(r->out[i].data);
    free(r->out);
    free(r->tensor);
    free(r->digest);
    input_free(&r->inputs);
    labels_close(&r->labels);
    lks_session_close(r->session);
    device_release(&r->device);
    lks_model_close(r->model);
}

static bool run_main(int argc, char **argv, lks_error *error)
{
    run_options options;
    run r = { .options = &options };
    bool ok;

    ok = parse(argc, argv, &options, error) && output_is_apart(&options, error) && load(&r, error) && execute(&r, error)
        && (!options.dump || dump(&r, error))
         && write_outputs(&r, error);
    if (ok)
        ok = options.common.json ? run_report_json(&r, error) : run_report_text(&r, error);
    close_run(&r);
    return ok;
}

const command command_run = {
    "run", "run a model on files: answers, digests, outputs as .npy",
    "usage: lockstep run MODEL INPUT... [options]\n\n"
    "Runs MODEL (.lks or .tflite) and prints the best classes and the SHA-256 of the model, of each input and of each\n"
    "output, which are equal on every backend and machine.\n\n"
    HELP_INPUTS HELP_BUILTIN "\n"
    "  --labels FILE       class names, one per line, class 0 first\n"
    "  --top K             print the K best classes (1 to 1000, default 5); equal values: the lower index first\n"
    "  --output FILE.npy   write the output (models with one output)\n"
    "  --output-dir DIR    write every output as DIR/output_N.npy\n"
    "  --dump DIR          write every op output as DIR/NNN_name.npy (other files there stay), and print the SHA-256\n"
    "                      of all of them, one behind the other in op order\n"
    "  --resize RULE       nearest (default) or bilinear, see below\n"
    "  --show              draw 8-bit image inputs as text, where they have at most 64 columns\n"
    "  --backend NAME      see lockstep devices; default: the first usable one\n"
    "  --device NAME       its number within the backend, from 0, its UUID, or a part of its name\n"
    HELP_WAYS("") HELP_THREADS("")
    "  --variant NAME      use the kernels of that name where the backend has them; changes no byte\n"
    "  --check RULE        run again on cpu_ref and compare every byte of the outputs; where they differ, nothing is\n"
    "                      written, and the first op that differs is named.  auto (default): the first run of a session\n"
    "                      and every 64th; full: every run; sample:N: the first and every N-th; none.  This command makes\n"
    "                      one run, which all but none check.  A run on cpu_ref is its own reference\n"
    HELP_LIMITS
    "  --json              print JSON\n\n"
    "Pictures are decoded to 8-bit RGB (1 channel: grey), resized to the input's height and width with integers, and\n"
    "stored: u8 inputs take the bytes, i8 inputs the bytes XOR 0x80.  The promise of equal bytes begins at the decoded\n"
    "pixels: another JPEG decoder may give others.\n"
    "  nearest   output pixel (x, y) is source pixel (floor((2x+1) w_in / (2 w_out)), floor((2y+1) h_in / (2 h_out)))\n"
    "  bilinear  px = floor((2x+1) w_in 2^15 / w_out) - 2^15, clamped to 0 .. (w_in-1) 2^16; x0 = px >> 16,\n"
    "            x1 = min(x0+1, w_in-1), fx = px mod 2^16; y likewise; value = (sum of the four pixels times their\n"
    "            weights (2^16-fx or fx) (2^16-fy or fy), plus 2^31) >> 32; no smoothing before a reduction\n",
    run_main
};
