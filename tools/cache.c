/* SPDX-License-Identifier: Apache-2.0
 *
 * The user's own folder for compiled kernels.  The library reads no environment: the program does, here.
 */
#define _POSIX_C_SOURCE 200809L

#include "tools/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/* base/more, unless base is not absolute: the XDG specification asks that such ones are ignored. */
static bool join(const char *base, const char *more, char *path, size_t size)
{
    int length = base && base[0] == '/' ? snprintf(path, size, "%s%s", base, more) : -1;

    return length > 0 && (size_t)length < size;
}

bool cache_of_user(char *path, size_t size)
{
    char above[CACHE_PATH_MAX];

    if (!join(getenv("XDG_CACHE_HOME"), "", above, sizeof above) && !join(getenv("HOME"), "/.cache", above, sizeof above))
        return false;
    mkdir(above, 0700);             /* where that fails, so does what comes next */
    return join(above, "/lockstep", path, size);
}
