/* SPDX-License-Identifier: Apache-2.0
 *
 * From a file or bytes, in any format that this build reads, to a model.
 */
#include "host/error.h"
#include "host/model.h"
#include "host/registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_ROOM = 160 };

/* The end of a long name behind dots, so that the reason of an error fits behind it. */
static const char *shorten(const char *name, char shown[NAME_ROOM])
{
    size_t length = strlen(name);

    if (length < NAME_ROOM)
        return name;
    memcpy(shown, "...", 3);
    memcpy(shown + 3, name + length - (NAME_ROOM - 4), NAME_ROOM - 3);
    return shown;
}

/* Takes ownership of bytes. */
static lks_status make_model(uint8_t *bytes, size_t size, const char *path, const lks_limits *limits, lks_model **model,
                             lks_error *error)
{
    const lks_importer *importer = lks_importer_of(bytes, size);
    char shown[NAME_ROOM];
    const char *name = shorten(path, shown);
    uint8_t *lks;
    size_t lks_size;
    lks_status st;

    if (!importer)
        return lks_model_read(bytes, size, name, limits, model, error);
    st = importer->import(bytes, size, name, &lks, &lks_size, error);
    free(bytes);
    return st == LKS_OK ? lks_model_read(lks, lks_size, name, limits, model, error) : st;
}

lks_status lks_model_parse(const void *bytes, size_t size, const char *name, const lks_limits *limits, lks_model **model,
                           lks_error *error)
{
    uint8_t *copy;

    if (!model)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_model_parse: model is NULL");
    *model = NULL;
    if (!bytes || !name)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_model_parse: bytes or name is NULL");
    if (size > LKS_MAX_FILE)
        return lks_fail(error, LKS_ERR_LIMIT, "%s: is larger than 2^31 - 1 bytes", name);
    copy = malloc(size ? size : 1);
    if (!copy)
        return lks_fail(error, LKS_ERR_NOMEM, "%s: out of memory", name);
    memcpy(copy, bytes, size);
    return make_model(copy, size, name, limits, model, error);
}

static lks_status read_failed(const char *path, lks_error *error)
{
    return lks_fail(error, LKS_ERR_IO, "%s: cannot be read: %s", path, strerror(errno ? errno : EIO));
}

/* A file that is larger than this holds more than the limits allow: what is not parameters takes less than the margin. */
static uint64_t most_bytes(const lks_limits *limits)
{
    const uint64_t margin = 64 << 20;

    return limits && limits->mem_bytes && limits->mem_bytes < LKS_MAX_FILE - margin ? limits->mem_bytes + margin : LKS_MAX_FILE;
}

/* All of a file, in steps: the size that a file system states need not be true. */
static lks_status read_all(FILE *f, const char *path, uint64_t most, uint8_t **bytes, size_t *size, lks_error *error)
{
    size_t room = 1 << 16, got;
    uint8_t *bigger;

    *size = 0;
    *bytes = malloc(room);
    while (*bytes) {
        errno = 0;
        got = fread(*bytes + *size, 1, room - *size, f);
        *size += got;
        if (ferror(f))
            return read_failed(path, error);
        if (*size < room)
            return LKS_OK;
        if (room > most)
            return lks_fail(error, LKS_ERR_LIMIT, "%s: is larger than %llu bytes, the most that the limits allow", path,
                            (unsigned long long)most);
        room *= 2;
        bigger = realloc(*bytes, room);
        if (!bigger)
            break;
        *bytes = bigger;
    }
    return lks_fail(error, LKS_ERR_NOMEM, "%s: out of memory", path);
}

lks_status lks_model_open(const char *path, const lks_limits *limits, lks_model **model, lks_error *error)
{
    uint8_t *bytes = NULL;
    size_t size;
    char room[NAME_ROOM];
    const char *shown;
    lks_status st;
    FILE *f;

    if (!model)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_model_open: model is NULL");
    *model = NULL;
    if (!path)
        return lks_fail(error, LKS_ERR_ARGUMENT, "lks_model_open: path is NULL");
    shown = shorten(path, room);
    errno = 0;
    f = fopen(path, "rb");
    if (!f)
        return read_failed(shown, error);
    st = read_all(f, shown, most_bytes(limits), &bytes, &size, error);
    fclose(f);
    if (st != LKS_OK) {
        free(bytes);
        return st;
    }
    return make_model(bytes, size, path, limits, model, error);
}
