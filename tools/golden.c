/* SPDX-License-Identifier: Apache-2.0
 *
 * Golden files: reading them strictly, and writing them; jansson does the rest.
 */
#include "tools/golden.h"
#include "tools/device.h"
#include "tools/files.h"
#include "tools/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_BYTES_MAX ((uint64_t)64 << 20)

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

/* Where in the document we are, for errors: "FILE: cases[3]." */
typedef struct place {
    const char *path;
    char field[32];         /* with a dot at its end; empty: the outermost object */
    lks_error *error;
} place;

static bool wrong(const place *at, const char *key, const char *why)
{
    return error_set(at->error, "%s: %s%s: %s", at->path, at->field, key, why);
}

/* Printable ASCII, 1 to most bytes. */
static bool is_plain(const char *text, size_t length, size_t most)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    return length >= 1 && length <= most;
}

/* NULL: the value is no such text. */
static const char *plain_text(const json_t *value, size_t most)
{
    const char *text = json_string_value(value);

    return text && is_plain(text, json_string_length(value), most) ? text : NULL;
}

static const char *hex_digest(const json_t *value)
{
    const char *text = plain_text(value, HEX_SIZE - 1);

    return text && strspn(text, "0123456789abcdef") == HEX_SIZE - 1 ? text : NULL;
}

static bool read_digest(const place *at, const json_t *object, const char *key, const char **digest)
{
    *digest = hex_digest(json_object_get(object, key));
    return *digest || wrong(at, key, "must be 64 lower-case hexadecimal digits");
}

static bool read_digests(const place *at, const json_t *object, const char *key, uint32_t count, const char **digest)
{
    const json_t *array = json_object_get(object, key);
    char element[64], why[80];

    snprintf(why, sizeof why, "must be an array of %" PRIu32 " digests, one per tensor of the model", count);
    if (!json_is_array(array) || json_array_size(array) != count)
        return wrong(at, key, why);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(element, sizeof element, "%s[%" PRIu32 "]", key, i);
        digest[i] = hex_digest(json_array_get(array, i));
        if (!digest[i])
            return wrong(at, element, "must be 64 lower-case hexadecimal digits");
    }
    return true;
}

static bool read_number(const json_t *value, uint64_t most, uint64_t *number)
{
    const char *text = plain_text(value, 20);

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *number = (uint64_t)json_integer_value(value);
        return *number <= most;
    }
    return text && options_number(text, false, 0, most, number);
}

const char *golden_file_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

    return is_plain(name, strlen(name), 255) && name[0] != '.' && !strchr(name, '\\') ? name : NULL;
}

/* One that stays in its folder. */
static const char *file_name(const json_t *value)
{
    const char *text = plain_text(value, 255);

    return text && golden_file_name(text) == text ? text : NULL;
}

static bool read_input(const place *at, const json_t *input, golden_case *c)
{
    const json_t *seed = json_object_get(input, "seed"), *byte = json_object_get(input, "byte");
    const json_t *file = json_object_get(input, "file"), *picture = json_object_get(input, "image");

    if (!json_is_object(input) || !!seed + !!byte + !!file + !!picture != 1)
        return wrong(at, "input", "must be an object with one of seed, byte, file, image");
    c->kind = seed ? CASE_SEED : byte ? CASE_BYTE : CASE_GIVEN;
    if (seed && !read_number(seed, UINT64_MAX, &c->number))
        return wrong(at, "input.seed", "must be a whole number from 0 to 2^64 - 1");
    if (byte && !read_number(byte, 255, &c->number))
        return wrong(at, "input.byte", "must be a whole number from 0 to 255");
    if (c->kind == CASE_GIVEN && !(c->file = file_name(file ? file : picture)))
        return wrong(at, file ? "input.file" : "input.image", "must be the name of a file, without folders");
    return true;
}

