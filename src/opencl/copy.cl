/* SPDX-License-Identifier: Apache-2.0
 *
 * Copy between strided places, with a fill value where the source has no element: one element by a work-item.  spec 4.10, 4.11
 */

__kernel void copy_kernel(lks_moving a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), image = lks_divide(i, a.by_image);
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * (size_t)a.k.x_image;
    uint rest = i - image * a.elements, from = (uint)a.k.x_first, to = (uint)a.k.y_first;      /* modulo 2^32 */
    int inside = 1;

    if (i >= p.count)
        return;
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        uint next = lks_divide(rest, a.by[axis]), at = rest - next * (uint)a.k.dims[axis], k = at - (uint)a.k.before[axis];

        inside = inside && k < (uint)a.k.x_dims[axis];
        from += k * (uint)a.k.x_stride[axis];
        to += at * (uint)a.k.y_stride[axis];
        rest = next;
    }
    arena[p.y + (size_t)image * (size_t)a.k.y_image + to] = inside ? x[from] : (int8_t)a.k.fill;
}
