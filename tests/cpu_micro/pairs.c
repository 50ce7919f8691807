/* SPDX-License-Identifier: Apache-2.0
 *
 * Pairs of every kind and way: all 65536 of them, and runs of every length.
 */
#include "cpu_micro/micro.h"

#include "cpu/family.h"
#include "spec/arith.h"

#include <string.h>

#define KINDS 3
#define WAYS 3

/* Tries of each kind in each rounding, of which all ways must come that there are. */
#define TRIES 16

static const char *const kinds[KINDS] = { "add", "mul", "prelu" };
static const char *const ways[WAYS] = { "linear", "fast", "any" };

static int32_t any_zero(micro_run *r)
{
    return (int32_t)(micro_chance(r, 3) ? 0 : micro_chance(r, 3) ? -128 : micro_chance(r, 3) ? 127 : micro_between(r, -128, 127));
}

static int64_t reach(int32_t zero)
{
    return zero + 128 > 127 - zero ? zero + 128 : 127 - zero;
}

/* ---- what a model may say ------------------------------------------------------------------------------------------------ */

/* A scale that a sum of at most `bound` may have.  wild: any; else one whose results fill int8 as those of models do. */
static lks_rq scale_for(micro_run *r, int32_t rounding, int64_t bound, int wild)
{
    const micro_mode *modes = rounding == LKS_TFLITE ? &micro_modes[2] : &micro_modes[0];
    const int64_t top = 64 + micro_between(r, 0, 256);
    lks_rq rq = { (int32_t)micro_between(r, 1 << 30, LKS_INT32_MAX), rounding == LKS_TFLITE ? 0 : 30 };

    do {
        if (wild)
            rq = micro_rq(r, &modes[micro_between(r, 0, 1)]);
        else
            for (int64_t b = bound; b > top; b /= 2)
                rq.s += rounding == LKS_TFLITE ? -1 : 1;
    } while (micro_limit(rq, rounding) < bound);
    return rq;
}

static lks_addition add_tflite(micro_run *r, int wild)
{
    lks_addition p = { .a_zero = any_zero(r), .b_zero = any_zero(r), .tail = micro_tail(r, LKS_TFLITE) };
    int64_t bound = 0;

    p.left_shift = (int32_t)(wild ? micro_between(r, 0, 22) : 20);
    for (int i = 0; i < 2; i++) {
        const int64_t most = reach(i ? p.b_zero : p.a_zero) << p.left_shift;
        lks_rq *rq = i ? &p.b_rq : &p.a_rq;

        rq->m = (int32_t)(micro_chance(r, 3) ? 1 << 30 : micro_between(r, 1 << 30, LKS_INT32_MAX));
        rq->s = (int32_t)-micro_between(r, 0, wild ? 12 : 4);
        if (wild && micro_chance(r, 8))
            *rq = (lks_rq){ (int32_t)micro_between(r, 0, LKS_INT32_MAX), (int32_t)-micro_between(r, 0, 31) };
        bound += lks_requant_tflite((int32_t)most, *rq);
    }
    p.rq = scale_for(r, LKS_TFLITE, bound, wild && micro_chance(r, 2));
    return p;
}

static lks_addition add_half_up(micro_run *r, int wild)
{
    lks_addition p = { .a_zero = any_zero(r), .b_zero = any_zero(r), .tail = micro_tail(r, LKS_HALF_UP) };
    const int64_t most = LKS_INT32_MAX / (reach(p.a_zero) + reach(p.b_zero));
    int64_t a, b;

    p.a_rq.m = (int32_t)micro_between(r, wild ? -most : most / 8, most);
    p.b_rq.m = (int32_t)(wild && micro_chance(r, 2) ? micro_between(r, -3, 3) : micro_between(r, wild ? -most : most / 8, most));
    a = p.a_rq.m < 0 ? -(int64_t)p.a_rq.m : p.a_rq.m;
    b = p.b_rq.m < 0 ? -(int64_t)p.b_rq.m : p.b_rq.m;
    p.rq = scale_for(r, LKS_HALF_UP, reach(p.a_zero) * a + reach(p.b_zero) * b, wild);
    return p;
}

static lks_multiplication mul_of(micro_run *r, int32_t rounding, int wild)
{
    lks_multiplication p = { .a_zero = any_zero(r), .b_zero = any_zero(r), .tail = micro_tail(r, rounding) };

    p.rq = scale_for(r, rounding, reach(p.a_zero) * reach(p.b_zero), wild);
    p.positive = scale_for(r, rounding, reach(p.a_zero), wild);
    return p;
}

