/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host side of the CUDA backend asks of each kernel family.  One .cu per family fills in one table; all functions but
 * launch are pure and touch no device.
 */
#ifndef LKS_CUDA_FAMILY_H
#define LKS_CUDA_FAMILY_H

#include "spec/backend.h"

#include <cuda_runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What kernels are chosen by: a device, as the host side found it. */
typedef struct lks_cuda_caps {
    int32_t sm;                         /* compute capability: 75, 80, ... */
    int32_t multiprocessors;
    int32_t wgmma;                      /* its tiles may run (device.c): they were asked for, and fit */
    size_t shared_bytes_per_block;      /* the most that a block may ask for */
    size_t memory_bytes;
} lks_cuda_caps;

/* What a launch works on: n images of the shapes in the step, dense.  All pointers are to device memory. */
typedef struct lks_cuda_operands {
    int32_t n;
    const int8_t *x, *x2;               /* activations, or uploaded constants; activations are LKS_ARENA_ALIGN aligned */
    const void *packed;                 /* what pack wrote, uploaded; 256-byte aligned */
    int16_t *state;                     /* NULL: the step has none */
    int8_t *y;                          /* of arg_max: int32 */
    void *workspace;                    /* workspace_bytes, 256-byte aligned, undefined; steps of a stream share it in order */
} lks_cuda_operands;

typedef struct lks_cuda_family {
    /* NULL-terminated: what lks_backend.variant shows.  A variant number below is an index into it. */
    const char *const *variants;

    /* May the variant run this step, with any n?  Each legal step has a variant that may.  NULL: all run every step. */
    int (*supports)(const lks_step *s, uint32_t variant, const lks_cuda_caps *c);

    /* The variant to run, one that supports the step.  Never changes a byte.  NULL: the first of those. */
    uint32_t (*choose)(const lks_step *s, uint32_t max_batch, const lks_cuda_caps *c);

    /*
     * Constants in the layout of the variant.  pack writes every one of packed_bytes bytes; packed is host memory, 16-byte
     * aligned.  Both NULL: there are none.
     */
    size_t (*packed_bytes)(const lks_step *s, uint32_t variant);
    void (*pack)(const lks_step *s, uint32_t variant, void *packed);

    /* Enough for any n from 1 to max_batch.  NULL: none is needed. */
    size_t (*workspace_bytes)(const lks_step *s, uint32_t variant, uint32_t max_batch, const lks_cuda_caps *c);

    /* Enqueue the step on the stream: no allocation, no waiting, no host callback, so that a graph can capture it. */
    cudaError_t (*launch)(const lks_step *s, uint32_t variant, const lks_cuda_operands *t, const lks_cuda_caps *c,
                          cudaStream_t stream);
} lks_cuda_family;

extern const lks_cuda_family lks_cuda_conv, lks_cuda_depthwise, lks_cuda_matmul, lks_cuda_batch_matmul, lks_cuda_binary,
    lks_cuda_lut, lks_cuda_requant, lks_cuda_window_max, lks_cuda_window_sum, lks_cuda_reduce, lks_cuda_softmax, lks_cuda_copy,
    lks_cuda_gather, lks_cuda_bilinear, lks_cuda_arg_max, lks_cuda_lstm, lks_cuda_svdf;

/*
 * Enqueue about amount of such work (spec/backend.h); *done says how much it is.
 *
 * scratch  device memory, 256-byte aligned; COPY copies one half of it onto the other, and reads no more than was set: the caller
 *          sets it before.  At least 1 MiB; beyond the caches of the device to be meaningful.
 */
cudaError_t lks_cuda_exercise(lks_exercise what, uint64_t amount, uint64_t *done, const lks_cuda_caps *c, cudaStream_t stream,
                              void *scratch, size_t scratch_bytes);

#ifdef __cplusplus
}
#endif

#endif
