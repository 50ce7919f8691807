/* SPDX-License-Identifier: Apache-2.0
 *
 * Multipliers for the case makers: legal for a proven bound, and such that the outputs say something about the sums.
 */
#include "tools/cases_maker.h"

#include <assert.h>

/* Bit by bit: v < 2^62. */
uint64_t root(uint64_t v)
{
    uint64_t r = 0;

    for (uint64_t bit = UINT64_C(1) << 30; bit; bit >>= 1)
        if ((r | bit) * (r | bit) <= v)
            r |= bit;
    return r;
}

int32_t max_distance(int32_t zero)
{
    return 127 - zero > zero + 128 ? 127 - zero : zero + 128;
}

typedef enum scale_mode {
    SCALE_SPREAD,               /* outputs spread over their range */
    SCALE_TIES,                 /* a power of two, small, so that sums fall half way between outputs */
    SCALE_LARGEST,              /* the largest that the bound allows */
    SCALE_SMALLEST,
    SCALE_ZERO,
    SCALE_ANY
} scale_mode;

static scale_mode draw_mode(draw *d)
{
    switch (draw_below(d, 16)) {
    case 0: case 1: case 2: case 3: return SCALE_TIES;
    case 4:                         return SCALE_LARGEST;
    case 5:                         return SCALE_ANY;
    case 6:                         return draw_one_in(d, 2) ? SCALE_SMALLEST : SCALE_ZERO;
    default:                        return SCALE_SPREAD;
    }
}

/* The spelling of m / 2^s (half_up, m from 2^30) in a mode; tflite's exponent counts from 2^-31 upward. */
static lks_rq spell(int32_t m, int32_t s, int32_t rounding)
{
    return (lks_rq){ m, rounding == LKS_TFLITE ? 31 - s : s };
}

/* num / den; both in 1 .. 2^32. */
static lks_rq from_ratio(uint64_t num, uint64_t den, int32_t rounding)
{
    int32_t s = 0, least = rounding == LKS_TFLITE ? 1 : 30;

    while (num < den << 30) {
        num <<= 1;
        s++;
    }
    if (s < least)
        return spell(LKS_INT32_MAX, least, rounding);
    return s > 62 ? spell(1 << 30, 62, rounding) : spell((int32_t)(num / den), s, rounding);
}

/* 2^-e: sums as large as reach stay inside the range of an output, and every 2^e-th is a tie. */
static lks_rq ties(draw *d, int32_t rounding, uint64_t reach)
{
    int32_t e = 0;

    while (e < 31 && reach >> e > 96)
        e++;
    if (e < 6)
        e += (int32_t)draw_below(d, 3);
    return spell(1 << 30, 30 + (e < 32 ? e : 32), rounding);
}

static lks_rq any(draw *d, int32_t rounding)
{
    bool tflite = rounding == LKS_TFLITE;
    lks_rq rq = { draw_between(d, tflite ? 0 : 1 << 30, LKS_INT32_MAX), 0 };

    if (tflite && draw_one_in(d, 4))
        rq.m = DRAW(d, 1, 2, 3, 1 << 30, LKS_INT32_MAX);
    rq.s = tflite ? draw_between(d, -31, 30) : draw_between(d, 30, 62);
    return rq;
}

/* floor(bound * m / 2^s) + 130: it leaves room for either way to round the bound.  bound < 2^31. */
static bool half_up_fits(lks_rq rq, uint64_t bound)
{
    return (bound * (uint64_t)rq.m >> rq.s) + 130 <= LKS_INT32_MAX;
}

/* The nearest legal one for that bound. */
static lks_rq fit_scale(lks_rq rq, int32_t rounding, uint64_t bound)
{
    if (rounding == LKS_HALF_UP) {
        while (rq.m != 0 && !half_up_fits(rq, bound))
            rq.s++;             /* at most twice: the product is below 2^62 */
        return rq;
    }
    while (rq.s > 0 && bound << rq.s > LKS_INT32_MAX)
        rq.s--;
    if (rq.s >= 0 && (bound << rq.s) * (uint64_t)rq.m >> 31 > LKS_INT32_MAX - 131)
        rq.m /= 2;
    return rq;
}

lks_rq scale_ratio(uint64_t num, uint64_t den, int32_t rounding, uint64_t bound)
{
    assert(num >= 1 && num <= UINT32_MAX && den >= 1 && den <= UINT32_MAX && bound <= LKS_INT32_MAX);
    return fit_scale(from_ratio(num, den, rounding), rounding, bound);
}

lks_rq draw_scale(draw *d, int32_t rounding, uint64_t bound, uint64_t reach)
{
    lks_rq rq = { 0, 30 };

    switch (draw_mode(d)) {
    case SCALE_SPREAD:
        rq = from_ratio(20 + draw_below(d, 120), reach + 1, rounding);
        break;
    case SCALE_TIES:
        rq = ties(d, rounding, reach);
        break;
    case SCALE_LARGEST:
        rq = (lks_rq){ draw_one_in(d, 2) ? LKS_INT32_MAX : draw_between(d, 1 << 30, LKS_INT32_MAX), 30 };
        break;
    case SCALE_SMALLEST:
        rq = spell(draw_one_in(d, 2) ? LKS_INT32_MAX : 1 << 30, 62, rounding);
        break;
    case SCALE_ZERO:
        rq.s = rounding == LKS_TFLITE ? draw_between(d, -31, 30) : 30;
        break;
    case SCALE_ANY:
        rq = any(d, rounding);
        break;
    }
    return fit_scale(rq, rounding, bound);
}
