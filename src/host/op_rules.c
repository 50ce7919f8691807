/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of docs/spec.md section 4: what each op accepts, what shape it makes, how large its sums can grow, what it costs.
 */
#include "host/op_rules.h"

#include "host/error.h"
#include "spec/arith.h"

#include <stdio.h>
#include <string.h>

static lks_status illegal(const lks_op_view *v, const char *what, const char *why)
{
    return lks_fail(v->error, LKS_ERR_ILLEGAL, "%s: op %u (%s \"%.80s\"): %s: %s", v->file, v->index,
                    lks_op_rule_of(v->op->kind)->name, v->y->name, what, why);
}

/* ---- shapes -------------------------------------------------------------------------------------------------------------- */

static lks_status expect_shape(const lks_op_view *v, const lks_tensor *t, const char *what, uint32_t rank, const uint32_t *dims)
{
    char why[160];
    int n = 0;

    if (t->rank == rank && memcmp(t->dims, dims, rank * sizeof dims[0]) == 0)
        return LKS_OK;
    n += snprintf(why, sizeof why, "the shape must be [");
    for (uint32_t i = 0; i < rank; i++)
        n += snprintf(why + n, sizeof why - (size_t)n, i ? ", %u" : "%u", dims[i]);
    n += snprintf(why + n, sizeof why - (size_t)n, "], and is [");
    for (uint32_t i = 0; i < t->rank; i++)
        n += snprintf(why + n, sizeof why - (size_t)n, i ? ", %u" : "%u", t->dims[i]);
    snprintf(why + n, sizeof why - (size_t)n, "]");
    return illegal(v, what, why);
}

static lks_status same_shape(const lks_op_view *v)
{
    return expect_shape(v, v->y, "y", v->in[0]->rank, v->in[0]->dims);
}

static lks_status expect_constant(const lks_op_view *v, uint32_t operand, const char *what, lks_type type, uint32_t rank)
{
    const lks_tensor *t = v->in[operand];

    if (!t->constant)
        return illegal(v, what, "must be constant");
    if (t->type != type)
        return illegal(v, what, type == LKS_I8 ? "must be int8" : "must be int32");
    if (t->rank != rank)
        return illegal(v, what, "has the wrong rank");
    return LKS_OK;
}

/* bias [out_c] and rq [out_c, 2], operands 2 and 3. */
static lks_status check_channels(const lks_op_view *v, uint32_t out_c)
{
    const uint32_t dims[2] = { out_c, 2 };
    lks_status st;

    if ((st = expect_constant(v, 2, "bias", LKS_I32, 1)) != LKS_OK) return st;
    if ((st = expect_shape(v, v->in[2], "bias", 1, dims)) != LKS_OK) return st;
    if ((st = expect_constant(v, 3, "rq", LKS_I32, 2)) != LKS_OK) return st;
    return expect_shape(v, v->in[3], "rq", 2, dims);
}

/* One axis of a window: its input and output extent, and what slides over it.  spec 4.1 */
typedef struct axis {
    const char *name;
    uint32_t in;
    int32_t kernel, dilation, stride, before, after;
} axis;

/* 0: does not fit; the error is filled in. */
static uint32_t window_extent(const lks_op_view *v, const axis *a)
{
    int64_t reach = ((int64_t)a->kernel - 1) * a->dilation + 1;
    int64_t padded = (int64_t)a->in + a->before + a->after;

    if (a->before < 0 || a->before >= reach || a->after < 0 || a->after >= reach) {
        illegal(v, a->name, "padding must be from 0 to one less than the extent of the dilated kernel");
        return 0;
    }
    if (padded > LKS_INT32_MAX) {
        illegal(v, a->name, "the padded image is larger than 2^31 - 1");
        return 0;
    }
    if (padded < reach) {
        illegal(v, a->name, "the kernel is larger than the padded image");
        return 0;
    }
    return (uint32_t)((padded - reach) / a->stride + 1);
}

static lks_status check_image(const lks_op_view *v)
{
    return v->in[0]->rank == 4 ? LKS_OK : illegal(v, "x", "must have rank 4, [n, h, w, c]");
}

