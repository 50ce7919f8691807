/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of docs/spec.md section 4, one row per op: counts, argument ranges, shape, bound, batch, cost.
 */
#ifndef LKS_HOST_OP_RULES_H
#define LKS_HOST_OP_RULES_H

#include "host/model.h"

#include <stdbool.h>

/* The most operands of an op with a fixed number of them. */
#define LKS_VIEW_OPERANDS 6

/* An op with its tensors at hand. */
typedef struct lks_op_view {
    const char *file;               /* for errors */
    uint32_t index;
    lks_op *op;
    const lks_graph *graph;
    const lks_tensor *in[LKS_VIEW_OPERANDS];    /* the first operands; NULL beyond those of the op */
    const lks_tensor *y;                        /* the first output */
    lks_error *error;
} lks_op_view;

/* Operand i, output i of an op that has any number of them. */
const lks_tensor *lks_operand(const lks_op_view *v, uint32_t i);
const lks_tensor *lks_result(const lks_op_view *v, uint32_t i);

/* One argument word: its name in the spec, and its range. */
typedef struct lks_arg_rule {
    const char *name;
    int32_t lo, hi;
} lks_arg_rule;

#define LKS_ANY_COUNT 0u
#define LKS_ANY_TYPE ((lks_type)0)

/* Of an op that takes activations of any storage type, and makes one of the same. */
#define LKS_SAME_TYPE ((lks_type)0x7f)

typedef struct lks_op_rule {
    uint32_t kind;
    const char *name;
    uint32_t operand_count, output_count, arg_count;    /* LKS_ANY_COUNT: 1 .. LKS_MAX_ENDS */
    const lks_arg_rule *args;
    int rounding;                                   /* the index of the argument `rounding`; -1: the op has none */
    lks_status (*check)(const lks_op_view *v);      /* limits and shape; called when args are in range */
    lks_status (*prove)(const lks_op_view *v);      /* the bound law; sets op->bound.  NULL: no accumulator */
    bool (*batch_free)(const lks_op_view *v);       /* NULL: always */
    uint64_t (*macs)(const lks_op_view *v);         /* NULL: none */
    uint64_t (*element_ops)(const lks_op_view *v);
    lks_type x_type, y_type;                        /* storage of its activations, in and out; LKS_ANY_TYPE: check looks at it */
} lks_op_rule;

/* NULL: no op has that number. */
const lks_op_rule *lks_op_rule_of(uint32_t kind);

/* The op of a graph whose indices are in range. */
lks_op_view lks_view_op(const lks_graph *g, uint32_t index, const char *file, lks_error *error);

/* The bytes of what an op keeps from run to run, at the model's own batch; 0: nothing.  spec 5 */
uint64_t lks_op_state_bytes(const lks_op_view *v);

/*
 * Hold one op against spec 4: argument ranges, operand types, shapes.
 *
 * LKS_ERR_ILLEGAL: the error names file, op, and what is wrong.
 */
lks_status lks_op_check(const lks_op_view *v);

/*
 * Hold a checked op against the bound law (spec 3.2), and set op->bound.  Takes time in proportion to the weights of the op,
 * which is never more than its MACs: so limits of work come first.
 */
lks_status lks_op_prove(const lks_op_view *v);

#endif
