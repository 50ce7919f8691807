/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing files whole or not at all, and making sure that standard output arrived.
 */
#define _XOPEN_SOURCE 700       /* realpath */

#include "tools/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_bytes(int fd, const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t n = write(fd, data, bytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        data += n;
        bytes -= (size_t)n;
    }
    return true;
}

/* Write everything and close fd, whatever happens. */
static bool fill(int fd, mode_t mode, const output_part *parts, size_t count)
{
    bool ok = fchmod(fd, mode) == 0;
    int number;

    for (size_t i = 0; i < count && ok; i++)
        ok = write_bytes(fd, parts[i].data, parts[i].bytes);
    ok = ok && fsync(fd) == 0;
    number = errno;
    if (close(fd) != 0 && ok)
        return false;
    errno = number;
    return ok;
}

/* The mode of the new file: that of the file it replaces, else what the process gives to new files. */
static bool target_mode(const char *path, mode_t *mode, lks_error *error)
{
    struct stat st;
    mode_t mask;

    if (stat(path, &st) == 0) {
        if (!S_ISREG(st.st_mode))
            return error_set(error, "%s: is there and is not a regular file: choose another name", path);
        if (access(path, W_OK) != 0)
            return error_errno(error, path, "cannot be replaced", errno);
        *mode = st.st_mode & 0777;
        return true;
    }
    if (errno != ENOENT)
        return error_errno(error, path, "cannot be written", errno);
    mask = umask(0);
    umask(mask);
    *mode = 0666 & ~mask;
    return true;
}

/* The file behind path, so that a symbolic link is followed and not replaced; the caller's to free. */
static char *real_target(const char *path)
{
    char *real = realpath(path, NULL);

    return real ? real : strdup(path);
}

static bool write_renamed(const char *path, const char *target, const output_part *parts, size_t count, lks_error *error)
{
    size_t size = strlen(target) + sizeof ".XXXXXX";
    char *temporary = malloc(size);
    mode_t mode = 0;
    int fd, number;

    if (!temporary)
        return error_memory(error);
    if (!target_mode(target, &mode, error)) {
        free(temporary);
        return false;
    }
    snprintf(temporary, size, "%s.XXXXXX", target);
    fd = mkstemp(temporary);
    if (fd >= 0 && fill(fd, mode, parts, count) && rename(temporary, target) == 0) {
        free(temporary);
        return true;
    }
    number = errno;
    if (fd >= 0)
        unlink(temporary);
    free(temporary);
    return error_errno(error, path, "cannot be written", number);
}

bool output_write(const char *path, const output_part *parts, size_t count, lks_error *error)
{
    char *target = real_target(path);
    bool ok = target ? write_renamed(path, target, parts, count, error) : error_memory(error);

    free(target);
    return ok;
}

bool output_same_file(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

bool output_directory(const char *path, lks_error *error)
{
    struct stat st;

    if (mkdir(path, 0777) == 0)
        return true;
    if (errno != EEXIST)
        return error_errno(error, path, "cannot be made", errno);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error_set(error, "%s: is there and is not a directory: choose another name", path);
    return true;
}

char *output_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);

    if (path)
        snprintf(path, size, "%s/%s", directory, name);
    return path;
}

bool output_finish(lks_error *error)
{
    if (fflush(stdout) != 0)
        return error_errno(error, "standard output", "cannot be written", errno);
    if (ferror(stdout))
        return error_set(error, "standard output: cannot be written");
    return true;
}
