/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops of a .tflite file that work element by element.
 */
#include "import/tflite_element.h"

#include "import/quantize.h"

/* ---- ADD, SUB, MUL ------------------------------------------------------------------------------------------------------- */

/* Two operands, each an activation or a constant, that broadcast to y. */
typedef struct pair {
    lks_tfl_tensor *y;
    uint32_t operands[2];
    lks_tfl_quant a, b, qy;
} pair;

static lks_status read_pair(const lks_tfl_op *op, pair *p)
{
    bool a_constant, b_constant;

    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &p->y));
    LKS_TFL_TRY(lks_tfl_either(op, 0, p->y, &p->a, &p->operands[0], &a_constant));
    LKS_TFL_TRY(lks_tfl_either(op, 1, p->y, &p->b, &p->operands[1], &b_constant));
    if (a_constant && b_constant)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "both inputs are constant");
    return lks_tfl_quantization(op, p->y, &p->qy);
}

typedef bool quantize_addition(uint32_t a, uint32_t b, uint32_t y, lks_add_args *args);

static lks_status import_addition(const lks_tfl_op *op, uint32_t kind, const lks_fb_field *fused, pair *p, quantize_addition *f)
{
    lks_op_args args = { 0 };

    if (!f(p->a.scale, p->b.scale, p->qy.scale, &args.add))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output scale is too small for the input scales");
    LKS_TFL_TRY(lks_tfl_range(op, fused, p->qy, &args.add.y_min, &args.add.y_max));
    args.add.a_zero = p->a.zero;
    args.add.b_zero = p->b.zero;
    args.add.y_zero = p->qy.zero;
    args.add.rounding = LKS_TFLITE;
    return lks_tfl_emit(op, kind, p->operands, p->y, &args);
}

lks_status lks_tfl_import_add(const lks_tfl_op *op)
{
    static const lks_fb_field fused = { "AddOptions.fused_activation_function", 0, 1, 0 };
    pair p;

    LKS_TFL_TRY(read_pair(op, &p));
    return import_addition(op, LKS_OP_ADD, &fused, &p, lks_quantize_add);
}

/* sub_common.cc: CalculateOpDataSub, in binary32; LiteRT, which knows uint8, computes as for ADD */
lks_status lks_tfl_import_sub(const lks_tfl_op *op)
{
    static const lks_fb_field fused = { "SubOptions.fused_activation_function", 0, 1, 0 };
    pair p;

    LKS_TFL_TRY(read_pair(op, &p));
    return import_addition(op, LKS_OP_SUB, &fused, &p, p.y->type == LKS_TFL_UINT8 ? lks_quantize_add : lks_quantize_sub);
}

/* mul_common.cc: CalculateOpDataMul; LiteRT, which knows uint8, computes in binary32 */
lks_status lks_tfl_import_mul(const lks_tfl_op *op)
{
    static const lks_fb_field fused = { "MulOptions.fused_activation_function", 0, 1, 0 };
    lks_op_args args = { 0 };
    lks_rq rq;
    pair p;

    LKS_TFL_TRY(read_pair(op, &p));
    if (!(p.y->type == LKS_TFL_UINT8 ? lks_quantize_float_product : lks_quantize_product)(p.a.scale, p.b.scale, p.qy.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of inputs and output give no multiplier");
    args.mul = (lks_mul_args){ .a_zero = p.a.zero, .b_zero = p.b.zero, .y_zero = p.qy.zero, .m = rq.m, .s = rq.s,
                               .rounding = LKS_TFLITE };
    LKS_TFL_TRY(lks_tfl_range(op, &fused, p.qy, &args.mul.y_min, &args.mul.y_max));
    return lks_tfl_emit(op, LKS_OP_MUL, p.operands, p.y, &args);
}

/* ---- PRELU --------------------------------------------------------------------------------------------------------------- */

/* prelu_common.cc: PreluPrepare; LiteRT, which knows uint8, computes in binary32 */
lks_status lks_tfl_import_prelu(const lks_tfl_op *op)
{
    lks_tfl_tensor *x, *slope, *y;
    lks_tfl_quant qx, qs, qy;
    lks_op_args args = { 0 };
    lks_rq positive, rq;
    uint32_t operands[2];
    bool ok;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "slope", x->type, &slope));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, slope, &qs));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (x->type == LKS_TFL_UINT8)
        ok = lks_quantize_narrow_ratio(qx.scale, qy.scale, &positive)
            && lks_quantize_float_product(qx.scale, qs.scale, qy.scale, &rq);
    else
        ok = lks_quantize_ratio(qx.scale, qy.scale, &positive) && lks_quantize_product(qx.scale, qs.scale, qy.scale, &rq);
    if (!ok)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the scales of inputs and output give no multiplier");
    LKS_TFL_TRY(lks_tfl_emit_plain(op, slope, &operands[1]));
    operands[0] = x->index[LKS_TFL_PLAIN];
    args.prelu = (lks_prelu_args){ .x_zero = qx.zero, .slope_zero = qs.zero, .y_zero = qy.zero, .positive_m = positive.m,
                                   .positive_s = positive.s, .m = rq.m, .s = rq.s, .y_min = -128, .y_max = 127,
                                   .rounding = LKS_TFLITE };
    return lks_tfl_emit(op, LKS_OP_PRELU, operands, y, &args);
}

/* ---- MAXIMUM, MINIMUM ---------------------------------------------------------------------------------------------------- */

/* maximum_minimum.cc: of stored values, whatever the scales.  One of the operands must be a single constant. */
static lks_status import_extremum(const lks_tfl_op *op, bool maximum)
{
    lks_tfl_tensor *x, *y, *constant;
    lks_op_args args = { .clamp = { -128, 127 } };
    uint32_t which;

    LKS_TFL_TRY(lks_tfl_operand(op, 0, "input", &constant));
    which = constant->data != NULL;             /* the operand that is not constant */
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_I8_OR_U8, &y));
    LKS_TFL_TRY(lks_tfl_input(op, which, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(lks_tfl_same_type(op, x, y));
    LKS_TFL_TRY(lks_tfl_constant(op, 1 - which, "second input", y->type, &constant));
    if (lks_tfl_elements(constant) != 1)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "one of the inputs must be a single constant");
    *(maximum ? &args.clamp.y_min : &args.clamp.y_max) = (int32_t)lks_tfl_value(constant, 0);
    return lks_tfl_emit(op, LKS_OP_CLAMP, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_maximum(const lks_tfl_op *op)
{
    return import_extremum(op, true);
}

lks_status lks_tfl_import_minimum(const lks_tfl_op *op)
{
    return import_extremum(op, false);
}
