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

static lks_status check_conv_3d(const lks_op_view *v)
{
    const lks_conv_3d_args *a = &v->op->args.conv_3d;
    const lks_tensor *x = v->in[0], *w = v->in[1];
    const uint32_t groups = (uint32_t)a->groups;
    uint64_t gathered;
    lks_status st;

    if (x->rank != 5)
        return lks_illegal(v, "x", "must have rank 5, [n, d, h, w, c]");
    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 5)) != LKS_OK) return st;
    if (x->dims[4] % groups != 0 || w->dims[0] % groups != 0)
        return lks_illegal(v, "groups", "must divide the channels of x and of y");
    if (w->dims[4] != x->dims[4] / groups)
        return lks_illegal(v, "w", "its last extent must be the channels of x over groups");
    if ((st = check_channels(v, w->dims[0])) != LKS_OK) return st;

    lks_axis d = { "depth", x->dims[1], (int32_t)w->dims[1], a->dilation_d, a->stride_d, a->pad_front, a->pad_back };
    lks_axis h = { "height", x->dims[2], (int32_t)w->dims[2], a->dilation_h, a->stride_h, a->pad_top, a->pad_bottom };
    lks_axis s = { "width", x->dims[3], (int32_t)w->dims[3], a->dilation_w, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[5] = { x->dims[0], lks_window_extent(v, &d), 0, 0, w->dims[0] };

    if (dims[1] == 0 || (dims[2] = lks_window_extent(v, &h)) == 0 || (dims[3] = lks_window_extent(v, &s)) == 0)
        return LKS_ERR_ILLEGAL;
    gathered = (uint64_t)(x->elements / x->dims[1]) * dims[1];
    if (gathered > LKS_INT32_MAX || gathered * w->dims[1] > LKS_INT32_MAX)
        return lks_illegal(v, "x", "N * OD * H * W * KD * C is beyond 2^31 - 1");
    return lks_expect_shape(v, v->y, "y", 5, dims);
}

/* One axis of a transposed conv: the extent of y, or 0, with the error filled in.  spec 4.37 */
static uint32_t scattered_extent(const lks_op_view *v, const lks_axis *a)
{
    const int64_t out = ((int64_t)a->in - 1) * a->stride + a->kernel - a->before - a->after;

    if (a->before < 0 || a->before >= a->kernel || a->after <= -a->stride || a->after >= a->kernel)
        lks_illegal(v, a->name, "padding must be less than the kernel, and not negative before, nor by a stride or more behind");
    else if (out < 1 || out > LKS_MAX_EXTENT)
        lks_illegal(v, a->name, "the extent of y is not in 1 .. 2^24");
    else
        return (uint32_t)out;
    return 0;
}