static lks_cpu_pair pair_of(micro_run *r, int32_t kind, int32_t rounding, int wild)
{
    lks_pair p = { .kind = kind };

    if (kind == LKS_BINARY_ADD) {
        p.add = rounding == LKS_TFLITE ? add_tflite(r, wild) : add_half_up(r, wild);
        p.add.subtracts = (int32_t)micro_between(r, -1, 1);
    } else
        p.mul = mul_of(r, rounding, wild);
    return lks_cpu_pair_of(&p);
}

/* ---- runs ---------------------------------------------------------------------------------------------------------------- */

static void name_case(micro_run *r, const lks_cpu_pair *p, int32_t rounding, size_t count, const char *what)
{
    const lks_rq rq = p->pair.kind == LKS_BINARY_ADD ? p->pair.add.rq : p->pair.mul.rq;

    micro_case(r, "%s, %s, rounding %d, M %d, s %d, %d pairs%s", kinds[p->pair.kind], ways[p->way], (int)rounding, (int)rq.m,
               (int)rq.s, (int)count, what);
}

static void test_all(micro_run *r, const lks_cpu_pair *p, int32_t rounding)
{
    int8_t *a, *b;
    micro_output y;

    name_case(r, p, rounding, 65536, ", all there are");
    a = micro_take(r, 65536);
    b = micro_take(r, 65536);
    y = micro_output_of(r, 65536, 1);
    for (int32_t i = 0; i < 65536; i++) {
        a[i] = (int8_t)((i >> 8) - 128);
        b[i] = (int8_t)((i & 255) - 128);
        ((int8_t *)y.expected)[i] = lks_pair_value(a[i], b[i], p->pair);
    }
    r->isa->pairs(p, a, 1, b, 1, y.got, 65536);
    micro_compare(r, &y);
}

/* Steps of 0 read one element; without them, y may be one of the operands. */
static void test_run(micro_run *r, const lks_cpu_pair *p, int32_t rounding, size_t count)
{
    const size_t a_step = !micro_chance(r, 3), b_step = !micro_chance(r, 3);
    const int in_place = a_step && b_step ? (int)micro_between(r, 0, 2) : 0;
    const int8_t *a, *b;
    micro_output y;

    name_case(r, p, rounding, count, !a_step ? !b_step ? ", one with one" : ", one with all" : !b_step ? ", all with one"
              : in_place == 1 ? ", into the first" : in_place == 2 ? ", into the second" : "");
    a = micro_input(r, a_step ? count : 1);
    b = micro_input(r, b_step ? count : 1);
    y = micro_output_of(r, count, 1);
    for (size_t i = 0; i < count; i++)
        ((int8_t *)y.expected)[i] = lks_pair_value(a[i * a_step], b[i * b_step], p->pair);
    if (in_place == 1)
        a = memcpy(y.got, a, count);
    if (in_place == 2)
        b = memcpy(y.got, b, count);
    r->isa->pairs(p, a, a_step, b, b_step, y.got, count);
    micro_compare(r, &y);
}

static void test_pair(micro_run *r, const lks_cpu_pair *p, int32_t rounding, int shortened)
{
    const size_t most = 2 * (size_t)micro_block_elements(r) + 3;

    test_all(r, p, rounding);
    for (size_t count = 0; count <= most; count++)
        if (!shortened || micro_chance(r, 8))
            test_run(r, p, rounding, count);
}

/* All that pair.c may choose, and the way that is always right. */
void micro_test_pairs(micro_run *r)
{
    for (int32_t kind = 0; kind < KINDS; kind++)
        for (int32_t rounding = LKS_HALF_UP; rounding <= LKS_TFLITE; rounding++) {
            int seen[WAYS] = { 0 };

            for (int i = 0; i < TRIES; i++) {
                lks_cpu_pair p = pair_of(r, kind, rounding, i % 4 != 0);

                test_pair(r, &p, rounding, seen[p.way]++);
                p.way = LKS_CPU_PAIR_ANY;
                if (i == 0)
                    test_pair(r, &p, rounding, 0);
            }
            micro_case(r, "%s, rounding %d: the number of linear and of fast ones", kinds[kind], (int)rounding);
            micro_same(r, LKS_CPU_PAIR_LINEAR, kind == LKS_BINARY_ADD, seen[LKS_CPU_PAIR_LINEAR] > 0);
            micro_same(r, LKS_CPU_PAIR_FAST, 1, seen[LKS_CPU_PAIR_FAST] > 0);
        }
}
