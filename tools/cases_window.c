/* SPDX-License-Identifier: Apache-2.0
 *
 * Cases of max_pool and avg_pool, and the axes of all windows: kernel, stride, dilation and padding that fit.
 */
#include "tools/cases_maker.h"

/* ---- axes ---------------------------------------------------------------------------------------------------------------- */

static int32_t at_most(int32_t v, int32_t most)
{
    return v < most ? v : most;
}

/* Split a sum of paddings, each in 0 .. reach - 1. */
static void split(draw *d, axis *a, int32_t sum, int32_t reach)
{
    a->before = draw_between(d, sum > reach - 1 ? sum - (reach - 1) : 0, at_most(sum, reach - 1));
    if (draw_one_in(d, 2) && sum / 2 <= reach - 1 && sum - sum / 2 <= reach - 1)
        a->before = sum / 2;
    a->after = sum - a->before;
}

/* No input axis becomes much longer than 300. */
static int32_t draw_stride(draw *d, uint32_t out)
{
    if (out == 1)
        return DRAW(d, 1, 1, 2, 3, 8, 65535);
    return at_most(DRAW(d, 1, 1, 1, 2, 2, 3, 4, 7), out < 300 ? 300 / (int32_t)out : 1);
}

static int32_t draw_dilation(draw *d, uint32_t kernel)
{
    if (kernel == 1)
        return DRAW(d, 1, 1, 1, 2, 65535);
    return kernel > 8 ? DRAW(d, 1, 1, 2) : DRAW(d, 1, 1, 1, 1, 2, 3, 17);
}

axis draw_axis_to(draw *d, uint32_t out, uint32_t kernel, bool dilate)
{
    axis a = { .out = out, .kernel = (int32_t)kernel, .stride = draw_stride(d, out) };
    int32_t reach, all, most, sum = 0;

    a.dilation = dilate ? draw_dilation(d, kernel) : 1;
    reach = (a.kernel - 1) * a.dilation + 1;
    all = ((int32_t)out - 1) * a.stride + reach + (int32_t)draw_below(d, (uint32_t)at_most(a.stride, 8));
    most = at_most(2 * (reach - 1), all - 1);
    if (draw_one_in(d, 2))
        sum = draw_one_in(d, 3) ? most : draw_between(d, 0, most);
    else if (draw_one_in(d, 2))
        sum = at_most(reach - 1, most);
    split(d, &a, sum, reach);
    a.in = (uint32_t)(all - sum);
    return a;
}

axis draw_axis_over(draw *d, uint32_t in, bool dilate)
{
    axis a = { .in = in, .kernel = DRAW(d, 1, 1, 2, 3, 3, 3, 5) };
    int32_t reach, sum;

    a.stride = DRAW(d, 1, 1, 1, 2, 3);
    a.dilation = dilate ? DRAW(d, 1, 1, 1, 2) : 1;
    reach = (a.kernel - 1) * a.dilation + 1;
    sum = draw_one_in(d, 2) ? reach - 1 : draw_between(d, 0, reach - 1);
    if ((int32_t)in + sum < reach)
        sum = reach - 1;
    split(d, &a, sum, reach);
    a.out = (uint32_t)(((int32_t)in + sum - reach) / a.stride + 1);
    return a;
}

/* ---- pools --------------------------------------------------------------------------------------------------------------- */

flow add_pool(maker *m, uint32_t kind, const flow *x, const axis *h, const axis *w)
{
    const uint32_t dims[4] = { x->dims[0], h->out, w->out, x->dims[3] };
    lks_tail t = draw_tail(&m->d);
    const lks_op_args a = { .pool = {
        h->kernel, w->kernel, h->stride, w->stride, h->before, h->after, w->before, w->after, t.y_min, t.y_max,
        kind == LKS_OP_AVG_POOL ? t.rounding : 0
    } };

    return add_unary(m, kind, x, flow_shape(4, dims), &a);
}

enum { POOL_BATCH, POOL_H, POOL_W, POOL_C, POOL_KERNEL_H, POOL_KERNEL_W, POOL_FACTORS };

