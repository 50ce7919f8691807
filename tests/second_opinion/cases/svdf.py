# SPDX-License-Identifier: Apache-2.0
"""svdf: single runs from a state of zeros, sequences of runs, ranks, saturation of states and of sums, rails."""

from ..builder import ROUNDING_NAMES, Case, Rng, filled, multiplier, single
from ..lks_file import I8, I16, I32, Model
from ..op_table import TFLITE

# n: images; i: inputs; u: units; r: rank; t: memory; runs; batch of the runs; s: state_min, state_max.
SHAPES = (
    dict(n=1, i=4, u=3, r=1, t=2, runs=4, batch=1),
    dict(n=1, i=1, u=1, r=1, t=1, runs=2, batch=3),
    dict(n=2, i=17, u=5, r=2, t=8, runs=10, batch=2),
    dict(n=1, i=33, u=2, r=3, t=5, runs=6, batch=4, s=(-128, 127)),
    dict(n=1, i=6, u=4, r=1, t=10, runs=12, batch=2, s=(-200, 55)),
    dict(n=3, i=8, u=16, r=1, t=3, runs=1, batch=3),
    dict(n=1, i=96, u=2, r=2, t=9, runs=3, batch=1),
)


def svdf(rounding: int, n, i, u, r, t, w, time, bias, feature, scale, zeros=(0, 0), state=(-2**15, 2**15 - 1),
         clamp=(-128, 127)) -> Model:
    return single("svdf", (n, i), (n, u), [((u * r, i), w, I8), ((u * r, t), time, I16), ((u,), bias, I32)],
                  rank=r, x_zero=zeros[0], state_min=state[0], state_max=state[1], feature_m=feature[0], feature_s=feature[1],
                  y_zero=zeros[1], m=scale[0], s=scale[1], y_min=clamp[0], y_max=clamp[1], rounding=rounding)


def random_model(rng: Rng, rounding: int, config: dict) -> Model:
    i, u, r, t = (config[k] for k in "iurt")
    state = config.get("s", (-2**15, 2**15 - 1))
    w, zeros = rng.list(u * r * i, -127, 127), (rng.between(-128, 127), rng.between(-40, 40))
    # Features of about twice the range of a state, so that some saturate; sums of about that of an output.
    m, s = multiplier(rng, rounding, 74 * 74 * (int(i**0.5) + 1))
    grow = min(state[1], 2**15 - 1).bit_length() - 7
    feature = (m, s + grow if rounding == TFLITE else max(s - grow, 30))
    scale = multiplier(rng, rounding, (state[1] - state[0]) * 500 * (int((r * t)**0.5) + 1) // 4)
    time, bias = rng.list(u * r * t, -900, 900), rng.list(u, -2**19, 2**19)
    return svdf(rounding, config["n"], i, u, r, t, w, time, bias, feature, scale, zeros, state)


def sequence_cases():
    for number, config in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 6500 + 2 * number + rounding
            model, size = random_model(Rng(seed), rounding, config), config["batch"] * config["i"] * config["runs"]
            what = " ".join(f"{k}{config[k]}" for k in "niurt")
            for pattern in ("random", ("low", "high", "alternating")[number % 3])[:1 + (number + rounding) % 2]:
                yield Case(f"svdf {mode} {what} {config['runs']} runs n{config['batch']} {pattern} seed {seed}", model,
                           filled(size, pattern, seed), config["batch"])


def saturation_cases():
    """Sums beyond 2^31 - 1 of either sign, and just below it; the scale shows their upper bits."""
    fine = ((2**30, 55), (2**30, -24))
    one = ((2**30, 30), (2**30, 1))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for bias, time in ((2**31 - 1, 1), (-2**31, -1), (-2**31 + 1, -1), (0, 2**15 - 1), (0, -2**15), (2**31 - 1, -2**15)):
            model = svdf(rounding, 1, 2, 1, 1, 3, [127, 127], [time] * 3, [bias], one[rounding], fine[rounding])
            runs = bytes([127, 127] * 4)
            yield Case(f"svdf {mode} bias {bias} weights {time}", model, runs, 1)
        model = svdf(rounding, 1, 300, 1, 1, 3, [127] * 300, [2**15 - 1] * 3, [0], one[rounding], fine[rounding])
        yield Case(f"svdf {mode} largest states and weights", model, bytes([127] * 1200), 1)
        model = svdf(rounding, 1, 300, 1, 1, 3, [-127] * 300, [-2**15] * 3, [2**31 - 1], one[rounding], fine[rounding])
        yield Case(f"svdf {mode} largest negative states and weights", model, bytes([127] * 1200), 1)


def cases():
    yield from sequence_cases()
    yield from saturation_cases()
