/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing a device, and what goes wrong with it in plain words.
 */
#include "opencl/device.h"

#include "opencl/cache.h"
#include "opencl/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors -------------------------------------------------------------------------------------------------------------- */

static int is_memory(cl_int code)
{
    return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_HOST_MEMORY;
}

/* What the names do not say. */
static const char *meaning(cl_int code)
{
    switch (code) {
    case CL_OUT_OF_RESOURCES:       return ": the driver broke a kernel off, or has lost the device";
    case CL_DEVICE_NOT_AVAILABLE:   return ": the device is gone: removed, reset, or taken by another process";
    case CL_INVALID_COMMAND_QUEUE:  return ": the driver has given the queue up after an earlier failure";
    case -9999:                     return ": NVIDIA's driver: a kernel touched memory that is not its own";
    default:                        return "";
    }
}

lks_status lks_cl_fail_call(const lks_device_handle *d, const char *doing, cl_int code, lks_error *error)
{
    if (is_memory(code))
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl %u: %s: out of memory: %s (%d)", d->index, doing,
                           lks_cl_error_name(code), code);
    return lks_cl_fail(error, LKS_ERR_DEVICE, "opencl %u: %s: %s (%d)%s", d->index, doing, lks_cl_error_name(code), code,
                       meaning(code));
}

lks_status lks_cl_fail_run(lks_device_handle *d, const char *doing, cl_int code, lks_error *error)
{
    if (is_memory(code))
        return lks_cl_fail_call(d, doing, code, error);
    pthread_mutex_lock(&d->lock);
    d->lost = 1;
    pthread_mutex_unlock(&d->lock);
    return lks_cl_fail(error, LKS_ERR_DEVICE, "opencl %u: %s: %s (%d)%s; it is not used again until it is opened anew, which "
                       "tests it", d->index, doing, lks_cl_error_name(code), code, meaning(code));
}

lks_status lks_cl_fail_memory(const lks_device_handle *d, uint64_t bytes, lks_error *error)
{
    return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl %u: out of memory of the host: %llu bytes", d->index,
                       (unsigned long long)bytes);
}

lks_status lks_cl_check_alive(lks_device_handle *d, lks_error *error)
{
    int lost;

    pthread_mutex_lock(&d->lock);
    lost = d->lost;
    pthread_mutex_unlock(&d->lock);
    return !lost ? LKS_OK : lks_cl_fail(error, LKS_ERR_DEVICE, "opencl %u: it failed earlier, and is not used again until it is "
                                        "opened anew", d->index);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static lks_status find_device(lks_device_handle *d, lks_error *error)
{
    lks_cl_found all[LKS_CL_DEVICES_MAX];
    lks_device_info info;
    char reason[256];
    uint32_t count;

    if (!lks_cl_load(&d->cl, reason, sizeof reason))
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl %u: %s", d->index, reason);
    count = lks_cl_find(&d->cl, all);
    if (count == 0 && lks_cl_describe(0, &info) == LKS_OK)
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl %u: %s", d->index, info.reason);
    if (d->index >= count)
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl: device %u: there are %u: see lockstep devices", d->index, count);
    d->platform = all[d->index].platform;
    d->id = all[d->index].id;
    if (!lks_cl_judge(&d->cl, d->id, reason, sizeof reason))
        return lks_cl_fail(error, LKS_ERR_NO_DEVICE, "opencl %u: %s", d->index, reason);
    lks_cl_read_limits(&d->cl, d->id, &d->limits);
    return LKS_OK;
}

static lks_status open_context(lks_device_handle *d, lks_error *error)
{
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)d->platform, 0 };
    cl_int code;

    d->context = d->cl.clCreateContext(properties, 1, &d->id, NULL, NULL, &code);
    if (!d->context)
        return lks_cl_fail_call(d, "opening a context", code, error);
    d->queue = d->cl.clCreateCommandQueue(d->context, d->id, 0, &code);
    return d->queue ? LKS_OK : lks_cl_fail_call(d, "opening a queue", code, error);
}

static lks_status take_options(lks_device_handle *d, const lks_context_options *o, lks_error *error)
{
    if (o->threads)
        return lks_cl_fail(error, LKS_ERR_ARGUMENT, "opencl: %u threads: the driver decides about them", o->threads);
    if (o->isa)
        return lks_cl_fail(error, LKS_ERR_ARGUMENT, "opencl: instruction set \"%.40s\": the driver's compiler decides", o->isa);
    d->has_lock = pthread_mutex_init(&d->lock, NULL) == 0;
    if (!d->has_lock)
        return lks_cl_fail_memory(d, sizeof d->lock, error);
    if (!o->cache_dir)
        return LKS_OK;
    d->cache_dir = malloc(strlen(o->cache_dir) + 1);
    if (!d->cache_dir)
        return lks_cl_fail_memory(d, strlen(o->cache_dir) + 1, error);
    strcpy(d->cache_dir, o->cache_dir);
    return lks_cl_cache_open(d->cache_dir, error);
}

/* The first form of the dot product that compiles and passes its test: the portable one must. */
static lks_status choose_dot(lks_device_handle *d, lks_error *error)
{
    lks_status st = LKS_ERR_UNSUPPORTED;
    cl_program program;

    if (d->limits.is_cpu) {
        d->dot = LKS_CL_PORTABLE;
        return lks_cl_program(d, LKS_CL_WIDE, &program, error);
    }
    for (uint32_t dot = 0; dot < LKS_CL_DOTS && st == LKS_ERR_UNSUPPORTED; dot++) {
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
        return lks_cl_fail(error, LKS_ERR_NOMEM, "opencl %u: out of memory of the host", i);
    d->index = i;
    if ((st = find_device(d, error)) != LKS_OK)                                 goto fail;
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
