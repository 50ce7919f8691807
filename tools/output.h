/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing files whole or not at all, and making sure that standard output arrived.
 */
#ifndef LOCKSTEP_TOOLS_OUTPUT_H
#define LOCKSTEP_TOOLS_OUTPUT_H

#include "tools/errors.h"

typedef struct output_part {
    const void *data;
    size_t bytes;
} output_part;

/* Write the parts, one after the other, to path.  They go to a temporary file in the same directory, which is then renamed: path
 * holds either what it held before or all of the new content.  An existing path must be a regular file that may be written. */
bool output_write(const char *path, const output_part *parts, size_t count, lks_error *error);

/* Do both paths lead to one file that exists? */
bool output_same_file(const char *a, const char *b);

/* Make the directory path unless it is there.  Its parent must exist. */
bool output_directory(const char *path, lks_error *error);

/* "DIRECTORY/NAME", the caller's to free; NULL: out of memory. */
char *output_join(const char *directory, const char *name);

/* Flush standard output; false: some of it was lost. */
bool output_finish(lks_error *error);

#endif
