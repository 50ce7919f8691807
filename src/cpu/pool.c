/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool.  A job is a number of shares in a few ranges.  A thread takes half of what is left of a range, of its own first and
 * then of the others', until nothing is left.  So neighbouring shares are mostly done by one thread, the same in step after step
 * of a model, in whose caches their inputs lie; and none waits for one that is slow.  Which thread does a share is chance; what
 * it writes is not, and no two write to the same place.
 *
 * `free` of a range holds the number of the job in its upper half and the shares that are left in its lower one.  Whoever takes
 * shares by exchanging it may read the job, as that cannot end before they are done; whoever comes too late finds nothing.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE             /* sched_getaffinity */
#endif
#include "cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often a thread looks for work before it sleeps: a fraction of a millisecond.  Tests set it lower. */
#ifndef LKS_CPU_SPINS
#define LKS_CPU_SPINS 20000
#endif
#define SPINS_BEFORE_YIELD 10000    /* there may be fewer processors than threads */
#define MAX_RANGES 16               /* each costs the caller a store that the others wait for */

typedef struct worker {
    pthread_t thread;
    lks_cpu_pool *pool;
    uint32_t index;
} worker;

typedef struct range {
    _Alignas(64) _Atomic uint64_t free;     /* in a cache line of its own */
    uint32_t end;                   /* its last share + 1 */
} range;

struct lks_cpu_pool {
    range ranges[MAX_RANGES];
    uint32_t max_ranges;
    _Alignas(64) _Atomic uint32_t jobs;     /* how many there have been */
    _Atomic uint32_t sleeping;
    _Atomic int ends;
    lks_cpu_work *work;
    void *job;
    _Alignas(64) _Atomic uint32_t done;     /* shares of this job */

    pthread_mutex_t user, lock;
    pthread_cond_t wake;
    uint32_t started;               /* workers, from index 1 on */
    worker workers[];
};

uint32_t lks_cpu_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        n = CPU_COUNT(&set);
#endif
    return n < 1 ? 1 : n > LKS_CPU_MAX_THREADS ? LKS_CPU_MAX_THREADS : (uint32_t)n;
}

static void pause_for(uint32_t spins)
{
    if (spins % SPINS_BEFORE_YIELD == SPINS_BEFORE_YIELD - 1)
        sched_yield();
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Take shares of a range and do them until none is left. */
static void take_from(lks_cpu_pool *p, range *r, uint32_t thread)
{
    uint64_t now = atomic_load_explicit(&r->free, memory_order_relaxed);

    while ((uint32_t)now != 0) {
        const uint32_t left = (uint32_t)now, count = (left + 1) / 2;

        if (!atomic_compare_exchange_weak_explicit(&r->free, &now, now - count, memory_order_acquire, memory_order_relaxed))
            continue;
        p->work(p->job, r->end - left, r->end - left + count, thread);
        atomic_fetch_add_explicit(&p->done, count, memory_order_release);
        now = atomic_load_explicit(&r->free, memory_order_relaxed);
    }
}

static void take_shares(lks_cpu_pool *p, uint32_t thread)
{
    for (uint32_t i = 0; i < p->max_ranges; i++)
        take_from(p, &p->ranges[(thread + i) % p->max_ranges], thread);
}

static int has_work(lks_cpu_pool *p, uint32_t seen)
{
    return atomic_load(&p->jobs) != seen || atomic_load(&p->ends);
}

/* The count of sleepers is raised before the last look, and lks_cpu_pool_run looks at it after it has put work there. */
static void sleep_until_work(lks_cpu_pool *p, uint32_t seen)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleeping, 1);
    while (!has_work(p, seen))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleeping, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *work_for_ever(void *argument)
{
    worker *w = argument;
    uint32_t seen = 0;

    while (!atomic_load(&w->pool->ends)) {
        for (uint32_t spins = 0; !has_work(w->pool, seen); spins++) {
            if (spins == LKS_CPU_SPINS) {
                sleep_until_work(w->pool, seen);
                break;
            }
            pause_for(spins);
        }
        seen = atomic_load(&w->pool->jobs);
        take_shares(w->pool, w->index);
    }
    return NULL;
}

static void wake_sleepers(lks_cpu_pool *p)
{
    if (atomic_load(&p->sleeping) == 0)
        return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

lks_cpu_pool *lks_cpu_pool_open(uint32_t threads)
{
    const size_t bytes = (sizeof(lks_cpu_pool) + threads * sizeof(worker) + 63) & ~(size_t)63;
    lks_cpu_pool *p = aligned_alloc(64, bytes);

    if (!p)
        return NULL;
    memset(p, 0, bytes);
    p->max_ranges = threads < MAX_RANGES ? threads : MAX_RANGES;
    pthread_mutex_init(&p->user, NULL);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (uint32_t i = 1; i < threads; i++, p->started++) {
        worker *w = &p->workers[i];

        *w = (worker){ .pool = p, .index = i };
        if (pthread_create(&w->thread, NULL, work_for_ever, w) != 0) {
            lks_cpu_pool_close(p);
            return NULL;
        }
    }
    return p;
}

void lks_cpu_pool_close(lks_cpu_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->ends, 1);
    wake_sleepers(p);
    for (uint32_t i = 1; i <= p->started; i++)
        pthread_join(p->workers[i].thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->user);
    free(p);
}

int lks_cpu_pool_take(lks_cpu_pool *p)
{
    return pthread_mutex_trylock(&p->user) == 0;
}

void lks_cpu_pool_leave(lks_cpu_pool *p)
{
    pthread_mutex_unlock(&p->user);
}

void lks_cpu_pool_run(lks_cpu_pool *p, lks_cpu_work *work, void *job, uint32_t shares)
{
    const uint32_t number = atomic_load_explicit(&p->jobs, memory_order_relaxed) + 1;

    p->work = work;
    p->job = job;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    for (uint32_t i = 0, begin = 0, end; i < p->max_ranges; i++, begin = end) {
        range *r = &p->ranges[i];

        end = (uint32_t)((uint64_t)shares * (i + 1) / p->max_ranges);
        r->end = end;
        atomic_store_explicit(&r->free, (uint64_t)number << 32 | (end - begin), memory_order_release);
    }
    atomic_store(&p->jobs, number);
    wake_sleepers(p);
    take_shares(p, 0);
    for (uint32_t spins = 0; atomic_load_explicit(&p->done, memory_order_acquire) != shares; spins++)
        pause_for(spins);
}
