# SPDX-License-Identifier: Apache-2.0
"""conv_3d: kernels, strides, dilations and padding on three axes, groups, zero points, the bound."""

from math import prod

from ..builder import ROUNDING_NAMES, Case, Rng, centered_rows, channel_constants, filled, input_size, join, single
from ..lks_file import I8, I32, Model
from .multipliers import FINE

# x, o: shape and output channels; k, s, d: kernel, stride, dilation; p: front back top bottom left right; g: groups; z: x_zero, w_zero,
# y_zero; v: pad_value
SHAPES = (
    dict(x=(1, 3, 3, 3, 2), o=3, k=(2, 2, 2), z=(-128, 0, 3)),
    dict(x=(1, 4, 3, 3, 4), o=4, k=(3, 3, 3), p=(1, 1, 1, 1, 1, 1), z=(7, 0, 0), run=2),
    dict(x=(1, 3, 4, 2, 3), o=2, k=(1, 2, 2), s=(1, 2, 1), z=(0, 0, 0)),
    dict(x=(2, 3, 2, 2, 3), o=5, k=(1, 1, 1), z=(127, 0, 0), run=1),
    dict(x=(1, 7, 2, 3, 1), o=2, k=(3, 1, 2), s=(2, 1, 1), d=(2, 1, 1), p=(2, 1, 0, 0, 1, 0), z=(-128, 0, 0), v=-100),
    dict(x=(1, 2, 2, 2, 2), o=2, k=(4, 1, 1), s=(3, 1, 1), p=(3, 3, 0, 0, 0, 0), z=(5, 0, 0), v=90),
    dict(x=(1, 1, 1, 1, 3), o=4, k=(3, 3, 3), p=(2, 2, 2, 2, 2, 2), z=(-5, 3, 0)),
    dict(x=(1, 3, 3, 2, 4), o=4, k=(2, 2, 2), g=4, z=(4, 0, 0), run=2),
    dict(x=(1, 3, 2, 3, 6), o=4, k=(3, 2, 1), p=(1, 0, 0, 1, 0, 0), g=2, z=(-20, 9, 0)),
    dict(x=(1, 3, 2, 2, 4), o=8, k=(1, 2, 2), s=(2, 1, 1), g=4, z=(-128, 0, 0), clamp=(-100, 20)),
    dict(x=(1, 5, 2, 2, 2), o=1, k=(2, 1, 1), s=(65535, 1, 1), d=(3, 1, 1), z=(0, 0, 0)),
)


def conv_3d(rounding: int, weights, bias, rq, x, o, k, s=(1, 1, 1), d=(1, 1, 1), p=(0,) * 6, g=1, z=(0, 0, 0), v=None,
            clamp=(-128, 127)) -> Model:
    out = [(x[1 + i] + p[2 * i] + p[2 * i + 1] - (k[i] - 1) * d[i] - 1) // s[i] + 1 for i in range(3)]
    return single("conv_3d", x, (x[0], *out, o),
                  [((o, *k, x[4] // g), weights, I8), ((o,), bias, I32), ((o, 2), [n for pair in rq for n in pair], I32)],
                  stride_d=s[0], stride_h=s[1], stride_w=s[2], dilation_d=d[0], dilation_h=d[1], dilation_w=d[2],
                  pad_front=p[0], pad_back=p[1], pad_top=p[2], pad_bottom=p[3], pad_left=p[4], pad_right=p[5],
                  pad_value=z[0] if v is None else v, groups=g, x_zero=z[0], w_zero=z[1], y_zero=z[2], y_min=clamp[0], y_max=clamp[1],
                  rounding=rounding)


def shape_cases():
    rails = ("low", "high", "alternating")
    for number, config in enumerate(SHAPES):
        config = dict(config)
        run, terms = config.pop("run", config["x"][0]), prod(config["k"]) * config["x"][4] // config.get("g", 1)
        for rounding, mode in enumerate(ROUNDING_NAMES):
            rng = Rng(900 + 2 * number + rounding)
            weights = rng.list(config["o"] * terms, -127 if config["z"][1] == 0 else -128, 127)
            bias, rq = channel_constants(rng, rounding, centered_rows(weights, config["o"], config["z"][1]), config["z"][0])
            model = conv_3d(rounding, weights, bias, rq, **config)
            for pattern in ("random", rails[number % 3]):
                name = f"conv_3d {mode} {number} x{join(config['x'])} k{join(config['k'])} n{run} {pattern}"
                yield Case(name, model, filled(input_size(model, run), pattern, number), run)


def bound_cases():
    terms = 2 * 3 * 3 * 4
    for rounding, mode in enumerate(ROUNDING_NAMES):
        bias = 2**31 - 1 - 255 * 127 * terms
        model = conv_3d(rounding, [127] * terms + [-127] * terms, [bias, -bias], [FINE[rounding]] * 2, x=(1, 2, 3, 3, 4), o=2, k=(2, 3, 3),
                        z=(-128, 0, 0))
        yield Case(f"conv_3d {mode} bound", model, filled(input_size(model, 1), "high", 7), 1)


def cases():
    yield from shape_cases()
    yield from bound_cases()
