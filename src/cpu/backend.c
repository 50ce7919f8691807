/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract of spec/backend.h: one device, whose variants are instruction sets; a program is packed constants; a stream is an
 * arena and scratch for each thread.
 */
#include "cpu/backend.h"

#include "cpu/family.h"
#include "cpu/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the constants of the next step, what is brought nearer during the present one. */
#define AHEAD_BYTES (128 * 1024)

/* Work that is worth handing to another thread.  Tests set it to 1. */
#ifndef LKS_CPU_SHARE_NS
#define LKS_CPU_SHARE_NS 1000
#endif

static const lks_cpu_family *const families[LKS_KERNEL_COUNT] = {
    [LKS_KERNEL_CONV] = &lks_cpu_conv,
    [LKS_KERNEL_DEPTHWISE] = &lks_cpu_depthwise,
    [LKS_KERNEL_MATMUL] = &lks_cpu_matmul,
    [LKS_KERNEL_BATCH_MATMUL] = &lks_cpu_batch_matmul,
    [LKS_KERNEL_BINARY] = &lks_cpu_binary,
    [LKS_KERNEL_LUT] = &lks_cpu_lut,
    [LKS_KERNEL_REQUANT] = &lks_cpu_requant,
    [LKS_KERNEL_WINDOW_MAX] = &lks_cpu_window_max,
    [LKS_KERNEL_WINDOW_SUM] = &lks_cpu_window_sum,
    [LKS_KERNEL_REDUCE] = &lks_cpu_reduce,
    [LKS_KERNEL_SOFTMAX] = &lks_cpu_softmax,
    [LKS_KERNEL_COPY] = &lks_cpu_copy,
    [LKS_KERNEL_GATHER] = &lks_cpu_gather,
    [LKS_KERNEL_BILINEAR] = &lks_cpu_bilinear,
    [LKS_KERNEL_ARG_MAX] = &lks_cpu_arg_max,
    [LKS_KERNEL_LSTM] = &lks_cpu_lstm,
    [LKS_KERNEL_SVDF] = &lks_cpu_svdf
};

struct lks_device_handle {
    const lks_cpu_isa *isa;
    int forced;                     /* it is the only variant */
    uint32_t threads;
    lks_cpu_pool *pool;             /* NULL: one thread */
};

/* A block of memory and its first aligned byte. */
typedef struct block {
    void *memory;
    int8_t *bytes;
} block;

typedef struct program_step {
    const int8_t *packed, *x_data, *x2_data;
    size_t packed_bytes;
    const lks_cpu_pair *fused;
} program_step;

struct lks_program {
    const lks_device_handle *device;
    const lks_plan *plan;
    const lks_cpu_isa *isa;
    size_t scratch_bytes;           /* of one thread; a multiple of LKS_ARENA_ALIGN */
    block constants;
    program_step *steps;
};

struct lks_stream {
    const lks_program *program;
    block arena, scratch;
};

static lks_status fail(lks_error *error, lks_status status, const char *text)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "cpu: %s", text);
    return status;
}

static lks_status no_memory(lks_error *error, size_t bytes)
{
    char text[64];

    snprintf(text, sizeof text, "out of memory: %zu bytes", bytes);
    return fail(error, LKS_ERR_NOMEM, text);
}

static lks_status block_make(block *b, size_t bytes, lks_error *error)
{
    const size_t all = bytes + LKS_ARENA_ALIGN + LKS_CPU_SLACK;

    b->memory = all > bytes ? malloc(all) : NULL;
    if (!b->memory)
        return no_memory(error, bytes);
    b->bytes = (int8_t *)b->memory + (LKS_ARENA_ALIGN - (uintptr_t)b->memory % LKS_ARENA_ALIGN) % LKS_ARENA_ALIGN;
    return LKS_OK;
}

/* ---- device -------------------------------------------------------------------------------------------------------------- */

static lks_status describe(uint32_t i, lks_device_info *info)
{
    *info = (lks_device_info){ .backend = "cpu", .usable = 1 };
    lks_cpu_describe_processor(info->name, sizeof info->name, info->driver, sizeof info->driver);
    return i == 0 ? LKS_OK : LKS_ERR_NO_DEVICE;
}

static lks_status no_such_isa(const char *isa, lks_error *error)
{
    char text[300], has[200];

    lks_cpu_list_isas(has, sizeof has);
    snprintf(text, sizeof text, "instruction set \"%.40s\": %s", isa, has);
    return fail(error, LKS_ERR_ARGUMENT, text);
}

static void close_device(lks_device_handle *device)
{
    lks_cpu_pool_close(device->pool);
    free(device);
}

