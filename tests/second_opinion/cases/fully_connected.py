# SPDX-License-Identifier: Apache-2.0
"""fully_connected: shapes, zero points, rails, and the edges of the arithmetic."""

from math import prod

from ..builder import (ROUNDING_NAMES, Case, Rng, centered_rows, channel_constants, filled, i8_bytes, input_size, join,
                       single)
from ..lks_file import I8, I32, Model
from ..op_table import TFLITE
from .multipliers import EDGES, FINE, FINEST, UNIT, UNIT_BOUND

# x, y: shapes; z: x_zero, w_zero, y_zero; clamp: y_min, y_max; run: the batch of the run.
SHAPES = (
    dict(x=(1, 16), y=(1, 10), z=(-128, 0, 0), run=5),
    dict(x=(1, 1), y=(1, 1), z=(0, 0, 0), run=3),
    dict(x=(3, 15), y=(3, 17), z=(127, 0, 4)),
    dict(x=(2, 3, 4), y=(2, 5), z=(-128, 0, -128), run=1),
    dict(x=(2, 6, 4), y=(2, 6, 3), z=(10, 0, 0), run=4),
    dict(x=(4, 6), y=(4, 2, 4), z=(0, 5, 0), run=2),
    dict(x=(1, 2, 2, 17), y=(1, 16), z=(-128, -128, 0), run=2),
    dict(x=(6, 4), y=(3, 4), z=(0, 0, 0)),
    dict(x=(12,), y=(4,), z=(-7, 0, 0)),
    dict(x=(5,), y=(5, 3), z=(-7, 0, 9), run=2),
    dict(x=(1, 1, 1, 1, 2, 33), y=(1, 1, 1, 2, 1, 31), z=(-128, 127, 0)),
    dict(x=(1, 64), y=(1, 12), z=(-128, 0, 14), clamp=(0, 90), run=3),
    dict(x=(1, 300), y=(1, 4), z=(127, -1, 0), run=2),
)


