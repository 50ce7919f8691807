/* SPDX-License-Identifier: Apache-2.0
 *
 * The CUDA backend: NVIDIA cards from sm_75 on, through the CUDA runtime.
 */
#ifndef LKS_CUDA_BACKEND_H
#define LKS_CUDA_BACKEND_H

#include "spec/backend.h"

extern const lks_backend lks_cuda_backend;

#endif
