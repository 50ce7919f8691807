/* SPDX-License-Identifier: Apache-2.0
 *
 * Long short-term memory: what the gates of a cell see of an input, by a work-item; then an image by a work-group, which goes
 * from step to step with a barrier between them.  spec 4.52
 *
 * Weights are packed [input][output channel][gate].
 */

/* h times the weights of all gates of a cell. */
LKS_FN int4 lks_see(__global const int8_t *w, int h)
{
    return convert_int4(vload4(0, w)) * h;
}

LKS_FN int lks_see_all(int acc, lks_rq rq, int rounding)
{
    return lks_clamp16(lks_requant(acc, rq, rounding));
}

/* y: of int16, [row][output channel][gate]. */
__kernel void lstm_input_kernel(lks_unrolling a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), row = lks_divide(i, a.by_cell), o = i - row * (uint)a.k.out_c;
    const size_t columns = 4 * (size_t)a.k.out_c;
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)row * (size_t)a.k.in_c, *w = constants + p.w + 4 * o;
    int4 acc;

    if (i >= p.count)
        return;
    acc = vload4(o, LKS_BIAS);
    for (int k = 0; k < a.k.in_c; k++)
        acc += lks_see(w + (size_t)k * columns, x[k] - a.k.x_zero);
    vstore4(convert_short4((int4)(lks_see_all(acc.x, a.k.x_rq[0], a.k.rounding), lks_see_all(acc.y, a.k.x_rq[1], a.k.rounding),
                                  lks_see_all(acc.z, a.k.x_rq[2], a.k.rounding), lks_see_all(acc.w, a.k.x_rq[3], a.k.rounding))),
            i, (__global short *)(arena + p.y));
}

/* Cell o at one step; its y.  seen: of this step.  before: y of the step before, or 0: the hidden state of the run before. */
LKS_FN int32_t lks_step_cell(const lks_lstm *k, __global const short *seen, __global const int8_t *before, __global short *state,
                             __global const int8_t *w, __global const int32_t *table, uint o)
{
    const size_t columns = 4 * (size_t)k->out_c;
    const short4 x = vload4(o, seen);
    int gate[LKS_GATES] = { x.x, x.y, x.z, x.w };
    int4 acc = (int4)(0);
    lks_lstm_cell c;

    for (int i = 0; i < k->out_c; i++)
        acc += lks_see(w + (size_t)i * columns + 4 * o, before ? before[i] - k->y_zero : state[k->out_c + i]);
    gate[0] = lks_clamp16(gate[0] + lks_see_all(acc.x, k->h_rq[0], k->rounding));
    gate[1] = lks_clamp16(gate[1] + lks_see_all(acc.y, k->h_rq[1], k->rounding));
    gate[2] = lks_clamp16(gate[2] + lks_see_all(acc.z, k->h_rq[2], k->rounding));
    gate[3] = lks_clamp16(gate[3] + lks_see_all(acc.w, k->h_rq[3], k->rounding));
    c = lks_lstm_update(gate, state[o], k, table);
    state[o] = (short)c.cell;
    return c.y;
}

__kernel void lstm_kernel(lks_unrolling a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint lane = (uint)get_local_id(0), lanes = (uint)get_local_size(0), out_c = (uint)a.k.out_c;
    const size_t image = get_group_id(0);
    __global short *state = (__global short *)(arena + p.state) + image * 2 * out_c;
    __global const short *seen = (__global const short *)LKS_OPERAND(x);
    __global const int32_t *table = (__global const int32_t *)(constants + p.table);
    __global int8_t *before = 0;

    for (int step = 0; step < a.k.steps; step++) {
        const size_t row = image * (size_t)a.k.image_rows + (size_t)step * (size_t)a.k.step_rows;
        __global int8_t *y = arena + p.y + row * out_c;

        for (uint o = lane; o < out_c; o += lanes)
            y[o] = (int8_t)lks_step_cell(&a.k, seen + row * 4 * out_c, before, state, constants + p.w, table, o);
        barrier(CLK_GLOBAL_MEM_FENCE);
        before = y;
    }
    for (uint o = lane; o < out_c; o += lanes)
        state[out_c + o] = (short)(before[o] - a.k.y_zero);
}
