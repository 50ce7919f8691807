/* SPDX-License-Identifier: Apache-2.0
 *
 * Device memory and pinned memory: blocks of exactly the bytes that were asked for, aligned to 256, between red zones, full of
 * garbage.
 */
#include "cuda_shim/poison.h"
#include "cuda_shim/shim.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 256u
#define FUNCTIONS_MAX 512
#define SHARED_BY_DEFAULT (48u << 10)
#define PINNED (-1)

typedef struct block {
    struct block *next;
    unsigned char *memory, *p;  /* memory: red zone, p: bytes, red zone */
    size_t bytes;
    int device;                 /* PINNED: of the host */
} block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *blocks, *freed;   /* freed: kept where a kernel is idle (shim.h) */
static size_t used[SHIM_CARDS_MAX];
static long live;

void shim_count_live(long change)
{
    pthread_mutex_lock(&lock);
    live += change;
    pthread_mutex_unlock(&lock);
}

long shim_live(void)
{
    return live;
}

/* ---- blocks -------------------------------------------------------------------------------------------------------------- */

static size_t size_of(const block *b)
{
    return ALIGN + (b->bytes + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
}

static void close_red_zones(const block *b)
{
    unsigned char *end = b->p + b->bytes;
    size_t behind = (size_t)(b->memory + size_of(b) - end);

    memset(b->memory, 0xe7, ALIGN);
    memset(end, 0xe7, behind);
    shim_poison(b->memory, ALIGN);
    shim_poison(end, behind);
}

static block *make_block(size_t bytes, int device)
{
    block *b = malloc(sizeof *b);

    if (!b)
        return NULL;
    *b = (block){ .bytes = bytes, .device = device };
    b->memory = aligned_alloc(ALIGN, size_of(b));
    if (!b->memory) {
        free(b);
        return NULL;
    }
    b->p = b->memory + ALIGN;
    memset(b->p, 0xa9, bytes);
    close_red_zones(b);
    return b;
}

/* One that was given back, with what it held. */
static block *take_freed(size_t bytes, int device)
{
    block **at = &freed, *b;

    while (*at && ((*at)->bytes != bytes || (*at)->device != device))
        at = &(*at)->next;
    b = *at;
    if (b)
        *at = b->next;
    return b;
}

static void free_block(block *b)
{
    if (shim.idle && b->device != PINNED) {
        b->next = freed;
        freed = b;
        return;
    }
    shim_unpoison(b->memory, size_of(b));
    free(b->memory);
    free(b);
}

/* A sanitizer would have stopped the kernel: elsewhere the bytes tell. */
static bool block_damaged(const block *b)
{
#ifdef __SANITIZE_ADDRESS__
    (void)b;
#else
    for (unsigned i = 0; i < ALIGN; i++)
        if (b->memory[i] != 0xe7 || b->p[b->bytes + i] != 0xe7)
            return true;
#endif
    return false;
}

bool shim_damaged(int device, const void **p, size_t *bytes)
{
    bool damaged = false;

    pthread_mutex_lock(&lock);
    for (block *b = blocks; b && !damaged; b = b->next) {
        damaged = b->device == device && block_damaged(b);
        *p = b->p;
        *bytes = b->bytes;
    }
    pthread_mutex_unlock(&lock);
    return damaged;
}

bool shim_owns(const void *p, size_t bytes, int device)
{
    uintptr_t at = (uintptr_t)p;
    bool owns = false;

    pthread_mutex_lock(&lock);
    for (const block *b = blocks; b && !owns; b = b->next) {
        uintptr_t first = (uintptr_t)b->p;

        owns = b->device == device && at >= first && at <= first + b->bytes && bytes <= first + b->bytes - at;
    }
    pthread_mutex_unlock(&lock);
    return owns;
}

/* ---- the runtime's functions --------------------------------------------------------------------------------------------- */

static bool fails_now(void)
{
    return shim.fail_malloc > 0 && --shim.fail_malloc == 0;
}

static cudaError_t allocate(void **p, size_t bytes, int device)
{
    cudaError_t status = shim_usable();
    size_t room = shim_current()->memory_bytes;
    block *b = NULL;

    *p = NULL;
    if (status == cudaSuccess && shim_capturing())
        status = cudaErrorStreamCaptureInvalidated;
    if (status != cudaSuccess || bytes == 0)
        return shim_return(status);
    pthread_mutex_lock(&lock);
    if (!fails_now() && (device == PINNED || bytes <= room - used[device]))
        b = (b = take_freed(bytes, device)) ? b : make_block(bytes, device);
    if (b) {
        b->next = blocks;
        blocks = b;
        live++;
        if (device != PINNED)
            used[device] += bytes;
        *p = b->p;
    }
    pthread_mutex_unlock(&lock);
    return shim_return(b ? cudaSuccess : cudaErrorMemoryAllocation);
}

/* Memory that a failed device has lost is given back all the same; the call then says what the device says. */
static cudaError_t release(void *p, bool pinned)
{
    block **at = &blocks, *b;

    if (!p)
        return shim_return(shim_usable());
    for (int i = 0; i < shim.cards; i++)
        shim_drain(i);
    pthread_mutex_lock(&lock);
    while (*at && (*at)->p != p)
        at = &(*at)->next;
    b = *at;
    if (b && (b->device == PINNED) == pinned) {
        *at = b->next;
        live--;
        if (!pinned)
            used[b->device] -= b->bytes;
        free_block(b);
    }
    pthread_mutex_unlock(&lock);
    return shim_return(b ? shim_usable() : cudaErrorInvalidValue);
}

cudaError_t cudaMalloc(void **p, size_t bytes)
{
    return allocate(p, bytes, shim_device());
}

cudaError_t cudaFree(void *p)
{
    return release(p, false);
}

cudaError_t cudaHostAlloc(void **p, size_t bytes, unsigned int flags)
{
    return flags == cudaHostAllocDefault ? allocate(p, bytes, PINNED) : shim_return(cudaErrorInvalidValue);
}

cudaError_t cudaFreeHost(void *p)
{
    return release(p, true);
}

cudaError_t cudaMemGetInfo(size_t *room, size_t *total)
{
    *total = shim_current()->memory_bytes;
    *room = *total - used[shim_device()];
    return shim_return(shim_usable());
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    cudaError_t status = shim_usable();

    if (status == cudaSuccess && (kind != cudaMemcpyHostToDevice || !shim_owns(to, bytes, shim_device())))
        status = cudaErrorInvalidValue;
    if (status == cudaSuccess)
        memcpy(to, from, bytes);
    return shim_return(status);
}

/* ---- the host ------------------------------------------------------------------------------------------------------------ */

static void *counted(void *p)
{
    if (p)
        shim_count_live(1);
    return p;
}

static bool host_fails(void)
{
    return shim.fail_host > 0 && --shim.fail_host == 0;
}

void *shim_host_malloc(size_t bytes)
{
    return host_fails() ? NULL : counted(malloc(bytes));
}

void *shim_host_calloc(size_t count, size_t bytes)
{
    return host_fails() ? NULL : counted(calloc(count, bytes));
}

void shim_host_free(void *p)
{
    if (p)
        shim_count_live(-1);
    free(p);
}

/* ---- dynamic shared memory ----------------------------------------------------------------------------------------------- */

static struct {
    const void *function;
    int device;
    size_t bytes;
} functions[FUNCTIONS_MAX];
static size_t function_count;

static size_t find_function(const void *function, int device)
{
    size_t i = 0;

    while (i < function_count && (functions[i].function != function || functions[i].device != device))
        i++;
    return i;
}

void shim_allow_shared(const void *function, int device, size_t bytes)
{
    size_t i;

    pthread_mutex_lock(&lock);
    i = find_function(function, device);
    if (i < FUNCTIONS_MAX) {
        functions[i].function = function;
        functions[i].device = device;
        functions[i].bytes = bytes;
        function_count += i == function_count;
    }
    pthread_mutex_unlock(&lock);
}

bool shim_shared_allowed(const void *function, int device, size_t bytes)
{
    size_t i, allowed = SHARED_BY_DEFAULT;

    pthread_mutex_lock(&lock);
    i = find_function(function, device);
    if (i < function_count && functions[i].bytes > allowed)
        allowed = functions[i].bytes;
    pthread_mutex_unlock(&lock);
    return bytes <= allowed;
}
