/* SPDX-License-Identifier: Apache-2.0
 *
 * How channels are requantized, and the constants of it.  p = sum * M is exact in 64 bits; c is added to it.
 *
 * half_up, s >= 32     y = floor((p + 2^(s-1)) / 2^s) is the upper half of p + c, shifted by s - 32: a floor of a floor.
 * tflite, 1 <= n <= 31 x = floor((p + 2^30) / 2^31), and y rounds x / 2^n with ties away from zero: floor((x - [x < 0] +
 *                      2^(n-1)) / 2^n).  With c = 2^30 + 2^(30+n), floor((p + c) / 2^31) is x + 2^(n-1), and what is left is to
 *                      subtract 1 from it where x < 0.  The sign of the sum serves: where it differs from that of x, x is 0
 *                      (sum = -1 and M = 2^30, or M = 0), and floor((0 - 1 + 2^(n-1)) / 2^n) is 0 as well.
 *                      x + 2^(n-1) must fit int32: |x| <= bound * M / 2^31 + 1.
 * tflite, packed       The base has 2^31 more, so that u = sum + 2^31 is unsigned; u * 2M is below 2^64, and is 2p + 2^32 M; with
 *                      c = 2^31 + 2^32 (2^(n-1) - 1 - M), modulo 2^64, the upper half is x + 2^(n-1) - 1, and 1 is added where
 *                      the sum is not negative: where the top bit of u is set.
 */
#include "cpu/scale.h"

#include "spec/arith.h"

#include <string.h>

lks_cpu_scaling lks_cpu_scaling_of(lks_rq rq, uint64_t bound, int32_t rounding)
{
    const int32_t n = -rq.s;

    if (rq.m == 0)
        return rounding == LKS_TFLITE ? LKS_CPU_TFLITE : LKS_CPU_HALF_UP;
    if (rounding != LKS_TFLITE)
        return rq.s >= 32 ? LKS_CPU_HALF_UP : LKS_CPU_ANY;
    if (n < 1 || n > 31)
        return LKS_CPU_ANY;
    if (((bound * (uint64_t)rq.m) >> 31) + 1 + ((uint64_t)1 << (n - 1)) >= (uint64_t)LKS_INT32_MAX)
        return LKS_CPU_ANY;
    return LKS_CPU_TFLITE;
}

static void put_channel(const lks_cpu_isa *isa, const lks_cpu_channel *c, lks_cpu_scaling scaling, int32_t lane, int32_t *scale)
{
    const size_t lanes = (size_t)isa->lanes, at = (size_t)lane, pair = at & ~(size_t)1;
    const int32_t s = lks_cpu_shiftable(c->rq, scaling).s;
    uint32_t base = c->base, m = (uint32_t)c->rq.m;
    uint64_t add = 0;
    int32_t shift = 0;

    if (scaling == LKS_CPU_HALF_UP) {
        add = (uint64_t)1 << (s - 1);
        shift = s - 32;
    } else if (scaling == LKS_CPU_TFLITE) {
        add = ((uint64_t)1 << 31) + ((((uint64_t)1 << (-s - 1)) - 1 - m) << 32);
        base += (uint32_t)1 << 31;
        m *= 2;
        shift = -s;
    }
    memcpy(scale + LKS_CPU_SCALE_BASE * lanes + at, &base, sizeof base);
    memcpy(scale + LKS_CPU_SCALE_M * lanes + at, &m, sizeof m);
    scale[LKS_CPU_SCALE_S * lanes + at] = c->rq.s;
    scale[LKS_CPU_SCALE_SHIFT * lanes + at] = shift;
    if (at & 1)
        memcpy(scale + LKS_CPU_SCALE_M_ODD * lanes + pair, &m, sizeof m);
    memcpy(scale + (at & 1 ? LKS_CPU_SCALE_C_ODD : LKS_CPU_SCALE_C_EVEN) * lanes + pair, &add, sizeof add);
}

lks_cpu_scaling lks_cpu_pack_scale(const lks_cpu_isa *isa, const lks_cpu_channel *channels, int32_t count, int32_t vectors,
                                   int32_t rounding, int32_t *scale)
{
    const size_t vector = (size_t)LKS_CPU_SCALE_VECTORS * (size_t)isa->lanes;
    lks_cpu_scaling scaling = rounding == LKS_TFLITE ? LKS_CPU_TFLITE : LKS_CPU_HALF_UP;

    memset(scale, 0, (size_t)vectors * vector * sizeof *scale);
    for (int32_t i = 0; i < count; i++)
        if (lks_cpu_scaling_of(channels[i].rq, channels[i].bound, rounding) == LKS_CPU_ANY)
            scaling = LKS_CPU_ANY;
    for (int32_t i = 0; i < count; i++)
        put_channel(isa, &channels[i], scaling, i % isa->lanes, scale + (size_t)(i / isa->lanes) * vector);
    return scaling;
}
