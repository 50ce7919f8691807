# SPDX-License-Identifier: Apache-2.0
"""prelu: all values of x with slopes of all kinds, broadcasting, zero points at the rails, ties, edges and bounds."""

from math import prod

from ..builder import ROUNDING_NAMES, Case, Rng, filled, i8_bytes, input_size, join, multiplier, single
from ..checks import is_batch_free
from ..lks_file import I8, Model
from ..op_table import HALF_UP, TFLITE
from .multipliers import EDGES, UNIT

ALL = i8_bytes(range(-128, 128))
SLOPES = (-128, -127, -65, -64, -3, -2, -1, 0, 1, 2, 3, 32, 63, 64, 126, 127)


def prelu(x, slope, values, rounding: int, m: int, s: int, positive=None, x_zero=0, slope_zero=0, y_zero=0,
          clamp=(-128, 127)) -> Model:
    positive_m, positive_s = positive or UNIT[rounding]
    return single("prelu", x, x, [(slope, values, I8)], x_zero=x_zero, slope_zero=slope_zero, y_zero=y_zero,
                  positive_m=positive_m, positive_s=positive_s, m=m, s=s, y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def value_cases():
    """Every x with 16 slopes."""
    settings = ((HALF_UP, 2**30, 36, 0, 0, 0), (HALF_UP, 3 * 2**29, 37, -128, 127, 5), (HALF_UP, 2**31 - 1, 38, 127, -128, -128),
                (TFLITE, 2**30, -6, 0, 0, 0), (TFLITE, 3 * 2**29, -7, -128, 127, 5), (TFLITE, 1518500250, -8, 127, -128, -128),
                (TFLITE, 2**30, -5, -1, 3, 127))
    data = bytes(byte for byte in ALL for _ in SLOPES)
    for number, (rounding, m, s, x_zero, slope_zero, y_zero) in enumerate(settings):
        model = prelu((256, 16), (16,), SLOPES, rounding, m, s, None, x_zero, slope_zero, y_zero)
        yield Case(f"prelu {ROUNDING_NAMES[rounding]} 256 values by 16 slopes, setting {number}", model, data, 256)


def scalar_cases():
    """One slope for all elements, of rank 1 and of the rank of x."""
    for number, value in enumerate((-128, -1, 0, 1, 64, 127)):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            m, s = ((1500000000, 37), (1500000000, -6))[rounding]
            model = prelu((1, 16), ((1,), (1, 1))[number % 2], (value,), rounding, m, s, None, -10, 2 * number, 3)
            yield Case(f"prelu {mode} one slope {value}", model, ALL, 16)


def shape_cases():
    shapes = (((2, 3, 3, 5), (5,)), ((1, 3, 4, 5), (1, 1, 5)), ((1, 3, 4, 5), (3, 4, 5)), ((2, 3, 4), (3, 1)), ((2, 6), (1, 6)),
              ((2, 6), (2, 6)), ((2, 6), (2, 1)), ((7,), (7,)), ((1, 2, 1, 3, 2, 4), (2, 1, 1, 1, 4)), ((3, 4), (1, 1)))
    for number, (x, slope) in enumerate(shapes):
        rounding, seed = number % 2, 1000 + number
        rng = Rng(seed)
        m, s = multiplier(rng, rounding, 5000)
        model = prelu(x, slope, rng.list(prod(slope), -128, 127), rounding, m, s, multiplier(rng, rounding, 128),
                      rng.between(-50, 50), rng.between(-30, 30), rng.between(-20, 20), ((-128, 127), (-60, 90))[number % 3 == 0])
        batch = 1 + number % 4 if is_batch_free(model) else x[0]
        yield Case(f"prelu {ROUNDING_NAMES[rounding]} x{join(x)} slope{join(slope)} n{batch} seed {seed}", model,
                   filled(input_size(model, batch), "random", seed), batch)


def edge_cases():
    """Each multiplier at every edge that its bound allows."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            if rounding == HALF_UP or s <= 17:
                yield Case(f"prelu {mode} m {m} s {s}", prelu((1, 16), (16,), SLOPES, rounding, m, s), ALL, 16)
            if rounding == HALF_UP or s <= 23:
                model = prelu((1, 16), (16,), SLOPES, rounding, 2**30, (37, -6)[rounding], (m, s))
                yield Case(f"prelu {mode} positive_m {m} positive_s {s}", model, ALL, 16)


def cases():
    yield from value_cases()
    yield from scalar_cases()
    yield from shape_cases()
    yield from edge_cases()
