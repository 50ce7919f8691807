/* SPDX-License-Identifier: Apache-2.0
 *
 * Worked sums of the ops with a state: lstm, svdf.
 */
#include "tools/explain_ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    const int64_t u = explain_magnitude(a) / step, f = explain_magnitude(a) % step;

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
    const int64_t m = explain_element(&r->e->in[4], 2 * (uint64_t)row), s = explain_element(&r->e->in[4], 2 * (uint64_t)row + 1);
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
    int64_t x_acc = explain_element(&e->in[3], row), h_acc = 0, p, q;
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < r->inputs; i++) {
        lstm_place(r, t, i, at);
        x_acc += (explain_element_at(&e->in[0], at) - r->a->x_zero) * explain_element(&e->in[1], row * r->inputs + i);
    }
    for (uint32_t i = 0; i < r->cells; i++)
        h_acc += r->h[i] * explain_element(&e->in[2], row * r->cells + i);
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
    if (r->a->cell_clip > 0 && explain_magnitude(r->next_c[o]) > r->a->cell_clip)
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

    explain_begin_terms(r->e, sides[0] + sides[1], false, 1 + GATES, names);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < sides[side]; i++) {
            int64_t value[1 + GATES];
            uint32_t at[LKS_RANK_MAX] = { 0 };

            lstm_place(r, t - side, i, at);
            value[0] = side ? r->h[i] : explain_element_at(&e->in[0], at) - r->a->x_zero;
            for (uint32_t g = 0; g < GATES; g++)
                value[1 + g] = explain_element(&e->in[1 + side],
                                               ((uint64_t)g * r->cells + o) * (side ? r->cells : r->inputs) + i);
            explain_add_term(r->e, at, NULL, value);
        }
}

/* The steps before are worked out, and not told. */
void explain_lstm(explanation *e)
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
        acc += (explain_element(&e->in[0], (uint64_t)e->at[0] * inputs + i) - a->x_zero)
             * explain_element(&e->in[1], (uint64_t)f * inputs + i);
    snprintf(name, sizeof name, "acc %" PRIu32, f);
    explain_note(e, name, acc, "the sum of (x - x_zero) * w of filter %" PRIu32, f);
    snprintf(name, sizeof name, "state %" PRIu32 " ", f);
    v = explain_requant(e, name, acc, a->feature_m, a->feature_s, a->rounding);
    return v < a->state_min ? a->state_min : v > a->state_max ? a->state_max : v;
}

/* A run from a state of zeros: only the newest element of each memory counts. */
void explain_svdf(explanation *e)
{
    static const char *const names[] = { "newest state", "w_time", "product" };
    const lks_svdf_args *a = &e->op->args.svdf;
    const uint32_t rank = (uint32_t)a->rank, memory = e->in[2].dims[1], first = e->at[1] * rank;
    const int64_t tail[3] = { a->y_zero, a->y_min, a->y_max }, bias = explain_element(&e->in[3], e->at[1]);
    int64_t sum;

    explain_begin_terms(e, rank, true, 3, names);
    for (uint32_t f = first; f < first + rank; f++) {
        const uint32_t at[LKS_RANK_MAX] = { f, memory - 1 };
        const int64_t state = newest(e, f), w = explain_element_at(&e->in[2], at);
        const int64_t value[] = { state, w, state * w };

        explain_add_term(e, at, NULL, value);
    }
    sum = e->sum + bias;
    explain_note(e, "bias", bias, "bias[%" PRIu32 "]", e->at[1]);
    explain_note(e, "sum", sum, "%" PRId64 " + %" PRId64 ", from a state of zeros", e->sum, bias);
    sum = sum > INT32_MAX ? INT32_MAX : sum < -INT32_MAX ? -INT32_MAX : sum;
    e->bound = INT32_MAX;
    explain_note(e, "acc", sum, "clamp to -(2^31 - 1) .. 2^31 - 1");
    explain_finish(e, sum, a->m, a->s, tail, a->rounding);
}
