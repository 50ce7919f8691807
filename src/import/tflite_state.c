/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that keep a state.
 */
#include "import/tflite_state.h"

#include "import/quantize.h"

#include <stdlib.h>
#include <string.h>

/* Weights with one scale, and no zero point, which the reference does not read. */
static lks_status weights_scale(const lks_tfl_op *op, const char *role, const lks_tfl_tensor *w, uint32_t *scale)
{
    if (w->scales.count != 1 || w->zeros.count != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the %s have %u scales and %u zero points, not one of each", role,
                              (unsigned)w->scales.count, (unsigned)w->zeros.count);
    if (lks_fb_item_signed(&op->m->fb, w->zeros, 0) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the %s have a zero point other than 0", role);
    *scale = (uint32_t)lks_fb_item_unsigned(&op->m->fb, w->scales, 0);
    if (!lks_scale_usable(*scale))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the %s have a scale that is not a positive normal number", role);
    return LKS_OK;
}

/* Elements of a constant as int16 or int32 values of the .lks. */
static lks_status emit_values(const lks_tfl_op *op, const lks_tfl_tensor *t, lks_type type, uint32_t *index)
{
    const uint32_t count = lks_tfl_elements(t);
    uint32_t dims[LKS_MAX_RANK] = { 0 };
    int32_t *wide;
    int16_t *narrow;

    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)count * sizeof *wide));
    wide = calloc(count, sizeof *wide);
    if (!wide)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    narrow = (int16_t *)(void *)wide;
    for (uint32_t i = 0; i < count; i++)
        if (type == LKS_I32)
            wide[i] = (int32_t)lks_tfl_value(t, i);
        else
            narrow[i] = (int16_t)lks_tfl_value(t, i);
    for (uint32_t i = 0; i < t->rank; i++)
        dims[i] = (uint32_t)t->dims[i];
    *index = lks_tfl_emit_constant(op, t, type, t->rank, dims, wide);
    free(wide);
    return LKS_OK;
}

/* ---- SVDF ---------------------------------------------------------------------------------------------------------------- */

typedef struct svdf_parts {
    lks_tfl_tensor *x, *w, *time, *bias, *state, *y;
    lks_tfl_quant qx, qs, qy;
    uint32_t w_scale, time_scale, bias_scale;
} svdf_parts;

/* Time weights of int16, or of int8 with a state of int8. */
static lks_status svdf_operands(const lks_tfl_op *op, svdf_parts *p)
{
    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_ONLY, &p->x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_ONLY, &p->y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "feature weights", LKS_TFL_INT8, &p->w));
    LKS_TFL_TRY(lks_tfl_operand(op, 2, "time weights", &p->time));
    LKS_TFL_TRY(lks_tfl_constant(op, 2, "time weights", p->time->type == LKS_TFL_INT8 ? LKS_TFL_INT8 : LKS_TFL_INT16, &p->time));
    LKS_TFL_TRY(lks_tfl_constant(op, 3, "bias", LKS_TFL_INT32, &p->bias));
    LKS_TFL_TRY(lks_tfl_variable(op, 4, "state", p->time->type, &p->state));
    if (p->x->rank != 2 || p->w->rank != 2 || p->time->rank != 2 || p->bias->rank != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and weights must have 2 dimensions, and the bias 1");
    if (lks_tfl_elements(p->state) != (uint64_t)p->x->dims[0] * lks_tfl_elements(p->time))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the state has %u elements, for %d images of %u",
                              (unsigned)lks_tfl_elements(p->state), (int)p->x->dims[0], (unsigned)lks_tfl_elements(p->time));
    return LKS_OK;
}

/* svdf_common.cc: PrepareSvdf.  The fused activation function is not applied. */
static lks_status svdf_quantization(const lks_tfl_op *op, svdf_parts *p)
{
    LKS_TFL_TRY(lks_tfl_quantization(op, p->x, &p->qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->state, &p->qs));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->y, &p->qy));
    LKS_TFL_TRY(weights_scale(op, "feature weights", p->w, &p->w_scale));
    LKS_TFL_TRY(weights_scale(op, "time weights", p->time, &p->time_scale));
    LKS_TFL_TRY(weights_scale(op, "biases", p->bias, &p->bias_scale));
    if (p->qs.zero != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED,
                              "the state has a zero point other than 0: revisions of the reference disagree");
    if (!lks_svdf_bias_scale_agrees(p->qs.scale, p->time_scale, p->bias_scale))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the bias scale is not state scale * time weight scale");
    return LKS_OK;
}

