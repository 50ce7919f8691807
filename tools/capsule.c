/* SPDX-License-Identifier: Apache-2.0
 *
 * Recordings: writing them, and the strict reader.
 */
#include "tools/capsule.h"
#include "tools/output.h"

#include "host/error.h"
#include "host/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define HEADER_BYTES 416
#define MODEL_BYTES_MAX 0x7fffffffu

static const uint8_t magic[8] = { 0x89, 'L', 'K', 'R', 0x0d, 0x0a, 0x1a, 0x0a };

/* The texts of the header. */
typedef struct text_field {
    const char *name;
    size_t at, size, offset;        /* in the file; in recording */
} text_field;

static const text_field texts[] = {
    { "engine", 96, sizeof ((recording *)0)->engine, offsetof(recording, engine) },
    { "backend", 112, sizeof ((recording *)0)->backend, offsetof(recording, backend) },
    { "variant", 128, sizeof ((recording *)0)->variant, offsetof(recording, variant) },
    { "name", 160, sizeof ((recording *)0)->name, offsetof(recording, name) },
    { "driver", 288, sizeof ((recording *)0)->driver, offsetof(recording, driver) }
};

#define TEXTS (sizeof texts / sizeof texts[0])

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
    for (; *to; to++)
        if (*to < 0x20 || *to > 0x7e)
            *to = '?';
}

void recording_origin(recording *r, const device *d, const char *variant)
{
    copy_text(r->engine, sizeof r->engine, LKS_VERSION);
    copy_text(r->backend, sizeof r->backend, d->info.backend);
    copy_text(r->variant, sizeof r->variant, variant);
    copy_text(r->name, sizeof r->name, d->info.name);
    copy_text(r->driver, sizeof r->driver, d->info.driver);
    r->device = d->index;
}

static void put_header(const recording *r, uint8_t h[HEADER_BYTES])
{
    const uint32_t words[] = {
        VERSION, LKS_SPEC_VERSION, (uint32_t)r->kind, r->kept, r->batch, r->device, r->op, (uint32_t)r->count
    };

    memset(h, 0, HEADER_BYTES);
    memcpy(h, magic, sizeof magic);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        lks_put32(h + 8 + 4 * i, words[i]);
    lks_put64(h + 40, r->model_bytes);
    lks_put64(h + 48, r->input_bytes);
    lks_put64(h + 56, r->result_bytes);
    memcpy(h + 64, r->digest, sizeof r->digest);
    for (size_t i = 0; i < TEXTS; i++) {
        const char *text = (const char *)r + texts[i].offset;

        memcpy(h + texts[i].at, text, strlen(text));
    }
}

/* The bytes of the whole file; 0: more than this machine can count. */
static uint64_t file_size(const recording *r, size_t count)
{
    uint64_t one = CASE_NAME_SIZE, results, all;

    if (!lks_mul_u64(r->result_bytes, r->kind == RECORDING_CAPSULE ? 2 : 1, &results) || !lks_add_u64(one, r->input_bytes, &one)
        || !lks_add_u64(one, results, &one) || !lks_mul_u64(one, count, &all)
        || !lks_add_u64(all, r->model_bytes, &all) || !lks_add_u64(all, HEADER_BYTES + LKS_DIGEST_SIZE, &all) || all > SIZE_MAX)
        return 0;
    return all;
}

static uint8_t *put(uint8_t *at, const void *data, size_t bytes)
{
    if (bytes)
        memcpy(at, data, bytes);
    return at + bytes;
}

bool recording_write(const char *path, const recording *r, lks_error *error)
{
    uint64_t size = file_size(r, r->count);
    uint8_t *file = size ? calloc(1, (size_t)size) : NULL, *at = file;
    bool ok;

    if (!file)
        return error_memory(error);
    put_header(r, at);
    at = put(at + HEADER_BYTES, r->model, r->model_bytes);
    for (size_t i = 0; i < r->count; i++) {
        copy_text((char *)at, CASE_NAME_SIZE, r->item[i].name);
        at = put(at + CASE_NAME_SIZE, r->item[i].inputs, r->input_bytes);
        at = put(at, r->item[i].result, r->result_bytes);
        if (r->kind == RECORDING_CAPSULE)
            at = put(at, r->item[i].got, r->result_bytes);
    }
    lks_sha256(file, (size_t)size - LKS_DIGEST_SIZE, at);
    ok = output_write(path, &(output_part){ file, (size_t)size }, 1, error);
    free(file);
    return ok;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
    const char *name;
    const uint8_t *file;
    size_t size;
    recording *r;
    lks_error *error;
} reader;

static bool wrong(const reader *in, const char *field, const char *why)
{
    return error_set(in->error, "%s: %s: %s", in->name, field, why);
}

