/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums over any set of axes: one element by a work-group, whose lanes share the summed elements.  spec 4.8
 */

/* Of element i among those with the extents dims: where it lies, with these strides. */
LKS_FN size_t lks_reduce_offset(uint i, const lks_magic *by, const int32_t *dims, const int32_t *stride)
{
    size_t at = 0;

    for (int axis = LKS_MAX_RANK - 1; axis >= 0; axis--) {
        uint rest = lks_divide(i, by[axis]);

        at += (size_t)(i - rest * (uint)dims[axis]) * (size_t)stride[axis];
        i = rest;
    }
    return at;
}

__kernel void reduce_kernel(lks_summing a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    __local int partial[LANES_MAX];
    const uint lane = (uint)get_local_id(0), lanes = (uint)get_local_size(0), at = (uint)get_group_id(0);
    const uint image = lks_divide(at, a.by_image), i = at - image * a.y_elements;
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * a.x_elements + lks_reduce_offset(i, a.by_kept, a.kept, a.stride);
    int acc = 0;

    for (uint k = lane; k < a.summed_count; k += lanes)
        acc += x[lks_reduce_offset(k, a.by_summed, a.summed, a.stride)] - a.x_zero;
    partial[lane] = acc;
    for (uint span = lanes >> 1; span > 0; span >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < span)
            partial[lane] += partial[lane + span];
    }
    if (lane == 0)
        arena[p.y + at] = lks_finish(partial[0], a.rq, a.tail);
}
