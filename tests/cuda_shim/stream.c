/* SPDX-License-Identifier: Apache-2.0
 *
 * Streams: work waits in a queue until something waits for it.  Graphs: what a stream would have queued, to be queued again.
 */
#include "cuda_shim/shim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum work_kind { WORK_LAUNCH, WORK_COPY, WORK_SET, WORK_EVENT } work_kind;

typedef struct work {
    struct work *next;
    work_kind kind;
    shim_launch launch;
    void *to;                   /* copy, set */
    const void *from;
    size_t bytes;
    int value;
    enum cudaMemcpyKind direction;
    cudaEvent_t event;
} work;

typedef struct queue {
    work *first, **end;
} queue;

struct CUstream_st {
    struct CUstream_st *next;
    int device;
    queue waiting, captured;
    bool capturing, broken;     /* broken: the capture cannot be used */
};

struct CUevent_st {
    cudaStream_t stream;        /* where it was recorded last */
    int pending;                /* how often it waits there */
};

struct CUgraph_st {
    queue work;
    int device;
};

struct CUgraphExec_st {
    queue work;
    int device;
};

/* Recursive: work that is being done may find that it has to do other work first. */
static pthread_mutex_t lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static cudaStream_t streams;
static __thread int captures;

static void make_lock(void)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&lock, &a);
}

static void lock_streams(void)
{
    pthread_once(&once, make_lock);
    pthread_mutex_lock(&lock);
}

bool shim_capturing(void)
{
    return captures > 0;
}

/* ---- queues -------------------------------------------------------------------------------------------------------------- */

static void queue_put(queue *q, work *w)
{
    w->next = NULL;
    if (!q->first)
        q->end = &q->first;
    *q->end = w;
    q->end = &w->next;
}

static void free_work(work *w)
{
    if (w->kind == WORK_LAUNCH)
        free(w->launch.arguments);
    free(w);
}

static void queue_clear(queue *q)
{
    while (q->first) {
        work *w = q->first;

        q->first = w->next;
        free_work(w);
    }
}

static work *copy_work(const work *w)
{
    work *copy = malloc(sizeof *copy);

    if (!copy)
        return NULL;
    *copy = *w;
    if (w->kind == WORK_LAUNCH) {
        copy->launch.arguments = malloc(w->launch.arguments_bytes);
        if (!copy->launch.arguments) {
            free(copy);
            return NULL;
        }
        memcpy(copy->launch.arguments, w->launch.arguments, w->launch.arguments_bytes);
    }
    return copy;
}

static cudaError_t append_copies(queue *q, const queue *from)
{
    for (const work *w = from->first; w; w = w->next) {
        work *copy = copy_work(w);

        if (!copy)
            return cudaErrorMemoryAllocation;
        queue_put(q, copy);
    }
    return cudaSuccess;
}

/* ---- doing --------------------------------------------------------------------------------------------------------------- */

static void launch_now(shim_card *card, int device, const work *w)
{
    const void *p;
    size_t bytes;

    if (shim.idle && strcmp(shim.idle, w->launch.kernel) == 0)
        return;
    if (shim.fail_launch > 0 && --shim.fail_launch == 0)
        shim_break(card, cudaErrorIllegalAddress);
    else
        shim_break(card, shim_run(&w->launch));
    if (shim_sticky(card) == cudaSuccess && shim_damaged(device, &p, &bytes)) {
        fprintf(stderr, "cuda-shim: %s: wrote beside %zu bytes of memory at %p\n", w->launch.kernel, bytes, p);
        shim_break(card, cudaErrorIllegalAddress);
    }
}

static void do_work(shim_card *card, int device, const work *w)
{
    switch (w->kind) {
    case WORK_LAUNCH:
        launch_now(card, device, w);
        break;
    case WORK_COPY:
        memcpy(w->to, w->from, w->bytes);
        if (w->direction == cudaMemcpyDeviceToHost && card->wrong && w->bytes)
            *(unsigned char *)w->to ^= 1;
        break;
    case WORK_SET:
        memset(w->to, w->value, w->bytes);
        break;
    case WORK_EVENT:
        w->event->pending--;
    }
}

