/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocks of a launch: threads as fibers, barriers, warps, shared memory, asynchronous copies.
 */
#include "cuda_shim/block.h"

#include "cuda_shim/fiber.h"
#include "cuda_shim/poison.h"
#include "cuda_shim/shim.h"
#include "cuda_shim/warp.h"
#include "cuda_shim/warpgroup.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 1024
#define SHARED_MAX (256u << 10)
#define RED_ZONE 1024u          /* also the alignment of shared memory: patterns of wgmma */
#define COPIES_MAX 512          /* of one thread in flight */

typedef enum thread_state { UNSTARTED, READY, AT_BARRIER, IN_EXCHANGE, WAITING, DONE } thread_state;

typedef struct copy {
    unsigned char *to;
    const void *from;
    size_t bytes, from_bytes;
    unsigned group;
} copy;

typedef struct thread {
    thread_state state;
    uint3 index;
    fiber *fiber;               /* from its start to its end */
    const char *file;           /* of the barrier where it waits */
    int line;
    shim_lane *lane;            /* IN_EXCHANGE: on its own stack */
    bool (*ready)(const void *);        /* WAITING */
    const void *ready_argument;
    const char *what;           /* it waits for, and its number */
    unsigned number;
    copy *copies;
    unsigned copy_count, groups;
} thread;

/* What runs blocks: one per host thread, kept from launch to launch. */
typedef struct executor {
    fiber *host;
    thread threads[THREADS_MAX];
    unsigned count;             /* of the block */
    thread *current;
    fiber *idle[THREADS_MAX];   /* fibers that run no thread */
    unsigned idle_count;
    unsigned lane_order[SHIM_WARP];
    unsigned warp;              /* that runs, for fibers that look for their next thread */
    unsigned exchanging[THREADS_MAX / SHIM_WARP];       /* lanes of each warp that wait for others of it */
    unsigned char *memory, *shared;     /* red zone, shared memory, red zone */
    const shim_launch *launch;
    uint64_t random;
    uint64_t passes;            /* over all warps */
    bool waits;                 /* the block has a thread that waited, so that one warp can set another free */
    cudaError_t status;
} executor;

__thread uint3 shim_thread_index, shim_block_index;
__thread dim3 shim_block_size, shim_grid_size;

static __thread executor *self;

/* ---- faults -------------------------------------------------------------------------------------------------------------- */

