/* SPDX-License-Identifier: Apache-2.0
 *
 * Two operands, element by element, with broadcasting: one element by a work-item.  spec 4.3, 4.12, 4.13, 4.15
 */

LKS_FN size_t lks_broadcast_offset(const uint *i, const int32_t *stride)
{
    size_t at = 0;

    for (int axis = 0; axis < LKS_MAX_RANK; axis++)
        at += (size_t)i[axis] * (size_t)stride[axis];
    return at;
}

/* The index of element i of one image. */
LKS_FN void lks_find_index(uint i, const lks_magic *by, const int32_t *dims, uint index[LKS_MAX_RANK])
{
    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        uint rest = lks_divide(i, by[axis]);

        index[axis] = i - rest * (uint)dims[axis];
        i = rest;
    }
}

__kernel void binary_kernel(lks_pairing b, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint at = (uint)get_global_id(0), image = lks_divide(at, b.by_image), i = at - image * b.elements;
    const size_t n = image;
    __global const int8_t *x = LKS_OPERAND(x) + n * (size_t)b.k.a_image, *x2 = LKS_OPERAND(x2) + n * (size_t)b.k.b_image;
    uint index[LKS_MAX_RANK];
    size_t a_at = i, b_at = i;

    if (at >= p.count)
        return;
    if (!b.dense) {
        lks_find_index(i, b.by, b.k.dims, index);
        a_at = lks_broadcast_offset(index, b.k.a_stride);
        b_at = lks_broadcast_offset(index, b.k.b_stride);
    }
    arena[p.y + at] = lks_look_up(lks_pair_value(x[a_at], x2[b_at], b.k.pair), LKS_TABLE);
}
