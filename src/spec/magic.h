/* SPDX-License-Identifier: Apache-2.0
 *
 * Division without dividing: GPUs do it in floating point, so that the host computes a factor for each divisor, and devices
 * multiply and shift.  C99, C11, CUDA and OpenCL C.
 */
#ifndef LKS_SPEC_MAGIC_H
#define LKS_SPEC_MAGIC_H

#include "spec/arith.h"

/* For a divisor d from 1 to 2^31 - 1: shift = ceil(log2 d), factor = floor(2^32 (2^shift - d) / d) + 1. */
typedef struct lks_magic {
    uint32_t factor;
    int32_t shift, divisor;
} lks_magic;

/*
 * floor(n / d), exact for 0 <= n < 2^31.
 *
 * 2^32 + factor is m = floor(2^(32 + shift) / d) + 1 = (2^(32 + shift) + e) / d with 0 < e <= d <= 2^shift.  So n m / 2^(32 +
 * shift) = n / d + n e / (d 2^(32 + shift)), and the second term is below 1 / (2 d) since n e < 2^31 2^shift: too little to reach
 * the next integer, as n / d is at least 1 / d below it.  The sum below stays under 2^32, for both addends are under 2^31.
 */
LKS_FN uint32_t lks_divide(uint32_t n, lks_magic m)
{
    return ((uint32_t)(((uint64_t)n * m.factor) >> 32) + n) >> m.shift;
}

/*
 * lks_average of spec/arith.h for a window of rows * columns elements; |acc| <= 128 * rows * columns, and 129 * rows * columns <
 * 2^31 (spec 4.7).
 *
 * The dividends are acc + k / 2 >= 0, and otherwise k - 1 - acc - k / 2 or k / 2 - acc: never negative, and at most 129 k - 1 <
 * 2^31. floor(n / (rows * columns)) = floor(floor(n / rows) / columns), so the two factors serve all counts that a window can
 * have.
 */
LKS_FN int32_t lks_average_magic(int32_t acc, lks_magic rows, lks_magic columns, int32_t rounding)
{
    int32_t k = rows.divisor * columns.divisor;
    int32_t up = acc + (k >> 1);
    int32_t below = rounding == LKS_TFLITE ? acc < 0 : up < 0;
    int32_t n = !below ? up : rounding == LKS_TFLITE ? (k >> 1) - acc : k - 1 - up;
    int32_t q = (int32_t)lks_divide(lks_divide((uint32_t)n, rows), columns);

    return below ? -q : q;
}

/* ---- what only the host does --------------------------------------------------------------------------------------------- */

#if !defined(__OPENCL_C_VERSION__) && !defined(__OPENCL_VERSION__)

/* divisor: from 1 to 2^31 - 1. */
static inline lks_magic lks_magic_of(int64_t divisor)
{
    lks_magic m = { 0, 0, (int32_t)divisor };

    LKS_HOLDS(divisor >= 1 && divisor <= LKS_INT32_MAX);
    while (((int64_t)1 << m.shift) < divisor)
        m.shift++;
    m.factor = (uint32_t)(((((uint64_t)1 << m.shift) - (uint64_t)divisor) << 32) / (uint64_t)divisor + 1);
    return m;
}

/* ceil(n / d) for n >= 0, d > 0: what launchers and packers need of division. */
static inline int64_t lks_ceil_div(int64_t n, int64_t d)
{
    return n / d + (n % d != 0);
}

#endif

#endif