/* The launch has failed; the first reason is told. */
static void fault_with(executor *e, cudaError_t status, const char *format, va_list args)
{
    if (e->status != cudaSuccess)
        return;
    e->status = status;
    fprintf(stderr, "cuda-shim: %s: block (%u,%u,%u)", e->launch->kernel, shim_block_index.x, shim_block_index.y,
            shim_block_index.z);
    if (e->current)
        fprintf(stderr, ", thread (%u,%u,%u)", e->current->index.x, e->current->index.y, e->current->index.z);
    fputs(": ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

static void fault(executor *e, cudaError_t status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fault_with(e, status, format, args);
    va_end(args);
}

/* From a thread: never comes back where the launch has failed. */
static void yield(executor *e)
{
    fiber_switch(e->current->fiber, e->host);
}

#define FAULT(e, status, ...) (fault(e, status, __VA_ARGS__), yield(e))

void shim_fault(const char *format, ...)
{
    executor *e = self;
    va_list args;

    va_start(args, format);
    fault_with(e, cudaErrorLaunchFailure, format, args);
    va_end(args);
    yield(e);
}

/* ---- order --------------------------------------------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t next_random(executor *e)
{
    uint64_t z = e->random += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

static void shuffle_order(executor *e, unsigned *order, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        order[i] = i;
    for (unsigned i = count; i > 1; i--) {
        unsigned k = (unsigned)(next_random(e) % i), swapped = order[i - 1];

        order[i - 1] = order[k];
        order[k] = swapped;
    }
}

/* ---- threads ------------------------------------------------------------------------------------------------------------- */

static thread *lane_of(executor *e, unsigned warp, unsigned lane)
{
    unsigned i = warp * SHIM_WARP + lane;

    return i < e->count ? &e->threads[i] : NULL;
}

static void make_current(executor *e, thread *t)
{
    e->current = t;
    shim_thread_index = t->index;
}

static thread *next_unstarted(executor *e)
{
    for (unsigned i = 0; i < SHIM_WARP; i++) {
        thread *t = lane_of(e, e->warp, e->lane_order[i]);

        if (t && t->state == UNSTARTED)
            return t;
    }
    return NULL;
}

/* A fiber runs the threads of a warp one after the other, until one has to wait: that one keeps the fiber. */
static void fiber_main(void)
{
    executor *e = self;

    for (;;) {
        thread *t = e->current, *next;

        t->state = READY;
        e->launch->call(e->launch->arguments);
        t->state = DONE;
        next = next_unstarted(e);
        if (next) {
            next->fiber = t->fiber;
            t->fiber = NULL;
            make_current(e, next);
        } else {
            e->idle[e->idle_count++] = t->fiber;
            yield(e);
        }
    }
}

static bool give_fiber(executor *e, thread *t)
{
    t->fiber = e->idle_count ? e->idle[--e->idle_count] : fiber_make(fiber_main);
    if (!t->fiber)
        fault(e, cudaErrorLaunchFailure, "out of memory for stacks");
    return t->fiber != NULL;
}

static void resume(executor *e, thread *t)
{
    make_current(e, t);
    if (t->state != UNSTARTED || give_fiber(e, t))
        fiber_switch(e->host, t->fiber);
    e->current = NULL;
}

/* After a fault: no fiber goes on where it stood. */
static void abandon(executor *e)
{
    for (unsigned i = 0; i < e->count; i++) {
        thread *t = &e->threads[i];

        if (t->fiber && t->state != DONE)
            e->idle[e->idle_count++] = t->fiber;
        t->fiber = NULL;
    }
    for (unsigned i = 0; i < e->idle_count; i++)
        fiber_rewind(e->idle[i]);
}

/* ---- scheduling ---------------------------------------------------------------------------------------------------------- */

static bool can_run(thread *t)
{
    return t->state == UNSTARTED || t->state == READY || (t->state == WAITING && t->ready(t->ready_argument));
}

/* Run a warp until none of its threads can go on.  Has any? */
static bool run_warp(executor *e, unsigned warp)
{
    bool moved = true, any = false;

    e->warp = warp;
    shuffle_order(e, e->lane_order, SHIM_WARP);
    while (moved && e->status == cudaSuccess) {
        moved = false;
        for (unsigned i = 0; i < SHIM_WARP && e->status == cudaSuccess; i++) {
            thread *t = lane_of(e, warp, e->lane_order[i]);

            if (t && can_run(t)) {
                resume(e, t);
                moved = any = true;
            }
        }
    }
    return any;
}

/* The current thread waits for lanes of its warp, and nothing moves any more: why? */
static void explain_exchange(executor *e)
{
    const shim_lane *mine = e->current->lane;
    unsigned warp = (unsigned)(e->current - e->threads) / SHIM_WARP;

    for (unsigned i = 0; i < SHIM_WARP; i++) {
        thread *t = lane_of(e, warp, i);

        if (!(mine->mask >> i & 1))
            continue;
        if (!t || t->state == DONE)
            fault(e, cudaErrorLaunchFailure, "%s:%d: lane %u of its mask 0x%08x %s", mine->file, mine->line, i, mine->mask,
                  t ? "has returned" : "is beyond the block");
        else if (t->state == AT_BARRIER)
            fault(e, cudaErrorLaunchFailure, "%s:%d: lane %u of its mask 0x%08x waits at the barrier of line %d", mine->file,
                  mine->line, i, mine->mask, t->line);
        else if (t->state == WAITING)
            fault(e, cudaErrorLaunchFailure, "%s:%d: lane %u of its mask 0x%08x waits for %s %u", mine->file, mine->line, i,
                  mine->mask, t->what, t->number);
        else if (t->lane->what != mine->what || t->lane->mask != mine->mask || t->lane->line != mine->line)
            fault(e, cudaErrorLaunchFailure, "%s:%d, mask 0x%08x: lane %u of its mask waits at line %d with mask 0x%08x",
                  mine->file, mine->line, mine->mask, i, t->lane->line, t->lane->mask);
    }
}

/* All threads of the block have stopped: are all at one barrier (*more), or all done?  Else the launch has failed. */
static void settle(executor *e, bool *more)
{
    const thread *first = &e->threads[0];

    *more = first->state != DONE;
    for (unsigned i = 0; i < e->count && e->status == cudaSuccess; i++) {
        thread *t = &e->threads[i];

        e->current = t;
        if (t->state == WAITING)
            fault(e, cudaErrorLaunchFailure, "deadlock: waits for %s %u", t->what, t->number);
        else if (t->state == IN_EXCHANGE)
            explain_exchange(e);
        else if (t->state != first->state && first->state != IN_EXCHANGE && first->state != WAITING)
            fault(e, cudaErrorLaunchFailure,
                  "divergent barrier: some threads of the block wait at %s:%d, and others have returned",
                  t->state == AT_BARRIER ? t->file : first->file, t->state == AT_BARRIER ? t->line : first->line);
        else if (t->state == AT_BARRIER && t->line != first->line)
            fault(e, cudaErrorLaunchFailure, "divergent barrier: waits at line %d, and thread 0 at line %d of %s", t->line,
                  first->line, t->file);
    }
    e->current = NULL;
    for (unsigned i = 0; i < e->count && *more && e->status == cudaSuccess; i++)
        e->threads[i].state = READY;
}

static void run_threads(executor *e)
{
    unsigned order[THREADS_MAX / SHIM_WARP], warps = (e->count + SHIM_WARP - 1) / SHIM_WARP;
    bool more = true;

    while (more && e->status == cudaSuccess) {
        bool moved = false;

        e->passes++;
        shuffle_order(e, order, warps);
        for (unsigned i = 0; i < warps && e->status == cudaSuccess; i++)
            moved |= run_warp(e, order[i]);
        if (e->waits && moved && next_random(e) % 4)
            continue;                   /* copies in bulk land late, or a little earlier */
        if (e->status == cudaSuccess && !shim_land_copy(e->random) && !(e->waits && moved))
            settle(e, &more);
    }
}

/* ---- shared memory ------------------------------------------------------------------------------------------------------- */

unsigned char *shim_shared(void)
{
    return self->shared;
}

void shim_need_shared(const void *p, size_t bytes)
{
    const executor *e = self;
    const size_t at = (size_t)((const unsigned char *)p - e->shared);

    if (at > e->launch->shared_bytes || bytes > e->launch->shared_bytes - at)
        FAULT(self, cudaErrorIllegalAddress, "an access beside its %zu bytes of shared memory", e->launch->shared_bytes);
}

static unsigned char garbage(executor *e)
{
    return (unsigned char)(0x80 | next_random(e));
}

static void open_shared(executor *e)
{
    unsigned char *end = e->shared + e->launch->shared_bytes;

    shim_unpoison(e->memory, SHARED_MAX + 2 * RED_ZONE);
    memset(e->memory, 0xe7, RED_ZONE);
    memset(e->shared, garbage(e), e->launch->shared_bytes);
    memset(end, 0xe7, RED_ZONE);
    shim_poison(e->memory, RED_ZONE);
    shim_poison(end, SHARED_MAX + RED_ZONE - e->launch->shared_bytes);
}

/* Where no sanitizer stops a kernel beside its shared memory, the bytes there tell it afterwards. */
static void close_shared(executor *e)
{
    const unsigned char *end = e->shared + e->launch->shared_bytes;

    shim_unpoison(e->memory, SHARED_MAX + 2 * RED_ZONE);
    for (unsigned i = 0; i < RED_ZONE; i++)
        if (e->memory[i] != 0xe7 || end[i] != 0xe7)
            fault(e, cudaErrorIllegalAddress, "wrote beside its %zu bytes of shared memory", e->launch->shared_bytes);
}

/* ---- a launch ------------------------------------------------------------------------------------------------------------ */

static void begin_block(executor *e)
{
    uint3 at = { 0, 0, 0 };
    dim3 size = e->launch->block;

    for (unsigned i = 0; i < e->count; i++) {
        thread *t = &e->threads[i];

        *t = (thread){ .state = UNSTARTED, .index = at, .copies = t->copies };
        if (++at.x == size.x) {
            at.x = 0;
            if (++at.y == size.y) {
                at.y = 0;
                at.z++;
            }
        }
    }
}

static void run_block(executor *e)
{
    const char *left;

    memset(e->exchanging, 0, sizeof e->exchanging);
    e->waits = false;
    shim_warpgroup_begin();
    begin_block(e);
    open_shared(e);
    run_threads(e);
    close_shared(e);
    left = shim_warpgroup_end();
    if (left)
        fault(e, cudaErrorLaunchFailure, "%s", left);
    if (e->status != cudaSuccess)
        abandon(e);
}

static pthread_key_t executor_key;
static pthread_once_t executor_once = PTHREAD_ONCE_INIT;

static void free_executor(void *p)
{
    executor *e = p;

    for (unsigned i = 0; i < e->idle_count; i++)
        fiber_free(e->idle[i]);
    for (unsigned i = 0; i < THREADS_MAX; i++)
        free(e->threads[i].copies);
    fiber_free(e->host);
    shim_warpgroup_free();
    shim_unpoison(e->memory, e->memory ? SHARED_MAX + 2 * RED_ZONE : 0);
    free(e->memory);
    free(e);
    self = NULL;
}

/* Of the main thread, whose keys have no destructor call. */
static void free_last(void)
{
    if (self)
        free_executor(self);
}

static void make_key(void)
{
    pthread_key_create(&executor_key, free_executor);
    atexit(free_last);
}

static executor *get_executor(void)
{
    if (self)
        return self;
    pthread_once(&executor_once, make_key);
    self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->host = fiber_of_host();
    self->memory = aligned_alloc(RED_ZONE, SHARED_MAX + 2 * RED_ZONE);
    self->shared = self->memory + RED_ZONE;
    if (!self->host || !self->memory) {
        free_executor(self);
        return NULL;
    }
    pthread_setspecific(executor_key, self);
    return self;
}

cudaError_t shim_run(const shim_launch *launch)
{
    executor *e = get_executor();
    dim3 grid = launch->grid;

    if (!e)
        return cudaErrorLaunchFailure;
    e->launch = launch;
    e->count = launch->block.x * launch->block.y * launch->block.z;
    e->status = cudaSuccess;
    e->random = shim_launch_number(launch->kernel);
    shim_block_size = launch->block;
    shim_grid_size = grid;
    for (unsigned z = 0; z < grid.z; z++)
        for (unsigned y = 0; y < grid.y; y++)
            for (unsigned x = 0; x < grid.x && e->status == cudaSuccess; x++) {
                shim_block_index = (uint3){ x, y, z };
                run_block(e);
            }
    return e->status;
}

/* ---- what threads call --------------------------------------------------------------------------------------------------- */

void shim_barrier(const char *file, int line)
{
    executor *e = self;

    e->current->state = AT_BARRIER;
    e->current->file = file;
    e->current->line = line;
    yield(e);
}

unsigned shim_thread_number(void)
{
    return (unsigned)(self->current - self->threads);
}

void shim_wait_until(bool (*ready)(const void *), const void *argument, const char *what, unsigned number)
{
    thread *t = self->current;

    if (ready(argument))
        return;
    t->ready = ready;
    t->ready_argument = argument;
    t->what = what;
    t->number = number;
    t->state = WAITING;
    self->waits = true;
    yield(self);
    t->state = READY;
}

static bool next_pass(const void *pass)
{
    return self->passes != *(const uint64_t *)pass;
}

void shim_let_others_run(void)
{
    const uint64_t pass = self->passes;

    shim_wait_until(next_pass, &pass, "its turn", 0);
}

/* Gather the lanes of the mask, by lane; false: not all are there. */
static bool gather(executor *e, const shim_lane *mine, shim_lane *lanes[SHIM_WARP])
{
    for (unsigned i = 0; i < SHIM_WARP; i++) {
        thread *t = lane_of(e, e->warp, i);
        bool wanted = mine->mask >> i & 1;
        shim_lane *other = t && wanted && t->state == IN_EXCHANGE ? t->lane : NULL;

        if (wanted && (!other || other->what != mine->what || other->mask != mine->mask || other->line != mine->line))
            return false;
        lanes[i] = other;
    }
    return true;
}

void shim_exchange_lanes(shim_lane *mine)
{
    executor *e = self;
    unsigned lane = (unsigned)(e->current - e->threads) % SHIM_WARP;
    shim_lane *lanes[SHIM_WARP];
    const char *wrong;

    if (!(mine->mask >> lane & 1))
        FAULT(e, cudaErrorLaunchFailure, "%s:%d: lane %u is not in its own mask 0x%08x", mine->file, mine->line, lane,
              mine->mask);
    e->current->lane = mine;
    e->current->state = IN_EXCHANGE;
    if (++e->exchanging[e->warp] < (unsigned)__builtin_popcount(mine->mask) || !gather(e, mine, lanes)) {
        yield(e);
        return;
    }
    wrong = shim_warp_exchange(lanes);
    if (wrong)
        FAULT(e, cudaErrorLaunchFailure, "%s:%d: %s", mine->file, mine->line, wrong);
    for (unsigned i = 0; i < SHIM_WARP; i++)
        if (lanes[i])
            lane_of(e, e->warp, i)->state = READY;
    e->exchanging[e->warp] -= (unsigned)__builtin_popcount(mine->mask);
}

/* ---- asynchronous copies ------------------------------------------------------------------------------------------------- */

void shim_copy_async(void *to, const void *from, size_t bytes, size_t from_bytes)
{
    executor *e = self;
    thread *t = e->current;
    size_t at = (size_t)((unsigned char *)to - e->shared);

    if (!t->copies)
        t->copies = malloc(COPIES_MAX * sizeof *t->copies);
    if (!t->copies || t->copy_count == COPIES_MAX)
        FAULT(e, cudaErrorLaunchFailure, "more than %d asynchronous copies in flight", COPIES_MAX);
    if (at > e->launch->shared_bytes || bytes > e->launch->shared_bytes - at)
        FAULT(e, cudaErrorIllegalAddress, "an asynchronous copy beside its %zu bytes of shared memory", e->launch->shared_bytes);
    if (at % bytes != 0 || (from_bytes && (uintptr_t)from % bytes != 0))
        FAULT(e, cudaErrorIllegalAddress, "an asynchronous copy of %zu bytes with a misaligned address", bytes);
    memset(to, garbage(e), bytes);
    t->copies[t->copy_count++] = (copy){ to, from, bytes, from_bytes, t->groups };
}

void shim_copy_commit(void)
{
    self->current->groups++;
}

void shim_copy_wait(int pending)
{
    thread *t = self->current;
    unsigned kept = 0;

    for (unsigned i = 0; i < t->copy_count; i++) {
        copy *c = &t->copies[i];

        if (c->group + (unsigned)pending >= t->groups) {
            t->copies[kept++] = *c;
            continue;
        }
        memset(c->to, 0, c->bytes);
        memcpy(c->to, c->from, c->from_bytes);
        shim_landed(c->to);
    }
    t->copy_count = kept;
}
