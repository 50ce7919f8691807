/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of spec/arith.h against literal vectors, and against the formulas of docs/spec.md written out in 128 bits.
 */
#include "spec/arith.h"

#include <criterion/criterion.h>

__extension__ typedef __int128 wide;

static wide floor_shift(wide a, int n)
{
    wide d = (wide)1 << n, q = a / d;

    return q * d > a ? q - 1 : q;
}

/* spec 3.1, word for word */
static wide spec_half_up(wide acc, wide m, int s)
{
    return floor_shift(acc * m + ((wide)1 << (s - 1)), s);
}

static wide spec_rshift(wide x, int n)
{
    wide magnitude = x < 0 ? -x : x;

    if (n == 0)
        return x;
    magnitude = floor_shift(magnitude + ((wide)1 << (n - 1)), n);
    return x < 0 ? -magnitude : magnitude;
}

static wide spec_tflite(wide acc, wide m, int s)
{
    wide a = acc * ((wide)1 << (s > 0 ? s : 0));

    return spec_rshift(floor_shift(a * m + ((wide)1 << 30), 31), s < 0 ? -s : 0);
}

static uint64_t state = 1;

/* splitmix64 */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9E3779B97F4A7C15u;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* An accumulator: any magnitude equally likely, with the rails and their neighbours often. */
static int32_t draw_acc(int32_t limit)
{
    int64_t v = (int64_t)(draw() >> (33 + draw() % 31));

    if (draw() % 8 == 0)
        v = limit - (int64_t)(draw() % 3);
    if (v > limit)
        v = limit;
    return (int32_t)(draw() & 1 ? v : -v);
}

Test(arith, tflite_vectors)
{
    /* facts of TensorFlow Lite's reference: x, m, shift, result */
    static const int32_t v[][4] = {
        { 1, 1 << 30, 0, 1 }, { -1, 1 << 30, 0, 0 }, { 1, 1 << 30, -1, 1 }, { -2, 1 << 30, -1, -1 }, { 5, 1 << 30, -1, 2 },
        { -5, 1 << 30, -1, -1 }, { -6, 1 << 30, -1, -2 }, { 2147483647, 2147483647, -31, 1 }, { 127, 1 << 30, 8, 16256 },
        { 585, 1527099593, -6, 7 }
    };

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        cr_assert_eq(lks_requant_tflite(v[i][0], (lks_rq){ v[i][1], v[i][2] }), v[i][3], "vector %zu", i);
}

Test(arith, half_up_ties_go_up)
{
    const lks_rq half = { 1 << 30, 31 }, eighth = { 1 << 30, 33 };

    cr_assert_eq(lks_requant_half_up(1, half), 1);
    cr_assert_eq(lks_requant_half_up(-1, half), 0);
    cr_assert_eq(lks_requant_half_up(3, half), 2);
    cr_assert_eq(lks_requant_half_up(-3, half), -1);
    cr_assert_eq(lks_requant_half_up(4, eighth), 1);
    cr_assert_eq(lks_requant_half_up(-4, eighth), 0);
    cr_assert_eq(lks_requant_half_up(-5, eighth), -1);
    cr_assert_eq(lks_requant_half_up(2147483647, (lks_rq){ 0, 30 }), 0);
    cr_assert_eq(lks_requant_half_up(2147483647, (lks_rq){ 2147483647, 62 }), 1);
}

Test(arith, requant_is_the_formula)
{
    for (int i = 0; i < 1000000; i++) {
        lks_rq h = { (int32_t)(draw() >> 34 | 1 << 30), (int32_t)(31 + draw() % 32) },
            t = { (int32_t)(draw() >> 33), (int32_t)(draw() % 62) - 31 };
        int32_t acc = draw_acc(2147483647), left = t.s > 0 ? draw_acc(2147483647 >> t.s) : acc;

        cr_assert(lks_requant_half_up(acc, h) == spec_half_up(acc, h.m, h.s), "half_up %d * %d >> %d", acc, h.m, h.s);
        cr_assert(lks_requant_tflite(left, t) == spec_tflite(left, t.m, t.s), "tflite %d * %d, %d", left, t.m, t.s);
    }
}

Test(arith, shifts_are_floor_and_half_away)
{
    for (int i = 0; i < 1000000; i++) {
        int32_t n = (int32_t)(draw() % 32), x = draw_acc(n == 1 ? 2147483646 : 2147483647);

        cr_assert(lks_shr32(x, n) == floor_shift(x, n), "%d >> %d", x, n);
        cr_assert(lks_rshift_away(x, n) == spec_rshift(x, n), "%d away %d", x, n);
    }
    cr_assert_eq(lks_shr32(LKS_INT32_MIN, 31), -1);
    cr_assert_eq(lks_shr64(INT64_MIN, 63), -1);
}

Test(arith, average)
{
    for (int32_t k = 1; k <= 49; k++)
        for (int32_t acc = -128 * k; acc <= 127 * k; acc++) {
            int32_t magnitude = ((acc < 0 ? -acc : acc) + k / 2) / k, floor = (acc + k / 2) / k;

            if (floor * k > acc + k / 2)
                floor--;
            cr_assert_eq(lks_average(acc, k, LKS_TFLITE), acc < 0 ? -magnitude : magnitude);
            cr_assert_eq(lks_average(acc, k, LKS_HALF_UP), floor);
        }
}

Test(arith, exp_and_reciprocal)
{
    cr_assert_eq(lks_exp5(0), 2147483647);
    /* what the second opinion computes, arguments in units of 2^-26: every factor of spec 3.3 takes part */
    static const int32_t v[][2] = {
        { -(1 << 26), 790015308 }, { -(1 << 26) - 12345678, 657264883 }, { -(2 << 26), 290630390 },
        { -(2 << 26) - 12345678, 241794238 },
        { -(3 << 26), 106916946 }, { -(5 << 26) - 12345678, 12038226 }, { -(8 << 26), 720401 }, { -(13 << 26) - 12345678, 4038 },
        { -(16 << 26), 242 }, { -(16 << 26) - 12345678, 201 }, { -(17 << 26), 89 },
        { -(17 << 26) - 12345678, 74 }, { -(20 << 26), 4 }
    };

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        cr_assert_eq(lks_exp5(v[i][0]), v[i][1], "vector %zu", i);
    cr_assert_eq(lks_recip(0), 2147483647);
    cr_assert_eq(lks_recip(123456789), 2030738432);
    cr_assert_eq(lks_recip(1 << 30), 1431655762);
    cr_assert_eq(lks_recip(2147483647), 1073741820);
    cr_assert(lks_exp5(-(1 << 26)) >= 790015084 - 512 && lks_exp5(-(1 << 26)) <= 790015084 + 512);       /* e^-1 * 2^31 */
    cr_assert(lks_exp5(-(1 << 25)) >= 1302514674 - 512 && lks_exp5(-(1 << 25)) <= 1302514674 + 512);     /* e^-1/2 * 2^31 */
    cr_assert_eq(lks_clz32(1), 31);
    cr_assert_eq(lks_clz32(0x80000000u), 0);
    cr_assert_eq(lks_clz32(0), 31);         /* it ends */
}
