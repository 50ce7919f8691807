/* SPDX-License-Identifier: Apache-2.0
 *
 * Turning files into the input bytes of a model: .npy arrays, pictures, raw bytes.
 */
#include "tools/input.h"
#include "tools/files.h"
#include "tools/npy.h"
#include "tools/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 160
#define FILE_BYTES_MIN ((uint64_t)64 << 20)     /* a picture's file may be larger than what is made of it */

/* What one file is loaded for. */
typedef struct target {
    uint32_t number;            /* of the model input */
    lks_tensor_info tensor;     /* at the model's own batch */
    bool batch_free;
    const input_options *options;
} target;

/* `input 0 "name" i8 [1, 8, 8, 1]` */
static void describe(const target *t, char text[TEXT_SIZE])
{
    char shape[SHAPE_SIZE];

    tensor_shape(&t->tensor, shape);
    snprintf(text, TEXT_SIZE, "input %u \"%.40s\" %s %s", t->number, t->tensor.name, tensor_type_name(t->tensor.type), shape);
}

/* ---- .npy ---------------------------------------------------------------------------------------------------------------- */

static bool same_shape(const npy_array *a, const target *t)
{
    if (a->rank != t->tensor.rank || a->dims[0] == 0)
        return false;
    for (uint32_t i = t->batch_free ? 1 : 0; i < a->rank; i++)
        if (a->dims[i] != t->tensor.dims[i])
            return false;
    return true;
}

