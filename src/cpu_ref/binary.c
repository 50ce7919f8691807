/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting.  spec 4.3, 4.12, 4.13, 4.15
 */
#include "cpu_ref/backend.h"
#include "cpu_ref/index.h"
#include "spec/arith.h"

#include <stddef.h>

void lks_ref_binary(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_binary *k = &args->binary;
    int8_t *y = t->y;

    for (int32_t n = 0; n < t->n; n++) {
        const int8_t *a = t->x + (size_t)n * (size_t)k->a_image;
        const int8_t *b = t->x2 + (size_t)n * (size_t)k->b_image;
        int32_t i[LKS_MAX_RANK] = { 0 };

        do
            *y++ = lks_pair_value(a[offset_of(i, k->a_stride)], b[offset_of(i, k->b_stride)], k->pair);
        while (next_index(i, k->dims));
    }
}
