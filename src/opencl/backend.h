/* SPDX-License-Identifier: Apache-2.0
 *
 * Any vendor's GPU through OpenCL 1.2: fixed tile sizes, no atomics, no floating point.
 */
#ifndef LKS_OPENCL_BACKEND_H
#define LKS_OPENCL_BACKEND_H

#include "spec/backend.h"

extern const lks_backend lks_opencl_backend;

#endif
