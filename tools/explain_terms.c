/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements of tensors, and the terms of a worked sum.
 */
#include "tools/explain.h"

#include "host/interface.h"

#include <stdlib.h>
#include <string.h>

#define HEAD 8      /* of a long sum, so many terms are kept at its begin and at its end */
#define TAIL 4

/* ---- elements ------------------------------------------------------------------------------------------------------------ */

uint64_t explain_index(const explain_tensor *t, const uint32_t *at)
{
    uint64_t i = 0;

    for (uint32_t k = 0; k < t->rank; k++)
        i = i * t->dims[k] + at[k];
    return i;
}

void explain_coordinates(const explain_tensor *t, uint64_t index, uint32_t *at)
{
    for (uint32_t k = t->rank; k-- > 0; index /= t->dims[k])
        at[k] = (uint32_t)(index % t->dims[k]);
}

/* The stored value.  spec 2 */
int64_t explain_element(const explain_tensor *t, uint64_t i)
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

int64_t explain_element_at(const explain_tensor *t, const uint32_t *at)
{
    return explain_element(t, explain_index(t, at));
}

/* The largest |x - zero| of an int8 value.  spec 3.2 */
int64_t explain_maxabs(int64_t zero)
{
    return 127 - zero > zero + 128 ? 127 - zero : zero + 128;
}

int64_t explain_magnitude(int64_t v)
{
    return v < 0 ? -v : v;
}

/* ---- terms --------------------------------------------------------------------------------------------------------------- */

void explain_begin_terms(explanation *e, uint64_t expected, bool sums, uint32_t columns, const char *const *names)
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
void explain_add_term(explanation *e, const uint32_t *at, const uint32_t *w_at, const int64_t *value)
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
void explain_add_product(explanation *e, const uint32_t *at, const uint32_t *w_at, int64_t x, int64_t w, const int64_t zero[2])
{
    const int64_t value[] = { x, x - zero[0], w, w - zero[1], (x - zero[0]) * (w - zero[1]) };

    explain_add_term(e, at, w_at, value);
    e->bound += (uint64_t)(explain_maxabs(zero[0]) * explain_magnitude(w - zero[1]));
}

void explain_begin_products(explanation *e, uint64_t expected)
{
    static const char *const names[] = { "x", "x - x_zero", "w", "w - w_zero", "product" };

    e->has_w = true;
    explain_begin_terms(e, expected, true, 5, names);
}
