/* SPDX-License-Identifier: Apache-2.0
 *
 * Draws for the case makers: numbers, extents, shapes and the bytes of tensors, equal on every machine.
 */
#include "tools/cases_maker.h"

#include <string.h>

/* ---- numbers ------------------------------------------------------------------------------------------------------------- */

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators. */
uint64_t draw_bits(draw *d)
{
    uint64_t z = d->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Each part goes through the generator, so that neighbouring cases have nothing in common. */
draw draw_start(uint64_t kind, uint64_t seed, uint64_t k)
{
    draw d = { seed };

    d.state = draw_bits(&d) ^ kind;
    d.state = draw_bits(&d) ^ k;
    d.state = draw_bits(&d);
    return d;
}

uint32_t draw_below(draw *d, uint32_t n)
{
    return (uint32_t)((draw_bits(d) >> 32) * n >> 32);
}

int32_t draw_between(draw *d, int32_t lo, int32_t hi)
{
    uint64_t range = (uint64_t)((int64_t)hi - lo + 1);

    return (int32_t)(lo + (int64_t)((draw_bits(d) >> 32) * range >> 32));
}

bool draw_one_in(draw *d, uint32_t n)
{
    return draw_below(d, n) == 0;
}

int32_t draw_of(draw *d, const int32_t *values, size_t count)
{
    return values[draw_below(d, (uint32_t)count)];
}

int32_t draw_zero(draw *d)
{
    return draw_one_in(d, 3) ? draw_between(d, -128, 127) : DRAW(d, -128, 127, 0, 0, 0, -1, 1, 5);
}

lks_tail draw_tail(draw *d)
{
    lks_tail t = { .y_zero = draw_zero(d), .y_min = -128, .y_max = 127 };
    int32_t a = draw_between(d, -128, 127), b = draw_between(d, -128, 127);

    t.rounding = (int32_t)draw_below(d, 2);
    switch (draw_below(d, 12)) {
    case 0:                     /* narrow */
        t.y_min = a < b ? a : b;
        t.y_max = a < b ? b : a;
        break;
    case 1:                     /* relu */
        t.y_min = t.y_zero;
        break;
    case 2:
        if (draw_one_in(d, 4))
            t.y_min = t.y_max = a;
        break;
    }
    return t;
}

/* ---- bytes --------------------------------------------------------------------------------------------------------------- */

static int8_t byte_of(int32_t v)
{
    return (int8_t)lks_clamp(v, -128, 127);
}

static void fill_random(draw *d, int8_t *to, size_t n)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < n; i++, bits >>= 8) {
        if (i % 8 == 0)
            bits = draw_bits(d);
        to[i] = (int8_t)((int32_t)(bits & 255) - 128);
    }
}

void pattern_fill(draw *d, pattern p, int32_t centre, int8_t *to, size_t n)
{
    uint32_t start = draw_below(d, 256), step = 1 + 2 * draw_below(d, 128);

    if (p == PATTERN_RANDOM || p == PATTERN_SPARSE || p == PATTERN_NEAR)
        fill_random(d, to, n);
    for (size_t i = 0; i < n; i++)
        switch (p) {
        case PATTERN_LOW:         to[i] = -128; break;
        case PATTERN_HIGH:        to[i] = 127; break;
        case PATTERN_ALTERNATING: to[i] = (i + start) % 2 ? 127 : -128; break;
        case PATTERN_SPARSE:      to[i] = to[i] % 8 ? byte_of(centre) : to[i]; break;
        case PATTERN_NEAR:        to[i] = byte_of(centre + to[i] % 3); break;
        case PATTERN_RAMP:        to[i] = (int8_t)((int32_t)((i * step + start) & 255) - 128); break;
        default:                  break;
        }
}

/* The bytes of the pattern, and what is below them at random; at its rails those of int16. */
void pattern_fill_wide(draw *d, pattern p, int32_t centre, uint8_t *to, size_t n)
{
    int8_t *high = (int8_t *)to + n;            /* behind the values that are already made, to the last but one */

    pattern_fill(d, p, centre, high, n);
    for (size_t i = 0; i < n; i++) {
        const int32_t top = high[i], low = top == -128 ? 0 : top == 127 ? 255 : (int32_t)draw_below(d, 256);

        to[2 * i] = (uint8_t)low;
        to[2 * i + 1] = (uint8_t)top;
    }
}

int32_t pattern_mean(pattern p, int32_t centre)
{
    switch (p) {
    case PATTERN_LOW:    return -128;
    case PATTERN_HIGH:   return 127;
    case PATTERN_SPARSE:
    case PATTERN_NEAR:   return centre;
    default:             return 0;
    }
}

