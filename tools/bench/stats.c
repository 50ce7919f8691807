/* SPDX-License-Identifier: Apache-2.0
 *
 * Order statistics of measurements.
 */
#include "tools/bench/stats.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

bool samples_add(samples *s, double value)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 64;
        double *v = room <= SIZE_MAX / sizeof *v ? realloc(s->v, room * sizeof *v) : NULL;

        if (!v)
            return false;
        s->v = v;
        s->room = room;
    }
    s->v[s->count++] = value;
    return true;
}

void samples_free(samples *s)
{
    free(s->v);
    *s = (samples){ NULL, 0, 0 };
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void samples_sort(samples *s)
{
    if (s->count)
        qsort(s->v, s->count, sizeof s->v[0], rising);
}

double samples_median(const samples *s)
{
    assert(s->count);
    return (s->v[(s->count - 1) / 2] + s->v[s->count / 2]) / 2;
}

double samples_mean(const samples *s)
{
    double sum = 0;

    assert(s->count);
    for (size_t i = 0; i < s->count; i++)
        sum += s->v[i];
    return sum / (double)s->count;
}

double samples_deviation(const samples *s)
{
    double mean = samples_mean(s), squares = 0;

    for (size_t i = 0; i < s->count; i++)
        squares += (s->v[i] - mean) * (s->v[i] - mean);
    return s->count > 1 ? sqrt(squares / (double)(s->count - 1)) : 0;
}

double samples_percentile(const samples *s, double p)
{
    size_t rank = (size_t)ceil(p * (double)s->count / 100);

    assert(s->count && p > 0 && p <= 100);
    return s->v[rank ? rank - 1 : 0];
}

/* The k-th lowest and highest values miss the median with the chance 2 * P(at most k - 1 of n tosses are heads): the largest k
 * for which that is 5 % at most. */
interval samples_interval(const samples *s)
{
    const double n = (double)s->count;
    double term = exp2(-n), below = term;
    size_t k = 1;

    assert(s->count);
    for (; 2 * k < s->count; k++) {
        term *= (n - (double)k + 1) / (double)k;
        if (2 * (below + term) > 0.05)
            break;
        below += term;
    }
    return (interval){ s->v[k - 1], s->v[s->count - k] };
}
