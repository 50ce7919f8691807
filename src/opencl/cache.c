/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiled programs on disk.  A file is: 8 bytes of magic with the version of this format; the SHA-256 of what follows; the key,
 * so that no file serves under another name; the binary.
 */
#define _POSIX_C_SOURCE 200809L         /* lstat, open, mkdir: files are not C's own */
#include "opencl/cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "LKSCL\0\0\2"
#define FORMAT "lockstep OpenCL cache 2"
#define SEALED (8 + LKS_DIGEST_SIZE)            /* where that begins which the SHA-256 is of */
#define HEAD (SEALED + LKS_DIGEST_SIZE)
#define MOST_BYTES ((size_t)256 << 20)
#define SUFFIX 48                               /* of a temporary name */

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

static int add_owned(char **all, size_t *size, char *text)
{
    const int ok = text && add_text(all, size, text);

    free(text);
    return ok;
}

int lks_cl_cache_make_key(lks_cl_cache_key *key, const lks_device_handle *d, const char *const *strings, const char *options)
{
    static const cl_platform_info platform[] = { CL_PLATFORM_NAME, CL_PLATFORM_VERSION };
    static const cl_device_info device[] = { CL_DEVICE_NAME, CL_DEVICE_VENDOR, CL_DEVICE_VERSION, CL_DRIVER_VERSION };
    char *all = NULL;
    size_t size = 0;
    int ok = add_text(&all, &size, FORMAT) && add_text(&all, &size, options);

    for (size_t i = 0; ok && strings[i]; i++)
        ok = add_text(&all, &size, strings[i]);
    for (size_t i = 0; ok && i < sizeof platform / sizeof platform[0]; i++)
        ok = add_owned(&all, &size, lks_cl_platform_text(&d->cl, d->platform, platform[i]));
    for (size_t i = 0; ok && i < sizeof device / sizeof device[0]; i++)
        ok = add_owned(&all, &size, lks_cl_device_text(&d->cl, d->id, device[i]));
    if (ok)
        lks_sha256(all, size, key->digest);
    free(all);
    return ok;
}

/* dir/key in hexadecimal.clbin, and room for a suffix.  NULL: out of memory. */
static char *make_path(const char *dir, const lks_cl_cache_key *key)
{
    const size_t size = strlen(dir) + 1 + 2 * LKS_DIGEST_SIZE + sizeof ".clbin" + SUFFIX;
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

static int read_all(int file, unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t got = read(file, bytes, size);

        if (got <= 0)
            return 0;
        bytes += got;
        size -= (size_t)got;
    }
    return 1;
}

/* Whatever lies there: a file of a size that an entry can have, or nothing. */
static unsigned char *read_file(const char *path, size_t *size)
{
    const int file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    unsigned char *bytes = NULL;
    struct stat s;

    if (file < 0)
        return NULL;
    if (fstat(file, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > (off_t)HEAD && s.st_size <= (off_t)MOST_BYTES) {
        *size = (size_t)s.st_size;
        bytes = malloc(*size);
        if (bytes && !read_all(file, bytes, *size)) {
            free(bytes);
            bytes = NULL;
        }
    }
    close(file);
    return bytes;
}

static int is_sound(const unsigned char *bytes, size_t size, const lks_cl_cache_key *key)
{
    uint8_t digest[LKS_DIGEST_SIZE];

    lks_sha256(bytes + SEALED, size - SEALED, digest);
    return memcmp(bytes, MAGIC, 8) == 0 && memcmp(bytes + 8, digest, sizeof digest) == 0
        && memcmp(bytes + SEALED, key->digest, sizeof key->digest) == 0;
}

unsigned char *lks_cl_cache_read(const char *dir, const lks_cl_cache_key *key, size_t *size)
{
    char *path = make_path(dir, key);
    unsigned char *bytes = path ? read_file(path, size) : NULL;

    free(path);
    if (bytes && !is_sound(bytes, *size, key)) {
        free(bytes);
        bytes = NULL;
    }
    if (!bytes)
        return NULL;
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

/* Head and binary as they lie in the file; NULL: out of memory, or larger than would be read. */
static unsigned char *seal(const lks_cl_cache_key *key, const unsigned char *binary, size_t size)
{
    unsigned char *all = size > 0 && size <= MOST_BYTES - HEAD ? malloc(HEAD + size) : NULL;

    if (!all)
        return NULL;
    memcpy(all, MAGIC, 8);
    memcpy(all + SEALED, key->digest, sizeof key->digest);
    memcpy(all + HEAD, binary, size);
    lks_sha256(all + SEALED, HEAD - SEALED + size, all + 8);
    return all;
}

/* Under a name of this process' own first: who reads sees the old file or the new one. */
void lks_cl_cache_write(const char *dir, const lks_cl_cache_key *key, const unsigned char *binary, size_t size)
{
    char *path = make_path(dir, key), *temporary = make_path(dir, key);
    unsigned char *all = seal(key, binary, size);
    int file = -1, ok;

    if (path && temporary && all) {
        snprintf(temporary + strlen(temporary), SUFFIX, ".%ld.%p", (long)getpid(), (void *)all);
        file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (file >= 0) {
        ok = write_all(file, all, HEAD + size);
        ok = close(file) == 0 && ok;
        if (!ok || rename(temporary, path) != 0)
            unlink(temporary);
    }
    free(path);
    free(temporary);
    free(all);
}
