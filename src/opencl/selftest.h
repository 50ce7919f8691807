/* SPDX-License-Identifier: Apache-2.0
 *
 * Holding compiled programs against the host, and measuring a device.
 */
#ifndef LKS_OPENCL_SELFTEST_H
#define LKS_OPENCL_SELFTEST_H

#include "opencl/device.h"

/*
 * Run what the program has for it: dot products, or the arithmetic of spec/arith.h.
 *
 * LKS_ERR_DEVICE  it is wrong, or does not run.  The caller holds the lock of the device.
 */
lks_status lks_cl_test_program(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error);

/* The contract's exercise. */
lks_status lks_cl_exercise(lks_device_handle *d, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error);

#endif
