/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of the largest or smallest element along an axis.  spec 4.19
 */
#include "cpu_ref/backend.h"

#include <stddef.h>

/* x: the first element of those, which are inner apart. */
static int32_t first_best(const lks_arg_max *a, const int8_t *x)
{
    int32_t best = 0;

    for (int32_t k = 1; k < a->extent; k++) {
        const int8_t now = x[(size_t)k * (size_t)a->inner], before = x[(size_t)best * (size_t)a->inner];

        if (a->smallest ? now < before : now > before)
            best = k;
    }
    return best;
}

void lks_ref_arg_max(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_arg_max *a = &args->arg_max;
    const size_t row = (size_t)a->extent * (size_t)a->inner;
    int32_t *y = (int32_t *)(void *)t->y;       /* activations are LKS_ARENA_ALIGN aligned */

    for (int64_t i = 0; i < (int64_t)t->n * a->outer; i++)
        for (int32_t k = 0; k < a->inner; k++)
            *y++ = first_best(a, t->x + (size_t)i * row + (size_t)k);
}
