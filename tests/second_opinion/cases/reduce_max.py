# SPDX-License-Identifier: Apache-2.0
"""reduce_max: every set of axes for ranks 1 to 4, kept and left out, the largest and the smallest."""

from ..builder import Case, filled, i8_bytes, input_size, join, single
from ..lks_file import Model
from .sum_over_axes import SHAPES


def reduce_max(x, axes: int, keep: bool, smallest: int = 0, clamp=(-128, 127)) -> Model:
    gone = [bool(axes >> i & 1) for i in range(len(x))]
    if keep:
        y = tuple(1 if out else extent for extent, out in zip(x, gone))
    else:
        y = tuple(extent for extent, out in zip(x, gone) if not out) or (1,)
    return single("reduce_max", x, y, axes=axes, smallest=smallest, y_min=clamp[0], y_max=clamp[1])


def cases():
    for shape in SHAPES + ((1, 2, 1, 3, 2, 4), (2, 300), (1, 9, 9, 17)):
        for axes in range(1, 1 << len(shape)):
            if len(shape) == 6 and axes % 5:
                continue
            keep, smallest, seed = bool(axes & 2), (axes >> 1 ^ axes) & 1, 1200 + axes
            model = reduce_max(shape, axes, keep, smallest, ((-128, 127), (-60, 60))[axes % 3 == 0])
            batch = shape[0] if axes & 1 else shape[0] + axes % 3
            what = f"axes {axes} {'kept' if keep else 'left out'} smallest {smallest}"
            yield Case(f"reduce_max x{join(shape)} {what} n{batch} seed {seed}", model,
                       filled(input_size(model, batch), "random", seed), batch)
    for smallest in (0, 1):
        for pattern in ("low", "high", "alternating"):
            model = reduce_max((2, 35), 2, False, smallest)
            yield Case(f"reduce_max smallest {smallest} {pattern}", model, filled(70, pattern, 0), 2)
        model = reduce_max((256, 2), 2, False, smallest)
        data = i8_bytes(value for i in range(-128, 128) for value in (i, -1 - i))
        yield Case(f"reduce_max smallest {smallest} of all values and their complements", model, data, 256)
