/* SPDX-License-Identifier: Apache-2.0
 *
 * The formulas of docs/spec.md section 4 for one element, written for `lockstep explain` alone.
 */
#include "tools/explain.h"

#include "host/interface.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 8      /* of a long sum, so many terms are kept at its begin and at its end */
#define TAIL 4

/* ---- elements ------------------------------------------------------------------------------------------------------------ */

static uint64_t linear(const explain_tensor *t, const uint32_t *at)
{
    uint64_t i = 0;

    for (uint32_t k = 0; k < t->rank; k++)
        i = i * t->dims[k] + at[k];
    return i;
}

static void coordinates(const explain_tensor *t, uint64_t index, uint32_t *at)
{
    for (uint32_t k = t->rank; k-- > 0; index /= t->dims[k])
        at[k] = (uint32_t)(index % t->dims[k]);
}

/* The stored value.  spec 2 */
static int64_t element(const explain_tensor *t, uint64_t i)
{
    if (!t->data && t->tensor->type == LKS_I16)
        return ((const int16_t *)t->tensor->data)[i];
    if (!t->data && t->tensor->type == LKS_I32)
        return ((const int32_t *)t->tensor->data)[i];
    if (!t->data)
        return ((const int8_t *)t->tensor->data)[i];
    if (t->tensor->type != LKS_I8)
        return lks_interface_value(t->data, t->tensor->interface, i);
    if (t->tensor->interface == LKS_U8)
        return (int64_t)t->data[i] - 128;
    return t->data[i] < 128 ? t->data[i] : (int64_t)t->data[i] - 256;
}

static int64_t element_at(const explain_tensor *t, const uint32_t *at)
{
    return element(t, linear(t, at));
}

/* The largest |x - zero| of an int8 value.  spec 3.2 */
static int64_t maxabs(int64_t zero)
{
    return 127 - zero > zero + 128 ? 127 - zero : zero + 128;
}

static int64_t magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

/* ---- terms --------------------------------------------------------------------------------------------------------------- */

static void start(explanation *e, uint64_t expected, bool sums, uint32_t columns, const char *const *names)
{
    e->expected = expected;
    e->sums = sums;
    e->columns = columns;
    for (uint32_t i = 0; i < columns; i++)
        e->column[i] = names[i];
}

static explain_term *new_term(explanation *e)
{
    if (e->kept == e->room) {
        size_t room = e->room ? 2 * e->room : 16;
        explain_term *grown = realloc(e->term, room * sizeof *grown);

        if (!grown) {
            e->broken = !error_memory(e->error);
            return NULL;
        }
        e->term = grown;
        e->room = room;
    }
    return &e->term[e->kept++];
}

/* at: NULL for a padded tap; w_at: NULL where there is no w. */
static void add(explanation *e, const uint32_t *at, const uint32_t *w_at, const int64_t *value)
{
    uint64_t index = e->terms++;
    explain_term *t;

    e->sum += value[e->columns - 1];
    if (!e->all && index >= HEAD && index + TAIL < e->expected) {
        e->hidden += value[e->columns - 1];
        return;
    }
    t = new_term(e);
    if (!t)
        return;
    memset(t, 0, sizeof *t);
    t->index = index;
    t->padded = !at;
    if (at)
        memcpy(t->at, at, sizeof t->at);
    if (w_at)
        memcpy(t->w_at, w_at, sizeof t->w_at);
    memcpy(t->value, value, e->columns * sizeof *value);
}

/* zero: of x, and of w. */
static void add_product(explanation *e, const uint32_t *at, const uint32_t *w_at, int64_t x, int64_t w, const int64_t zero[2])
{
    const int64_t value[] = { x, x - zero[0], w, w - zero[1], (x - zero[0]) * (w - zero[1]) };

    add(e, at, w_at, value);
    e->bound += (uint64_t)(maxabs(zero[0]) * magnitude(w - zero[1]));
}

static void start_products(explanation *e, uint64_t expected)
{
    static const char *const names[] = { "x", "x - x_zero", "w", "w - w_zero", "product" };

    e->has_w = true;
    start(e, expected, true, 5, names);
}

/* ---- linear ops (spec 4.1, 4.2) ------------------------------------------------------------------------------------------ */

static void finish_channel(explanation *e, uint32_t o, const int64_t tail[3], int32_t rounding)
{
    int64_t bias = element(&e->in[2], o), m = element(&e->in[3], 2 * (uint64_t)o), s = element(&e->in[3], 2 * (uint64_t)o + 1);

    e->bound += (uint64_t)magnitude(bias);
    explain_note(e, "bias", bias, "bias[%" PRIu32 "]", o);
    explain_note(e, "acc", e->sum + bias, "%" PRId64 " + %" PRId64 "; proven for this channel: |acc| <= %" PRIu64, e->sum, bias,
                 e->bound);
    explain_finish(e, e->sum + bias, m, s, tail, rounding);
}

static void explain_conv(explanation *e)
{
    const lks_conv_args *a = &e->op->args.conv;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[3], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[3];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    start_products(e, (uint64_t)w->dims[1] * w->dims[2] * w->dims[3]);
    for (uint32_t r = 0; r < w->dims[1]; r++)
        for (uint32_t q = 0; q < w->dims[2]; q++)
            for (uint32_t k = 0; k < w->dims[3]; k++) {
                int64_t i = (int64_t)y[1] * a->stride_h - a->pad_top + (int64_t)r * a->dilation_h;
                int64_t j = (int64_t)y[2] * a->stride_w - a->pad_left + (int64_t)q * a->dilation_w;
                bool inside = i >= 0 && i < x->dims[1] && j >= 0 && j < x->dims[2];
                const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)i, (uint32_t)j, first + k };
                const uint32_t w_at[LKS_RANK_MAX] = { o, r, q, k };

                add_product(e, inside ? at : NULL, w_at, inside ? element_at(x, at) : a->pad_value, element_at(w, w_at), zero);
            }
    finish_channel(e, o, tail, a->rounding);
}

