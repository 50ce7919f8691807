/* SPDX-License-Identifier: Apache-2.0
 *
 * The statistics of bench, against values worked out by hand and from binomial tables.
 */
#include "tools/bench/stats.h"

#include <criterion/criterion.h>
#include <math.h>

/* n .. 1: sorted to 1 .. n. */
static samples falling(size_t n)
{
    samples s = { NULL, 0, 0 };

    for (size_t i = n; i > 0; i--)
        cr_assert(samples_add(&s, (double)i));
    samples_sort(&s);
    return s;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

Test(stats, of_one_value)
{
    samples s = falling(1);

    cr_assert(near(samples_median(&s), 1) && near(samples_mean(&s), 1) && near(samples_deviation(&s), 0));
    cr_assert(near(samples_percentile(&s, 90), 1) && near(samples_percentile(&s, 100), 1));
    cr_assert(near(samples_interval(&s).low, 1) && near(samples_interval(&s).high, 1));
    samples_free(&s);
    cr_assert(s.v == NULL && s.count == 0);
}

Test(stats, median_mean_deviation)
{
    const double values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };     /* mean 5, squares 32, 32 / 7 */
    samples s = { NULL, 0, 0 }, odd = falling(7);

    for (size_t i = 0; i < 8; i++)
        samples_add(&s, values[7 - i]);
    samples_sort(&s);
    cr_assert(near(samples_median(&s), 4.5) && near(samples_mean(&s), 5));
    cr_assert(near(samples_deviation(&s), sqrt(32.0 / 7)));
    cr_assert(near(samples_median(&odd), 4));
    samples_free(&s);
    samples_free(&odd);
}

/* Nearest rank: the ceil(p n / 100)-th. */
Test(stats, percentiles)
{
    samples hundred = falling(100), ten = falling(10), large = falling(1000);

    cr_assert(near(samples_percentile(&hundred, 90), 90) && near(samples_percentile(&hundred, 99), 99));
    cr_assert(near(samples_percentile(&hundred, 100), 100) && near(samples_percentile(&hundred, 0.5), 1));
    cr_assert(near(samples_percentile(&ten, 90), 9) && near(samples_percentile(&ten, 95), 10));
    cr_assert(near(samples_percentile(&ten, 91), 10));
    cr_assert(near(samples_percentile(&large, 95), 950));
    samples_free(&hundred);
    samples_free(&ten);
    samples_free(&large);
}

/* The ranks of the table of the sign test at 95 %: 6: 1; 8: 1; 9: 2; 12: 3; 15: 4; 20: 6; 25: 8; 50: 18; below 6 the range. */
Test(stats, interval_of_the_median)
{
    static const size_t table[][2] = {
        { 2, 1 }, { 5, 1 }, { 6, 1 }, { 8, 1 }, { 9, 2 }, { 12, 3 }, { 15, 4 }, { 20, 6 }, { 25, 8 }, { 50, 18 }
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        samples s = falling(table[i][0]);
        interval x = samples_interval(&s);

        cr_assert(near(x.low, (double)table[i][1]), "%zu values: %g", table[i][0], x.low);
        cr_assert(near(x.high, (double)(table[i][0] + 1 - table[i][1])), "%zu values: %g", table[i][0], x.high);
        samples_free(&s);
    }
}
