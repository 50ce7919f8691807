/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that work element by element.
 */
#include "host/lower.h"

#include "spec/arith.h"

#include <string.h>

/* How far t moves for a step along each axis of y: 0 where it is broadcast. */
static void broadcast_strides(const lks_tensor *t, const lks_tensor *y, int32_t stride[LKS_MAX_RANK])
{
    int32_t elements = 1;

    memset(stride, 0, LKS_MAX_RANK * sizeof stride[0]);
    for (uint32_t i = t->rank; i-- > 0;) {
        stride[i + y->rank - t->rank] = t->dims[i] == 1 ? 0 : elements;
        elements *= (int32_t)t->dims[i];
    }
}

/* Operands 0 and 1, each an activation or a constant. */
static void add_pair(lks_lowering *l, lks_pair pair)
{
    const lks_tensor *a = l->v.in[0], *b = l->v.in[1];
    lks_step *s = lks_add_step(l, LKS_KERNEL_BINARY);
    lks_binary *k = &s->args.binary;

    *k = (lks_binary){
        .a_image = a->constant ? 0 : lks_image_elements(l, a), .b_image = b->constant ? 0 : lks_image_elements(l, b),
        .pair = pair
    };
    lks_image_dims(l, l->v.y, k->dims);
    broadcast_strides(a, l->v.y, k->a_stride);
    broadcast_strides(b, l->v.y, k->b_stride);
    lks_set_operand_data(l, s);
}

/* add and sub */
static void lower_add(lks_lowering *l)
{
    const lks_add_args *p = &l->v.op->args.add;

    add_pair(l, (lks_pair){
        .kind = LKS_BINARY_ADD,
        .add = {
            .a_zero = p->a_zero, .b_zero = p->b_zero, .left_shift = p->left_shift, .subtracts = l->v.op->kind == LKS_OP_SUB,
            .a_rq = { p->a_m, p->a_s }, .b_rq = { p->b_m, p->b_s }, .rq = { p->m, p->s },
            .tail = { p->y_zero, p->y_min, p->y_max, p->rounding }
        }
    });
}

static void lower_mul(lks_lowering *l)
{
    const lks_mul_args *p = &l->v.op->args.mul;

    add_pair(l, (lks_pair){
        .kind = LKS_BINARY_MUL,
        .mul = {
            .a_zero = p->a_zero, .b_zero = p->b_zero, .rq = { p->m, p->s },
            .tail = { p->y_zero, p->y_min, p->y_max, p->rounding }
        }
    });
}

/* y = table[x + 128]; NULL: memory ran out, as l knows. */
static void add_table(lks_lowering *l, const int8_t *table)
{
    lks_step *s = lks_add_step(l, LKS_KERNEL_LUT);

    s->args.lut.count = lks_image_elements(l, l->v.y);
    s->table = table;
}

static void lower_lut(lks_lowering *l)
{
    add_table(l, l->v.in[1]->data);
}

/* An int8 has 256 values: its requantization is a table. */
static void lower_requant(lks_lowering *l)
{
    const lks_requant_args *a = &l->v.op->args.requant;
    const lks_tail tail = { a->y_zero, a->y_min, a->y_max, a->rounding };
    const lks_rq rq = { a->m, a->s };

    if (l->v.in[0]->type == LKS_I16) {
        lks_add_step(l, LKS_KERNEL_REQUANT)->args.requant
            = (lks_requantization){ lks_image_elements(l, l->v.y), a->x_zero, rq, tail };
        return;
    }

    int8_t *table = lks_add_constants(l, LKS_TABLE_SIZE);

    for (int32_t x = -128; table && x < 128; x++)
        table[x + 128] = lks_finish(x - a->x_zero, rq, tail);
    add_table(l, table);
}

static void lower_clamp(lks_lowering *l)
{
    const lks_clamp_args *a = &l->v.op->args.clamp;
    int8_t *table = lks_add_constants(l, LKS_TABLE_SIZE);

    for (int32_t x = -128; table && x < 128; x++)
        table[x + 128] = (int8_t)lks_clamp(x, a->y_min, a->y_max);
    add_table(l, table);
}

/* With one slope for all elements it is a table. */
static void lower_prelu(lks_lowering *l)
{
    const lks_prelu_args *a = &l->v.op->args.prelu;
    const lks_tensor *slope = l->v.in[1];
    const lks_multiplication product = {
        .a_zero = a->x_zero, .b_zero = a->slope_zero, .rq = { a->m, a->s }, .positive = { a->positive_m, a->positive_s },
        .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    int8_t *table;

    if (slope->elements > 1) {
        add_pair(l, (lks_pair){ .kind = LKS_BINARY_PRELU, .mul = product });
        return;
    }
    table = lks_add_constants(l, LKS_TABLE_SIZE);
    for (int32_t x = -128; table && x < 128; x++)
        table[x + 128] = lks_prelu(x, *(const int8_t *)slope->data, product);
    add_table(l, table);
}

const lks_lowering_row lks_element_lowerings[] = {
    { LKS_OP_ADD, lower_add },
    { LKS_OP_SUB, lower_add },
    { LKS_OP_MUL, lower_mul },
    { LKS_OP_REQUANT, lower_requant },
    { LKS_OP_LUT, lower_lut },
    { LKS_OP_CLAMP, lower_clamp },
    { LKS_OP_PRELU, lower_prelu },
    { 0 }
};
