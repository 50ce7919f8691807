# SPDX-License-Identifier: Apache-2.0
"""add and sub: all pairs of values, broadcasting, constants, activations, ties and bounds."""

from math import prod

from ..builder import ROUNDING_NAMES, Builder, Case, Rng, filled, i8_bytes, join
from ..checks import broadcast, is_batch_free
from ..lks_file import Model
from ..op_table import HALF_UP, TFLITE
from .multipliers import EDGES, FINE

# a, b: shapes; fixed: which operand is a constant.
SHAPES = (
    dict(a=(1, 3, 4, 5), b=(1, 3, 4, 5)),
    dict(a=(2, 16), b=(2, 16)),
    dict(a=(1, 3, 4, 5), b=(5,), fixed="b"),
    dict(a=(4,), b=(2, 2, 3, 4), fixed="a"),
    dict(a=(1, 4, 3, 2), b=(1, 1, 1, 1), fixed="b"),
    dict(a=(1, 4, 3, 2), b=(1, 1, 3, 1), fixed="b"),
    dict(a=(2, 3, 1, 4), b=(2, 1, 5, 1)),
    dict(a=(1, 17), b=(1, 1)),
    dict(a=(1, 3, 1), b=(2, 1, 4)),
    dict(a=(3, 4), b=(2, 3, 4)),
    dict(a=(4,), b=(3, 1)),
    dict(a=(1,), b=(1,)),
    dict(a=(2, 3), b=(2, 3), fixed="b"),
    dict(a=(1, 2, 1, 3, 1, 2), b=(1, 1, 2, 1, 4, 2)),
    dict(a=(2, 1, 3, 1, 2), b=(3, 4, 1), fixed="b"),
    dict(a=(1, 1), b=(3, 4), fixed="b"),
    dict(a=(1, 2, 33), b=(2, 1), fixed="b"),
    dict(a=(2, 4), b=(2, 2, 4)),
)


def add(a, b, rounding: int, a_zero=0, b_zero=0, y_zero=0, left_shift=0, a_m=1, a_s=0, b_m=1, b_s=0,
        m=2**30, s=30, clamp=(-128, 127), fixed: str = "", values=(), kind="add") -> Model:
    """An add or a sub; `fixed` names the operand that is a constant with `values`."""
    builder = Builder()
    operands = [builder.constant(shape, values, name=name) if name == fixed else builder.input(shape, name=name)
                for name, shape in (("a", a), ("b", b))]
    builder.op(kind, operands, broadcast(a, b), a_zero=a_zero, b_zero=b_zero, y_zero=y_zero, left_shift=left_shift,
               a_m=a_m, a_s=a_s, b_m=b_m, b_s=b_s, m=m, s=s, y_min=clamp[0], y_max=clamp[1], rounding=rounding)
    return builder.model()


def random_arguments(rng: Rng, rounding: int) -> dict:
    """Scales as a converter would choose them."""
    ends = (-128, 127)[rng.between(0, 1)]
    zeros = dict(a_zero=rng.between(-50, 50), b_zero=(ends, rng.between(-50, 50))[rng.between(0, 1)],
                 y_zero=rng.between(-60, 60))
    if rounding == TFLITE:
        return dict(zeros, left_shift=20, a_m=rng.between(2**30, 2**31 - 1), a_s=-rng.between(0, 3),
                    b_m=rng.between(2**30, 2**31 - 1), b_s=-rng.between(0, 3),
                    m=rng.between(2**30, 2**31 - 1), s=-rng.between(19, 20))
    return dict(zeros, a_m=rng.between(-30000, 30000), b_m=rng.between(-30000, 30000),
                m=rng.between(2**30, 2**31 - 1), s=46 - rng.between(0, 1))


def shape_cases(kind: str):
    for number, config in enumerate(SHAPES):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            seed = 500 + 2 * number + rounding
            rng, fixed = Rng(seed), config.get("fixed", "")
            values = rng.list(prod(config[fixed]), -128, 127) if fixed else ()
            clamp = ((-128, 127), (-30, 90))[number % 2]
            model = add(config["a"], config["b"], rounding, clamp=clamp, fixed=fixed, values=values,
                        kind=kind, **random_arguments(rng, rounding))
            stated = model.tensors[model.inputs[0]].shape[0]
            batch = 1 + number % 5 if is_batch_free(model) else stated
            size = sum(model.tensors[i].elements for i in model.inputs) * batch // stated
            for pattern in ("random", "alternating")[:2 - (number + rounding) % 2]:
                what = f"a{join(config['a'])} b{join(config['b'])} constant {fixed or 'none'} n{batch}"
                yield Case(f"{kind} {mode} {what} {pattern} seed {seed}", model, filled(size, pattern, seed), batch)


