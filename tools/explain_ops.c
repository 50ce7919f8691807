/* SPDX-License-Identifier: Apache-2.0
 *
 * The formulas of docs/spec.md section 4 for one element, written for `lockstep explain` alone: the table of all ops, and those
 * that work element by element, over windows or along axes.
 */
#include "tools/explain_ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- element by element (spec 4.3 .. 4.5) -------------------------------------------------------------------------------- */

/* The element of a broadcast operand that belongs to that of y. */
static int64_t broadcast_element(explanation *e, uint32_t operand, const char *name)
{
    const explain_tensor *t = &e->in[operand];
    uint32_t at[LKS_RANK_MAX] = { 0 }, skip = e->y.rank - t->rank;

    for (uint32_t i = 0; i < t->rank; i++)
        at[i] = t->dims[i] == 1 ? 0 : e->at[skip + i];
    explain_note(e, name, explain_element_at(t, at), "element %" PRIu64 " of operand %" PRIu32, explain_index(t, at), operand);
    return explain_element_at(t, at);
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

    e->bound = (uint64_t)(explain_maxabs(p->a_zero) * explain_maxabs(p->b_zero));
    explain_note(e, "acc", acc, "(%" PRId64 " - %" PRId32 ") * (%" PRId64 " - %" PRId32 "); proven: |acc| <= %" PRIu64, a,
                 p->a_zero, b, p->b_zero, e->bound);
    explain_finish(e, acc, p->m, p->s, tail, p->rounding);
}

static void explain_requant_op(explanation *e)
{
    const lks_requant_args *a = &e->op->args.requant;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    int64_t x = explain_element_at(&e->in[0], e->at);

    e->bound = (uint64_t)explain_maxabs(a->x_zero);
    if (e->in[0].tensor->type == LKS_I16)
        e->bound = (uint64_t)(a->x_zero < 0 ? INT16_MAX - a->x_zero : a->x_zero - INT16_MIN);
    explain_note(e, "x", x, "element of x at the same place");
    explain_note(e, "acc", x - a->x_zero, "%" PRId64 " - %" PRId32 " (x_zero); proven: |acc| <= %" PRIu64, x, a->x_zero,
                 e->bound);
    explain_finish(e, x - a->x_zero, a->m, a->s, tail, a->rounding);
}

static void explain_lut(explanation *e)
{
    int64_t x = explain_element_at(&e->in[0], e->at);

    explain_note(e, "x", x, "element of x at the same place");
    explain_note(e, "index", x + 128, "x + 128");
    e->stored = explain_element(&e->in[1], (uint64_t)(x + 128));
    explain_note(e, "y", e->stored, "table[%" PRId64 "]", x + 128);
}

static void explain_clamp_op(explanation *e)
{
    int64_t x = explain_element_at(&e->in[0], e->at);

    explain_note(e, "x", x, "element of x at the same place");
    explain_clamp(e, x, e->op->args.clamp.y_min, e->op->args.clamp.y_max);
}

static void explain_prelu(explanation *e)
{
    const lks_prelu_args *a = &e->op->args.prelu;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max };
    int64_t u = explain_element_at(&e->in[0], e->at) - a->x_zero, slope;

    e->bound = (uint64_t)explain_maxabs(a->x_zero);
    explain_note(e, "x", u + a->x_zero, "element of x at the same place");
    explain_note(e, "u", u, "%" PRId64 " - %" PRId32 " (x_zero); proven: |u| <= %" PRIu64, u + a->x_zero, a->x_zero, e->bound);
    if (u >= 0) {
        explain_finish(e, u, a->positive_m, a->positive_s, tail, a->rounding);
        return;
    }
    slope = broadcast_element(e, 1, "slope");
    e->bound *= (uint64_t)explain_maxabs(a->slope_zero);
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

    explain_begin_terms(e, (uint64_t)((h.to - h.from) * (w.to - w.from)), sums, 1, names);
    for (int64_t i = h.from; i < h.to; i++)
        for (int64_t j = w.from; j < w.to; j++) {
            const uint32_t at[LKS_RANK_MAX] = { e->at[0], (uint32_t)i, (uint32_t)j, e->at[3] };
            const int64_t value = explain_element_at(x, at);

            explain_add_term(e, at, NULL, &value);
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
        q = explain_floor(explain_magnitude(acc) + k / 2, k);
        q = acc < 0 ? -q : q;
        explain_note(e, "q", q, "%s((%" PRId64 " + %" PRId64 ") / %" PRId64 "), down: ties away from zero", acc < 0 ? "-" : "",
                     explain_magnitude(acc), k / 2, k);
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

    explain_begin_terms(e, count, true, 2, names);
    for (uint64_t i = 0; i < count; i++, sum_next(e, at)) {
        int64_t x = explain_element_at(&e->in[0], at);
        const int64_t value[] = { x, x - a->x_zero };

        explain_add_term(e, at, NULL, value);
    }
    e->bound = count * (uint64_t)explain_maxabs(a->x_zero);
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

    explain_begin_terms(e, count, false, 1, names);
    for (uint64_t i = 0; i < count; i++, sum_next(e, at)) {
        const int64_t x = explain_element_at(&e->in[0], at);

        explain_add_term(e, at, NULL, &x);
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
    explain_begin_terms(e, x->dims[axis], false, 1, names);
    for (at[axis] = 0; at[axis] < x->dims[axis]; at[axis]++) {
        const int64_t value = explain_element_at(x, at);

        if (at[axis] == 0 || (a->smallest ? value < best : value > best)) {
            best = value;
            index = at[axis];
        }
        explain_add_term(e, at, NULL, &value);
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
        int64_t x = explain_element_at(&e->in[0], at);

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
    explain_begin_terms(e, columns, true, 4, names);
    for (at[last] = 0; at[last] < columns; at[last]++) {
        int64_t x = explain_element_at(&e->in[0], at), one = explain_softmax_exp(e, x - top, a->m, a->s, false);
        const int64_t value[] = { x, x - top, one, explain_rshift(one, 12) };

        explain_add_term(e, at, NULL, value);
    }
    d = explain_element_at(&e->in[0], e->at) - top;
    explain_note(e, "top", top, "the largest of the row of %" PRIu32, columns);
    explain_note(e, "x - top", d, "at this element");
    exp = explain_softmax_exp(e, d, a->m, a->s, true);
    explain_note(e, "total", e->sum, "the sum of the last column; proven: <= %" PRIu64, e->op->bound);
    while (h < 32 && explain_shift(e->sum, 31 - h) == 0)
        h++;
    explain_note(e, "h", h, "leading zero bits of total");
    finish_softmax(e, h, explain_recip(e, e->sum * ((int64_t)1 << h) - ((int64_t)1 << 31)), exp);
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
