# SPDX-License-Identifier: Apache-2.0
"""A small model for each faulty backend that shows its fault."""

from second_opinion import lks_file
from second_opinion.builder import Builder, Rng, channel_constants, centered_rows
from second_opinion.lks_file import I32
from second_opinion.op_table import HALF_UP, TFLITE

HALF = (2**30, 31)                  # half_up: 1/2, so that odd accumulators are ties
ONE = (2**30, 30)
CLAMP = {"y_zero": 0, "y_min": -128, "y_max": 127}


def flat(rows: list[tuple[int, int]]) -> list[int]:
    return [number for row in rows for number in row]


def fully_connected(b: Builder, x: int, k: int, o: int, seed: int, rows: tuple[int, int] | None = None,
                    rounding: int = HALF_UP, x_zero: int = 0) -> int:
    """Random weights; multipliers that spread the outputs, or `rows` for every channel."""
    rng = Rng(seed)
    w = rng.list(o * k, -127, 127)
    bias, rq = channel_constants(rng, rounding, centered_rows(w, o, 0), x_zero)
    operands = [x, b.constant((o, k), w), b.constant((o,), bias, I32), b.constant((o, 2), flat([rows] * o if rows else rq), I32)]
    return b.op("fully_connected", operands, (1, o), x_zero=x_zero, w_zero=0, rounding=rounding, **CLAMP)


def conv(b: Builder, x: int, c: int, o: int, groups: int, seed: int, size: int = 6, pad: int = 0, pad_value: int = 0,
         rounding: int = HALF_UP, x_zero: int = 0) -> int:
    """2 x 2 windows over [1, size, size, c]."""
    rng = Rng(seed)
    group_c = c // groups
    w = rng.list(o * 4 * group_c, -127, 127)
    bias, rq = channel_constants(rng, rounding, centered_rows(w, o, 0), x_zero)
    operands = [x, b.constant((o, 2, 2, group_c), w), b.constant((o,), bias, I32), b.constant((o, 2), flat(rq), I32)]
    out = size - 1 + 2 * pad
    return b.op("conv", operands, (1, out, out, o), stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, pad_top=pad,
                pad_bottom=pad, pad_left=pad, pad_right=pad, pad_value=pad_value, groups=groups, x_zero=x_zero, w_zero=0,
                rounding=rounding, **CLAMP)


def pool(b: Builder, kind: str, x: int, y_shape: tuple, **more: int) -> int:
    """2 x 2 windows with stride 2."""
    return b.op(kind, [x], y_shape, kernel_h=2, kernel_w=2, stride_h=2, stride_w=2, pad_top=0, pad_bottom=0, pad_left=0,
                pad_right=0, y_min=-128, y_max=127, **more)


def add(b: Builder, left: int, right: int, y_shape: tuple) -> int:
    return b.op("add", [left, right], y_shape, a_zero=0, b_zero=0, left_shift=0, a_m=1, a_s=0, b_m=1, b_s=0, m=HALF[0], s=HALF[1],
                rounding=HALF_UP, **CLAMP)


def image(b: Builder, c: int, size: int = 6) -> int:
    return b.input((1, size, size, c), name="x")


def depthwise(b: Builder) -> None:
    conv(b, image(b, 3), 3, 6, 3, seed=1)


def tile(b: Builder) -> None:
    fully_connected(b, b.input((1, 8), name="x"), 8, 19, seed=2)


def table(b: Builder) -> None:
    b.op("lut", [b.input((1, 16), name="x"), b.constant((256,), [127 - i for i in range(256)])], (1, 16))


def wide_conv(b: Builder) -> None:
    conv(b, image(b, 8), 8, 4, 1, seed=3)


def beyond_24_bits(b: Builder) -> None:
    """Where the input is all 127, sums of about 2^25 in which the last bit counts."""
    k, rng = 1024, Rng(4)
    w = [2 * rng.between(50, 63) + 1 for _ in range(k)]
    operands = [b.input((1, k), name="x"), b.constant((1, k), w), b.constant((1,), [-255 * sum(w)], I32),
                b.constant((1, 2), ONE, I32)]
    b.op("fully_connected", operands, (1, 1), x_zero=-128, w_zero=0, rounding=HALF_UP, **CLAMP)