/* Where tap i of an axis lies in x. */
static int64_t window_at(uint32_t y, int32_t stride, int32_t pad, uint32_t tap, int32_t dilation)
{
    return (int64_t)y * stride - pad + (int64_t)tap * dilation;
}

static void explain_conv_3d(explanation *e)
{
    const lks_conv_3d_args *a = &e->op->args.conv_3d;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[4], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[4];
    const uint64_t terms = (uint64_t)w->dims[1] * w->dims[2] * w->dims[3] * w->dims[4];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    start_products(e, terms);
    for (uint64_t term = 0; term < terms; term++) {
        uint32_t w_at[LKS_RANK_MAX];

        coordinates(w, (uint64_t)o * terms + term, w_at);

        const int64_t l = window_at(y[1], a->stride_d, a->pad_front, w_at[1], a->dilation_d);
        const int64_t i = window_at(y[2], a->stride_h, a->pad_top, w_at[2], a->dilation_h);
        const int64_t j = window_at(y[3], a->stride_w, a->pad_left, w_at[3], a->dilation_w);
        const bool inside = l >= 0 && l < x->dims[1] && i >= 0 && i < x->dims[2] && j >= 0 && j < x->dims[3];
        const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)l, (uint32_t)i, (uint32_t)j, first + w_at[4] };

        add_product(e, inside ? at : NULL, w_at, inside ? element_at(x, at) : a->pad_value, element_at(w, w_at), zero);
    }
    finish_channel(e, o, tail, a->rounding);
}

/* The element of x that tap r adds to output p, on one axis; -1: there is none. */
static int64_t scattered_from(uint32_t p, int32_t pad, uint32_t r, int32_t stride, uint32_t extent)
{
    const int64_t at = (int64_t)p + pad - r;

    return at >= 0 && at % stride == 0 && at / stride < extent ? at / stride : -1;
}

static void explain_transposed_conv(explanation *e)
{
    const lks_transposed_conv_args *a = &e->op->args.transposed_conv;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const uint32_t *y = e->at, o = y[3], per_group = w->dims[0] / (uint32_t)a->groups, first = o / per_group * w->dims[3];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };

    e->all = true;                      /* few terms: how many depends on the place */
    start_products(e, 0);
    for (uint32_t r = 0; r < w->dims[1]; r++)
        for (uint32_t q = 0; q < w->dims[2]; q++)
            for (uint32_t k = 0; k < w->dims[3]; k++) {
                const int64_t i = scattered_from(y[1], a->pad_top, r, a->stride_h, x->dims[1]);
                const int64_t j = scattered_from(y[2], a->pad_left, q, a->stride_w, x->dims[2]);
                const uint32_t at[LKS_RANK_MAX] = { y[0], (uint32_t)i, (uint32_t)j, first + k };
                const uint32_t w_at[LKS_RANK_MAX] = { o, r, q, k };

                if (i >= 0 && j >= 0)
                    add_product(e, at, w_at, element_at(x, at), element_at(w, w_at), zero);
            }
    finish_channel(e, o, tail, a->rounding);
}

