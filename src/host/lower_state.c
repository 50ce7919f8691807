/* SPDX-License-Identifier: Apache-2.0
 *
 * Lowering of the ops that keep a state from run to run.
 */
#include "host/lower.h"

#include <string.h>

#define SIGMOID_STEP 2103207220     /* e^(-1 / 48) in units of 2^-31 */

/* 1 / (1 + e) of an e in units of 2^-31. */
static uint64_t sigmoid_of(uint64_t e)
{
    return (UINT64_C(1) << 62) / ((UINT64_C(1) << 31) + e);
}

/* spec 3.4; e: e^(-j / 48) for j = 0, 1, ... */
static const int32_t *sigmoid_table(lks_lowering *l)
{
    int32_t *table = lks_add_constants(l, LKS_TABLE_SIZE * sizeof *table);
    uint64_t e = UINT64_C(1) << 31;

    for (int32_t i = 0; table && i < LKS_TABLE_SIZE; i++) {
        const uint64_t half = (e * SIGMOID_STEP + (UINT64_C(1) << 30)) >> 31;
        const uint64_t next = (half * SIGMOID_STEP + (UINT64_C(1) << 30)) >> 31;

        table[i] = (int32_t)((3 * sigmoid_of(e) + 2 * sigmoid_of(half) - sigmoid_of(next) + (1 << 16)) >> 17);
        e = next;
    }
    if (table)
        table[LKS_TABLE_SIZE - 1] = 65535;
    return table;
}

/* What the gates see of x at all steps; then the steps, one after the other. */
static void lower_lstm(lks_lowering *l)
{
    const lks_lstm_args *a = &l->v.op->args.lstm;
    const lks_tensor *x = l->v.in[0], *y = l->v.y;
    const int32_t batch = (int32_t)(a->time_major ? x->dims[1] : (uint32_t)lks_first_extent(l, x)), out_c = (int32_t)y->dims[2];
    const lks_rq *rq = l->v.in[4]->data;
    lks_lstm k = {
        .images = batch, .steps = (int32_t)x->dims[a->time_major ? 0 : 1], .in_c = (int32_t)x->dims[2], .out_c = out_c,
        .x_zero = a->x_zero, .y_zero = a->y_zero, .cell_shift = a->cell_shift, .cell_clip = a->cell_clip, .rounding = a->rounding,
        .forget_rq = rq[2 * LKS_GATES], .input_rq = rq[2 * LKS_GATES + 1], .y_rq = rq[2 * LKS_GATES + 2]
    };
    const int32_t seen = lks_add_scratch(l, (uint64_t)batch * (uint64_t)k.steps * (uint64_t)out_c * LKS_GATES * sizeof(int16_t));
    const int32_t *table = sigmoid_table(l);
    lks_step *s = lks_add_step(l, LKS_KERNEL_LSTM);

    k.image_rows = a->time_major ? 1 : k.steps;
    k.step_rows = a->time_major ? batch : 1;
    memcpy(k.x_rq, rq, sizeof k.x_rq);
    memcpy(k.h_rq, rq + LKS_GATES, sizeof k.h_rq);
    s->args.lstm = k;
    s->w = l->v.in[1]->data;
    s->bias = l->v.in[3]->data;
    s->y = seen;
    s = lks_add_step(l, LKS_KERNEL_LSTM);
    s->args.lstm = k;
    s->args.lstm.recurrent = 1;
    s->x = seen;
    s->w = l->v.in[2]->data;
    s->exp_table = table;
    lks_add_state(l, s, 2 * (uint64_t)batch * (uint64_t)out_c);
}

static void lower_svdf(lks_lowering *l)
{
    const lks_svdf_args *a = &l->v.op->args.svdf;
    const lks_tensor *x = l->v.in[0], *w = l->v.in[1], *time = l->v.in[2];
    const int32_t images = lks_first_extent(l, x);
    lks_step *s = lks_add_step(l, LKS_KERNEL_SVDF);

    s->args.svdf = (lks_svdf){
        .images = images, .in_c = (int32_t)x->dims[1], .units = (int32_t)l->v.y->dims[1], .rank = a->rank,
        .memory = (int32_t)time->dims[1], .x_zero = a->x_zero, .state_min = a->state_min, .state_max = a->state_max,
        .feature_rq = { a->feature_m, a->feature_s }, .rq = { a->m, a->s }, .tail = { a->y_zero, a->y_min, a->y_max, a->rounding }
    };
    s->w = w->data;
    s->w_time = time->data;
    s->bias = l->v.in[3]->data;
    lks_add_state(l, s, (uint64_t)images * time->elements);
}

const lks_lowering_row lks_state_lowerings[] = {
    { LKS_OP_LSTM, lower_lstm },
    { LKS_OP_SVDF, lower_svdf },
    { 0 }
};
