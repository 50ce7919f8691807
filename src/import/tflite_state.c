/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that keep a state.
 */
#include "import/tflite_state.h"

#include "import/quantize.h"

#include <stdlib.h>

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
