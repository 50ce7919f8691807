/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and columns by tables.  spec 4.35, 4.36
 */
#include "cpu_ref/backend.h"

#include <stddef.h>

void lks_ref_gather(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_gather *g = &args->gather;
    int8_t *y = t->y;

    for (int64_t o = 0; o < (int64_t)t->n * g->outer; o++)
        for (int32_t a = 0; a < g->out_a; a++)
            for (int32_t b = 0; b < g->out_b; b++) {
                const int8_t *x = t->x + (size_t)(((o * g->in_a + t->rows[a]) * g->in_b + t->columns[b]) * g->inner);

                for (int32_t k = 0; k < g->inner; k++)
                    *y++ = x[k];
            }
}