static void explain_fully_connected(explanation *e)
{
    const lks_fully_connected_args *a = &e->op->args.fully_connected;
    const explain_tensor *x = &e->in[0], *w = &e->in[1];
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };
    uint64_t y = linear(&e->y, e->at), row = y / w->dims[0];
    uint32_t o = (uint32_t)(y % w->dims[0]), at[LKS_RANK_MAX];

    start_products(e, w->dims[1]);
    for (uint32_t k = 0; k < w->dims[1]; k++) {
        const uint32_t w_at[LKS_RANK_MAX] = { o, k };

        coordinates(x, row * w->dims[1] + k, at);
        add_product(e, at, w_at, element_at(x, at), element_at(w, w_at), zero);
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

static void explain_batch_matmul(explanation *e)
{
    static const char *const names[] = { "a", "a - a_zero", "b", "b - b_zero", "product" };
    const lks_batch_matmul_args *p = &e->op->args.batch_matmul;
    const explain_tensor *a = &e->in[0], *b = &e->in[1];
    const uint32_t row = e->at[e->y.rank - 2], column = e->at[e->y.rank - 1], depth = a->dims[a->rank - (p->adj_a ? 2 : 1)];
    const int64_t tail[3] = { p->y_zero, p->y_min, p->y_max };

    e->has_w = true;
    start(e, depth, true, 5, names);
    for (uint32_t k = 0; k < depth; k++) {
        uint32_t at[LKS_RANK_MAX] = { 0 }, b_at[LKS_RANK_MAX] = { 0 };

        matrix_at(e, a, row, k, !p->adj_a, at);
        matrix_at(e, b, column, k, p->adj_b, b_at);

        const int64_t va = element_at(a, at), vb = element_at(b, b_at);
        const int64_t value[] = { va, va - p->a_zero, vb, vb - p->b_zero, (va - p->a_zero) * (vb - p->b_zero) };

        add(e, at, b_at, value);
    }
    e->bound = depth * (uint64_t)maxabs(p->a_zero) * (uint64_t)maxabs(p->b_zero);
    explain_note(e, "acc", e->sum, "the sum; proven: |acc| <= %" PRIu64, e->bound);
    explain_finish(e, e->sum, p->m, p->s, tail, p->rounding);
}

static void explain_scale(explanation *e)
{
    const lks_fully_connected_args *a = &e->op->args.fully_connected;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, zero[2] = { a->x_zero, a->w_zero };
    const uint32_t w_at[LKS_RANK_MAX] = { e->at[e->y.rank - 1] };

    start_products(e, 1);
    add_product(e, e->at, w_at, element_at(&e->in[0], e->at), element_at(&e->in[1], w_at), zero);
    finish_channel(e, w_at[0], tail, a->rounding);
}

/* ---- element by element (spec 4.3 .. 4.5) -------------------------------------------------------------------------------- */

/* The element of a broadcast operand that belongs to that of y. */
static int64_t broadcast_element(explanation *e, uint32_t operand, const char *name)
{
    const explain_tensor *t = &e->in[operand];
    uint32_t at[LKS_RANK_MAX] = { 0 }, skip = e->y.rank - t->rank;

    for (uint32_t i = 0; i < t->rank; i++)
        at[i] = t->dims[i] == 1 ? 0 : e->at[skip + i];
    explain_note(e, name, element_at(t, at), "element %" PRIu64 " of operand %" PRIu32, linear(t, at), operand);
    return element_at(t, at);
}

/* One addend, and its steps. */
static int64_t addend(explanation *e, uint32_t operand, const char *prefix, int64_t zero, int64_t m, int64_t s)
{
    const lks_add_args *a = &e->op->args.add;
    int64_t v = broadcast_element(e, operand, prefix), scaled;
    char name[24];

    if (a->rounding == LKS_HALF_UP) {
        snprintf(name, sizeof name, "u%s", prefix);
        explain_note(e, name, (v - zero) * m, "(%" PRId64 " - %" PRId64 ") * %" PRId64, v, zero, m);
        return (v - zero) * m;
    }
    scaled = (v - zero) * ((int64_t)1 << a->left_shift);
    snprintf(name, sizeof name, "%s scaled", prefix);
    explain_note(e, name, scaled, "(%" PRId64 " - %" PRId64 ") * 2^%" PRId32 " (left_shift)", v, zero, a->left_shift);
    snprintf(name, sizeof name, "u%s ", prefix);
    return explain_requant(e, name, scaled, m, s, a->rounding);
}

/* add and sub */
static void explain_add(explanation *e)
{
    const lks_add_args *a = &e->op->args.add;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    int64_t ua = addend(e, 0, "a", a->a_zero, a->a_m, a->a_s), ub = addend(e, 1, "b", a->b_zero, a->b_m, a->b_s);
    bool subtracts = e->op->kind == LKS_OP_SUB;
    int64_t acc = subtracts ? ua - ub : ua + ub;

    e->bound = e->op->bound;
    explain_note(e, "acc", acc, "%" PRId64 " %c %" PRId64 "; proven: |acc| <= %" PRIu64, ua, subtracts ? '-' : '+', ub, e->bound);
    explain_finish(e, acc, a->m, a->s, tail, a->rounding);
}

static void explain_mul(explanation *e)
{
    const lks_mul_args *p = &e->op->args.mul;
    const int64_t tail[3] = { p->y_zero, p->y_min, p->y_max };
    int64_t a = broadcast_element(e, 0, "a"), b = broadcast_element(e, 1, "b");
    int64_t acc = (a - p->a_zero) * (b - p->b_zero);

    e->bound = (uint64_t)(maxabs(p->a_zero) * maxabs(p->b_zero));
    explain_note(e, "acc", acc, "(%" PRId64 " - %" PRId32 ") * (%" PRId64 " - %" PRId32 "); proven: |acc| <= %" PRIu64, a,
                 p->a_zero, b, p->b_zero, e->bound);
    explain_finish(e, acc, p->m, p->s, tail, p->rounding);
}

static void explain_requant_op(explanation *e)
{
    const lks_requant_args *a = &e->op->args.requant;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    int64_t x = element_at(&e->in[0], e->at);

    e->bound = (uint64_t)maxabs(a->x_zero);
    if (e->in[0].tensor->type == LKS_I16)
        e->bound = (uint64_t)(a->x_zero < 0 ? INT16_MAX - a->x_zero : a->x_zero - INT16_MIN);
    explain_note(e, "x", x, "element of x at the same place");
    explain_note(e, "acc", x - a->x_zero, "%" PRId64 " - %" PRId32 " (x_zero); proven: |acc| <= %" PRIu64, x, a->x_zero,
                 e->bound);
    explain_finish(e, x - a->x_zero, a->m, a->s, tail, a->rounding);
}

static void explain_lut(explanation *e)
{
    int64_t x = element_at(&e->in[0], e->at);

    explain_note(e, "x", x, "element of x at the same place");
    explain_note(e, "index", x + 128, "x + 128");
    e->stored = element(&e->in[1], (uint64_t)(x + 128));
    explain_note(e, "y", e->stored, "table[%" PRId64 "]", x + 128);
}

static void explain_clamp_op(explanation *e)
{
    int64_t x = element_at(&e->in[0], e->at);

    explain_note(e, "x", x, "element of x at the same place");
    explain_clamp(e, x, e->op->args.clamp.y_min, e->op->args.clamp.y_max);
}

static void explain_prelu(explanation *e)
{
    const lks_prelu_args *a = &e->op->args.prelu;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    int64_t u = element_at(&e->in[0], e->at) - a->x_zero, slope;

    e->bound = (uint64_t)maxabs(a->x_zero);
    explain_note(e, "x", u + a->x_zero, "element of x at the same place");
    explain_note(e, "u", u, "%" PRId64 " - %" PRId32 " (x_zero); proven: |u| <= %" PRIu64, u + a->x_zero, a->x_zero, e->bound);
    if (u >= 0) {
        explain_finish(e, u, a->positive_m, a->positive_s, tail, a->rounding);
        return;
    }
    slope = broadcast_element(e, 1, "slope");
    e->bound *= (uint64_t)maxabs(a->slope_zero);
    explain_note(e, "acc", u * (slope - a->slope_zero), "%" PRId64 " * (%" PRId64 " - %" PRId32 "); proven: |acc| <= %" PRIu64, u,
                 slope, a->slope_zero, e->bound);
    explain_finish(e, u * (slope - a->slope_zero), a->m, a->s, tail, a->rounding);
}

/* ---- windows (spec 4.6, 4.7) --------------------------------------------------------------------------------------------- */

typedef struct range {
    int64_t from, to;           /* inside the image; to is excluded */
} range;

static range window(int64_t p, int64_t stride, int64_t pad, int64_t kernel, int64_t extent)
{
    int64_t from = p * stride - pad, to = from + kernel;

    return (range){ from < 0 ? 0 : from, to > extent ? extent : to };
}

/* Note the values of the window; their largest.  e->sum is their sum. */
static int64_t walk_window(explanation *e, const lks_pool_args *a, bool sums)
{
    static const char *const names[] = { "x" };
    const explain_tensor *x = &e->in[0];
    const range h = window(e->at[1], a->stride_h, a->pad_top, a->kernel_h, x->dims[1]);
    const range w = window(e->at[2], a->stride_w, a->pad_left, a->kernel_w, x->dims[2]);
    int64_t most = INT64_MIN;

    start(e, (uint64_t)((h.to - h.from) * (w.to - w.from)), sums, 1, names);
    for (int64_t i = h.from; i < h.to; i++)
        for (int64_t j = w.from; j < w.to; j++) {
            const uint32_t at[LKS_RANK_MAX] = { e->at[0], (uint32_t)i, (uint32_t)j, e->at[3] };
            const int64_t value = element_at(x, at);

            add(e, at, NULL, &value);
            most = value > most ? value : most;
        }
    return most;
}

static void explain_max_pool(explanation *e)
{
    const lks_pool_args *a = &e->op->args.pool;
    int64_t most = walk_window(e, a, false);

    explain_note(e, "max", most, "the largest of %" PRIu64 " values inside the image", e->terms);
    explain_clamp(e, most, a->y_min, a->y_max);
}

static void explain_avg_pool(explanation *e)
{
    const lks_pool_args *a = &e->op->args.pool;
    int64_t acc, k, q;

    walk_window(e, a, true);
    acc = e->sum;
    k = (int64_t)e->terms;
    explain_note(e, "acc", acc, "the sum of the values inside the image; proven: |acc| + k / 2 <= %" PRIu64, e->op->bound);
    explain_note(e, "k", k, "their number");
    if (a->rounding == LKS_TFLITE) {
        q = explain_floor(magnitude(acc) + k / 2, k);
        q = acc < 0 ? -q : q;
        explain_note(e, "q", q, "%s((%" PRId64 " + %" PRId64 ") / %" PRId64 "), down: ties away from zero", acc < 0 ? "-" : "",
                     magnitude(acc), k / 2, k);
    } else {
        q = explain_floor(acc + k / 2, k);
        explain_note(e, "q", q, "floor((%" PRId64 " + %" PRId64 ") / %" PRId64 "): ties up", acc, k / 2, k);
    }
    explain_clamp(e, q, a->y_min, a->y_max);
}

/* ---- sum, reduce_max (spec 4.8, 4.17) ------------------------------------------------------------------------------------ */

/* Where the first summed or reduced element is, and the number of them.  The first word of either op is axes. */
static uint64_t sum_start(const explanation *e, uint32_t at[LKS_RANK_MAX])
{
    const explain_tensor *x = &e->in[0];
    uint64_t count = 1;
    uint32_t k = 0;

    for (uint32_t i = 0; i < x->rank; i++) {
        bool summed = (uint32_t)e->op->args.word[0] >> i & 1;

        at[i] = summed ? 0 : e->at[e->y.rank == x->rank ? i : k++];
        count *= summed ? x->dims[i] : 1;
    }
    return count;
}

/* The next summed element in row-major order. */
static void sum_next(const explanation *e, uint32_t at[LKS_RANK_MAX])
{
    const explain_tensor *x = &e->in[0];

    for (uint32_t i = x->rank; i-- > 0;) {
        if (!((uint32_t)e->op->args.word[0] >> i & 1))
            continue;
        if (++at[i] < x->dims[i])
            return;
        at[i] = 0;
    }
}

static void explain_sum(explanation *e)
{
    static const char *const names[] = { "x", "x - x_zero" };
    const lks_sum_args *a = &e->op->args.sum;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    uint32_t at[LKS_RANK_MAX] = { 0 };
    uint64_t count = sum_start(e, at);

    start(e, count, true, 2, names);
    for (uint64_t i = 0; i < count; i++, sum_next(e, at)) {
        int64_t x = element_at(&e->in[0], at);
        const int64_t value[] = { x, x - a->x_zero };

        add(e, at, NULL, value);
    }
    e->bound = count * (uint64_t)maxabs(a->x_zero);
    explain_note(e, "acc", e->sum, "the sum; proven: |acc| <= %" PRIu64, e->bound);
    explain_finish(e, e->sum, a->m, a->s, tail, a->rounding);
}

static void explain_reduce_max(explanation *e)
{
    static const char *const names[] = { "x" };
    const lks_reduce_max_args *a = &e->op->args.reduce_max;
    uint32_t at[LKS_RANK_MAX] = { 0 };
    uint64_t count = sum_start(e, at);
    int64_t best = a->smallest ? INT64_MAX : INT64_MIN;

    start(e, count, false, 1, names);
    for (uint64_t i = 0; i < count; i++, sum_next(e, at)) {
        const int64_t x = element_at(&e->in[0], at);

        add(e, at, NULL, &x);
        best = a->smallest ? (x < best ? x : best) : x > best ? x : best;
    }
    explain_note(e, a->smallest ? "min" : "max", best, "the %s of %" PRIu64 " values", a->smallest ? "smallest" : "largest",
                 count);
    explain_clamp(e, best, a->y_min, a->y_max);
}

/* ---- arg_max (spec 4.19) ------------------------------------------------------------------------------------------------- */

static void explain_arg_max(explanation *e)
{
    static const char *const names[] = { "x" };
    const lks_arg_max_args *a = &e->op->args.arg_max;
    const explain_tensor *x = &e->in[0];
    const uint32_t axis = (uint32_t)a->axis;
    uint32_t at[LKS_RANK_MAX] = { 0 }, k = 0;
    int64_t best = 0, index = 0;

    for (uint32_t i = 0; i < x->rank; i++)
        at[i] = i == axis ? 0 : e->at[e->y.rank == x->rank ? i : k++];
    start(e, x->dims[axis], false, 1, names);
    for (at[axis] = 0; at[axis] < x->dims[axis]; at[axis]++) {
        const int64_t value = element_at(x, at);

        if (at[axis] == 0 || (a->smallest ? value < best : value > best)) {
            best = value;
            index = at[axis];
        }
        add(e, at, NULL, &value);
    }
    explain_note(e, a->smallest ? "min" : "max", best, "the %s of %" PRIu32 " values", a->smallest ? "smallest" : "largest",
                 x->dims[axis]);
    e->stored = index;
    explain_note(e, "y", index, "the first index at which it stands");
}

/* ---- softmax (spec 4.9) -------------------------------------------------------------------------------------------------- */

static int64_t row_top(const explanation *e, uint32_t columns, uint32_t at[LKS_RANK_MAX])
{
    uint32_t last = e->y.rank - 1;
    int64_t top = INT64_MIN;

    for (at[last] = 0; at[last] < columns; at[last]++) {
        int64_t x = element_at(&e->in[0], at);

        top = x > top ? x : top;
    }
    return top;
}

static void finish_softmax(explanation *e, int64_t h, int64_t r, int64_t exp)
{
    int64_t n = 35 - h, product = explain_mulh(r, exp);

    explain_note(e, "n", n, "35 - h");
    if (n > 31) {
        e->stored = -128;
        explain_note(e, "y", -128, "as n > 31");
        return;
    }
    explain_note(e, "product", product, "mulh(%" PRId64 " (r), %" PRId64 " (E))", r, exp);
    explain_note(e, "rounded", explain_rshift(product, n), "rshift(%" PRId64 ", %" PRId64 " (n)), ties away from zero", product,
                 n);
    explain_note(e, "- 128", explain_rshift(product, n) - 128, "in units of 1/256");
    explain_clamp(e, explain_rshift(product, n) - 128, -128, 127);
}

static void explain_softmax(explanation *e)
{
    static const char *const names[] = { "x", "x - top", "E(x - top)", "rshift(E, 12)" };
    const lks_softmax_args *a = &e->op->args.softmax;
    const uint32_t last = e->y.rank - 1, columns = e->y.dims[last];
    uint32_t at[LKS_RANK_MAX];
    int64_t top, h = 0, d, exp;

    memcpy(at, e->at, sizeof at);
    top = row_top(e, columns, at);
    start(e, columns, true, 4, names);
    for (at[last] = 0; at[last] < columns; at[last]++) {
        int64_t x = element_at(&e->in[0], at), one = explain_softmax_exp(e, x - top, a->m, a->s, false);
        const int64_t value[] = { x, x - top, one, explain_rshift(one, 12) };

        add(e, at, NULL, value);
    }
    d = element_at(&e->in[0], e->at) - top;
    explain_note(e, "top", top, "the largest of the row of %" PRIu32, columns);
    explain_note(e, "x - top", d, "at this element");
    exp = explain_softmax_exp(e, d, a->m, a->s, true);
    explain_note(e, "total", e->sum, "the sum of the last column; proven: <= %" PRIu64, e->op->bound);
    while (h < 32 && explain_shift(e->sum, 31 - h) == 0)
        h++;
    explain_note(e, "h", h, "leading zero bits of total");
    finish_softmax(e, h, explain_recip(e, e->sum * ((int64_t)1 << h) - ((int64_t)1 << 31)), exp);
}

/* ---- moving (spec 4.10, 4.11) -------------------------------------------------------------------------------------------- */

static void take(explanation *e, const uint32_t *at)
{
    static const char *const names[] = { "x" };
    const int64_t x = element_at(&e->in[0], at);

    start(e, 1, false, 1, names);
    add(e, at, NULL, &x);
    e->stored = x;
    explain_note(e, "y", x, "element %" PRIu64 " of x, unchanged", linear(&e->in[0], at));
}

static void explain_reshape(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    coordinates(&e->in[0], linear(&e->y, e->at), at);
    take(e, at);
}

static void explain_pad(explanation *e)
{
    const lks_pad_args *a = &e->op->args.pad;
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++) {
        int64_t k = (int64_t)e->at[i] - a->before[i];

        if (k < 0 || k >= e->in[0].dims[i]) {
            e->stored = a->pad_value;
            explain_note(e, "y", a->pad_value, "pad_value: outside x on axis %" PRIu32 " (before %" PRId32 ")", i, a->before[i]);
            return;
        }
        at[i] = (uint32_t)k;
    }
    take(e, at);
}

