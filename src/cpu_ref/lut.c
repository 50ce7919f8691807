/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of 256 values.  spec 4.5
 */
#include "cpu_ref/backend.h"

#include <stddef.h>

void lks_ref_lut(const lks_kernel_args *args, const lks_operands *t)
{
    size_t count = (size_t)t->n * (size_t)args->lut.count;

    for (size_t i = 0; i < count; i++)
        t->y[i] = t->table[t->x[i] + 128];
}
