/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of spec/backend.h for the reference: one device, steps in order, one arena per stream.
 */
#include "cpu_ref/backend.h"

#include "spec/arith.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void kernel_function(const lks_kernel_args *args, const lks_operands *t);

static kernel_function *const kernels[LKS_KERNEL_COUNT] = {
    [LKS_KERNEL_CONV] = lks_ref_conv,
    [LKS_KERNEL_DEPTHWISE] = lks_ref_depthwise,
    [LKS_KERNEL_MATMUL] = lks_ref_matmul,
    [LKS_KERNEL_BINARY] = lks_ref_binary,
    [LKS_KERNEL_LUT] = lks_ref_lut,
    [LKS_KERNEL_WINDOW_MAX] = lks_ref_window_max,
    [LKS_KERNEL_WINDOW_SUM] = lks_ref_window_sum,
    [LKS_KERNEL_REDUCE] = lks_ref_reduce,
    [LKS_KERNEL_SOFTMAX] = lks_ref_softmax,
    [LKS_KERNEL_COPY] = lks_ref_copy
};

struct lks_device_handle {
    char unused;                /* the reference has no state of its own */
};

struct lks_program {
    const lks_plan *plan;
};

struct lks_stream {
    const lks_plan *plan;
    int8_t *arena;
};

static lks_status no_memory(lks_error *error, size_t bytes)
{
    error->status = LKS_ERR_NOMEM;
    snprintf(error->text, sizeof error->text, "cpu_ref: out of memory: %zu bytes", bytes);
    return LKS_ERR_NOMEM;
}

static lks_status describe(uint32_t i, lks_device_info *info)
{
    *info = (lks_device_info){ .backend = "cpu_ref", .name = "scalar reference", .driver = "C", .usable = 1 };
    return i == 0 ? LKS_OK : LKS_ERR_NO_DEVICE;
}

static lks_status open_device(uint32_t i, lks_device_handle **device, lks_error *error)
{
    *device = NULL;
    if (i != 0) {
        error->status = LKS_ERR_NO_DEVICE;
        snprintf(error->text, sizeof error->text, "cpu_ref: device %u: there is only device 0", i);
        return LKS_ERR_NO_DEVICE;
    }
    *device = malloc(sizeof **device);
    return *device ? LKS_OK : no_memory(error, sizeof **device);
}

static void close_device(lks_device_handle *device)
{
    free(device);
}

static lks_status build(lks_device_handle *device, const lks_plan *plan, lks_program **program, lks_error *error)
{
    (void)device;
    *program = malloc(sizeof **program);
    if (!*program)
        return no_memory(error, sizeof **program);
    (*program)->plan = plan;
    return LKS_OK;
}

static void destroy(lks_program *program)
{
    free(program);
}

static lks_status stream_open(lks_program *program, lks_stream **stream, lks_error *error)
{
    size_t bytes = program->plan->arena_bytes;
    lks_stream *s = malloc(sizeof *s);

    *stream = NULL;
    if (!s)
        return no_memory(error, sizeof *s);
    s->plan = program->plan;
    s->arena = malloc(bytes);
    if (!s->arena) {
        free(s);
        return no_memory(error, bytes);
    }
    *stream = s;
    return LKS_OK;
}

static void stream_close(lks_stream *stream)
{
    free(stream->arena);
    free(stream);
}

static int8_t *place_of(const lks_stream *s, int32_t tensor)
{
    return s->arena + s->plan->tensors[tensor].offset;
}

static lks_status write_tensor(lks_stream *stream, uint32_t tensor, const void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(place_of(stream, (int32_t)tensor), data, bytes);
    return LKS_OK;
}

static lks_status read_tensor(lks_stream *stream, uint32_t tensor, void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(data, place_of(stream, (int32_t)tensor), bytes);
    return LKS_OK;
}

static lks_status run(lks_stream *stream, uint32_t n, lks_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < stream->plan->step_count; i++) {
        const lks_step *step = &stream->plan->steps[i];
        const lks_operands t = {
            .n = (int32_t)n,
            .x = step->x >= 0 ? place_of(stream, step->x) : step->x_data,
            .x2 = step->x2 >= 0 ? place_of(stream, step->x2) : step->x2_data,
            .w = step->w, .bias = step->bias, .rq = step->rq, .table = step->table, .exp_table = step->exp_table,
            .y = place_of(stream, step->y)
        };

        kernels[step->kernel](&step->args, &t);
    }
    return LKS_OK;
}

const lks_backend lks_ref_backend = {
    .name = "cpu_ref",
    .describe = describe, .open = open_device, .close = close_device,
    .build = build, .destroy = destroy,
    .stream_open = stream_open, .stream_close = stream_close,
    .write = write_tensor, .run = run, .read = read_tensor
};
