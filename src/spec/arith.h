/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of docs/spec.md section 3, written once for C99, C11, CUDA and OpenCL C.
 *
 * Everything is defined behaviour in all four: no shift of a negative number, no signed overflow (the limits of spec 3.2 hold
 * for every argument), no float.
 */
#ifndef LKS_SPEC_ARITH_H
#define LKS_SPEC_ARITH_H

#include "spec/op.h"

#if defined(__CUDACC__) || defined(__CUDA__)     /* nvcc; clang */
#define LKS_FN static __host__ __device__ __forceinline__
#define LKS_HOLDS(condition)
#elif defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
#ifndef LKS_FN                          /* a simulator of OpenCL may want plain calls (tests/test_opencl.py) */
#define LKS_FN static inline __attribute__((always_inline))
#endif
#define LKS_HOLDS(condition)
#else
#include <assert.h>
#define LKS_FN static inline
#define LKS_HOLDS(condition) assert(condition)   /* what spec 3.2 has proven; devices cannot say so */
#endif

#define LKS_INT32_MAX 2147483647
#define LKS_INT32_MIN (-LKS_INT32_MAX - 1)

/* floor(x / 2^n), 0 <= n <= 31.  Compilers make one arithmetic shift of it. */
LKS_FN int32_t lks_shr32(int32_t x, int32_t n)
{
    return x >= 0 ? x >> n : ~(~x >> n);
}

/* floor(x / 2^n), 0 <= n <= 63. */
LKS_FN int64_t lks_shr64(int64_t x, int32_t n)
{
    return x >= 0 ? x >> n : ~(~x >> n);
}

