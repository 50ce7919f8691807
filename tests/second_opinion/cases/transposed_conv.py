# SPDX-License-Identifier: Apache-2.0
"""transposed_conv: strides against kernels, padding and rows behind the last kernel, groups, zero points, the bound."""

from math import prod

from ..builder import (ROUNDING_NAMES, Case, Rng, centered_rows, channel_constants, filled, input_size, join, single)
from ..lks_file import I8, I32, Model
from .multipliers import FINE

# x, o: shape and output channels; k, s: kernel, stride; p: top bottom left right; g: groups; z: x_zero, w_zero, y_zero
SHAPES = (
    dict(x=(1, 3, 4, 2), o=3, k=(2, 2), s=(2, 2), z=(-128, 0, 3)),
    dict(x=(1, 3, 3, 4), o=4, k=(3, 3), s=(2, 2), p=(1, 0, 1, 0), z=(7, 0, 0), run=3),
    dict(x=(1, 4, 3, 1), o=5, k=(4, 4), s=(2, 2), p=(1, 1, 1, 1), z=(0, 0, -128)),
    dict(x=(2, 3, 2, 3), o=2, k=(1, 1), s=(3, 2), z=(127, 0, 0), run=1),
    dict(x=(1, 2, 2, 3), o=4, k=(2, 3), s=(4, 5), p=(0, -3, 0, -4), z=(-5, 0, 0)),
    dict(x=(1, 3, 3, 2), o=2, k=(3, 3), s=(1, 1), p=(1, 1, 2, 0), z=(-128, 0, 0)),
    dict(x=(1, 1, 1, 2), o=3, k=(5, 4), s=(2, 3), p=(4, 0, 0, 3), z=(9, 4, 0)),
    dict(x=(1, 1, 5, 2), o=2, k=(3, 3), s=(2, 2), p=(2, 0, 2, 1), z=(-128, -7, 11)),
    dict(x=(1, 3, 2, 4), o=4, k=(3, 2), s=(2, 2), p=(2, -1, 1, -1), g=4, z=(4, 0, 0), run=2),
    dict(x=(1, 2, 3, 4), o=8, k=(3, 3), s=(2, 1), p=(1, 0, 1, 1), g=2, z=(-20, 9, 0)),
    dict(x=(1, 2, 2, 3), o=6, k=(2, 2), s=(2, 2), g=3, z=(-128, 127, 0)),
    dict(x=(1, 1, 2, 1), o=1, k=(1, 2), s=(32, 32), p=(0, -31, 1, -31), z=(0, 0, 0)),
    dict(x=(1, 2, 2, 17), o=16, k=(3, 3), s=(3, 3), z=(-128, 0, -128), clamp=(-128, 20)),
)


def transposed(rounding: int, weights, bias, rq, x, o, k, s=(1, 1), p=(0, 0, 0, 0), g=1, z=(0, 0, 0), clamp=(-128, 127)) -> Model:
    oh, ow = (x[1] - 1) * s[0] + k[0] - p[0] - p[1], (x[2] - 1) * s[1] + k[1] - p[2] - p[3]
    return single("transposed_conv", x, (x[0], oh, ow, o),
                  [((o, *k, x[3] // g), weights, I8), ((o,), bias, I32), ((o, 2), [n for pair in rq for n in pair], I32)],
                  stride_h=s[0], stride_w=s[1], pad_top=p[0], pad_bottom=p[1], pad_left=p[2], pad_right=p[3], groups=g,
                  x_zero=z[0], w_zero=z[1], y_zero=z[2], y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def shape_cases():
    rails = ("low", "high", "alternating")
    for number, config in enumerate(SHAPES):
        config = dict(config)
        run, terms = config.pop("run", config["x"][0]), prod(config["k"]) * config["x"][3] // config.get("g", 1)
        for rounding, mode in enumerate(ROUNDING_NAMES):
            rng = Rng(700 + 2 * number + rounding)
            weights = rng.list(config["o"] * terms, -127 if config["z"][1] == 0 else -128, 127)
            bias, rq = channel_constants(rng, rounding, centered_rows(weights, config["o"], config["z"][1]), config["z"][0])
            model = transposed(rounding, weights, bias, rq, **config)
            for pattern in ("random", rails[number % 3]):
                name = f"transposed_conv {mode} {number} x{join(config['x'])} k{join(config['k'])} s{join(config['s'])} n{run} {pattern}"
                yield Case(name, model, filled(input_size(model, run), pattern, number), run)


def bound_cases():
    """The one output that all taps meet is at plus and minus its bound."""
    terms = 9 * 4
    for rounding, mode in enumerate(ROUNDING_NAMES):
        bias = 2**31 - 1 - 255 * 127 * terms
        model = transposed(rounding, [127] * terms + [-127] * terms, [bias, -bias], [FINE[rounding]] * 2, x=(1, 3, 3, 4), o=2, k=(3, 3),
                           z=(-128, 0, 0))
        yield Case(f"transposed_conv {mode} bound", model, filled(input_size(model, 1), "high", 7), 1)


def cases():
    yield from shape_cases()
    yield from bound_cases()