lks_status lks_tfl_import_svdf(const lks_tfl_op *op)
{
    static const lks_fb_field rank = { "SVDFOptions.rank", 0, 4, 0 };
    lks_op_args args = { 0 };
    lks_svdf_args *a = &args.svdf;
    svdf_parts p;
    uint32_t operands[4];
    lks_rq feature, rq;

    LKS_TFL_TRY(svdf_operands(op, &p));
    LKS_TFL_TRY(svdf_quantization(op, &p));
    if (!lks_quantize_float_product(p.qx.scale, p.w_scale, p.qs.scale, &feature)
        || !lks_quantize_float_product(p.qs.scale, p.time_scale, p.qy.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales give no multiplier");
    operands[0] = p.x->index[LKS_TFL_PLAIN];
    LKS_TFL_TRY(lks_tfl_emit_plain(op, p.w, &operands[1]));
    LKS_TFL_TRY(emit_values(op, p.time, LKS_I16, &operands[2]));
    LKS_TFL_TRY(emit_values(op, p.bias, LKS_I32, &operands[3]));
    *a = (lks_svdf_args){
        .rank = (int32_t)lks_tfl_option(op, &rank), .x_zero = p.qx.zero,
        .state_min = p.time->type == LKS_TFL_INT8 ? INT8_MIN : INT16_MIN,
        .state_max = p.time->type == LKS_TFL_INT8 ? INT8_MAX : INT16_MAX,
        .feature_m = feature.m, .feature_s = feature.s, .y_zero = p.qy.zero, .m = rq.m, .s = rq.s, .y_min = -128, .y_max = 127,
        .rounding = LKS_TFLITE
    };
    return lks_tfl_emit(op, LKS_OP_SVDF, operands, p.y, &args);
}

/* ---- UNIDIRECTIONAL_SEQUENCE_LSTM ---------------------------------------------------------------------------------------- */

/* The first operand of each kind. */
enum {
    LSTM_W = 1,
    LSTM_R = 5,
    LSTM_PEEPHOLES = 9,
    LSTM_BIAS = 12,
    LSTM_PROJECTION = 16,
    LSTM_HIDDEN = 18,
    LSTM_CELLS = 19,
    LSTM_NORMS = 20,
    LSTM_END = 24
};

#define ACTIVATION_TANH 4                /* schema.fbs: ActivationFunctionType */
#define TWO_TO_MINUS_12 0x39800000u     /* as scales: of what a gate sees, and of what it says */
#define TWO_TO_MINUS_15 0x38000000u

/* By gate: input, forget, cell, output. */
typedef struct lstm_parts {
    lks_tfl_tensor *x, *w[LKS_GATES], *r[LKS_GATES], *bias[LKS_GATES], *hidden, *cells, *y;
    lks_tfl_quant qx, qh, qc, qy;
    lks_rq rq[2 * LKS_GATES + 3];
    int32_t power;                      /* the scale of the cells is 2^power */
} lstm_parts;

static lks_status lstm_variant(const lks_tfl_op *op)
{
    static const struct {
        uint32_t from, to;
        const char *what;
    } unknown[] = {
        { LSTM_PEEPHOLES, LSTM_BIAS, "peephole connections" },
        { LSTM_PROJECTION, LSTM_HIDDEN, "a projection" },
        { LSTM_NORMS, LSTM_END, "layer normalization" }
    };
    static const lks_fb_field fused = { "UnidirectionalSequenceLSTMOptions.fused_activation_function", 0, 1, 0 };
    static const lks_fb_field diagonal = { "UnidirectionalSequenceLSTMOptions.diagonal_recurrent_tensors", 5, 1, 0 };

    for (size_t k = 0; k < sizeof unknown / sizeof unknown[0]; k++)
        for (uint32_t i = unknown[k].from; i < unknown[k].to; i++)
            if (lks_tfl_has(op, i))
                return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%s: operand %u is there, which is not supported",
                                      unknown[k].what, (unsigned)i);
    if (!lks_tfl_has(op, LSTM_W) && !lks_tfl_has(op, LSTM_R))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "an input gate that is coupled with the forget gate is not supported");
    if (lks_tfl_option(op, &fused) != ACTIVATION_TANH)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "activation function %lld: the cell gate must have TANH",
                              (long long)lks_tfl_option(op, &fused));
    if (lks_tfl_option(op, &diagonal) != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "diagonal recurrent weights are not supported");
    return LKS_OK;
}

