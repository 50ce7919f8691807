/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model to what a backend is given: kernels in order (lower*.c, fuse.c), and a place in one arena for each activation
 * (plan.c).
 */
#ifndef LKS_HOST_PLAN_H
#define LKS_HOST_PLAN_H

#include "host/model.h"
#include "spec/backend.h"

typedef struct lks_plan_options {
    uint32_t max_batch;     /* in images: lks_model_images */
    int keep;
    uint32_t fusions;       /* LKS_FUSE_...; none are made in a plan that keeps */
    size_t guard_bytes;     /* a multiple of LKS_ARENA_ALIGN */
} lks_plan_options;

/*
 * Make the plan of a model.
 *
 * LKS_OK         *plan is the caller's; the model outlives it.
 * LKS_ERR_LIMIT  the arena would not fit the address space, or there would be more than LKS_MAX_STEPS steps.  LKS_ERR_NOMEM.
 */
lks_status lks_plan_make(const lks_model *model, const lks_plan_options *options, lks_plan **plan, lks_error *error);

/* NULL is allowed. */
void lks_plan_free(lks_plan *plan);

/* ---- lowering ------------------------------------------------------------------------------------------------------------ */

typedef struct lks_constants lks_constants;

/* A transposed conv becomes up to 2048 steps, so that a small file must not become a plan that fills the memory. */
#define LKS_MAX_STEPS (1u << 18)

/* What ops become: steps in order, and what only these know. */
typedef struct lks_lowered {
    lks_step *steps;
    uint32_t step_count;
    uint64_t *scratch_bytes;        /* of one image of each activation behind those of the model */
    uint32_t scratch_count;
    lks_constants *constants;       /* what steps point to and the model does not have */
} lks_lowered;

/*
 * Lower all ops of a model.
 *
 * LKS_OK: *lowered is the caller's; the model outlives it.  LKS_ERR_NOMEM, LKS_ERR_LIMIT (too many steps): there is nothing to
 * free.
 */
lks_status lks_lower(const lks_model *model, lks_lowered *lowered);
void lks_lowered_free(lks_lowered *lowered);

#endif
