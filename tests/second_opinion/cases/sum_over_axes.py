# SPDX-License-Identifier: Apache-2.0
"""sum: every set of axes for ranks 1 to 4, kept and left out; means, ties and bounds."""

from math import prod

from ..builder import ROUNDING_NAMES, Case, Rng, filled, i8_bytes, input_size, join, multiplier, single
from ..lks_file import Model
from .multipliers import EDGES

SHAPES = ((5,), (3, 4), (2, 3, 5), (2, 3, 4, 3))


def sum_model(x, axes: int, keep: bool, rounding: int, m: int, s: int, x_zero=0, y_zero=0,
              clamp=(-128, 127)) -> Model:
    summed = [bool(axes >> i & 1) for i in range(len(x))]
    if keep:
        y = tuple(1 if gone else extent for extent, gone in zip(x, summed))
    else:
        y = tuple(extent for extent, gone in zip(x, summed) if not gone) or (1,)
    return single("sum", x, y, axes=axes, x_zero=x_zero, y_zero=y_zero, m=m, s=s,
                  y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def mask_cases():
    for shape in SHAPES:
        for axes in range(1, 1 << len(shape)):
            for keep in (True, False):
                rounding = (axes + keep) % 2
                seed = 700 + 100 * len(shape) + 2 * axes + keep
                rng = Rng(seed)
                count = prod(extent for i, extent in enumerate(shape) if axes >> i & 1)
                m, s = multiplier(rng, rounding, 128 * count)
                model = sum_model(shape, axes, keep, rounding, m, s, rng.between(-30, 30), rng.between(-9, 9))
                batch = shape[0] if axes & 1 else shape[0] + axes % 3
                name = (f"sum {ROUNDING_NAMES[rounding]} x{join(shape)} axes {axes} "
                        f"{'kept' if keep else 'left out'} n{batch} seed {seed}")
                yield Case(name, model, filled(input_size(model, batch), "random", seed), batch)


def other_shape_cases():
    for number, (shape, axes, batch) in enumerate((((1, 7, 7, 17), 6, 3), ((1, 2, 1, 3, 2, 4), 0b101010, 2),
                                                   ((2, 2, 2, 2, 3), 0b10110, 5), ((1, 1, 1, 16), 6, 4),
                                                   ((1, 300), 2, 2))):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            count = prod(extent for i, extent in enumerate(shape) if axes >> i & 1)
            m, s = multiplier(Rng(number), rounding, 160 * count)
            x_zero, y_zero = ((-128, -128), (127, 100), (0, 3))[number % 3]
            clamp = ((-128, 127), (-20, 60))[number % 2]
            model = sum_model(shape, axes, number % 2 == 0, rounding, m, s, x_zero, y_zero, clamp)
            for pattern in ("random", ("low", "high")[rounding]):
                yield Case(f"sum {mode} x{join(shape)} axes {axes} n{batch} {pattern} seed {number}", model,
                           filled(input_size(model, batch), pattern, number), batch)


def edge_cases():
    """Pairs that sum to -256 .. 254 under multipliers at the edges."""
    pairs = i8_bytes(value for i in range(-128, 128) for value in (i, (i + 1) // 2))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            if s != 23 or rounding == 0:
                model = sum_model((1, 8, 2), 0b100, False, rounding, m, s)
                yield Case(f"sum {mode} pairs m {m} s {s}", model, pairs, 32)


def cases():
    yield from mask_cases()
    yield from other_shape_cases()
    yield from edge_cases()