static lks_status check_transposed_conv(const lks_op_view *v)
{
    const lks_transposed_conv_args *a = &v->op->args.transposed_conv;
    const lks_tensor *x = v->in[0], *w = v->in[1];
    uint32_t groups = (uint32_t)a->groups;
    lks_status st;

    if ((st = lks_check_image(v)) != LKS_OK) return st;
    if ((st = lks_expect_constant(v, 1, "w", LKS_I8, 4)) != LKS_OK) return st;
    if (x->dims[3] % groups != 0 || w->dims[0] % groups != 0)
        return lks_illegal(v, "groups", "must divide the channels of x and of y");
    if (w->dims[3] != x->dims[3] / groups)
        return lks_illegal(v, "w", "its last extent must be the channels of x over groups");
    if ((st = check_channels(v, w->dims[0])) != LKS_OK) return st;

    lks_axis h = { "height", x->dims[1], (int32_t)w->dims[1], 1, a->stride_h, a->pad_top, a->pad_bottom };
    lks_axis s = { "width", x->dims[2], (int32_t)w->dims[2], 1, a->stride_w, a->pad_left, a->pad_right };
    uint32_t dims[4] = { x->dims[0], scattered_extent(v, &h), 0, w->dims[0] };

    if (dims[1] == 0 || (dims[2] = scattered_extent(v, &s)) == 0)
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

static lks_status prove_conv_3d(const lks_op_view *v)
{
    const lks_conv_3d_args *a = &v->op->args.conv_3d;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

static lks_status prove_transposed_conv(const lks_op_view *v)
{
    const lks_transposed_conv_args *a = &v->op->args.transposed_conv;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

static uint64_t transposed_conv_macs(const lks_op_view *v)
{
    return (uint64_t)v->in[0]->elements * (v->in[1]->elements / v->in[1]->dims[3] / (uint32_t)v->op->args.transposed_conv.groups);
}

/* Also scale. */
static lks_status prove_fully_connected(const lks_op_view *v)
{
    const lks_fully_connected_args *a = &v->op->args.fully_connected;

    return prove_linear(v, a->x_zero, a->w_zero, a->rounding);
}

/* The extents of a matrix operand as the product sees them. */
typedef struct matrix {
    uint32_t outer, depth;          /* rows of a, or columns of b; K */
} matrix;

static matrix matrix_of(const lks_tensor *t, bool depth_last)
{
    uint32_t last = t->dims[t->rank - 1], other = t->dims[t->rank - 2];

    return depth_last ? (matrix){ other, last } : (matrix){ last, other };
}

static lks_status check_batch_matmul(const lks_op_view *v)
{
    const lks_batch_matmul_args *p = &v->op->args.batch_matmul;
    const lks_tensor *a = v->in[0], *b = v->in[1];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank, dims[LKS_MAX_RANK];

    if (a->constant && b->constant)
        return lks_illegal(v, "b", "one of the operands must not be constant");
    if (a->type != LKS_I8 || b->type != LKS_I8)
        return lks_illegal(v, "a, b", "must be int8");
    if (a->rank < 2 || b->rank < 2)
        return lks_illegal(v, "a, b", "must have rank 2 or more");
    for (uint32_t i = 0; i + 2 < rank; i++) {
        uint32_t da = lks_aligned_extent(a, rank, i), db = lks_aligned_extent(b, rank, i);

        if (da != db && da != 1 && db != 1)
            return lks_illegal(v, "b", "its leading extents do not broadcast with those of a");
        dims[i] = da > db ? da : db;
    }
    if (matrix_of(a, !p->adj_a).depth != matrix_of(b, p->adj_b).depth)
        return lks_illegal(v, "b", "its matrices have another depth than those of a");
    dims[rank - 2] = matrix_of(a, !p->adj_a).outer;
    dims[rank - 1] = matrix_of(b, p->adj_b).outer;
    return lks_expect_shape(v, v->y, "y", rank, dims);
}

static uint32_t batch_matmul_depth(const lks_op_view *v)
{
    return matrix_of(v->in[0], !v->op->args.batch_matmul.adj_a).depth;
}

static lks_status prove_batch_matmul(const lks_op_view *v)
{
    const lks_batch_matmul_args *a = &v->op->args.batch_matmul;

    return lks_prove_requant(v, batch_matmul_depth(v) * lks_max_distance(a->a_zero) * lks_max_distance(a->b_zero),
                             (lks_rq){ a->m, a->s }, a->rounding, 0);
}

static bool batch_matmul_free(const lks_op_view *v)
{
    return v->y->rank >= 3 && lks_operand_free(v->in[0], v->y) && lks_operand_free(v->in[1], v->y);
}

static uint64_t batch_matmul_macs(const lks_op_view *v)
{
    return (uint64_t)v->y->elements * batch_matmul_depth(v);
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
static const lks_arg_rule conv_3d_args[] = {
    STRIDE("stride_d"), STRIDE("stride_h"), STRIDE("stride_w"), STRIDE("dilation_d"), STRIDE("dilation_h"), STRIDE("dilation_w"),
    { "pad_front", 0, LKS_INT32_MAX }, { "pad_back", 0, LKS_INT32_MAX }, PADS, BYTE("pad_value"), { "groups", 1, LKS_INT32_MAX },
    BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING
};
static const lks_arg_rule transposed_conv_args[] = {
    { "stride_h", 1, 32 }, { "stride_w", 1, 32 }, WORD("pad_top"), WORD("pad_bottom"), WORD("pad_left"), WORD("pad_right"),
    { "groups", 1, LKS_INT32_MAX }, BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING
};
static const lks_arg_rule fully_connected_args[] = { BYTE("x_zero"), BYTE("w_zero"), BYTE("y_zero"), RANGE, ROUNDING };

static const lks_arg_rule batch_matmul_args[] = {
    BYTE("a_zero"), BYTE("b_zero"), BYTE("y_zero"), { "adj_a", 0, 1 }, { "adj_b", 0, 1 }, WORD("m"), WORD("s"), RANGE, ROUNDING
};

const lks_op_rule lks_linear_rules[] = {
    { LKS_OP_CONV, "conv", 4, 1, 16, conv_args, 15, check_conv, prove_conv, NULL, linear_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_FULLY_CONNECTED, "fully_connected", 4, 1, 6, fully_connected_args, 5, check_fully_connected, prove_fully_connected,
      fully_connected_free, linear_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_CONV_3D, "conv_3d", 4, 1, 20, conv_3d_args, 19, check_conv_3d, prove_conv_3d, NULL, linear_macs, lks_per_output,
      LKS_I8, LKS_I8 },
    { LKS_OP_TRANSPOSED_CONV, "transposed_conv", 4, 1, 13, transposed_conv_args, 12, check_transposed_conv, prove_transposed_conv,
      NULL, transposed_conv_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_BATCH_MATMUL, "batch_matmul", 2, 1, 10, batch_matmul_args, 9, check_batch_matmul, prove_batch_matmul,
      batch_matmul_free, batch_matmul_macs, lks_per_output, LKS_I8, LKS_I8 },
    { LKS_OP_SCALE, "scale", 4, 1, 6, fully_connected_args, 5, check_scale, prove_fully_connected, scale_free, linear_macs,
      lks_per_output, LKS_I8, LKS_I8 },
    { 0 }
};
