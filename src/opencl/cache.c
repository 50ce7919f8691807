/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiled programs on disk.  A file is: 8 bytes of magic with the version of this format, the SHA-256 of the rest, the rest.
 */
#define _POSIX_C_SOURCE 200809L         /* lstat, open, mkdir: files are not C's own */
#include "opencl/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "LKSCL\0\0\1"
#define HEAD (8 + LKS_DIGEST_SIZE)
#define MOST_BYTES (256u << 20)

lks_status lks_cl_cache_open(const char *dir, lks_error *error)
{
    struct stat s;

    if (lstat(dir, &s) != 0 && mkdir(dir, 0700) != 0)
        return lks_cl_fail(error, LKS_ERR_ARGUMENT, "cache \"%.200s\": cannot be made: make its parent, or use no cache", dir);
    if (lstat(dir, &s) != 0 || !S_ISDIR(s.st_mode) || s.st_uid != geteuid() || (s.st_mode & 077) != 0)
        return lks_cl_fail(error, LKS_ERR_ARGUMENT, "cache \"%.200s\": is not a folder of this user alone: chmod 700 it, name "
                           "another one, or use no cache", dir);
    return LKS_OK;
}

/* ---- the key ------------------------------------------------------------------------------------------------------------- */

/* Length, then bytes, so that no two lists of texts look alike. */
static int add_text(char **all, size_t *size, const char *text)
{
    size_t length = strlen(text);
    char *grown = realloc(*all, *size + sizeof length + length);

    if (!grown)
        return 0;
    memcpy(grown + *size, &length, sizeof length);
    memcpy(grown + *size + sizeof length, text, length);
    *all = grown;
    *size += sizeof length + length;
    return 1;
}

int lks_cl_cache_make_key(lks_cl_cache_key *key, const lks_device_handle *d, const char *const *strings, const char *options)
{
    static const cl_platform_info platform[] = { CL_PLATFORM_NAME, CL_PLATFORM_VERSION };
    static const cl_device_info device[] = { CL_DEVICE_NAME, CL_DEVICE_VENDOR, CL_DEVICE_VERSION, CL_DRIVER_VERSION };
    char text[512] = "", *all = NULL;
    size_t size = 0;
    int ok = add_text(&all, &size, MAGIC "1") && add_text(&all, &size, options);

    for (size_t i = 0; ok && strings[i]; i++)
        ok = add_text(&all, &size, strings[i]);
    for (size_t i = 0; ok && i < sizeof platform / sizeof platform[0]; i++) {
        d->cl.clGetPlatformInfo(d->platform, platform[i], sizeof text - 1, text, NULL);
        ok = add_text(&all, &size, text);
    }
    for (size_t i = 0; ok && i < sizeof device / sizeof device[0]; i++) {
        d->cl.clGetDeviceInfo(d->id, device[i], sizeof text - 1, text, NULL);
        ok = add_text(&all, &size, text);
    }
    if (ok)
        lks_sha256(all, size, key->digest);
    free(all);
    return ok;
}

/* dir/key in hexadecimal.clbin, and room for a suffix.  NULL: out of memory. */
static char *make_path(const char *dir, const lks_cl_cache_key *key)
{
    size_t length = strlen(dir), size = length + 2 * LKS_DIGEST_SIZE + 64;
    char *path = malloc(size), *at = path;

    if (!path)
        return NULL;
    at += snprintf(path, size, "%s/", dir);
    for (size_t i = 0; i < LKS_DIGEST_SIZE; i++)
        at += snprintf(at, 3, "%02x", key->digest[i]);
    strcpy(at, ".clbin");
    return path;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------- */

static unsigned char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = NULL;
    struct stat s;

    if (!f)
        return NULL;
    if (fstat(fileno(f), &s) == 0 && S_ISREG(s.st_mode) && s.st_size > HEAD && (uintmax_t)s.st_size <= MOST_BYTES) {
        *size = (size_t)s.st_size;
        bytes = malloc(*size);
        if (bytes && fread(bytes, 1, *size, f) != *size) {
            free(bytes);
            bytes = NULL;
        }
    }
    fclose(f);
    return bytes;
}

unsigned char *lks_cl_cache_read(const char *dir, const lks_cl_cache_key *key, size_t *size)
{
    char *path = make_path(dir, key);
    unsigned char *bytes = path ? read_file(path, size) : NULL;
    uint8_t digest[LKS_DIGEST_SIZE];

    free(path);
    if (!bytes)
        return NULL;
    lks_sha256(bytes + HEAD, *size - HEAD, digest);
    if (memcmp(bytes, MAGIC, 8) != 0 || memcmp(bytes + 8, digest, sizeof digest) != 0) {
        free(bytes);
        return NULL;
    }
    *size -= HEAD;
    memmove(bytes, bytes + HEAD, *size);
    return bytes;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------- */

static int write_all(int file, const void *bytes, size_t size)
{
    const char *from = bytes;

    while (size > 0) {
        ssize_t written = write(file, from, size);

        if (written <= 0)
            return 0;
        from += written;
        size -= (size_t)written;
    }
    return 1;
}

/* Under a name of this process' own first: who reads sees the old file or the new one. */
void lks_cl_cache_write(const char *dir, const lks_cl_cache_key *key, const unsigned char *bytes, size_t size)
{
    char *path = make_path(dir, key), *temporary = make_path(dir, key);
    uint8_t digest[LKS_DIGEST_SIZE];
    int file = -1, ok = 0;

    if (path && temporary) {
        snprintf(temporary + strlen(temporary), 40, ".%ld.%p", (long)getpid(), (const void *)bytes);
        file = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    if (file >= 0) {
        lks_sha256(bytes, size, digest);
        ok = write_all(file, MAGIC, 8) && write_all(file, digest, sizeof digest) && write_all(file, bytes, size);
        ok = close(file) == 0 && ok;
        if (!ok || rename(temporary, path) != 0)
            unlink(temporary);
    }
    free(path);
    free(temporary);
}
