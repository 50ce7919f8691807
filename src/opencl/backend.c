/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of spec/backend.h for OpenCL: a program is its constants on the device and a list of kernel calls; a stream is an
 * arena, an in-order queue, and kernels with their arguments set.
 */
#include "opencl/backend.h"

#include "opencl/program.h"
#include "opencl/selftest.h"
#include "opencl/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lks_program {
    lks_device_handle *device;
    const lks_plan *plan;
    cl_mem constants;
    lks_cl_step *steps;
};

struct lks_stream {
    const lks_program *program;
    cl_command_queue queue;
    cl_mem arena;
    cl_kernel *kernels;         /* one per step: their arguments are part of them */
};

/* ---- building ------------------------------------------------------------------------------------------------------------ */

static lks_status fail_buffer(const lks_device_handle *d, const char *what, uint64_t bytes, cl_int code, lks_error *error)
{
    char doing[64];

    snprintf(doing, sizeof doing, "%llu bytes for %s", (unsigned long long)bytes, what);
    return lks_cl_fail_call(d, doing, code, error);
}

/* Refused with the numbers, before anything is allocated. */
static lks_status check_size(const lks_device_handle *d, const lks_plan *plan, uint64_t constants, lks_error *error)
{
    const uint64_t arena = plan->arena_bytes, most = arena > constants ? arena : constants;
    const uint64_t one = d->limits.alloc_bytes, all = d->limits.global_bytes;

    if (most > one || most > SIZE_MAX)
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: %llu bytes are needed for %s at batch %u, and one buffer of "
                           "the device can have %llu%s", d->index, (unsigned long long)most,
                           most == arena ? "activations" : "weights", plan->max_batch, (unsigned long long)one,
                           most == arena ? ": make the batch smaller" : "");
    if (arena > all || constants > all - arena)
        return lks_cl_fail(error, LKS_ERR_UNSUPPORTED, "opencl %u: %llu bytes are needed for weights and %llu for activations at "
                           "batch %u, and the device has %llu: make the batch smaller", d->index, (unsigned long long)constants,
                           (unsigned long long)arena, plan->max_batch, (unsigned long long)all);
    return LKS_OK;
}

/* A buffer is never empty. */
static void make_steps(lks_program *p, const char *variant, lks_cl_constants *constants)
{
    constants->size = LKS_ARENA_ALIGN;
    for (uint32_t i = 0; i < p->plan->step_count; i++)
        lks_cl_make_step(p->device, p->plan, &p->plan->steps[i], variant, constants, &p->steps[i]);
}

/* Every program that a step needs, compiled. */
static lks_status compile_all(const lks_program *p, lks_error *error)
{
    lks_status st = LKS_OK;
    cl_program program;

    for (uint32_t i = 0; st == LKS_OK && i < p->plan->step_count; i++)
        st = lks_cl_program(p->device, p->steps[i].which, &program, error);
    return st;
}

/* What was only counted before, written and brought to the device. */
static lks_status upload(lks_program *p, const char *variant, uint64_t size, lks_error *error)
{
    lks_device_handle *d = p->device;
    lks_cl_constants constants = { calloc((size_t)size, 1), 0 };
    cl_int code;

    if (!constants.bytes)
        return lks_cl_fail_memory(d, size, error);
    make_steps(p, variant, &constants);
    p->constants = d->cl.clCreateBuffer(d->context, CL_MEM_READ_ONLY | CL_MEM_COPY_HOST_PTR, (size_t)size, constants.bytes,
                                        &code);
    free(constants.bytes);
    return p->constants ? LKS_OK : fail_buffer(d, "weights", size, code, error);
}

static void destroy(lks_program *p)
{
    if (!p)
        return;
    if (p->constants)
        p->device->cl.clReleaseMemObject(p->constants);
    free(p->steps);
    free(p);
}