static lks_status open_device(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error)
{
    const uint32_t threads = options->threads ? options->threads : lks_cpu_processors();
    lks_device_handle *d;

    *device = NULL;
    if (i != 0)
        return fail(error, LKS_ERR_NO_DEVICE, "there is only device 0");
    if (threads > LKS_CPU_MAX_THREADS)
        return fail(error, LKS_ERR_ARGUMENT, "more than 1024 threads");
    if (!lks_cpu_choose_isa(options->isa))
        return no_such_isa(options->isa, error);
    d = calloc(1, sizeof *d);
    if (!d)
        return no_memory(error, sizeof *d);
    d->isa = lks_cpu_choose_isa(options->isa);
    d->forced = options->isa != NULL;
    d->threads = threads;
    if (threads > 1)
        d->pool = lks_cpu_pool_open(threads);
    if (threads > 1 && !d->pool) {
        close_device(d);
        return fail(error, LKS_ERR_NOMEM, "no memory for the threads, or the system starts no more of them");
    }
    *device = d;
    return LKS_OK;
}

static const char *variant(lks_device_handle *device, lks_kernel kernel, uint32_t i)
{
    (void)kernel;
    if (device->forced)
        return i == 0 ? device->isa->name : NULL;
    for (int k = 0; lks_cpu_isas[k]; k++)
        if (lks_cpu_has(lks_cpu_isas[k]) && i-- == 0)
            return lks_cpu_isas[k]->name;
    return NULL;
}

/* ---- program ------------------------------------------------------------------------------------------------------------- */

/* Constants are copied, so that there is LKS_CPU_SLACK behind them. */
static size_t constant_bytes(size_t bytes)
{
    return bytes ? lks_cpu_align(bytes + LKS_CPU_SLACK) : 0;
}

static size_t packed_bytes(const lks_step *s, const lks_cpu_isa *isa)
{
    const lks_cpu_family *f = families[s->kernel];

    return f->packed_bytes ? constant_bytes(f->packed_bytes(s, isa)) : 0;
}

/* What was fused behind a linear kernel; NULL: nothing, or another kernel. */
static const lks_fused *fused_of(const lks_step *s)
{
    if (s->kernel == LKS_KERNEL_CONV || s->kernel == LKS_KERNEL_DEPTHWISE)
        return &s->args.conv.fused;
    return s->kernel == LKS_KERNEL_MATMUL ? &s->args.matmul.fused : NULL;
}

static size_t fused_bytes(const lks_step *s)
{
    return fused_of(s) && fused_of(s)->adds ? lks_cpu_align(sizeof(lks_cpu_pair)) : 0;
}

static void pack_fused(const lks_step *s, program_step *to, int8_t *at)
{
    lks_pair pair = { .kind = LKS_BINARY_ADD };
    lks_cpu_pair *fused = (lks_cpu_pair *)(void *)at;       /* a multiple of LKS_ARENA_ALIGN */

    pair.add = fused_of(s)->add;
    *fused = lks_cpu_pair_of(&pair);
    to->fused = fused;
}

static const int8_t *keep(int8_t **at, const int8_t *data, size_t bytes)
{
    const int8_t *kept = *at;

    if (!bytes)
        return NULL;
    memcpy(*at, data, bytes);
    memset(*at + bytes, 0, constant_bytes(bytes) - bytes);
    *at += constant_bytes(bytes);
    return kept;
}

static void pack(lks_program *p)
{
    int8_t *at = p->constants.bytes;

    for (uint32_t i = 0; i < p->plan->step_count; i++) {
        const lks_step *s = &p->plan->steps[i];
        const size_t bytes = packed_bytes(s, p->isa);
        program_step *to = &p->steps[i];

        to->x_data = keep(&at, s->x_data, s->x_data_bytes);
        to->x2_data = keep(&at, s->x2_data, s->x2_data_bytes);
        to->packed = at;
        to->packed_bytes = bytes;
        if (bytes) {
            memset(at, 0, bytes);
            families[s->kernel]->pack(s, p->isa, at);
        }
        at += bytes;
        if (fused_bytes(s))
            pack_fused(s, to, at);
        at += fused_bytes(s);
    }
}

static void destroy(lks_program *p)
{
    free(p->constants.memory);
    free(p->steps);
    free(p);
}

static lks_status build(lks_device_handle *device, const lks_plan *plan, const char *name, lks_program **program,
                        lks_error *error)
{
    lks_program *p = calloc(1, sizeof *p);
    size_t bytes = 0;

    *program = NULL;
    if (!p)
        return no_memory(error, sizeof *p);
    p->device = device;
    p->plan = plan;
    p->isa = name && lks_cpu_choose_isa(name) ? lks_cpu_choose_isa(name) : device->isa;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const lks_step *s = &plan->steps[i];
        const lks_cpu_family *f = families[s->kernel];
        const size_t scratch = f->scratch_bytes ? lks_cpu_align(f->scratch_bytes(s, p->isa) + LKS_CPU_SLACK) : 0;

        bytes += constant_bytes(s->x_data_bytes) + constant_bytes(s->x2_data_bytes) + packed_bytes(s, p->isa);
        bytes += fused_bytes(s);
        p->scratch_bytes = scratch > p->scratch_bytes ? scratch : p->scratch_bytes;
    }
    p->steps = calloc(plan->step_count ? plan->step_count : 1, sizeof *p->steps);
    if (!p->steps || block_make(&p->constants, bytes, error) != LKS_OK) {
        destroy(p);
        return no_memory(error, bytes);
    }
    pack(p);
    *program = p;
    return LKS_OK;
}

/* ---- stream -------------------------------------------------------------------------------------------------------------- */

