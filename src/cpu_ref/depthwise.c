/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution: each output channel o sees input channel o / multiplier alone.  spec 4.1 with groups = in_c
 */
#include "cpu_ref/backend.h"
#include "spec/arith.h"

#include <stddef.h>

/* One output element: image x [in_h][in_w][in_c], output row p and column q, channel o. */
static int32_t accumulate(const lks_conv *a, const int8_t *x, const int8_t *w, int32_t bias, int32_t p, int32_t q, int32_t o)
{
    const lks_window *s = &a->window;
    int32_t c = o / (a->out_c / a->in_c);
    int32_t acc = bias;                     /* rules_*.c: cannot overflow */

    w += (size_t)o * (size_t)s->kernel_h * (size_t)s->kernel_w;
    for (int32_t kh = 0; kh < s->kernel_h; kh++) {
        for (int32_t kw = 0; kw < s->kernel_w; kw++, w++) {
            int32_t h = p * s->stride_h - s->pad_top + kh * s->dilation_h;
            int32_t v = q * s->stride_w - s->pad_left + kw * s->dilation_w;
            int32_t value = a->pad_value;

            if (h >= 0 && h < s->in_h && v >= 0 && v < s->in_w)
                value = x[((size_t)h * (size_t)s->in_w + (size_t)v) * (size_t)a->in_c + (size_t)c];
            acc += (value - a->x_zero) * (*w - a->w_zero);
        }
    }
    return acc;
}

void lks_ref_depthwise(const lks_kernel_args *args, const lks_operands *t)
{
    const lks_conv *a = &args->conv;
    const lks_window *s = &a->window;
    size_t image = (size_t)s->in_h * (size_t)s->in_w * (size_t)a->in_c;
    int8_t *y = t->y;

    for (int32_t n = 0; n < t->n * s->images; n++)
        for (int32_t p = 0; p < s->out_h; p++)
            for (int32_t q = 0; q < s->out_w; q++)
                for (int32_t o = 0; o < a->out_c; o++) {
                    int32_t acc = accumulate(a, t->x + (size_t)n * image, t->w, t->bias[o], p, q, o);

                    *y++ = lks_finish(acc, t->rq[o], a->tail);
                }
}
