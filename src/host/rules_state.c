/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that keep a state from run to run.
 */
#include "host/rules.h"

#include "spec/arith.h"

/* ---- lstm ---------------------------------------------------------------------------------------------------------------- */

enum { LSTM_RQ_ROWS = 2 * LKS_GATES + 3 };      /* of x, of the hidden state; forget, input, y */

static lks_status check_lstm(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0], *w = v->in[1];
    const uint32_t rq_dims[2] = { LSTM_RQ_ROWS, 2 };
    lks_status st;

    if (x->rank != 3)
        return lks_illegal(v, "x", "must have rank 3");
    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 3)) != LKS_OK)     return st;
    if ((st = lks_expect_constant(v, 2, "r", LKS_I8, 3)) != LKS_OK)     return st;
    if ((st = lks_expect_constant(v, 3, "bias", LKS_I32, 2)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 4, "rq", LKS_I32, 2)) != LKS_OK)   return st;

    const uint32_t out_c = w->dims[1], w_dims[3] = { LKS_GATES, out_c, x->dims[2] }, r_dims[3] = { LKS_GATES, out_c, out_c };
    const uint32_t dims[3] = { x->dims[0], x->dims[1], out_c };

    if ((st = lks_expect_shape(v, w, "w", 3, w_dims)) != LKS_OK)           return st;
    if ((st = lks_expect_shape(v, v->in[2], "r", 3, r_dims)) != LKS_OK)    return st;
    if ((st = lks_expect_shape(v, v->in[3], "bias", 2, r_dims)) != LKS_OK) return st;
    if ((st = lks_expect_shape(v, v->in[4], "rq", 2, rq_dims)) != LKS_OK)  return st;
    return lks_expect_shape(v, v->y, "y", 3, dims);
}

/* Rows of weights, each with the multiplier of its gate.  bias: NULL: none. */
static lks_status prove_gates(const lks_op_view *v, const lks_tensor *weights, int32_t zero, const int32_t *bias,
                              const lks_rq *rq)
{
    const uint32_t out_c = weights->dims[1], terms = weights->dims[2];
    const int8_t *w = weights->data;
    lks_status st = LKS_OK;

    for (uint32_t o = 0; st == LKS_OK && o < LKS_GATES * out_c; o++) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < terms; i++)
            sum += (uint64_t)(*w < 0 ? -*w : *w), w++;
        sum = sum * lks_max_distance(zero) + (bias ? (uint64_t)(bias[o] < 0 ? -(int64_t)bias[o] : bias[o]) : 0);
        st = lks_prove_requant(v, sum, rq[o / out_c], v->op->args.lstm.rounding, o % out_c);
    }
    return st;
}

/* The products of two int16 values, one of them not negative: at most 2^30. */
static lks_status prove_lstm(const lks_op_view *v)
{
    const lks_lstm_args *a = &v->op->args.lstm;
    const lks_rq *rq = v->in[4]->data;
    lks_status st = prove_gates(v, v->in[1], a->x_zero, v->in[3]->data, rq);

    if (st == LKS_OK)
        st = prove_gates(v, v->in[2], a->y_zero, NULL, rq + LKS_GATES);
    for (uint32_t i = 2 * LKS_GATES; st == LKS_OK && i < LSTM_RQ_ROWS; i++)
        st = lks_prove_requant(v, UINT64_C(1) << 30, rq[i], a->rounding, i);
    return st;
}

static bool lstm_free(const lks_op_view *v)
{
    return !v->op->args.lstm.time_major;
}

static uint64_t lstm_macs(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * LKS_GATES * (v->in[0]->dims[2] + v->y->dims[2]);
}

static uint64_t lstm_element_ops(const lks_op_view *v)
{
    return 8 * (uint64_t)v->y->elements;
}

static uint64_t lstm_state_bytes(const lks_op_view *v)
{
    return 2 * (uint64_t)v->y->dims[v->op->args.lstm.time_major ? 1 : 0] * v->y->dims[2] * sizeof(int16_t);
}

/* ---- svdf ---------------------------------------------------------------------------------------------------------------- */

