/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of the largest or smallest element along an axis: one output by a work-item.  spec 4.19
 */

__kernel void arg_max_kernel(lks_choosing a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), inner = (uint)a.k.inner, outer = lks_divide(i, a.by_inner);
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)outer * ((size_t)a.k.extent * inner) + (i - outer * inner);
    __global int32_t *y = (__global int32_t *)(arena + p.y);
    uint best = 0;

    if (i >= p.count)
        return;
    for (uint k = 0; k < (uint)a.k.extent; k++)
        best = max(best, lks_arg_key(x[(size_t)k * inner], k, a.k.smallest));
    y[i] = lks_arg_index(best);
}
