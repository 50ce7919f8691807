/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling.  spec 4.7
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

/* One output element: image x [in_h][in_w][c], output row p and column q, channel c. */
static int32_t window_average(const lks_pool *a, const int8_t *x, int32_t p, int32_t q, int32_t c)
{
    const lks_window *s = &a->window;
    int32_t acc = 0, k = 0;                 /* rules_*.c: cannot overflow */

    for (int32_t kh = 0; kh < s->kernel_h; kh++) {
        for (int32_t kw = 0; kw < s->kernel_w; kw++) {
            int32_t h = p * s->stride_h - s->pad_top + kh;
            int32_t v = q * s->stride_w - s->pad_left + kw;

            if (h < 0 || h >= s->in_h || v < 0 || v >= s->in_w)
                continue;
            acc += x[((size_t)h * (size_t)s->in_w + (size_t)v) * (size_t)a->c + (size_t)c];
            k++;
        }
    }
    return lks_average(acc, k, a->rounding);
}

void lks_ref_window_sum(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_pool *a = &args->pool;
    const lks_window *s = &a->window;
    size_t image = (size_t)s->in_h * (size_t)s->in_w * (size_t)a->c;
    int8_t *y = t->y;

    for (int32_t n = 0; n < t->n * s->images; n++)
        for (int32_t p = 0; p < s->out_h; p++)
            for (int32_t q = 0; q < s->out_w; q++)
                for (int32_t c = 0; c < a->c; c++)
                    *y++ = (int8_t)lks_clamp(window_average(a, t->x + (size_t)n * image, p, q, c), a->y_min, a->y_max);
}