/* Until the queue is empty, or until an event has happened.  The work of a broken device is dropped. */
static void drain(cudaStream_t s, cudaEvent_t until)
{
    shim_card *card = &shim.card[s->device];

    while (s->waiting.first && (!until || until->pending)) {
        work *w = s->waiting.first;

        s->waiting.first = w->next;
        if (shim_sticky(card) == cudaSuccess || w->kind == WORK_EVENT)
            do_work(card, s->device, w);
        free_work(w);
    }
}

void shim_drain(int device)
{
    lock_streams();
    for (cudaStream_t s = streams; s; s = s->next)
        if (s->device == device)
            drain(s, NULL);
    pthread_mutex_unlock(&lock);
}

/* ---- putting into streams ------------------------------------------------------------------------------------------------ */

static cudaError_t stream_usable(cudaStream_t s)
{
    cudaError_t status = shim_usable();

    if (status == cudaSuccess && (!s || s->device != shim_device()))
        status = cudaErrorInvalidValue;
    return status;
}

static cudaError_t put(cudaStream_t s, const work *w)
{
    work *copy = copy_work(w);

    if (!copy)
        return cudaErrorMemoryAllocation;
    lock_streams();
    queue_put(s->capturing ? &s->captured : &s->waiting, copy);
    pthread_mutex_unlock(&lock);
    return cudaSuccess;
}

static bool launch_fits(const shim_launch *l)
{
    return l->grid.x >= 1 && l->grid.y >= 1 && l->grid.z >= 1 && l->grid.x <= 0x7fffffffu && l->grid.y <= 65535
       && l->grid.z <= 65535
           && l->block.x >= 1 && l->block.y >= 1 && l->block.z >= 1 && l->block.x <= 1024 && l->block.y <= 1024
              && l->block.z <= 64
           && l->block.x * l->block.y * l->block.z <= 1024;
}

cudaError_t shim_enqueue(const shim_launch *launch, cudaStream_t stream)
{
    const work w = { .kind = WORK_LAUNCH, .launch = *launch };
    cudaError_t status = stream_usable(stream);

    if (status == cudaSuccess && shim_current()->no_kernels)
        status = cudaErrorNoKernelImageForDevice;
    if (status == cudaSuccess && !launch_fits(launch))
        status = cudaErrorInvalidConfiguration;
    if (status == cudaSuccess && (launch->shared_bytes > shim_current()->shared_bytes_per_block
                                  || !shim_shared_allowed(launch->function, shim_device(), launch->shared_bytes)))
        status = cudaErrorInvalidValue;
    return shim_return(status == cudaSuccess ? put(stream, &w) : status);
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    const work w = { .kind = WORK_COPY, .to = to, .from = from, .bytes = bytes, .direction = kind };
    cudaError_t status = stream_usable(stream);
    int to_device = kind == cudaMemcpyDeviceToHost ? -1 : shim_device();
    int from_device = kind == cudaMemcpyHostToDevice ? -1 : shim_device();

    if (status == cudaSuccess && (!shim_owns(to, bytes, to_device) || !shim_owns(from, bytes, from_device)))
        status = cudaErrorInvalidValue;
    return shim_return(status == cudaSuccess ? put(stream, &w) : status);
}

cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream)
{
    const work w = { .kind = WORK_SET, .to = to, .value = value, .bytes = bytes };
    cudaError_t status = stream_usable(stream);

    if (status == cudaSuccess && !shim_owns(to, bytes, shim_device()))
        status = cudaErrorInvalidValue;
    return shim_return(status == cudaSuccess ? put(stream, &w) : status);
}

