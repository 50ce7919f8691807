/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream: arena and workspace in device memory, pinned staging, and the steps of the program as one graph per batch.
 *
 * The first run of a batch is launched step by step: a driver loads a kernel when it is first launched, which a capture may not
 * allow, and a single run is done before a graph would have been made.  The second run is captured.
 */
#include "cuda/host.h"

#include <stdlib.h>
#include <string.h>

#define HALF_MAX ((size_t)4 << 20)      /* of the staging memory: one half is filled while the other is on its way */
#define GRAPHS_MAX 32                   /* batch sizes whose graphs are kept */

typedef struct batch_graph {
    uint32_t n;                 /* that has run; 0: the place is free */
    cudaGraphExec_t exec;       /* NULL: not captured yet */
} batch_graph;

struct lks_stream {
    const lks_program *program;
    cudaStream_t stream;
    void *arena, *workspace;    /* device memory */
    uint8_t *staging;           /* two halves of half_bytes */
    size_t half_bytes, used;    /* used: of the current half */
    unsigned half;
    cudaEvent_t sent[2];        /* what was copied from that half has arrived */
    batch_graph graph[GRAPHS_MAX];
    unsigned next_graph;        /* to be replaced */
};

static lks_status fail(const lks_stream *s, const char *doing, cudaError_t e, lks_error *error)
{
    return lks_cuda_fail(s->program->device, doing, e, error);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static cudaError_t make_queue(lks_stream *s)
{
    cudaError_t e = cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking);

    for (int i = 0; i < 2 && e == cudaSuccess; i++)
        e = cudaEventCreateWithFlags(&s->sent[i], cudaEventDisableTiming);
    if (e == cudaSuccess)
        e = cudaHostAlloc((void **)&s->staging, 2 * s->half_bytes, cudaHostAllocDefault);
    return e;
}

lks_status lks_cuda_stream_open(lks_program *program, lks_stream **stream, lks_error *error)
{
    const lks_plan *plan = program->plan;
    lks_stream *s = calloc(1, sizeof *s);
    cudaError_t e;
    lks_status st;

    *stream = NULL;
    if (!s)
        return lks_cuda_no_memory(program->device, sizeof *s, error);
    s->program = program;
    s->half_bytes = plan->arena_bytes < HALF_MAX ? plan->arena_bytes : HALF_MAX;
    if ((st = lks_cuda_enter(program->device, error)) != LKS_OK)                                                   goto fail;
    if ((st = lks_cuda_allocate(program->device, &s->arena, plan->arena_bytes, error)) != LKS_OK)                  goto fail;
    if ((st = lks_cuda_allocate(program->device, &s->workspace, program->workspace_bytes, error)) != LKS_OK)       goto fail;
    if ((e = make_queue(s)) != cudaSuccess) {
        st = fail(s, "opening a stream", e, error);
        goto fail;
    }
    *stream = s;
    return LKS_OK;

fail:
    lks_cuda_stream_close(s);
    return st;
}

void lks_cuda_stream_close(lks_stream *s)
{
    lks_error unused;

    lks_cuda_enter(s->program->device, &unused);        /* where the device has failed, what follows only forgets */
    if (s->stream)
        cudaStreamSynchronize(s->stream);
    for (unsigned i = 0; i < GRAPHS_MAX; i++)
        if (s->graph[i].exec)
            cudaGraphExecDestroy(s->graph[i].exec);
    for (int i = 0; i < 2; i++)
        if (s->sent[i])
            cudaEventDestroy(s->sent[i]);
    if (s->stream)
        cudaStreamDestroy(s->stream);
    cudaFreeHost(s->staging);
    cudaFree(s->workspace);
    cudaFree(s->arena);
    cudaGetLastError();
    free(s);
}

/* ---- bytes in and out ---------------------------------------------------------------------------------------------------- */

/* The other half, once what was sent from it has arrived. */
static cudaError_t turn_over(lks_stream *s)
{
    cudaError_t e = cudaEventRecord(s->sent[s->half], s->stream);

    s->half ^= 1;
    s->used = 0;
    return e == cudaSuccess ? cudaEventSynchronize(s->sent[s->half]) : e;
}

lks_status lks_cuda_write(lks_stream *s, size_t offset, const void *data, size_t bytes, lks_error *error)
{
    lks_status st = lks_cuda_enter(s->program->device, error);
    const uint8_t *from = data;
    uint8_t *to = (uint8_t *)s->arena + offset;
    cudaError_t e = cudaSuccess;

    if (st != LKS_OK)
        return st;
    while (bytes > 0 && e == cudaSuccess) {
        size_t room = s->half_bytes - s->used, part = bytes < room ? bytes : room;
        uint8_t *place = s->staging + s->half * s->half_bytes + s->used;

        if (part == 0) {
            e = turn_over(s);
            continue;
        }
        memcpy(place, from, part);
        e = cudaMemcpyAsync(to, place, part, cudaMemcpyHostToDevice, s->stream);
        s->used += part;
        from += part;
        to += part;
        bytes -= part;
    }
    return e == cudaSuccess ? LKS_OK : fail(s, "writing inputs", e, error);
}

/* Everything of the stream is done, so that both halves are free. */
static cudaError_t finish(lks_stream *s)
{
    s->used = 0;
    return cudaStreamSynchronize(s->stream);
}

lks_status lks_cuda_wait(lks_stream *s, lks_error *error)
{
    lks_status st = lks_cuda_enter(s->program->device, error);
    cudaError_t e = st == LKS_OK ? finish(s) : cudaSuccess;

    return e == cudaSuccess ? st : fail(s, "running", e, error);
}

