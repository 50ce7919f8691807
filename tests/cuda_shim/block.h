/* SPDX-License-Identifier: Apache-2.0
 *
 * One kernel launch on the CPU: its blocks one after the other, the threads of a block as fibers.
 *
 * Each thread runs until it has to wait for others, each warp until all its threads wait for the block.  So one warp is as far
 * ahead of the others as its barriers let it be, and a barrier that is missing shows.  The order of warps and lanes changes from
 * launch to launch and from block to block, in the same way every time the program runs.
 *
 * A thread that breaks a rule (below, beside each function) ends the launch: the reason goes to stderr, and the device has
 * failed.
 */
#ifndef SHIM_BLOCK_H
#define SHIM_BLOCK_H

#include "cuda_shim/cuda_runtime_api.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHIM_WARP 32

/* A launch as a stream keeps it until it is run. */
typedef struct shim_launch {
    const char *kernel;         /* its name; a literal */
    const void *function;       /* its address: what cudaFuncSetAttribute names */
    dim3 grid, block;
    size_t shared_bytes;
    void (*call)(const void *arguments);
    void *arguments;            /* from malloc, owned */
    size_t arguments_bytes;
} shim_launch;

/* Run it now.  What was broken is on stderr. */
cudaError_t shim_run(const shim_launch *launch);

/* ---- where a thread stands: CUDA's built-in variables -------------------------------------------------------------------- */

extern __thread uint3 shim_thread_index, shim_block_index;
extern __thread dim3 shim_block_size, shim_grid_size;

/* Which of the threads of the block it is. */
unsigned shim_thread_number(void);

/* The dynamic shared memory of the block: exactly the bytes of the launch, garbage when a block begins. */
unsigned char *shim_shared(void);

/* A fault where not all of [p, p + bytes) is shared memory of the block. */
void shim_need_shared(const void *p, size_t bytes);

/* The thread breaks a rule: does not return. */
void shim_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- waiting for others.  file, line: the place in the kernel, which all that wait must share ------------------------------ */

/* __syncthreads.  Every thread of the block must come here; one that has returned is missing. */
void shim_barrier(const char *file, int line);

/*
 * Anything else: until ready says so.  Where no thread of the block can go on, that is a deadlock, told with what one waits for.
 */
void shim_wait_until(bool (*ready)(const void *), const void *argument, const char *what, unsigned number);

/* Until every other thread of the block that can go on has done so. */
void shim_let_others_run(void);

typedef enum shim_exchange {
    SHIM_SYNC,          /* __syncwarp */
    SHIM_SHUFFLE, SHIM_SHUFFLE_UP, SHIM_SHUFFLE_DOWN, SHIM_SHUFFLE_XOR,
    SHIM_BALLOT,
    SHIM_LDMATRIX, SHIM_MMA_8816, SHIM_MMA_16832
} shim_exchange;

/* What a lane brings to an exchange, and takes from it. */
typedef struct shim_lane {
    shim_exchange what;
    uint32_t mask;              /* all lanes of it must come, each with the same mask; the matrix operations want all 32 */
    uint32_t value[10];         /* shuffles: one or two words; mma: A, B, C; afterwards the result from value[0] on */
    int32_t words, argument, width;     /* of a shuffle; words: also how many 8x8 matrices ldmatrix loads */
    const void *row;            /* ldmatrix: 16 bytes of shared memory */
    const char *file;
    int line;
} shim_lane;

/* A shuffle must not read from a lane outside the mask. */
void shim_exchange_lanes(shim_lane *mine);

/* ---- asynchronous copies: the target holds garbage from issue to wait ------------------------------------------------------ */

/* bytes: 4, 8 or 16, to shared memory; both addresses aligned to it.  from_bytes of them are read, the rest is zero. */
void shim_copy_async(void *to, const void *from, size_t bytes, size_t from_bytes);
void shim_copy_commit(void);

/* Of the committed groups of this thread all but the last `pending` land. */
void shim_copy_wait(int pending);

#ifdef __cplusplus
}
#endif

#endif
