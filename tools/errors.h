/* SPDX-License-Identifier: Apache-2.0
 *
 * How the program reports failure: helpers fill in one error, and the dispatcher prints it as one line.
 */
#ifndef LOCKSTEP_TOOLS_ERRORS_H
#define LOCKSTEP_TOOLS_ERRORS_H

#include "lockstep/lockstep.h"

#include <stdbool.h>

#if defined(__GNUC__)
#define TOOLS_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define TOOLS_PRINTF(text, first)
#endif

/* Fill in *error and return false: `return error_set(error, "%s: ...", path)`.  Status: LKS_ERR_ARGUMENT. */
bool error_set(lks_error *error, const char *format, ...) TOOLS_PRINTF(2, 3);

/* The same for a failed call of libc: "PATH: what: reason". */
bool error_errno(lks_error *error, const char *path, const char *what, int number);

/* Out of memory. */
bool error_memory(lks_error *error);

/* Print "lockstep COMMAND: TEXT" on stderr as one line.  command: NULL for the program itself. */
void error_print(const char *command, const lks_error *error);

/* text with every control character replaced by '?', so that a hostile name cannot forge a line or move the cursor. */
void text_clean(char *text);

#endif
