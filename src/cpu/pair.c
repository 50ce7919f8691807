/* SPDX-License-Identifier: Apache-2.0
 *
 * How pairs are made: what is decided once, when a program is built, and what fusing puts behind a tail.
 *
 * An addition rounds up to three times, and yet depends on two int8 only.  Nearly always one linear form of them, with factors of
 * 31 bits and one rounding, gives all 65536 results: it is taken only after it has given them.
 */
#include "cpu/family.h"

#include "spec/arith.h"

#include <string.h>

#define LOW_BITS 15             /* of a factor: the others are above */
#define LOW_MASK ((1 << LOW_BITS) - 1)

static void form_of(const lks_cpu_pair *p, const lks_tail *t, int32_t a, int8_t y[256])
{
    for (int32_t b = -128; b < 128; b++) {
        const int32_t low = a * p->a_low + b * p->b_low + p->add_low;
        const int32_t sum = a * p->a_high + b * p->b_high + p->add_high + lks_shr32(low, LOW_BITS);

        y[b + 128] = (int8_t)lks_clamp(lks_shr32(sum, p->shift), t->y_min, t->y_max);
    }
}

/* factor[0] a + factor[1] b + add, over 2^bits; 0: it leaves the range of the vectors, whose sums may be of 24 bits. */
static int set_form(lks_cpu_pair *p, const int64_t factor[2], int64_t add, int32_t bits)
{
    const int64_t most = 128 * ((factor[0] < 0 ? -factor[0] : factor[0]) + (factor[1] < 0 ? -factor[1] : factor[1]));

    if (most + (add < 0 ? -add : add) + LOW_MASK >= (int64_t)1 << (23 + LOW_BITS))
        return 0;
    p->a_high = (int32_t)lks_shr64(factor[0], LOW_BITS);
    p->b_high = (int32_t)lks_shr64(factor[1], LOW_BITS);
    p->add_high = (int32_t)lks_shr64(add, LOW_BITS);
    p->a_low = (int32_t)(factor[0] & LOW_MASK);
    p->b_low = (int32_t)(factor[1] & LOW_MASK);
    p->add_low = (int32_t)(add & LOW_MASK);
    p->shift = bits - LOW_BITS;
    return p->a_high >= -32768 && p->a_high <= 32767 && p->b_high >= -32768 && p->b_high <= 32767;
}

/* product / 2^(down - bits), rounded; INT64_MAX / 1024 or so where it is too large. */
static int64_t factor_of(int64_t product, int32_t down, int32_t bits)
{
    const int32_t by = down - bits;

    if (by > 62)
        return 0;
    if (by > 0)
        return lks_shr64(product + ((int64_t)1 << (by - 1)), by);
    if (by < -30 || product >= (int64_t)1 << 30 || product <= -((int64_t)1 << 30))
        return (int64_t)1 << 50;
    return product * ((int64_t)1 << -by);
}

/* The exact factors of both operands in units of 2^-bits, where they are below 2^40 or so. */
static void factors_of(const lks_addition *p, int32_t bits, int64_t factor[2])
{
    const int tflite = p->tail.rounding == LKS_TFLITE;

    for (int i = 0; i < 2; i++) {
        const lks_rq rq = i ? p->b_rq : p->a_rq;
        const int32_t down = tflite ? 62 - p->left_shift - rq.s - p->rq.s : p->rq.s;

        factor[i] = factor_of((int64_t)rq.m * p->rq.m, down, bits);
        if (p->subtracts && (p->subtracts > 0) == (i == 1))
            factor[i] = -factor[i];
    }
}

/*
 * Some ways to break ties: up; down; and away from zero, by factors that are too large by a little, since what is added cannot
 * know the sign.
 */
enum { CANDIDATES = 5 };

static int set_candidate(lks_cpu_pair *p, int32_t bits, int candidate)
{
    static const int32_t tilts[CANDIDATES] = { 0, 0, 28, 24, 20 };
    const lks_addition *k = &p->pair.add;
    int64_t factor[2], add;

    factors_of(k, bits, factor);
    for (int i = 0; i < 2 && tilts[candidate]; i++)
        factor[i] += lks_shr64(factor[i] + ((int64_t)1 << (tilts[candidate] - 1)), tilts[candidate]);
    if (factor[0] >= (int64_t)1 << 40 || factor[0] <= -((int64_t)1 << 40) || factor[1] >= (int64_t)1 << 40
        || factor[1] <= -((int64_t)1 << 40))
        return 0;
    add = ((int64_t)1 << (bits - 1)) - (candidate == 1) - factor[0] * k->a_zero - factor[1] * k->b_zero
          + k->tail.y_zero * ((int64_t)1 << bits);
    return set_form(p, factor, add, bits);
}

