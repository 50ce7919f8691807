/* SPDX-License-Identifier: Apache-2.0
 *
 * Backends that are wrong on purpose, so that a check that misses them is known to be broken.  One implementation serves all: it
 * is the reference, in which a fault changes steps when a program is built, or runs steps its own way.
 */
#ifndef LKS_FAULTY_H
#define LKS_FAULTY_H

#include "spec/backend.h"

/* One step of one run. */
typedef struct faulty_call {
    const lks_plan *plan;
    const lks_step *step;
    int8_t *arena;
    uint32_t n;
    uint64_t run;               /* of its stream, from 1 */
    uint32_t device;
    int last;                   /* of the steps of the plan */
} faulty_call;

/* What is wrong with a backend.  What is NULL is as in the reference. */
typedef struct fault {
    const char *what;
    int right;                  /* nothing is */
    uint32_t devices;           /* 0 means 1 */
    const char *wrong_variant;  /* step is used only where this variant was asked for; NULL: always */
    lks_status (*open)(uint32_t device, lks_error *error);
    void (*prepare)(lks_step *step);                                        /* when a program is built */
    void (*step)(const faulty_call *c);
    lks_status (*run)(uint32_t device, uint64_t run, lks_error *error);     /* before the steps */
} fault;

extern const fault faulty_flip, faulty_tile, faulty_table, faulty_variant, faulty_saturate, faulty_fp32, faulty_ties,
    faulty_round, faulty_average, faulty_softmax, faulty_stale, faulty_pad, faulty_border, faulty_batch, faulty_skip,
    faulty_overrun, faulty_flaky, faulty_refuse, faulty_lost, faulty_order, faulty_fused;

/* ---- linear kernels with a flaw (linear.c) ------------------------------------------------------------------------------- */

typedef enum linear_flaw { FLAW_SATURATE, FLAW_FP32, FLAW_HALF_DOWN, FLAW_SINGLE_ROUNDING } linear_flaw;

/* A step of kernel conv, depthwise or matmul. */
void faulty_linear(const faulty_call *c, linear_flaw flaw);

#endif
