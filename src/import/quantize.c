/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipliers of quantized models from scales: the few operations of binary arithmetic that they need, on integers, and the
 * formulas.
 */
#include "import/quantize.h"

#include <assert.h>

/* Significant bits of IEEE 754 binary32 and binary64. */
enum { BINARY32 = 24, BINARY64 = 53 };

/* ---- non-negative numbers m * 2^e ---------------------------------------------------------------------------------------- */

typedef struct number {
    uint64_t m;
    int32_t e;
} number;

static const number one = { 1, 0 };

static int32_t bit_length(uint64_t m)
{
    int32_t n = 0;

    for (; m != 0; m >>= 1)
        n++;
    return n;
}

/* A usable scale, or 0. */
static number from_scale(uint32_t bits)
{
    if (bits == 0)
        return (number){ 0, 0 };
    assert(lks_scale_usable(bits));
    return (number){ (bits & 0x7fffffu) | 0x800000u, (int32_t)(bits >> 23) - 150 };
}

/* The same number with its highest bit at that position. */
static number with_top_bit(number v, int32_t position)
{
    int32_t shift = position + 1 - bit_length(v.m);

    assert(v.m != 0 && shift >= 0);
    return (number){ v.m << shift, v.e - shift };
}

/* Round to so many significant bits, ties to even.  more: the value is a little larger than v, by less than v's last bit. */
static number round_to(number v, bool more, int32_t bits)
{
    int32_t drop = bit_length(v.m) - bits;
    uint64_t half, rest;

    assert(drop >= 2 || !more);
    if (drop <= 0)
        return v;
    half = UINT64_C(1) << (drop - 1);
    rest = v.m & (2 * half - 1);
    v.m >>= drop;
    v.e += drop;
    if (rest > half || (rest == half && (more || (v.m & 1) != 0)))
        v.m++;
    return v;
}

/* Exact: both come from scales, or fit 64 bits otherwise. */
static number multiply(number a, number b)
{
    assert(bit_length(a.m) + bit_length(b.m) <= 64);
    return (number){ a.m * b.m, a.e + b.e };
}

/* a / b, rounded to so many bits: long division, one bit at a time, until two bits more than wanted are known. */
static number divide(number a, number b, int32_t bits)
{
    uint64_t quotient = 0, rest = 0;
    int32_t taken = 0;

    assert(b.m != 0 && bit_length(b.m) <= BINARY64);
    if (a.m == 0)
        return a;
    a = with_top_bit(a, 63);
    for (; quotient >> (bits + 1) == 0; taken++) {
        rest = rest << 1 | a.m >> 63;
        a.m <<= 1;
        quotient <<= 1;
        if (rest >= b.m) {
            rest -= b.m;
            quotient |= 1;
        }
    }
    return round_to((number){ quotient, a.e + 64 - taken - b.e }, rest != 0 || a.m != 0, bits);
}

static int compare(number a, number b)
{
    if (a.m == 0 || b.m == 0)
        return (a.m != 0) - (b.m != 0);
    a = with_top_bit(a, 63);
    b = with_top_bit(b, 63);
    if (a.e != b.e)
        return a.e < b.e ? -1 : 1;
    return (a.m > b.m) - (a.m < b.m);
}

/*
 * |a - b| rounded to binary64; a and b of at most 48 bits.
 *
 * Bits of the smaller one are lost only where it stands 15 or more places below the larger one; the difference then keeps at
 * least 61 bits, and that something was lost is all that rounding must know.
 */
static number difference(number a, number b)
{
    number big = compare(a, b) >= 0 ? a : b, small = compare(a, b) >= 0 ? b : a;
    uint64_t lost = 0;
    int32_t shift;

    if (small.m == 0)
        return big;
    big = with_top_bit(big, 62);
    small = with_top_bit(small, 62);
    shift = big.e - small.e;
    if (shift < 63) {
        lost = small.m & ((UINT64_C(1) << shift) - 1);
        small.m >>= shift;
    } else {
        lost = small.m;
        small.m = 0;
    }
    big.m -= small.m + (lost != 0);
    return round_to(big, lost != 0, BINARY64);
}

