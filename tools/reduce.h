/* SPDX-License-Identifier: Apache-2.0
 *
 * Shrinking a model on which a device differs from cpu_ref to the smallest part that shows it, and writing that as a capsule.
 */
#ifndef LOCKSTEP_TOOLS_REDUCE_H
#define LOCKSTEP_TOOLS_REDUCE_H

#include "tools/capsule.h"
#include "tools/trace.h"

/* A run on which a device differed. */
typedef struct reduce_failure {
    lks_model *model;
    const device *device;
    const char *variant;            /* NULL: the backend chooses */
    const char *case_name;
    uint32_t batch;
    const uint8_t *inputs;          /* of all model inputs at that batch, one behind the other */
    uint32_t op;                    /* the first that differed */
} reduce_failure;

/* What was written. */
typedef struct reduction {
    const char *path;
    uint32_t ops, of_ops;           /* in the capsule, and in the model */
    uint32_t batch, of_batch;
    uint32_t op;                    /* of the original model, the first that differs in the capsule */
    uint32_t tries;
} reduction;

/*
 * Write a capsule: of the whole model, or, where shrink is set, of the fewest ops and images that the search finds.  The search
 * is deterministic and makes at most REDUCE_TRIES_MAX tries, each up to REDUCE_RUNS runs with kept intermediates and so many
 * without.
 *
 * false: the difference did not show again, or something failed; nothing was written.
 */
#define REDUCE_TRIES_MAX 300
#define REDUCE_RUNS 4           /* of each session, here and in a replay: some faults come only with a later run */
bool reduce_write(const reduce_failure *failure, bool shrink, const char *path, reduction *done, lks_error *error);

#endif
