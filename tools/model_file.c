/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the commands get a model from: a file, or one that is built in.
 */
#include "tools/model_file.h"

#include <stdlib.h>

bool model_file_read(const char *model, uint64_t limit, blob *out, lks_error *error)
{
    return network_named(model) ? network_file(model, out, error) : file_read(model, limit, out, error);
}

bool model_file_open(const char *path, const lks_limits *limits, lks_model **model, lks_error *error)
{
    blob file;
    bool ok;

    *model = NULL;
    if (!network_named(path))
        return lks_model_open(path, limits, model, error) == LKS_OK;
    if (!network_file(path, &file, error))
        return false;
    ok = lks_model_parse(file.data, file.bytes, path, limits, model, error) == LKS_OK;
    free(file.data);
    return ok;
}