def ties(b: Builder) -> None:
    x = b.input((1, 4), name="x")
    operands = [x, b.constant((2, 4), [1, 0, 0, 0, 0, 1, 0, 0]), b.constant((2,), [0, 0], I32),
                b.constant((2, 2), flat([HALF] * 2), I32)]
    b.op("fully_connected", operands, (1, 2), x_zero=0, w_zero=0, rounding=HALF_UP, **CLAMP)


def rounded_twice(b: Builder) -> None:
    conv(b, image(b, 8, 9), 8, 8, 8, seed=5, size=9, rounding=TFLITE)


def average(b: Builder) -> None:
    pool(b, "avg_pool", image(b, 4), (1, 3, 3, 4), rounding=TFLITE)


def softmax(b: Builder) -> None:
    b.op("softmax", [b.input((1, 256, 5), name="x")], (1, 256, 5), m=1374389535, s=20)      # a scale of 0.01


def two_alike(b: Builder) -> None:
    y = fully_connected(b, b.input((1, 8), name="x"), 8, 8, seed=6)
    fully_connected(b, y, 8, 8, seed=7)


def padded_conv(b: Builder) -> None:
    conv(b, image(b, 4), 4, 4, 1, seed=8, pad=1, pad_value=50, x_zero=50)


def padded_depthwise(b: Builder) -> None:
    conv(b, image(b, 4), 4, 4, 4, seed=9, pad=1, pad_value=-90, x_zero=10)


def two_inputs(b: Builder) -> None:
    add(b, b.input((1, 16), name="left"), b.input((1, 16), name="right"), (1, 16))


def same_bytes(b: Builder) -> None:
    b.op("reshape", [image(b, 4)], (1, 144))


def neighbours(b: Builder) -> None:
    """y fills whole lines of the arena, and t, which is read later, lies behind it."""
    x = b.input((1, 8, 8, 8), name="x")
    t = b.op("sum", [x], (1, 1, 1, 1), axes=0b1110, x_zero=0, m=HALF[0], s=38, rounding=HALF_UP, name="t", **CLAMP)
    y = pool(b, "max_pool", x, (1, 4, 4, 8))
    other = conv(b, y, 8, 4, 1, seed=10, size=4)
    add(b, other, t, (1, 3, 3, 4))


def block(b: Builder) -> None:
    """What is fused into one step: conv, add, lut."""
    x = image(b, 4)
    other = b.input((1, 5, 5, 4), name="other")
    y = add(b, conv(b, x, 4, 4, 1, seed=11), other, (1, 5, 5, 4))
    b.op("lut", [y, b.constant((256,), [(37 * v) % 256 - 128 for v in range(256)])], (1, 5, 5, 4))


# Backend: the maker of its model, and the kind of the op that is wrong in it.
MODELS = {
    "faulty-flip": (depthwise, "conv"), "faulty-tile": (tile, "fully_connected"), "faulty-table": (table, "lut"),
    "faulty-saturate": (wide_conv, "conv"), "faulty-fp32": (beyond_24_bits, "fully_connected"),
    "faulty-ties": (ties, "fully_connected"), "faulty-round": (rounded_twice, "conv"), "faulty-average": (average, "avg_pool"),
    "faulty-softmax": (softmax, "softmax"), "faulty-stale": (two_alike, "fully_connected"), "faulty-pad": (padded_conv, "conv"),
    "faulty-border": (padded_depthwise, "conv"), "faulty-batch": (two_inputs, "add"), "faulty-skip": (same_bytes, "reshape"),
    "faulty-overrun": (neighbours, "sum"), "faulty-variant": (two_inputs, "add"), "faulty-flaky": (two_inputs, "add"),
    "faulty-refuse": (two_inputs, "add"), "faulty-lost": (two_inputs, "add"),
    "faulty-order": (block, "lut"),
}


def model_of(backend: str) -> lks_file.Model:
    b = Builder()
    MODELS[backend][0](b)
    return b.model()
