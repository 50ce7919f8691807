/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of another size, between whose pixels is interpolated.  spec 4.18
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

/* One output pixel of an image x [h.in][w.in][c]. */
static void interpolate(const lks_bilinear *a, const int8_t *x, lks_between h, lks_between w, int8_t *y)
{
    const size_t row = (size_t)a->w.in * (size_t)a->c, column = (size_t)a->c;
    const int8_t *first = x + (size_t)h.first * row, *second = x + (size_t)h.second * row;

    for (int32_t c = 0; c < a->c; c++) {
        const size_t left = (size_t)w.first * column + (size_t)c, right = (size_t)w.second * column + (size_t)c;
        const int32_t corners[4] = { first[left], first[right], second[left], second[right] };

        y[c] = lks_bilinear_value(corners, h.part, w.part, a->rounding);
    }
}

void lks_ref_bilinear(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_bilinear *a = &args->bilinear;
    const size_t image = (size_t)a->h.in * (size_t)a->w.in * (size_t)a->c;
    int8_t *y = t->y;

    for (int32_t n = 0; n < t->n * a->images; n++)
        for (int32_t p = 0; p < a->h.out; p++)
            for (int32_t q = 0; q < a->w.out; q++, y += a->c)
                interpolate(a, t->x + (size_t)n * image, lks_bilinear_place(p, a->h), lks_bilinear_place(q, a->w), y);
}
