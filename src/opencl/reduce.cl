/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums, maxima and minima over any set of axes: one element by a work-group, whose lanes share what is reduced.  spec 4.8, 4.17
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

LKS_FN int lks_reduce_join(int a, int b, int kind)
{
    return kind == LKS_REDUCE_SUM ? a + b : max(a, b);
}

__kernel void reduce_kernel(lks_summing a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    __local int partial[LANES_MAX];
    const uint lane = (uint)get_local_id(0), lanes = (uint)get_local_size(0), at = (uint)get_group_id(0);
    const uint image = lks_divide(at, a.by_image), i = at - image * a.y_elements;
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * a.x_elements + lks_reduce_offset(i, a.by_kept, a.kept, a.stride);
    int acc = a.kind == LKS_REDUCE_SUM ? 0 : -128;

    for (uint k = lane; k < a.summed_count; k += lanes)
        acc = lks_reduce_join(acc, lks_reduce_term(x[lks_reduce_offset(k, a.by_summed, a.summed, a.stride)], a.kind) - a.x_zero,
                              a.kind);
    partial[lane] = acc;
    for (uint span = lanes >> 1; span > 0; span >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < span)
            partial[lane] = lks_reduce_join(partial[lane], partial[lane + span], a.kind);
    }
    if (lane == 0)
        arena[p.y + at] = lks_reduce_finish(partial[0], a.kind, a.rq, a.tail);
}
