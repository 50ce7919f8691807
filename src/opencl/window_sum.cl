/* SPDX-License-Identifier: Apache-2.0
 *
 * Average pooling: one element by a work-item.  spec 4.7
 */

/* One element of the batch.  table: the magic numbers of every height, then of every width. */
__kernel void window_sum_kernel(lks_pooling a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), pixel = lks_divide(i, a.by_channel), c = i - pixel * (uint)a.k.c;
    const lks_inside in = lks_find_inside(&a, LKS_OPERAND(x), pixel, c);
    __global const lks_magic *by_h = (__global const lks_magic *)(constants + p.table), *by_w = by_h + a.heights;
    int acc = 0, y;

    if (i >= p.count)
        return;
    for (int h = 0; h < in.h; h++)
        for (int w = 0; w < in.w; w++)
            acc += in.x[((size_t)h * (size_t)a.k.window.in_w + (size_t)w) * (size_t)a.k.c];
    y = lks_average_magic(acc, by_h[in.h], by_w[in.w], a.k.rounding);
    arena[p.y + i] = (int8_t)lks_clamp(y, a.k.y_min, a.k.y_max);
}
