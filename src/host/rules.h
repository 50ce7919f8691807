/* SPDX-License-Identifier: Apache-2.0
 *
 * What the rules of all ops (rules_*.c) share.
 */
#ifndef LKS_HOST_RULES_H
#define LKS_HOST_RULES_H

#include "host/op_rules.h"

/* The rows of each family of ops; a row of kind 0 ends them. */
extern const lks_op_rule lks_linear_rules[], lks_element_rules[], lks_reduce_rules[], lks_move_rules[], lks_state_rules[];

/* ---- arguments ----------------------------------------------------------------------------------------------------------- */

#define BYTE(name) { name, -128, 127 }
#define STRIDE(name) { name, 1, 65535 }
#define WORD(name) { name, LKS_INT32_MIN, LKS_INT32_MAX }
#define PADS { "pad_top", 0, LKS_INT32_MAX }, { "pad_bottom", 0, LKS_INT32_MAX }, { "pad_left", 0, LKS_INT32_MAX }, \
             { "pad_right", 0, LKS_INT32_MAX }
#define RANGE BYTE("y_min"), BYTE("y_max")
#define ROUNDING { "rounding", LKS_HALF_UP, LKS_TFLITE }
#define COUNT(name) { name, 0, 1 << 24 }

/* ---- refusing ------------------------------------------------------------------------------------------------------------ */

/* LKS_ERR_ILLEGAL, with file, op and what is wrong. */
lks_status lks_illegal(const lks_op_view *v, const char *what, const char *why);

/* ---- shapes -------------------------------------------------------------------------------------------------------------- */

lks_status lks_expect_shape(const lks_op_view *v, const lks_tensor *t, const char *what, uint32_t rank, const uint32_t *dims);
lks_status lks_expect_constant(const lks_op_view *v, uint32_t operand, const char *what, lks_type type, uint32_t rank);

/* y has the shape of operand 0. */
lks_status lks_same_shape(const lks_op_view *v);

/* The extent of axis i of a y of that rank in t, which is broadcast: aligned at the last axis. */
uint32_t lks_aligned_extent(const lks_tensor *t, uint32_t rank, uint32_t i);

/* Operand 0 is an image. */
lks_status lks_check_image(const lks_op_view *v);

/* One axis of a window: its input and output extent, and what slides over it.  spec 4.1 */
typedef struct lks_axis {
    const char *name;
    uint32_t in;
    int32_t kernel, dilation, stride, before, after;
} lks_axis;

/* 0: does not fit; the error is filled in. */
uint32_t lks_window_extent(const lks_op_view *v, const lks_axis *a);

/* ---- bounds -------------------------------------------------------------------------------------------------------------- */

/* The largest |x - zero| of an int8 x. */
uint64_t lks_max_distance(int32_t zero);

/* What is wrong with a multiplier; NULL: nothing.  spec 3.1 */
const char *lks_rq_fault(lks_rq rq, int32_t rounding);

/* spec 3.2: an accumulator with that bound may be requantized.  Raises op->bound. */
lks_status lks_prove_requant(const lks_op_view *v, uint64_t bound, lks_rq rq, int32_t rounding, uint32_t channel);

/* ---- batch and cost ------------------------------------------------------------------------------------------------------ */

/* Whether an operand that is broadcast lets axis 0 of y pass.  spec 4.3 */
bool lks_operand_free(const lks_tensor *t, const lks_tensor *y);

bool lks_same_first_extent(const lks_op_view *v);
uint64_t lks_per_output(const lks_op_view *v);
uint64_t lks_per_input(const lks_op_view *v);

#endif
