/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding, describing and judging OpenCL devices.  They are numbered over all platforms.
 */
#include "opencl/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLATFORMS_MAX 16

/* ---- finding ------------------------------------------------------------------------------------------------------------- */

static cl_uint find_platforms(const lks_cl_api *cl, cl_platform_id platforms[PLATFORMS_MAX])
{
    cl_uint count = 0;

    if (cl->clGetPlatformIDs(PLATFORMS_MAX, platforms, &count) != CL_SUCCESS)
        return 0;
    return count < PLATFORMS_MAX ? count : PLATFORMS_MAX;
}

/* A device may be of several kinds. */
static int is_known(const lks_cl_found *all, uint32_t n, cl_device_id id)
{
    for (uint32_t i = 0; i < n; i++)
        if (all[i].id == id)
            return 1;
    return 0;
}

/* Devices of one kind of all platforms; the number of all found so far. */
static uint32_t find_kind(const lks_cl_api *cl, const cl_platform_id *platforms, cl_uint count, cl_device_type type,
                          lks_cl_found *all, uint32_t n)
{
    for (cl_uint p = 0; p < count; p++) {
        cl_device_id ids[LKS_CL_DEVICES_MAX];
        cl_uint devices = 0;

        if (cl->clGetDeviceIDs(platforms[p], type, LKS_CL_DEVICES_MAX, ids, &devices) != CL_SUCCESS)
            continue;
        for (cl_uint i = 0; i < devices && i < LKS_CL_DEVICES_MAX && n < LKS_CL_DEVICES_MAX; i++)
            if (!is_known(all, n, ids[i]))
                all[n++] = (lks_cl_found){ platforms[p], ids[i] };
    }
    return n;
}

uint32_t lks_cl_find(const lks_cl_api *cl, lks_cl_found all[LKS_CL_DEVICES_MAX])
{
    cl_platform_id platforms[PLATFORMS_MAX];
    const cl_uint count = find_platforms(cl, platforms);
    uint32_t n = find_kind(cl, platforms, count, CL_DEVICE_TYPE_GPU, all, 0);

    n = find_kind(cl, platforms, count, CL_DEVICE_TYPE_ACCELERATOR, all, n);
    return find_kind(cl, platforms, count, CL_DEVICE_TYPE_CPU, all, n);
}

/* ---- what a driver says -------------------------------------------------------------------------------------------------- */

char *lks_cl_device_text(const lks_cl_api *cl, cl_device_id id, cl_device_info what)
{
    size_t size = 0;
    char *text = NULL;

    if (cl->clGetDeviceInfo(id, what, 0, NULL, &size) == CL_SUCCESS)
        text = calloc(size + 1, 1);
    if (text && cl->clGetDeviceInfo(id, what, size, text, NULL) != CL_SUCCESS) {
        free(text);
        text = NULL;
    }
    return text;
}

char *lks_cl_platform_text(const lks_cl_api *cl, cl_platform_id id, cl_platform_info what)
{
    size_t size = 0;
    char *text = NULL;

    if (cl->clGetPlatformInfo(id, what, 0, NULL, &size) == CL_SUCCESS)
        text = calloc(size + 1, 1);
    if (text && cl->clGetPlatformInfo(id, what, size, text, NULL) != CL_SUCCESS) {
        free(text);
        text = NULL;
    }
    return text;
}

