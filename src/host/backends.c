/* SPDX-License-Identifier: Apache-2.0
 *
 * The backends of this build, fastest first.  Adding one: its row here, its folder, its block in CMakeLists.txt.
 */
#include "cpu/backend.h"
#include "cpu_ref/backend.h"
#include "cuda/backend.h"
#include "host/registry.h"
#include "opencl/backend.h"

const lks_backend *const lks_backends[] = {
#ifdef LKS_WITH_CUDA
    &lks_cuda_backend,
#endif
#ifdef LKS_WITH_OPENCL
    &lks_opencl_backend,
#endif
    &lks_cpu_backend,
    &lks_ref_backend,
    NULL
};
