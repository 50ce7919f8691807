/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy with an offset, and a fill value where the source has no element.  spec 4.10, 4.11
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"

#include <stddef.h>

/* The element of x that belongs at index i of y, or the fill value. */
static int8_t source(const lks_copy *a, const int8_t *x, const int32_t i[LKS_MAX_RANK])
{
    size_t at = 0;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++) {
        int32_t k = i[axis] - a->before[axis];

        if (k < 0 || k >= a->x_dims[axis])
            return (int8_t)a->fill;
        at = at * (size_t)a->x_dims[axis] + (size_t)k;
    }
    return x[at];
}

void lks_ref_copy(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_copy *a = &args->copy;
    int8_t *y = t->y;
    size_t image = 1;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        image *= (size_t)a->x_dims[axis];
    for (int32_t n = 0; n < t->n; n++) {
        int32_t i[LKS_MAX_RANK] = { 0 };

        do
            *y++ = source(a, t->x + (size_t)n * image, i);
        while (next_index(i, a->y_dims));
    }
}