/* The element at e->at of the parts that lie one behind the other along an axis: the part, and its coordinate there. */
static void explain_concat(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis;
    uint32_t at[LKS_RANK_MAX], i = 0;

    memcpy(at, e->at, sizeof at);
    for (; at[axis] >= e->in[i].dims[axis]; i++)
        at[axis] -= e->in[i].dims[axis];
    e->stored = element_at(&e->in[i], at);
    explain_note(e, "y", e->stored, "element %" PRIu64 " of operand %" PRIu32 ", unchanged: on axis %" PRIu32 ", %" PRIu32
                 " of its %" PRIu32, linear(&e->in[i], at), i, axis, at[axis], e->in[i].dims[axis]);
}

static void explain_split(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis;
    uint32_t at[LKS_RANK_MAX];

    memcpy(at, e->at, sizeof at);
    for (uint32_t i = 0; i < e->output; i++)
        at[axis] += e->out[i].dims[axis];
    take(e, at);
}

static void explain_slice(explanation *e)
{
    const lks_slice_args *a = &e->op->args.slice;
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[i] = (uint32_t)(a->begin[i] + (int64_t)e->at[i] * a->step[i]);
    take(e, at);
}

static void explain_transpose(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[e->op->args.transpose.perm[i]] = e->at[i];
    take(e, at);
}

