/* SPDX-License-Identifier: Apache-2.0
 *
 * The host side of the CUDA backend, between its files:
 *
 *     device.c      which cards there are, why one is refused, opening
 *     self_check.c  what a card must compute before it is taken
 *     program.c     a plan as packed constants in device memory, and a variant for each step
 *     stream.c      arena, staging, and the steps as a graph
 *     family.h      what each .cu file gives
 */
#ifndef LKS_CUDA_HOST_H
#define LKS_CUDA_HOST_H

#include "cuda/family.h"
#include "cuda/ranges.h"

#include <pthread.h>

/* The tests build the same sources under another name, on a runtime that needs no card. */
#ifndef LKS_CUDA_NAME
#define LKS_CUDA_NAME "cuda"
#endif

/* ---- devices (device.c) -------------------------------------------------------------------------------------------------- */

/* Immutable once it is open, but for the memory of exercises. */
struct lks_device_handle {
    uint32_t index;
    int no_graph;
    lks_cuda_caps caps;
    lks_cuda_ranges *ranges;        /* of profilers */
    pthread_mutex_t lock;           /* of what follows; held by an exercise */
    void *scratch;                  /* device memory; NULL before the first exercise */
    size_t scratch_bytes;
};

lks_status lks_cuda_describe(uint32_t i, lks_device_info *info);
lks_status lks_cuda_open(uint32_t i, const lks_context_options *options, lks_device_handle **device, lks_error *error);
void lks_cuda_close(lks_device_handle *device);

/*
 * Make the device that of the calling thread, and forget an error that an earlier call left there.  Every call of the contract
 * begins with it.
 *
 * LKS_ERR_DEVICE  a kernel has failed on it before: this process cannot use it any more, others can.
 */
lks_status lks_cuda_enter(const lks_device_handle *device, lks_error *error);

/* Fill in the error.  LKS_ERR_NOMEM where the device has no memory left, else LKS_ERR_DEVICE. */
lks_status lks_cuda_fail(const lks_device_handle *device, const char *doing, cudaError_t e, lks_error *error);

lks_status lks_cuda_no_memory(const lks_device_handle *device, size_t bytes, lks_error *error);

/* NULL (*p) where bytes is 0. */
lks_status lks_cuda_allocate(const lks_device_handle *device, void **p, size_t bytes, lks_error *error);

lks_status lks_cuda_do_exercise(lks_device_handle *device, lks_exercise what, uint64_t amount, uint64_t *done, lks_error *error);

/* ---- the self-check (self_check.c) --------------------------------------------------------------------------------------- */

/* LKS_ERR_DEVICE: the card computes something else than the law says, in this variant of that kernel. */
lks_status lks_cuda_self_check(lks_device_handle *device, lks_error *error);

/* ---- programs (program.c) ------------------------------------------------------------------------------------------------ */

#define LKS_CUDA_LABEL_SIZE 64

/* A step as the program runs it.  Offsets are into the constants. */
typedef struct lks_cuda_step {
    const lks_cuda_family *family;
    uint32_t variant;
    size_t packed, x_data, x2_data;
    char label[LKS_CUDA_LABEL_SIZE];        /* for profilers */
} lks_cuda_step;

/* Immutable. */
struct lks_program {
    lks_device_handle *device;
    const lks_plan *plan;
    lks_cuda_step *steps;
    size_t constants_bytes, workspace_bytes;
    uint8_t *constants;         /* device memory */
};

const lks_cuda_family *lks_cuda_family_of(lks_kernel kernel);

/* family.h, NULL included. */
static inline int lks_cuda_supports(const lks_cuda_family *f, const lks_step *s, uint32_t variant, const lks_cuda_caps *c)
{
    return !f->supports || f->supports(s, variant, c);
}

const char *lks_cuda_variant(lks_device_handle *device, lks_kernel kernel, uint32_t i);
lks_status lks_cuda_build(lks_device_handle *device, const lks_plan *plan, const char *variant, lks_program **program,
                          lks_error *error);
void lks_cuda_destroy(lks_program *program);

/* ---- streams (stream.c) -------------------------------------------------------------------------------------------------- */

lks_status lks_cuda_stream_open(lks_program *program, lks_stream **stream, lks_error *error);
void lks_cuda_stream_close(lks_stream *stream);
lks_status lks_cuda_write(lks_stream *stream, size_t offset, const void *data, size_t bytes, lks_error *error);
lks_status lks_cuda_run(lks_stream *stream, uint32_t n, lks_error *error);
lks_status lks_cuda_wait(lks_stream *stream, lks_error *error);
lks_status lks_cuda_read(lks_stream *stream, size_t offset, void *data, size_t bytes, lks_error *error);

#endif
