/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a window that lies inside the image.
 */

typedef struct lks_inside {
    __global const int8_t *x;   /* its first element, in channel c */
    int h, w;                   /* how many rows and columns it has */
} lks_inside;

LKS_FN lks_inside lks_find_inside(const lks_pooling *a, __global const int8_t *x, uint pixel, uint c)
{
    const lks_window *s = &a->k.window;
    const uint image = lks_divide(pixel, a->by_image), rest = pixel - image * a->pixels, row = lks_divide(rest, a->by_row);
    const int h = (int)row * s->stride_h - s->pad_top, w = (int)(rest - row * (uint)s->out_w) * s->stride_w - s->pad_left;
    const int h0 = max(h, 0), w0 = max(w, 0);
    lks_inside in;

    in.h = min(h + s->kernel_h, s->in_h) - h0;
    in.w = min(w + s->kernel_w, s->in_w) - w0;
    in.x = x + (((size_t)image * (size_t)s->in_h + (size_t)h0) * (size_t)s->in_w + (size_t)w0) * (size_t)a->k.c + c;
    return in;
}
