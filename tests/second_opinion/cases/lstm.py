# SPDX-License-Identifier: Apache-2.0
"""lstm: runs and sequences of runs, both orders of the axes, scales of the cells, saturation of gates and cells, rails."""

from ..builder import ROUNDING_NAMES, Case, Rng, filled, single
from ..lks_file import I8, I32, Model
from ..op_table import HALF_UP

# n: images; t: steps; i: inputs; o: cells; major: time_major; runs; batch: images of a run; shift: cell_shift; clip: cell_clip.
SHAPES = (
    dict(n=1, t=1, i=1, o=1, major=0, runs=3, batch=2, shift=0, clip=0),
    dict(n=1, t=5, i=4, o=3, major=0, runs=2, batch=1, shift=1, clip=0),
    dict(n=2, t=7, i=17, o=6, major=0, runs=3, batch=3, shift=-1, clip=9000),
    dict(n=3, t=4, i=5, o=8, major=1, runs=2, batch=3, shift=0, clip=0),
    dict(n=2, t=9, i=33, o=5, major=1, runs=1, batch=2, shift=3, clip=700),
    dict(n=2, t=3, i=2, o=20, major=0, runs=2, batch=2, shift=-3, clip=0),
    dict(n=1, t=12, i=8, o=9, major=0, runs=1, batch=2, shift=14, clip=1),
    dict(n=1, t=6, i=3, o=4, major=0, runs=2, batch=1, shift=-16, clip=2**15 - 1),
)


def power(rounding: int, exponent: int) -> tuple[int, int]:
    """The multiplier 2^exponent, of an exponent from -32 to 0."""
    return (2**30, 30 - exponent) if rounding == HALF_UP else (2**30, exponent + 1)


def lstm(rounding: int, n, t, i, o, major, w, r, bias, rq, zeros=(0, 0), shift=0, clip=0) -> Model:
    shape = (t, n) if major else (n, t)
    return single("lstm", (*shape, i), (*shape, o),
                  [((4, o, i), w, I8), ((4, o, o), r, I8), ((4, o), bias, I32), ((11, 2), [v for pair in rq for v in pair], I32)],
                  x_zero=zeros[0], y_zero=zeros[1], cell_shift=shift, cell_clip=clip, time_major=major, rounding=rounding)


def scales(rng: Rng, rounding: int, i: int, o: int, shift: int, grow: int) -> list[tuple[int, int]]:
    """Gates see up to about 2^(12 + grow); cells are of scale 2^(shift - 12)."""
    def gate(terms: int) -> tuple[int, int]:
        m, exponent = rng.between(2**30, 2**31 - 1), min(grow - (terms - 1).bit_length() // 2, 0)
        return (m, 31 - exponent) if rounding == HALF_UP else (m, exponent)

    m, out = rng.between(2**30, 2**31 - 1), -22
    y = (m, 31 - out) if rounding == HALF_UP else (m, out)
    return [gate(i) for _ in range(4)] + [gate(o) for _ in range(4)] + [power(rounding, -15), power(rounding, -18 - shift), y]


def random_model(rng: Rng, rounding: int, config: dict, grow: int) -> Model:
    n, t, i, o, shift = (config[k] for k in ("n", "t", "i", "o", "shift"))
    zeros = (rng.between(-128, 127), rng.between(-40, 40))
    bias = rng.list(4 * o, -2**13, 2**13)
    return lstm(rounding, n, t, i, o, config["major"], rng.list(4 * o * i, -127, 127), rng.list(4 * o * o, -127, 127), bias,
                scales(rng, rounding, i, o, max(min(shift, 12), -14), grow), zeros, shift, config["clip"])


def sequence_cases():
    for number, config in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 6400 + 2 * number + rounding
            model = random_model(Rng(seed), rounding, config, (0, -1, -2)[(number + rounding) % 3])
            batch = config["t"] if config["major"] else config["batch"]      # the first extent of x
            size = config["batch"] * config["t"] * config["i"] * config["runs"]
            what = " ".join(f"{k}{config[k]}" for k in "ntio") + (" time_major" if config["major"] else "")
            for pattern in ("random", ("low", "high", "alternating")[number % 3])[:1 + (number + rounding) % 2]:
                yield Case(f"lstm {mode} {what} shift {config['shift']} clip {config['clip']} {config['runs']} runs"
                           f" n{config['batch']} {pattern} seed {seed}", model, filled(size, pattern, seed), batch)


def constant_gates(rounding: int, gates, rq=None, **changes) -> Model:
    """One cell whose gates see their biases alone."""
    one = power(rounding, 0)
    rq = rq or [*[one] * 8, power(rounding, -15), power(rounding, -18), power(rounding, -22)]
    return lstm(rounding, 1, 6, 1, 1, 0, [0] * 4, [0] * 4, gates, rq, **changes)


def gate_cases():
    """Gates beyond int16, at its rails and at zero; cells that grow until they saturate, or are clipped."""
    top, low = 2**15 - 1, -2**15
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for gates in ((top, top, top, top), (low, low, low, low), (top, top, low, top), (2**20, 2**20, -2**20, 2**20),
                      (0, 0, 0, 0), (1, -1, 1, -1), (-1, 1, -1, 1), (top, top, top, low), (low, top, top, top)):
            for shift, clip in ((0, 0), (-1, 0), (0, 20000)):
                yield Case(f"lstm {mode} gates {gates} shift {shift} clip {clip}",
                           constant_gates(rounding, gates, shift=shift, clip=clip), bytes(18), 1)
        grow = [*[power(rounding, 0)] * 8, power(rounding, -14), power(rounding, -14), power(rounding, -22)]
        for sign in (1, -1):
            yield Case(f"lstm {mode} cells that saturate, sign {sign}",
                       constant_gates(rounding, (top, top, sign * 2000, 0), grow), bytes(12), 1)


def sweep_cases():
    """Every table entry of sigmoid and of tanh, and both sides of each: a gate that sees x alone."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for gate, name in ((3, "sigmoid"), (2, "tanh")):
            w, bias = [0] * 4, [2**15 - 1, -2**15, 2**15 - 1, 2**15 - 1]
            w[gate], bias[gate] = 127, 0
            rq = [*[power(rounding, 0)] * 8, power(rounding, -15), power(rounding, -15), power(rounding, -23)]
            model = lstm(rounding, 1, 256, 1, 1, 0, w, [0] * 4, bias, rq)
            yield Case(f"lstm {mode} all {name} of 127 x", model, bytes((v - 128) & 255 for v in range(256)), 1)


def cases():
    yield from sequence_cases()
    yield from gate_cases()
    yield from sweep_cases()
