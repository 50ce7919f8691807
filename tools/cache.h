/* SPDX-License-Identifier: Apache-2.0
 *
 * The user's own folder for compiled kernels.
 */
#ifndef LOCKSTEP_TOOLS_CACHE_H
#define LOCKSTEP_TOOLS_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#define CACHE_PATH_MAX 4096

/*
 * $XDG_CACHE_HOME/lockstep, else $HOME/.cache/lockstep.  The folder above it is made if absent, as the XDG specification asks;
 * it itself is made by who uses it.
 *
 * false: neither variable names an absolute path.
 */
bool cache_of_user(char *path, size_t size);

#endif
