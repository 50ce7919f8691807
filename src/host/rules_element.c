/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that work element by element.
 */
#include "host/rules.h"

#include "spec/arith.h"

/* a and b broadcast to y, and are int8, and not both constant. */
static lks_status check_pair(const lks_op_view *v)
{
    const lks_tensor *a = v->in[0], *b = v->in[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank, dims[LKS_MAX_RANK];

    if (a->constant && b->constant)
        return lks_illegal(v, "b", "one of the operands must not be constant");
    if (a->type != LKS_I8 || b->type != LKS_I8)
        return lks_illegal(v, "a, b", "must be int8");
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t da = lks_aligned_extent(a, rank, i), db = lks_aligned_extent(b, rank, i);

        if (da != db && da != 1 && db != 1)
            return lks_illegal(v, "b", "its shape does not broadcast with that of a");
        dims[i] = da > db ? da : db;
    }
    return lks_expect_shape(v, v->y, "y", rank, dims);
}

static lks_status check_add(const lks_op_view *v)
{
    const lks_add_args *p = &v->op->args.add;

    if (p->rounding == LKS_TFLITE && (p->a_s > 0 || p->b_s > 0))
        return lks_illegal(v, "a_s, b_s", "must not be positive");
    if (p->rounding == LKS_HALF_UP && (p->left_shift || p->a_s || p->b_s))
        return lks_illegal(v, "left_shift, a_s, b_s", "must be 0 with half_up");
    return check_pair(v);
}

static lks_status check_requant(const lks_op_view *v)
{
    const lks_type type = v->in[0]->type;
    const int32_t zero = v->op->args.requant.x_zero;

    if (type != LKS_I8 && type != LKS_I16)
        return lks_illegal(v, "x", "must be int8 or int16");
    if (type == LKS_I8 && (zero < -128 || zero > 127))
        return lks_illegal(v, "x_zero", "must be in -128 .. 127 for an int8 x");
    return lks_same_shape(v);
}

static lks_status check_lut(const lks_op_view *v)
{
    const uint32_t dims[1] = { LKS_TABLE_SIZE };
    lks_status st;

    if ((st = lks_expect_constant(v, 1, "table", LKS_I8, 1)) != LKS_OK) return st;
    if ((st = lks_expect_shape(v, v->in[1], "table", 1, dims)) != LKS_OK) return st;
    return lks_same_shape(v);
}

/* The slope broadcasts to x, whose shape y has. */
static lks_status check_prelu(const lks_op_view *v)
{
    if (!v->in[1]->constant)
        return lks_illegal(v, "slope", "must be constant");
    if (v->in[1]->rank > v->in[0]->rank)
        return lks_illegal(v, "slope", "has a higher rank than x");
    for (uint32_t i = 0; i < v->in[0]->rank; i++) {
        uint32_t extent = lks_aligned_extent(v->in[1], v->in[0]->rank, i);

        if (extent != 1 && extent != v->in[0]->dims[i])
            return lks_illegal(v, "slope", "its shape does not broadcast to that of x");
    }
    if (v->in[1]->type != LKS_I8)
        return lks_illegal(v, "slope", "must be int8");
    return lks_same_shape(v);
}

/* The largest magnitude of one addend.  spec 4.3 */
static uint64_t addend_bound(int32_t zero, int32_t left_shift, lks_rq rq, int32_t rounding)
{
    uint64_t magnitude = lks_max_distance(zero);

    if (rounding == LKS_TFLITE)
        return (uint64_t)lks_requant_tflite((int32_t)(magnitude << left_shift), rq);
    return magnitude * (rq.m < 0 ? (uint64_t)-(int64_t)rq.m : (uint64_t)rq.m);
}

