/* SPDX-License-Identifier: Apache-2.0
 *
 * Images of another size, between whose pixels is interpolated: one element by a work-item.  spec 4.18
 */

__kernel void bilinear_kernel(lks_resizing a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), pixel = lks_divide(i, a.by_channel), line = lks_divide(pixel, a.by_column);
    const uint image = lks_divide(line, a.by_row);
    const lks_between h = lks_bilinear_place((int)(line - image * (uint)a.k.h.out), a.k.h);
    const lks_between w = lks_bilinear_place((int)(pixel - line * (uint)a.k.w.out), a.k.w);
    const size_t column = (size_t)a.k.c, row = (size_t)a.k.w.in * column;
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * (size_t)a.k.h.in * row + (i - pixel * (uint)a.k.c);
    __global const int8_t *first = x + (size_t)h.first * row, *second = x + (size_t)h.second * row;
    int32_t corners[4];

    if (i >= p.count)
        return;
    corners[0] = first[(size_t)w.first * column];
    corners[1] = first[(size_t)w.second * column];
    corners[2] = second[(size_t)w.first * column];
    corners[3] = second[(size_t)w.second * column];
    arena[p.y + i] = lks_bilinear_value(corners, h.part, w.part, a.k.rounding);
}
