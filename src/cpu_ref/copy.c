/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy between strided places, with a fill value where the source has no element.  spec 4.10, 4.11
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"

#include <stddef.h>

/* The element of x that belongs at index i, or the fill value. */
static int8_t source(const lks_copy *a, const int8_t *x, const int32_t i[LKS_MAX_RANK])
{
    int64_t at = a->x_first;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++) {
        int32_t k = i[axis] - a->before[axis];

        if (k < 0 || k >= a->x_dims[axis])
            return (int8_t)a->fill;
        at += (int64_t)k * a->x_stride[axis];
    }
    return x[at];
}

static int64_t target(const lks_copy *a, const int32_t i[LKS_MAX_RANK])
{
    int64_t at = a->y_first;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        at += (int64_t)i[axis] * a->y_stride[axis];
    return at;
}

void lks_ref_copy(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_copy *a = &args->copy;

    for (int32_t n = 0; n < t->n; n++) {
        const int8_t *x = t->x + (size_t)n * (size_t)a->x_image;
        int8_t *y = t->y + (size_t)n * (size_t)a->y_image;
        int32_t i[LKS_MAX_RANK] = { 0 };

        do
            y[target(a, i)] = source(a, x, i);
        while (next_index(i, a->dims));
    }
}
