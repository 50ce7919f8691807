/* SPDX-License-Identifier: Apache-2.0
 *
 * `lockstep run`: telling a finished run, as text or JSON.
 */
#include "tools/json.h"
#include "tools/run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOW_WIDTH_MAX 64
#define DEFAULT_TOP 5

/* The path of the file that held image n of the batch. */
static const char *file_of(const run *r, uint32_t n)
{
    const input_set *set = &r->inputs;
    uint32_t file = 0;

    if (set->count > 1)
        return r->options->inputs[0];
    while (file + 1 < set->files && n >= set->images[file])
        n -= set->images[file++];
    return r->options->inputs[file];
}

static uint32_t top_of(const run *r)
{
    return r->options->top ? r->options->top : DEFAULT_TOP;
}

static const char *label_of(const run *r, uint32_t index)
{
    return index < r->labels.count ? r->labels.line[index] : "";
}

static bool checked(const run *r)
{
    return r->options->check.check != LKS_CHECK_NONE && strcmp(r->device.info.backend, DEVICE_REFERENCE) != 0;
}

static const char *check_words(const run *r)
{
    if (checked(r))
        return "checked by " DEVICE_REFERENCE;
    if (strcmp(r->device.info.backend, DEVICE_REFERENCE) == 0)
        return "not checked: " DEVICE_REFERENCE " is the reference";
    return "not checked: --check none";
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static bool draw_image(const run *r, uint32_t input, uint32_t n, lks_error *error)
{
    const lks_tensor_info *x = &r->tensor[input];
    uint8_t *data = (uint8_t *)(uintptr_t)r->inputs.in[input].data;
    image picture = { x->dims[2], x->dims[1], x->dims[3], data + n * tensor_image_bytes(x) };
    char *text = malloc(image_draw_size(&picture));

    if (!text)
        return error_memory(error);
    image_draw(&picture, x->type == LKS_I8 ? 0x80 : 0, text);
    fputs(text, stdout);
    free(text);
    return true;
}

static bool draw_input(const run *r, uint32_t input, lks_error *error)
{
    const lks_tensor_info *x = &r->tensor[input];

    if (x->rank != 4 || (x->dims[3] != 1 && x->dims[3] != 3) || (x->type != LKS_I8 && x->type != LKS_U8)) {
        printf("input %u  not shown: not an 8-bit picture\n", input);
        return true;
    }
    if (x->dims[2] > SHOW_WIDTH_MAX) {
        printf("input %u  not shown: %u columns, more than %d\n", input, x->dims[2], SHOW_WIDTH_MAX);
        return true;
    }
    for (uint32_t n = 0; n < x->dims[0]; n++)
        if (!draw_image(r, input, n, error))
            return false;
    return true;
}

static void print_tensor(const run *r, const char *what, uint32_t i, uint32_t at)
{
    char shape[SHAPE_SIZE];

    tensor_shape(&r->tensor[at], shape);
    printf("%s %" PRIu32 "  sha256 %s  %s %s  %s\n", what, i, r->digest[at], tensor_type_name(r->tensor[at].type), shape,
           r->tensor[at].name);
}

static void print_score(const run *r, const lks_tensor_info *output, const class_score *score)
{
    printf("  %6" PRIu32 "  %11" PRId64, score->index, score->value);
    if (output->scale_bits)
        printf("  %12.6g", classes_real(output, score->value));
    if (r->labels.count)
        printf("  %s", label_of(r, score->index));
}

static void print_heading(const run *r, const char *first, uint32_t output)
{
    const lks_tensor_info *y = &r->tensor[r->info.inputs + output];

    printf("\n%s   class       stored%s%s", first, y->scale_bits ? "          real" : "", r->labels.count ? "  label" : "");
    if (r->info.outputs > 1)
        printf("  (output %" PRIu32 ")", output);
    putchar('\n');
}

static void print_top(const run *r, uint32_t output, class_score *best)
{
    const lks_tensor_info *y = &r->tensor[r->info.inputs + output];
    uint32_t found = classes_best(y, r->out[output].data, 0, top_of(r), best);

    print_heading(r, " rank", output);
    for (uint32_t i = 0; i < found; i++) {
        printf("%5" PRIu32, i + 1);
        print_score(r, y, &best[i]);
        putchar('\n');
    }
}

static void print_batch(const run *r, uint32_t output, uint32_t images)
{
    const lks_tensor_info *y = &r->tensor[r->info.inputs + output];
    class_score best;

    print_heading(r, "image", output);
    for (uint32_t n = 0; n < images; n++) {
        classes_best(y, r->out[output].data, n, 1, &best);
        printf("%5" PRIu32, n);
        print_score(r, y, &best);
        if (r->info.batch_free)
            printf("  %s", file_of(r, n));
        putchar('\n');
    }
}

static void print_classes(const run *r, class_score *best)
{
    for (uint32_t i = 0; i < r->info.outputs; i++) {
        uint32_t images;

        if (!run_classes(r, i, &images))
            continue;
        if (images == 1)
            print_top(r, i, best);
        else
            print_batch(r, i, images);
    }
}

bool run_report_text(const run *r, lks_error *error)
{
    class_score *best = calloc(top_of(r), sizeof *best);
    char hex[HEX_SIZE];

    if (!best)
        return error_memory(error);
    for (uint32_t i = 0; r->options->show && i < r->info.inputs; i++)
        if (!draw_input(r, i, error)) {
            free(best);
            return false;
        }
    digest_hex(r->info.digest, hex);
    printf("model  sha256 %s  %s\n", hex, r->options->model);
    printf("backend  %s %" PRIu32 "  %s  (%s)\n", r->device.info.backend, r->device.index, r->device.info.name, check_words(r));
    for (uint32_t i = 0; i < r->info.inputs; i++)
        print_tensor(r, "input", i, i);
    for (uint32_t i = 0; i < r->info.outputs; i++)
        print_tensor(r, "output", i, r->info.inputs + i);
    if (r->trace[0])
        printf("trace  sha256 %s\n", r->trace);
    print_classes(r, best);
    free(best);
    return true;
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------------- */

static void json_tensor(json *j, const run *r, uint32_t at)
{
    const lks_tensor_info *t = &r->tensor[at];

    json_text(j, "name", t->name);
    json_text(j, "type", tensor_type_name(t->type));
    json_open(j, "shape", '[');
    for (uint32_t i = 0; i < t->rank; i++)
        json_u64(j, NULL, t->dims[i]);
    json_close(j);
    if (t->scale_bits)
        json_double(j, "scale", tensor_scale(t));
    json_i64(j, "zero_point", t->zero_point);
    json_text(j, "sha256", r->digest[at]);
}

static void json_image(json *j, const run *r, uint32_t output, uint32_t n, class_score *best)
{
    const lks_tensor_info *y = &r->tensor[r->info.inputs + output];
    uint32_t found = classes_best(y, r->out[output].data, n, top_of(r), best);

    json_open(j, NULL, '[');
    for (uint32_t i = 0; i < found; i++) {
        json_open(j, NULL, '{');
        json_u64(j, "index", best[i].index);
        json_i64(j, "value", best[i].value);
        if (y->scale_bits)
            json_double(j, "real", classes_real(y, best[i].value));
        if (r->labels.count)
            json_text(j, "label", label_of(r, best[i].index));
        json_close(j);
    }
    json_close(j);
}

static void json_output(json *j, const run *r, uint32_t output, class_score *best)
{
    uint32_t images, classes = run_classes(r, output, &images);

    json_open(j, NULL, '{');
    json_tensor(j, r, r->info.inputs + output);
    if (classes) {
        json_open(j, "top", '[');
        for (uint32_t n = 0; n < images; n++)
            json_image(j, r, output, n, best);
        json_close(j);
    }
    json_close(j);
}

static void json_head(json *j, const run *r)
{
    char hex[HEX_SIZE];

    digest_hex(r->info.digest, hex);
    json_text(j, "lockstep", LKS_VERSION);
    json_u64(j, "spec", r->info.spec_version);
    json_text(j, "model", r->options->model);
    json_text(j, "model_sha256", hex);
    json_text(j, "backend", r->device.info.backend);
    json_u64(j, "device", r->device.index);
    json_text(j, "device_name", r->device.info.name);
    json_text(j, "driver", r->device.info.driver);
    json_text(j, "variant", r->options->variant);
    json_bool(j, "checked", checked(r));
    json_u64(j, "batch", r->inputs.batch);
    json_open(j, "files", '[');
    for (uint32_t i = 0; i < r->options->input_count; i++)
        json_text(j, NULL, r->options->inputs[i]);
    json_close(j);
}

bool run_report_json(const run *r, lks_error *error)
{
    class_score *best = calloc(top_of(r), sizeof *best);
    json j;

    if (!best)
        return error_memory(error);
    j = json_start();
    json_head(&j, r);
    json_open(&j, "inputs", '[');
    for (uint32_t i = 0; i < r->info.inputs; i++) {
        json_open(&j, NULL, '{');
        json_tensor(&j, r, i);
        json_close(&j);
    }
    json_close(&j);
    json_open(&j, "outputs", '[');
    for (uint32_t i = 0; i < r->info.outputs; i++)
        json_output(&j, r, i, best);
    json_close(&j);
    if (r->trace[0])
        json_text(&j, "trace_sha256", r->trace);
    free(best);
    return json_finish(&j, true, error);
}
