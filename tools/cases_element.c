/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of the ops that work element by element.
 */
#include "tools/cases_maker.h"

#include <stdlib.h>
#include <string.h>

/* ---- add, sub, mul ------------------------------------------------------------------------------------------------------- */

/* tflite: addends scaled down from (v << left_shift).  The sum of two always stays within int32: 255 << 22 is below 2^30. */
static void draw_tflite(maker *m, lks_add_args *p)
{
    int32_t shift = DRAW(&m->d, 20, 20, 0, 22, (int32_t)draw_below(&m->d, 23));
    lks_rq a = draw_scale(&m->d, LKS_TFLITE, 1, (uint64_t)DRAW(&m->d, 64, 100, 150));
    lks_rq b = draw_scale(&m->d, LKS_TFLITE, 1, (uint64_t)DRAW(&m->d, 64, 100, 150));
    uint64_t bound_a, bound_b;

    a.s = a.s > 0 || draw_one_in(&m->d, 3) ? 0 : a.s;
    b.s = b.s > 0 || draw_one_in(&m->d, 3) ? 0 : b.s;
    bound_a = (uint64_t)lks_requant_tflite(max_distance(p->a_zero) * (1 << shift), a);
    bound_b = (uint64_t)lks_requant_tflite(max_distance(p->b_zero) * (1 << shift), b);

    lks_rq y = draw_scale(&m->d, LKS_TFLITE, bound_a + bound_b, (bound_a + bound_b) / 2);

    *p = (lks_add_args){ p->a_zero, p->b_zero, 0, shift, a.m, a.s, b.m, b.s, y.m, y.s, 0, 0, 0 };
}

/* half_up: signed factors whose sum of products may use all of int32. */
static void draw_half_up(maker *m, lks_add_args *p)
{
    int32_t bits = (int32_t)draw_below(&m->d, 24), most_a = LKS_INT32_MAX / max_distance(p->a_zero), most_b;
    int64_t bound_a, bound_b;
    lks_rq y;

    p->a_m = draw_one_in(&m->d, 8) ? most_a : draw_between(&m->d, 0, most_a >> bits);
    bound_a = (int64_t)p->a_m * max_distance(p->a_zero);
    most_b = (int32_t)((LKS_INT32_MAX - bound_a) / max_distance(p->b_zero));
    p->b_m = draw_one_in(&m->d, 8) ? most_b : draw_one_in(&m->d, 4) ? (p->a_m < most_b ? p->a_m : most_b)
                                                                    : draw_between(&m->d, 0, most_b >> bits);
    bound_b = (int64_t)p->b_m * max_distance(p->b_zero);
    p->a_m = draw_one_in(&m->d, 3) ? -p->a_m : p->a_m;
    p->b_m = draw_one_in(&m->d, 3) ? -p->b_m : p->b_m;
    y = draw_scale(&m->d, LKS_HALF_UP, (uint64_t)(bound_a + bound_b), (uint64_t)(bound_a + bound_b) / 2);
    p->m = y.m;
    p->s = y.s;
}

/* add and sub */
static void draw_addition(maker *m, const int32_t zero[2], lks_add_args *p)
{
    lks_tail t = draw_tail(&m->d);

    *p = (lks_add_args){ .a_zero = zero[0], .b_zero = zero[1] };
    if (t.rounding == LKS_TFLITE)
        draw_tflite(m, p);
    else
        draw_half_up(m, p);
    p->y_zero = t.y_zero;
    p->y_min = t.y_min;
    p->y_max = t.y_max;
    p->rounding = t.rounding;
}

static void draw_product(maker *m, const int32_t zero[2], lks_mul_args *p)
{
    lks_tail t = draw_tail(&m->d);
    lks_rq rq = draw_scale(&m->d, t.rounding, (uint64_t)max_distance(zero[0]) * (uint64_t)max_distance(zero[1]), 5000);

    *p = (lks_mul_args){ zero[0], zero[1], t.y_zero, rq.m, rq.s, t.y_min, t.y_max, t.rounding };
}

flow add_pair(maker *m, uint32_t kind, const flow *a, const flow *b, flow y, bool b_constant)
{
    uint32_t operand[2] = { a->tensor, b_constant ? add_random_constant(m, b) : b->tensor };
    int32_t zero[2] = { draw_x_zero(m, a) };
    lks_op_args args = { .word = { 0 } };

    zero[1] = b_constant ? draw_zero(&m->d) : draw_x_zero(m, b);
    if (b_constant && draw_one_in(&m->d, 2)) {
        uint32_t first = operand[0];

        operand[0] = operand[1];
        operand[1] = first;
    }
    if (kind == LKS_OP_MUL)
        draw_product(m, zero, &args.mul);
    else
        draw_addition(m, zero, &args.add);
    y = add_activation(m, y);
    lks_builder_op(m->b, kind, operand, &y.tensor, &args);
    return y;
}

flow add_add(maker *m, const flow *a, const flow *b, flow y, bool b_constant)
{
    return add_pair(m, LKS_OP_ADD, a, b, y, b_constant);
}

/* Some extents of y become 1, and some leading axes go; same_batch: the first one stays as it is. */
static flow narrowed(maker *m, const flow *y, bool keep_rank, bool same_batch)
{
    uint32_t drop = keep_rank || same_batch || y->rank == 1 ? 0 : draw_below(&m->s, y->rank), dims[LKS_MAX_RANK];

    for (uint32_t i = drop; i < y->rank; i++)
        dims[i - drop] = (i == 0 && same_batch) || !draw_one_in(&m->s, 3) ? y->dims[i] : 1;
    return flow_shape(y->rank - drop, dims);
}