static void explain_tile(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[i] = e->at[i] % e->in[0].dims[i];
    take(e, at);
}

static void explain_gather(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis, rank = e->in[1].rank;
    uint32_t at[LKS_RANK_MAX] = { 0 };
    int64_t index;

    memcpy(at, e->at, axis * sizeof *at);
    for (uint32_t i = axis + 1; i < e->in[0].rank; i++)
        at[i] = e->at[i - 1 + rank];
    index = element_at(&e->in[1], e->at + axis);
    explain_note(e, "index", index, "element %" PRIu64 " of indices, on axis %" PRIu32, linear(&e->in[1], e->at + axis), axis);
    at[axis] = (uint32_t)index;
    take(e, at);
}

static void explain_resize_nearest(explanation *e)
{
    const int64_t row = element(&e->in[1], e->at[1]), column = element(&e->in[2], e->at[2]);
    const uint32_t at[LKS_RANK_MAX] = { e->at[0], (uint32_t)row, (uint32_t)column, e->at[3] };

    explain_note(e, "row", row, "rows[%" PRIu32 "]", e->at[1]);
    explain_note(e, "column", column, "columns[%" PRIu32 "]", e->at[2]);
    take(e, at);
}

/* ---- resize_bilinear (spec 4.18) ----------------------------------------------------------------------------------------- */

