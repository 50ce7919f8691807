/* SPDX-License-Identifier: Apache-2.0
 *
 * Which OpenCL devices there are, and whether one can be used.
 */
#ifndef LKS_OPENCL_FIND_H
#define LKS_OPENCL_FIND_H

#include "opencl/api.h"

#define LKS_CL_DEVICES_MAX 64
#define LKS_CL_LANES 64             /* work-items of a work-group where a kernel does not care; a device must have as many */

typedef struct lks_cl_found {
    cl_platform_id platform;
    cl_device_id id;
} lks_cl_found;

typedef struct lks_cl_limits {
    int is_cpu;
    cl_ulong global_bytes, alloc_bytes, local_bytes;    /* of all memory, of one buffer, of one work-group */
    size_t group_items;                                 /* the largest work-group */
} lks_cl_limits;

/* The devices of all platforms: GPUs first, then what is neither, then CPUs.  Returns how many. */
uint32_t lks_cl_find(const lks_cl_api *cl, lks_cl_found all[LKS_CL_DEVICES_MAX]);

/* What the driver says, from malloc; NULL: nothing, or out of memory. */
char *lks_cl_device_text(const lks_cl_api *cl, cl_device_id id, cl_device_info what);
char *lks_cl_platform_text(const lks_cl_api *cl, cl_platform_id id, cl_platform_info what);

void lks_cl_read_limits(const lks_cl_api *cl, cl_device_id id, lks_cl_limits *limits);

/* 1: the device can be used as far as it says.  0: reason (of size bytes) says why not, and what would mend it. */
int lks_cl_judge(const lks_cl_api *cl, cl_device_id id, char *reason, size_t size);

/* The contract's describe. */
lks_status lks_cl_describe(uint32_t i, lks_device_info *info);

#endif
