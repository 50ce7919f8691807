/* SPDX-License-Identifier: Apache-2.0
 *
 * The builtin ops that look at whole axes: sums, the largest and the smallest, their indices, and SOFTMAX.
 */
#include "import/tflite_reduce.h"

#include "import/quantize.h"

/* ---- MEAN, SUM, REDUCE_MAX, REDUCE_MIN ----------------------------------------------------------------------------------- */

/* Operand 1 as a set of axes, and the number of elements that are summed.  The limits are those of the arrays in which the
 * reference keeps them (reduce_common.cc: kMaxNumberOfAxis, kMaxNumberOfReducedAxis; MeanParams): it writes beyond their ends. */
static lks_status read_axes(const lks_tfl_op *op, const lks_tfl_tensor *x, int32_t *axes, uint32_t *count)
{
    lks_tfl_tensor *t;
    uint32_t distinct = 0;

    LKS_TFL_TRY(lks_tfl_constant(op, 1, "axis", LKS_TFL_INT32, &t));
    if (x->rank > 5 || lks_tfl_elements(t) > 4)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "at most 5 dimensions and 4 axes are supported");
    *axes = 0;
    *count = 1;
    for (uint32_t i = 0; i < lks_tfl_elements(t); i++) {
        int64_t stated = lks_tfl_value(t, i), axis = stated < 0 ? stated + x->rank : stated;

        if (axis < 0 || axis >= x->rank)
            return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "axis %lld of %u dimensions", (long long)stated, (unsigned)x->rank);
        if (*axes >> axis & 1)
            continue;
        *axes |= 1 << axis;
        *count *= (uint32_t)x->dims[axis];
        distinct++;
    }
    if (distinct > 2)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "%u reduced axes: at most 2 are supported", (unsigned)distinct);
    return LKS_OK;
}

/* reduce_common.cc: PrepareMeanOrSum; reduce.h: QuantizedMeanOrSum */
static lks_status import_reduce(const lks_tfl_op *op, bool mean)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_op_args args = { 0 };
    lks_rq rq;
    uint32_t count = 1;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    LKS_TFL_TRY(read_axes(op, x, &args.sum.axes, &count));
    if (!lks_quantize_ratio(qx.scale, qy.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output scale is too small for the input scale");
    if (mean)
        rq = lks_quantize_mean(rq, count);
    args.sum.x_zero = qx.zero;
    args.sum.y_zero = qy.zero;
    args.sum.m = rq.m;
    args.sum.s = rq.s;
    args.sum.y_min = -128;
    args.sum.y_max = 127;
    args.sum.rounding = LKS_TFLITE;
    return lks_tfl_emit(op, LKS_OP_SUM, &x->index[LKS_TFL_PLAIN], y, &args);
}

/* reduce_common.cc: PrepareMinMax */
static lks_status import_extremum(const lks_tfl_op *op, int32_t smallest)
{
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_op_args args = { .reduce_max = { .smallest = smallest, .y_min = -128, .y_max = 127 } };
    uint32_t count;

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (qx.scale != qy.scale || qx.zero != qy.zero)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "input and output have different scales or zero points");
    LKS_TFL_TRY(read_axes(op, x, &args.reduce_max.axes, &count));
    return lks_tfl_emit(op, LKS_OP_REDUCE_MAX, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_reduce_max(const lks_tfl_op *op)
{
    return import_extremum(op, 0);
}

lks_status lks_tfl_import_reduce_min(const lks_tfl_op *op)
{
    return import_extremum(op, 1);
}

lks_status lks_tfl_import_mean(const lks_tfl_op *op)
{
    return import_reduce(op, true);
}

lks_status lks_tfl_import_sum(const lks_tfl_op *op)
{
    return import_reduce(op, false);
}

/* ---- ARG_MAX, ARG_MIN ---------------------------------------------------------------------------------------------------- */

/* arg_min_max.cc.  INT64 indices, and an INT64 axis, are LiteRT's. */
static lks_status import_arg(const lks_tfl_op *op, int32_t smallest)
{
    static const lks_fb_field output_type = { "ArgMaxOptions.output_type", 0, 1, 0 };       /* as ArgMinOptions.output_type */
    lks_op_args args = { .arg_max = { .smallest = smallest } };
    lks_tfl_tensor *x, *y, *t;
    int64_t axis;

    LKS_TFL_TRY(lks_tfl_input(op, 0, LKS_TFL_I8_OR_U8, &x));
    LKS_TFL_TRY(lks_tfl_output(op, LKS_TFL_INDICES, &y));
    LKS_TFL_TRY(lks_tfl_operand(op, 1, "axis", &t));
    LKS_TFL_TRY(lks_tfl_constant(op, 1, "axis", t->type == LKS_TFL_INT64 ? LKS_TFL_INT64 : LKS_TFL_INT32, &t));
    if (op->o.options.at != 0 && lks_tfl_option(op, &output_type) != y->type)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "its output is not of the type that its options say");
    axis = lks_tfl_elements(t) == 1 ? lks_tfl_value(t, 0) : INT64_MAX;
    axis += axis < 0 ? (int64_t)x->rank : 0;
    if (axis < 0 || axis >= (int64_t)x->rank)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the axis must be one number, and name one of %u dimensions",
                              (unsigned)x->rank);
    args.arg_max.axis = (int32_t)axis;
    return lks_tfl_emit(op, LKS_OP_ARG_MAX, &x->index[LKS_TFL_PLAIN], y, &args);
}

lks_status lks_tfl_import_arg_max(const lks_tfl_op *op)
{
    return import_arg(op, 0);
}

lks_status lks_tfl_import_arg_min(const lks_tfl_op *op)
{
    return import_arg(op, 1);
}

/* ---- SOFTMAX ------------------------------------------------------------------------------------------------------------- */

/* softmax_common.cc: CalculateSoftmaxParams */
lks_status lks_tfl_import_softmax(const lks_tfl_op *op)
{
    static const lks_fb_field beta = { "SoftmaxOptions.beta", 0, 4, 0 };
    const uint32_t scale_256 = 0x3b800000;      /* 1 / 256 */
    lks_tfl_tensor *x, *y;
    lks_tfl_quant qx, qy;
    lks_op_args args = { 0 };
    lks_rq rq;
    uint32_t b = (uint32_t)lks_fb_unsigned(&op->m->fb, op->o.options, &beta);

    LKS_TFL_TRY(lks_tfl_unary(op, &x, &y));
    LKS_TFL_TRY(lks_tfl_quantization(op, x, &qx));
    LKS_TFL_TRY(lks_tfl_quantization(op, y, &qy));
    if (x->rank == 0)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the input has no dimensions");
    if (qy.scale != scale_256 || qy.zero != -128)
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "the output must have scale 1/256 and zero point -128");
    if (!lks_scale_usable(b) || !lks_quantize_softmax(b, qx.scale, &rq))
        return lks_tfl_refuse(op, LKS_ERR_UNSUPPORTED, "beta * input scale is too small, or beta is no positive number");
    args.softmax.m = rq.m;
    args.softmax.s = rq.s;
    return lks_tfl_emit(op, LKS_OP_SOFTMAX, &x->index[LKS_TFL_PLAIN], y, &args);
}
