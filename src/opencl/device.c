/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding, describing and opening OpenCL devices.  They are numbered over all platforms: GPUs first, then what is neither, then
 * CPUs.
 */
#include "opencl/device.h"

#include "opencl/cache.h"
#include "opencl/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLATFORMS_MAX 16
#define DEVICES_MAX 64

typedef struct found {
    cl_platform_id platform;
    cl_device_id id;
} found;

/* ---- finding ------------------------------------------------------------------------------------------------------------- */

/* A device may be of several kinds. */
static int is_known(const found *all, uint32_t n, cl_device_id id)
{
    for (uint32_t i = 0; i < n; i++)
        if (all[i].id == id)
            return 1;
    return 0;
}

/* Devices of one kind of all platforms; the number of all found so far. */
static uint32_t find_kind(const lks_cl_api *cl, const cl_platform_id *platforms, cl_uint count, cl_device_type type, found *all,
                          uint32_t n)
{
    for (cl_uint p = 0; p < count && p < PLATFORMS_MAX; p++) {
        cl_device_id ids[DEVICES_MAX];
        cl_uint devices = 0;

        if (cl->clGetDeviceIDs(platforms[p], type, DEVICES_MAX, ids, &devices) != CL_SUCCESS)
            continue;
        for (cl_uint i = 0; i < devices && i < DEVICES_MAX && n < DEVICES_MAX; i++)
            if (!is_known(all, n, ids[i]))
                all[n++] = (found){ platforms[p], ids[i] };
    }
    return n;
}

static uint32_t find_devices(const lks_cl_api *cl, found *all)
{
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_uint count = 0;
    uint32_t n;

    if (cl->clGetPlatformIDs(PLATFORMS_MAX, platforms, &count) != CL_SUCCESS)
        return 0;
    n = find_kind(cl, platforms, count, CL_DEVICE_TYPE_GPU, all, 0);
    n = find_kind(cl, platforms, count, CL_DEVICE_TYPE_ACCELERATOR, all, n);
    return find_kind(cl, platforms, count, CL_DEVICE_TYPE_CPU, all, n);
}

/* ---- describing ---------------------------------------------------------------------------------------------------------- */

static void copy_text(const lks_cl_api *cl, cl_device_id id, cl_device_info what, char *to, size_t size)
{
    char text[512] = "";

    cl->clGetDeviceInfo(id, what, sizeof text - 1, text, NULL);
    snprintf(to, size, "%.*s", (int)size - 1, text);
}

static cl_ulong get_number(const lks_cl_api *cl, cl_device_id id, cl_device_info what, size_t size)
{
    cl_ulong wide = 0;
    cl_uint narrow = 0;

    if (size == sizeof wide)
        cl->clGetDeviceInfo(id, what, sizeof wide, &wide, NULL);
    else if (cl->clGetDeviceInfo(id, what, sizeof narrow, &narrow, NULL) == CL_SUCCESS)
        wide = narrow;
    return wide;
}

static int is_cpu(const lks_cl_api *cl, cl_device_id id)
{
    cl_device_type type = 0;

    cl->clGetDeviceInfo(id, CL_DEVICE_TYPE, sizeof type, &type, NULL);
    return (type & CL_DEVICE_TYPE_CPU) != 0;
}

/* Why a device cannot be used; 0: it can. */
static int find_reason(const lks_cl_api *cl, cl_device_id id, char *reason, size_t size)
{
    char version[128] = "";

    copy_text(cl, id, CL_DEVICE_OPENCL_C_VERSION, version, sizeof version);
    if (!get_number(cl, id, CL_DEVICE_AVAILABLE, sizeof(cl_uint)))
        return snprintf(reason, size, "the driver says that the device is not available");
    if (!get_number(cl, id, CL_DEVICE_COMPILER_AVAILABLE, sizeof(cl_uint)))
        return snprintf(reason, size, "its driver has no compiler: install the full OpenCL driver of the vendor");
    if (strncmp(version, "OpenCL C 1.0", 12) == 0 || strncmp(version, "OpenCL C 1.1", 12) == 0)
        return snprintf(reason, size, "it has %.40s, and 1.2 is needed: a newer driver may bring it", version);
    return 0;
}

