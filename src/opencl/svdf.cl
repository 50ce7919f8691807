/* SPDX-License-Identifier: Apache-2.0
 *
 * One step of filters over time: one unit of one image by a work-item.  spec 4.51
 */

/* Filter f of an image.  w: packed [input][filter]. */
LKS_FN int32_t lks_feature(const lks_svdf *k, __global const int8_t *x, __global const int8_t *w, uint f)
{
    const uint filters = (uint)(k->units * k->rank);
    int32_t acc = 0;

    for (int i = 0; i < k->in_c; i++)
        acc += (x[i] - k->x_zero) * w[(size_t)i * filters + f];
    return lks_clamp(lks_requant(acc, k->feature_rq, k->tail.rounding), k->state_min, k->state_max);
}

LKS_FN int64_t lks_remember(__global short *state, short newest, __global const short *w_time, int memory)
{
    int64_t sum = 0;

    for (int t = 0; t < memory; t++) {
        const short v = t + 1 < memory ? state[t + 1] : newest;

        state[t] = v;
        sum += (int64_t)(w_time[t] * v);
    }
    return sum;
}

__kernel void svdf_kernel(lks_streaming a, lks_places p, __global int8_t *arena, __global const int8_t *constants)
{
    const uint i = (uint)get_global_id(0), image = lks_divide(i, a.by_unit), unit = i - image * (uint)a.k.units;
    const size_t filters = (size_t)a.k.units * (size_t)a.k.rank, memory = (size_t)a.k.memory;
    __global const int8_t *x = LKS_OPERAND(x) + (size_t)image * (size_t)a.k.in_c;
    __global const short *w_time = (__global const short *)(constants + p.w_time);
    __global short *state = (__global short *)(arena + p.state);
    int64_t sum;

    if (i >= p.count)
        return;
    sum = LKS_BIAS[unit];
    for (uint f = unit * (uint)a.k.rank; f < (unit + 1) * (uint)a.k.rank; f++)
        sum += lks_remember(state + ((size_t)image * filters + f) * memory, (short)lks_feature(&a.k, x, constants + p.w, f),
                            w_time + f * memory, a.k.memory);
    arena[p.y + i] = lks_finish(lks_saturate(sum), a.k.rq, a.k.tail);
}
