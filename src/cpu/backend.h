/* SPDX-License-Identifier: Apache-2.0
 *
 * The fast CPU backend: packed weights, SIMD micro-kernels chosen at run time, threads.
 */
#ifndef LKS_CPU_BACKEND_H
#define LKS_CPU_BACKEND_H

#include "spec/backend.h"

extern const lks_backend lks_cpu_backend;

#endif