static void stream_close(lks_stream *stream)
{
    free(stream->arena.memory);
    free(stream->scratch.memory);
    free(stream);
}

static lks_status stream_open(lks_program *program, lks_stream **stream, lks_error *error)
{
    lks_stream *s = calloc(1, sizeof *s);
    lks_status st;

    *stream = NULL;
    if (!s)
        return no_memory(error, sizeof *s);
    s->program = program;
    st = block_make(&s->arena, program->plan->arena_bytes, error);
    if (st == LKS_OK)
        st = block_make(&s->scratch, program->scratch_bytes * program->device->threads, error);
    if (st != LKS_OK) {
        stream_close(s);
        return st;
    }
    /* rows may be read past their end */
    memset(s->arena.bytes, 0, program->plan->arena_bytes + LKS_CPU_SLACK);
    *stream = s;
    return LKS_OK;
}

static lks_status write_bytes(lks_stream *stream, size_t offset, const void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(stream->arena.bytes + offset, data, bytes);
    return LKS_OK;
}

static lks_status read_bytes(lks_stream *stream, size_t offset, void *data, size_t bytes, lks_error *error)
{
    (void)error;
    memcpy(data, stream->arena.bytes + offset, bytes);
    return LKS_OK;
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

static lks_cpu_call call_of(const lks_stream *stream, uint32_t i, uint32_t n)
{
    const lks_program *p = stream->program;
    const lks_step *s = &p->plan->steps[i];
    const lks_plan_tensor *place = p->plan->tensors;
    int8_t *arena = stream->arena.bytes;
    lks_cpu_call c = { .step = s, .args = &s->args, .isa = p->isa, .packed = p->steps[i].packed, .n = (int32_t)n,
                       .fused = p->steps[i].fused };

    c.x = s->x >= 0 ? arena + place[s->x].offset : p->steps[i].x_data;
    c.x2 = s->x2 >= 0 ? arena + place[s->x2].offset : p->steps[i].x2_data;
    c.x_end = c.x + (s->x >= 0 ? place[s->x].image_bytes * n : s->x_data_bytes);
    if (i + 1 < p->plan->step_count && p->steps[i + 1].packed_bytes) {
        c.next = p->steps[i + 1].packed;
        c.next_bytes = (size_t)lks_cpu_min((int64_t)p->steps[i + 1].packed_bytes, AHEAD_BYTES);
    }
    c.y = arena + place[s->y].offset;
    c.state = s->state >= 0 ? (int16_t *)(void *)(arena + place[s->state].offset) : NULL;
    return c;
}

/* A step cut into shares of so many units. */
typedef struct share_job {
    const lks_cpu_call *call;
    const lks_stream *stream;
    int64_t units, units_per_share;
} share_job;

static void run_shares(void *job, uint32_t first, uint32_t end, uint32_t thread)
{
    const share_job *j = job;

    families[j->call->step->kernel]->run(j->call, j->units_per_share * first, lks_cpu_min(j->units_per_share * end, j->units),
                                         j->stream->scratch.bytes + thread * j->stream->program->scratch_bytes);
}

static void run_step(const lks_stream *stream, const lks_cpu_call *c, lks_cpu_pool *pool)
{
    const lks_cpu_family *f = families[c->step->kernel];
    share_job j = { .call = c, .stream = stream, .units = f->units(c) };
    const int64_t work = f->unit_work(c);

    j.units_per_share = pool ? lks_cpu_max(LKS_CPU_SHARE_NS / work, 1) : j.units;
    j.units_per_share = lks_cpu_max(j.units_per_share, j.units / 65536 + 1);
    if (j.units <= j.units_per_share) {
        if (j.units > 0)
            f->run(c, 0, j.units, stream->scratch.bytes);
        return;
    }
    lks_cpu_pool_run(pool, run_shares, &j, (uint32_t)((j.units + j.units_per_share - 1) / j.units_per_share));
}

/* Who finds the pool at work for another stream works alone. */
static lks_status run(lks_stream *stream, uint32_t n, lks_error *error)
{
    lks_cpu_pool *pool = stream->program->device->pool;

    (void)error;
    if (pool && !lks_cpu_pool_take(pool))
        pool = NULL;
    for (uint32_t i = 0; i < stream->program->plan->step_count; i++) {
        const lks_cpu_call c = call_of(stream, i, n);

        run_step(stream, &c, pool);
    }
    if (pool)
        lks_cpu_pool_leave(pool);
    return LKS_OK;
}

static lks_status wait_for(lks_stream *stream, lks_error *error)
{
    (void)stream;
    (void)error;
    return LKS_OK;
}

const lks_backend lks_cpu_backend = {
    .name = "cpu", .fusions = LKS_FUSE_PAD | LKS_FUSE_ADD | LKS_FUSE_TABLE | LKS_FUSE_ALIAS | LKS_FUSE_PLACE,
    .describe = describe, .open = open_device, .close = close_device,
    .variant = variant, .build = build, .destroy = destroy,
    .stream_open = stream_open, .stream_close = stream_close,
    .write = write_bytes, .run = run, .wait = wait_for, .read = read_bytes
};
