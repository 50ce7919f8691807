/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of spec/backend.h for every fault, and the table that takes the place of host/backends.c.
 */
#include "faulty/faulty.h"

#include "cpu_ref/backend.h"
#include "cuda/backend.h"
#include "host/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lks_device_handle {
    const fault *fault;
    const char *name;           /* of the backend */
    uint32_t index;
};

struct lks_program {
    lks_device_handle device;
    const lks_plan *plan;
    lks_step *steps;            /* as the fault prepared them */
    int wrong;                  /* the steps of the fault are used */
};

struct lks_stream {
    const lks_program *program;
    int8_t *arena;
    uint64_t runs;
};

static lks_status fail(lks_error *error, lks_status status, const char *backend, const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s: %s", backend, text);
    return status;
}

/* ---- devices ------------------------------------------------------------------------------------------------------------- */

static uint32_t devices_of(const fault *f)
{
    return f->devices ? f->devices : 1;
}

static lks_status describe(const fault *f, const char *name, uint32_t i, lks_device_info *info)
{
    *info = (lks_device_info){ .usable = 1 };
    snprintf(info->backend, sizeof info->backend, "%s", name);
    snprintf(info->driver, sizeof info->driver, "%s on purpose", f->right ? "right" : "wrong");
    snprintf(info->name, sizeof info->name, "%s", f->what);
    return i < devices_of(f) ? LKS_OK : LKS_ERR_NO_DEVICE;
}

static lks_status open_device(const fault *f, const char *name, uint32_t i, lks_device_handle **device, lks_error *error)
{
    lks_status st = f->open ? f->open(i, error) : LKS_OK;

    *device = NULL;
    if (i >= devices_of(f))
        return fail(error, LKS_ERR_NO_DEVICE, name, "no such device");
    if (st != LKS_OK)
        return st;
    *device = malloc(sizeof **device);
    if (!*device)
        return fail(error, LKS_ERR_NOMEM, name, "out of memory");
    **device = (lks_device_handle){ f, name, i };
    return LKS_OK;
}

static void close_device(lks_device_handle *device)
{
    free(device);
}

static const char *variant(lks_device_handle *device, lks_kernel kernel, uint32_t i)
{
    (void)kernel;
    return i == 0 ? "faulty" : i == 1 ? device->fault->wrong_variant : NULL;
}

/* ---- programs ------------------------------------------------------------------------------------------------------------ */

static void destroy(lks_program *p)
{
    free(p->steps);
    free(p);
}

static lks_status build(lks_device_handle *device, const lks_plan *plan, const char *name, lks_program **program,
                        lks_error *error)
{
    const fault *f = device->fault;
    lks_program *p = calloc(1, sizeof *p);

    *program = NULL;
    if (p)
        p->steps = malloc(plan->step_count * sizeof *p->steps);
    if (!p || !p->steps) {
        free(p);
        return fail(error, LKS_ERR_NOMEM, device->name, "out of memory");
    }
    p->device = *device;
    p->plan = plan;
    p->wrong = f->step && (!f->wrong_variant || (name && strcmp(name, f->wrong_variant) == 0));
    memcpy(p->steps, plan->steps, plan->step_count * sizeof *p->steps);
    for (uint32_t i = 0; f->prepare && i < plan->step_count; i++)
        f->prepare(&p->steps[i]);
    *program = p;
    return LKS_OK;
}

/* ---- streams ------------------------------------------------------------------------------------------------------------- */

static lks_status stream_open(lks_program *program, lks_stream **stream, lks_error *error)
{
    lks_stream *s = malloc(sizeof *s);

    *stream = NULL;
    if (s)
        *s = (lks_stream){ program, calloc(program->plan->arena_bytes + 1, 1), 0 };    /* + 1: for faulty-overrun */
    if (!s || !s->arena) {
        free(s);
        return fail(error, LKS_ERR_NOMEM, program->device.name, "out of memory");
    }
    *stream = s;
    return LKS_OK;
}

