/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over any set of axes.  spec 4.8
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"
#include "spec/arith.h"

#include <stddef.h>

/*
 * Visit the elements of one image whose index is i on the axes that are not summed: the sum over the others, from axis on.
 * The depth of the recursion is the rank.
 */
static int32_t sum_from(const lks_reduce *a, const int8_t *x, const int32_t i[LKS_MAX_RANK], int axis, size_t at)
{
    int32_t acc = 0;                        /* rules_*.c: cannot overflow */

    if (axis == LKS_MAX_RANK)
        return x[at] - a->x_zero;
    at *= (size_t)a->dims[axis];
    if (!(a->axes >> axis & 1))
        return sum_from(a, x, i, axis + 1, at + (size_t)i[axis]);
    for (int32_t k = 0; k < a->dims[axis]; k++)
        acc += sum_from(a, x, i, axis + 1, at + (size_t)k);
    return acc;
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
            *y++ = lks_finish(sum_from(a, t->x + (size_t)n * image, i, 0, 0), a->rq, a->tail);
        while (next_index(i, y_dims));
    }
}
