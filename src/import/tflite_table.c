/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that are functions of one int8: their 256 values become the table of a lut, computed with the
 * integers of the reference.
 */
#include "import/tflite_table.h"

#include "import/quantize.h"
#include "spec/arith.h"

/* An op, and the table that it becomes: values by stored x + 128. */
typedef struct table {
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    int8_t value[LKS_TABLE_SIZE];
} table;

static lks_status read_table(const lks_tfl_op *op, table *t)
{
    LKS_TFL_TRY(lks_tfl_unary(op, &t->x, &t->y));
    LKS_TFL_TRY(lks_tfl_quantization(op, t->x, &t->qx));
    return lks_tfl_quantization(op, t->y, &t->qy);
}

static lks_status emit_table(const lks_tfl_op *op, table *t)
{
    const lks_op_args none = { 0 };
    const uint32_t dims[1] = { LKS_TABLE_SIZE };
    uint32_t operands[2] = { t->x->index[LKS_TFL_PLAIN] };

    LKS_TFL_TRY(lks_tfl_spend(op, LKS_TABLE_SIZE));
    operands[1] = lks_tfl_emit_constant(op, NULL, LKS_I8, 1, dims, t->value);
    return lks_tfl_emit(op, LKS_OP_LUT, operands, t->y, &none);
}

static void set(table *t, int32_t x, int32_t y)
{
    t->value[x + 128] = (int8_t)lks_clamp(y, -128, 127);
}

/* ---- LOGISTIC, TANH ------------------------------------------------------------------------------------------------------ */

/* The input in units of 2^-27, as long as it is within 15 of 0. */
typedef struct wave {
    lks_rq rq;
    int32_t radius;             /* from which on, in steps of the input, it is not */
} wave;

