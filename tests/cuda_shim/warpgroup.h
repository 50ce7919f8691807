/* SPDX-License-Identifier: Apache-2.0
 *
 * What sm_90 has besides: barriers in shared memory, barriers of some threads, bulk copies, and wgmma.  Meanings are those of the
 * PTX ISA (mbarrier; bar; cp.async.bulk; asynchronous warpgroup level matrix instructions).
 *
 * What it is stricter in than a card: a bulk copy lands as late as possible, or a little earlier, and its target holds garbage
 * until then; accumulators hold garbage until the wait; operands that change between a product and its wait are a fault, and so
 * are operands that were copied in without a fence, warps that disagree about a product, and what is in flight when a block ends.
 */
#ifndef SHIM_WARPGROUP_H
#define SHIM_WARPGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where shared memory begins in the addresses of instructions: behind what the system keeps of it. */
#define SHIM_SHARED_WINDOW 1024u

uint32_t shim_shared_address(const void *shared);

/* bar.sync: number from 1 to 15, threads a multiple of 32. */
void shim_sync_some(int32_t number, int32_t threads);

void shim_barrier_init(uint64_t *barrier, uint32_t count);

/* expect: bytes of copies that the phase is to wait for besides. */
void shim_barrier_arrive(uint64_t *barrier, uint32_t expect);
void shim_barrier_wait(uint64_t *barrier, uint32_t parity);

void shim_copy_bulk(void *shared, const void *global, uint32_t bytes, uint64_t *barrier);

/* fence.proxy.async */
void shim_fence_async(void);

void shim_wgmma_fence(void);
void shim_wgmma_commit(void);
void shim_wgmma_wait(int pending);

/* wgmma.mma_async.m64nNk32.s32.s8.s8 for one thread: columns / 2 accumulators. */
void shim_wgmma(uint32_t *d, int columns, uint64_t a, uint64_t b);

/* ---- for block.c --------------------------------------------------------------------------------------------------------- */

void shim_warpgroup_begin(void);

/* NULL, or what the block has left undone. */
const char *shim_warpgroup_end(void);

void shim_warpgroup_free(void);

/* Of the thread that runs: 16 bytes that were copied asynchronously, one by one, have landed there. */
void shim_landed(const void *shared);

/* Does a bulk copy land?  random: which. */
bool shim_land_copy(uint64_t random);

#ifdef __cplusplus
}
#endif

#endif