typedef struct between {
    int64_t first, second, part;
} between;

static between place_between(explanation *e, const char *name, int64_t p, int64_t scale, int64_t offset, int64_t extent)
{
    int64_t at = p * scale + offset, last = 1024 * (extent - 1), inside = at < 0 ? 0 : at > last ? last : at;
    const between b = { inside / 1024, inside / 1024 + (inside % 1024 > 0), inside % 1024 };

    explain_note(e, name, inside, "%" PRId64 " * %" PRId64 " + %" PRId64 ", clamped to 0 .. %" PRId64 ": %" PRId64 " and %" PRId64
                 "/1024", p, scale, offset, last, b.first, b.part);
    return b;
}

static void explain_resize_bilinear(explanation *e)
{
    static const char *const names[] = { "x", "weight of h", "weight of w", "product" };
    const lks_resize_bilinear_args *a = &e->op->args.resize_bilinear;
    const between h = place_between(e, "h", e->at[1], a->scale_h, a->offset_h, e->in[0].dims[1]);
    const between w = place_between(e, "w", e->at[2], a->scale_w, a->offset_w, e->in[0].dims[2]);

    start(e, 4, true, 4, names);
    for (int k = 0; k < 4; k++) {
        const uint32_t row = (uint32_t)(k & 2 ? h.second : h.first), column = (uint32_t)(k & 1 ? w.second : w.first);
        const uint32_t at[LKS_RANK_MAX] = { e->at[0], row, column, e->at[3] };
        const int64_t x = element_at(&e->in[0], at), wh = k & 2 ? h.part : 1024 - h.part, ww = k & 1 ? w.part : 1024 - w.part;
        const int64_t value[] = { x, wh, ww, x * wh * ww };

        add(e, at, NULL, value);
    }
    explain_note(e, "acc", e->sum, "the sum; proven: |acc| <= %" PRIu64, e->op->bound);
    e->stored = a->rounding == LKS_TFLITE ? explain_rshift(e->sum, 20) : explain_shift(e->sum + ((int64_t)1 << 19), 20);
    explain_note(e, "y", e->stored, "%s", a->rounding == LKS_TFLITE ? "rshift(acc, 20): ties away from zero"
                                                                    : "(acc + 2^19) >> 20: ties up");
}

/* ---- lstm (spec 4.52) ---------------------------------------------------------------------------------------------------- */

enum { GATES = 4, INTERPOLATED = 256 };

static const char *const gate_names[GATES] = { "input", "forget", "cell", "output" };

/* One image, from a state of zeros. */
typedef struct lstm_run {
    explanation *e;
    const lks_lstm_args *a;
    uint32_t image, inputs, cells;
    int64_t table[INTERPOLATED];            /* S of spec 3.4 */
    int64_t *c, *h, *next_c, *next_h;       /* cells each, from one malloc */
    bool note;                              /* what is computed now is to be told */
} lstm_run;

static void fill_sigmoid(int64_t *table)
{
    const int64_t one = (int64_t)1 << 31;
    int64_t e = one, g[3];

    for (uint32_t i = 0; i < INTERPOLATED - 1; i++) {
        g[0] = ((int64_t)1 << 62) / (one + e);
        e = (e * 2103207220 + (one >> 1)) >> 31;
        g[1] = ((int64_t)1 << 62) / (one + e);
        e = (e * 2103207220 + (one >> 1)) >> 31;
        g[2] = ((int64_t)1 << 62) / (one + e);
        table[i] = (3 * g[0] + 2 * g[1] - g[2] + (1 << 16)) >> 17;
    }
    table[INTERPOLATED - 1] = 65535;
}

static int64_t sat16(int64_t v)
{
    return v < INT16_MIN ? INT16_MIN : v > INT16_MAX ? INT16_MAX : v;
}

static int64_t interpolate(const lstm_run *r, int64_t a, int64_t step)
{
    const int64_t u = magnitude(a) / step, f = magnitude(a) % step;

    return u < INTERPOLATED - 1 ? r->table[u] * step + f * (r->table[u + 1] - r->table[u]) : 65535 * step;
}

static int64_t sigmoid16(const lstm_run *r, int64_t v)
{
    const int64_t i = interpolate(r, 3 * v, 512);

    return explain_shift(v >= 0 ? i + 512 : (1 << 25) - i + 511, 10);
}

