/* SPDX-License-Identifier: Apache-2.0
 *
 * Sums of one scale: every shift with the multipliers at the ends of its range, sums at the rails and on ties.
 */
#include "cpu_micro/micro.h"

#include "spec/arith.h"

#define MULTIPLIERS 6

static int32_t multiplier(micro_run *r, int i, int32_t rounding)
{
    const int32_t low = rounding == LKS_TFLITE ? 1 : 1 << 30;
    const int32_t m[MULTIPLIERS] = { 1 << 30, LKS_INT32_MAX, low, (1 << 30) + 1, LKS_INT32_MAX - 1,
                                     (int32_t)micro_between(r, low, LKS_INT32_MAX) };

    return m[i];
}

/* Near a sum whose product lies on a tie, or on a step of the first rounding: k + 1/2 units of the result. */
static int64_t near_tie(micro_run *r, lks_rq rq, int32_t rounding)
{
    const int32_t bits = rounding == LKS_TFLITE ? 31 - rq.s : rq.s;
    const int64_t k = micro_between(r, -140, 140), by = micro_between(r, -1, 1);

    if (rq.m == 0 || bits > 54)
        return by;
    return (2 * k + 1) * ((int64_t)1 << (bits - 1)) / rq.m + by;
}

static void fill_sums(micro_run *r, int32_t *acc, size_t count, lks_rq rq, int32_t rounding)
{
    const int64_t limit = micro_limit(rq, rounding), some = limit < 1000 ? limit : 1000;

    for (size_t i = 0; i < count; i++) {
        int64_t v;

        switch (micro_between(r, 0, 7)) {
        case 0: v = limit - micro_between(r, 0, 1); break;
        case 1: v = micro_between(r, 0, 1) - limit; break;
        case 2: v = micro_between(r, -some, some); break;
        case 3: v = micro_between(r, -limit, limit); break;
        case 4: v = (1 << 30) * (1 - 2 * micro_between(r, 0, 1)) + micro_between(r, -1, 1); break;
        default: v = near_tie(r, rq, rounding); break;
        }
        acc[i] = (int32_t)(v > limit ? limit : v < -limit ? -limit : v);
    }
}

static void test_finish(micro_run *r, lks_rq rq, int32_t rounding, size_t count, int small)
{
    const lks_tail tail = micro_tail(r, rounding);
    int32_t *acc;
    micro_output to;

    micro_case(r, "%d sums%s, M %d, s %d, rounding %d, y_zero %d, %d to %d", (int)count, small ? ", small ones" : "", (int)rq.m,
               (int)rq.s, (int)rounding, (int)tail.y_zero, (int)tail.y_min, (int)tail.y_max);
    acc = micro_take(r, count * sizeof *acc);
    fill_sums(r, acc, count, rq, rounding);
    for (size_t i = 0; i < count && small; i++)
        acc[i] /= 4;            /* none near a limit, which would take the scaling of all */
    to = micro_output_of(r, count, 1);
    r->isa->finish(acc, rq, tail, to.got, count);
    for (size_t i = 0; i < count; i++)
        ((int8_t *)to.expected)[i] = lks_finish(acc[i], rq, tail);
    micro_compare(r, &to);
}

static void test_shifts(micro_run *r, int32_t rounding, int32_t first, int32_t last)
{
    const size_t lanes = (size_t)r->isa->lanes, block = (size_t)micro_block_elements(r);

    for (int32_t s = first; s <= last; s++)
        for (int i = 0; i < MULTIPLIERS; i++) {
            const lks_rq rq = { multiplier(r, i, rounding), s };

            for (int small = 0; small < 2; small++) {
                test_finish(r, rq, rounding, lanes, small);
                test_finish(r, rq, rounding, 2 * block + lanes + 1, small);
            }
        }
}

void micro_test_finish(micro_run *r)
{
    const size_t most = 2 * (size_t)micro_block_elements(r) + 3;

    test_shifts(r, LKS_HALF_UP, 30, 62);
    test_shifts(r, LKS_TFLITE, -31, 30);
    for (int32_t s = -31; s <= 30; s++)
        test_finish(r, (lks_rq){ 0, s }, LKS_TFLITE, most, 0);
    test_finish(r, (lks_rq){ 0, 30 }, LKS_HALF_UP, most, 0);
    for (size_t count = 0; count <= most; count++)
        for (int i = 0; i < MICRO_MODES; i++) {
            const lks_rq rq = micro_rq(r, &micro_modes[i]);

            test_finish(r, rq, micro_modes[i].rounding, count, 1);
        }
}

