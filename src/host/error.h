/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling in an lks_error, and arithmetic that notices overflow.
 */
#ifndef LKS_HOST_ERROR_H
#define LKS_HOST_ERROR_H

#include "lockstep/lockstep.h"

#include <stdbool.h>

#if defined(__GNUC__)
#define LKS_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define LKS_PRINTF(at, first)
#endif

/* Fill in error (NULL: nothing to fill) and return status: `return lks_fail(error, LKS_ERR_FORMAT, "%s: ...", name)`.  Control
 * characters and line breaks become '?', so that a hostile name cannot forge a line. */
lks_status lks_fail(lks_error *error, lks_status status, const char *format, ...) LKS_PRINTF(3, 4);

/* No error: status LKS_OK and an empty text. */
lks_status lks_ok(lks_error *error);

/* false: the result does not fit, and *out is unchanged. */
static inline bool lks_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    if (b != 0 && a > UINT64_MAX / b)
        return false;
    *out = a * b;
    return true;
}

static inline bool lks_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    if (a > UINT64_MAX - b)
        return false;
    *out = a + b;
    return true;
}

#endif