static lks_status check_conv(const lks_op_view *v)
{
    const lks_conv_args *a = &v->op->args.conv;
    const lks_tensor *x = v->in[0], *w = v->in[1];
    uint32_t c = x->dims[3], out_c = w->dims[0], groups = (uint32_t)a->groups;
    lks_status st;

    if ((st = check_image(v)) != LKS_OK) return st;
    if ((st = expect_constant(v, 1, "w", LKS_I8, 4)) != LKS_OK) return st;
    if (c % groups != 0 || out_c % groups != 0)
        return illegal(v, "groups", "must divide the channels of x and of y");
    if (w->dims[3] != c / groups)
        return illegal(v, "w", "its last extent must be the channels of x over groups");
    if ((st = check_channels(v, out_c)) != LKS_OK) return st;

    axis h = { "height", x->dims[1], (int32_t)w->dims[1], a->dilation_h, a->stride_h, a->pad_top, a->pad_bottom };
    axis s = { "width", x->dims[2], (int32_t)w->dims[2], a->dilation_w, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[4] = { x->dims[0], window_extent(v, &h), 0, out_c };

    if (dims[1] == 0 || (dims[2] = window_extent(v, &s)) == 0)
        return LKS_ERR_ILLEGAL;
    return expect_shape(v, v->y, "y", 4, dims);
}

static lks_status check_pool(const lks_op_view *v)
{
    const lks_pool_args *a = &v->op->args.pool;
    const lks_tensor *x = v->in[0];
    lks_status st;

    if ((st = check_image(v)) != LKS_OK) return st;

    axis h = { "height", x->dims[1], a->kernel_h, 1, a->stride_h, a->pad_top, a->pad_bottom };
    axis s = { "width", x->dims[2], a->kernel_w, 1, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[4] = { x->dims[0], window_extent(v, &h), 0, x->dims[3] };

    if (dims[1] == 0 || (dims[2] = window_extent(v, &s)) == 0)
        return LKS_ERR_ILLEGAL;
    return expect_shape(v, v->y, "y", 4, dims);
}

static lks_status check_fully_connected(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0], *w = v->in[1], *y = v->y;
    lks_status st;

    if ((st = expect_constant(v, 1, "w", LKS_I8, 2)) != LKS_OK) return st;
    if ((st = check_channels(v, w->dims[0])) != LKS_OK) return st;
    if (x->elements % w->dims[1] != 0)
        return illegal(v, "x", "its elements must be a multiple of the last extent of w");
    if (y->dims[y->rank - 1] != w->dims[0])
        return illegal(v, "y", "its last extent must be the first of w");
    if (y->elements / w->dims[0] != x->elements / w->dims[1])
        return illegal(v, "y", "must have as many rows as x");
    return LKS_OK;
}

/* The extent of axis i of a y of that rank in t, aligned at the last axis. */
static uint32_t aligned_extent(const lks_tensor *t, uint32_t rank, uint32_t i)
{
    return i + t->rank < rank ? 1 : t->dims[i + t->rank - rank];
}

static lks_status check_add(const lks_op_view *v)
{
    const lks_add_args *p = &v->op->args.add;
    const lks_tensor *a = v->in[0], *b = v->in[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank, dims[LKS_MAX_RANK];

    if (a->constant && b->constant)
        return illegal(v, "b", "one of the operands must not be constant");
    if (b->type != LKS_I8)
        return illegal(v, "b", "must be int8");
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t da = aligned_extent(a, rank, i), db = aligned_extent(b, rank, i);

        if (da != db && da != 1 && db != 1)
            return illegal(v, "b", "its shape does not broadcast with that of a");
        dims[i] = da > db ? da : db;
    }
    if (p->rounding == LKS_TFLITE && (p->a_s > 0 || p->b_s > 0))
        return illegal(v, "a_s, b_s", "must not be positive");
    if (p->rounding == LKS_HALF_UP && (p->left_shift || p->a_s || p->b_s))
        return illegal(v, "left_shift, a_s, b_s", "must be 0 with half_up");
    return expect_shape(v, v->y, "y", rank, dims);
}

static lks_status check_lut(const lks_op_view *v)
{
    const uint32_t dims[1] = { LKS_TABLE_SIZE };
    lks_status st;

    if ((st = expect_constant(v, 1, "table", LKS_I8, 1)) != LKS_OK) return st;
    if ((st = expect_shape(v, v->in[1], "table", 1, dims)) != LKS_OK) return st;
    return same_shape(v);
}

static lks_status check_sum(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0];
    uint32_t axes = (uint32_t)v->op->args.sum.axes;
    uint32_t kept[LKS_MAX_RANK], left[LKS_MAX_RANK] = { 1 }, n = 0;

    if (axes >> x->rank)
        return illegal(v, "axes", "names an axis that x does not have");
    for (uint32_t i = 0; i < x->rank; i++) {
        kept[i] = axes >> i & 1 ? 1 : x->dims[i];
        if (!(axes >> i & 1))
            left[n++] = x->dims[i];
    }
    if (v->y->rank == x->rank)
        return expect_shape(v, v->y, "y", x->rank, kept);
    return expect_shape(v, v->y, "y", n ? n : 1, left);
}