/* The smallest shape that both fit into: what is 1 in both is 1. */
static flow broadcast(const flow *a, const flow *b)
{
    flow y = *a;

    for (uint32_t i = 0; i < b->rank; i++) {
        uint32_t at = a->rank - b->rank + i;

        y.dims[at] = b->dims[i] > y.dims[at] ? b->dims[i] : y.dims[at];
    }
    return flow_shape(y.rank, y.dims);
}

/* Equal shapes, the same tensor twice, broadcasts of either operand, constants. */
static flow make_pair(maker *m, uint32_t op)
{
    flow y = draw_any_shape(m), a, b;
    uint32_t kind = draw_below(&m->s, 8);
    bool constant = kind == 2 || kind == 3, same_batch = draw_one_in(&m->s, 2);

    if (kind < 2 || kind == 7) {
        a = add_input(m, y);
        if (kind == 7)
            return add_pair(m, op, &a, &a, y, false);
        b = add_input(m, y);
        return add_pair(m, op, &a, &b, y, false);
    }
    a = narrowed(m, &y, true, same_batch || constant);
    b = narrowed(m, &y, false, same_batch && !constant);
    if (constant && same_batch && b.rank == y.rank)
        b.dims[0] = 1;
    b = flow_shape(b.rank, b.dims);
    y = broadcast(&a, &b);
    if (kind == 4) {
        flow other = add_input(m, b);

        a = add_input(m, a);
        return add_pair(m, op, &other, &a, y, false);
    }
    a = add_input(m, a);
    b = constant ? b : add_input(m, b);
    return add_pair(m, op, &a, &b, y, constant);
}

flow make_add(maker *m)
{
    return make_pair(m, LKS_OP_ADD);
}

flow make_sub(maker *m)
{
    return make_pair(m, LKS_OP_SUB);
}

flow make_mul(maker *m)
{
    return make_pair(m, LKS_OP_MUL);
}

/* ---- requant, lut, clamp, prelu ------------------------------------------------------------------------------------------ */

flow add_requant(maker *m, const flow *x)
{
    lks_tail t = draw_tail(&m->d);
    int32_t zero = draw_x_zero(m, x);
    const uint64_t widen = x->wide ? 256 : 1, bound = (uint64_t)max_distance(zero) * widen + widen - 1;
    lks_rq rq = draw_scale(&m->d, t.rounding, bound, 90 * widen);

    zero *= (int32_t)widen;

    const lks_op_args a = { .requant = { zero, t.y_zero, rq.m, rq.s, t.y_min, t.y_max, t.rounding } };

    return add_unary(m, LKS_OP_REQUANT, x, flow_shape(x->rank, x->dims), &a);
}

flow make_requant(maker *m)
{
    flow x = draw_any_shape(m);

    x.wide = draw_one_in(&m->s, 3);
    x = add_input(m, x);
    return add_requant(m, &x);
}

flow add_lut(maker *m, const flow *x)
{
    const uint32_t dims[1] = { LKS_TABLE_SIZE };
    const lks_op_args none = { .word = { 0 } };
    int8_t table[LKS_TABLE_SIZE];
    flow y;

    pattern_fill(&m->d, draw_one_in(&m->d, 2) ? PATTERN_RAMP : PATTERN_RANDOM, 0, table, sizeof table);

    uint32_t operand[2] = { x->tensor, add_constant(m, LKS_I8, 1, dims, table) };

    y = add_activation(m, flow_shape(x->rank, x->dims));
    lks_builder_op(m->b, LKS_OP_LUT, operand, &y.tensor, &none);
    return y;
}

flow make_lut(maker *m)
{
    flow x = add_input(m, draw_any_shape(m));

    return add_lut(m, &x);
}

flow add_clamp(maker *m, const flow *x)
{
    int32_t a = draw_zero(&m->d), b = draw_zero(&m->d);
    const lks_op_args args = { .clamp = { a < b ? a : b, a < b ? b : a } };

    return add_unary(m, LKS_OP_CLAMP, x, flow_shape(x->rank, x->dims), &args);
}

flow make_clamp(maker *m)
{
    flow x = add_input(m, draw_any_shape(m));

    return add_clamp(m, &x);
}

/* slope: the shape of the constant. */
flow add_prelu(maker *m, const flow *x, flow slope)
{
    int32_t x_zero = draw_x_zero(m, x), slope_zero = draw_zero(&m->d);
    lks_tail t = draw_tail(&m->d);
    lks_rq positive = draw_scale(&m->d, t.rounding, (uint64_t)max_distance(x_zero), 90);
    lks_rq rq = draw_scale(&m->d, t.rounding, (uint64_t)max_distance(x_zero) * (uint64_t)max_distance(slope_zero), 5000);
    const lks_op_args args = { .prelu = { x_zero, slope_zero, t.y_zero, positive.m, positive.s, rq.m, rq.s, t.y_min, t.y_max,
                                          t.rounding } };
    uint32_t operand[2] = { x->tensor, add_random_constant(m, &slope) };
    flow y = add_activation(m, flow_shape(x->rank, x->dims));

    lks_builder_op(m->b, LKS_OP_PRELU, operand, &y.tensor, &args);
    return y;
}

/* A slope per channel, for all, or of any shape that broadcasts. */
flow make_prelu(maker *m)
{
    flow x = draw_any_shape(m), slope = flow_shape(1, &x.dims[x.rank - 1]);

    if (draw_one_in(&m->s, 3))
        slope = narrowed(m, &x, draw_one_in(&m->s, 2), false);
    if (draw_one_in(&m->s, 2) && slope.rank == x.rank)
        slope.dims[0] = 1;      /* which leaves the batch free */
    slope = flow_shape(slope.rank, slope.dims);
    x = add_input(m, x);
    return add_prelu(m, &x, slope);
}
