/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling: one element by a work-item.  spec 4.7
 */

/* x / (h w): the floor of a floor. */
LKS_FN int lks_divide_by_window(int x, __global const lks_magic *by_h, __global const lks_magic *by_w, int h, int w)
{
    return (int)lks_divide(lks_divide((uint)x, by_h[h]), by_w[w]);
}

/* One element of the batch.  table: the magic numbers of every height, then of every width. */
__kernel void window_sum_kernel(lks_pooling a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), pixel = lks_divide(i, a.by_channel), c = i - pixel * (uint)a.k.c;
    const lks_inside in = lks_find_inside(&a, LKS_OPERAND(x), pixel, c);
    const int k = in.h * in.w, added = k >> 1;
    __global const lks_magic *by_h = (__global const lks_magic *)(constants + p.table), *by_w = by_h + a.heights;
    int acc = 0, y;

    if (i >= p.count)
        return;
    for (int h = 0; h < in.h; h++)
        for (int w = 0; w < in.w; w++)
            acc += in.x[((size_t)h * (size_t)a.k.window.in_w + (size_t)w) * (size_t)a.k.c];
    /* Every numerator is below 2^31 by the bound law (spec 4.7). */
    if (acc < 0 && a.k.rounding == LKS_TFLITE)
        y = -lks_divide_by_window(added - acc, by_h, by_w, in.h, in.w);
    else if (acc + added < 0)
        y = -lks_divide_by_window(k - 1 - acc - added, by_h, by_w, in.h, in.w);
    else
        y = lks_divide_by_window(acc + added, by_h, by_w, in.h, in.w);
    arena[p.y + i] = (int8_t)lks_clamp(y, a.k.y_min, a.k.y_max);
}
