/* SPDX-License-Identifier: Apache-2.0
 *
 * A table of 256 values: WIDTH elements by a work-item.  spec 4.5
 */

__kernel void lut_kernel(lks_lut a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint first = (uint)get_global_id(0) * WIDTH, end = min(first + WIDTH, p.count);
    __global const int8_t *x = LKS_OPERAND(x), *table = LKS_TABLE;

    for (uint i = first; i < end; i++)
        arena[p.y + i] = table[x[i] + 128];
}