static int64_t tanh16(const lstm_run *r, int64_t v, int32_t shift)
{
    const int64_t a = shift >= 0 ? v * 3 * ((int64_t)1 << shift) : explain_shift(v * 3 + ((int64_t)1 << (-shift - 1)), -shift);
    const int64_t i = interpolate(r, a, 256);

    return explain_shift(a >= 0 ? i - (1 << 23) + 128 : (1 << 23) - i + 127, 8);
}

/* With the multiplier of that row. */
static int64_t lstm_requant(lstm_run *r, const char *name, int64_t acc, uint32_t row)
{
    const int64_t m = element(&r->e->in[4], 2 * (uint64_t)row), s = element(&r->e->in[4], 2 * (uint64_t)row + 1);
    const size_t before = r->e->steps;
    char prefix[24];
    int64_t v;

    snprintf(prefix, sizeof prefix, "%s ", name);
    v = explain_requant(r->e, prefix, acc, m, s, r->a->rounding);
    if (!r->note)
        r->e->steps = before;
    return v;
}

static void lstm_note(lstm_run *r, const char *name, int64_t value, const char *text)
{
    if (r->note)
        explain_note(r->e, name, value, "%s", text);
}

/* The place of input i at step t. */
static void lstm_place(const lstm_run *r, uint32_t t, uint32_t i, uint32_t *at)
{
    at[0] = r->a->time_major ? t : r->image;
    at[1] = r->a->time_major ? r->image : t;
    at[2] = i;
}

/* What a gate of cell o sees at step t. */
static int64_t gate_sees(lstm_run *r, uint32_t t, uint32_t o, uint32_t gate)
{
    const explanation *e = r->e;
    const uint64_t row = (uint64_t)gate * r->cells + o;
    const char *name = gate_names[gate];
    int64_t x_acc = element(&e->in[3], row), h_acc = 0, p, q;
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < r->inputs; i++) {
        lstm_place(r, t, i, at);
        x_acc += (element_at(&e->in[0], at) - r->a->x_zero) * element(&e->in[1], row * r->inputs + i);
    }
    for (uint32_t i = 0; i < r->cells; i++)
        h_acc += r->h[i] * element(&e->in[2], row * r->cells + i);
    lstm_note(r, name, x_acc, "this gate's bias + the sum of (x - x_zero) * w");
    p = sat16(lstm_requant(r, name, x_acc, gate));
    lstm_note(r, name, h_acc, "the sum of h * r");
    q = sat16(lstm_requant(r, name, h_acc, GATES + gate));
    lstm_note(r, name, sat16(p + q), "v, the sum of both, each within int16");
    return sat16(p + q);
}

static void step_cell(lstm_run *r, uint32_t t, uint32_t o)
{
    int64_t gate[GATES], kept, added, product;

    for (uint32_t g = 0; g < GATES; g++)
        gate[g] = gate_sees(r, t, o, g);
    product = sigmoid16(r, gate[1]) * r->c[o];
    lstm_note(r, "kept product", product, "sigmoid(forget) * c");
    kept = sat16(lstm_requant(r, "kept", product, 2 * GATES));
    product = sigmoid16(r, gate[0]) * tanh16(r, gate[2], 0);
    lstm_note(r, "added product", product, "sigmoid(input) * tanh(cell)");
    added = sat16(lstm_requant(r, "added", product, 2 * GATES + 1));
    r->next_c[o] = sat16(kept + added);
    if (r->a->cell_clip > 0 && magnitude(r->next_c[o]) > r->a->cell_clip)
        r->next_c[o] = r->next_c[o] < 0 ? -r->a->cell_clip : r->a->cell_clip;
    lstm_note(r, "c", r->next_c[o], "kept + added, within int16 and cell_clip");
    product = sigmoid16(r, gate[3]) * tanh16(r, r->next_c[o], r->a->cell_shift);
    lstm_note(r, "y product", product, "sigmoid(output) * tanh(c)");
    r->next_h[o] = lstm_requant(r, "y", product, 2 * GATES + 2);
}

/* All cells at all steps before t. */
static void run_until(lstm_run *r, uint32_t last)
{
    for (uint32_t t = 0; t < last; t++) {
        for (uint32_t o = 0; o < r->cells; o++)
            step_cell(r, t, o);
        for (uint32_t o = 0; o < r->cells; o++) {
            const int64_t y = r->next_h[o] + r->a->y_zero;

            r->h[o] = (y < -128 ? -128 : y > 127 ? 127 : y) - r->a->y_zero;
            r->c[o] = r->next_c[o];
        }
    }
}

/* What the gates of cell o see, and with which weights. */
static void add_seen(lstm_run *r, uint32_t t, uint32_t o)
{
    static const char *const names[] = { "x or h, less its zero", "input", "forget", "cell", "output" };
    const explanation *e = r->e;
    const uint32_t sides[2] = { r->inputs, t > 0 ? r->cells : 0 };

    start(r->e, sides[0] + sides[1], false, 1 + GATES, names);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < sides[side]; i++) {
            int64_t value[1 + GATES];
            uint32_t at[LKS_RANK_MAX] = { 0 };

            lstm_place(r, t - side, i, at);
            value[0] = side ? r->h[i] : element_at(&e->in[0], at) - r->a->x_zero;
            for (uint32_t g = 0; g < GATES; g++)
                value[1 + g] = element(&e->in[1 + side], ((uint64_t)g * r->cells + o) * (side ? r->cells : r->inputs) + i);
            add(r->e, at, NULL, value);
        }
}

