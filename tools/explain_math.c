/* SPDX-License-Identifier: Apache-2.0
 *
 * The arithmetic of docs/spec.md section 3 in 64 bits, written for `lockstep explain` alone, with each step noted.
 */
#include "tools/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void explain_note(explanation *e, const char *name, int64_t value, const char *format, ...)
{
    explain_step *s;
    va_list args;

    if (e->steps == EXPLAIN_STEPS)
        return;
    s = &e->step[e->steps++];
    snprintf(s->name, sizeof s->name, "%s", name);
    s->value = value;
    va_start(args, format);
    vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
}

/* ---- integers ------------------------------------------------------------------------------------------------------------ */

static int64_t power(int64_t n)
{
    return (int64_t)1 << n;
}

int64_t explain_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

int64_t explain_shift(int64_t x, int64_t n)
{
    return explain_floor(x, power(n));
}

int64_t explain_rshift(int64_t x, int64_t n)
{
    int64_t magnitude = x < 0 ? -x : x;

    if (n == 0)
        return x;
    magnitude = explain_shift(magnitude + power(n - 1), n);
    return x < 0 ? -magnitude : magnitude;
}

int64_t explain_mulh(int64_t a, int64_t b)
{
    return explain_shift(a * b + power(30), 31);
}

static int64_t clamp(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static int64_t shift_left_saturated(int64_t x, int64_t n)
{
    return clamp(x * power(n), -power(31), power(31) - 1);
}

/* ---- requantization (spec 3.1) ------------------------------------------------------------------------------------------- */

static int64_t half_up(explanation *e, const char *prefix, int64_t acc, int64_t m, int64_t s)
{
    char name[24];
    int64_t y = explain_shift(acc * m + power(s - 1), s);

    snprintf(name, sizeof name, "%sproduct", prefix);
    explain_note(e, name, acc * m, "%" PRId64 " * %" PRId64 " (m)", acc, m);
    snprintf(name, sizeof name, "%srequant", prefix);
    explain_note(e, name, y, "(%" PRId64 " + 2^%" PRId64 ") >> %" PRId64 " (s), ties up", acc * m, s - 1, s);
    return y;
}

static int64_t tflite(explanation *e, const char *prefix, int64_t acc, int64_t m, int64_t s)
{
    int64_t left = s > 0 ? s : 0, n = s < 0 ? -s : 0, a = acc * power(left), x = explain_shift(a * m + power(30), 31);
    int64_t y = explain_rshift(x, n);
    char name[24];

    snprintf(name, sizeof name, "%sa", prefix);
    explain_note(e, name, a, "%" PRId64 " * 2^%" PRId64 " (s = %" PRId64 ")", acc, left, s);
    snprintf(name, sizeof name, "%sx", prefix);
    explain_note(e, name, x, "(%" PRId64 " * %" PRId64 " (m) + 2^30) >> 31, ties up", a, m);
    snprintf(name, sizeof name, "%srequant", prefix);
    if (n == 0)
        explain_note(e, name, y, "x, as n = 0");
    else
        explain_note(e, name, y, "%s((%" PRId64 " + 2^%" PRId64 ") >> %" PRId64 " (n)), ties away from zero", x < 0 ? "-" : "",
                     x < 0 ? -x : x, n - 1, n);
    return y;
}

int64_t explain_requant(explanation *e, const char *prefix, int64_t acc, int64_t m, int64_t s, int32_t rounding)
{
    return rounding == LKS_TFLITE ? tflite(e, prefix, acc, m, s) : half_up(e, prefix, acc, m, s);
}

void explain_clamp(explanation *e, int64_t value, int64_t lo, int64_t hi)
{
    e->stored = clamp(value, lo, hi);
    explain_note(e, "y", e->stored, "clamp to %" PRId64 " .. %" PRId64, lo, hi);
}

void explain_finish(explanation *e, int64_t acc, int64_t m, int64_t s, const int64_t tail[3], int32_t rounding)
{
    int64_t y;

    if ((uint64_t)(acc < 0 ? -acc : acc) > e->bound) {
        e->broken = true;
        error_set(e->error, "the accumulator %" PRId64 " exceeds the bound %" PRIu64 " that was proven for it", acc, e->bound);
        return;
    }
    y = explain_requant(e, "", acc, m, s, rounding);
    explain_note(e, "+ y_zero", y + tail[0], "%" PRId64 " + %" PRId64, y, tail[0]);
    explain_clamp(e, y + tail[0], tail[1], tail[2]);
}

/* ---- softmax (spec 3.3, 4.9) --------------------------------------------------------------------------------------------- */

#define NOTE(name, value, ...)                              \
    do {                                                    \
        if (note)                                           \
            explain_note(e, name, value, __VA_ARGS__);      \
    } while (0)

static int64_t exp5_factors(explanation *e, int64_t v, int64_t rem, bool note)
{
    static const int64_t k[7] = { 1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242 };

    for (int j = 0; j < 7; j++)
        if (explain_shift(rem, 24 + j) % 2 != 0) {
            NOTE("v", explain_mulh(v, k[j]), "mulh(%" PRId64 ", K[%d] = %" PRId64 "): bit %d of rem is set", v, j, k[j], 24 + j);
            v = explain_mulh(v, k[j]);
        }
    return v;
}

static int64_t exp5(explanation *e, int64_t a, bool note)
{
    int64_t r, t, t2, t3, t4, p, v;

    if (a == 0)
        return power(31) - 1;
    r = a - explain_floor(a, power(24)) * power(24) - power(24);
    t = r * 32 + power(28);
    t2 = explain_mulh(t, t);
    t3 = explain_mulh(t2, t);
    t4 = explain_mulh(t2, t2);
    p = explain_rshift(explain_mulh(explain_rshift(t4, 2) + t3, 715827883) + t2, 1);
    v = 1895147668 + explain_mulh(1895147668, t + p);
    NOTE("r", r, "(%" PRId64 " mod 2^24) - 2^24", a);
    NOTE("t", t, "%" PRId64 " * 2^5 + 2^28", r);
    NOTE("t2", t2, "mulh(t, t)");
    NOTE("t3", t3, "mulh(t2, t)");
    NOTE("t4", t4, "mulh(t2, t2)");
    NOTE("p", p, "rshift(mulh(rshift(t4, 2) + t3, 715827883) + t2, 1)");
    NOTE("v", v, "1895147668 + mulh(1895147668, t + p)");
    NOTE("rem", r - a, "r - a");
    return exp5_factors(e, v, r - a, note);
}

int64_t explain_softmax_exp(explanation *e, int64_t d, int64_t m, int64_t s, bool note)
{
    int64_t lowest = -explain_shift(31 * power(26), s), a, y;

    if (d < lowest) {
        NOTE("E", 0, "d = %" PRId64 " is below d_min = %" PRId64, d, lowest);
        return 0;
    }
    a = explain_mulh(d * power(s), m);
    NOTE("exp5 of", a, "mulh(%" PRId64 " * 2^%" PRId64 " (s), %" PRId64 " (m))", d, s, m);
    y = exp5(e, a, note);
    NOTE("E", y, "exp5, e^(x - top) in units of 2^-31");
    return y;
}

int64_t explain_recip(explanation *e, int64_t a)
{
    int64_t h = explain_shift(a + power(31), 1), x = 1515870810 + explain_mulh(h, -1010580540);

    explain_note(e, "recip h", h, "(%" PRId64 " + 2^31) >> 1", a);
    explain_note(e, "recip x", x, "1515870810 + mulh(h, -1010580540)");
    for (int i = 0; i < 3; i++) {
        x += shift_left_saturated(explain_mulh(x, power(29) - explain_mulh(h, x)), 2);
        explain_note(e, "recip x", x, "x + lshift_sat(mulh(x, 2^29 - mulh(h, x)), 2)");
    }
    explain_note(e, "r", shift_left_saturated(x, 1), "lshift_sat(x, 1)");
    return shift_left_saturated(x, 1);
}
