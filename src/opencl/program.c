/* SPDX-License-Identifier: Apache-2.0
 *
 * Which programs a device can have, and having each of them once: from the cache or from its sources, and tested.
 */
#include "opencl/program.h"

#include "opencl/selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNELS_MAX 32

static const char *const names[LKS_CL_PROGRAMS] = {
    [LKS_CL_DIRECT] = "direct", [LKS_CL_WIDE] = "wide",
    [LKS_CL_TILE(LKS_CL_KHR, 0)] = "khr_128x128", [LKS_CL_TILE(LKS_CL_KHR, 1)] = "khr_64x64",
    [LKS_CL_TILE(LKS_CL_PTX, 0)] = "ptx_128x128", [LKS_CL_TILE(LKS_CL_PTX, 1)] = "ptx_64x64",
    [LKS_CL_TILE(LKS_CL_SDOT, 0)] = "sdot_128x128", [LKS_CL_TILE(LKS_CL_SDOT, 1)] = "sdot_64x64",
    [LKS_CL_TILE(LKS_CL_SUDOT, 0)] = "sudot_128x128", [LKS_CL_TILE(LKS_CL_SUDOT, 1)] = "sudot_64x64",
    [LKS_CL_TILE(LKS_CL_PORTABLE, 0)] = "portable_128x128", [LKS_CL_TILE(LKS_CL_PORTABLE, 1)] = "portable_64x64"
};

const char *lks_cl_program_name(uint32_t which)
{
    return names[which];
}

static int is_tile(uint32_t which)
{
    return which >= LKS_CL_TILES;
}

/* Of a tile: its 8 x 8 accumulators each (opencl/tile.cl). */
size_t lks_cl_program_items(uint32_t which)
{
    if (!is_tile(which))
        return LKS_CL_LANES;
    return which & 1 ? 64 * 64 / 64 : 128 * 128 / 64;
}

/*
 * What its kernels declare: a sum of each lane (reduce.cl, softmax.cl), or a tile of each operand (tile.cl) and four sums of each
 * operand for each work-item (batch_matmul.cl).
 */
static size_t local_bytes(uint32_t which)
{
    const size_t side = which & 1 ? 64 : 128, words = which & 1 ? 4 : 8;

    return is_tile(which) ? 4 * words * (side + 4 + side) + 2 * 16 * lks_cl_program_items(which) : 4 * LKS_CL_LANES;
}

/* ---- what a device can have ---------------------------------------------------------------------------------------------- */

static int mentions(const lks_device_handle *d, cl_device_info what, const char *word)
{
    char *text = lks_cl_device_text(&d->cl, d->id, what);
    const int found = text && strstr(text, word);

    free(text);
    return found;
}

/*
 * Forms of the dot product that the device does not even claim are not tried: a compiler that must fail may write to stderr.  A
 * claim alone is worth nothing (opencl/dot.cl).
 */
static int is_claimed(const lks_device_handle *d, uint32_t which)
{
    if (!is_tile(which))
        return 1;
    switch ((lks_cl_dot)((which - LKS_CL_TILES) >> 1)) {
    case LKS_CL_KHR:   return mentions(d, CL_DEVICE_EXTENSIONS, "cl_khr_integer_dot_product");
    case LKS_CL_PTX:   return !d->limits.is_cpu && mentions(d, CL_DEVICE_VENDOR, "NVIDIA");
    case LKS_CL_SDOT:
    case LKS_CL_SUDOT: return !d->limits.is_cpu && (mentions(d, CL_DEVICE_VENDOR, "AMD")
                                                    || mentions(d, CL_DEVICE_VENDOR, "Advanced Micro Devices"));
    default:           return 1;
    }
}

static lks_status check_limits(const lks_device_handle *d, uint32_t which, lks_error *error)
{
    if (!is_claimed(d, which))
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" are for other devices", d->index,
                           names[which]);
    if (d->limits.group_items < lks_cl_program_items(which))
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" need work-groups of %zu work-items, and "
                           "the device has %zu at most", d->index, names[which], lks_cl_program_items(which),
                           d->limits.group_items);
    if (d->limits.local_bytes < local_bytes(which))
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" need %zu bytes of local memory, and the "
                           "device has %llu", d->index, names[which], local_bytes(which),
                           (unsigned long long)d->limits.local_bytes);
    return LKS_OK;
}

/* Of a kernel that needs many registers, work-groups may have to be smaller than the device says in general. */
static lks_status check_kernels(const lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    cl_kernel kernels[KERNELS_MAX];
    cl_uint count = 0;
    cl_int code = d->cl.clCreateKernelsInProgram(program, KERNELS_MAX, kernels, &count);
    size_t least = lks_cl_program_items(which);

    if (code != CL_SUCCESS)
        return lks_cl_fail_call(d, "listing the kernels of a program", code, error);
    for (cl_uint i = 0; i < count; i++) {
        size_t items = 0;

        if (code == CL_SUCCESS)
            code = d->cl.clGetKernelWorkGroupInfo(kernels[i], d->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof items, &items, NULL);
        least = items < least ? items : least;
        d->cl.clReleaseKernel(kernels[i]);
    }
    if (code != CL_SUCCESS)
        return lks_cl_fail_call(d, "asking for the size of work-groups", code, error);
    return least >= lks_cl_program_items(which) ? LKS_OK
        : lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: the kernels \"%s\" need work-groups of %zu work-items, and one of "
                      "them can have %zu at most", d->index, names[which], lks_cl_program_items(which), least);
}

/* ---- having it once ------------------------------------------------------------------------------------------------------ */

static lks_status test(lks_device_handle *d, uint32_t which, cl_program program, lks_error *error)
{
    lks_status st = check_kernels(d, which, program, error);

    return st == LKS_OK ? lks_cl_test_program(d, which, program, error) : st;
}

/* Tests it, and keeps it only where it passes. */
static lks_status accept(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    lks_status st = test(d, which, *program, error);

    if (st != LKS_OK) {
        d->cl.clReleaseProgram(*program);
        *program = NULL;
    }
    return st;
}

/* What came from the cache and is wrong is compiled again: a driver may have changed beneath its own version number. */
static lks_status make(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    lks_status st = check_limits(d, which, error);

    *program = NULL;
    if (st != LKS_OK)
        return st;
    *program = lks_cl_compile_cached(d, which);
    if (*program && accept(d, which, program, error) == LKS_OK)
        return LKS_OK;
    st = lks_cl_compile(d, which, program, error);
    if (st == LKS_OK)
        st = accept(d, which, program, error);
    if (st == LKS_OK)
        lks_cl_keep(d, which, *program);
    return st;
}

lks_status lks_cl_program(lks_device_handle *d, uint32_t which, cl_program *program, lks_error *error)
{
    lks_cl_compiled *c = &d->programs[which];
    lks_status st;

    pthread_mutex_lock(&d->lock);
    if (!c->tried) {
        c->status = make(d, which, &c->program, error);
        if (c->status != LKS_OK)
            snprintf(c->text, sizeof c->text, "%.*s", (int)sizeof c->text - 1, error->text);
        c->tried = c->status != LKS_ERR_NOMEM;
    }
    *program = c->program;
    st = c->status == LKS_OK ? LKS_OK : lks_cl_fail(error, c->status, "%s", c->text);
    pthread_mutex_unlock(&d->lock);
    return st;
}
