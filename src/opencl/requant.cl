/* SPDX-License-Identifier: Apache-2.0
 *
 * From int16 to int8: one element by a work-item.  spec 4.4
 */

__kernel void requant_kernel(lks_requantization a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0);
    __global const short *x = (__global const short *)LKS_OPERAND(x);

    if (i < p.count)
        arena[p.y + i] = lks_finish(x[i] - a.x_zero, a.rq, a.tail);
}