/* Whether a value lies among the normal numbers of binary32. */
static bool normal(number v)
{
    int32_t e = v.e + bit_length(v.m) - 1;

    return v.m != 0 && e >= -126 && e <= 127;
}

/* ---- multipliers --------------------------------------------------------------------------------------------------------- */

/* quantization_util.cc: QuantizeMultiplier.  d has at most 53 bits. */
static lks_rq multiplier(number d)
{
    int32_t length = bit_length(d.m);
    int32_t shift = d.e + length;           /* of frexp: d = q * 2^shift, 1/2 <= q < 1 */
    uint64_t m;                             /* q * 2^31, ties away from zero */

    assert(length >= 1 && length <= BINARY64);
    m = length <= 31 ? d.m << (31 - length) : (d.m + (UINT64_C(1) << (length - 32))) >> (length - 31);
    if (m == UINT64_C(1) << 31) {
        m >>= 1;
        shift++;
    }
    if (shift < -31) {
        m = 0;
        shift = 0;
    }
    return (lks_rq){ (int32_t)m, shift };
}

/* The same as a multiplier of spec 3.1. */
static bool requant_multiplier(number d, lks_rq *rq)
{
    *rq = multiplier(d);
    return rq->s <= 30;
}

bool lks_scale_usable(uint32_t scale)
{
    return scale >= 0x00800000u && scale < 0x7f800000u;
}

bool lks_quantize_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq)
{
    return requant_multiplier(divide(multiply(from_scale(x), from_scale(w)), from_scale(y), BINARY64), rq);
}

bool lks_quantize_narrow_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq)
{
    number exact = multiply(from_scale(x), from_scale(w));
    number product = round_to(exact, false, BINARY32);

    return normal(exact) && normal(product) && requant_multiplier(divide(product, from_scale(y), BINARY64), rq);
}

bool lks_quantize_float_product(uint32_t x, uint32_t w, uint32_t y, lks_rq *rq)
{
    number exact = multiply(from_scale(x), from_scale(w)), product = round_to(exact, false, BINARY32);
    number d = divide(product, from_scale(y), BINARY32);

    return normal(exact) && normal(product) && normal(d) && requant_multiplier(d, rq);
}

bool lks_quantize_ratio(uint32_t x, uint32_t y, lks_rq *rq)
{
    return requant_multiplier(divide(from_scale(x), from_scale(y), BINARY64), rq);
}

bool lks_quantize_narrow_ratio(uint32_t x, uint32_t y, lks_rq *rq)
{
    number ratio = divide(from_scale(x), from_scale(y), BINARY32);

    return normal(ratio) && requant_multiplier(ratio, rq);
}

/* Quotients of so many bits.  QuantizeMultiplierSmallerThanOneExp checks that no multiplier shifts left. */
static bool addition(uint32_t a, uint32_t b, uint32_t y, int32_t bits, lks_add_args *args)
{
    number sa = from_scale(a), sb = from_scale(b), sy = from_scale(y), da, db, dy;
    number twice = compare(sa, sb) >= 0 ? sa : sb;
    lks_rq ra, rb, ry;

    args->left_shift = 20;
    twice.e += 1;
    sy.e += args->left_shift;
    da = divide(sa, twice, bits);
    db = divide(sb, twice, bits);
    dy = divide(twice, sy, bits);
    if (bits == BINARY32 && !(normal(twice) && normal(sy) && normal(da) && normal(db) && normal(dy)))
        return false;
    ra = multiplier(da);
    rb = multiplier(db);
    ry = multiplier(dy);
    args->a_m = ra.m;
    args->a_s = ra.s;
    args->b_m = rb.m;
    args->b_s = rb.s;
    args->m = ry.m;
    args->s = ry.s;
    return ra.s <= 0 && rb.s <= 0 && ry.s <= 0;
}

