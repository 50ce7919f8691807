/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, maxima and minima over any set of axes.  spec 4.8, 4.17
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"
#include "spec/arith.h"

#include <stddef.h>

static int32_t combine(int32_t kind, int32_t a, int32_t b)
{
    return kind == LKS_REDUCE_SUM ? a + b : (kind == LKS_REDUCE_MAX) == (a > b) ? a : b;
}

/*
 * Visit the elements of one image whose index is i on the axes that are kept: what becomes of the others, from axis on.
 * The depth of the recursion is the rank.
 */
static int32_t reduce_from(const lks_reduce *a, const int8_t *x, const int32_t i[LKS_MAX_RANK], int axis, size_t at)
{
    int32_t acc;                            /* rules_*.c: cannot overflow */

    if (axis == LKS_MAX_RANK)
        return a->kind == LKS_REDUCE_SUM ? x[at] - a->x_zero : x[at];
    at *= (size_t)a->dims[axis];
    if (!(a->axes >> axis & 1))
        return reduce_from(a, x, i, axis + 1, at + (size_t)i[axis]);
    acc = reduce_from(a, x, i, axis + 1, at);
    for (int32_t k = 1; k < a->dims[axis]; k++)
        acc = combine(a->kind, acc, reduce_from(a, x, i, axis + 1, at + (size_t)k));
    return acc;
}

static int8_t finish(const lks_reduce *a, int32_t acc)
{
    return a->kind == LKS_REDUCE_SUM ? lks_finish(acc, a->rq, a->tail) : (int8_t)lks_clamp(acc, a->tail.y_min, a->tail.y_max);
}

void lks_ref_reduce(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_reduce *a = &args->reduce;
    int32_t y_dims[LKS_MAX_RANK];
    int8_t *y = t->y;
    size_t image = 1;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++) {
        y_dims[axis] = a->axes >> axis & 1 ? 1 : a->dims[axis];
        image *= (size_t)a->dims[axis];
    }
    for (int32_t n = 0; n < t->n; n++) {
        int32_t i[LKS_MAX_RANK] = { 0 };

        do
            *y++ = finish(a, reduce_from(a, t->x + (size_t)n * image, i, 0, 0));
        while (next_index(i, y_dims));
    }
}
