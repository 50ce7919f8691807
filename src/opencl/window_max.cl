/* SPDX-License-Identifier: Apache-2.0
 *
 * Max pooling: one element by a work-item.  spec 4.6
 */

/* One element of the batch. */
__kernel void window_max_kernel(lks_pooling a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), pixel = lks_divide(i, a.by_channel), c = i - pixel * (uint)a.k.c;
    const lks_inside in = lks_find_inside(&a, LKS_OPERAND(x), pixel, c);
    int best = -128;

    if (i >= p.count)
        return;
    for (int h = 0; h < in.h; h++)
        for (int w = 0; w < in.w; w++)
            best = max(best, (int)in.x[((size_t)h * (size_t)a.k.window.in_w + (size_t)w) * (size_t)a.k.c]);
    arena[p.y + i] = (int8_t)lks_clamp(best, a.k.y_min, a.k.y_max);
}
