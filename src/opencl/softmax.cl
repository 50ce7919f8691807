/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax over the last axis: one row by a work-group.  spec 4.9
 */

/* The maximum, or the sum, of a value of each lane. */
LKS_FN int lks_join(int value, int maximum, __local int *partial)
{
    const uint lane = (uint)get_local_id(0);

    barrier(CLK_LOCAL_MEM_FENCE);               /* who reads the last result has read it */
    partial[lane] = value;
    for (uint span = (uint)get_local_size(0) >> 1; span > 0; span >>= 1) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < span)
            partial[lane] = maximum ? max(partial[lane], partial[lane + span]) : partial[lane] + partial[lane + span];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return partial[0];
}

/* table: 256 exponentials. */
__kernel void softmax_kernel(lks_softmax a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    __local int partial[LANES_MAX];
    const int lane = (int)get_local_id(0), lanes = (int)get_local_size(0);
    const size_t at = get_group_id(0) * (size_t)a.columns;
    __global const int8_t *x = LKS_OPERAND(x) + at;
    __global const int32_t *exp_table = (__global const int32_t *)(constants + p.table);
    int top = -128, total = 0;
    lks_softmax_row row;

    for (int c = lane; c < a.columns; c += lanes)
        top = max(top, (int)x[c]);
    top = lks_join(top, 1, partial);
    for (int c = lane; c < a.columns; c += lanes)
        total += lks_rshift_away(exp_table[top - x[c]], 12);
    row = lks_softmax_begin(lks_join(total, 0, partial));
    for (int c = lane; c < a.columns; c += lanes)
        arena[p.y + at + c] = lks_softmax_finish(exp_table[top - x[c]], row);
}
