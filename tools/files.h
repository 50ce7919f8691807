/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a whole file into memory, within a limit.
 */
#ifndef LOCKSTEP_TOOLS_FILES_H
#define LOCKSTEP_TOOLS_FILES_H

#include "tools/errors.h"

typedef struct blob {
    uint8_t *data;      /* from malloc; one zero byte follows the content, so that text may be read as a string */
    size_t bytes;
} blob;

/* Read path, which may be a pipe.  Refused: directories, empty files, more than limit bytes.  On success *out is the caller's
 * (free its data); on failure it is empty. */
bool file_read(const char *path, uint64_t limit, blob *out, lks_error *error);

/* Does path end in one of the extensions (a list that ends with NULL, with dots)?  Upper and lower case are equal. */
bool file_has_extension(const char *path, const char *const *extensions);

#endif