static void stream_close(lks_stream *stream)
{
    free(stream->arena);
    free(stream);
}

static lks_status write_bytes(lks_stream *stream, size_t offset, const void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(stream->arena + offset, data, bytes);
    return LKS_OK;
}

static lks_status read_bytes(lks_stream *stream, size_t offset, void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(data, stream->arena + offset, bytes);
    return LKS_OK;
}

static lks_status wait_for(lks_stream *stream, lks_error *error)
{
    (void)stream;
    (void)error;
    return LKS_OK;
}

static lks_status run(lks_stream *s, uint32_t n, lks_error *error)
{
    const lks_program *p = s->program;
    const fault *f = p->device.fault;
    lks_status st = LKS_OK;

    s->runs++;
    if (f->run)
        st = f->run(p->device.index, s->runs, error);
    for (uint32_t i = 0; st == LKS_OK && i < p->plan->step_count; i++) {
        const faulty_call c = { p->plan, &p->steps[i], s->arena, n, s->runs, p->device.index, i + 1 == p->plan->step_count };

        if (p->wrong)
            f->step(&c);
        else
            lks_ref_step(p->plan, &p->steps[i], s->arena, n);
    }
    return st;
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

#define EVERY_FUSION (LKS_FUSE_PAD | LKS_FUSE_ADD | LKS_FUSE_TABLE | LKS_FUSE_ALIAS | LKS_FUSE_PLACE)

/* The fault, the name of its backend, and what that backend fuses. */
#define FAULTY(DO, fault_name, fuses) DO(fault_name, "faulty-" #fault_name, fuses)
#define FOR_EACH_FAULT(DO)                                                                                                       \
    FAULTY(DO, flip, 0) FAULTY(DO, tile, 0) FAULTY(DO, table, 0) FAULTY(DO, variant, 0) FAULTY(DO, saturate, 0)                  \
    FAULTY(DO, fp32, 0) FAULTY(DO, ties, 0) FAULTY(DO, round, 0) FAULTY(DO, average, 0) FAULTY(DO, softmax, 0)                   \
    FAULTY(DO, stale, 0) FAULTY(DO, pad, 0) FAULTY(DO, border, 0) FAULTY(DO, batch, 0) FAULTY(DO, skip, 0)                       \
    FAULTY(DO, overrun, 0) FAULTY(DO, flaky, 0) FAULTY(DO, refuse, 0) FAULTY(DO, lost, 0) FAULTY(DO, order, EVERY_FUSION)        \
    DO(fused, "fused", EVERY_FUSION)

#define DEFINE_BACKEND(fault_name, backend_name, fuses)                                                                          \
    static lks_status describe_##fault_name(uint32_t i, lks_device_info *info)                                                   \
    {                                                                                                                            \
        return describe(&faulty_##fault_name, backend_name, i, info);                                                            \
    }                                                                                                                            \
    static lks_status open_##fault_name(uint32_t i, const lks_context_options *options, lks_device_handle **device,              \
                                        lks_error *error)                                                                        \
    {                                                                                                                            \
        (void)options;                                                                                                           \
        return open_device(&faulty_##fault_name, backend_name, i, device, error);                                                \
    }                                                                                                                            \
    static const lks_backend backend_##fault_name = {                                                                            \
        .name = backend_name, .fusions = fuses, .describe = describe_##fault_name, .open = open_##fault_name,                    \
        .close = close_device, .variant = variant, .build = build, .destroy = destroy, .stream_open = stream_open,               \
        .stream_close = stream_close, .write = write_bytes, .run = run, .wait = wait_for, .read = read_bytes                     \
    };

FOR_EACH_FAULT(DEFINE_BACKEND)

#define REFER(fault_name, backend_name, fuses) &backend_##fault_name,

/* At the end the CUDA backend on the shim, which is right. */
const lks_backend *const lks_backends[] = { &lks_ref_backend, FOR_EACH_FAULT(REFER) &lks_cuda_backend, NULL };