static bool read_case(const place *at, const json_t *object, uint32_t inputs, uint32_t outputs, golden_case *c)
{
    if (!json_is_object(object))
        return wrong(at, "name", "is missing: a case must be an object");
    c->name = plain_text(json_object_get(object, "name"), CASE_NAME_SIZE - 1);
    if (!c->name)
        return wrong(at, "name", "must be a text of 1 to 63 printable ASCII characters");
    return read_input(at, json_object_get(object, "input"), c)
           && read_digests(at, object, "inputs_sha256", inputs, c->input)
           && read_digests(at, object, "outputs_sha256", outputs, c->output)
           && read_digest(at, object, "all_tensors_sha256", &c->all);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names_differ(const place *at, const golden *g)
{
    const char **name = malloc((g->count + 1) * sizeof *name);
    bool ok = true;

    if (!name)
        return error_memory(at->error);
    for (size_t i = 0; i < g->count; i++)
        name[i] = g->item[i].name;
    qsort(name, g->count, sizeof *name, by_name);
    for (size_t i = 1; i < g->count && ok; i++)
        ok = strcmp(name[i - 1], name[i]) != 0 || error_set(at->error, "%s: cases: two have the name \"%s\"", at->path, name[i]);
    free(name);
    return ok;
}

static bool read_cases(const place *at, uint32_t inputs, uint32_t outputs, golden *g)
{
    const json_t *cases = json_object_get(g->root, "cases");
    place in_case = *at;

    if (!json_is_array(cases) || json_array_size(cases) < 1 || json_array_size(cases) > CASES_MAX)
        return wrong(at, "cases", "must be an array of 1 to 100000 cases");
    g->count = json_array_size(cases);
    g->item = calloc(g->count, sizeof *g->item);
    g->digests = calloc(g->count, ((size_t)inputs + outputs) * sizeof *g->digests);
    if (!g->item || !g->digests)
        return error_memory(at->error);
    for (size_t i = 0; i < g->count; i++) {
        g->item[i].input = g->digests + i * ((size_t)inputs + outputs);
        g->item[i].output = g->item[i].input + inputs;
        snprintf(in_case.field, sizeof in_case.field, "cases[%zu].", i);
        if (!read_case(&in_case, json_array_get(cases, i), inputs, outputs, &g->item[i]))
            return false;
    }
    return names_differ(at, g);
}

static bool read_root(const place *at, uint32_t inputs, uint32_t outputs, golden *g)
{
    const json_t *schema = json_object_get(g->root, "schema"), *model = json_object_get(g->root, "model");
    const place in_model = { at->path, "model.", at->error };

    if (!json_is_object(g->root))
        return error_set(at->error, "%s: must be a JSON object", at->path);
    if (!json_is_integer(schema) || json_integer_value(schema) != 1)
        return wrong(at, "schema", "must be 1, the only one that this build knows");
    if (!json_is_object(model))
        return wrong(at, "model", "must be an object");
    if (!read_digest(&in_model, model, "sha256", &g->sha256)
        || (json_object_get(model, "lks_sha256") && !read_digest(&in_model, model, "lks_sha256", &g->lks_sha256)))
        return false;
    return read_cases(at, inputs, outputs, g);
}

bool golden_open(const char *path, uint32_t inputs, uint32_t outputs, golden *g, lks_error *error)
{
    const place at = { path, "", error };
    json_error_t fault;
    blob file;

    memset(g, 0, sizeof *g);
    if (!file_read(path, GOLDEN_BYTES_MAX, &file, error))
        return false;
    g->root = json_loadb((const char *)file.data, file.bytes, JSON_REJECT_DUPLICATES, &fault);
    free(file.data);
    if (!g->root)
        return error_set(error, "%s: line %d, column %d: is no JSON: %s", path, fault.line, fault.column, fault.text);
    if (read_root(&at, inputs, outputs, g))
        return true;
    golden_close(g);
    return false;
}

void golden_close(golden *g)
{
    free(g->item);
    free(g->digests);
    json_decref(g->root);
    memset(g, 0, sizeof *g);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

/* Takes over value.  Where memory runs out the array becomes NULL, and so does what is made of it. */
static void append(json_t **array, json_t *value)
{
    if (*array && json_array_append_new(*array, value) == 0)
        return;
    json_decref(*array);
    *array = NULL;
}

static json_t *digest_array(char (*digest)[HEX_SIZE], uint32_t count)
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++)
        append(&array, json_string(digest[i]));
    return array;
}

static json_t *make_number(uint64_t value)
{
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_sprintf("%" PRIu64, value);
}

static json_t *make_input(const test_case *c, const char *file)
{
    if (c->kind == CASE_SEED)
        return json_pack("{s:o}", "seed", make_number(c->number));
    if (c->kind == CASE_BYTE)
        return json_pack("{s:I}", "byte", (json_int_t)c->number);
    return json_pack("{s:s}", "file", golden_file_name(file));
}

static json_t *make_cases(const golden_source *s, const lks_model_info *info)
{
    json_t *cases = json_array();

    for (size_t i = 0; i < s->cases->count; i++) {
        const test_case *c = &s->cases->item[i];
        const golden_digests *d = &s->digests[i];

        append(&cases, json_pack("{s:s, s:o, s:o, s:o, s:s}", "name", c->name, "input", make_input(c, s->files[i]),
                                 "inputs_sha256", digest_array(d->input, info->inputs),
                                 "outputs_sha256", digest_array(d->output, info->outputs), "all_tensors_sha256", d->all));
    }
    return cases;
}

static json_t *make_tensors(const lks_model *model, uint32_t count, uint32_t (*index)(const lks_model *, uint32_t))
{
    json_t *array = json_array();

    for (uint32_t i = 0; i < count; i++) {
        lks_tensor_info t;
        json_t *shape = json_array();

        if (!tensor_get(model, index(model, i), 1, &t, &(lks_error){ LKS_OK, "" }))
            t = (lks_tensor_info){ .name = "" };
        for (uint32_t k = 0; k < t.rank; k++)
            append(&shape, json_integer(t.dims[k]));
        append(&array, json_pack("{s:s, s:s, s:o, s:I}", "name", t.name, "type", tensor_type_name(t.type), "shape", shape,
                                 "bytes", (json_int_t)t.bytes));
    }
    return array;
}

static json_t *make_root(const golden_source *s)
{
    lks_model_info info;
    json_t *model;

    lks_model_get(s->model, &info);
    model = json_pack("{s:s*, s:I, s:s, s:s}", "file", golden_file_name(s->path), "bytes", (json_int_t)s->file_bytes,
                      "sha256", s->sha256, "lks_sha256", s->lks_sha256);
    return json_pack("{s:i, s:o, s:{s:s, s:s, s:i, s:s}, s:o, s:o, s:o}", "schema", 1, "model", model, "oracle",
                     "program", "Lockstep", "version", LKS_VERSION, "specification", (int)info.spec_version,
                     "backend", DEVICE_REFERENCE, "inputs", make_tensors(s->model, info.inputs, lks_model_input),
                     "outputs", make_tensors(s->model, info.outputs, lks_model_output), "cases", make_cases(s, &info));
}

bool golden_write(const char *path, const golden_source *source, lks_error *error)
{
    json_t *root = make_root(source);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    const output_part parts[] = { { text, text ? strlen(text) : 0 }, { "\n", 1 } };
    bool ok = text ? output_write(path, parts, 2, error) : error_memory(error);

    free(text);
    json_decref(root);
    return ok;
}
