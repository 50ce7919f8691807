/* SPDX-License-Identifier: Apache-2.0
 *
 * The pool.  A job is a number of shares, which threads take one by one from an atomic counter.  Which thread takes which share
 * is chance; what a share writes is not, and no two write to the same place.
 *
 * `free` holds the number of the job in its upper half and the shares that are left in its lower one.  Whoever takes a share by
 * exchanging `free` may read the job, as it cannot end before that share is done; whoever comes too late finds nothing to take.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE             /* sched_getaffinity */
#endif
#include "cpu/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* How often a thread looks for work before it sleeps: a fraction of a millisecond.  Tests set it lower. */
#ifndef LKS_CPU_SPINS
#define LKS_CPU_SPINS 20000
#endif
#define SPINS_BEFORE_YIELD 10000    /* there may be fewer processors than threads */

typedef struct worker {
    pthread_t thread;
    lks_cpu_pool *pool;
    uint32_t index;
} worker;

struct lks_cpu_pool {
    _Atomic uint64_t free;
    _Atomic uint32_t done;          /* shares of this job */
    _Atomic uint32_t sleeping;
    _Atomic int ends;
    lks_cpu_work *work;
    void *job;
    uint32_t shares;

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

/* Take shares and do them until none is left. */
static void take_shares(lks_cpu_pool *p, uint32_t thread)
{
    uint64_t now = atomic_load_explicit(&p->free, memory_order_relaxed);

    while ((uint32_t)now != 0) {
        if (!atomic_compare_exchange_weak_explicit(&p->free, &now, now - 1, memory_order_acquire, memory_order_relaxed))
            continue;
        p->work(p->job, p->shares - (uint32_t)now, thread);
        atomic_fetch_add_explicit(&p->done, 1, memory_order_release);
        now = atomic_load_explicit(&p->free, memory_order_relaxed);
    }
}

static int has_work(lks_cpu_pool *p)
{
    return (uint32_t)atomic_load(&p->free) != 0 || atomic_load(&p->ends);
}

/* The count of sleepers is raised before the last look, and lks_cpu_pool_run looks at it after it has put work there. */
static void sleep_until_work(lks_cpu_pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleeping, 1);
    while (!has_work(p))
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleeping, 1);
    pthread_mutex_unlock(&p->lock);
}

static void *work_for_ever(void *argument)
{
    worker *w = argument;

    while (!atomic_load(&w->pool->ends)) {
        for (uint32_t spins = 0; !has_work(w->pool); spins++) {
            if (spins == LKS_CPU_SPINS) {
                sleep_until_work(w->pool);
                break;
            }
            pause_for(spins);
        }
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
    lks_cpu_pool *p = calloc(1, sizeof *p + threads * sizeof p->workers[0]);

    if (!p)
        return NULL;
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
    const uint64_t number = (atomic_load_explicit(&p->free, memory_order_relaxed) >> 32) + 1;

    p->work = work;
    p->job = job;
    p->shares = shares;
    atomic_store_explicit(&p->done, 0, memory_order_relaxed);
    atomic_store(&p->free, number << 32 | shares);
    wake_sleepers(p);
    take_shares(p, 0);
    for (uint32_t spins = 0; atomic_load_explicit(&p->done, memory_order_acquire) != shares; spins++)
        pause_for(spins);
}