/* Sizes first, then the bytes. */
static lks_status build(lks_device_handle *d, const lks_plan *plan, const char *variant, lks_program **program, lks_error *error)
{
    lks_cl_constants constants = { NULL, 0 };
    lks_program *p = calloc(1, sizeof *p);
    lks_status st;

    *program = NULL;
    if (p)
        p->steps = calloc(plan->step_count ? plan->step_count : 1, sizeof *p->steps);
    if (!p || !p->steps) {
        st = lks_cl_fail_memory(d, plan->step_count * sizeof *p->steps, error);
        goto fail;
    }
    p->device = d;
    p->plan = plan;
    if ((st = lks_cl_check_alive(d, error)) != LKS_OK)                  goto fail;
    make_steps(p, variant, &constants);
    if ((st = check_size(d, plan, constants.size, error)) != LKS_OK)    goto fail;
    if ((st = compile_all(p, error)) != LKS_OK)                         goto fail;
    if ((st = upload(p, variant, constants.size, error)) != LKS_OK)     goto fail;
    *program = p;
    return LKS_OK;

fail:
    destroy(p);
    return st;
}

/* ---- streams ------------------------------------------------------------------------------------------------------------- */

static lks_status set_arguments(const lks_stream *s, const lks_cl_step *step, cl_kernel kernel, lks_error *error)
{
    const lks_cl_api *cl = &s->program->device->cl;
    cl_int code = cl->clSetKernelArg(kernel, 0, step->args_bytes, &step->args);

    if (code == CL_SUCCESS)
        code = cl->clSetKernelArg(kernel, 1, sizeof step->places, &step->places);
    if (code == CL_SUCCESS)
        code = cl->clSetKernelArg(kernel, 2, sizeof s->arena, &s->arena);
    if (code == CL_SUCCESS)
        code = cl->clSetKernelArg(kernel, 3, sizeof s->program->constants, &s->program->constants);
    return code == CL_SUCCESS ? LKS_OK : lks_cl_fail_call(s->program->device, "setting the arguments of a kernel", code, error);
}

static lks_status make_kernel(const lks_stream *s, const lks_cl_step *step, cl_kernel *kernel, lks_error *error)
{
    lks_device_handle *d = s->program->device;
    cl_program program;
    char name[64];
    cl_int code;
    lks_status st = lks_cl_program(d, step->which, &program, error);

    if (st != LKS_OK)
        return st;
    if (step->which == LKS_CL_DIRECT)
        snprintf(name, sizeof name, "%s_kernel", step->kernel);
    else
        snprintf(name, sizeof name, "%s_%s_kernel", step->kernel, lks_cl_program_name(step->which));
    *kernel = d->cl.clCreateKernel(program, name, &code);
    return *kernel ? set_arguments(s, step, *kernel, error) : lks_cl_fail_call(d, name, code, error);
}

static lks_status make_kernels(lks_stream *s, lks_error *error)
{
    lks_status st = LKS_OK;

    for (uint32_t i = 0; st == LKS_OK && i < s->program->plan->step_count; i++)
        st = make_kernel(s, &s->program->steps[i], &s->kernels[i], error);
    return st;
}

static void stream_close(lks_stream *s)
{
    const lks_cl_api *cl = &s->program->device->cl;

    if (s->queue)
        cl->clFinish(s->queue);
    for (uint32_t i = 0; s->kernels && i < s->program->plan->step_count; i++)
        if (s->kernels[i])
            cl->clReleaseKernel(s->kernels[i]);
    if (s->arena)
        cl->clReleaseMemObject(s->arena);
    if (s->queue)
        cl->clReleaseCommandQueue(s->queue);
    free(s->kernels);
    free(s);
}

static lks_status open_queue(lks_stream *s, lks_error *error)
{
    lks_device_handle *d = s->program->device;
    const size_t bytes = s->program->plan->arena_bytes;
    cl_int code;

    s->queue = d->cl.clCreateCommandQueue(d->context, d->id, 0, &code);
    if (!s->queue)
        return lks_cl_fail_call(d, "opening a queue", code, error);
    s->arena = d->cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
    return s->arena ? LKS_OK : fail_buffer(d, "activations", bytes, code, error);
}

