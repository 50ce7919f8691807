/* SPDX-License-Identifier: Apache-2.0
 *
 * What elements of ops that move elements, or place them between others, are taken from.
 */
#include "tools/explain_ops.h"

#include <inttypes.h>
#include <string.h>

/* ---- moving (spec 4.10, 4.11) -------------------------------------------------------------------------------------------- */

static void take(explanation *e, const uint32_t *at)
{
    static const char *const names[] = { "x" };
    const int64_t x = explain_element_at(&e->in[0], at);

    explain_begin_terms(e, 1, false, 1, names);
    explain_add_term(e, at, NULL, &x);
    e->stored = x;
    explain_note(e, "y", x, "element %" PRIu64 " of x, unchanged", explain_index(&e->in[0], at));
}

void explain_reshape(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    explain_coordinates(&e->in[0], explain_index(&e->y, e->at), at);
    take(e, at);
}

void explain_pad(explanation *e)
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
void explain_concat(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis;
    uint32_t at[LKS_RANK_MAX], i = 0;

    memcpy(at, e->at, sizeof at);
    for (; at[axis] >= e->in[i].dims[axis]; i++)
        at[axis] -= e->in[i].dims[axis];
    e->stored = explain_element_at(&e->in[i], at);
    explain_note(e, "y", e->stored, "element %" PRIu64 " of operand %" PRIu32 ", unchanged: on axis %" PRIu32 ", %" PRIu32
                 " of its %" PRIu32, explain_index(&e->in[i], at), i, axis, at[axis], e->in[i].dims[axis]);
}

void explain_split(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis;
    uint32_t at[LKS_RANK_MAX];

    memcpy(at, e->at, sizeof at);
    for (uint32_t i = 0; i < e->output; i++)
        at[axis] += e->out[i].dims[axis];
    take(e, at);
}

void explain_slice(explanation *e)
{
    const lks_slice_args *a = &e->op->args.slice;
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[i] = (uint32_t)(a->begin[i] + (int64_t)e->at[i] * a->step[i]);
    take(e, at);
}

void explain_transpose(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[e->op->args.transpose.perm[i]] = e->at[i];
    take(e, at);
}

void explain_tile(explanation *e)
{
    uint32_t at[LKS_RANK_MAX] = { 0 };

    for (uint32_t i = 0; i < e->y.rank; i++)
        at[i] = e->at[i] % e->in[0].dims[i];
    take(e, at);
}

void explain_gather(explanation *e)
{
    const uint32_t axis = (uint32_t)e->op->args.axis.axis, rank = e->in[1].rank;
    uint32_t at[LKS_RANK_MAX] = { 0 };
    int64_t index;

    memcpy(at, e->at, axis * sizeof *at);
    for (uint32_t i = axis + 1; i < e->in[0].rank; i++)
        at[i] = e->at[i - 1 + rank];
    index = explain_element_at(&e->in[1], e->at + axis);
    explain_note(e, "index", index, "element %" PRIu64 " of indices, on axis %" PRIu32,
                 explain_index(&e->in[1], e->at + axis), axis);
    at[axis] = (uint32_t)index;
    take(e, at);
}

void explain_resize_nearest(explanation *e)
{
    const int64_t row = explain_element(&e->in[1], e->at[1]), column = explain_element(&e->in[2], e->at[2]);
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

void explain_resize_bilinear(explanation *e)
{
    static const char *const names[] = { "x", "weight of h", "weight of w", "product" };
    const lks_resize_bilinear_args *a = &e->op->args.resize_bilinear;
    const between h = place_between(e, "h", e->at[1], a->scale_h, a->offset_h, e->in[0].dims[1]);
    const between w = place_between(e, "w", e->at[2], a->scale_w, a->offset_w, e->in[0].dims[2]);

    explain_begin_terms(e, 4, true, 4, names);
    for (int k = 0; k < 4; k++) {
        const uint32_t row = (uint32_t)(k & 2 ? h.second : h.first), column = (uint32_t)(k & 1 ? w.second : w.first);
        const uint32_t at[LKS_RANK_MAX] = { e->at[0], row, column, e->at[3] };
        const int64_t x = explain_element_at(&e->in[0], at);
        const int64_t wh = k & 2 ? h.part : 1024 - h.part, ww = k & 1 ? w.part : 1024 - w.part;
        const int64_t value[] = { x, wh, ww, x * wh * ww };

        explain_add_term(e, at, NULL, value);
    }
    explain_note(e, "acc", e->sum, "the sum; proven: |acc| <= %" PRIu64, e->op->bound);
    e->stored = a->rounding == LKS_TFLITE ? explain_rshift(e->sum, 20) : explain_shift(e->sum + ((int64_t)1 << 19), 20);
    explain_note(e, "y", e->stored, "%s", a->rounding == LKS_TFLITE ? "rshift(acc, 20): ties away from zero"
                                                                    : "(acc + 2^19) >> 20: ties up");
}
