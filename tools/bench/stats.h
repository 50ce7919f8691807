/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said about a list of measurements.  No distribution is assumed: other programs make timings skewed and lumpy.
 */
#ifndef LOCKSTEP_TOOLS_BENCH_STATS_H
#define LOCKSTEP_TOOLS_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* A growing list. */
typedef struct samples {
    double *v;                  /* from malloc */
    size_t count, room;
} samples;

/* false: out of memory, and nothing was added. */
bool samples_add(samples *s, double value);
void samples_free(samples *s);

/* Put in rising order, as all functions below expect it. */
void samples_sort(samples *s);

/* Of a sorted list that is not empty. */
double samples_median(const samples *s);
double samples_mean(const samples *s);

/* With n - 1 below the root; 0 for one value. */
double samples_deviation(const samples *s);

/* The smallest value that at least p percent of the values do not exceed (nearest rank); 0 < p <= 100. */
double samples_percentile(const samples *s, double p);

typedef struct interval {
    double low, high;
} interval;

/*
 * Where the median of what the values were drawn from lies, with a confidence of 95 % at least: between two of the values, by the
 * sign test.  Fewer than six values cannot say so much: then it is their range.
 */
interval samples_interval(const samples *s);

#endif