static lks_status prove_add(const lks_op_view *v)
{
    const lks_add_args *p = &v->op->args.add;
    lks_rq a = { p->a_m, p->a_s }, b = { p->b_m, p->b_s }, y = { p->m, p->s };
    const char *fault = NULL;

    if (p->rounding == LKS_TFLITE && !(fault = lks_rq_fault(a, LKS_TFLITE)))
        fault = lks_rq_fault(b, LKS_TFLITE);
    if (fault)
        return lks_illegal(v, "addend", fault);
    return lks_prove_requant(v, addend_bound(p->a_zero, p->left_shift, a, p->rounding)
                          + addend_bound(p->b_zero, p->left_shift, b, p->rounding), y, p->rounding, 0);
}

static lks_status prove_mul(const lks_op_view *v)
{
    const lks_mul_args *p = &v->op->args.mul;
    lks_rq rq = { p->m, p->s };

    return lks_prove_requant(v, lks_max_distance(p->a_zero) * lks_max_distance(p->b_zero), rq, p->rounding, 0);
}

static lks_status prove_requant_op(const lks_op_view *v)
{
    const lks_requant_args *a = &v->op->args.requant;
    const uint64_t wide = (uint64_t)(a->x_zero < 0 ? INT16_MAX - a->x_zero : a->x_zero - INT16_MIN);

    return lks_prove_requant(v, v->in[0]->type == LKS_I16 ? wide : lks_max_distance(a->x_zero), (lks_rq){ a->m, a->s },
                             a->rounding, 0);
}

static lks_status prove_prelu(const lks_op_view *v)
{
    const lks_prelu_args *a = &v->op->args.prelu;
    const uint64_t x = lks_max_distance(a->x_zero);
    const lks_rq positive = { a->positive_m, a->positive_s }, negative = { a->m, a->s };
    lks_status st = lks_prove_requant(v, x, positive, a->rounding, 0);

    return st == LKS_OK ? lks_prove_requant(v, x * lks_max_distance(a->slope_zero), negative, a->rounding, 0) : st;
}

static bool pair_free(const lks_op_view *v)
{
    return lks_operand_free(v->in[0], v->y) && lks_operand_free(v->in[1], v->y);
}

static bool prelu_free(const lks_op_view *v)
{
    return lks_operand_free(v->in[1], v->y);
}

static const lks_arg_rule add_args[] = {
    BYTE("a_zero"), BYTE("b_zero"), BYTE("y_zero"), { "left_shift", 0, 22 },
    { "a_m", -LKS_INT32_MAX, LKS_INT32_MAX }, { "a_s", -31, 30 }, { "b_m", -LKS_INT32_MAX, LKS_INT32_MAX }, { "b_s", -31, 30 },
    WORD("m"), WORD("s"), RANGE, ROUNDING
};
static const lks_arg_rule mul_args[] = {
    BYTE("a_zero"), BYTE("b_zero"), BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING
};
static const lks_arg_rule clamp_args[] = { RANGE };
static const lks_arg_rule prelu_args[] = {
    BYTE("x_zero"), BYTE("slope_zero"), BYTE("y_zero"), WORD("positive_m"), WORD("positive_s"), WORD("m"), WORD("s"), RANGE,
    ROUNDING
};
static const lks_arg_rule requant_args[] = {
    { "x_zero", INT16_MIN, INT16_MAX }, BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING
};

const lks_op_rule lks_element_rules[] = {
    { LKS_OP_ADD, "add", 2, 1, 13, add_args, 12, check_add, prove_add, pair_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_SUB, "sub", 2, 1, 13, add_args, 12, check_add, prove_add, pair_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_MUL, "mul", 2, 1, 8, mul_args, 7, check_pair, prove_mul, pair_free, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_REQUANT, "requant", 1, 1, 7, requant_args, 6, check_requant, prove_requant_op, NULL, NULL, lks_per_output,
      LKS_ANY_TYPE, LKS_I8 },
    { LKS_OP_LUT, "lut", 2, 1, 0, NULL, -1, check_lut, NULL, NULL, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_CLAMP, "clamp", 1, 1, 2, clamp_args, -1, lks_same_shape, NULL, NULL, NULL, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_PRELU, "prelu", 2, 1, 10, prelu_args, 9, check_prelu, prove_prelu, prelu_free, NULL, lks_per_output,
      LKS_I8, LKS_I8 },
    { 0 }
};
