# SPDX-License-Identifier: Apache-2.0
"""conv: geometry, groups, zero points, rails, and the edges of the arithmetic."""

from math import prod

from ..builder import (ROUNDING_NAMES, Case, Rng, centered_rows, channel_constants, filled, i8_bytes, input_size, join,
                       single)
from ..lks_file import I8, I32, Model
from .multipliers import EDGES, FINE, FINEST, UNIT, UNIT_BOUND

# x: shape; o: output channels; k, s, d: kernel, stride, dilation; p: top bottom left right; g: groups;
# z: x_zero, w_zero, y_zero; v: pad_value; clamp: y_min, y_max; run: the batch of the run.
GEOMETRY = (
    dict(x=(1, 4, 5, 3), o=4, k=(3, 3), p=(1, 1, 1, 1), z=(-128, 0, 3)),
    dict(x=(1, 1, 1, 1), o=1, k=(1, 1), z=(0, 0, 0)),
    dict(x=(1, 3, 4, 16), o=17, k=(1, 1), z=(-128, 0, -128), run=3),
    dict(x=(1, 3, 3, 17), o=16, k=(1, 1), z=(127, 0, 5), run=2),
    dict(x=(2, 4, 4, 15), o=3, k=(1, 1), s=(2, 2), z=(0, 0, 0), run=5),
    dict(x=(1, 6, 5, 4), o=15, k=(3, 2), p=(0, 1, 1, 0), s=(2, 1), z=(10, 0, -20), run=4),
    dict(x=(1, 7, 7, 1), o=3, k=(5, 5), p=(2, 2, 2, 2), s=(2, 2), z=(-128, 0, 0)),
    dict(x=(1, 2, 2, 4), o=4, k=(5, 4), p=(4, 1, 2, 3), z=(-5, 0, 0)),
    dict(x=(1, 1, 1, 3), o=4, k=(3, 3), p=(2, 2, 2, 2), z=(-128, 0, 0), v=-100),
    dict(x=(1, 5, 6, 3), o=4, k=(3, 3), p=(2, 0, 1, 2), z=(-128, 0, 0), v=127),
    dict(x=(1, 5, 6, 3), o=4, k=(3, 3), p=(0, 2, 2, 0), z=(127, 7, 0), v=-128, run=2),
    dict(x=(3, 7, 8, 2), o=3, k=(3, 3), d=(2, 2), p=(2, 2, 2, 2), z=(0, 0, 0)),
    dict(x=(1, 9, 8, 1), o=2, k=(3, 2), d=(3, 5), s=(1, 2), p=(1, 6, 5, 0), z=(-128, 0, 0), v=0),
    dict(x=(1, 9, 9, 3), o=4, k=(2, 2), s=(3, 4), z=(3, -128, 0)),
    dict(x=(1, 4, 4, 16), o=1, k=(3, 3), p=(1, 1, 1, 1), z=(-128, 127, 0)),
    dict(x=(1, 1, 20, 1), o=4, k=(1, 10), s=(1, 3), p=(0, 0, 4, 5), z=(83, 0, -128)),
    dict(x=(1, 3, 3, 4), o=4, k=(3, 3), s=(65535, 65535), z=(0, 0, 0)),
    dict(x=(1, 3, 3, 4), o=4, k=(1, 1), d=(65535, 65535), z=(0, 0, 0)),
    dict(x=(1, 5, 5, 4), o=4, k=(3, 3), p=(1, 1, 1, 1), z=(-128, 0, -128), clamp=(-128, -20)),
    dict(x=(1, 5, 5, 4), o=4, k=(3, 3), p=(1, 1, 1, 1), z=(4, 0, 100), clamp=(7, 7)),
    dict(x=(1, 3, 3, 64), o=20, k=(1, 1), z=(-128, 0, -128), run=2),
    dict(x=(1, 6, 6, 8), o=33, k=(3, 3), p=(1, 1, 1, 1), z=(-128, 0, 0)),
)
GROUPED = (
    dict(x=(1, 5, 5, 16), o=16, k=(3, 3), p=(1, 1, 1, 1), g=16, z=(-128, 0, -128), run=3),
    dict(x=(1, 5, 6, 17), o=17, k=(3, 3), p=(0, 1, 0, 1), s=(2, 2), g=17, z=(11, 0, 0)),
    dict(x=(1, 4, 4, 3), o=6, k=(3, 3), p=(1, 1, 1, 1), g=3, z=(-128, 0, 0), run=2),
    dict(x=(1, 4, 4, 4), o=16, k=(2, 2), g=4, z=(0, -3, 0)),
    dict(x=(1, 5, 4, 1), o=8, k=(4, 3), p=(1, 2, 1, 1), g=1, z=(83, 0, 0)),
    dict(x=(1, 4, 4, 8), o=8, k=(3, 3), p=(1, 1, 1, 1), g=2, z=(-128, 0, 0)),
    dict(x=(2, 4, 3, 12), o=6, k=(2, 2), g=3, z=(127, 0, 0), run=1),
    dict(x=(1, 4, 4, 16), o=4, k=(3, 3), p=(2, 1, 0, 2), g=4, z=(-20, 9, 0), v=50),
    dict(x=(1, 3, 3, 15), o=5, k=(1, 1), g=5, z=(0, 0, 0), run=4),
    dict(x=(1, 7, 7, 4), o=4, k=(3, 3), d=(2, 2), p=(2, 2, 2, 2), g=4, z=(-128, 0, 0), v=-128),
    dict(x=(1, 6, 6, 33), o=33, k=(3, 3), p=(1, 1, 1, 1), g=33, z=(-128, 0, -128)),
    dict(x=(1, 3, 3, 4), o=4, k=(5, 5), p=(2, 2, 2, 2), g=4, z=(127, 0, 0)),
    dict(x=(1, 5, 4, 6), o=12, k=(3, 3), p=(1, 2, 2, 0), g=6, z=(-128, 5, 0), v=90, run=2),
    dict(x=(1, 4, 4, 3), o=3, k=(3, 3), p=(1, 1, 1, 1), g=3, z=(7, 0, 0), v=-101),
)