static lks_status check_svdf(const lks_op_view *v)
{
    const lks_svdf_args *a = &v->op->args.svdf;
    const lks_tensor *x = v->in[0], *w = v->in[1], *time = v->in[2];
    lks_status st;

    if (x->rank != 2)
        return lks_illegal(v, "x", "must have rank 2, [n, inputs]");
    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 2)) != LKS_OK)         return st;
    if ((st = lks_expect_constant(v, 2, "w_time", LKS_I16, 2)) != LKS_OK)   return st;
    if ((st = lks_expect_constant(v, 3, "bias", LKS_I32, 1)) != LKS_OK)     return st;
    if (w->dims[1] != x->dims[1])
        return lks_illegal(v, "w", "its last extent must be that of x");
    if (time->dims[0] != w->dims[0])
        return lks_illegal(v, "w_time", "must have as many rows as w");
    if (w->dims[0] % (uint32_t)a->rank != 0)
        return lks_illegal(v, "rank", "must divide the rows of w");
    if (a->state_min > a->state_max)
        return lks_illegal(v, "state_min", "is above state_max");

    const uint32_t dims[2] = { x->dims[0], w->dims[0] / (uint32_t)a->rank };

    if ((st = lks_expect_shape(v, v->in[3], "bias", 1, &dims[1])) != LKS_OK) return st;
    return lks_expect_shape(v, v->y, "y", 2, dims);
}

static uint64_t magnitude(int64_t v)
{
    return (uint64_t)(v < 0 ? -v : v);
}

static lks_status prove_features(const lks_op_view *v)
{
    const lks_svdf_args *a = &v->op->args.svdf;
    const lks_tensor *w = v->in[1];
    const int8_t *row = w->data;
    lks_status st = LKS_OK;

    for (uint32_t f = 0; st == LKS_OK && f < w->dims[0]; f++) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < w->dims[1]; i++)
            sum += magnitude(*row++);
        st = lks_prove_requant(v, sum * lks_max_distance(a->x_zero), (lks_rq){ a->feature_m, a->feature_s }, a->rounding, f);
    }
    return st;
}

/* The sum over the time is exact, and then saturated: its bound is at most 2^31 - 1. */
static lks_status prove_svdf(const lks_op_view *v)
{
    const lks_svdf_args *a = &v->op->args.svdf;
    const uint64_t most = magnitude(a->state_min) > magnitude(a->state_max) ? magnitude(a->state_min) : magnitude(a->state_max);
    const uint32_t units = v->in[3]->elements, terms = v->in[2]->elements / units;
    const int16_t *time = v->in[2]->data;
    const int32_t *bias = v->in[3]->data;
    lks_status st = prove_features(v);

    for (uint32_t u = 0; st == LKS_OK && u < units; u++) {
        uint64_t bound = magnitude(bias[u]);

        for (uint32_t i = 0; i < terms; i++)
            bound += most * magnitude(*time++);
        st = lks_prove_requant(v, bound > LKS_INT32_MAX ? LKS_INT32_MAX : bound, (lks_rq){ a->m, a->s }, a->rounding, u);
    }
    return st;
}

static uint64_t svdf_filters(const lks_op_view *v)
{
    return (uint64_t)v->in[0]->dims[0] * v->in[1]->dims[0];
}

static uint64_t svdf_macs(const lks_op_view *v)
{
    return svdf_filters(v) * (v->in[1]->dims[1] + v->in[2]->dims[1]);
}

static uint64_t svdf_element_ops(const lks_op_view *v)
{
    return svdf_filters(v) + v->y->elements;
}

/* ---- all of them --------------------------------------------------------------------------------------------------------- */

uint64_t lks_op_state_bytes(const lks_op_view *v)
{
    if (v->op->kind == LKS_OP_LSTM)
        return lstm_state_bytes(v);
    return v->op->kind == LKS_OP_SVDF ? svdf_filters(v) * v->in[2]->dims[1] * sizeof(int16_t) : 0;
}

#define SHORT(name) { name, INT16_MIN, INT16_MAX }

static const lks_arg_rule lstm_args[] = {
    BYTE("x_zero"), BYTE("y_zero"), { "cell_shift", -16, 14 }, { "cell_clip", 0, INT16_MAX }, { "time_major", 0, 1 }, ROUNDING
};
static const lks_arg_rule svdf_args[] = {
    { "rank", 1, LKS_INT32_MAX }, BYTE("x_zero"), SHORT("state_min"), SHORT("state_max"), WORD("feature_m"), WORD("feature_s"),
    BYTE("y_zero"), WORD("m"), WORD("s"), RANGE, ROUNDING
};

const lks_op_rule lks_state_rules[] = {
    { LKS_OP_LSTM, "lstm", 5, 1, 6, lstm_args, 5, check_lstm, prove_lstm, lstm_free, lstm_macs, lstm_element_ops,
      LKS_I8, LKS_I8 },
    { LKS_OP_SVDF, "svdf", 4, 1, 12, svdf_args, 11, check_svdf, prove_svdf, NULL, svdf_macs, svdf_element_ops, LKS_I8, LKS_I8 },
    { 0 }
};
