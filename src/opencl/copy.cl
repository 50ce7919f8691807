/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy with an offset, and a fill value where the source has no element: one element by a work-item.  spec 4.10, 4.11
 */

__kernel void copy_kernel(lks_moving a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), image = lks_divide(i, a.by_image);
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * a.x_elements;
    size_t at = 0, stride = 1;
    uint rest = i - image * a.y_elements;
    int inside = 1;

    if (i >= p.count)
        return;
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        uint next = lks_divide(rest, a.by[axis]);
        int k = (int)(rest - next * (uint)a.k.y_dims[axis]) - a.k.before[axis];

        inside = inside && k >= 0 && k < a.k.x_dims[axis];
        at += inside ? (size_t)k * stride : 0;
        stride *= (size_t)a.k.x_dims[axis];
        rest = next;
    }
    arena[p.y + i] = inside ? x[at] : (int8_t)a.k.fill;
}