def conv_model(rounding: int, weights, bias, rq, x, o, k, s=(1, 1), d=(1, 1), p=(0, 0, 0, 0), g=1,
               z=(0, 0, 0), v=None, clamp=(-128, 127)) -> Model:
    """A conv of the shape rule of spec 4.1; `v` is x_zero where it is not given."""
    reach = [(extent - 1) * step + 1 for extent, step in zip(k, d)]
    oh = (x[1] + p[0] + p[1] - reach[0]) // s[0] + 1
    ow = (x[2] + p[2] + p[3] - reach[1]) // s[1] + 1
    return single(
        "conv", x, (x[0], oh, ow, o),
        [((o, *k, x[3] // g), weights, I8), ((o,), bias, I32), ((o, 2), [n for pair in rq for n in pair], I32)],
        stride_h=s[0], stride_w=s[1], dilation_h=d[0], dilation_w=d[1],
        pad_top=p[0], pad_bottom=p[1], pad_left=p[2], pad_right=p[3], pad_value=z[0] if v is None else v, groups=g,
        x_zero=z[0], w_zero=z[1], y_zero=z[2], y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def random_conv(rng: Rng, rounding: int, config: dict) -> Model:
    """Weights, biases and multipliers that spread the outputs over i8."""
    config = {key: value for key, value in config.items() if key != "run"}
    terms = prod(config["k"]) * config["x"][3] // config.get("g", 1)
    x_zero, w_zero, _ = config["z"]
    weights = rng.list(config["o"] * terms, -127 if w_zero == 0 else -128, 127)
    bias, rq = channel_constants(rng, rounding, centered_rows(weights, config["o"], w_zero), x_zero)
    return conv_model(rounding, weights, bias, rq, **config)


def describe(config: dict) -> str:
    """The geometry for a case name; what is left out is 1, or 0 for pads."""
    parts = [f"x{join(config['x'])} o{config['o']} k{join(config['k'])}"]
    parts += [f"{key}{join(config[key])}" for key in ("s", "d", "p", "g") if key in config and key != "g"]
    if "g" in config:
        parts.append(f"g{config['g']}")
    parts.append("z" + ",".join(map(str, config["z"])))
    if "v" in config:
        parts.append(f"v{config['v']}")
    return " ".join(parts)


def geometry_cases():
    """Every geometry in both roundings on random bytes, and in one of them on one of the rails."""
    rails = ("low", "high", "alternating")
    for number, config in enumerate(GEOMETRY + GROUPED):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 100 + 2 * number + rounding
            model = random_conv(Rng(seed), rounding, config)
            batch = config.get("run", config["x"][0])
            for pattern in ("random", rails[number % 3])[:2 - (number + rounding) % 2]:
                name = f"conv {mode} {describe(config)} n{batch} {pattern} seed {seed}"
                yield Case(name, model, filled(input_size(model, batch), pattern, seed), batch)


def edge_cases():
    """A 1x1 convolution that copies all 256 values to channels with multipliers at the edges."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        edges = EDGES[rounding]
        model = conv_model(rounding, [1, 0] * len(edges), [0] * len(edges), edges,
                           x=(1, 16, 16, 2), o=len(edges), k=(1, 1))
        data = i8_bytes(value for i in range(-128, 128) for value in (i, -1 - i))
        yield Case(f"conv {mode} ties and edges of (m, s)", model, data, 1)


def bound_cases():
    """Accumulators that reach plus and minus their bound, which is as large as the law allows."""
    terms = 9 * 4
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for what, table, bound in (("fine", FINE, 2**31 - 1), ("finest", FINEST, 2**31 - 1),
                                   ("unit", UNIT, UNIT_BOUND[rounding])):
            bias = bound - 255 * 127 * terms
            model = conv_model(rounding, [127] * terms + [-127] * terms, [bias, -bias], [table[rounding]] * 2,
                               x=(1, 4, 3, 4), o=2, k=(3, 3), p=(1, 1, 1, 1), z=(-128, 0, 0), v=127)
            for pattern in ("high", "random"):
                yield Case(f"conv {mode} bound {bound} {what} {pattern} seed 7", model,
                           filled(input_size(model, 2), pattern, 7), 2)


def long_sum_cases():
    """Sums beyond 2^24 in odd steps: binary32 loses the last bit of the partial sums."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        terms = 9 * 72
        weights = [127] * (terms - 1) + [1]
        bias = -(255 * 127 * (terms - 1)) - 128
        model = conv_model(rounding, weights + [-w for w in weights], [bias, -bias], [UNIT[rounding]] * 2,
                           x=(1, 3, 4, 72), o=2, k=(3, 3), z=(-128, 0, 0))
        x = [127] * (3 * 4 * 72)
        x[8 * 72 + 2 * 72 + 71], x[8 * 72 + 3 * 72 + 71] = 0, -41
        yield Case(f"conv {mode} sum beyond 2^24 in odd steps", model, i8_bytes(x), 1)


def cases():
    yield from geometry_cases()
    yield from edge_cases()
    yield from bound_cases()
    yield from long_sum_cases()
