/* SPDX-License-Identifier: Apache-2.0
 *
 * The machine that the shim pretends to be: its cards, its driver, and what goes wrong with them.
 *
 * Read from the environment when the program starts, so that a whole `lockstep-test` can run on another machine:
 *
 *     LOCKSTEP_SHIM_CARDS    how many cards (default 1)         LOCKSTEP_SHIM_SM      their compute capability (default 90)
 *     LOCKSTEP_SHIM_DRIVER   the CUDA version that the driver speaks, such as 13000; 0: there is no driver
 *     LOCKSTEP_SHIM_IDLE     a kernel whose launches do nothing: shim_machine.idle
 *     LOCKSTEP_SHIM_SWAPPED  a fragment of tensor cores whose registers change places: shim_machine.swapped
 *     LOCKSTEP_SHIM_KERNELS  a file to which the names of all kernels that were launched are appended when the program ends
 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#include "cuda_shim/block.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHIM_CARDS_MAX 4

typedef struct shim_card {
    const char *name;
    int major, minor, multiprocessors;
    size_t memory_bytes, shared_bytes_per_block;
    bool prohibited;            /* nvidia-smi -c PROHIBITED */
    bool wrong;                 /* what is copied from it has a wrong bit */
    bool no_kernels;            /* the build has none for it */
    bool busy;                  /* nvidia-smi -c EXCLUSIVE_PROCESS, and another process has it */
    bool full;                  /* others have all its memory, so that not even a context can be made */
    cudaError_t sticky;         /* a kernel has failed: every call on it says so from then on */
} shim_card;

/* Registers of a fragment that change places with their neighbours, as if a kernel had taken them for each other. */
typedef enum shim_swapped { SWAPPED_NONE, SWAPPED_A, SWAPPED_B, SWAPPED_C, SWAPPED_LDMATRIX, SWAPPED_WGMMA } shim_swapped;

/* Set by a test before it uses the shim, by one thread. */
typedef struct shim_machine {
    int driver;                 /* 13000: CUDA 13.0; 0: none */
    int cards;
    shim_card card[SHIM_CARDS_MAX];
    const char *idle;           /* its launches do nothing, and device memory still holds what freed memory held; NULL: none */
    shim_swapped swapped;
    long fail_malloc;           /* so many calls of cudaMalloc and cudaHostAlloc from now, one has no memory; 0: none */
    long fail_launch;           /* so many executed launches from now, one breaks its card; 0: none */
    long fail_host;             /* so many allocations of src/cuda from now, the host has no memory for one; 0: none */
    long fail_call;             /* so many calls from now, one fails for a reason of its own, and the card is well; 0: none */
} shim_machine;

extern shim_machine shim;

/* As the program starts. */
void shim_reset(void);

/* What was not given back: device and pinned memory, streams, events, graphs, and what src/cuda has allocated on the host. */
long shim_live(void);

/* Count a launch of that kernel, and return how many launches of any there have been. */
uint64_t shim_launch_number(const char *kernel);

/* How often a kernel of that name was launched. */
uint64_t shim_launches_of(const char *kernel);

/* What malloc, calloc and free are in the host side of src/cuda. */
void *shim_host_malloc(size_t bytes);
void *shim_host_calloc(size_t count, size_t bytes);
void shim_host_free(void *p);

/* ---- between the files of the shim --------------------------------------------------------------------------------------- */

/* The current device of this host thread; its card. */
int shim_device(void);
shim_card *shim_current(void);

/* shim_card.sticky, which host threads share. */
cudaError_t shim_sticky(const shim_card *card);
void shim_break(shim_card *card, cudaError_t status);

/* cudaSuccess, or why a call on the current device fails: asked once by each call that can, by destroying ones at their end. */
cudaError_t shim_usable(void);

/* What a call returns: it is also the last error of the thread. */
cudaError_t shim_return(cudaError_t status);

void shim_count_live(long change);

/* Is [p, p + bytes) within one allocation of device memory of that device (-1: of pinned host memory)? */
bool shim_owns(const void *p, size_t bytes, int device);

/* Has a kernel written beside an allocation?  *p: which. */
bool shim_damaged(int device, const void **p, size_t *bytes);

/* Did the function ask for that much dynamic shared memory (cudaFuncSetAttribute) on the device? */
bool shim_shared_allowed(const void *function, int device, size_t bytes);
void shim_allow_shared(const void *function, int device, size_t bytes);

/* Put a launch into a stream; arguments are copied.  What LKS_LAUNCH does. */
cudaError_t shim_enqueue(const shim_launch *launch, cudaStream_t stream);

/* Do what stands in the streams of a device. */
void shim_drain(int device);

/* While a stream of this host thread is captured, nothing may allocate or wait. */
bool shim_capturing(void);

#ifdef __cplusplus
}
#endif

#endif