/* ---- of int16 ------------------------------------------------------------------------------------------------------------ */

static void test_requant(micro_run *r, const micro_mode *m, size_t count)
{
    lks_requantization k = { .count = (int32_t)count, .tail = micro_tail(r, m->rounding) };
    int16_t *x;
    micro_output to;

    k.x_zero = (int32_t)(micro_chance(r, 3) ? 0 : micro_chance(r, 2) ? -32768 : micro_between(r, -32768, 32767));
    do
        k.rq = micro_rq(r, m);
    while (micro_limit(k.rq, m->rounding) < 65535);
    micro_case(r, "%d elements, x_zero %d, M %d, s %d, %s", (int)count, (int)k.x_zero, (int)k.rq.m, (int)k.rq.s, m->name);
    x = micro_take(r, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (int16_t)(micro_chance(r, 8) ? 32767 : micro_chance(r, 8) ? -32768 : micro_between(r, -32768, 32767));
    to = micro_output_of(r, count, 1);
    r->isa->requant(&k, x, to.got, count);
    for (size_t i = 0; i < count; i++)
        ((int8_t *)to.expected)[i] = lks_finish(x[i] - k.x_zero, k.rq, k.tail);
    micro_compare(r, &to);
}

/* It works on eight vectors at a time. */
void micro_test_requant(micro_run *r)
{
    const size_t block = 8 * (size_t)r->isa->lanes;

    for (size_t count = 0; count <= 2 * block + 3; count++)
        for (int i = 0; i < MICRO_MODES; i++)
            test_requant(r, &micro_modes[i], count);
}

/* ---- means --------------------------------------------------------------------------------------------------------------- */

#define MOST_K ((1 << 22) - 1)

static void test_average(micro_run *r, int32_t k, int32_t rounding, size_t count)
{
    const lks_tail tail = micro_tail(r, rounding);
    int32_t *acc;
    micro_output to;

    micro_case(r, "%d sums of %d, rounding %d, %d to %d", (int)count, (int)k, (int)rounding, (int)tail.y_min, (int)tail.y_max);
    acc = micro_take(r, count * sizeof *acc);
    for (size_t i = 0; i < count; i++) {
        const int64_t tie = micro_between(r, -128, 127) * k + k / 2 + micro_between(r, -1, 1);
        const int64_t v = micro_chance(r, 4) ? 128 * k : micro_chance(r, 4) ? -128 * k : micro_chance(r, 2) ? tie
                          : micro_between(r, -128 * (int64_t)k, 128 * (int64_t)k);

        acc[i] = lks_clamp((int32_t)v, -128 * k, 128 * k);
    }
    to = micro_output_of(r, count, 1);
    r->isa->average(acc, k, tail, to.got, count);
    for (size_t i = 0; i < count; i++)
        ((int8_t *)to.expected)[i] = (int8_t)lks_clamp(lks_average(acc[i], k, rounding), tail.y_min, tail.y_max);
    micro_compare(r, &to);
}

void micro_test_average(micro_run *r)
{
    const size_t most = 2 * (size_t)micro_block_elements(r) + 3;

    for (int32_t rounding = LKS_HALF_UP; rounding <= LKS_TFLITE; rounding++) {
        for (size_t count = 0; count <= most; count++)
            test_average(r, (int32_t)micro_between(r, 1, 300), rounding, count);
        for (int32_t k = 1; k <= 260; k++)
            test_average(r, k, rounding, most);
        for (int32_t bit = 9; bit <= 22; bit++)
            for (int32_t k = (1 << bit) - 1; k <= (1 << bit) + 1 && k <= MOST_K; k++)
                test_average(r, k, rounding, most);
        for (int i = 0; i < 50; i++)
            test_average(r, (int32_t)micro_between(r, 1, MOST_K), rounding, most);
    }
}