/* add_common.cc: CalculateOpDataAdd */
bool lks_quantize_add(uint32_t a, uint32_t b, uint32_t y, lks_add_args *args)
{
    return addition(a, b, y, BINARY64, args);
}

/* sub_common.cc: CalculateOpDataSub */
bool lks_quantize_sub(uint32_t a, uint32_t b, uint32_t y, lks_add_args *args)
{
    return addition(a, b, y, BINARY32, args);
}

/* reduce.h: QuantizedMeanOrSum */
lks_rq lks_quantize_mean(lks_rq sum, uint32_t n)
{
    int32_t shift = bit_length(n) - 1;      /* at most 31, so that the reference's cap at 32 never acts */

    assert(n >= 1 && sum.m >= 0 && sum.s >= -31);
    if (shift > 31 + sum.s)
        shift = 31 + sum.s;
    return (lks_rq){ (int32_t)(((uint64_t)sum.m << shift) / n), sum.s - shift };
}

/* logistic_common.cc: CalculateArithmeticOpDataLogistic */
bool lks_quantize_wave(uint32_t x, lks_rq *rq)
{
    number d = from_scale(x);

    d.e += 31 - 4;
    *rq = multiplier(d);
    return rq->m != 0 && rq->s >= 0 && rq->s <= 62;
}

/* common.h: DownScaleInt32ToInt16Multiplier */
static lks_rq narrowed(lks_rq rq)
{
    rq.m = rq.m >= 0x7fff8000 ? 0x7fff : (rq.m + (1 << 15)) >> 16;
    return rq;
}

/* hard_swish_common.cc: HardSwishPrepare */
bool lks_quantize_hard_swish(uint32_t x, uint32_t y, lks_rq *reluish, lks_rq *output)
{
    const number unit = { 3, -15 };             /* 3 / 32768: of the intermediate result */
    number fine = from_scale(x), to_y, to_unit;

    fine.e -= 7;
    to_y = divide(fine, from_scale(y), BINARY32);
    to_unit = divide(fine, unit, BINARY32);
    *output = narrowed(multiplier(to_y));
    *reluish = narrowed(multiplier(to_unit));
    return normal(fine) && normal(to_y) && normal(to_unit) && output->m != 0 && output->s <= 0 && output->s >= -15
        && reluish->m != 0 && reluish->s >= -15 && reluish->s <= 31;
}

/* quantization_util.cc: PreprocessSoftmaxScaling with 5 integer bits; the cap is (2^31 - 1, 31), the largest shift there is */
bool lks_quantize_softmax(uint32_t beta, uint32_t x, lks_rq *rq)
{
    const number cap = { 0x7fffffff, 0 };
    number d = multiply(from_scale(beta), from_scale(x));

    d.e += 31 - 5;
    if (compare(d, cap) > 0)
        d = cap;
    *rq = multiplier(d);
    return compare(d, one) > 0;
}

/* To an integer, ties away from zero; v below 2^31, of at most BINARY32 bits. */
static int64_t round_half_away(number v)
{
    if (v.e >= 0)
        return (int64_t)(v.m << v.e);
    return v.e < -BINARY32 - 1 ? 0 : (int64_t)((v.m + (UINT64_C(1) << (-v.e - 1))) >> -v.e);
}

bool lks_quantize_power(uint32_t scale, int32_t *power)
{
    *power = (int32_t)(scale >> 23) - 127;
    return (scale & 0x7fffffu) == 0;
}

/* lstm_eval_common.cc: CreateLstmCellStateInfo; a quotient by a power of two is exact. */
int32_t lks_quantize_clip(uint32_t clip, uint32_t scale)
{
    const number v = divide(from_scale(clip), from_scale(scale), BINARY64);

    if (v.e + bit_length(v.m) > 15)
        return INT16_MAX;
    return v.e >= 0 ? (int32_t)(v.m << v.e) : v.e < -63 ? 0 : (int32_t)(v.m >> -v.e);
}