static lks_status stream_open(lks_program *p, lks_stream **stream, lks_error *error)
{
    const size_t kernels = p->plan->step_count ? p->plan->step_count : 1;
    lks_stream *s = calloc(1, sizeof *s);
    lks_status st;

    *stream = NULL;
    if (!s)
        return lks_cl_fail_memory(p->device, sizeof *s, error);
    s->program = p;
    s->kernels = calloc(kernels, sizeof *s->kernels);
    st = s->kernels ? lks_cl_check_alive(p->device, error) : lks_cl_fail_memory(p->device, kernels * sizeof *s->kernels, error);
    if (st == LKS_OK)
        st = open_queue(s, error);
    if (st == LKS_OK)
        st = make_kernels(s, error);
    if (st == LKS_OK)
        *stream = s;
    else
        stream_close(s);
    return st;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

static lks_status write_bytes(lks_stream *s, size_t offset, const void *data, size_t bytes, lks_error *error)
{
    lks_device_handle *d = s->program->device;
    lks_status st = lks_cl_check_alive(d, error);
    cl_int code;

    if (st != LKS_OK)
        return st;
    code = d->cl.clEnqueueWriteBuffer(s->queue, s->arena, CL_TRUE, offset, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS ? LKS_OK : lks_cl_fail_run(d, "bringing inputs to the device", code, error);
}

static lks_status read_bytes(lks_stream *s, size_t offset, void *data, size_t bytes, lks_error *error)
{
    lks_device_handle *d = s->program->device;
    lks_status st = lks_cl_check_alive(d, error);
    cl_int code;

    if (st != LKS_OK)
        return st;
    code = d->cl.clEnqueueReadBuffer(s->queue, s->arena, CL_TRUE, offset, bytes, data, 0, NULL, NULL);
    return code == CL_SUCCESS ? LKS_OK : lks_cl_fail_run(d, "waiting for a run, and reading", code, error);
}

/* The only arguments that depend on the run are n and count. */
static cl_int launch(const lks_stream *s, const lks_cl_step *step, cl_kernel kernel, uint32_t n)
{
    const lks_cl_api *cl = &s->program->device->cl;
    const uint64_t count = step->per_image * n;
    size_t local[3] = { step->local, 1, 1 }, global[3];
    lks_places places = step->places;
    cl_int code;

    places.n = n;
    places.count = (uint32_t)count;         /* no more than y has elements: below 2^31, at every batch (spec 7) */
    code = cl->clSetKernelArg(kernel, 1, sizeof places, &places);
    for (uint32_t axis = 0; axis < 3; axis++) {
        size_t groups = axis == step->axis ? (size_t)((count + step->per_group - 1) / step->per_group) : step->groups[axis];

        global[axis] = groups * local[axis];
    }
    return code != CL_SUCCESS ? code : cl->clEnqueueNDRangeKernel(s->queue, kernel, 3, NULL, global, local, 0, NULL, NULL);
}

static lks_status run(lks_stream *s, uint32_t n, lks_error *error)
{
    const lks_program *p = s->program;
    lks_status st = lks_cl_check_alive(p->device, error);

    for (uint32_t i = 0; st == LKS_OK && i < p->plan->step_count; i++) {
        cl_int code = launch(s, &p->steps[i], s->kernels[i], n);
        char doing[64];

        snprintf(doing, sizeof doing, "running op %u (%s)", p->plan->steps[i].op, p->steps[i].kernel);
        if (code != CL_SUCCESS)
            st = lks_cl_fail_run(p->device, doing, code, error);
    }
    return st;
}

static lks_status wait_for(lks_stream *s, lks_error *error)
{
    lks_device_handle *d = s->program->device;
    lks_status st = lks_cl_check_alive(d, error);
    cl_int code;

    if (st != LKS_OK)
        return st;
    code = d->cl.clFinish(s->queue);
    return code == CL_SUCCESS ? LKS_OK : lks_cl_fail_run(d, "waiting for a run", code, error);
}

static const char *variant(lks_device_handle *device, lks_kernel kernel, uint32_t i)
{
    (void)device;
    return lks_cl_variant(kernel, i);
}

const lks_backend lks_opencl_backend = {
    .name = "opencl",
    .fusions = LKS_FUSE_PAD | LKS_FUSE_ADD | LKS_FUSE_TABLE | LKS_FUSE_ALIAS,
    .describe = lks_cl_describe, .open = lks_cl_open, .close = lks_cl_close,
    .variant = variant, .build = build, .destroy = destroy,
    .stream_open = stream_open, .stream_close = stream_close,
    .write = write_bytes, .run = run, .wait = wait_for, .read = read_bytes,
    .exercise = lks_cl_exercise
};