static void describe_array(const npy_array *a, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s (", npy_type(a->type));

    for (uint32_t i = 0; i < a->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%llu", i ? ", " : "", (unsigned long long)a->dims[i]);
    if (used < size)
        snprintf(text + used, size - used, "%s)", a->rank == 1 ? "," : "");
}

/* On success out takes the bytes, moved to the start of the file's buffer. */
static bool from_npy(const char *path, blob *file, const target *t, blob *out, lks_error *error)
{
    char want[TEXT_SIZE], have[TEXT_SIZE];
    npy_array a;

    if (!npy_parse(file->data, file->bytes, path, &a, error))
        return false;
    if (a.type != t->tensor.type || !same_shape(&a, t)) {
        describe(t, want);
        describe_array(&a, have, sizeof have);
        return error_set(error, "%s: holds %s: %s needs dtype %s and that shape%s", path, have, want, npy_type(t->tensor.type),
                         t->batch_free ? ", with any first extent" : "");
    }
    memmove(file->data, a.data, a.bytes);
    *out = (blob){ file->data, a.bytes };
    file->data = NULL;
    return true;
}

/* ---- pictures ------------------------------------------------------------------------------------------------------------ */

static bool takes_pictures(const target *t, const char *path, lks_error *error)
{
    const lks_tensor_info *x = &t->tensor;
    char want[TEXT_SIZE];

    describe(t, want);
    if (x->rank != 4 || (x->dims[3] != 1 && x->dims[3] != 3))
        return error_set(error, "%s: is a picture: %s is not [n, h, w, 1 or 3]: give .npy or raw bytes", path, want);
    if (x->type != LKS_I8 && x->type != LKS_U8)
        return error_set(error, "%s: is a picture: %s is not of type i8 or u8: give .npy or raw bytes", path, want);
    if (!t->batch_free && x->dims[0] != 1)
        return error_set(error, "%s: is one picture: %s has a fixed batch of %u: give .npy or raw bytes", path, want, x->dims[0]);
    return true;
}

static bool from_picture(const char *path, blob *file, const target *t, blob *out, lks_error *error)
{
    const lks_tensor_info *x = &t->tensor;
    image source, sized = { x->dims[2], x->dims[1], x->dims[3], NULL };

    if (!takes_pictures(t, path, error) || !image_decode(file->data, file->bytes, x->dims[3], path, &source, error))
        return false;
    out->bytes = tensor_image_bytes(x);
    sized.pixels = malloc(out->bytes);
    if (sized.pixels) {
        image_resize(&source, &sized, t->options->resizing);
        for (size_t i = 0; x->type == LKS_I8 && i < out->bytes; i++)
            sized.pixels[i] ^= 0x80;
    }
    out->data = sized.pixels;
    free(source.pixels);
    return out->data ? true : error_memory(error);
}

/* ---- raw bytes ----------------------------------------------------------------------------------------------------------- */

static bool is_model(const blob *file)
{
    return file->bytes >= 8 && (memcmp(file->data, "\x89LKS", 4) == 0 || memcmp(file->data + 4, "TFL3", 4) == 0);
}

static bool from_raw(const char *path, blob *file, const target *t, blob *out, lks_error *error)
{
    size_t unit = t->batch_free ? tensor_image_bytes(&t->tensor) : t->tensor.bytes;
    char want[TEXT_SIZE];

    if (is_model(file))
        return error_set(error, "%s: is a model, not an input", path);
    if (file->bytes % unit != 0 || (!t->batch_free && file->bytes != unit)) {
        describe(t, want);
        return error_set(error, "%s: %zu raw bytes (not a .npy, PNG, JPEG or BMP file): %s needs %s%zu bytes", path, file->bytes,
                         want, t->batch_free ? "a multiple of " : "", unit);
    }
    *out = *file;
    file->data = NULL;
    return true;
}

/* ---- any file ------------------------------------------------------------------------------------------------------------ */

static bool convert(const char *path, blob *file, const target *t, blob *out, lks_error *error)
{
    static const char *const raw[] = { ".bin", ".raw", NULL }, *const array[] = { ".npy", NULL };
    static const char *const picture[] = { ".png", ".jpg", ".jpeg", ".bmp", NULL };

    if (file_has_extension(path, raw))
        return from_raw(path, file, t, out, error);
    if (file_has_extension(path, array) || npy_is(file->data, file->bytes))
        return from_npy(path, file, t, out, error);
    if (image_is(file->data, file->bytes))
        return from_picture(path, file, t, out, error);
    if (file_has_extension(path, picture))
        return error_set(error, "%s: picture: its first bytes are not those of a PNG, JPEG or BMP file", path);
    return from_raw(path, file, t, out, error);
}

static bool load_file(const char *path, const target *t, blob *out, lks_error *error)
{
    uint64_t most = t->options->max_bytes > FILE_BYTES_MIN ? t->options->max_bytes : FILE_BYTES_MIN;
    blob file;
    bool ok;

    if (!file_read(path, most, &file, error))
        return false;
    ok = convert(path, &file, t, out, error);
    free(file.data);
    return ok;
}

/* Append the bytes of one file to a model input.  Takes them over. */
static bool append(lks_in *in, blob file, uint64_t max_bytes, lks_error *error)
{
    uint8_t *data;

    if (in->bytes > max_bytes || file.bytes > max_bytes - in->bytes) {
        free(file.data);
        return error_set(error, "the inputs have more than %llu bytes: raise --max-mem or make the batch smaller",
                         (unsigned long long)max_bytes);
    }
    if (in->bytes == 0) {
        *in = (lks_in){ file.data, file.bytes };
        return true;
    }
    data = realloc((void *)(uintptr_t)in->data, in->bytes + file.bytes);
    if (data) {
        memcpy(data + in->bytes, file.data, file.bytes);
        *in = (lks_in){ data, in->bytes + file.bytes };
    }
    free(file.data);
    return data ? true : error_memory(error);
}

static bool load_one(input_set *set, uint32_t file, const char *path, const target *t, lks_error *error)
{
    size_t unit = t->batch_free ? tensor_image_bytes(&t->tensor) : t->tensor.bytes;
    blob b = { NULL, 0 };

    if (!load_file(path, t, &b, error))
        return false;
    if (b.bytes / unit > UINT32_MAX) {
        free(b.data);
        return error_set(error, "%s: holds more than %u images", path, UINT32_MAX);
    }
    set->images[file] = (uint32_t)(b.bytes / unit);
    return append(&set->in[t->number], b, t->options->max_bytes, error);
}

static bool check_count(const lks_model_info *info, uint32_t count, lks_error *error)
{
    if (count == info->inputs || (info->inputs == 1 && info->batch_free && count > 0))
        return true;
    return error_set(error, "%u INPUT files for a model with %u input%s%s: give one file per input", count, info->inputs,
                     info->inputs == 1 ? "" : "s", info->inputs == 1 && count > 1 ? " and a fixed batch" : "");
}

/* All model inputs must hold the same number of images. */
static bool find_batch(const lks_model_info *info, char *const *paths, input_set *set, lks_error *error)
{
    uint64_t images = 0;

    for (uint32_t i = 0; i < set->files; i++) {
        if (set->count > 1 && set->images[i] != set->images[0])
            return error_set(error, "%s: holds %u images, but %s holds %u: every input needs the same number", paths[i],
                             set->images[i], paths[0], set->images[0]);
        images = set->count > 1 ? set->images[0] : images + set->images[i];
    }
    if (images > INT32_MAX)
        return error_set(error, "a batch of %llu images is too large", (unsigned long long)images);
    set->batch = info->batch_free ? (uint32_t)images : info->batch;
    return true;
}

static bool load_all(const lks_model *model, const lks_model_info *info, char *const *paths, const input_options *options,
                     input_set *set, lks_error *error)
{
    target t = { .batch_free = info->batch_free, .options = options };

    for (uint32_t i = 0; i < set->files; i++) {
        t.number = set->count > 1 ? i : 0;
        if (!tensor_get(model, lks_model_input(model, t.number), info->batch, &t.tensor, error)
            || !load_one(set, i, paths[i], &t, error))
            return false;
    }
    return find_batch(info, paths, set, error);
}

bool input_load(const lks_model *model, char *const *paths, uint32_t count, const input_options *options, input_set *set,
                lks_error *error)
{
    lks_model_info info;

    memset(set, 0, sizeof *set);
    lks_model_get(model, &info);
    if (!check_count(&info, count, error))
        return false;
    set->count = info.inputs;
    set->files = count;
    set->in = calloc(set->count, sizeof *set->in);
    set->images = calloc(count, sizeof *set->images);
    if (!set->in || !set->images)
        error_memory(error);
    else if (load_all(model, &info, paths, options, set, error))
        return true;
    input_free(set);
    return false;
}

void input_free(input_set *set)
{
    for (uint32_t i = 0; set->in && i < set->count; i++)
        free((void *)(uintptr_t)set->in[i].data);
    free(set->in);
    free(set->images);
    memset(set, 0, sizeof *set);
}