bool recording_is(const uint8_t *bytes, size_t size)
{
    return size >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

/* Printable ASCII, then zeros, one at least. */
static bool text_sound(const uint8_t *text, size_t size)
{
    size_t length = 0;

    while (length < size && text[length] >= 0x20 && text[length] <= 0x7e)
        length++;
    for (size_t i = length; i < size; i++)
        if (text[i] != 0)
            return false;
    return length < size;
}

static bool read_texts(const reader *in)
{
    for (size_t i = 0; i < TEXTS; i++) {
        if (!text_sound(in->file + texts[i].at, texts[i].size))
            return wrong(in, texts[i].name, "must be printable ASCII, filled up with zeros");
        memcpy((char *)in->r + texts[i].offset, in->file + texts[i].at, texts[i].size);
    }
    if (!in->r->engine[0] || !in->r->backend[0])
        return wrong(in, in->r->engine[0] ? "backend" : "engine", "is empty");
    return true;
}

static bool read_words(const reader *in, uint32_t *count)
{
    recording *r = in->r;
    uint32_t kind = lks_get32(in->file + 16), kept = lks_get32(in->file + 20);

    if (lks_get32(in->file + 8) != VERSION)
        return wrong(in, "version", "is not 1, the only one that this build reads");
    if (lks_get32(in->file + 12) != LKS_SPEC_VERSION)
        return wrong(in, "specification version", "is not 1, the only one that this build knows");
    if (kind != RECORDING_OUTPUTS && kind != RECORDING_CAPSULE)
        return wrong(in, "kind", "must be 1 or 2");
    if (kept > 1 || (kind == RECORDING_OUTPUTS && kept != 1))
        return wrong(in, "kept", kind == RECORDING_OUTPUTS ? "must be 1" : "must be 0 or 1");
    r->kind = (recording_kind)kind;
    r->kept = kept == 1;
    r->batch = lks_get32(in->file + 24);
    r->device = lks_get32(in->file + 28);
    r->op = lks_get32(in->file + 32);
    *count = lks_get32(in->file + 36);
    if (r->batch < 1)
        return wrong(in, "batch", "must be at least 1");
    if (kind == RECORDING_OUTPUTS && r->op != 0)
        return wrong(in, "op", "must be 0");
    if (*count < 1 || *count > (kind == RECORDING_CAPSULE ? 1 : CASES_MAX))
        return wrong(in, "cases", kind == RECORDING_CAPSULE ? "must be 1" : "must be from 1 to 100000");
    return true;
}

static bool read_sizes(const reader *in, uint32_t count)
{
    const uint64_t model = lks_get64(in->file + 40), inputs = lks_get64(in->file + 48), result = lks_get64(in->file + 56);
    recording *r = in->r;

    if (model > MODEL_BYTES_MAX || (model == 0) != (r->kind == RECORDING_OUTPUTS))
        return wrong(in, "bytes of the model", r->kind == RECORDING_OUTPUTS ? "must be 0" : "must be from 1 to 2^31 - 1");
    if (inputs < 1 || inputs > in->size)
        return wrong(in, "bytes of the inputs", "are none, or more than the file has");
    if (result < 1 || result > in->size)
        return wrong(in, "bytes of a result", "are none, or more than the file has");
    r->model_bytes = (size_t)model;
    r->input_bytes = (size_t)inputs;
    r->result_bytes = (size_t)result;
    if (file_size(r, count) != in->size)
        return wrong(in, "sizes", "do not add up to those of the file: it is cut, or something was appended");
    return true;
}

static bool read_cases(const reader *in, uint32_t count)
{
    recording *r = in->r;
    const uint8_t *at = in->file + HEADER_BYTES + r->model_bytes;

    r->item = calloc(count, sizeof *r->item);
    if (!r->item)
        return error_memory(in->error);
    for (r->count = 0; r->count < count; r->count++) {
        recording_case *c = &r->item[r->count];

        if (!text_sound(at, CASE_NAME_SIZE) || at[0] == 0)
            return wrong(in, "name of a case", "must be printable ASCII, not empty, filled up with zeros");
        c->name = (const char *)at;
        c->inputs = at + CASE_NAME_SIZE;
        c->result = c->inputs + r->input_bytes;
        c->got = r->kind == RECORDING_CAPSULE ? c->result + r->result_bytes : NULL;
        at = (c->got ? c->got : c->result) + r->result_bytes;
        if (c->got && memcmp(c->result, c->got, r->result_bytes) == 0)
            return wrong(in, "results", "the two are equal: nothing differed");
    }
    return true;
}

static bool digest_fits(const reader *in)
{
    uint8_t digest[LKS_DIGEST_SIZE];

    lks_sha256(in->file, in->size - LKS_DIGEST_SIZE, digest);
    return memcmp(digest, in->file + in->size - LKS_DIGEST_SIZE, LKS_DIGEST_SIZE) == 0
           || wrong(in, "digest", "does not fit: the file is damaged");
}

static bool read_all(const reader *in)
{
    uint32_t count = 0;

    if (!recording_is(in->file, in->size))
        return wrong(in, "magic", "is neither a file of outputs nor a capsule");
    if (in->size < HEADER_BYTES + LKS_DIGEST_SIZE)
        return wrong(in, "header", "the file is shorter than one");
    memcpy(in->r->digest, in->file + 64, LKS_DIGEST_SIZE);
    if (!read_words(in, &count) || !read_sizes(in, count) || !digest_fits(in) || !read_texts(in))
        return false;
    if (in->r->model_bytes)
        in->r->model = in->file + HEADER_BYTES;
    return read_cases(in, count);
}

bool recording_parse(uint8_t *bytes, size_t size, const char *name, recording *r, lks_error *error)
{
    const reader in = { name, bytes, size, r, error };

    memset(r, 0, sizeof *r);
    r->file = bytes;
    if (read_all(&in))
        return true;
    recording_close(r);
    return false;
}

void recording_close(recording *r)
{
    free(r->item);
    free(r->file);
    memset(r, 0, sizeof *r);
}
