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
