/* SPDX-License-Identifier: Apache-2.0
 *
 * Statuses and one-line error texts.
 */
#include "host/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *lks_status_name(lks_status status)
{
    switch (status) {
    case LKS_OK: return "LKS_OK";
    case LKS_ERR_ARGUMENT: return "LKS_ERR_ARGUMENT";
    case LKS_ERR_NOMEM: return "LKS_ERR_NOMEM";
    case LKS_ERR_IO: return "LKS_ERR_IO";
    case LKS_ERR_FORMAT: return "LKS_ERR_FORMAT";
    case LKS_ERR_UNSUPPORTED: return "LKS_ERR_UNSUPPORTED";
    case LKS_ERR_ILLEGAL: return "LKS_ERR_ILLEGAL";
    case LKS_ERR_LIMIT: return "LKS_ERR_LIMIT";
    case LKS_ERR_NO_DEVICE: return "LKS_ERR_NO_DEVICE";
    case LKS_ERR_DEVICE: return "LKS_ERR_DEVICE";
    case LKS_ERR_MISMATCH: return "LKS_ERR_MISMATCH";
    }
    return "unknown status";
}

lks_status lks_fail(lks_error *error, lks_status status, const char *format, ...)
{
    va_list args;

    if (!error)
        return status;
    error->status = status;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    for (char *c = error->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return status;
}

lks_status lks_ok(lks_error *error)
{
    if (error) {
        error->status = LKS_OK;
        error->text[0] = 0;
    }
    return LKS_OK;
}
