/* SPDX-License-Identifier: Apache-2.0
 *
 * Fully connected: rows of x against rows of w.  spec 4.2
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

void lks_ref_matmul(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_matmul *a = &args->matmul;

    for (int64_t r = 0; r < (int64_t)t->n * a->rows; r++) {
        const int8_t *x = t->x + (size_t)r * (size_t)a->in_c;
        int8_t *y = t->y + (size_t)r * (size_t)a->out_c;

        for (int32_t o = 0; o < a->out_c; o++) {
            const int8_t *w = t->w + (size_t)o * (size_t)a->in_c;
            int32_t acc = t->bias[o];       /* rules_*.c: cannot overflow */

            for (int32_t i = 0; i < a->in_c; i++)
                acc += (x[i] - a->x_zero) * (w[i] - a->w_zero);
            y[o] = lks_finish(acc, t->rq[o], a->tail);
        }
    }
}
