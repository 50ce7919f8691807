/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share work out.  They spin for a while, since waking one takes longer than most steps of a model, and then sleep.
 */
#ifndef LKS_CPU_POOL_H
#define LKS_CPU_POOL_H

#include <stdint.h>

typedef struct lks_cpu_pool lks_cpu_pool;

/* Shares first to end - 1 of a job, on thread 0 (the caller of lks_cpu_pool_run) or 1, 2, ... */
typedef void lks_cpu_work(void *job, uint32_t first, uint32_t end, uint32_t thread);

#define LKS_CPU_MAX_THREADS 1024

/* The processors that this process may use, at least 1. */
uint32_t lks_cpu_processors(void);

/* threads: from 1 to LKS_CPU_MAX_THREADS, the caller's included.  NULL: no memory, or the system starts no more threads. */
lks_cpu_pool *lks_cpu_pool_open(uint32_t threads);
void lks_cpu_pool_close(lks_cpu_pool *pool);

/* A pool works for one caller at a time.  0: it works for another one, who should not be waited for. */
int lks_cpu_pool_take(lks_cpu_pool *pool);
void lks_cpu_pool_leave(lks_cpu_pool *pool);

/* Do shares 0 to shares - 1, in any order, on any threads, and return when all are done.  The pool is taken. */
void lks_cpu_pool_run(lks_cpu_pool *pool, lks_cpu_work *work, void *job, uint32_t shares);

#endif