/* Constants of one kind, one per gate. */
static lks_status gate_constants(const lks_tfl_op *op, uint32_t first, const char *role, int32_t type, uint32_t rank,
                                 const int32_t *dims, lks_tfl_tensor **t)
{
    for (uint32_t gate = 0; gate < LKS_GATES; gate++) {
        LKS_TFL_TRY(lks_tfl_constant(op, first + gate, role, type, &t[gate]));
        if (t[gate]->rank != rank || memcmp(t[gate]->dims, dims, rank * sizeof *dims) != 0)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the shape of the %s of gate %u does not fit input and state", role,
                                  (unsigned)gate);
    }
    return LKS_OK;
}

static lks_status lstm_operands(const lks_tfl_op *op, bool time_major, lstm_parts *p)
{
    int32_t dims[2], images;

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_ONLY, &p->x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_ONLY, &p->y));
    LKS_TFL_TRY(lks_tfl_variable(op, LSTM_HIDDEN, "output state", LKS_TFL_INT8, &p->hidden));
    LKS_TFL_TRY(lks_tfl_variable(op, LSTM_CELLS, "cell state", LKS_TFL_INT16, &p->cells));
    if (p->x->rank != 3)
        return lks_tfl_refuse_rank(op, "input", p->x->rank, 3);
    if (p->hidden->rank != 2)
        return lks_tfl_refuse_rank(op, "output state", p->hidden->rank, 2);
    images = p->x->dims[time_major ? 1 : 0];
    dims[0] = p->hidden->dims[1];
    if (p->hidden->dims[0] != images || lks_tfl_elements(p->cells) != lks_tfl_elements(p->hidden))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the states do not fit: they must have %d images of the same cells",
                              (int)images);
    dims[1] = p->x->dims[2];
    LKS_TFL_TRY(gate_constants(op, LSTM_W, "input weights", LKS_TFL_INT8, 2, dims, p->w));
    dims[1] = dims[0];
    LKS_TFL_TRY(gate_constants(op, LSTM_R, "recurrent weights", LKS_TFL_INT8, 2, dims, p->r));
    return gate_constants(op, LSTM_BIAS, "bias", LKS_TFL_INT32, 1, dims, p->bias);
}

static lks_status lstm_quantization(const lks_tfl_op *op, lstm_parts *p)
{
    LKS_TFL_TRY(lks_tfl_quantization(op, p->x, &p->qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->hidden, &p->qh));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->cells, &p->qc));
    LKS_TFL_TRY(lks_tfl_quantization(op, p->y, &p->qy));
    if (p->qy.scale != p->qh.scale || p->qy.zero != p->qh.zero)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "output and output state have different scales or zero points");
    if (p->qc.zero != 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the cell state has a zero point other than 0");
    if (!lks_quantize_power(p->qc.scale, &p->power) || p->power < -28 || p->power > 2)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scale of the cell state is no power of two from 2^-28 to 2^2");
    return LKS_OK;
}

/* lstm_eval_common.cc: CreateGateParams, which does not look at the scales of biases, and CreateInterGateMulParams */
static lks_status lstm_multipliers(const lks_tfl_op *op, lstm_parts *p)
{
    lks_rq *rq = p->rq;
    uint32_t w, r;
    bool found = true;

    for (uint32_t gate = 0; gate < LKS_GATES; gate++) {
        LKS_TFL_TRY(weights_scale(op, "input weights", p->w[gate], &w));
        LKS_TFL_TRY(weights_scale(op, "recurrent weights", p->r[gate], &r));
        found = found && lks_quantize_narrow_product(p->qx.scale, w, TWO_TO_MINUS_12, &rq[gate])
              && lks_quantize_narrow_product(p->qh.scale, r, TWO_TO_MINUS_12, &rq[LKS_GATES + gate]);
    }
    rq += 2 * LKS_GATES;
    if (!found || !lks_quantize_product(TWO_TO_MINUS_15, p->qc.scale, p->qc.scale, &rq[0])
        || !lks_quantize_product(TWO_TO_MINUS_15, TWO_TO_MINUS_15, p->qc.scale, &rq[1])
        || !lks_quantize_product(TWO_TO_MINUS_15, TWO_TO_MINUS_15, p->qh.scale, &rq[2]))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales give no multiplier");
    return LKS_OK;
}