/* The steps before are worked out, and not told. */
static void explain_lstm(explanation *e)
{
    const lks_lstm_args *a = &e->op->args.lstm;
    const uint32_t t = e->at[a->time_major ? 0 : 1], o = e->at[2];
    lstm_run r = { .e = e, .a = a, .image = e->at[a->time_major ? 1 : 0], .inputs = e->in[0].dims[2], .cells = e->y.dims[2] };

    r.c = calloc(4 * (size_t)r.cells, sizeof *r.c);
    if (!r.c) {
        e->broken = !error_memory(e->error);
        return;
    }
    r.h = r.c + r.cells;
    r.next_c = r.h + r.cells;
    r.next_h = r.next_c + r.cells;
    fill_sigmoid(r.table);
    run_until(&r, t);
    add_seen(&r, t, o);
    r.note = true;
    explain_note(e, "c before", r.c[o], "after %" PRIu32 " steps from a state of zeros", t);
    step_cell(&r, t, o);
    explain_note(e, "+ y_zero", r.next_h[o] + a->y_zero, "%" PRId64 " + %" PRId32, r.next_h[o], a->y_zero);
    explain_clamp(e, r.next_h[o] + a->y_zero, -128, 127);
    free(r.c);
}

/* ---- svdf (spec 4.51) ---------------------------------------------------------------------------------------------------- */

/* What filter f remembers of this run. */
static int64_t newest(explanation *e, uint32_t f)
{
    const lks_svdf_args *a = &e->op->args.svdf;
    const uint32_t inputs = e->in[1].dims[1];
    char name[24];
    int64_t acc = 0, v;

    for (uint32_t i = 0; i < inputs; i++)
        acc += (element(&e->in[0], (uint64_t)e->at[0] * inputs + i) - a->x_zero) * element(&e->in[1], (uint64_t)f * inputs + i);
    snprintf(name, sizeof name, "acc %" PRIu32, f);
    explain_note(e, name, acc, "the sum of (x - x_zero) * w of filter %" PRIu32, f);
    snprintf(name, sizeof name, "state %" PRIu32 " ", f);
    v = explain_requant(e, name, acc, a->feature_m, a->feature_s, a->rounding);
    return v < a->state_min ? a->state_min : v > a->state_max ? a->state_max : v;
}

/* A run from a state of zeros: only the newest element of each memory counts. */
static void explain_svdf(explanation *e)
{
    static const char *const names[] = { "newest state", "w_time", "product" };
    const lks_svdf_args *a = &e->op->args.svdf;
    const uint32_t rank = (uint32_t)a->rank, memory = e->in[2].dims[1], first = e->at[1] * rank;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, bias = element(&e->in[3], e->at[1]);
    int64_t sum;

    start(e, rank, true, 3, names);
    for (uint32_t f = first; f < first + rank; f++) {
        const uint32_t at[LKS_RANK_MAX] = { f, memory - 1 };
        const int64_t state = newest(e, f), w = element_at(&e->in[2], at);
        const int64_t value[] = { state, w, state * w };

        add(e, at, NULL, value);
    }
    sum = e->sum + bias;
    explain_note(e, "bias", bias, "bias[%" PRIu32 "]", e->at[1]);
    explain_note(e, "sum", sum, "%" PRId64 " + %" PRId64 ", from a state of zeros", e->sum, bias);
    sum = sum > INT32_MAX ? INT32_MAX : sum < -INT32_MAX ? -INT32_MAX : sum;
    e->bound = INT32_MAX;
    explain_note(e, "acc", sum, "clamp to -(2^31 - 1) .. 2^31 - 1");
    explain_finish(e, sum, a->m, a->s, tail, a->rounding);
}

/* ---- all of them --------------------------------------------------------------------------------------------------------- */

static const struct {
    uint32_t kind;
    void (*explain)(explanation *e);
} ops[] = {
    { LKS_OP_CONV, explain_conv },
    { LKS_OP_FULLY_CONNECTED, explain_fully_connected },
    { LKS_OP_TRANSPOSED_CONV, explain_transposed_conv },
    { LKS_OP_CONV_3D, explain_conv_3d },
    { LKS_OP_BATCH_MATMUL, explain_batch_matmul },
    { LKS_OP_SCALE, explain_scale },
    { LKS_OP_ADD, explain_add },
    { LKS_OP_SUB, explain_add },
    { LKS_OP_MUL, explain_mul },
    { LKS_OP_REQUANT, explain_requant_op },
    { LKS_OP_LUT, explain_lut },
    { LKS_OP_CLAMP, explain_clamp_op },
    { LKS_OP_PRELU, explain_prelu },
    { LKS_OP_MAX_POOL, explain_max_pool },
    { LKS_OP_AVG_POOL, explain_avg_pool },
    { LKS_OP_SUM, explain_sum },
    { LKS_OP_REDUCE_MAX, explain_reduce_max },
    { LKS_OP_ARG_MAX, explain_arg_max },
    { LKS_OP_SOFTMAX, explain_softmax },
    { LKS_OP_RESHAPE, explain_reshape },
    { LKS_OP_PAD, explain_pad },
    { LKS_OP_CONCAT, explain_concat },
    { LKS_OP_SPLIT, explain_split },
    { LKS_OP_SLICE, explain_slice },
    { LKS_OP_TRANSPOSE, explain_transpose },
    { LKS_OP_TILE, explain_tile },
    { LKS_OP_GATHER, explain_gather },
    { LKS_OP_RESIZE_NEAREST, explain_resize_nearest },
    { LKS_OP_RESIZE_BILINEAR, explain_resize_bilinear },
    { LKS_OP_LSTM, explain_lstm },
    { LKS_OP_SVDF, explain_svdf }
};

bool explain_op(explanation *e)
{
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (ops[i].kind == e->op->kind) {
            ops[i].explain(e);
            e->result = e->y.tensor->interface == LKS_U8 ? e->stored + 128 : e->stored;
            return !e->broken;
        }
    return error_set(e->error, "this version explains no ops of that kind");
}

void explain_close(explanation *e)
{
    free(e->term);
    free(e->in);
    free(e->out);
    e->term = NULL;
    e->in = e->out = NULL;
}
