/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv, depthwise and matmul as spec 4.1 and 4.2 say, but for one flaw.
 */
#include "faulty/faulty.h"
#include "spec/arith.h"

#include <stddef.h>

/* A sum of products, three ways. */
typedef struct sum {
    int32_t exact, pair, products;
    int64_t saturated;
    float fp32;
} sum;

/* saturated adds u8 times s8 by pairs in 16 bits, as x86's vpmaddubsw does; exact but for what those lose. */
static void add_product(sum *s, const lks_conv *a, int32_t x, int32_t w)
{
    int32_t product = (x - a->x_zero) * (w - a->w_zero);

    s->exact += product;
    s->fp32 += (float)product;
    s->saturated += product;
    s->pair += (x + 128) * w;
    if (++s->products % 2 == 0) {
        s->saturated -= s->pair - lks_clamp(s->pair, -32768, 32767);
        s->pair = 0;
    }
}

/* A wrong sum, as far as a requantization takes it. */
static int32_t within(int64_t acc, lks_rq rq, int32_t rounding)
{
    int32_t most = (1 << 30) >> (rounding == LKS_TFLITE && rq.s > 0 ? rq.s : 0);

    return acc > most ? most : acc < -most ? -most : (int32_t)acc;
}

static int32_t pixel(const lks_conv *a, const int8_t *x, int32_t h, int32_t v, int32_t c)
{
    const lks_window *k = &a->window;

    if (h < 0 || h >= k->in_h || v < 0 || v >= k->in_w)
        return a->pad_value;
    return x[((size_t)h * (size_t)k->in_w + (size_t)v) * (size_t)a->in_c + (size_t)c];
}

/* Output row p and column q, channel o, of image x [in_h][in_w][in_c]. */
static sum sum_at(const lks_conv *a, const int8_t *x, const lks_step *t, int32_t p, int32_t q, int32_t o)
{
    const lks_window *k = &a->window;
    int32_t group_c = a->in_c / a->groups, first_c = o / (a->out_c / a->groups) * group_c;
    const int8_t *w = t->w + (size_t)o * (size_t)k->kernel_h * (size_t)k->kernel_w * (size_t)group_c;
    sum s = { .exact = t->bias[o], .saturated = t->bias[o], .fp32 = (float)t->bias[o] };

    for (int32_t kh = 0; kh < k->kernel_h; kh++)
        for (int32_t kw = 0; kw < k->kernel_w; kw++)
            for (int32_t c = 0; c < group_c; c++, w++) {
                int32_t h = p * k->stride_h - k->pad_top + kh * k->dilation_h;
                int32_t v = q * k->stride_w - k->pad_left + kw * k->dilation_w;

                add_product(&s, a, pixel(a, x, h, v, first_c + c), *w);
            }
    return s;
}

static int8_t finish(sum s, lks_rq rq, lks_tail t, linear_flaw flaw)
{
    int32_t acc = flaw == FLAW_SATURATE ? within(s.saturated, rq, t.rounding)
                : flaw == FLAW_FP32 ? within((int64_t)s.fp32, rq, t.rounding) : s.exact;
    int32_t y = lks_requant(acc, rq, t.rounding);

    if (flaw == FLAW_HALF_DOWN && t.rounding == LKS_HALF_UP)
        y = (int32_t)lks_shr64((int64_t)acc * rq.m + ((int64_t)1 << (rq.s - 1)) - 1, rq.s);
    if (flaw == FLAW_SINGLE_ROUNDING && t.rounding == LKS_TFLITE)
        y = (int32_t)lks_shr64((int64_t)acc * rq.m + ((int64_t)1 << (30 - rq.s)), 31 - rq.s);
    return (int8_t)lks_clamp(y + t.y_zero, t.y_min, t.y_max);
}

static lks_conv as_conv(const lks_step *step)
{
    const lks_matmul *m = &step->args.matmul;

    if (step->kernel != LKS_KERNEL_MATMUL)
        return step->args.conv;
    return (lks_conv){ { m->rows, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0 }, m->in_c, m->out_c, 1, 0, m->x_zero, m->w_zero, m->tail,
                       m->fused, 0, 0 };
}

void faulty_linear(const faulty_call *c, linear_flaw flaw)
{
    const lks_step *t = c->step;
    const lks_conv a = as_conv(t);
    const lks_window *s = &a.window;
    const int8_t *x = c->arena + c->plan->tensors[t->x].offset;
    int8_t *y = c->arena + c->plan->tensors[t->y].offset;

    for (int64_t n = 0; n < (int64_t)c->n * s->images; n++, x += (size_t)s->in_h * (size_t)s->in_w * (size_t)a.in_c)
        for (int32_t p = 0; p < s->out_h; p++)
            for (int32_t q = 0; q < s->out_w; q++)
                for (int32_t o = 0; o < a.out_c; o++)
                    *y++ = finish(sum_at(&a, x, t, p, q, o), t->rq[o], a.tail, flaw);
}
