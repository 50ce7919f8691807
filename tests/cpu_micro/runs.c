/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs of elements of every length: moving, sums, maxima, tables, interpolation.
 */
#include "cpu_micro/micro.h"

#include "spec/arith.h"

#include <string.h>

/* Lengths: all up to two of the largest blocks and a little more, then some long ones. */
#define LONG_RUNS 4

static size_t lengths(const micro_run *r)
{
    return 2 * (size_t)micro_block_elements(r) + 4 + LONG_RUNS;
}

static size_t length_of(micro_run *r, size_t i)
{
    return i < lengths(r) - LONG_RUNS ? i : (size_t)micro_between(r, 1000, 4000);
}

static int16_t *input16(micro_run *r, size_t count)
{
    int16_t *x = micro_take(r, count * sizeof *x);
    const int64_t pattern = micro_between(r, 0, 5), equal = micro_between(r, -32768, 32767);

    for (size_t i = 0; i < count; i++)
        x[i] = (int16_t)(pattern == 0 ? -32768 : pattern == 1 ? 32767 : pattern == 2 ? (i % 2 ? 32767 : -32768)
                         : pattern == 3 ? equal : micro_between(r, -32768, 32767));
    return x;
}

/* Modulo 2^32. */
static int32_t wrapped(int64_t sum)
{
    const uint32_t low = (uint32_t)(uint64_t)sum;
    int32_t value;

    memcpy(&value, &low, sizeof value);
    return value;
}

void micro_test_widen(micro_run *r)
{
    for (size_t n = 0; n < lengths(r); n++) {
        const size_t count = length_of(r, n);
        const int8_t *x;
        micro_output to;

        micro_case(r, "%d elements", (int)count);
        x = micro_input(r, count);
        to = micro_output_of(r, count, sizeof(int16_t));
        r->isa->widen(x, to.got, count);
        for (size_t i = 0; i < count; i++)
            ((int16_t *)to.expected)[i] = x[i];
        micro_compare(r, &to);
    }
}

void micro_test_sum(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const int8_t *x;
        int64_t sum = 0;

        micro_case(r, "%d elements", (int)count);
        x = micro_input(r, count);
        for (size_t i = 0; i < count; i++)
            sum += x[i];
        micro_same(r, 0, sum, r->isa->sum(x, count));
    }
}

void micro_test_top(micro_run *r)
{
    for (size_t n = 1; n < lengths(r); n++) {
        const size_t count = length_of(r, n);
        int8_t *x, top = -128;

        micro_case(r, "%d elements", (int)count);
        x = micro_input(r, count);
        if (micro_chance(r, 2)) {               /* one alone is the largest */
            memset(x, -128, count);
            x[micro_between(r, 0, (int64_t)count - 1)] = (int8_t)micro_between(r, -127, 127);
        }
        for (size_t i = 0; i < count; i++)
            top = x[i] > top ? x[i] : top;
        micro_same(r, 0, top, r->isa->top(x, count));
    }
}

void micro_test_dot(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const int8_t *x, *w;
        int64_t sum = 0;

        micro_case(r, "%d elements", (int)count);
        x = micro_input(r, count);
        w = micro_input(r, count);
        for (size_t i = 0; i < count; i++)
            sum += x[i] * w[i];
        micro_same(r, 0, wrapped(sum), r->isa->dot(x, w, count));
    }
}

/* Long runs of extremes go round 2^32. */
void micro_test_dot16(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const int16_t *x;
        const int8_t *w;
        int64_t sum = 0;

        micro_case(r, "%d elements", (int)count);
        x = input16(r, count);
        w = micro_input(r, count);
        for (size_t i = 0; i < count; i++)
            sum += x[i] * w[i];
        micro_same(r, 0, wrapped(sum), r->isa->dot16(x, w, count));
    }
}