static void describe_device(const lks_cl_api *cl, const found *f, lks_device_info *info)
{
    char platform[64] = "", version[64] = "";

    cl->clGetPlatformInfo(f->platform, CL_PLATFORM_NAME, sizeof platform - 1, platform, NULL);
    copy_text(cl, f->id, CL_DEVICE_NAME, info->name, sizeof info->name);
    copy_text(cl, f->id, CL_DRIVER_VERSION, version, sizeof version);
    snprintf(info->driver, sizeof info->driver, "%s %s", platform, version);
    info->by_name_only = is_cpu(cl, f->id);
    info->usable = find_reason(cl, f->id, info->reason, sizeof info->reason) == 0;
}

/* Without any device, device 0 stands for what is missing. */
lks_status lks_cl_describe(uint32_t i, lks_device_info *info)
{
    found all[DEVICES_MAX];
    lks_cl_api cl;
    uint32_t count = 0;
    int loaded;

    *info = (lks_device_info){ .backend = "opencl", .name = "none" };
    loaded = lks_cl_load(&cl, info->reason, sizeof info->reason);
    if (loaded)
        count = find_devices(&cl, all);
    if (i < count)
        describe_device(&cl, &all[i], info);
    else if (loaded)
        snprintf(info->reason, sizeof info->reason, "the OpenCL loader knows no device: install the OpenCL driver of the card "
                 "(NVIDIA: with its driver; AMD: rocm-opencl-runtime; Intel: intel-opencl-icd)");
    return i < count || (i == 0 && count == 0) ? LKS_OK : LKS_ERR_NO_DEVICE;
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static void read_limits(lks_device_handle *d)
{
    d->is_cpu = is_cpu(&d->cl, d->id);
    d->global_bytes = get_number(&d->cl, d->id, CL_DEVICE_GLOBAL_MEM_SIZE, sizeof(cl_ulong));
    d->alloc_bytes = get_number(&d->cl, d->id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof(cl_ulong));
    d->local_bytes = get_number(&d->cl, d->id, CL_DEVICE_LOCAL_MEM_SIZE, sizeof(cl_ulong));
    d->group_items = 0;
    d->cl.clGetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof d->group_items, &d->group_items, NULL);
}

static lks_status find_device(lks_device_handle *d, uint32_t i, lks_error *error)
{
    found all[DEVICES_MAX];
    char reason[256];
    uint32_t count;

    if (!lks_cl_load(&d->cl, reason, sizeof reason))
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl: %s", reason);
    count = find_devices(&d->cl, all);
    if (i >= count)
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl: device %u: there are %u: see lockstep devices", i, count);
    d->platform = all[i].platform;
    d->id = all[i].id;
    d->index = i;
    if (find_reason(&d->cl, d->id, reason, sizeof reason))
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl %u: %s", i, reason);
    read_limits(d);
    return LKS_OK;
}

static lks_status open_context(lks_device_handle *d, lks_error *error)
{
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)d->platform, 0 };
    cl_int code;

    d->context = d->cl.clCreateContext(properties, 1, &d->id, NULL, NULL, &code);
    if (!d->context)
        return lks_cl_fail_call(error, "clCreateContext", code);
    d->queue = d->cl.clCreateCommandQueue(d->context, d->id, 0, &code);
    return d->queue ? LKS_OK : lks_cl_fail_call(error, "clCreateCommandQueue", code);
}

static lks_status take_options(lks_device_handle *d, const lks_context_options *o, lks_error *error)
{
    if (o->threads)
        return lks_cl_fail(error, LKS_ERR_ARGUMENT, "opencl: %u threads: the driver decides about them", o->threads);
    if (pthread_mutex_init(&d->lock, NULL) != 0)
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl: out of memory");
    d->has_lock = 1;
    if (!o->cache_dir)
        return LKS_OK;
    d->cache_dir = malloc(strlen(o->cache_dir) + 1);
    if (!d->cache_dir)
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl: out of memory");
    strcpy(d->cache_dir, o->cache_dir);
    return lks_cl_cache_open(d->cache_dir, error);
}

/* The first form of the dot product that compiles and passes its test: the portable one must. */
static lks_status choose_dot(lks_device_handle *d, lks_error *error)
{
    lks_status st = LKS_ERR_UNSUPPORTED;
    cl_program program;

    if (d->is_cpu) {
        d->dot = LKS_CL_PORTABLE;
        return lks_cl_program(d, LKS_CL_WIDE, &program, error);
    }
    for (uint32_t dot = 0; dot < LKS_CL_DOTS && st != LKS_OK; dot++) {
        d->dot = (lks_cl_dot)dot;
        st = lks_cl_program(d, LKS_CL_TILE(dot, 1), &program, error);
    }
    return st;
}