lks_status lks_cuda_read(lks_stream *s, size_t offset, void *data, size_t bytes, lks_error *error)
{
    lks_status st = lks_cuda_enter(s->program->device, error);
    const uint8_t *from = (const uint8_t *)s->arena + offset;
    size_t most = 2 * s->half_bytes;
    uint8_t *to = data;
    cudaError_t e = st == LKS_OK ? finish(s) : cudaSuccess;

    if (st != LKS_OK)
        return st;
    for (size_t part; bytes > 0 && e == cudaSuccess; bytes -= part, from += part, to += part) {
        part = bytes < most ? bytes : most;
        e = cudaMemcpyAsync(s->staging, from, part, cudaMemcpyDeviceToHost, s->stream);
        if (e == cudaSuccess)
            e = finish(s);
        if (e == cudaSuccess)
            memcpy(to, s->staging, part);
    }
    return e == cudaSuccess ? LKS_OK : fail(s, "reading outputs", e, error);
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */

static const int8_t *place_of(const lks_stream *s, int32_t tensor, size_t constant)
{
    return tensor >= 0 ? (const int8_t *)s->arena + s->program->plan->tensors[tensor].offset
                       : (const int8_t *)s->program->constants + constant;
}

static cudaError_t launch_step(const lks_stream *s, uint32_t i, uint32_t n)
{
    const lks_program *p = s->program;
    const lks_step *step = &p->plan->steps[i];
    const lks_cuda_step *c = &p->steps[i];
    const lks_cuda_operands t = {
        .n = (int32_t)n,
        .x = place_of(s, step->x, c->x_data), .x2 = place_of(s, step->x2, c->x2_data),
        .packed = p->constants + c->packed,
        .state = step->state >= 0 ? (int16_t *)(void *)((int8_t *)s->arena + p->plan->tensors[step->state].offset) : NULL,
        .y = (int8_t *)s->arena + p->plan->tensors[step->y].offset,
        .workspace = s->workspace
    };
    cudaError_t e;

    lks_cuda_range_push(p->device->ranges, c->label);
    e = c->family->launch(step, c->variant, &t, &p->device->caps, s->stream);
    lks_cuda_range_pop(p->device->ranges);
    return e;
}

/* *doing: the step that failed. */
static cudaError_t launch_all(const lks_stream *s, uint32_t n, const char **doing)
{
    cudaError_t e = cudaSuccess;

    for (uint32_t i = 0; i < s->program->plan->step_count && e == cudaSuccess; i++) {
        *doing = s->program->steps[i].label;
        e = launch_step(s, i, n);
    }
    return e;
}

/* The graph of a run of n images.  A capture that fails is ended before anything else is asked of the device. */
static lks_status capture(const lks_stream *s, uint32_t n, cudaGraphExec_t *exec, lks_error *error)
{
    const char *doing = "capturing a graph", *launching = doing;
    cudaError_t e = cudaStreamBeginCapture(s->stream, cudaStreamCaptureModeThreadLocal), ended;
    cudaGraph_t graph = NULL;

    if (e != cudaSuccess)
        return fail(s, doing, e, error);
    e = launch_all(s, n, &launching);
    ended = cudaStreamEndCapture(s->stream, &graph);
    if (e != cudaSuccess)
        doing = launching;
    else
        e = ended == cudaSuccess ? cudaGraphInstantiateWithFlags(exec, graph, 0) : ended;
    if (graph)
        cudaGraphDestroy(graph);
    if (e == cudaSuccess)
        return LKS_OK;
    *exec = NULL;
    return fail(s, doing, e, error);
}

static batch_graph *find_graph(lks_stream *s, uint32_t n)
{
    for (unsigned i = 0; i < GRAPHS_MAX; i++)
        if (s->graph[i].n == n)
            return &s->graph[i];
    return NULL;
}

/* A place for n, which has just been launched for the first time; it may be that of another. */
static void remember(lks_stream *s, uint32_t n)
{
    batch_graph *place = &s->graph[s->next_graph];

    if (place->exec) {
        cudaStreamSynchronize(s->stream);       /* it may still run */
        cudaGraphExecDestroy(place->exec);
    }
    *place = (batch_graph){ n, NULL };
    s->next_graph = (s->next_graph + 1) % GRAPHS_MAX;
}

static lks_status run_graph(lks_stream *s, batch_graph *g, lks_error *error)
{
    lks_status st = g->exec ? LKS_OK : capture(s, g->n, &g->exec, error);
    cudaError_t e;

    if (st != LKS_OK)
        return st;
    e = cudaGraphLaunch(g->exec, s->stream);
    return e == cudaSuccess ? LKS_OK : fail(s, "launching a graph", e, error);
}

lks_status lks_cuda_run(lks_stream *s, uint32_t n, lks_error *error)
{
    lks_status st = lks_cuda_enter(s->program->device, error);
    const int graphs = !s->program->device->no_graph;
    batch_graph *g = graphs ? find_graph(s, n) : NULL;
    const char *doing = NULL;
    cudaError_t e;

    if (st != LKS_OK || s->program->plan->step_count == 0)
        return st;
    if (g)
        return run_graph(s, g, error);
    if ((e = launch_all(s, n, &doing)) != cudaSuccess)
        return fail(s, doing, e, error);
    if (graphs)
        remember(s, n);
    return LKS_OK;
}
