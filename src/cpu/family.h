/* SPDX-License-Identifier: Apache-2.0
 *
 * What a kernel family of this backend is to the part that runs plans: how its constants are packed, into how many pieces its
 * work falls, and how some of those pieces are done.
 */
#ifndef LKS_CPU_FAMILY_H
#define LKS_CPU_FAMILY_H

#include "cpu/isa.h"
#include "spec/backend.h"

#include <stddef.h>

/*
 * Readable bytes behind every buffer that kernels read: arena, constants, packed constants and scratch.  A vector may be loaded
 * where only its first bytes count.
 */
#define LKS_CPU_SLACK 64

/* One step at work, the same for all threads.  n, x, x2, y, state: as in the reference (spec/op.h). */
typedef struct lks_cpu_call {
    const lks_step *step;
    const lks_kernel_args *args;    /* those of the step */
    const lks_cpu_isa *isa;
    const void *packed;             /* what pack wrote; LKS_ARENA_ALIGN aligned */
    int32_t n;
    const int8_t *x, *x2;
    int8_t *y;                      /* of arg_max: int32; of lstm: int16 */
    int16_t *state;
    const lks_cpu_pair *fused;      /* the addition behind the tail; NULL: there is none */
    const int8_t *next;             /* constants of the next step, the first of them: worth bringing nearer; NULL: it has none */
    size_t next_bytes;
    const int8_t *x_end;            /* first byte behind x; what lies there may be written by other threads */
} lks_cpu_call;

/*
 * Units are pieces of the output that depend on no other unit: any thread may do any of them, in any order.  Their number depends
 * on shapes and n, never on threads.
 */
typedef struct lks_cpu_family {
    size_t (*packed_bytes)(const lks_step *s, const lks_cpu_isa *isa);          /* NULL: it packs nothing */
    void (*pack)(const lks_step *s, const lks_cpu_isa *isa, void *packed);
    size_t (*scratch_bytes)(const lks_step *s, const lks_cpu_isa *isa);         /* per thread; NULL: none */
    int64_t (*units)(const lks_cpu_call *c);
    int64_t (*unit_work)(const lks_cpu_call *c);    /* about how many nanoseconds one takes; at least 1 */
    void (*run)(const lks_cpu_call *c, int64_t first, int64_t end, void *scratch);  /* scratch: LKS_ARENA_ALIGN aligned */
} lks_cpu_family;

extern const lks_cpu_family lks_cpu_conv, lks_cpu_depthwise, lks_cpu_matmul, lks_cpu_batch_matmul, lks_cpu_binary, lks_cpu_lut,
    lks_cpu_requant, lks_cpu_window_max, lks_cpu_window_sum, lks_cpu_reduce, lks_cpu_softmax, lks_cpu_copy, lks_cpu_gather,
    lks_cpu_bilinear, lks_cpu_arg_max, lks_cpu_lstm, lks_cpu_svdf;

static inline size_t lks_cpu_align(size_t bytes)
{
    return (bytes + LKS_ARENA_ALIGN - 1) & ~(size_t)(LKS_ARENA_ALIGN - 1);
}

static inline int64_t lks_cpu_min(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t lks_cpu_max(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Find out how pairs of these operands are made, for isa->pairs: at build, for it takes a millisecond. */
lks_cpu_pair lks_cpu_pair_of(const lks_pair *pair);

/*
 * What fusing put behind a tail, on count adjacent outputs at y: the addition of x2, then the table, as far as the step has them.
 * x2 is aligned with y: the same elements of the other operand.
 */
void lks_cpu_finish_fused(const lks_cpu_call *c, const lks_fused *fused, int8_t *y, const int8_t *x2, size_t count);

#endif