def pair_cases(kind: str):
    """256 values of a against 16 of b: ties of both roundings, in sums of both signs."""
    a, b = range(-128, 128), (-128, -127, -65, -64, -33, -2, -1, 0, 1, 2, 3, 32, 63, 64, 126, 127)
    data = i8_bytes(a) + i8_bytes(b)
    settings = [(HALF_UP, dict(a_m=1, b_m=1, m=m, s=s)) for m, s in ((2**30, 31), (2**30, 32), (3 * 2**29, 31))]
    settings.append((HALF_UP, dict(a_m=3, b_m=-5, m=2**30, s=34, a_zero=127, b_zero=-128)))
    settings += [(TFLITE, dict(left_shift=0, a_m=2**30, a_s=0, b_m=2**30, b_s=-1, m=m, s=s))
                 for m, s in ((2**30, 0), (2**30, 1), (2**30, -1), (2**31 - 1, 0))]
    settings.append((TFLITE, dict(left_shift=1, a_m=2**30, a_s=-2, b_m=3 * 2**29, b_s=-3, m=2**30, s=2,
                                  a_zero=-128, b_zero=127)))
    settings.append((TFLITE, dict(left_shift=22, a_m=2**31 - 1, a_s=0, b_m=2**31 - 1, b_s=0, m=2**30, s=-22)))
    settings.append((TFLITE, dict(left_shift=20, a_m=2**30, a_s=0, b_m=1518500250, b_s=-1, m=1895147668, s=-19,
                                  a_zero=-128, b_zero=4, y_zero=-128)))
    for number, (rounding, arguments) in enumerate(settings):
        model = add((256, 1), (1, 16), rounding, kind=kind, **arguments)
        yield Case(f"{kind} {ROUNDING_NAMES[rounding]} 256 by 16 values, setting {number}", model, data, 256)


def edge_cases():
    """The last multiplier at every edge that the bound allows."""
    a = b = (1, 64)
    data = filled(128, "random", 77)
    for m, s in EDGES[HALF_UP]:
        yield Case(f"add half_up m {m} s {s}", add(a, b, HALF_UP, a_m=1, b_m=-1, m=m, s=s), data, 1)
    for m, s in EDGES[TFLITE]:
        if s <= 22:
            model = add(a, b, TFLITE, a_m=2**31 - 1, b_m=2**31 - 1, m=m, s=s)
            yield Case(f"add tflite m {m} s {s}", model, data, 1)
    for shift in (0, -1, -30, -31):
        model = add(a, b, TFLITE, left_shift=22, a_m=2**31 - 1, a_s=shift, b_m=2**30, b_s=0, m=2**30, s=-20)
        yield Case(f"add tflite a_s {shift}", model, data, 1)
    for a_m in (0, 1, 2**30):
        model = add(a, b, TFLITE, left_shift=22, a_m=a_m, a_s=-1, b_m=2**30, b_s=-31, m=2**30, s=-20)
        yield Case(f"add tflite a_m {a_m} b_s -31", model, data, 1)


def bound_cases(kind: str):
    """Sums that reach the largest bounds."""
    a = b = (1, 4)
    data = i8_bytes((-128, 127, -128, 0, -128, -128, 127, 127))
    for sign in (1, -1):
        arguments = dict(b_zero=1, a_m=sign * 16777088, b_m=sign * 127, m=FINE[HALF_UP][0], s=FINE[HALF_UP][1])
        yield Case(f"{kind} half_up bound 2^31 - 1 sign {sign}", add(a, b, HALF_UP, kind=kind, **arguments), data, 1)
    arguments = dict(a_zero=-128, b_zero=-128, left_shift=22, a_m=2**31 - 1, b_m=2**31 - 1, kind=kind)
    model = add(a, b, TFLITE, **arguments, m=2**31 - 1, s=-31)
    yield Case(f"{kind} tflite left_shift 22 largest bound m 2^31 - 1 s -31", model, data, 1)
    model = add(a, b, TFLITE, **arguments, m=FINE[TFLITE][0], s=FINE[TFLITE][1])
    yield Case(f"{kind} tflite left_shift 22 largest bound scale 2^-25", model, data, 1)


def same_tensor_case(kind: str):
    """x + x, x - x: both operands may be one tensor."""
    builder = Builder()
    x = builder.input((1, 256))
    builder.op(kind, (x, x), (1, 256), a_zero=3, b_zero=-4, y_zero=0, left_shift=0, a_m=3, a_s=0, b_m=-2, b_s=0,
               m=2**30, s=31, y_min=-128, y_max=127, rounding=HALF_UP)
    yield Case(f"{kind} half_up one tensor as both operands", builder.model(), i8_bytes(range(-128, 128)), 1)


def cases():
    yield from shape_cases("add")
    yield from pair_cases("add")
    yield from edge_cases()
    yield from bound_cases("add")
    yield from same_tensor_case("add")