static lks_status check_softmax(const lks_op_view *v)
{
    if (v->in[0]->dims[v->in[0]->rank - 1] > LKS_MAX_SOFTMAX_COLUMNS)
        return illegal(v, "x", "has more than 4095 columns");
    return same_shape(v);
}

static lks_status check_reshape(const lks_op_view *v)
{
    return v->y->elements == v->in[0]->elements ? LKS_OK : illegal(v, "y", "must have as many elements as x");
}

static lks_status check_pad(const lks_op_view *v)
{
    const lks_pad_args *a = &v->op->args.pad;
    const lks_tensor *x = v->in[0];
    uint32_t dims[LKS_MAX_RANK] = { 0 };

    for (uint32_t i = 0; i < LKS_MAX_RANK; i++) {
        if (i >= x->rank && (a->before[i] || a->after[i]))
            return illegal(v, "before, after", "must be 0 beyond the rank");
        dims[i] = x->dims[i] + (uint32_t)a->before[i] + (uint32_t)a->after[i];
    }
    return expect_shape(v, v->y, "y", x->rank, dims);
}

/* ---- bounds -------------------------------------------------------------------------------------------------------------- */

static uint64_t max_distance(int32_t zero)
{
    return (uint64_t)(127 - zero > zero + 128 ? 127 - zero : zero + 128);
}

/* spec 3.1 */
static const char *rq_fault(lks_rq rq, int32_t rounding)
{
    if (rounding == LKS_TFLITE)
        return rq.m < 0 || rq.s < -31 || rq.s > 30 ? "with tflite rounding m must not be negative, and s must be in -31 .. 30" : NULL;
    if ((rq.m == 0 && rq.s == 30) || (rq.m >= 1 << 30 && rq.s >= 30 && rq.s <= 62))
        return NULL;
    return "with half_up rounding m must be in 2^30 .. 2^31 - 1 and s in 30 .. 62, or m 0 and s 30";
}

/* The largest result of a requantization, by the formula of spec 3.2; bound <= 2^31 - 1, and for tflite shifted already. */
static uint64_t scaled_bound(uint64_t bound, lks_rq rq, int32_t rounding)
{
    if (rounding == LKS_HALF_UP)
        return (bound * (uint64_t)rq.m) >> rq.s;
    rq.s = rq.s > 0 ? 0 : rq.s;
    return (uint64_t)lks_requant_tflite((int32_t)bound, rq);
}