int32_t pattern_spread(pattern p)
{
    static const int32_t spread[PATTERNS] = { 74, 0, 0, 127, 40, 2, 74 };

    return spread[p];
}

/* ---- extents ------------------------------------------------------------------------------------------------------------- */

/* Around the edges of the tiles that kernels use, and primes between them. */
static const uint32_t edges[] = {
    1, 2, 3, 4, 5, 7, 8, 9, 13, 15, 16, 17, 23, 31, 32, 33, 47, 61, 63, 64, 65, 97, 127, 128, 129, 191, 255, 256, 257
};

walk walk_of(maker *m, const walk_plan *p)
{
    uint64_t edge_cases = p->walked_count * COUNT_OF(edges), k = m->k;

    if (k < edge_cases)
        return (walk){ true, false, p->walked[k % p->walked_count], edges[k / p->walked_count], 6000 };
    k -= edge_cases;
    if (k >= p->wide_count)
        return (walk){ .on = false };
    if (p->huge && k + 1 == p->wide_count)
        return (walk){ true, true, p->wide[k], (1 << 21) + 1 + draw_below(&m->s, 300), 1 };
    return (walk){ true, true, p->wide[k], (1 << 16) + 1 + draw_below(&m->s, 300), 4 };
}

static uint32_t draw_extent(draw *d, uint32_t cap)
{
    uint32_t v = 1;

    switch (draw_below(d, 8)) {
    case 0:
        break;
    case 1: case 2: case 3:
        v = 1 + draw_below(d, cap < 6 ? cap : 6);
        break;
    case 4: case 5: case 6:
        v = edges[draw_below(d, (uint32_t)COUNT_OF(edges))];
        break;
    default:
        v = 1 + draw_below(d, cap);
    }
    return v < cap ? v : cap;
}

/* In multiply-adds: a few thousand mostly, more than a million rarely. */
static uint32_t draw_work(draw *d)
{
    uint32_t r = draw_below(d, 1024), bits = 6 + draw_below(d, 10);

    return r == 0 ? 1200000 : r < 12 ? 250000 : (1u << bits) + draw_below(d, 1u << bits);
}

static void spend(uint32_t *work, uint32_t extent)
{
    *work = *work / extent ? *work / extent : 1;
}

void draw_factors(maker *m, uint32_t count, const uint32_t *caps, const walk *w, uint32_t shift, uint32_t *f)
{
    uint32_t work = (w->on ? w->work : draw_work(&m->s)) >> (w->wide ? 0 : shift), first = draw_below(&m->s, count);
    uint32_t walked = w->on ? w->factor : count;

    work = work ? work : 1;
    if (w->on)
        f[walked] = w->wide || w->extent < caps[walked] ? w->extent : caps[walked];
    if (w->on && !w->wide)
        spend(&work, f[walked]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = (first + i) % count;

        if (at == walked)
            continue;
        f[at] = draw_extent(&m->s, caps[at] < work ? caps[at] : work);
        spend(&work, f[at]);
    }
}

/* Behind the batch, which is walked over less than most. */
static const uint32_t shape_walked[] = { 1, 2, 0 }, shape_wide[] = { 0, 1, 1 };

const walk_plan shape_walk = { shape_walked, COUNT_OF(shape_walked), shape_wide, COUNT_OF(shape_wide), true };

/* ---- shapes -------------------------------------------------------------------------------------------------------------- */

flow flow_shape(uint32_t rank, const uint32_t *dims)
{
    flow s = { .rank = rank, .elements = 1 };

    for (uint32_t i = 0; i < rank; i++) {
        s.dims[i] = dims[i];
        s.elements *= dims[i];
    }
    return s;
}

flow draw_shape(maker *m, uint32_t count, const uint32_t *f)
{
    uint32_t dims[LKS_MAX_RANK], rank = 0;

    for (uint32_t i = 0; i < count; i++) {
        bool join = rank > 1 && (rank == LKS_MAX_RANK || draw_one_in(&m->s, 2));

        if (join)
            dims[rank - 1] *= f[i];
        else
            dims[rank++] = f[i];
    }
    return flow_shape(rank, dims);
}

flow draw_any_shape(maker *m)
{
    static const uint32_t caps[] = { 9, 4096, 300, 300, 300, 300 };
    uint32_t f[COUNT_OF(caps)], count = 1 + draw_below(&m->s, COUNT_OF(caps));
    walk w = walk_of(m, &shape_walk);

    count = w.on && count < 3 ? 3 : count;
    draw_factors(m, count, caps, &w, 2, f);
    m->batch = f[0];
    f[0] = 1 + draw_below(&m->s, 3);
    return draw_shape(m, count, f);
}
