# SPDX-License-Identifier: Apache-2.0
"""The arithmetic of spec 3, in unbounded integers.

Whatever the specification calls i32 is checked to be one: `i32` raises
OverflowError where an implementation with that width would go wrong.
"""

from functools import lru_cache
from typing import Callable

from .op_table import HALF_UP

I32_MAX = 2**31 - 1
I32_MIN = -(2**31)

# Spec 3.3: e^-(2^(j - 2)), e^-(1 / 8) and 1 / 3 in units of 2^-31; 48 / 17 and -32 / 17 in units of 2^-29.
EXP_FACTORS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
EXP_OF_MINUS_EIGHTH = 1895147668
ONE_THIRD = 715827883
RECIP_START, RECIP_SLOPE = 1515870810, -1010580540
# Spec 3.4: e^-(1 / 48) in units of 2^-31.
EXP_OF_MINUS_FORTY_EIGHTH = 2103207220


def i32(value: int) -> int:
    """`value`, which must fit 32 bits."""
    if not I32_MIN <= value <= I32_MAX:
        raise OverflowError(f"{value} does not fit i32")
    return value


def all_i32(values: list[int]) -> list[int]:
    """`values`, each of which must fit 32 bits."""
    i32(min(values))
    i32(max(values))
    return values


def clamp(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def maxabs(zero: int) -> int:
    """The largest |x - zero| for an i8 value x (spec 3.2)."""
    return max(127 - zero, zero + 128)


def rshift(x: int, n: int) -> int:
    """Division by 2^n, ties away from zero (spec 3.3; also the second rounding of tflite)."""
    if n == 0:
        return x
    half = 1 << (n - 1)
    return (x + half) >> n if x >= 0 else -((half - x) >> n)


def requantizer(rounding: int, m: int, s: int) -> Callable[[int], int]:
    """requant(., m, s) of spec 3.1 as a function of the accumulator."""
    if rounding == HALF_UP:
        half = 1 << (s - 1)
        return lambda acc: (acc * m + half) >> s
    factor = m << max(s, 0)         # (acc * 2^s) * m = acc * (m * 2^s), exactly
    if s >= 0:
        return lambda acc: (acc * factor + 2**30) >> 31
    return lambda acc: rshift((acc * factor + 2**30) >> 31, -s)


def requant(rounding: int, acc: int, m: int, s: int) -> int:
    """requant(acc, m, s) of spec 3.1."""
    return requantizer(rounding, m, s)(i32(acc))


def mulh(a: int, b: int) -> int:
    """The rounded high half of a doubled product, ties toward plus infinity."""
    return i32((i32(a) * i32(b) + 2**30) >> 31)


def lshift_sat(x: int, n: int) -> int:
    return clamp(i32(x) << n, I32_MIN, I32_MAX)


def exp5(a: int) -> int:
    """e^(a / 2^26) in units of 2^-31, for -31 * 2^26 <= a <= 0."""
    if not -31 * 2**26 <= a <= 0:
        raise ValueError(f"exp5({a}) is outside the domain")
    if a == 0:
        return I32_MAX
    r = a % 2**24 - 2**24
    t = i32(r * 2**5 + 2**28)
    t2 = mulh(t, t)
    t3 = mulh(t2, t)
    t4 = mulh(t2, t2)
    p = rshift(i32(mulh(i32(rshift(t4, 2) + t3), ONE_THIRD) + t2), 1)
    v = i32(EXP_OF_MINUS_EIGHTH + mulh(EXP_OF_MINUS_EIGHTH, i32(t + p)))
    rem = r - a
    for j, factor in enumerate(EXP_FACTORS):
        if rem >> (24 + j) & 1:
            v = mulh(v, factor)
    return v


def recip(a: int) -> int:
    """1 / (1 + a / 2^31) in units of 2^-31, for 0 <= a <= 2^31 - 1."""
    if not 0 <= a <= I32_MAX:
        raise ValueError(f"recip({a}) is outside the domain")
    h = (a + 2**31) >> 1
    x = i32(RECIP_START + mulh(h, RECIP_SLOPE))
    for _ in range(3):
        x = i32(x + lshift_sat(mulh(x, i32(2**29 - mulh(h, x))), 2))
    return lshift_sat(x, 1)


def sat16(value: int) -> int:
    return clamp(value, -(2**15), 2**15 - 1)


@lru_cache(maxsize=1)
def sigmoid_table() -> tuple[int, ...]:
    """S of spec 3.4: sigma(i / 24) in units of 2^-16, somewhat raised."""
    e, g = 2**31, []
    for _ in range(511):
        g.append(2**62 // (2**31 + e))
        e = (e * EXP_OF_MINUS_FORTY_EIGHTH + 2**30) >> 31
    return tuple((3 * g[2 * i] + 2 * g[2 * i + 1] - g[2 * i + 2] + 2**16) >> 17 for i in range(255)) + (65535,)


def interpolated(a: int, bits: int) -> int:
    """S at |a| / 2^bits, in units of 2^-(16 + bits)."""
    table, u, f = sigmoid_table(), abs(a) >> bits, abs(a) % 2**bits
    return table[u] * 2**bits + f * (table[u + 1] - table[u]) if u < 255 else 65535 * 2**bits


def sigmoid(v: int) -> int:
    """sigma(v / 2^12) in units of 2^-15."""
    a = 3 * v
    r = interpolated(a, 9)
    return (r + 2**9) >> 10 if a >= 0 else (2**25 - r + 2**9 - 1) >> 10


def tanh(v: int, shift: int) -> int:
    """The hyperbolic tangent of v in units of 2^(shift - 12), in units of 2^-15."""
    a = i32(v * 3 * 2**shift if shift >= 0 else (v * 3 + 2**(-shift - 1)) >> -shift)
    r = interpolated(a, 8)
    return (r - 2**23 + 2**7) >> 8 if a >= 0 else (2**23 - r + 2**7 - 1) >> 8
