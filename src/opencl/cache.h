/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiled programs on disk: one file each, named by a key of everything that went into it, and hashed, so that a damaged or
 * foreign file is never used.
 */
#ifndef LKS_OPENCL_CACHE_H
#define LKS_OPENCL_CACHE_H

#include "opencl/device.h"

/* The SHA-256 of format version, sources, options, platform, device and driver. */
typedef struct lks_cl_cache_key {
    uint8_t digest[LKS_DIGEST_SIZE];
} lks_cl_cache_key;

/*
 * Make dir if it is absent, for its owner alone (0700).
 *
 * LKS_ERR_ARGUMENT  it cannot be made, or is not a folder of this user that nobody else may write to or read.
 */
lks_status lks_cl_cache_open(const char *dir, lks_error *error);

/* strings: the sources, ended by NULL.  0: the driver does not say who it is, or out of memory: there is no key. */
int lks_cl_cache_make_key(lks_cl_cache_key *key, const lks_device_handle *d, const char *const *strings, const char *options);

/* The binary under that key (from malloc), or NULL: none, or damaged. */
unsigned char *lks_cl_cache_read(const char *dir, const lks_cl_cache_key *key, size_t *size);

/* Keep binary under that key, whole or not at all, whoever else writes.  A failure leaves nothing behind. */
void lks_cl_cache_write(const char *dir, const lks_cl_cache_key *key, const unsigned char *binary, size_t size);

#endif
