# SPDX-License-Identifier: Apache-2.0
"""batch_matmul: both sides turned and not, broadcasting, constants, tails of the depth, rails, and the largest bound."""

from math import isqrt, prod

from ..builder import ROUNDING_NAMES, Builder, Case, Rng, filled, join, multiplier
from ..checks import broadcast, is_batch_free
from ..lks_file import Model
from ..op_table import HALF_UP, TFLITE
from .multipliers import EDGES, FINEST

# lead: of a and of b; rkc: R, K, C; adj; fixed: which operand is a constant.
SHAPES = (
    dict(rkc=(3, 4, 5)),
    dict(rkc=(1, 1, 1)),
    dict(rkc=(1, 33, 1), lead=((2,), (2,))),
    dict(rkc=(4, 8, 4), lead=((2,), (2,)), adj=(0, 1)),
    dict(rkc=(8, 12, 4), lead=((1,), (1,)), adj=(1, 0)),
    dict(rkc=(5, 7, 6), lead=((2, 3), (2, 3)), adj=(1, 1)),
    dict(rkc=(2, 17, 3), lead=((2, 1), (2, 4))),
    dict(rkc=(6, 5, 2), lead=((3, 1), (4,)), adj=(0, 1)),
    dict(rkc=(2, 6, 9), lead=((1, 2), ()), fixed="b"),
    dict(rkc=(7, 3, 4), lead=((2,), (1,)), adj=(1, 0), fixed="b"),
    dict(rkc=(4, 16, 8), lead=((), (2, 2)), adj=(0, 1), fixed="a"),
    dict(rkc=(3, 5, 2), lead=((2,), (2,)), fixed="b"),
    dict(rkc=(9, 31, 10), adj=(1, 1), fixed="a"),
    dict(rkc=(2, 3, 2), lead=((1, 2, 1, 3), (1, 1, 2, 1))),
    dict(rkc=(1, 300, 4), lead=((1,), (1,)), adj=(0, 1)),
    dict(rkc=(66, 5, 1), lead=((1,), (1,))),
    dict(rkc=(1, 6, 67), lead=((1,), (1,))),
)


def batch_matmul(rkc, rounding: int, m: int, s: int, lead=((), ()), adj=(0, 0), zeros=(0, 0, 0), clamp=(-128, 127), fixed: str = "",
                 values=()) -> Model:
    """The model; `fixed` names the operand that is a constant with `values`."""
    r, k, c = rkc
    shapes = {"a": lead[0] + ((k, r) if adj[0] else (r, k)), "b": lead[1] + ((c, k) if adj[1] else (k, c))}
    builder = Builder()
    operands = [builder.constant(shape, values, name=name) if name == fixed else builder.input(shape, name=name)
                for name, shape in shapes.items()]
    builder.op("batch_matmul", operands, broadcast(*lead) + (r, c), a_zero=zeros[0], b_zero=zeros[1], y_zero=zeros[2],
               adj_a=adj[0], adj_b=adj[1], m=m, s=s, y_min=clamp[0], y_max=clamp[1], rounding=rounding)
    return builder.model()


def shape_cases():
    for number, config in enumerate(SHAPES):
        r, k, c = config["rkc"]
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 4000 + 2 * number + rounding
            rng, fixed, lead, adj = Rng(seed), config.get("fixed", ""), config.get("lead", ((), ())), config.get("adj", (0, 0))
            sizes = {"a": prod(lead[0]) * r * k, "b": prod(lead[1]) * k * c}
            zeros = (rng.between(-60, 60), (0, -128, 127, rng.between(-60, 60))[number % 4], rng.between(-60, 60))
            m, s = multiplier(rng, rounding, 2 * 74 * 74 * isqrt(k) + 1)
            model = batch_matmul((r, k, c), rounding, m, s, lead, adj, zeros, ((-128, 127), (-50, 100))[number % 5 == 4], fixed,
                                 rng.list(sizes[fixed], -128, 127) if fixed else ())
            stated = model.tensors[model.inputs[0]].shape[0]
            batch = 1 + number % 4 if is_batch_free(model) else stated
            size = sum(model.tensors[i].elements for i in model.inputs) * batch // stated
            for pattern in ("random", "alternating")[:2 - (number + rounding) % 2]:
                what = f"{join((r, k, c))} a{join(lead[0])} b{join(lead[1])} adj{adj[0]}{adj[1]} constant {fixed or 'none'}"
                yield Case(f"batch_matmul {mode} {what} n{batch} {pattern} seed {seed}", model, filled(size, pattern, seed), batch)


def edge_cases():
    """The outer product of 16 values and 64, under every edge of (m, s) that its bound allows."""
    data = filled(80, "random", 78)
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            if rounding == HALF_UP or s <= 16:
                yield Case(f"batch_matmul {mode} m {m} s {s}", batch_matmul((16, 1, 64), rounding, m, s), data, 16)


def bound_cases():
    """K = 33025, 255 * 255 * K = 2^31 - 1 - 32022: the longest sum of the largest factors."""
    for rounding, ends in ((HALF_UP, (-128, -128)), (TFLITE, (-128, 127))):
        zeros = tuple(127 if end < 0 else -128 for end in ends)
        data = bytes([ends[0] & 255] * 33025 + [ends[1] & 255] * 33025)
        model = batch_matmul((1, 33025, 1), rounding, *FINEST[rounding], zeros=zeros + (0,))
        yield Case(f"batch_matmul {ROUNDING_NAMES[rounding]} of {ends[0]} and {ends[1]} at the bound", model, data, 1)


def same_tensor_case():
    """x times itself, turned: both operands may be one tensor."""
    builder = Builder()
    x = builder.input((2, 5, 6))
    builder.op("batch_matmul", (x, x), (2, 5, 5), a_zero=3, b_zero=-4, y_zero=1, adj_a=0, adj_b=1, m=2**30, s=-6, y_min=-128,
               y_max=127, rounding=TFLITE)
    yield Case("batch_matmul tflite one tensor as both operands", builder.model(), filled(90, "random", 79), 3)


def cases():
    yield from shape_cases()
    yield from edge_cases()
    yield from bound_cases()
    yield from same_tensor_case()