/* 0 where the driver says nothing. */
static cl_ulong get_ulong(const lks_cl_api *cl, cl_device_id id, cl_device_info what)
{
    cl_ulong value = 0;

    return cl->clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

static cl_uint get_uint(const lks_cl_api *cl, cl_device_id id, cl_device_info what)
{
    cl_uint value = 0;

    return cl->clGetDeviceInfo(id, what, sizeof value, &value, NULL) == CL_SUCCESS ? value : 0;
}

void lks_cl_read_limits(const lks_cl_api *cl, cl_device_id id, lks_cl_limits *limits)
{
    *limits = (lks_cl_limits){
        .is_cpu = (get_ulong(cl, id, CL_DEVICE_TYPE) & CL_DEVICE_TYPE_CPU) != 0,
        .global_bytes = get_ulong(cl, id, CL_DEVICE_GLOBAL_MEM_SIZE),
        .alloc_bytes = get_ulong(cl, id, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
        .local_bytes = get_ulong(cl, id, CL_DEVICE_LOCAL_MEM_SIZE)
    };
    if (cl->clGetDeviceInfo(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof limits->group_items, &limits->group_items, NULL)
        != CL_SUCCESS)
        limits->group_items = 0;
}

/* ---- judging ------------------------------------------------------------------------------------------------------------- */

static int refuse_version(const lks_cl_api *cl, cl_device_id id, char *reason, size_t size)
{
    char *version = lks_cl_device_text(cl, id, CL_DEVICE_OPENCL_C_VERSION);
    const int old = !version || strncmp(version, "OpenCL C 1.0", 12) == 0 || strncmp(version, "OpenCL C 1.1", 12) == 0;

    if (old)
        snprintf(reason, size, "it has %.40s, and OpenCL C 1.2 is needed: a newer driver may bring it",
                 version ? version : "no OpenCL C");
    free(version);
    return old;
}

int lks_cl_judge(const lks_cl_api *cl, cl_device_id id, char *reason, size_t size)
{
    lks_cl_limits l;

    reason[0] = '\0';
    lks_cl_read_limits(cl, id, &l);
    if (!get_uint(cl, id, CL_DEVICE_AVAILABLE))
        snprintf(reason, size, "its driver says that it is not available: see what else uses it");
    else if (!get_uint(cl, id, CL_DEVICE_COMPILER_AVAILABLE))
        snprintf(reason, size, "its driver has no compiler: install the full OpenCL driver of the vendor");
    else if (!get_uint(cl, id, CL_DEVICE_ENDIAN_LITTLE))
        snprintf(reason, size, "it is big-endian: the kernels are for little-endian devices");
    else if (l.group_items < LKS_CL_LANES)
        snprintf(reason, size, "its work-groups have %zu work-items at most, and the kernels need %d", l.group_items,
                 LKS_CL_LANES);
    else
        refuse_version(cl, id, reason, size);
    return reason[0] == '\0';
}

/* ---- describing ---------------------------------------------------------------------------------------------------------- */

static void describe_device(const lks_cl_api *cl, const lks_cl_found *f, lks_device_info *info)
{
    char *platform = lks_cl_platform_text(cl, f->platform, CL_PLATFORM_NAME);
    char *name = lks_cl_device_text(cl, f->id, CL_DEVICE_NAME), *driver = lks_cl_device_text(cl, f->id, CL_DRIVER_VERSION);
    lks_cl_limits limits;

    lks_cl_read_limits(cl, f->id, &limits);
    snprintf(info->name, sizeof info->name, "%s", name ? name : "unknown");
    snprintf(info->driver, sizeof info->driver, "%s%s%s", platform ? platform : "", platform && driver ? " " : "",
             driver ? driver : "");
    info->by_name_only = limits.is_cpu;
    info->usable = lks_cl_judge(cl, f->id, info->reason, sizeof info->reason);
    free(platform);
    free(name);
    free(driver);
}

/* Why there is no device at all. */
static void explain_none(const lks_cl_api *cl, char *reason, size_t size)
{
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint devices = 0;
    char *name;
    cl_int code;

    if (find_platforms(cl, platforms) == 0) {
        snprintf(reason, size, "the OpenCL loader knows no driver: install that of the card (NVIDIA: it comes with the card's; "
                 "AMD: apt-get install rocm-opencl-runtime; Intel: apt-get install intel-opencl-icd)");
        return;
    }
    code = cl->clGetDeviceIDs(platforms[0], CL_DEVICE_TYPE_ALL, 0, NULL, &devices);
    name = lks_cl_platform_text(cl, platforms[0], CL_PLATFORM_NAME);
    snprintf(reason, size, "the OpenCL driver \"%.60s\" shows no device: %s (%d): where there is a card, may you use it?  "
             "sudo usermod -aG render,video $USER, and log in again", name ? name : "unknown", lks_cl_error_name(code), code);
    free(name);
}

/* Without any device, device 0 stands for what is missing. */
lks_status lks_cl_describe(uint32_t i, lks_device_info *info)
{
    lks_cl_found all[LKS_CL_DEVICES_MAX];
    lks_cl_api cl;
    uint32_t count = 0;
    int loaded;

    *info = (lks_device_info){ .backend = "opencl", .name = "none" };
    loaded = lks_cl_load(&cl, info->reason, sizeof info->reason);
    if (loaded)
        count = lks_cl_find(&cl, all);
    if (i < count)
        describe_device(&cl, &all[i], info);
    else if (loaded)
        explain_none(&cl, info->reason, sizeof info->reason);
    return i < count || (i == 0 && count == 0) ? LKS_OK : LKS_ERR_NO_DEVICE;
}