static flow make_pool(maker *m, uint32_t kind)
{
    static const uint32_t walks[] = { POOL_C, POOL_W, POOL_KERNEL_W, POOL_KERNEL_H, POOL_H };
    static const uint32_t wide[] = { POOL_BATCH, POOL_W, POOL_C };
    static const walk_plan plan = { walks, COUNT_OF(walks), wide, COUNT_OF(wide), true };
    const uint32_t caps[POOL_FACTORS] = { 9, 300, 300, 4096, 65, 300 };
    uint32_t f[POOL_FACTORS];
    walk walked = walk_of(m, &plan);
    axis h, w;

    draw_factors(m, POOL_FACTORS, caps, &walked, 1, f);
    h = draw_axis_to(&m->s, f[POOL_H], f[POOL_KERNEL_H], false);
    w = draw_axis_to(&m->s, f[POOL_W], f[POOL_KERNEL_W], false);
    m->batch = f[POOL_BATCH];

    const uint32_t dims[4] = { 1 + draw_below(&m->s, 3), h.in, w.in, f[POOL_C] };
    flow x = add_input(m, flow_shape(4, dims));

    return add_pool(m, kind, &x, &h, &w);
}

flow make_max_pool(maker *m)
{
    return make_pool(m, LKS_OP_MAX_POOL);
}

flow make_avg_pool(maker *m)
{
    return make_pool(m, LKS_OP_AVG_POOL);
}

/* ---- resize_bilinear ----------------------------------------------------------------------------------------------------- */

/* From in to out as TensorFlow Lite does: by the extents, the distance of the corners, or from the centres of pixels; or any. */
static void draw_resize(draw *d, uint32_t in, uint32_t out, int32_t *scale, int32_t *offset)
{
    const uint32_t kind = draw_below(d, 5);
    const int64_t most = LKS_INT32_MAX / (out > 1 ? out - 1 : 1);

    *offset = 0;
    *scale = (int32_t)((1024 * (uint64_t)in + out / 2) / out);
    if (kind == 1 && out > 1)
        *scale = (int32_t)((1024 * (uint64_t)(in - 1) + (out - 1) / 2) / (out - 1));
    else if (kind == 2)
        *offset = *scale / 2 - 512;
    else if (kind == 3)
        *scale = draw_between(d, 0, most < 5000 ? (int32_t)most : 5000);
    if (kind >= 3)
        *offset = draw_between(d, -3000, 3000);
    if ((int64_t)*scale * (out - 1) + (*offset > 0 ? *offset : 0) > LKS_INT32_MAX)
        *offset = 0;
}

flow add_resize_bilinear(maker *m, const flow *x, uint32_t out_h, uint32_t out_w)
{
    lks_op_args a = { .resize_bilinear = { .rounding = (int32_t)draw_below(&m->d, 2) } };
    lks_resize_bilinear_args *p = &a.resize_bilinear;

    draw_resize(&m->d, x->dims[1], out_h, &p->scale_h, &p->offset_h);
    draw_resize(&m->d, x->dims[2], out_w, &p->scale_w, &p->offset_w);
    return add_unary(m, LKS_OP_RESIZE_BILINEAR, x, flow_shape(4, (const uint32_t[]){ x->dims[0], out_h, out_w, x->dims[3] }),
                     &a);
}

enum { RESIZE_BATCH, RESIZE_C, RESIZE_OUT_W, RESIZE_OUT_H, RESIZE_FACTORS };

flow make_resize_bilinear(maker *m)
{
    static const uint32_t walked[] = { RESIZE_C, RESIZE_OUT_W, RESIZE_OUT_H }, wide[] = { RESIZE_BATCH, RESIZE_OUT_W, RESIZE_C };
    static const walk_plan plan = { walked, COUNT_OF(walked), wide, COUNT_OF(wide), false };
    const uint32_t caps[RESIZE_FACTORS] = { 9, 300, 300, 300 };
    walk w = walk_of(m, &plan);
    uint32_t f[RESIZE_FACTORS], in_h, in_w, n = w.wide ? 1 : 1 + draw_below(&m->s, 3);
    flow x;

    draw_factors(m, RESIZE_FACTORS, caps, &w, 2, f);
    in_h = draw_one_in(&m->s, 6) ? f[RESIZE_OUT_H] : 1 + draw_below(&m->s, w.wide ? 2 : 12);
    in_w = draw_one_in(&m->s, 6) ? f[RESIZE_OUT_W] : 1 + draw_below(&m->s, w.wide ? 2 : 12);
    m->batch = f[RESIZE_BATCH];
    x = add_input(m, flow_shape(4, (const uint32_t[]){ n, in_h, in_w, f[RESIZE_C] }));
    return add_resize_bilinear(m, &x, f[RESIZE_OUT_H], f[RESIZE_OUT_W]);
}
