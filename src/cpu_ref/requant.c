/* SPDX-License-Identifier: Apache-2.0
 *
 * From int16 to int8.  spec 4.4
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

void lks_ref_requant(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_requantization *a = &args->requant;
    const int16_t *x = (const int16_t *)(const void *)t->x;

    for (size_t i = 0; i < (size_t)t->n * (size_t)a->count; i++)
        t->y[i] = lks_finish(x[i] - a->x_zero, a->rq, a->tail);
}
