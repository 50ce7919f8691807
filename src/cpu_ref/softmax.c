/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax over the last axis.  spec 4.9
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

static void softmax_row(const int8_t *x, int8_t *y, int32_t columns, const int32_t *exp_table)
{
    int32_t top = x[0], total = 0;          /* at most 4095 * 2^19 */
    lks_softmax_row row;

    for (int32_t c = 1; c < columns; c++)
        top = x[c] > top ? x[c] : top;
    for (int32_t c = 0; c < columns; c++)
        total += lks_rshift_away(exp_table[top - x[c]], 12);
    row = lks_softmax_begin(total);
    for (int32_t c = 0; c < columns; c++)
        y[c] = lks_softmax_finish(exp_table[top - x[c]], row);
}

void lks_ref_softmax(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_softmax *a = &args->softmax;

    for (int64_t r = 0; r < (int64_t)t->n * a->rows; r++)
        softmax_row(t->x + (size_t)r * (size_t)a->columns, t->y + (size_t)r * (size_t)a->columns, a->columns, t->exp_table);
}