/* spec 3.2: an accumulator with that bound may be requantized. */
static lks_status prove_requant(const lks_op_view *v, uint64_t bound, lks_rq rq, int32_t rounding, uint32_t channel)
{
    const char *fault = rq_fault(rq, rounding);
    char what[64];

    snprintf(what, sizeof what, "channel %u", channel);
    if (fault)
        return illegal(v, what, fault);
    if (bound > v->op->bound)
        v->op->bound = bound;
    if (rounding == LKS_TFLITE && rq.s > 0 && bound <= LKS_INT32_MAX)
        bound <<= rq.s;
    if (bound > LKS_INT32_MAX)
        return illegal(v, what, "the sum could leave int32 (the bound law)");
    if (scaled_bound(bound, rq, rounding) + 129 > LKS_INT32_MAX)
        return illegal(v, what, "the scaled sum could leave int32 (the bound law)");
    return LKS_OK;
}

/* conv and fully_connected: weights [out_c][terms]. */
static lks_status prove_linear(const lks_op_view *v, int32_t x_zero, int32_t w_zero, int32_t rounding)
{
    uint32_t out_c = v->in[1]->dims[0], terms = v->in[1]->elements / out_c;
    const int8_t *w = v->in[1]->data;
    const int32_t *bias = v->in[2]->data;
    const lks_rq *rq = v->in[3]->data;
    lks_status st;

    for (uint32_t o = 0; o < out_c; o++) {
        uint64_t sum = 0, magnitude = bias[o] < 0 ? (uint64_t)-(int64_t)bias[o] : (uint64_t)bias[o];

        for (uint32_t i = 0; i < terms; i++, w++)
            sum += (uint64_t)(*w > w_zero ? *w - w_zero : w_zero - *w);
        if ((st = prove_requant(v, sum * max_distance(x_zero) + magnitude, rq[o], rounding, o)) != LKS_OK)
            return st;
    }
    return LKS_OK;
}

