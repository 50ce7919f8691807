# SPDX-License-Identifier: Apache-2.0
"""scale: shapes of all ranks, zero points, rails, and the edges of the arithmetic and of the bound."""

from ..builder import (ROUNDING_NAMES, Case, Rng, centered_rows, channel_constants, filled, i8_bytes, input_size, join,
                       single)
from ..lks_file import I8, I32, Model
from .multipliers import EDGES, FINE, FINEST

# x; z: x_zero, w_zero, y_zero; run: the batch of the run.
SHAPES = (
    dict(x=(1, 3, 4, 5), z=(-128, 0, 0), run=3),
    dict(x=(2, 16), z=(3, 0, -7), run=5),
    dict(x=(7,), z=(0, 0, 0), run=7),
    dict(x=(2, 3, 17), z=(127, 5, 4), run=1),
    dict(x=(1, 2, 1, 3, 2, 4), z=(-5, -128, 20), run=2),
    dict(x=(1, 4, 4, 1), z=(9, 127, 0), run=2),
    dict(x=(3, 1), z=(0, 0, 100), run=3),
    dict(x=(1, 33, 33), z=(-128, 0, -128), run=2),
)


def scale(rounding: int, x, weights, bias, rq, z=(0, 0, 0), clamp=(-128, 127)) -> Model:
    c = x[-1]
    return single("scale", x, x, [((c,), weights, I8), ((c,), bias, I32), ((c, 2), [n for pair in rq for n in pair], I32)],
                  x_zero=z[0], w_zero=z[1], y_zero=z[2], y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def shape_cases():
    for number, config in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed, x, z = 1100 + 2 * number + rounding, config["x"], config["z"]
            rng = Rng(seed)
            weights = rng.list(x[-1], -128, 127)
            bias, rq = channel_constants(rng, rounding, centered_rows(weights, x[-1], z[1]), z[0])
            model = scale(rounding, x, weights, bias, rq, z, ((-128, 127), (-40, 70))[number % 3 == 1])
            for pattern in ("random", ("low", "high", "alternating")[number % 3])[:2 - rounding]:
                yield Case(f"scale {mode} x{join(x)} z{','.join(map(str, z))} n{config['run']} {pattern} seed {seed}", model,
                           filled(input_size(model, config["run"]), pattern, seed), config["run"])


def edge_cases():
    """Factor one: every i8 value meets every edge of (m, s); a channel each."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        rows = [pair for pair in EDGES[rounding] if rounding == 0 or pair[1] <= 23]
        model = scale(rounding, (256, len(rows)), [1] * len(rows), [0] * len(rows), rows)
        yield Case(f"scale {mode} all values, edges", model, bytes(b for b in i8_bytes(range(-128, 128)) for _ in rows), 256)


def bound_cases():
    """Sums that reach 2^31 - 1, of both signs."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        bias = 2**31 - 1 - 255 * 255
        for scales in (FINE, FINEST):
            model = scale(rounding, (2, 2), (127, 127), (bias, -bias), [scales[rounding]] * 2, (127, -128, 0))
            yield Case(f"scale {mode} bound 2^31 - 1, scale {scales[rounding]}", model, i8_bytes((-128, -128, 127, 127)), 2)


def cases():
    yield from shape_cases()
    yield from edge_cases()
    yield from bound_cases()
