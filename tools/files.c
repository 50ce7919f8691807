/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a whole file into memory, within a limit.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

/* Make room for at least one more byte besides the final zero. */
static bool grow(blob *b, size_t *room)
{
    uint8_t *data;

    if (b->bytes + 1 < *room)
        return true;
    if (*room > SIZE_MAX / 2)
        return false;
    data = realloc(b->data, *room * 2);
    if (!data)
        return false;
    b->data = data;
    *room *= 2;
    return true;
}

static bool read_all(FILE *f, const char *path, uint64_t limit, blob *b, lks_error *error)
{
    size_t room = 32768, got;

    do {
        if (!grow(b, &room))
            return error_memory(error);
        got = fread(b->data + b->bytes, 1, room - 1 - b->bytes, f);
        b->bytes += got;
        if (b->bytes > limit)
            return error_set(error, "%s: more than %llu bytes, which is the limit for this file", path,
                             (unsigned long long)limit);
    } while (got > 0);
    if (ferror(f))
        return error_errno(error, path, "cannot be read", errno);
    if (b->bytes == 0)
        return error_set(error, "%s: is empty", path);
    b->data[b->bytes] = 0;
    return true;
}

static bool open_file(const char *path, FILE **f, lks_error *error)
{
    struct stat st;

    *f = fopen(path, "rb");
    if (!*f)
        return error_errno(error, path, "cannot be opened", errno);
    if (fstat(fileno(*f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(*f);
        return error_set(error, "%s: is a directory: give a file", path);
    }
    return true;
}

bool file_read(const char *path, uint64_t limit, blob *out, lks_error *error)
{
    FILE *f;
    bool ok;

    memset(out, 0, sizeof *out);
    if (!open_file(path, &f, error))
        return false;
    out->data = malloc(32768);
    ok = out->data ? read_all(f, path, limit, out, error) : error_memory(error);
    fclose(f);
    if (!ok) {
        free(out->data);
        memset(out, 0, sizeof *out);
    }
    return ok;
}

bool file_has_extension(const char *path, const char *const *extensions)
{
    size_t length = strlen(path);

    for (; *extensions; extensions++) {
        size_t n = strlen(*extensions);

        if (length >= n && strcasecmp(path + length - n, *extensions) == 0)
            return true;
    }
    return false;
}