void micro_test_max(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const int32_t smallest = n % 2;
        const int8_t *x, *old;
        int8_t *y;
        micro_output to;

        micro_case(r, "%d elements, the %s", (int)count, smallest ? "smaller" : "larger");
        x = micro_input(r, count);
        old = micro_input(r, count);
        to = micro_output_of(r, count, 1);
        y = memcpy(to.expected, old, count);
        memcpy(to.got, old, count);
        r->isa->max(x, to.got, count, smallest);
        for (size_t i = 0; i < count; i++)
            y[i] = (smallest ? x[i] < old[i] : x[i] > old[i]) ? x[i] : old[i];
        micro_compare(r, &to);
    }
}

void micro_test_clamp(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const lks_tail t = micro_tail(r, LKS_HALF_UP);
        const int8_t *old;
        micro_output to;

        micro_case(r, "%d elements, %d to %d", (int)count, (int)t.y_min, (int)t.y_max);
        old = micro_input(r, count);
        to = micro_output_of(r, count, 1);
        memcpy(to.got, old, count);
        r->isa->clamp(to.got, count, t.y_min, t.y_max);
        for (size_t i = 0; i < count; i++)
            ((int8_t *)to.expected)[i] = (int8_t)lks_clamp(old[i], t.y_min, t.y_max);
        micro_compare(r, &to);
    }
}

void micro_test_accumulate(micro_run *r)
{
    for (size_t n = 0; n < 2 * lengths(r); n++) {
        const size_t count = length_of(r, n / 2);
        const int32_t near = micro_chance(r, 2) ? LKS_INT32_MAX - 127 : 1 << 30;
        const int8_t *x;
        int32_t *acc;
        micro_output to;

        micro_case(r, "%d elements", (int)count);
        x = micro_input(r, count);
        to = micro_output_of(r, count, sizeof(int32_t));
        acc = to.got;
        for (size_t i = 0; i < count; i++) {
            acc[i] = (int32_t)(micro_chance(r, 3) ? near : micro_chance(r, 2) ? -near : micro_between(r, -near, near));
            ((int32_t *)to.expected)[i] = acc[i] + x[i];
        }
        r->isa->accumulate(x, acc, count);
        micro_compare(r, &to);
    }
}

/* Also in place, as what is fused behind a tail does. */
void micro_test_lut(micro_run *r)
{
    for (size_t n = 0; n < 4 * lengths(r); n++) {
        const size_t count = length_of(r, n / 4);
        const int in_place = n % 2;
        const int8_t *table, *x;
        micro_output to;

        micro_case(r, "%d elements%s", (int)count, in_place ? " in place" : "");
        table = micro_input(r, LKS_TABLE_SIZE);
        x = micro_input(r, count);
        to = micro_output_of(r, count, 1);
        for (size_t i = 0; i < count; i++)
            ((int8_t *)to.expected)[i] = table[x[i] + 128];
        if (in_place)
            x = memcpy(to.got, x, count);
        r->isa->lut(table, x, to.got, count);
        micro_compare(r, &to);
    }
}

void micro_test_bilinear(micro_run *r)
{
    static const int32_t parts[6] = { 0, 1, 511, 512, 513, 1023 };

    for (size_t n = 0; n < 8 * lengths(r); n++) {
        const size_t count = length_of(r, n / 8);
        const int32_t rounding = n % 2 ? LKS_TFLITE : LKS_HALF_UP;
        const int32_t h = micro_chance(r, 2) ? parts[micro_between(r, 0, 5)] : (int32_t)micro_between(r, 0, 1023);
        const int32_t w = micro_chance(r, 2) ? parts[micro_between(r, 0, 5)] : (int32_t)micro_between(r, 0, 1023);
        const int8_t *x[4];
        micro_output to;

        micro_case(r, "%d elements, parts %d and %d, rounding %d", (int)count, (int)h, (int)w, (int)rounding);
        for (int i = 0; i < 4; i++)
            x[i] = micro_input(r, count);
        to = micro_output_of(r, count, 1);
        r->isa->bilinear(x, h, w, rounding, to.got, count);
        for (size_t i = 0; i < count; i++) {
            const int32_t corners[4] = { x[0][i], x[1][i], x[2][i], x[3][i] };

            ((int8_t *)to.expected)[i] = lks_bilinear_value(corners, h, w, rounding);
        }
        micro_compare(r, &to);
    }
}