def fully_connected(rounding: int, x, y, weights, bias, rq, z=(0, 0, 0), clamp=(-128, 127)) -> Model:
    o = y[-1]
    k = prod(x) // prod(y[:-1])
    return single("fully_connected", x, y,
                  [((o, k), weights, I8), ((o,), bias, I32), ((o, 2), [n for pair in rq for n in pair], I32)],
                  x_zero=z[0], w_zero=z[1], y_zero=z[2], y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def random_model(rng: Rng, rounding: int, config: dict) -> Model:
    x, y, z = config["x"], config["y"], config["z"]
    o, k = y[-1], prod(x) // prod(y[:-1])
    weights = rng.list(o * k, -127 if z[1] == 0 else -128, 127)
    bias, rq = channel_constants(rng, rounding, centered_rows(weights, o, z[1]), z[0])
    return fully_connected(rounding, x, y, weights, bias, rq, z, config.get("clamp", (-128, 127)))


def shape_cases():
    rails = ("low", "high", "alternating")
    for number, config in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 300 + 2 * number + rounding
            model = random_model(Rng(seed), rounding, config)
            batch = config.get("run", config["x"][0])
            for pattern in ("random", rails[number % 3])[:2 - (number + rounding) % 2]:
                name = (f"fully_connected {mode} x{join(config['x'])} y{join(config['y'])} "
                        f"z{','.join(map(str, config['z']))} n{batch} {pattern} seed {seed}")
                yield Case(name, model, filled(input_size(model, batch), pattern, seed), batch)


def edge_cases():
    """Weight one: every i8 value meets every edge of (m, s)."""
    values = i8_bytes(range(-128, 128))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        edges = EDGES[rounding]
        largest_s = 20 if rounding == TFLITE else 62
        o = len(edges)
        model = fully_connected(rounding, (1, 1), (1, o), [1] * o, [0] * o, edges)
        yield Case(f"fully_connected {mode} ties and edges of (m, s)", model, values, 256)
        model = fully_connected(rounding, (1, 1), (1, o), [3, -3] * (o // 2), [1, -1] * (o // 2),
                                [(m, min(s, largest_s)) for m, s in edges], z=(0, 0, 1))
        yield Case(f"fully_connected {mode} ties of 3 x + 1 and -3 x - 1", model, values, 256)


def large_shift_case():
    """tflite shifts up to 30: the accumulator is the bias, one of -1, 0, 1."""
    shifts = [(m, s) for s in (24, 29, 30) for m in (0, 1, 2, 3, 300, 2**30)]
    bias = [(-1, 0, 1)[i % 3] for i in range(len(shifts))] + [1, -1] * len(shifts)
    rq = shifts + [pair for pair in shifts for _ in range(2)]
    o = len(rq)
    model = fully_connected(1, (2, 3), (2, o), [5] * (3 * o), bias, rq, z=(-128, 5, 0))
    yield Case("fully_connected tflite left shifts 24, 29 and 30 of the bias", model, filled(6, "random", 5), 2)


def big_accumulators():
    """Accumulators of every size, both signs, next to powers of two, through the bias."""
    bias = [sign * (2**e + d) for e in range(8, 31, 2) for d in (-1, 0, 1) for sign in (1, -1)]
    o = len(bias)
    for rounding, mode in enumerate(ROUNDING_NAMES):
        rq = [(2**30, (30 if rounding == 0 else 0) + (1 if rounding == 0 else -1) * max(0, abs(b).bit_length() - 7))
              for b in bias]
        model = fully_connected(rounding, (1, 1), (1, o), [1] * o, bias, rq)
        yield Case(f"fully_connected {mode} accumulators next to powers of two", model,
                   i8_bytes((0, 1, -1, 2, -2, 127, -128)), 7)


def bound_cases():
    """Accumulators at plus and minus the largest bounds that the law allows."""
    k = 9
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for what, table, bound in (("fine", FINE, 2**31 - 1), ("finest", FINEST, 2**31 - 1),
                                   ("unit", UNIT, UNIT_BOUND[rounding])):
            bias = bound - 255 * 127 * k
            model = fully_connected(rounding, (1, k), (1, 2), [127] * k + [-127] * k, [bias, -bias],
                                    [table[rounding]] * 2, z=(-128, 0, 0))
            for pattern in ("high", "low"):
                yield Case(f"fully_connected {mode} bound {bound} {what} {pattern}", model,
                           filled(k, pattern, 0), 1)
    for rounding, bound, m, s in ((0, 2**30 - 65, 2**31 - 1, 30), (0, 2**31 - 131, 2**30 + 1, 30), (1, 2**31 - 129, 2**31 - 1, 0),
                                  (1, 2**30 - 65, 2**31 - 1, 1), (1, 2**24 - 2, 2**31 - 1, 7)):
        bias = bound - 128
        model = fully_connected(rounding, (1, 1), (1, 2), [-1, 1], [bias, -bias], [(m, s)] * 2)
        yield Case(f"fully_connected {ROUNDING_NAMES[rounding]} bound {bound} with m {m} s {s}", model,
                   i8_bytes((-128,)), 1)


def long_sum_cases():
    """Sums beyond 2^24 in odd steps: binary32 loses the last bit of the partial sums."""
    k = 700
    weights = [1] + [127] * (k - 1)
    bias = -(255 * 127 * (k - 1)) - 128
    rows = [[value] + [127] * (k - 1) for value in (-128, -127, -1, 0, 1, 2, 126, 127)]
    rows.append([127 if i % 2 else 126 for i in range(k)])
    for rounding, mode in enumerate(ROUNDING_NAMES):
        model = fully_connected(rounding, (1, k), (1, 2), weights + [-w for w in weights], [bias, -bias],
                                [UNIT[rounding]] * 2, z=(-128, 0, 0))
        yield Case(f"fully_connected {mode} sum beyond 2^24 in odd steps", model,
                   i8_bytes(value for row in rows for value in row), len(rows))


def cases():
    yield from shape_cases()
    yield from edge_cases()
    yield from large_shift_case()
    yield from big_accumulators()
    yield from bound_cases()
    yield from long_sum_cases()
