/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and columns by tables: one element by a work-item.  spec 4.35, 4.36
 */

__kernel void gather_kernel(lks_gathering g, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), place = lks_divide(i, g.by_inner), line = lks_divide(place, g.by_out_b);
    const uint o = lks_divide(line, g.by_out_a), a = line - o * (uint)g.k.out_a, b = place - line * (uint)g.k.out_b;
    __global const int8_t *x = LKS_OPERAND(x);
    __global const int32_t *rows = (__global const int32_t *)(constants + p.table), *columns = rows + g.k.out_a;

    if (i >= p.count)
        return;

    const size_t from = ((size_t)o * (size_t)g.k.in_a + (size_t)rows[a]) * (size_t)g.k.in_b + (size_t)columns[b];

    arena[p.y + i] = x[from * (size_t)g.k.inner + (i - place * (uint)g.k.inner)];
}