/* ---- streams ------------------------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned int flags)
{
    cudaError_t status = shim_usable();
    cudaStream_t s = NULL;

    *stream = NULL;
    if (status == cudaSuccess && flags != cudaStreamNonBlocking)
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess && !(s = calloc(1, sizeof *s)))
        status = cudaErrorMemoryAllocation;
    if (status != cudaSuccess)
        return shim_return(status);
    lock_streams();
    s->device = shim_device();
    s->next = streams;
    streams = s;
    pthread_mutex_unlock(&lock);
    shim_count_live(1);
    *stream = s;
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    lock_streams();
    drain(stream, NULL);
    for (cudaStream_t *at = &streams; *at; at = &(*at)->next)
        if (*at == stream) {
            *at = stream->next;
            break;
        }
    pthread_mutex_unlock(&lock);
    queue_clear(&stream->captured);
    free(stream);
    shim_count_live(-1);
    return shim_return(shim_usable());
}

/* NULL: the default stream, which only ever does what returns when it is done. */
cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    cudaError_t status = stream ? stream_usable(stream) : shim_usable();

    if (status != cudaSuccess || !stream)
        return shim_return(status);
    if (stream->capturing) {
        stream->broken = true;
        return shim_return(cudaErrorStreamCaptureInvalidated);
    }
    lock_streams();
    drain(stream, NULL);
    pthread_mutex_unlock(&lock);
    return shim_return(shim_usable());
}

cudaError_t cudaDeviceSynchronize(void)
{
    cudaError_t status = shim_usable();

    if (status == cudaSuccess)
        shim_drain(shim_device());
    return shim_return(status == cudaSuccess ? shim_usable() : status);
}

/* ---- events -------------------------------------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned int flags)
{
    cudaError_t status = shim_usable();

    *event = NULL;
    if (status == cudaSuccess && flags != cudaEventDisableTiming)
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess && !(*event = calloc(1, sizeof **event)))
        status = cudaErrorMemoryAllocation;
    if (status == cudaSuccess)
        shim_count_live(1);
    return shim_return(status);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    lock_streams();
    if (event->pending)
        drain(event->stream, event);
    pthread_mutex_unlock(&lock);
    free(event);
    shim_count_live(-1);
    return shim_return(shim_usable());
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    const work w = { .kind = WORK_EVENT, .event = event };
    cudaError_t status = stream_usable(stream);

    lock_streams();
    if (status == cudaSuccess && (status = put(stream, &w)) == cudaSuccess) {
        event->stream = stream;
        event->pending++;
    }
    pthread_mutex_unlock(&lock);
    return shim_return(status);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    lock_streams();
    if (event->pending)
        drain(event->stream, event);
    pthread_mutex_unlock(&lock);
    return shim_return(shim_usable());
}

/* ---- graphs -------------------------------------------------------------------------------------------------------------- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
    cudaError_t status = stream_usable(stream);

    if (status == cudaSuccess && (mode != cudaStreamCaptureModeThreadLocal || stream->capturing))
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess) {
        stream->capturing = true;
        stream->broken = false;
        captures++;
    }
    return shim_return(status);
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    cudaError_t status = stream_usable(stream);

    *graph = NULL;
    if (!stream->capturing)
        return shim_return(cudaErrorInvalidValue);
    stream->capturing = false;
    captures--;
    if (status == cudaSuccess && stream->broken)
        status = cudaErrorStreamCaptureInvalidated;
    if (status == cudaSuccess && !(*graph = calloc(1, sizeof **graph)))
        status = cudaErrorMemoryAllocation;
    if (status == cudaSuccess) {
        (*graph)->device = stream->device;
        status = append_copies(&(*graph)->work, &stream->captured);
        shim_count_live(1);
    }
    queue_clear(&stream->captured);
    return shim_return(status);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    cudaError_t status = flags ? cudaErrorInvalidValue : shim_usable();

    *exec = NULL;
    if (status == cudaSuccess && !(*exec = calloc(1, sizeof **exec)))
        status = cudaErrorMemoryAllocation;
    if (status == cudaSuccess) {
        (*exec)->device = graph->device;
        status = append_copies(&(*exec)->work, &graph->work);
        shim_count_live(1);
    }
    return shim_return(status);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    cudaError_t status = stream_usable(stream);

    if (status == cudaSuccess && (exec->device != stream->device || stream->capturing))
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess) {
        lock_streams();
        status = append_copies(&stream->waiting, &exec->work);
        pthread_mutex_unlock(&lock);
    }
    return shim_return(status);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    queue_clear(&exec->work);
    free(exec);
    shim_count_live(-1);
    return shim_return(shim_usable());
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    queue_clear(&graph->work);
    free(graph);
    shim_count_live(-1);
    return shim_return(shim_usable());
}
