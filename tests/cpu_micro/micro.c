/* SPDX-License-Identifier: Apache-2.0
 *
 * Seeded data, buffers between guards, scales at their limits.
 */
#include "cpu_micro/micro.h"

#include "cpu/family.h"
#include "spec/arith.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUARD 64

/* ---- cases --------------------------------------------------------------------------------------------------------------- */

void micro_free(micro_run *r)
{
    while (r->taken_count > 0)
        free(r->taken[--r->taken_count]);
}

void micro_case(micro_run *r, const char *shape, ...)
{
    va_list arguments;

    micro_free(r);
    r->cases++;
    va_start(arguments, shape);
    vsnprintf(r->shape, sizeof r->shape, shape, arguments);
    va_end(arguments);
}

/* The first difference of an entry is told, the others are counted. */
static void tell(micro_run *r, const char *element, int64_t expected, int64_t got)
{
    if (r->failures++)
        return;
    printf("FAIL %s %s: %s: %s: expected %" PRId64 ", got %" PRId64 "\n", r->isa->name, r->entry, r->shape, element, expected,
           got);
    printf("     %s %s %s %" PRIu64 "\n", r->program, r->isa->name, r->entry, r->seed);
}

void micro_same(micro_run *r, int64_t element, int64_t expected, int64_t got)
{
    char text[40];

    snprintf(text, sizeof text, "element %" PRId64, element);
    if (expected != got)
        tell(r, text, expected, got);
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t micro_random(micro_run *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t micro_between(micro_run *r, int64_t low, int64_t high)
{
    return low + (int64_t)(micro_random(r) % ((uint64_t)(high - low) + 1));
}

int micro_chance(micro_run *r, int one_in)
{
    return micro_random(r) % (uint64_t)one_in == 0;
}

static void *take_raw(micro_run *r, size_t bytes)
{
    void *p = NULL;

    if ((size_t)r->taken_count == sizeof r->taken / sizeof *r->taken || posix_memalign(&p, 64, bytes) != 0) {
        printf("FAIL %s %s: %s: out of memory\n", r->isa->name, r->entry, r->shape);
        exit(1);
    }
    r->taken[r->taken_count++] = p;
    return p;
}

void *micro_take(micro_run *r, size_t bytes)
{
    int8_t *p = take_raw(r, bytes + LKS_CPU_SLACK);

    for (size_t i = 0; i < LKS_CPU_SLACK; i++)
        p[bytes + i] = (int8_t)(i % 2 ? 127 : -128);
    return p;
}

void micro_fill(micro_run *r, int8_t *x, size_t count)
{
    const int64_t pattern = micro_between(r, 0, 7), equal = micro_between(r, -128, 127);

    for (size_t i = 0; i < count; i++) {
        const int8_t random = (int8_t)(micro_random(r) >> 56 & 0x7f);

        switch (pattern) {
        case 0: x[i] = -128; break;
        case 1: x[i] = 127; break;
        case 2: x[i] = i % 2 ? 127 : -128; break;
        case 3: x[i] = (int8_t)equal; break;
        default: x[i] = (int8_t)(random * 2 - 128 + (int)(micro_random(r) >> 63)); break;
        }
    }
}

/* Anywhere, as a window of an image is. */
int8_t *micro_input(micro_run *r, size_t count)
{
    const size_t offset = micro_random(r) % 16;
    int8_t *p = (int8_t *)micro_take(r, offset + count) + offset;

    micro_fill(r, p, count);
    return p;
}

/* ---- outputs ------------------------------------------------------------------------------------------------------------- */

micro_output micro_output_of(micro_run *r, size_t count, size_t element_bytes)
{
    const size_t offset = GUARD + micro_random(r) % 8 * element_bytes, bytes = count * element_bytes;
    const int poison = (int)(micro_random(r) & 0xff);
    uint8_t *got = take_raw(r, offset + bytes + GUARD), *expected = take_raw(r, offset + bytes + GUARD);

    memset(got, poison, offset + bytes + GUARD);
    memset(expected, poison, offset + bytes + GUARD);
    return (micro_output){ got + offset, expected + offset, bytes, element_bytes };
}

static int64_t element(const uint8_t *p, size_t bytes)
{
    int8_t one;
    int16_t two;
    int32_t four;

    if (bytes == 1)
        return memcpy(&one, p, 1), one;
    if (bytes == 2)
        return memcpy(&two, p, 2), two;
    return memcpy(&four, p, 4), four;
}

void micro_compare(micro_run *r, const micro_output *o)
{
    const int64_t size = (int64_t)o->element_bytes, guard = GUARD / size, count = (int64_t)o->bytes / size;
    const uint8_t *got = o->got, *expected = o->expected;
    char text[64];

    if (memcmp(got - GUARD, expected - GUARD, o->bytes + 2 * GUARD) == 0)
        return;
    for (int64_t i = -guard; i < count + guard; i++)
        if (memcmp(got + i * size, expected + i * size, (size_t)size) != 0) {
            snprintf(text, sizeof text, "element %" PRId64 "%s", i, i < 0 ? " (before it)" : i >= count ? " (behind it)" : "");
            tell(r, text, element(expected + i * size, o->element_bytes), element(got + i * size, o->element_bytes));
            return;
        }
}

/* ---- scales -------------------------------------------------------------------------------------------------------------- */

const micro_mode micro_modes[MICRO_MODES] = {
    { "half_up", LKS_HALF_UP, LKS_CPU_HALF_UP },
    { "half_up, any scale", LKS_HALF_UP, LKS_CPU_ANY },
    { "tflite", LKS_TFLITE, LKS_CPU_TFLITE },
    { "tflite, any scale", LKS_TFLITE, LKS_CPU_ANY },
};

lks_tail micro_tail(micro_run *r, int32_t rounding)
{
    static const int32_t zeros[4] = { -128, -1, 0, 127 };
    const int32_t a = (int32_t)micro_between(r, -128, 127), b = (int32_t)micro_between(r, -128, 127);
    lks_tail t = { zeros[micro_between(r, 0, 3)], -128, 127, rounding };

    if (micro_chance(r, 2))
        t.y_zero = a;
    if (micro_chance(r, 3)) {
        t.y_min = a < b ? a : b;
        t.y_max = a < b ? b : a;
    } else if (micro_chance(r, 8))
        t.y_min = t.y_max = b;
    return t;
}

static int32_t random_shift(micro_run *r, const micro_mode *m)
{
    const int any = m->scaling == LKS_CPU_ANY, tflite = m->rounding == LKS_TFLITE;
    const int64_t low = any ? (tflite ? 0 : 30) : tflite ? -31 : 32, high = any ? (tflite ? 30 : 31) : tflite ? -1 : 62;

    if (any && tflite && micro_chance(r, 2))
        return (int32_t)micro_between(r, 0, 8);     /* where large sums are allowed */
    switch (micro_between(r, 0, 5)) {
    case 0: return (int32_t)low;
    case 1: return (int32_t)high;
    case 2: return (int32_t)micro_between(r, tflite && !any ? -12 : low, tflite || any ? high : 44);   /* what models have */
    default: return (int32_t)micro_between(r, low, high);
    }
}

lks_rq micro_rq(micro_run *r, const micro_mode *m)
{
    const int64_t low = m->rounding == LKS_TFLITE ? 1 : 1 << 30;
    lks_rq rq = { (int32_t)micro_between(r, 1 << 30, LKS_INT32_MAX), random_shift(r, m) };

    switch (micro_between(r, 0, 7)) {
    case 0: rq.m = 1 << 30; break;
    case 1: rq.m = LKS_INT32_MAX; break;
    case 2: rq.m = (int32_t)low; break;
    case 3: rq.m = (int32_t)micro_between(r, low, LKS_INT32_MAX); break;
    case 4:
        if (m->scaling != LKS_CPU_ANY)
            rq = (lks_rq){ 0, m->rounding == LKS_TFLITE ? (int32_t)micro_between(r, -31, 30) : 30 };
        break;
    default: break;
    }
    return rq;
}

static int allowed(lks_rq rq, int32_t rounding, int64_t bound)
{
    const int32_t left = rq.s > 0 ? rq.s : 0, n = rq.s < 0 ? -rq.s : 0;
    int64_t y;

    if (rounding != LKS_TFLITE)
        return (bound * rq.m >> rq.s) + 129 <= LKS_INT32_MAX;
    if (bound << left > LKS_INT32_MAX)
        return 0;
    y = ((bound << left) * rq.m + (1 << 30)) >> 31;
    return (n ? (y + ((int64_t)1 << (n - 1))) >> n : y) + 129 <= LKS_INT32_MAX;
}

static int64_t largest(lks_rq rq, const micro_mode *m, int of_scaling)
{
    int64_t low = 0, high = LKS_INT32_MAX;

    while (low < high) {
        const int64_t bound = (low + high + 1) / 2;
        const int fits = allowed(rq, m->rounding, bound)
            && (!of_scaling || lks_cpu_scaling_of(rq, (uint64_t)bound, m->rounding) == m->scaling);

        low = fits ? bound : low;
        high = fits ? high : bound - 1;
    }
    return low;
}

int64_t micro_limit(lks_rq rq, int32_t rounding)
{
    const micro_mode m = { "", rounding, LKS_CPU_ANY };

    return largest(rq, &m, 0);
}

int64_t micro_limit_of(lks_rq rq, const micro_mode *m)
{
    return largest(rq, m, m->scaling != LKS_CPU_ANY);
}

/* The base that puts sums from low to high where they shall be: within the limit. */
static int64_t base_for(micro_run *r, int64_t low, int64_t high, int64_t limit)
{
    const int64_t least = -limit - low, most = limit - high;
    int64_t base;

    switch (micro_between(r, 0, 5)) {
    case 0: return most;
    case 1: return least;
    case 2: base = micro_chance(r, 2) ? (1 << 30) - low : -(1 << 30) - high; break;
    case 3: return micro_between(r, least, most);
    default: base = micro_between(r, -1000, 1000); break;
    }
    return base < least ? least : base > most ? most : base;
}

/* Of channel c, whose sums are from low to high. */
static lks_cpu_channel make_channel(micro_run *r, const micro_mode *m, micro_block *b, int32_t c, int64_t low, int64_t high)
{
    const micro_mode *kind = m;
    int64_t limit, base, reach;

    if (m->scaling == LKS_CPU_ANY && c != 0 && micro_chance(r, 2))
        kind = m->rounding == LKS_TFLITE ? &micro_modes[2] : &micro_modes[0];
    do {
        b->rq[c] = micro_rq(r, kind);
        limit = kind == m ? micro_limit_of(b->rq[c], m) : micro_limit(b->rq[c], m->rounding);
    } while (high - low > 2 * limit);
    base = base_for(r, low, high, limit);
    for (int32_t i = 0; i < b->outputs; i++)
        b->sums[i * b->channels + c] += base;
    reach = high + base > -(low + base) ? high + base : -(low + base);
    return (lks_cpu_channel){ .base = (uint32_t)base - (uint32_t)r->isa->x_offset * (uint32_t)b->w_sum[c],
                              .bound = (uint64_t)reach, .rq = b->rq[c] };
}

void micro_scale_block(micro_run *r, const micro_mode *m, micro_block *b)
{
    const size_t lanes = (size_t)r->isa->lanes * (size_t)b->vectors;
    lks_cpu_channel *channels = micro_take(r, lanes * sizeof *channels);

    b->rq = micro_take(r, lanes * sizeof *b->rq);
    b->scale = micro_take(r, lanes * LKS_CPU_SCALE_VECTORS * sizeof *b->scale);
    for (int32_t c = 0; c < b->channels; c++) {
        int64_t low = INT64_MAX, high = INT64_MIN;

        for (int32_t i = 0; i < b->outputs; i++) {
            const int64_t sum = b->sums[i * b->channels + c];

            low = sum < low ? sum : low;
            high = sum > high ? sum : high;
        }
        if (b->outputs == 0)
            low = high = 0;
        channels[b->channels_at ? b->channels_at[c] : c] = make_channel(r, m, b, c, low, high);
    }
    b->scaling = lks_cpu_pack_scale(r->isa, channels, b->channels, b->vectors, m->rounding, b->scale);
    if (b->scaling != m->scaling)
        tell(r, "scaling of the block", (int64_t)m->scaling, (int64_t)b->scaling);
}
