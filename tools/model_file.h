/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the commands get a model from: a file, or one that is built in (networks/networks.h).
 */
#ifndef LOCKSTEP_TOOLS_MODEL_FILE_H
#define LOCKSTEP_TOOLS_MODEL_FILE_H

#include "tools/networks/networks.h"

/* The bytes that model names: as file_read, or the file of a built-in model, whatever limit. */
bool model_file_read(const char *model, uint64_t limit, blob *out, lks_error *error);

/* As lks_model_open, or a built-in model. */
bool model_file_open(const char *path, const lks_limits *limits, lks_model **model, lks_error *error);

#endif
