# SPDX-License-Identifier: Apache-2.0
"""resize_bilinear: growing and shrinking by TensorFlow Lite's three rules, ties of both roundings, places outside the image."""

from ..builder import ROUNDING_NAMES, Case, filled, i8_bytes, input_size, join, single
from ..lks_file import Model

# x, OH, OW; how: by the extents, by the corners, from the centres; run: the batch of the run.
SHAPES = (((1, 3, 4, 5), 6, 8, "extents", 2), ((2, 3, 3, 4), 5, 5, "corners", 3), ((1, 4, 4, 3), 8, 8, "centres", 2),
          ((1, 7, 9, 2), 3, 4, "extents", 1), ((1, 7, 9, 2), 3, 4, "corners", 2), ((1, 7, 9, 2), 3, 4, "centres", 2),
          ((1, 1, 1, 16), 3, 5, "corners", 1), ((2, 5, 6, 1), 1, 1, "corners", 2), ((1, 5, 6, 1), 1, 1, "centres", 1),
          ((1, 5, 5, 17), 5, 5, "extents", 1), ((1, 33, 2, 1), 65, 3, "corners", 1), ((1, 2, 3, 8), 17, 16, "centres", 3))


def axis(extent: int, out: int, how: str) -> tuple[int, int]:
    """scale and offset."""
    if how == "corners" and out > 1:
        return (1024 * (extent - 1) + (out - 1) // 2) // (out - 1), 0
    scale = (1024 * extent + out // 2) // out
    return scale, scale // 2 - 512 if how == "centres" else 0


def resize(x, oh: int, ow: int, rounding: int, h: tuple[int, int], w: tuple[int, int]) -> Model:
    return single("resize_bilinear", x, (x[0], oh, ow, x[3]), scale_h=h[0], offset_h=h[1], scale_w=w[0], offset_w=w[1],
                  rounding=rounding)


def shape_cases():
    for number, (x, oh, ow, how, batch) in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            model = resize(x, oh, ow, rounding, axis(x[1], oh, how), axis(x[2], ow, how))
            pattern = ("random", "alternating")[(number + rounding) % 3 == 2]
            yield Case(f"resize_bilinear {mode} x{join(x)} to {oh}x{ow} by {how} n{batch} {pattern} seed {number}", model,
                       filled(input_size(model, batch), pattern, number), batch)


def tie_cases():
    """Between all pairs of neighbours at a half, a quarter, and 1/1024: ties of both signs."""
    data = i8_bytes(value for low in range(-128, 127) for value in (low, low + 1))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for step in (512, 256, 1, 1023):
            model = resize((255, 1, 2, 1), 1, 3, rounding, (1024, 0), (step, 0))
            yield Case(f"resize_bilinear {mode} neighbours, steps of {step}", model, data, 255)


def outside_cases():
    """Places before and behind the image, and scale 0."""
    for number, (h, w) in enumerate((((1024, -3000), (512, 5000)), ((0, 700), (0, -1)), ((2**20, 0), (1024, 1)),
                                     ((300, -512), (2**29, 2**30 - 1)))):
        model = resize((1, 4, 3, 2), 5, 3, number % 2, h, w)
        yield Case(f"resize_bilinear places {h} {w}", model, filled(24, "random", number), 1)


def cases():
    yield from shape_cases()
    yield from tie_cases()
    yield from outside_cases()