/* kernel_util.cc: Quantize */
bool lks_quantize_value(int32_t value, uint32_t scale, int32_t zero, int32_t *q)
{
    number v = divide((number){ (uint64_t)(value < 0 ? -value : value), 0 }, from_scale(scale), BINARY32);
    int64_t rounded;

    if (v.e + bit_length(v.m) > 31)
        return false;
    rounded = round_half_away(v);
    rounded = zero + (value < 0 ? -rounded : rounded);
    if (rounded < INT32_MIN || rounded > INT32_MAX)
        return false;
    *q = (int32_t)rounded;
    return true;
}

/*
 * concatenation.h: ConcatenationWithScaling.  Both products fit 32 bits, so that their difference is exact before it is rounded.
 */
bool lks_quantize_concat(uint32_t x, int32_t x_zero, uint32_t y, int32_t y_zero, int8_t table[LKS_TABLE_SIZE])
{
    const number inverse = divide(one, from_scale(y), BINARY32), limit = { 1, 16 };
    const number scale = normal(inverse) ? round_to(multiply(from_scale(x), inverse), false, BINARY32) : (number){ 0, 0 };
    const number bias = round_to(multiply((number){ (uint64_t)x_zero, 0 }, scale), false, BINARY32);

    if (!normal(scale) || compare(scale, limit) >= 0)
        return false;
    for (int32_t q = 0; q < LKS_TABLE_SIZE; q++) {
        const number product = round_to(multiply((number){ (uint64_t)q, 0 }, scale), false, BINARY32);
        const number v = round_to(difference(product, bias), false, BINARY32);
        const int64_t rounded = round_half_away(v), value = y_zero + (q < x_zero ? -rounded : rounded);

        table[q] = (int8_t)((value < 0 ? 0 : value > 255 ? 255 : value) - 128);
    }
    return true;
}

/* resize_nearest_neighbor.h: GetNearestNeighbor */
int32_t lks_quantize_nearest(int32_t i, int32_t in, int32_t out, bool align_corners, bool half_pixel_centers)
{
    const int32_t less = align_corners && out > 1 ? 1 : 0;
    const number scale = divide((number){ (uint64_t)(in - less), 0 }, (number){ (uint64_t)(out - less), 0 }, BINARY32);
    const number v = round_to(multiply((number){ 2 * (uint64_t)i + half_pixel_centers, -1 }, scale), false, BINARY32);
    int64_t at;

    if (align_corners)
        at = round_half_away(v);
    else
        at = v.e >= 0 ? (int64_t)(v.m << v.e) : v.e <= -64 ? 0 : (int64_t)(v.m >> -v.e);
    return (int32_t)(at < in - 1 ? at : in - 1);
}

/* ---- tolerances ---------------------------------------------------------------------------------------------------------- */

/* pooling_common.cc: PoolingPrepare */
bool lks_scales_agree(uint32_t a, uint32_t b)
{
    const number tolerance = { 0x10c6f7a0b5ed8d, -72 };     /* 1e-6 in binary64 */

    return compare(difference(from_scale(a), from_scale(b)), tolerance) <= 0;
}

/* kernel_util.cc: GetQuantizedConvolutionMultipler */
bool lks_bias_scale_agrees(uint32_t x, uint32_t w, uint32_t bias, uint32_t y)
{
    const number tolerance = { 0x147ae147ae147b, -58 };     /* 0.02 in binary64 */
    number off = difference(multiply(from_scale(x), from_scale(w)), from_scale(bias));

    return compare(divide(off, from_scale(y), BINARY64), tolerance) <= 0;
}

/* svdf_common.cc: PrepareSvdf */
bool lks_svdf_bias_scale_agrees(uint32_t state, uint32_t time, uint32_t bias)
{
    const number tolerance = { 0x14f8b588e368f1, -69 };     /* 1e-5 in binary64 */
    const number product = round_to(multiply(from_scale(state), from_scale(time)), false, BINARY32);

    return compare(difference(product, from_scale(bias)), tolerance) < 0;
}
