/* SPDX-License-Identifier: Apache-2.0
 *
 * Division by multiplication (spec/magic.h) against C's own division.
 */
#include "spec/magic.h"

#include <criterion/criterion.h>

#define MOST UINT32_C(0x7fffffff)

/* Each quotient changes at a multiple of the divisor: the dividends beside it are the ones that a wrong factor gets wrong. */
static void try_divisor(uint32_t d)
{
    const lks_magic m = lks_magic_of(d);
    const uint32_t last = MOST / d, step = last / 997 + 1;

    cr_assert(m.divisor == (int32_t)d);
    cr_assert(lks_divide(0, m) == 0 && lks_divide(MOST, m) == last, "%u", d);
    for (uint32_t q = 1; q <= last && q > 0; q = q + step > q ? q + step : 0) {
        const uint32_t n = q * d;

        cr_assert(lks_divide(n - 1, m) == q - 1 && lks_divide(n, m) == q, "%u by %u", n, d);
    }
    cr_assert(lks_divide(last * d, m) == last && lks_divide(last * d - 1, m) == last - 1, "%u", d);
}

Test(magic, divides)
{
    for (uint32_t d = 1; d < 3000; d++)
        try_divisor(d);
    for (uint32_t d = 2048, i = 0; d < MOST - 10000000; d += d / 64 + i++ % 7)
        try_divisor(d);
    for (int shift = 1; shift < 31; shift++)
        for (int32_t beside = -1; beside <= 1; beside++)
            try_divisor((uint32_t)((INT32_C(1) << shift) + beside));
    for (uint32_t d = MOST - 100; d <= MOST; d++)
        try_divisor(d);
}

/* Every dividend of a few divisors. */
Test(magic, divides_everything)
{
    static const uint32_t divisors[] = { 3, 7, 641, 65535, 16777213 };

    for (size_t i = 0; i < sizeof divisors / sizeof divisors[0]; i++) {
        const lks_magic m = lks_magic_of(divisors[i]);
        uint32_t wrong = 0, q = 0, r = 0;

        for (uint32_t n = 0; n <= MOST / 16; n++) {
            wrong += lks_divide(n, m) != q;
            if (++r == divisors[i])
                q++, r = 0;
        }
        cr_assert(wrong == 0, "%u", divisors[i]);
    }
}

static void try_average(int32_t rows, int32_t columns, int32_t step)
{
    const lks_magic r = lks_magic_of(rows), c = lks_magic_of(columns);
    const int32_t k = rows * columns;

    for (int64_t acc = -128 * (int64_t)k; acc <= 127 * (int64_t)k; acc += step)
        for (int32_t rounding = LKS_HALF_UP; rounding <= LKS_TFLITE; rounding++) {
            /* spec 4.7, in 64 bits: floors of what is never negative */
            int64_t away = ((acc < 0 ? -acc : acc) + k / 2) / k, up = (acc + k / 2 + 1000 * (int64_t)k) / k - 1000;
            int64_t expected = rounding == LKS_HALF_UP ? up : acc < 0 ? -away : away;

            cr_assert(lks_average_magic((int32_t)acc, r, c, rounding) == expected, "%lld by %d x %d, rounding %d", (long long)acc,
                      rows, columns, rounding);
        }
}

/* Every sum of every window up to 20 x 20. */
Test(magic, averages)
{
    for (int32_t rows = 1; rows <= 20; rows++)
        for (int32_t columns = 1; columns <= 20; columns++)
            try_average(rows, columns, 1);
}

/* The largest windows that the bound law lets through: 129 * rows * columns <= 2^31 - 1. */
Test(magic, averages_of_the_largest_windows)
{
    try_average(65535, 254, 99991);
    try_average(254, 65535, 99991);
    try_average(4080, 4080, 99991);
    try_average(16, 65535, 9973);
    try_average(1, 65535, 997);
}
