/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of docs/spec.md section 4: finding the row of an op (rules_*.c), and holding an op against it.
 */
#include "host/op_rules.h"

#include "host/rules.h"

#include <stdio.h>
#include <string.h>

static const lks_op_rule *const families[] = {
    lks_linear_rules, lks_element_rules, lks_reduce_rules, lks_move_rules, lks_state_rules
};

const lks_op_rule *lks_op_rule_of(uint32_t kind)
{
    for (size_t i = 0; kind != 0 && i < sizeof families / sizeof families[0]; i++)
        for (const lks_op_rule *r = families[i]; r->kind != 0; r++)
            if (r->kind == kind)
                return r;
    return NULL;
}

lks_op_view lks_view_op(const lks_graph *g, uint32_t index, const char *file, lks_error *error)
{
    lks_op *op = &g->ops[index];
    lks_op_view v = { .file = file, .index = index, .op = op, .graph = g, .y = &g->tensors[op->output[0]], .error = error };

    for (uint32_t i = 0; i < op->operand_count && i < LKS_VIEW_OPERANDS; i++)
        v.in[i] = &g->tensors[op->operand[i]];
    return v;
}

const lks_tensor *lks_operand(const lks_op_view *v, uint32_t i)
{
    return &v->graph->tensors[v->op->operand[i]];
}

const lks_tensor *lks_result(const lks_op_view *v, uint32_t i)
{
    return &v->graph->tensors[v->op->output[i]];
}

/* Each argument in its range, and y_min, where there is one, not above y_max, which follows it. */
static lks_status check_args(const lks_op_view *v, const lks_op_rule *r)
{
    char why[96];

    for (uint32_t i = 0; i < r->arg_count; i++) {
        int32_t value = v->op->args.word[i];

        if (value < r->args[i].lo || value > r->args[i].hi) {
            snprintf(why, sizeof why, "is %d, and must be in %d .. %d", value, r->args[i].lo, r->args[i].hi);
            return lks_illegal(v, r->args[i].name, why);
        }
        if (strcmp(r->args[i].name, "y_min") == 0 && value > v->op->args.word[i + 1])
            return lks_illegal(v, "y_min", "is above y_max");
    }
    return LKS_OK;
}

/* Every activation that the op reads or makes is stored as it says. */
static lks_status check_types(const lks_op_view *v, const lks_op_rule *r)
{
    const bool same = r->x_type == LKS_SAME_TYPE;
    const lks_type x_type = same ? v->in[0]->type : r->x_type, y_type = same ? x_type : r->y_type;

    for (uint32_t i = 0; i < v->op->operand_count; i++)
        if (!lks_operand(v, i)->constant && x_type != LKS_ANY_TYPE && lks_operand(v, i)->type != x_type)
            return lks_illegal(v, "operands", "an activation is not stored as the op takes it");
    for (uint32_t i = 0; i < v->op->output_count; i++)
        if (lks_result(v, i)->constant || lks_result(v, i)->type != y_type)
            return lks_illegal(v, "y", "is constant, or not stored as the op makes it");
    return LKS_OK;
}

/* Any operand of these may be constant. */
static bool takes_constant_first(uint32_t kind)
{
    return kind == LKS_OP_ADD || kind == LKS_OP_SUB || kind == LKS_OP_MUL || kind == LKS_OP_CONCAT || kind == LKS_OP_BATCH_MATMUL;
}

lks_status lks_op_check(const lks_op_view *v)
{
    const lks_op_rule *r = lks_op_rule_of(v->op->kind);
    lks_status st;

    if (v->in[0]->constant && !takes_constant_first(v->op->kind))
        return lks_illegal(v, "operand 0", "must not be constant");
    if ((st = check_types(v, r)) != LKS_OK) return st;
    if ((st = check_args(v, r)) != LKS_OK) return st;
    return r->check(v);
}

lks_status lks_op_prove(const lks_op_view *v)
{
    const lks_op_rule *r = lks_op_rule_of(v->op->kind);

    v->op->bound = 0;
    return r->prove ? r->prove(v) : LKS_OK;
}
