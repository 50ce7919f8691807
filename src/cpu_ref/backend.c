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
    [LKS_KERNEL_BATCH_MATMUL] = lks_ref_batch_matmul,
    [LKS_KERNEL_BINARY] = lks_ref_binary,
    [LKS_KERNEL_LUT] = lks_ref_lut,
    [LKS_KERNEL_REQUANT] = lks_ref_requant,
    [LKS_KERNEL_WINDOW_MAX] = lks_ref_window_max,
    [LKS_KERNEL_WINDOW_SUM] = lks_ref_window_sum,
    [LKS_KERNEL_REDUCE] = lks_ref_reduce,
    [LKS_KERNEL_SOFTMAX] = lks_ref_softmax,
    [LKS_KERNEL_COPY] = lks_ref_copy,
    [LKS_KERNEL_GATHER] = lks_ref_gather,
    [LKS_KERNEL_BILINEAR] = lks_ref_bilinear,
    [LKS_KERNEL_ARG_MAX] = lks_ref_arg_max,
    [LKS_KERNEL_LSTM] = lks_ref_lstm,
    [LKS_KERNEL_SVDF] = lks_ref_svdf
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

static lks_status open_device(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error)
{
    *device = NULL;
    if (options->threads > 1) {
        error->status = LKS_ERR_ARGUMENT;
        snprintf(error->text, sizeof error->text, "cpu_ref: %u threads: the reference has one", options->threads);
        return LKS_ERR_ARGUMENT;
    }
    if (options->isa) {
        error->status = LKS_ERR_ARGUMENT;
        snprintf(error->text, sizeof error->text, "cpu_ref: instruction set \"%.40s\": the reference has none", options->isa);
        return LKS_ERR_ARGUMENT;
    }
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

static const char *variant(lks_device_handle *device, lks_kernel kernel, uint32_t i)
{
    (void)device;
    (void)kernel;
    return i == 0 ? "scalar" : NULL;
}

static lks_status build(lks_device_handle *device, const lks_plan *plan, const char *name, lks_program **program,
                        lks_error *error)
{
    (void)device;
    (void)name;
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

void lks_ref_step(const lks_plan *plan, const lks_step *step, int8_t *arena, uint32_t n)
{
    const lks_plan_tensor *place = plan->tensors;
    const lks_operands t = {
        .n = (int32_t)n,
        .x = step->x >= 0 ? arena + place[step->x].offset : step->x_data,
        .x2 = step->x2 >= 0 ? arena + place[step->x2].offset : step->x2_data,
        .w = step->w, .bias = step->bias, .rq = step->rq, .table = step->table, .exp_table = step->exp_table,
        .rows = step->rows, .columns = step->columns,
        .w_time = step->w_time, .state = step->state >= 0 ? (int16_t *)(void *)(arena + place[step->state].offset) : NULL,
        .y = arena + place[step->y].offset
    };

    kernels[step->kernel](&step->args, &t);
}

static lks_status run(lks_stream *stream, uint32_t n, lks_error *error)
{
    (void)error;
    for (uint32_t i = 0; i < stream->plan->step_count; i++)
        lks_ref_step(stream->plan, &stream->plan->steps[i], stream->arena, n);
    return LKS_OK;
}

static lks_status wait_for(lks_stream *stream, lks_error *error)
{
    (void)stream;
    (void)error;
    return LKS_OK;
}

const lks_backend lks_ref_backend = {
    .name = "cpu_ref",
    .describe = describe, .open = open_device, .close = close_device,
    .variant = variant, .build = build, .destroy = destroy,
    .stream_open = stream_open, .stream_close = stream_close,
    .write = write_bytes, .run = run, .wait = wait_for, .read = read_bytes
};
