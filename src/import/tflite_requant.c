/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that put values into another scale or range: QUANTIZE, RELU and its kin.
 */
#include "import/tflite_requant.h"

#include "import/quantize.h"
#include "import/tflite_ends.h"
#include "spec/arith.h"

static lks_status emit_requant(const lks_tfl_op *op, const lks_tfl_tensor *x, lks_tfl_tensor *y, lks_requant_args a)
{
    lks_op_args args = { .requant = a };

    args.requant.rounding = LKS_TFLITE;
    return lks_tfl_emit(op, LKS_OP_REQUANT, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* quantize_common.cc: PrepareQuantizeReference.  Formulas see stored values, so the type changes only the zero point. */
lks_status lks_tfl_import_quantize(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_rq rq;

    LKS_TFL_TRY(lks_tfl_operand(op, 0, "input", &x));
    if (x->type == LKS_TFL_FLOAT32)
        return lks_tfl_import_float_quantize(op);
    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_U8_OR_I16, &x));
    LKS_TFL_TRY(lks_tfl_output(op, x->type == LKS_TFL_INT16 ? LKS_TFL_I8_ONLY : LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (!lks_quantize_ratio(qx.scale, qy.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output scale is too small for the input scale");
    return emit_requant(op, x, y, (lks_requant_args){ .x_zero = qx.zero, .y_zero = qy.zero, .m = rq.m, .s = rq.s,
                                                      .y_min = -128, .y_max = 127 });
}

/* Whether two multipliers scale every int8 value alike.  A left shift beyond 16 moves all but 0 out of range. */
static bool same_results(lks_rq a, lks_rq b, int32_t zero)
{
    if (a.s > 16 || b.s > 16)
        return false;
    for (int32_t x = -128; x <= 127; x++)
        if (lks_requant(x - zero, a, LKS_TFLITE) != lks_requant(x - zero, b, LKS_TFLITE))
            return false;
    return true;
}

/*
 * The multiplier of a rectifier.  Revisions of the reference divide the scales in binary32 or in binary64; that shows in the
 * multiplier, but hardly ever in one of the 256 results, and only then is the op refused.
 */
static lks_status rectifier(const lks_tfl_op *op, const lks_tfl_quant *x, const lks_tfl_quant *y, lks_rq *rq)
{
    lks_rq wide;

    if (!lks_quantize_narrow_ratio(x->scale, y->scale, rq) || !lks_quantize_ratio(x->scale, y->scale, &wide)
        || !same_results(*rq, wide, x->zero))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "revisions of the reference disagree about these scales");
    return LKS_OK;
}

static lks_status read_unary(const lks_tfl_op *op, lks_tfl_tensor **x, lks_tfl_tensor **y, lks_tfl_quant *qx, lks_tfl_quant *qy)
{
    LKS_TFL_TRY(lks_tfl_unary(op, x, y));
    LKS_TFL_TRY(lks_tfl_quantization(op, *x, qx));
    return lks_tfl_quantization(op, *y, qy);
}

/* activations_common.cc: CalculateReluOpData */
lks_status lks_tfl_import_relu(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_rq rq;

    LKS_TFL_TRY(read_unary(op, &x, &y, &qx, &qy));
    LKS_TFL_TRY(rectifier(op, &qx, &qy, &rq));
    return emit_requant(op, x, y, (lks_requant_args){ .x_zero = qx.zero, .y_zero = qy.zero, .m = rq.m, .s = rq.s,
                                                      .y_min = qy.zero, .y_max = 127 });
}

/* LiteRT, activations.cc: QuantizedReluX, between two values of y */
static lks_status import_bounded(const lks_tfl_op *op, int32_t low, int32_t high)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_rq rq;
    int32_t y_min, y_max;

    LKS_TFL_TRY(read_unary(op, &x, &y, &qx, &qy));
    LKS_TFL_TRY(rectifier(op, &qx, &qy, &rq));
    LKS_TFL_TRY(lks_tfl_between(op, qy, low, high, &y_min, &y_max));
    return emit_requant(op, x, y, (lks_requant_args){ .x_zero = qx.zero, .y_zero = qy.zero, .m = rq.m, .s = rq.s,
                                                      .y_min = y_min, .y_max = y_max });
}

/* activations.cc: Relu6Prepare clamps stored values, by the scale of the input, whatever that of the output. */
lks_status lks_tfl_import_relu6(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_op_args args = { 0 };

    LKS_TFL_TRY(read_unary(op, &x, &y, &qx, &qy));
    if (x->type == LKS_TFL_UINT8)
        return import_bounded(op, 0, 6);
    LKS_TFL_TRY(lks_tfl_between(op, qx, 0, 6, &args.clamp.y_min, &args.clamp.y_max));
    return lks_tfl_emit(op, LKS_OP_CLAMP, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_relu_n1_to_1(const lks_tfl_op *op)
{
    return import_bounded(op, -1, 1);
}

lks_status lks_tfl_import_relu_0_to_1(const lks_tfl_op *op)
{
    return import_bounded(op, 0, 1);
}
