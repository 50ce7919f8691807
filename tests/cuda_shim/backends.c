/* SPDX-License-Identifier: Apache-2.0
 *
 * The backends of a test that uses the CUDA backend on the shim like any other: in the place of host/backends.c.
 */
#include "cpu_ref/backend.h"
#include "cuda/backend.h"
#include "host/registry.h"

const lks_backend *const lks_backends[] = { &lks_cuda_backend, &lks_ref_backend, NULL };