LKS_FN int32_t lks_clamp(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* An exact sum as an accumulator.  spec 4.51 */
LKS_FN int32_t lks_saturate(int64_t sum)
{
    return sum > LKS_INT32_MAX ? LKS_INT32_MAX : sum < -LKS_INT32_MAX ? -LKS_INT32_MAX : (int32_t)sum;
}

/*
 * x / 2^n, ties away from zero; 0 <= n <= 31, -2^31 < x < 2^31 - 1 (which mulh of such never reaches), or n > 1.  For n >= 1:
 * x + (x >> 31) lowers a negative x by one, which turns "half up" into "half away"; halving after the increment keeps every step
 * inside int32.  spec 3.3 (rshift)
 */
LKS_FN int32_t lks_rshift_away(int32_t x, int32_t n)
{
    int32_t t = x < 0 ? x - 1 : x;

    return n == 0 ? x : lks_shr32(lks_shr32(t, n - 1) + 1, 1);
}

/* round(a * b / 2^31), ties up; not for a = b = -2^31.  spec 3.3 */
LKS_FN int32_t lks_mulh(int32_t a, int32_t b)
{
    return (int32_t)lks_shr64((int64_t)a * b + ((int64_t)1 << 30), 31);
}

/* spec 3.1, half_up */
LKS_FN int32_t lks_requant_half_up(int32_t acc, lks_rq rq)
{
    int64_t y = lks_shr64((int64_t)acc * rq.m + ((int64_t)1 << (rq.s - 1)), rq.s);

    LKS_HOLDS(y >= LKS_INT32_MIN && y <= LKS_INT32_MAX);
    return (int32_t)y;
}

/* spec 3.1, tflite */
LKS_FN int32_t lks_requant_tflite(int32_t acc, lks_rq rq)
{
    int32_t left = rq.s > 0 ? rq.s : 0;
    int32_t right = rq.s < 0 ? -rq.s : 0;
    int32_t a = acc * (int32_t)((uint32_t)1 << left);

    LKS_HOLDS(a / (int32_t)((uint32_t)1 << left) == acc);
    return lks_rshift_away(lks_mulh(a, rq.m), right);
}

LKS_FN int32_t lks_requant(int32_t acc, lks_rq rq, int32_t rounding)
{
    return rounding == LKS_TFLITE ? lks_requant_tflite(acc, rq) : lks_requant_half_up(acc, rq);
}

/* From an accumulator to an output: the end of most formulas in spec 4. */
LKS_FN int8_t lks_finish(int32_t acc, lks_rq rq, lks_tail t)
{
    return (int8_t)lks_clamp(lks_requant(acc, rq, t.rounding) + t.y_zero, t.y_min, t.y_max);
}

/* One addend of spec 4.3. */
LKS_FN int32_t lks_scale_addend(int32_t v, int32_t left_shift, lks_rq rq, int32_t rounding)
{
    return rounding == LKS_TFLITE ? lks_requant_tflite(v * (int32_t)((uint32_t)1 << left_shift), rq) : v * rq.m;
}

/* spec 4.3, 4.12 */
LKS_FN int8_t lks_add(int32_t a, int32_t b, lks_addition p)
{
    int32_t ua = lks_scale_addend(a - p.a_zero, p.left_shift, p.a_rq, p.tail.rounding);
    int32_t ub = lks_scale_addend(b - p.b_zero, p.left_shift, p.b_rq, p.tail.rounding);

    return lks_finish(p.subtracts == 0 ? ua + ub : p.subtracts > 0 ? ua - ub : ub - ua, p.rq, p.tail);
}

/* spec 4.13 */
LKS_FN int8_t lks_mul(int32_t a, int32_t b, lks_multiplication p)
{
    return lks_finish((a - p.a_zero) * (b - p.b_zero), p.rq, p.tail);
}

/* spec 4.15; a: x, b: the slope */
LKS_FN int8_t lks_prelu(int32_t a, int32_t b, lks_multiplication p)
{
    int32_t u = a - p.a_zero;

    return u < 0 ? lks_finish(u * (b - p.b_zero), p.rq, p.tail) : lks_finish(u, p.positive, p.tail);
}

LKS_FN int8_t lks_pair_value(int32_t a, int32_t b, lks_pair p)
{
    if (p.kind == LKS_BINARY_ADD)
        return lks_add(a, b, p.add);
    return p.kind == LKS_BINARY_MUL ? lks_mul(a, b, p.mul) : lks_prelu(a, b, p.mul);
}

/* What is summed, or of which the largest is taken: a minimum is a maximum of complements.  spec 4.17 */
LKS_FN int32_t lks_reduce_term(int32_t x, int32_t kind)
{
    return kind == LKS_REDUCE_MIN ? ~x : x;
}

/* From a sum of x - x_zero, or the largest term. */
LKS_FN int8_t lks_reduce_finish(int32_t acc, int32_t kind, lks_rq rq, lks_tail t)
{
    return kind == LKS_REDUCE_SUM ? lks_finish(acc, rq, t) : (int8_t)lks_clamp(lks_reduce_term(acc, kind), t.y_min, t.y_max);
}

/* Of an element and its index, such that the largest key is that of arg_max: the earlier index wins among equals.  spec 4.19 */
LKS_FN uint32_t lks_arg_key(int32_t x, uint32_t index, int32_t smallest)
{
    return (uint32_t)((smallest ? ~x : x) + 128) << 24 | (0xffffffu - index);
}

LKS_FN int32_t lks_arg_index(uint32_t key)
{
    return (int32_t)(0xffffffu - (key & 0xffffffu));
}

/* Between which two inputs an output lies, and how far from the first, in units of 1/1024.  spec 4.18 */
typedef struct lks_between {
    int32_t first, second, part;
} lks_between;

LKS_FN lks_between lks_bilinear_place(int32_t p, lks_bilinear_axis a)
{
    int32_t at = lks_clamp(p * a.scale + a.offset, 0, 1024 * (a.in - 1));
    lks_between b;

    b.first = at >> 10;
    b.part = at & 1023;
    b.second = b.part ? b.first + 1 : b.first;
    return b;
}

/* x: the inputs at (first, first), (first, second), (second, first) and (second, second) of h and w. */
LKS_FN int8_t lks_bilinear_value(const int32_t x[4], int32_t h, int32_t w, int32_t rounding)
{
    int32_t acc = (x[0] * (1024 - w) + x[1] * w) * (1024 - h) + (x[2] * (1024 - w) + x[3] * w) * h;

    return (int8_t)(rounding == LKS_TFLITE ? lks_rshift_away(acc, 20) : lks_shr32(acc + (1 << 19), 20));
}

/* acc / k rounded as spec 4.7 says; k >= 1.  For the host and the reference: devices use a magic factor. */
LKS_FN int32_t lks_average(int32_t acc, int32_t k, int32_t rounding)
{
    int32_t added = k / 2;

    if (rounding == LKS_TFLITE)
        return acc < 0 ? -((added - acc) / k) : (acc + added) / k;
    return acc + added >= 0 ? (acc + added) / k : -((k - 1 - acc - added) / k);
}

/* x * 2^n, saturated.  spec 3.3 */
LKS_FN int32_t lks_lshift_sat(int32_t x, int32_t n)
{
    int64_t v = (int64_t)x * ((int64_t)1 << n);

    return v > LKS_INT32_MAX ? LKS_INT32_MAX : v < LKS_INT32_MIN ? LKS_INT32_MIN : (int32_t)v;
}

/*
 * e^(a / 2^(31 - bits)) in units of 2^-31, for a <= 0 and, with 5 bits, -31 * 2^26 <= a.  spec 3.3 with 5 bits; the importer has
 * use for 4.
 */
LKS_FN int32_t lks_exp(int32_t a, int32_t bits)
{
    const int32_t quarter = 1 << (29 - bits);
    const int32_t inv_e_eighth = 1895147668;    /* e^(-1/8) */
    const int32_t third = 715827883;            /* 1/3 */
    const int32_t k[7] = { 1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242 };
    int32_t r, t, t2, t3, t4, p, v, rem;

    if (a == 0)
        return LKS_INT32_MAX;
    r = (int32_t)((uint32_t)a & (uint32_t)(quarter - 1)) - quarter;
    t = r * (1 << bits) + (1 << 28);
    t2 = lks_mulh(t, t);
    t3 = lks_mulh(t2, t);
    t4 = lks_mulh(t2, t2);
    p = lks_rshift_away(lks_mulh(lks_rshift_away(t4, 2) + t3, third) + t2, 1);
    v = inv_e_eighth + lks_mulh(inv_e_eighth, t + p);
    rem = r - a;
    for (int32_t j = 0; j < bits + 2; j++)
        if ((rem >> (29 - bits + j)) & 1)
            v = lks_mulh(v, k[j]);
    return v;
}

LKS_FN int32_t lks_exp5(int32_t a)
{
    return lks_exp(a, 5);
}

/* E(d) of spec 4.9 for a difference d = 0, -1, ..., -255 from the top of its row. */
LKS_FN int32_t lks_softmax_exp(int32_t d, int32_t m, int32_t s)
{
    int64_t scaled = (int64_t)d * ((int64_t)1 << s);
    int64_t floor_d = (((int64_t)31 << 26) >> s);

    return -(int64_t)d > floor_d ? 0 : lks_exp5(lks_mulh((int32_t)scaled, m));
}

/* 1 / (1 + a / 2^31) in units of 2^-30, for a >= 0: three steps of Newton's method.  spec 3.3 */
LKS_FN int32_t lks_newton(int32_t a)
{
    int32_t h = (int32_t)(((uint32_t)a + 0x80000000u) >> 1);
    int32_t x = 1515870810 + lks_mulh(h, -1010580540);      /* 48/17 - 32/17 h, in units of 2^-29 */

    for (int32_t i = 0; i < 3; i++)
        x += lks_lshift_sat(lks_mulh(x, (1 << 29) - lks_mulh(h, x)), 2);
    return x;
}

/* The same in units of 2^-31. */
LKS_FN int32_t lks_recip(int32_t a)
{
    return lks_lshift_sat(lks_newton(a), 1);
}

/* The number of leading zero bits; v != 0.  It ends for 0 too, which only failing memory brings: no device shall hang on it. */
LKS_FN int32_t lks_clz32(uint32_t v)
{
    int32_t n = 0;

    while (n < 31 && !(v & 0x80000000u)) {
        v <<= 1;
        n++;
    }
    return n;
}

/* What the elements of a softmax row share: y = lks_softmax_scale(E, scale).  spec 4.9 */
typedef struct lks_softmax_row {
    int32_t r, n;
} lks_softmax_row;

/* total: the sum of rshift(E, 12) over the row, at least 2^19. */
LKS_FN lks_softmax_row lks_softmax_begin(int32_t total)
{
    lks_softmax_row row;
    int32_t h = lks_clz32((uint32_t)total);

    row.r = lks_recip((int32_t)(((uint32_t)total << h) - 0x80000000u));
    row.n = 35 - h;
    return row;
}

LKS_FN int8_t lks_softmax_finish(int32_t e, lks_softmax_row row)
{
    if (row.n > 31)
        return -128;
    return (int8_t)lks_clamp(lks_rshift_away(lks_mulh(row.r, e), row.n) - 128, -128, 127);
}

/* ---- int16 (spec 3.4, 4.52) ---------------------------------------------------------------------------------------------- */

/* Tables are where the kernels have their constants. */
#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
#define LKS_GLOBAL __global
#else
#define LKS_GLOBAL
#endif

LKS_FN int32_t lks_clamp16(int32_t v)
{
    return lks_clamp(v, -32768, 32767);
}

/* 1 / (1 + e^-v) of a v in units of 2^-12, in units of 2^-15.  |3 v| / 2^9 is at most 192: inside the table. */
LKS_FN int32_t lks_sigmoid16(int32_t v, LKS_GLOBAL const int32_t *table)
{
    int32_t a = 3 * v, size = a < 0 ? -a : a, u = size >> 9;
    int32_t r = (table[u] << 9) + (size & 511) * (table[u + 1] - table[u]);

    return a >= 0 ? (r + 512) >> 10 : ((1 << 25) - r + 511) >> 10;
}

/* tanh of a v in units of 2^(shift - 12), in units of 2^-15; -16 <= shift <= 14. */
LKS_FN int32_t lks_tanh16(int32_t v, int32_t shift, LKS_GLOBAL const int32_t *table)
{
    int32_t a = shift >= 0 ? v * (3 << shift) : lks_shr32(3 * v + (1 << (-shift - 1)), -shift);
    int32_t size = a < 0 ? -a : a, u = size >> 8;
    int32_t r = u >= 255 ? 65535 << 8 : (table[u] << 8) + (size & 255) * (table[u + 1] - table[u]);

    return lks_shr32(a >= 0 ? r - (1 << 23) + 128 : (1 << 23) - r + 127, 8);
}

/* A cell after a step, and its y. */
typedef struct lks_lstm_cell {
    int32_t cell, y;
} lks_lstm_cell;

/* gate: what each sees.  spec 4.52 */
LKS_FN lks_lstm_cell lks_lstm_update(const int32_t gate[LKS_GATES], int32_t cell, const lks_lstm *k,
                                     LKS_GLOBAL const int32_t *table)
{
    int32_t input = lks_sigmoid16(gate[LKS_GATE_INPUT], table), forget = lks_sigmoid16(gate[LKS_GATE_FORGET], table);
    int32_t candidate = lks_tanh16(gate[LKS_GATE_CELL], 0, table), output = lks_sigmoid16(gate[LKS_GATE_OUTPUT], table);
    int32_t kept = lks_clamp16(lks_requant(forget * cell, k->forget_rq, k->rounding));
    int32_t added = lks_clamp16(lks_requant(input * candidate, k->input_rq, k->rounding));
    lks_lstm_cell c;

    c.cell = lks_clamp16(kept + added);
    if (k->cell_clip > 0)
        c.cell = lks_clamp(c.cell, -k->cell_clip, k->cell_clip);
    c.y = lks_requant(output * lks_tanh16(c.cell, k->cell_shift, table), k->y_rq, k->rounding);
    c.y = lks_clamp(c.y + k->y_zero, -128, 127);
    return c;
}

#endif
