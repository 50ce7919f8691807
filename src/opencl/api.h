/* SPDX-License-Identifier: Apache-2.0
 *
 * The OpenCL loader, opened at run time, so that one binary starts on a machine without it.
 */
#ifndef LKS_OPENCL_API_H
#define LKS_OPENCL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "spec/backend.h"

#define LKS_CL_FUNCTIONS(DO)                                                                                                     \
    DO(clGetPlatformIDs) DO(clGetPlatformInfo) DO(clGetDeviceIDs) DO(clGetDeviceInfo) DO(clCreateContext)                        \
    DO(clReleaseContext) DO(clCreateCommandQueue) DO(clReleaseCommandQueue) DO(clCreateBuffer) DO(clReleaseMemObject)            \
    DO(clCreateProgramWithSource) DO(clCreateProgramWithBinary) DO(clBuildProgram) DO(clGetProgramInfo)                          \
    DO(clGetProgramBuildInfo) DO(clReleaseProgram) DO(clCreateKernel) DO(clCreateKernelsInProgram)                               \
    DO(clGetKernelWorkGroupInfo) DO(clReleaseKernel) DO(clSetKernelArg) DO(clEnqueueNDRangeKernel)               \
    DO(clEnqueueWriteBuffer) DO(clEnqueueReadBuffer) DO(clFinish)

typedef struct lks_cl_api {
#define LKS_CL_MEMBER(name) __typeof__(&name) name;
    LKS_CL_FUNCTIONS(LKS_CL_MEMBER)
#undef LKS_CL_MEMBER
} lks_cl_api;

/*
 * Find the functions.  The loader stays in the process: drivers start threads that do not survive their library.
 *
 * false: reason (of size bytes) says what is missing, and what would mend it.
 */
int lks_cl_load(lks_cl_api *api, char *reason, size_t size);

/* "CL_OUT_OF_RESOURCES", ...; never NULL. */
const char *lks_cl_error_name(cl_int code);

/* Fill in error and return status; snprintf's format. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
lks_status lks_cl_fail(lks_error *error, lks_status status, const char *format, ...);

#endif
