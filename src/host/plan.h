/* SPDX-License-Identifier: Apache-2.0
 *
 * From a model to what a backend is given: kernels in order (lower.c, fuse.c), and a place in one arena for each activation (plan.c).
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
 * LKS_ERR_LIMIT  the arena would not fit the address space.  LKS_ERR_NOMEM.
 */
lks_status lks_plan_make(const lks_model *model, const lks_plan_options *options, lks_plan **plan, lks_error *error);

/* NULL is allowed. */
void lks_plan_free(lks_plan *plan);

/*
 * Lower one op to its kernel.
 *
 * tables  room for the table that the kernel may need, LKS_TABLE_SIZE int32, which the step will point to.
 */
void lks_lower(const lks_model *model, uint32_t op, lks_step *step, int32_t *tables);

#endif
