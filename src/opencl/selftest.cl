/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device must get right before it is used: the arithmetic of spec/arith.h, of which the host computes the same, and a copy
 * to measure memory with.
 */

/* y[8 i ...]: the results of eight functions of argument i. */
__kernel void arithmetic_test_kernel(__global const lks_arithmetic *x, __global int32_t *y)
{
    const size_t i = get_global_id(0);
    const lks_arithmetic t = x[i];

    y += 8 * i;
    y[0] = lks_requant_half_up(t.acc, t.half_up);
    y[1] = lks_requant_tflite(t.acc, t.tflite);
    y[2] = lks_rshift_away(t.acc, t.shift);
    y[3] = lks_mulh(t.acc, t.tflite.m);
    y[4] = lks_add(t.a, t.b, t.add);
    y[5] = lks_softmax_exp(t.a < 0 ? t.a : -t.a, 1374389535, 20);
    y[6] = lks_softmax_finish(lks_exp5(t.exponent), lks_softmax_begin(t.total));
    y[7] = (int32_t)lks_divide((uint)t.total, t.by);
}

/* What binds a copy is memory: 16 bytes by a work-item. */
__kernel void copy_exercise_kernel(__global const uint4 *x, __global uint4 *y)
{
    y[get_global_id(0)] = x[get_global_id(0)];
}