/* quantization_util.cc: CalculateInputRadius with 4 integer bits.  LiteRT fills the tables of uint8 models in floating point. */
static lks_status read_wave(const lks_tfl_op *op, table *t, uint32_t y_scale, int32_t y_zero, wave *w)
{
    LKS_TFL_TRY(read_table(op, t));
    if (t->x->type != LKS_TFL_INT8)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "with UINT8 the reference computes in floating point");
    if (t->qy.scale != y_scale || t->qy.zero != y_zero)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output must have scale 1/%d and zero point %d", y_zero ? 256 : 128,
                              (int)y_zero);
    if (!lks_quantize_wave(t->qx.scale, &w->rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales give no multiplier: that of the input is too far from 1");
    w->radius = w->rq.s > 31 ? 0 : (int32_t)(((int64_t)15 << 27) >> w->rq.s);
    return LKS_OK;
}

/* gemmlowp, fixedpoint.h: logistic, in units of 2^-31 */
static int32_t logistic(int32_t a)
{
    int32_t y;

    if (a == 0)
        return 1 << 30;
    y = lks_recip(lks_exp(a < 0 ? a : -a, 4));
    return a < 0 ? LKS_INT32_MAX - y : y;
}

/* gemmlowp, fixedpoint.h: tanh, in units of 2^-31.  The exponent is twice a: the same bits with one more of them integer. */
static int32_t hyperbolic_tangent(int32_t a)
{
    int32_t y;

    if (a == 0)
        return 0;
    y = lks_lshift_sat(lks_newton(lks_exp(a < 0 ? a : -a, 5)) - (1 << 29), 2);
    return a < 0 ? -y : y;
}

/* integer_ops/logistic.h, integer_ops/tanh.h; shift: from 2^-31 to the units of the output */
static void fill_wave(table *t, const wave *w, int32_t (*f)(int32_t a), int32_t shift)
{
    for (int32_t x = -128; x <= 127; x++) {
        int32_t u = x - t->qx.zero;

        if (u <= -w->radius)
            set(t, x, -128);
        else if (u >= w->radius)
            set(t, x, 127);
        else
            set(t, x, lks_rshift_away(f(lks_requant_tflite(u, w->rq)), shift) + t->qy.zero);
    }
}

lks_status lks_tfl_import_logistic(const lks_tfl_op *op)
{
    const uint32_t scale_256 = 0x3b800000;      /* 1 / 256 */
    table t;
    wave w;

    LKS_TFL_TRY(read_wave(op, &t, scale_256, -128, &w));
    fill_wave(&t, &w, logistic, 23);
    return emit_table(op, &t);
}

lks_status lks_tfl_import_tanh(const lks_tfl_op *op)
{
    const uint32_t scale_128 = 0x3c000000;      /* 1 / 128 */
    table t;
    wave w;

    LKS_TFL_TRY(read_wave(op, &t, scale_128, 0, &w));
    fill_wave(&t, &w, hyperbolic_tangent, 24);
    return emit_table(op, &t);
}

/* ---- HARD_SWISH ---------------------------------------------------------------------------------------------------------- */

static int32_t saturate16(int64_t v)
{
    return v < -32768 ? -32768 : v > 32767 ? 32767 : (int32_t)v;
}

/* gemmlowp, fixedpoint.h: SaturatingRoundingDoublingHighMul of int16; b is not negative. */
static int32_t mulh16(int32_t a, int32_t b)
{
    return lks_shr32(a * b + (1 << 14), 15);
}

/* hard_swish.h: HardSwish; u: x less its zero point */
static int32_t hard_swish(int32_t u, lks_rq reluish, lks_rq output)
{
    int32_t x = u * 128, r = x, product;

    if (reluish.s > 0)
        r = saturate16((int64_t)r * ((int64_t)1 << (reluish.s - 1)));
    r = mulh16(r, reluish.m);
    r = reluish.s > 0 ? saturate16(2 * (int64_t)r) : lks_rshift_away(r, -reluish.s);
    r = lks_shr32(r + (1 << 15), 1);
    product = r * mulh16(x, output.m) / (1 << 15);      /* truncated */
    return lks_rshift_away(product, -output.s);
}

lks_status lks_tfl_import_hard_swish(const lks_tfl_op *op)
{
    lks_rq reluish, output;
    table t;

    LKS_TFL_TRY(read_table(op, &t));
    if (!lks_quantize_hard_swish(t.qx.scale, t.qy.scale, &reluish, &output))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of input and output give no multipliers");
    for (int32_t x = -128; x <= 127; x++)
        set(&t, x, hard_swish(x - t.qx.zero, reluish, output) + t.qy.zero);
    return emit_table(op, &t);
}

/* ---- LEAKY_RELU, ABS ----------------------------------------------------------------------------------------------------- */

/* Multipliers that shift left by more overflow in the reference. */
#define SHIFT_MAX 22

/*
 * leaky_relu_common.cc: CalculateOpDataLeakyRelu; leaky_relu.h: QuantizeLeakyRelu.  LiteRT, which knows uint8, computes in
 * binary32.
 */
lks_status lks_tfl_import_leaky_relu(const lks_tfl_op *op)
{
    static const lks_fb_field alpha = { "LeakyReluOptions.alpha", 0, 4, 0 };
    const uint32_t bits = (uint32_t)lks_fb_unsigned(&op->m->fb, op->o.options, &alpha), magnitude = bits & 0x7fffffffu;
    lks_rq positive, negative = { 0, 0 };
    bool legacy;
    table t;

    LKS_TFL_TRY(read_table(op, &t));
    legacy = t.x->type == LKS_TFL_UINT8;
    if (magnitude != 0 && (!lks_scale_usable(magnitude)
                           || !(legacy ? lks_quantize_float_product : lks_quantize_product)(t.qx.scale, magnitude, t.qy.scale,
                                                                                             &negative)))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "alpha and the scales give no multiplier");
    if (!(legacy ? lks_quantize_narrow_ratio : lks_quantize_ratio)(t.qx.scale, t.qy.scale, &positive) || positive.s > SHIFT_MAX
        || negative.s > SHIFT_MAX)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of input and output give no multiplier");
    for (int32_t x = -128; x <= 127; x++) {
        int32_t u = x - t.qx.zero, y = lks_requant_tflite(u, u < 0 ? negative : positive);

        set(&t, x, (u < 0 && bits >> 31 ? -y : y) + t.qy.zero);
    }
    return emit_table(op, &t);
}

/* elementwise.cc: PrepareAbsRsqrt, AbsEvalQuantized */
lks_status lks_tfl_import_abs(const lks_tfl_op *op)
{
    lks_rq rq;
    table t;

    LKS_TFL_TRY(read_table(op, &t));
    if (t.x->type != LKS_TFL_INT8)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "of UINT8 is not defined by the reference");
    if (!lks_quantize_ratio(t.qx.scale, t.qy.scale, &rq) || rq.s > SHIFT_MAX)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of input and output give no multiplier");
    for (int32_t x = -128; x <= 127; x++) {
        int32_t u = x < t.qx.zero ? t.qx.zero - x : x - t.qx.zero;

        set(&t, x, (t.qx.scale == t.qy.scale ? u : lks_requant_tflite(u, rq)) + t.qy.zero);
    }
    return emit_table(op, &t);
}
