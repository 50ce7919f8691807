/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked sums of the ops with weights, and of batch_matmul.
 */
#include "tools/explain_ops.h"

#include <inttypes.h>

/* ---- linear ops (spec 4.1, 4.2) ------------------------------------------------------------------------------------------ */

static void finish_channel(explanation *e, uint32_t o, const int64_t tail[3], int32_t rounding)
{
    const uint64_t row = 2 * (uint64_t)o;
    int64_t bias = explain_element(&e->in[2], o), m = explain_element(&e->in[3], row), s = explain_element(&e->in[3], row + 1);

    e->bound += (uint64_t)explain_magnitude(bias);
    explain_note(e, "bias", bias, "bias[%" PRIu32 "]", o);
    explain_note(e, "acc", e->sum + bias, "%" PRId64 " + %" PRId64 "; proven for this channel: |acc| <= %" PRIu64, e->sum, bias,
                 e->bound);
    explain_finish(e, e->sum + bias, m, s, tail, rounding);
}

void explain_conv(explanation *e)
{
    const lks_conv_args *a = &e->op->args.conv;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[3], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[3];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    explain_begin_products(e, (uint64_t)w->dims[1] * w->dims[2] * w->dims[3]);
    for (uint32_t r = 0; r < w->dims[1]; r++)
        for (uint32_t q = 0; q < w->dims[2]; q++)
            for (uint32_t k = 0; k < w->dims[3]; k++) {
                int64_t i = (int64_t)y[1] * a->stride_h - a->pad_top + (int64_t)r * a->dilation_h;
                int64_t j = (int64_t)y[2] * a->stride_w - a->pad_left + (int64_t)q * a->dilation_w;
                bool inside = i >= 0 && i < x->dims[1] && j >= 0 && j < x->dims[2];
                const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)i, (uint32_t)j, first + k };
                const uint32_t w_at[LKS_RANK_MAX] = { o, r, q, k };

                explain_add_product(e, inside ? at : NULL, w_at, inside ? explain_element_at(x, at) : a->pad_value,
                                    explain_element_at(w, w_at), zero);
            }
    finish_channel(e, o, tail, a->rounding);
}

/* Where tap i of an axis lies in x. */
static int64_t window_at(uint32_t y, int32_t stride, int32_t pad, uint32_t tap, int32_t dilation)
{
    return (int64_t)y * stride - pad + (int64_t)tap * dilation;
}

void explain_conv_3d(explanation *e)
{
    const lks_conv_3d_args *a = &e->op->args.conv_3d;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[4], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[4];
    const uint64_t terms = (uint64_t)w->dims[1] * w->dims[2] * w->dims[3] * w->dims[4];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    explain_begin_products(e, terms);
    for (uint64_t term = 0; term < terms; term++) {
        uint32_t w_at[LKS_RANK_MAX];

        explain_coordinates(w, (uint64_t)o * terms + term, w_at);

        const int64_t l = window_at(y[1], a->stride_d, a->pad_front, w_at[1], a->dilation_d);
        const int64_t i = window_at(y[2], a->stride_h, a->pad_top, w_at[2], a->dilation_h);
        const int64_t j = window_at(y[3], a->stride_w, a->pad_left, w_at[3], a->dilation_w);
        const bool inside = l >= 0 && l < x->dims[1] && i >= 0 && i < x->dims[2] && j >= 0 && j < x->dims[3];
        const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)l, (uint32_t)i, (uint32_t)j, first + w_at[4] };

        explain_add_product(e, inside ? at : NULL, w_at, inside ? explain_element_at(x, at) : a->pad_value,
                            explain_element_at(w, w_at), zero);
    }
    finish_channel(e, o, tail, a->rounding);
}

/* The element of x that tap r adds to output p, on one axis; -1: there is none. */
static int64_t scattered_from(uint32_t p, int32_t pad, uint32_t r, int32_t stride, uint32_t extent)
{
    const int64_t at = (int64_t)p + pad - r;

    return at >= 0 && at % stride == 0 && at / stride < extent ? at / stride : -1;
}

