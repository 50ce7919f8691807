/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the ops that multiply by weights.
 */
#include "host/rules.h"

#include "spec/arith.h"

/* bias [out_c] and rq [out_c, 2], operands 2 and 3. */
static lks_status check_channels(const lks_op_view *v, uint32_t out_c)
{
    const uint32_t dims[2] = { out_c, 2 };
    lks_status st;

    if ((st = lks_expect_constant(v, 2, "bias", LKS_I32, 1)) != LKS_OK) return st;
    if ((st = lks_expect_shape(v, v->in[2], "bias", 1, dims)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 3, "rq", LKS_I32, 2)) != LKS_OK) return st;
    return lks_expect_shape(v, v->in[3], "rq", 2, dims);
}

static lks_status check_conv(const lks_op_view *v)
{
    const lks_conv_args *a = &v->op->args.conv;
    const lks_tensor *x = v->in[0], *w = v->in[1];
    uint32_t c = x->dims[3], out_c = w->dims[0], groups = (uint32_t)a->groups;
    lks_status st;

    if ((st = lks_check_image(v)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 4)) != LKS_OK) return st;
    if (c % groups != 0 || out_c % groups != 0)
        return lks_illegal(v, "groups", "must divide the channels of x and of y");
    if (w->dims[3] != c / groups)
        return lks_illegal(v, "w", "its last extent must be the channels of x over groups");
    if ((st = check_channels(v, out_c)) != LKS_OK) return st;

    lks_axis h = { "height", x->dims[1], (int32_t)w->dims[1], a->dilation_h, a->stride_h, a->pad_top, a->pad_bottom };
    lks_axis s = { "width", x->dims[2], (int32_t)w->dims[2], a->dilation_w, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[4] = { x->dims[0], lks_window_extent(v, &h), 0, out_c };

    if (dims[1] == 0 || (dims[2] = lks_window_extent(v, &s)) == 0)
        return LKS_ERR_ILLEGAL;
    return lks_expect_shape(v, v->y, "y", 4, dims);
}

static lks_status check_fully_connected(const lks_op_view *v)
{
    const lks_tensor *x = v->in[0], *w = v->in[1], *y = v->y;
    lks_status st;

    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 2)) != LKS_OK) return st;
    if ((st = check_channels(v, w->dims[0])) != LKS_OK) return st;
    if (x->elements % w->dims[1] != 0)
        return lks_illegal(v, "x", "its elements must be a multiple of the last extent of w");
    if (y->dims[y->rank - 1] != w->dims[0])
        return lks_illegal(v, "y", "its last extent must be the first of w");
    if (y->elements / w->dims[0] != x->elements / w->dims[1])
        return lks_illegal(v, "y", "must have as many rows as x");
    return LKS_OK;
}

static lks_status check_scale(const lks_op_view *v)
{
    const uint32_t channels[1] = { v->in[0]->dims[v->in[0]->rank - 1] };
    lks_status st;

    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 1)) != LKS_OK) return st;
    if ((st = lks_expect_shape(v, v->in[1], "w", 1, channels)) != LKS_OK) return st;
    if ((st = check_channels(v, channels[0])) != LKS_OK) return st;
    return lks_same_shape(v);
}

/* Weights [out_c][terms]; of scale, one term. */
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
        if ((st = lks_prove_requant(v, sum * lks_max_distance(x_zero) + magnitude, rq[o], rounding, o)) != LKS_OK)
            return st;
    }
    return LKS_OK;
}

static lks_status prove_conv(const lks_op_view *v)
{
    const lks_conv_args *a = &v->op->args.conv;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

/* Also scale. */
static lks_status prove_fully_connected(const lks_op_view *v)
{
    const lks_fully_connected_args *a = &v->op->args.fully_connected;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

static bool fully_connected_free(const lks_op_view *v)
{
    return v->y->rank >= 2 && lks_same_first_extent(v);
}

static bool scale_free(const lks_op_view *v)
{
    return v->y->rank >= 2;
}

static uint64_t linear_macs(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * (v->in[1]->elements / v->in[1]->dims[0]);
}

static const lks_arg_rule conv_args[] = {
    STRIDE("stride_h"), STRIDE("stride_w"), STRIDE("dilation_h"), STRIDE("dilation_w"), PADS, BYTE("pad_value"),
    { "groups", 1, LKS_INT32_MAX }, BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING
};
static const lks_arg_rule fully_connected_args[] = { BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING };

const lks_op_rule lks_linear_rules[] = {
    { LKS_OP_CONV, "conv", 4, 1, 16, conv_args, 15, check_conv, prove_conv, NULL, linear_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_FULLY_CONNECTED, "fully_connected", 4, 1, 6, fully_connected_args, 5, check_fully_connected, prove_fully_connected,
      fully_connected_free, linear_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_SCALE, "scale", 4, 1, 6, fully_connected_args, 5, check_scale, prove_fully_connected, scale_free, linear_macs,
      lks_per_output, LKS_I8, LKS_I8 },
    { 0 }
};