static lks_status lstm_clip(const lks_tfl_op *op, const lstm_parts *p, int32_t *clip)
{
    static const lks_fb_field cell_clip = { "UnidirectionalSequenceLSTMOptions.cell_clip", 1, 4, 0 };
    const uint32_t bits = (uint32_t)lks_fb_unsigned(&op->m->fb, op->o.options, &cell_clip);

    *clip = 0;
    if (bits == 0)
        return LKS_OK;
    if (lks_scale_usable(bits))
        *clip = lks_quantize_clip(bits, p->qc.scale);
    if (*clip == 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the cell clip is no positive number, or leaves nothing of a cell");
    return LKS_OK;
}

/* The constants of all gates, one behind the other. */
static lks_status emit_gates(const lks_tfl_op *op, lks_tfl_tensor *const t[LKS_GATES], lks_type type, uint32_t *index)
{
    const uint32_t count = lks_tfl_elements(t[0]), rank = t[0]->rank + 1;
    const size_t bytes = (size_t)LKS_GATES * count * (type == LKS_I32 ? sizeof(int32_t) : 1);
    uint32_t dims[3] = { LKS_GATES, 0, 0 };
    int32_t *wide;

    LKS_TFL_TRY(lks_tfl_spend(op, (uint64_t)LKS_GATES * count * (type == LKS_I32 ? sizeof *wide : 1)));
    wide = malloc(bytes);
    if (!wide)
        return lks_tfl_refuse(op, LKS_ERR_NOMEM, "out of memory");
    for (uint32_t gate = 0; gate < LKS_GATES; gate++)
        for (uint32_t i = 0; i < count; i++)
            if (type == LKS_I32)
                wide[(size_t)gate * count + i] = (int32_t)lks_tfl_value(t[gate], i);
            else
                ((uint8_t *)wide)[(size_t)gate * count + i] = lks_tfl_stored_byte(t[gate], i);
    for (uint32_t i = 1; i < rank; i++)
        dims[i] = (uint32_t)t[0]->dims[i - 1];
    *index = lks_tfl_emit_constant(op, t[0], type, rank, dims, wide);
    free(wide);
    return LKS_OK;
}

lks_status lks_tfl_import_lstm(const lks_tfl_op *op)
{
    static const lks_fb_field time_major = { "UnidirectionalSequenceLSTMOptions.time_major", 3, 1, 0 };
    static const uint32_t rq_dims[2] = { 2 * LKS_GATES + 3, 2 };
    lks_op_args args = { 0 };
    lstm_parts p;
    uint32_t operands[5];

    args.lstm.time_major = lks_tfl_option(op, &time_major) != 0;
    LKS_TFL_TRY(lstm_variant(op));
    LKS_TFL_TRY(lstm_operands(op, args.lstm.time_major, &p));
    LKS_TFL_TRY(lstm_quantization(op, &p));
    LKS_TFL_TRY(lstm_multipliers(op, &p));
    LKS_TFL_TRY(lstm_clip(op, &p, &args.lstm.cell_clip));
    operands[0] = p.x->index[LKS_TFL_PLAIN];
    LKS_TFL_TRY(emit_gates(op, p.w, LKS_I8, &operands[1]));
    LKS_TFL_TRY(emit_gates(op, p.r, LKS_I8, &operands[2]));
    LKS_TFL_TRY(emit_gates(op, p.bias, LKS_I32, &operands[3]));
    LKS_TFL_TRY(lks_tfl_spend(op, sizeof p.rq));
    operands[4] = lks_tfl_emit_constant(op, NULL, LKS_I32, 2, rq_dims, p.rq);
    args.lstm.x_zero = p.qx.zero;
    args.lstm.y_zero = p.qy.zero;
    args.lstm.cell_shift = 12 + p.power;
    args.lstm.rounding = LKS_TFLITE;
    return lks_tfl_emit(op, LKS_OP_LSTM, operands, p.y, &args);
}
