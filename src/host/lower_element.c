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

static void lower_add(lks_lowering *l)
{
    const lks_add_args *p = &l->v.op->args.add;
    const lks_tensor *a = l->v.in[0], *b = l->v.in[1];
    lks_step *s = lks_add_step(l, LKS_KERNEL_BINARY);
    lks_binary *k = &s->args.binary;

    *k = (lks_binary){
        .a_image = a->constant ? 0 : lks_image_elements(l, a), .b_image = b->constant ? 0 : lks_image_elements(l, b),
        .add = {
            .a_zero = p->a_zero, .b_zero = p->b_zero, .left_shift = p->left_shift,
            .a_rq = { p->a_m, p->a_s }, .b_rq = { p->b_m, p->b_s }, .rq = { p->m, p->s },
            .tail = { p->y_zero, p->y_min, p->y_max, p->rounding }
        }
    };
    lks_image_dims(l, l->v.y, k->dims);
    broadcast_strides(a, l->v.y, k->a_stride);
    broadcast_strides(b, l->v.y, k->b_stride);
    lks_set_operand_data(l, s);
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
    int8_t *table = lks_add_constants(l, LKS_TABLE_SIZE);

    for (int32_t x = -128; table && x < 128; x++)
        table[x + 128] = lks_finish(x - a->x_zero, rq, tail);
    add_table(l, table);
}

const lks_lowering_row lks_element_lowerings[] = {
    { LKS_OP_ADD, lower_add },
    { LKS_OP_REQUANT, lower_requant },
    { LKS_OP_LUT, lower_lut },
    { 0 }
};