/* What cannot be used says so as LKS_ERR_DEVICE: nothing of it ran. */
lks_status lks_cl_open(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error)
{
    lks_device_handle *d = calloc(1, sizeof *d);
    cl_program program;
    lks_status st;

    *device = NULL;
    if (!d)
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl: out of memory");
    if ((st = find_device(d, i, error)) != LKS_OK)                              goto fail;
    if ((st = take_options(d, options, error)) != LKS_OK)                       goto fail;
    if ((st = open_context(d, error)) != LKS_OK)                                goto fail;
    if ((st = lks_cl_program(d, LKS_CL_DIRECT, &program, error)) != LKS_OK)     goto fail;
    if ((st = choose_dot(d, error)) != LKS_OK)                                  goto fail;
    *device = d;
    return LKS_OK;

fail:
    if (st == LKS_ERR_UNSUPPORTED)
        error->status = st = LKS_ERR_DEVICE;
    lks_cl_close(d);
    return st;
}

void lks_cl_close(lks_device_handle *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < LKS_CL_PROGRAMS; i++)
        if (d->programs[i].program)
            d->cl.clReleaseProgram(d->programs[i].program);
    for (int i = 0; i < 2; i++)
        if (d->copied[i])
            d->cl.clReleaseMemObject(d->copied[i]);
    if (d->queue)
        d->cl.clReleaseCommandQueue(d->queue);
    if (d->context)
        d->cl.clReleaseContext(d->context);
    if (d->has_lock)
        pthread_mutex_destroy(&d->lock);
    free(d->cache_dir);
    free(d);
}

/* ---- programs ------------------------------------------------------------------------------------------------------------ */

static int mentions(const lks_device_handle *d, cl_device_info what, const char *word)
{
    char text[8192] = "";

    d->cl.clGetDeviceInfo(d->id, what, sizeof text - 1, text, NULL);
    return strstr(text, word) != NULL;
}

/*
 * Forms of the dot product that the device does not even claim are not tried: a compiler that must fail may write to stderr.  A
 * claim alone is worth nothing (opencl/dot.cl).
 */
static int is_claimed(const lks_device_handle *d, uint32_t which)
{
    if (which < LKS_CL_TILES)
        return 1;
    switch ((lks_cl_dot)((which - LKS_CL_TILES) >> 1)) {
    case LKS_CL_KHR:   return mentions(d, CL_DEVICE_EXTENSIONS, "cl_khr_integer_dot_product");
    case LKS_CL_PTX:   return !d->is_cpu && mentions(d, CL_DEVICE_VENDOR, "NVIDIA");
    case LKS_CL_SDOT:
    case LKS_CL_SUDOT: return !d->is_cpu && (mentions(d, CL_DEVICE_VENDOR, "AMD")
                                             || mentions(d, CL_DEVICE_VENDOR, "Advanced Micro Devices"));
    default:           return 1;
    }
}

/* What came from the cache and is wrong is compiled again: a driver may have changed beneath its own version number. */
static lks_status compile_and_test(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    int cached;
    lks_status st;

    *program = NULL;
    if (!is_claimed(d, which))
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" are for other devices", d->index,
                           lks_cl_program_name(which));
    st = lks_cl_compile(d, which, 1, program, &cached, error);
    if (st == LKS_OK)
        st = lks_cl_test_program(d, which, *program, error);
    if (st != LKS_OK && *program) {
        d->cl.clReleaseProgram(*program);
        *program = NULL;
        if (cached) {
            st = lks_cl_compile(d, which, 0, program, &cached, error);
            if (st == LKS_OK)
                st = lks_cl_test_program(d, which, *program, error);
        }
    }
    return st;
}

lks_status lks_cl_program(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    lks_cl_compiled *c = &d->programs[which];

    pthread_mutex_lock(&d->lock);
    if (!c->tried) {
        c->status = compile_and_test(d, which, &c->program, error);
        if (c->status != LKS_OK && c->program) {
            d->cl.clReleaseProgram(c->program);
            c->program = NULL;
        }
        if (c->status != LKS_OK)
            snprintf(c->text, sizeof c->text, "%.*s", (int)sizeof c->text - 1, error->text);
        c->tried = 1;
    }
    *program = c->program;
    pthread_mutex_unlock(&d->lock);
    return c->status == LKS_OK ? LKS_OK : lks_cl_fail(error, c->status, "%s", c->text);
}