void explain_transposed_conv(explanation *e)
{
    const lks_transposed_conv_args *a = &e->op->args.transposed_conv;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[3], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[3];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    e->all = true;                      /* few terms: how many depends on the place */
    explain_begin_products(e, 0);
    for (uint32_t r = 0; r < w->dims[1]; r++)
        for (uint32_t q = 0; q < w->dims[2]; q++)
            for (uint32_t k = 0; k < w->dims[3]; k++) {
                const int64_t i = scattered_from(y[1], a->pad_top, r, a->stride_h, x->dims[1]);
                const int64_t j = scattered_from(y[2], a->pad_left, q, a->stride_w, x->dims[2]);
                const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)i, (uint32_t)j, first + k };
                const uint32_t w_at[LKS_RANK_MAX] = { o, r, q, k };

                if (i >= 0 && j >= 0)
                    explain_add_product(e, at, w_at, explain_element_at(x, at), explain_element_at(w, w_at), zero);
            }
    finish_channel(e, o, tail, a->rounding);
}

void explain_fully_connected(explanation *e)
{
    const lks_fully_connected_args *a = &e->op->args.fully_connected;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };
    uint64_t y = explain_index(&e->y, e->at), row = y / w->dims[0];
    uint32_t o = (uint32_t)(y % w->dims[0]), at[LKS_RANK_MAX];

    explain_begin_products(e, w->dims[1]);
    for (uint32_t k = 0; k < w->dims[1]; k++) {
        const uint32_t w_at[LKS_RANK_MAX] = { o, k };

        explain_coordinates(x, row * w->dims[1] + k, at);
        explain_add_product(e, at, w_at, explain_element_at(x, at), explain_element_at(w, w_at), zero);
    }
    finish_channel(e, o, tail, a->rounding);
}

/* ---- batch_matmul (spec 4.50) -------------------------------------------------------------------------------------------- */

/* Where element k of the depth of an operand is.  outer: the row of a, or the column of b. */
static void matrix_at(const explanation *e, const explain_tensor *t, uint32_t outer, uint32_t k, bool depth_last, uint32_t *at)
{
    const uint32_t skip = e->y.rank - t->rank;

    for (uint32_t i = 0; i + 2 < t->rank; i++)
        at[i] = t->dims[i] == 1 ? 0 : e->at[skip + i];
    at[t->rank - 2] = depth_last ? outer : k;
    at[t->rank - 1] = depth_last ? k : outer;
}

void explain_batch_matmul(explanation *e)
{
    static const char *const names[] = { "a", "a - a_zero", "b", "b - b_zero", "product" };
    const lks_batch_matmul_args *p = &e->op->args.batch_matmul;
    const explain_tensor *a = &e->in[0], *b = &e->in[1];
    const uint32_t row = e->at[e->y.rank - 2], column = e->at[e->y.rank - 1], depth = a->dims[a->rank - (p->adj_a ? 2 : 1)];
    const int64_t tail[3] = { p->y_zero, p->y_min, p->y_max };

    e->has_w = true;
    explain_begin_terms(e, depth, true, 5, names);
    for (uint32_t k = 0; k < depth; k++) {
        uint32_t at[LKS_RANK_MAX] = { 0 }, b_at[LKS_RANK_MAX] = { 0 };

        matrix_at(e, a, row, k, !p->adj_a, at);
        matrix_at(e, b, column, k, p->adj_b, b_at);

        const int64_t va = explain_element_at(a, at), vb = explain_element_at(b, b_at);
        const int64_t value[] = { va, va - p->a_zero, vb, vb - p->b_zero, (va - p->a_zero) * (vb - p->b_zero) };

        explain_add_term(e, at, b_at, value);
    }
    e->bound = depth * (uint64_t)explain_maxabs(p->a_zero) * (uint64_t)explain_maxabs(p->b_zero);
    explain_note(e, "acc", e->sum, "the sum; proven: |acc| <= %" PRIu64, e->bound);
    explain_finish(e, e->sum, p->m, p->s, tail, p->rounding);
}

void explain_scale(explanation *e)
{
    const lks_fully_connected_args *a = &e->op->args.fully_connected;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };
    const uint32_t w_at[LKS_RANK_MAX] = { e->at[e->y.rank - 1] };

    explain_begin_products(e, 1);
    explain_add_product(e, e->at, w_at, explain_element_at(&e->in[0], e->at), explain_element_at(&e->in[1], w_at), zero);
    finish_channel(e, w_at[0], tail, a->rounding);
}
