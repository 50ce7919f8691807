/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering: what each op of docs/spec.md becomes among the kernels of spec/op.h.  What the families of ops (lower_*.c) share.
 * 
 * Shapes here leave the batch out where the model is free in it (op.h): lks_first_extent is what remains of axis 0.
 */
#ifndef LKS_HOST_LOWER_H
#define LKS_HOST_LOWER_H

#include "host/op_rules.h"
#include "host/plan.h"

typedef struct lks_lowering {
    const lks_model *m;
    lks_op_view v;                  /* the op that is being lowered */
    lks_lowered *to;
    uint32_t step_room, scratch_room;
    bool failed;                    /* memory ran out, or there are too many steps */
    lks_step spare;                 /* what lks_add_step gives then */
} lks_lowering;

typedef struct lks_lowering_row {
    uint32_t kind;                  /* 0 ends the rows of a family */
    void (*lower)(lks_lowering *l);
} lks_lowering_row;

extern const lks_lowering_row lks_linear_lowerings[], lks_conv_lowerings[], lks_element_lowerings[], lks_reduce_lowerings[],
    lks_move_lowerings[], lks_state_lowerings[];

/*
 * Add a step.  It has the first two operands that are activations as x and x2, the first output as y, and no arguments.  Good
 * until the next one is added.  Never NULL.
 */
lks_step *lks_add_step(lks_lowering *l, lks_kernel kernel);

/* The values of the first two operands, where they are constant int8. */
void lks_set_operand_data(const lks_lowering *l, lks_step *s);

/* Add an activation of that many storage bytes per image, which only steps know: its index in the plan. */
int32_t lks_add_scratch(lks_lowering *l, uint64_t image_bytes);

/* The same, as the state of a step: it lasts from run to run, and is of int16. */
void lks_add_state(lks_lowering *l, lks_step *s, uint64_t elements);

/*
 * Constants for steps, which live as long as the plan; all zero, aligned for any type.  NULL: memory ran out; then nothing need
 * be filled in.
 */
void *lks_add_constants(lks_lowering *l, size_t bytes);

/* The extent of axis 0 that the shapes of op.h still show. */
int32_t lks_first_extent(const lks_lowering *l, const lks_tensor *t);

/* All elements of t but the batch. */
int32_t lks_image_elements(const lks_lowering *l, const lks_tensor *t);

/* The shape of t as six extents, 1 beyond the rank, the batch left out. */
void lks_image_dims(const lks_lowering *l, const lks_tensor *t, int32_t dims[LKS_MAX_RANK]);

#endif