/* Find a form that gives all results. */
static int find_form(lks_cpu_pair *p)
{
    lks_cpu_pair candidate[CANDIDATES];
    int32_t bits = 31;
    unsigned alive = 0;

    for (int i = 0; i < CANDIDATES; i++)
        candidate[i] = *p;
    while (bits > LOW_BITS && !set_candidate(&candidate[0], bits, 0))
        bits--;
    for (int i = 0; i < CANDIDATES; i++)
        if (bits > LOW_BITS && set_candidate(&candidate[i], bits, i))
            alive |= 1u << i;
    for (int32_t a = -128; a < 128 && alive; a++) {
        int8_t exact[256], y[256];

        for (int32_t b = -128; b < 128; b++)
            exact[b + 128] = lks_pair_value(a, b, p->pair);
        for (int i = 0; i < CANDIDATES; i++)
            if (alive >> i & 1) {
                form_of(&candidate[i], &p->pair.add.tail, a, y);
                if (memcmp(y, exact, sizeof y) != 0)
                    alive &= ~(1u << i);
            }
    }
    for (int i = 0; i < CANDIDATES; i++)
        if (alive >> i & 1) {
            *p = candidate[i];
            return 1;
        }
    return 0;
}

/* v * 2^left_shift times M = 2^30 is v shifted by one bit less; nothing is lost where the rest of the shift is to the left. */
static int32_t shift_of(lks_rq rq, int32_t left_shift)
{
    const int32_t shift = left_shift - 1 + rq.s;

    return rq.m == 1 << 30 && shift >= 0 && left_shift >= 1 ? shift : -1;
}

static lks_cpu_scaling add_scaling(lks_cpu_pair *p)
{
    const lks_addition *k = &p->pair.add;
    const uint64_t bound = (uint64_t)256 << k->left_shift;

    if (k->tail.rounding != LKS_TFLITE)
        return lks_cpu_scaling_of(k->rq, 0, LKS_HALF_UP);
    p->a_shift = shift_of(k->a_rq, k->left_shift);
    p->b_shift = shift_of(k->b_rq, k->left_shift);
    if ((p->a_shift < 0 && lks_cpu_scaling_of(k->a_rq, bound, LKS_TFLITE) != LKS_CPU_TFLITE)
        || (p->b_shift < 0 && lks_cpu_scaling_of(k->b_rq, bound, LKS_TFLITE) != LKS_CPU_TFLITE))
        return LKS_CPU_ANY;
    if (p->a_shift > k->left_shift || p->b_shift > k->left_shift)
        return LKS_CPU_ANY;
    return lks_cpu_scaling_of(k->rq, 2 * bound, LKS_TFLITE);
}

static lks_cpu_scaling mul_scaling(const lks_pair *pair)
{
    const lks_multiplication *k = &pair->mul;

    if (pair->kind == LKS_BINARY_PRELU && lks_cpu_scaling_of(k->positive, 256, k->tail.rounding) == LKS_CPU_ANY)
        return LKS_CPU_ANY;
    return lks_cpu_scaling_of(k->rq, 65536, k->tail.rounding);
}

lks_cpu_pair lks_cpu_pair_of(const lks_pair *pair)
{
    lks_cpu_pair p = { .pair = *pair, .a_shift = -1, .b_shift = -1 };

    if (pair->kind == LKS_BINARY_ADD && find_form(&p)) {
        p.way = LKS_CPU_PAIR_LINEAR;
        return p;
    }
    p.scaling = pair->kind == LKS_BINARY_ADD ? add_scaling(&p) : mul_scaling(pair);
    p.way = p.scaling == LKS_CPU_ANY ? LKS_CPU_PAIR_ANY : LKS_CPU_PAIR_FAST;
    return p;
}

void lks_cpu_finish_fused(const lks_cpu_call *c, const lks_fused *fused, int8_t *y, const int8_t *x2, size_t count)
{
    if (fused->adds)
        c->isa->pairs(c->fused, y, 1, x2, 1, y, count);
    if (c->step->table)
        c->isa->lut(c->step->table, y, y, count);
}