static lks_status prove_conv(const lks_op_view *v)
{
    const lks_conv_args *a = &v->op->args.conv;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

static lks_status prove_fully_connected(const lks_op_view *v)
{
    const lks_fully_connected_args *a = &v->op->args.fully_connected;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

/* The largest magnitude of one addend.  spec 4.3 */
static uint64_t addend_bound(int32_t zero, int32_t left_shift, lks_rq rq, int32_t rounding)
{
    uint64_t magnitude = max_distance(zero);

    if (rounding == LKS_TFLITE)
        return (uint64_t)lks_requant_tflite((int32_t)(magnitude << left_shift), rq);
    return magnitude * (rq.m < 0 ? (uint64_t)-(int64_t)rq.m : (uint64_t)rq.m);
}

static lks_status prove_add(const lks_op_view *v)
{
    const lks_add_args *p = &v->op->args.add;
    lks_rq a = { p->a_m, p->a_s }, b = { p->b_m, p->b_s }, y = { p->m, p->s };
    const char *fault = NULL;

    if (p->rounding == LKS_TFLITE && !(fault = rq_fault(a, LKS_TFLITE)))
        fault = rq_fault(b, LKS_TFLITE);
    if (fault)
        return illegal(v, "addend", fault);
    return prove_requant(v, addend_bound(p->a_zero, p->left_shift, a, p->rounding)
                          + addend_bound(p->b_zero, p->left_shift, b, p->rounding), y, p->rounding, 0);
}

static lks_status prove_requant_op(const lks_op_view *v)
{
    const lks_requant_args *a = &v->op->args.requant;
    lks_rq rq = { a->m, a->s };

    return prove_requant(v, max_distance(a->x_zero), rq, a->rounding, 0);
}

static lks_status prove_avg_pool(const lks_op_view *v)
{
    const lks_pool_args *a = &v->op->args.pool;

    v->op->bound = 129 * (uint64_t)a->kernel_h * (uint64_t)a->kernel_w;
    return v->op->bound <= LKS_INT32_MAX ? LKS_OK : illegal(v, "kernel", "the sum could leave int32 (the bound law)");
}

static lks_status prove_sum(const lks_op_view *v)
{
    const lks_sum_args *a = &v->op->args.sum;
    lks_rq rq = { a->m, a->s };

    return prove_requant(v, v->in[0]->elements / v->y->elements * max_distance(a->x_zero), rq, a->rounding, 0);
}

static lks_status prove_softmax(const lks_op_view *v)
{
    v->op->bound = (uint64_t)v->in[0]->dims[v->in[0]->rank - 1] << 19;
    return LKS_OK;
}

/* ---- batch --------------------------------------------------------------------------------------------------------------- */

static bool same_first_extent(const lks_op_view *v)
{
    return v->in[0]->dims[0] == v->y->dims[0];
}

static bool fully_connected_free(const lks_op_view *v)
{
    return v->y->rank >= 2 && same_first_extent(v);
}

static bool addend_free(const lks_tensor *t, const lks_tensor *y)
{
    if (t->constant)
        return t->rank < y->rank || t->dims[0] == 1;
    return t->rank == y->rank && t->dims[0] == y->dims[0];
}

static bool add_free(const lks_op_view *v)
{
    return addend_free(v->in[0], v->y) && addend_free(v->in[1], v->y);
}

static bool sum_free(const lks_op_view *v)
{
    return !(v->op->args.sum.axes & 1);
}

static bool softmax_free(const lks_op_view *v)
{
    return v->y->rank >= 2;
}

static bool pad_free(const lks_op_view *v)
{
    return v->op->args.pad.before[0] == 0 && v->op->args.pad.after[0] == 0;
}

/* ---- cost (spec 6) ------------------------------------------------------------------------------------------------------- */

static uint64_t linear_macs(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * (v->in[1]->elements / v->in[1]->dims[0]);
}

static uint64_t per_output(const lks_op_view *v)
{
    return v->y->elements;
}

static uint64_t per_tap(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * (uint64_t)v->op->args.pool.kernel_h * (uint64_t)v->op->args.pool.kernel_w;
}

static uint64_t per_input(const lks_op_view *v)
{
    return v->in[0]->elements;
}

static uint64_t three_per_input(const lks_op_view *v)
{
    return 3 * (uint64_t)v->in[0]->elements;
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */

#define BYTE(name) { name, -128, 127 }
#define STRIDE(name) { name, 1, 65535 }
#define WORD(name) { name, LKS_INT32_MIN, LKS_INT32_MAX }
#define PADS { "pad_top", 0, LKS_INT32_MAX }, { "pad_bottom", 0, LKS_INT32_MAX }, { "pad_left", 0, LKS_INT32_MAX }, \
             { "pad_right", 0, LKS_INT32_MAX }
#define RANGE BYTE("y_min"), BYTE("y_max")
#define ROUNDING { "rounding", LKS_HALF_UP, LKS_TFLITE }
#define COUNT(name) { name, 0, 1 << 24 }

static const lks_arg_rule conv_args[] = {
    STRIDE("stride_h"), STRIDE("stride_w"), STRIDE("dilation_h"), STRIDE("dilation_w"), PADS, BYTE("pad_value"),
    { "groups", 1, LKS_INT32_MAX }, BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING
};
static const lks_arg_rule fully_connected_args[] = { BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING };
static const lks_arg_rule add_args[] = {
    BYTE("a_zero"), BYTE("b_zero"), BYTE("y_zero"), { "left_shift", 0, 22 },
    { "a_m", -LKS_INT32_MAX, LKS_INT32_MAX }, { "a_s", -31, 30 }, { "b_m", -LKS_INT32_MAX, LKS_INT32_MAX }, { "b_s", -31, 30 },
    WORD("m"), WORD("s"), RANGE, ROUNDING
};
static const lks_arg_rule requant_args[] = { BYTE("x_zero"), BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING };
static const lks_arg_rule pool_args[] = {
    STRIDE("kernel_h"), STRIDE("kernel_w"), STRIDE("stride_h"), STRIDE("stride_w"), PADS, RANGE, ROUNDING
};
static const lks_arg_rule sum_args[] = {
    { "axes", 1, (1 << LKS_MAX_RANK) - 1 }, BYTE("x_zero"), BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING
};
static const lks_arg_rule softmax_args[] = { { "m", 1 << 30, LKS_INT32_MAX }, { "s", 1, 31 } };
static const lks_arg_rule pad_args[] = {
    COUNT("before_0"), COUNT("before_1"), COUNT("before_2"), COUNT("before_3"), COUNT("before_4"), COUNT("before_5"),
    COUNT("after_0"), COUNT("after_1"), COUNT("after_2"), COUNT("after_3"), COUNT("after_4"), COUNT("after_5"), BYTE("pad_value")
};

static const lks_op_rule rules[] = {
    { LKS_OP_CONV, "conv", 4, 1, 16, conv_args, 15, check_conv, prove_conv, NULL, linear_macs, per_output },
    { LKS_OP_FULLY_CONNECTED, "fully_connected", 4, 1, 6, fully_connected_args, 5, check_fully_connected, prove_fully_connected,
      fully_connected_free, linear_macs, per_output },
    { LKS_OP_ADD, "add", 2, 1, 13, add_args, 12, check_add, prove_add, add_free, NULL, per_output },
    { LKS_OP_REQUANT, "requant", 1, 1, 7, requant_args, 6, same_shape, prove_requant_op, NULL, NULL, per_output },
    { LKS_OP_LUT, "lut", 2, 1, 0, NULL, -1, check_lut, NULL, NULL, NULL, per_output },
    { LKS_OP_MAX_POOL, "max_pool", 1, 1, 10, pool_args, -1, check_pool, NULL, NULL, NULL, per_tap },
    { LKS_OP_AVG_POOL, "avg_pool", 1, 1, 11, pool_args, 10, check_pool, prove_avg_pool, NULL, NULL, per_tap },
    { LKS_OP_SUM, "sum", 1, 1, 8, sum_args, 7, check_sum, prove_sum, sum_free, NULL, per_input },
    { LKS_OP_SOFTMAX, "softmax", 1, 1, 2, softmax_args, -1, check_softmax, prove_softmax, softmax_free, NULL, three_per_input },
    { LKS_OP_RESHAPE, "reshape", 1, 1, 0, NULL, -1, check_reshape, NULL, same_first_extent, NULL, per_output },
    { LKS_OP_PAD, "pad", 1, 1, 13, pad_args, -1, check_pad, NULL, pad_free, NULL, per_output }
};

const lks_op_rule *lks_op_rule_of(uint32_t kind)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].kind == kind)
            return &rules[i];
    return NULL;
}

