/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place that knows the backends and the importers by name.
 */
#ifndef LKS_HOST_REGISTRY_H
#define LKS_HOST_REGISTRY_H

#include "spec/backend.h"

#include <stdbool.h>

/* The backends of this build, fastest first; NULL beyond the last. */
const lks_backend *lks_backend_at(size_t i);

/* The backend that all others are held against. */
const lks_backend *lks_reference(void);

/*
 * The table behind lks_backend_at, ended by NULL.  A test program defines its own, with backends that are wrong on purpose; a
 * linker takes that one and leaves the one of the library (host/backends.c) alone.
 */
extern const lks_backend *const lks_backends[];

/* Another model format: how it is told, and how it becomes the bytes of a .lks file (from malloc, the caller's). */
typedef struct lks_importer {
    bool (*recognise)(const void *bytes, size_t size);
    lks_status (*import)(const void *bytes, size_t size, const char *name, uint8_t **lks, size_t *lks_size, lks_error *error);
} lks_importer;

/* NULL: none recognises the bytes. */
const lks_importer *lks_importer_of(const void *bytes, size_t size);

#endif
