/* SPDX-License-Identifier: Apache-2.0
 *
 * The product of matrices of two operands, with broadcasting.  spec 4.50
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"
#include "spec/arith.h"

static int32_t dot(const lks_batch_matmul *k, const int8_t *a, const int8_t *b)
{
    int32_t acc = 0;                            /* rules_*.c: cannot overflow */

    for (int32_t i = 0; i < k->depth; i++)
        acc += (a[(size_t)i * (size_t)k->a_depth] - k->a_zero) * (b[(size_t)i * (size_t)k->b_depth] - k->b_zero);
    return acc;
}

void lks_ref_batch_matmul(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_batch_matmul *k = &args->batch_matmul;
    int8_t *y = t->y;

    for (int32_t n = 0; n < t->n; n++) {
        const int8_t *a = t->x + (size_t)n * (size_t)k->a_image;
        const int8_t *b = t->x2 + (size_t)n * (size_t)k->b_image;
        int32_t i[LKS_MAX_RANK] = { 0 };

        do
            *y++ = lks_finish(dot(k, a + offset_of(i, k->a_stride), b + offset_of(i, k->b_stride)), k->rq, k->tail);
        while (next_index(i, k->dims));
    }
}
