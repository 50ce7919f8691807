/* SPDX-License-Identifier: Apache-2.0
 *
 * An open device, from inside.
 */
#ifndef LKS_HOST_CONTEXT_H
#define LKS_HOST_CONTEXT_H

#include "spec/backend.h"

#include <stdatomic.h>

struct lks_context {
    atomic_uint references;         /* exempt from the law on atomics: it counts owners, no data passes through it */
    const lks_backend *backend;
    uint32_t index;                 /* of the device, within the backend */
    lks_device_handle *device;
};

/* One more owner. */
lks_context *lks_context_share(lks_context *c);

#endif
