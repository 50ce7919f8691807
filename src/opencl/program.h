/* SPDX-License-Identifier: Apache-2.0
 *
 * The compiled programs of a device: each made once, from the cache or from its sources, and tested before it is used.
 */
#ifndef LKS_OPENCL_PROGRAM_H
#define LKS_OPENCL_PROGRAM_H

#include "opencl/device.h"

/* "direct", "wide", "khr_128x128", ... */
const char *lks_cl_program_name(uint32_t which);

/* The work-items of a work-group that its kernels are launched with; at most. */
size_t lks_cl_program_items(uint32_t which);

/*
 * The compiled program; compiled at the first call, by whatever thread.
 *
 * LKS_OK               it passed its test.
 * LKS_ERR_UNSUPPORTED  it does not compile here, or the device is too small for it; error has the driver's words, or the
 *                      numbers.
 * LKS_ERR_NOMEM        the next call tries again.
 * LKS_ERR_DEVICE       it compiled, and is wrong.
 */
lks_status lks_cl_program(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error);

/* ---- compile.c: what is compiled, untested ------------------------------------------------------------------------------- */

/* From the sources.  LKS_ERR_UNSUPPORTED: they do not compile; error has the end of the driver's log. */
lks_status lks_cl_compile(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error);

/* From the cache; NULL: it has none, or what it has is damaged, or the driver does not take it. */
cl_program lks_cl_compile_cached(lks_device_handle *d, uint32_t which);

/* Put it into the cache, where there is one.  That is a convenience: where it fails, the program is compiled again next time. */
void lks_cl_keep(lks_device_handle *d, uint32_t which, cl_program program);

#endif
