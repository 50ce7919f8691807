/* SPDX-License-Identifier: Apache-2.0
 *
 * Interface bytes (spec 2), which users pass, read, compare and digest, little-endian on every machine; the values behind them.
 */
#ifndef LKS_HOST_INTERFACE_H
#define LKS_HOST_INTERFACE_H

#include "host/model.h"

/* Element i of interface bytes. */
int64_t lks_interface_value(const void *data, lks_type type, uint64_t i);

/* Are the interface bytes of an activation other bytes than its stored values, on some machine? */
bool lks_interface_differs(const lks_tensor *t);

/*
 * Interface bytes to stored values in the machine's order.
 *
 * data, stored  count elements of the interface type, and of the storage type; they do not overlap.
 *
 * Returns the first element that the storage type does not hold; all before it are stored.  count: all fit.
 */
size_t lks_interface_store(const lks_tensor *t, const void *data, size_t count, void *stored);

/* Stored values to interface bytes, in place: data begins with count stored values, and has room for the interface type. */
void lks_interface_load(const lks_tensor *t, void *data, size_t count);

#endif