lks_op_view lks_view_op(const lks_graph *g, uint32_t index, const char *file, lks_error *error)
{
    lks_op *op = &g->ops[index];
    lks_op_view v = { .file = file, .index = index, .op = op, .y = &g->tensors[op->output[0]], .error = error };

    for (uint32_t i = 0; i < op->operand_count; i++)
        v.in[i] = &g->tensors[op->operand[i]];
    return v;
}

/* Each argument in its range, and y_min, where there is one, not above y_max, which follows it. */
static lks_status check_args(const lks_op_view *v, const lks_op_rule *r)
{
    char why[96];

    for (uint32_t i = 0; i < r->arg_count; i++) {
        int32_t value = v->op->args.word[i];

        if (value < r->args[i].lo || value > r->args[i].hi) {
            snprintf(why, sizeof why, "is %d, and must be in %d .. %d", value, r->args[i].lo, r->args[i].hi);
            return illegal(v, r->args[i].name, why);
        }
        if (strcmp(r->args[i].name, "y_min") == 0 && value > v->op->args.word[i + 1])
            return illegal(v, "y_min", "is above y_max");
    }
    return LKS_OK;
}

lks_status lks_op_check(const lks_op_view *v)
{
    const lks_op_rule *r = lks_op_rule_of(v->op->kind);
    const lks_tensor *x = v->in[0];
    lks_status st;

    if (x->type != LKS_I8 || (x->constant && v->op->kind != LKS_OP_ADD))
        return illegal(v, "operand 0", "must be an int8 activation");
    if (v->y->constant)
        return illegal(v, "y", "is a constant");
    if ((st = check_args(v, r)) != LKS_OK) return st;
    return r->check(v);
}

lks_status lks_op_prove(const lks_op_view *v)
{
    const lks_op_rule *r = lks_op_rule_of(v->op->kind);

    v->op->bound = 0;
    return r->prove ? r->prove(v) : LKS_OK;
}
