# SPDX-License-Identifier: Apache-2.0
"""requant: all 256 values under every multiplier at an edge, every zero point, and activations."""

import struct

from ..builder import ROUNDING_NAMES, Case, Rng, filled, i8_bytes, input_size, join, single
from ..lks_file import I8, I16, Model
from ..op_table import HALF_UP
from .multipliers import EDGES

ALL = i8_bytes(range(-128, 128))


def requant(shape, rounding: int, m: int, s: int, x_zero=0, y_zero=0, clamp=(-128, 127), interface=I8) -> Model:
    return single("requant", shape, shape, x_interface=interface, x_zero=x_zero, y_zero=y_zero, m=m, s=s,
                  y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def edge_cases():
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            model = requant((1, 16), rounding, m, s)
            yield Case(f"requant {mode} all values m {m} s {s}", model, ALL, 16)


def zero_cases():
    """Zero points at the rails, with scales near one and activations that cut."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for number, (x_zero, y_zero, clamp) in enumerate(((-128, 0, (-128, 127)), (127, -128, (-128, 127)),
                                                          (-1, 127, (-100, 100)), (5, 5, (5, 5)),
                                                          (-128, -128, (-128, 127)), (127, 127, (0, 127)))):
            m, s = ((2**30 + 12345 * number, 31), (2**31 - 1 - 999 * number, -number))[rounding]
            model = requant((1, 16, 16, 1), rounding, m, s, x_zero, y_zero, clamp)
            yield Case(f"requant {mode} x_zero {x_zero} y_zero {y_zero} clamp {clamp[0]} {clamp[1]}", model, ALL, 1)


def shape_cases():
    """Every rank, and batches other than the stated one."""
    rng = Rng(41)
    for number, shape in enumerate(((7,), (1, 3), (2, 3, 5), (1, 2, 3, 4), (2, 1, 3, 1, 2), (1, 2, 1, 2, 3, 17))):
        rounding = number % 2
        model = requant(shape, rounding, rng.between(2**30, 2**31 - 1), (31, 0)[rounding], rng.between(-128, 127),
                        rng.between(-40, 40))
        batch = number + 1
        yield Case(f"requant {ROUNDING_NAMES[rounding]} x{join(shape)} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)


def wide_cases():
    """x of i16: values on both sides of ties, zero points at the rails, every edge of (m, s) that the bound allows."""
    values = [v for around in (-2**15, -2**8, -3, 0, 3, 2**7, 2**14, 2**15 - 1) for v in range(around - 8, around + 8)]
    data = struct.pack("<128h", *(max(-2**15, min(2**15 - 1, v)) for v in values))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            if rounding == HALF_UP or s <= 15:
                yield Case(f"requant {mode} of i16 m {m} s {s}", requant((1, 16), rounding, m, s, interface=I16), data, 8)
        for x_zero in (-2**15, 2**15 - 1, -1, 300):
            m, s = ((2**30 + 77777, 38), (2**31 - 9999, -8))[rounding]
            model = requant((2, 4, 16), rounding, m, s, x_zero, -3, (-100, 90), I16)
            yield Case(f"requant {mode} of i16 x_zero {x_zero}", model, data, 2)


def cases():
    yield from edge_cases()
    yield from zero_cases()
    yield from shape_cases()
    yield from wide_cases()
