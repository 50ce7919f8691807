# SPDX-License-Identifier: Apache-2.0
"""mul: all pairs of values, broadcasting, constants, activations, ties, edges and bounds."""

from math import prod

from ..builder import ROUNDING_NAMES, Builder, Case, Rng, filled, i8_bytes, join, multiplier
from ..checks import broadcast, is_batch_free
from ..lks_file import Model
from ..op_table import HALF_UP, TFLITE
from .add import SHAPES
from .multipliers import EDGES

WIDE = 255 * 255        # the largest bound


def mul(a, b, rounding: int, m: int, s: int, a_zero=0, b_zero=0, y_zero=0, clamp=(-128, 127), fixed: str = "",
        values=()) -> Model:
    """A mul; `fixed` names the operand that is a constant with `values`."""
    builder = Builder()
    operands = [builder.constant(shape, values, name=name) if name == fixed else builder.input(shape, name=name)
                for name, shape in (("a", a), ("b", b))]
    builder.op("mul", operands, broadcast(a, b), a_zero=a_zero, b_zero=b_zero, y_zero=y_zero, m=m, s=s, y_min=clamp[0],
               y_max=clamp[1], rounding=rounding)
    return builder.model()


def shape_cases():
    for number, config in enumerate(SHAPES):
        rounding, seed, fixed = number % 2, 900 + number, config.get("fixed", "")
        rng = Rng(seed)
        values = rng.list(prod(config[fixed]), -128, 127) if fixed else ()
        m, s = multiplier(rng, rounding, 6000)
        model = mul(config["a"], config["b"], rounding, m, s, rng.between(-50, 50), (-128, 127)[number // 2 % 2],
                    rng.between(-60, 60), ((-128, 127), (-30, 90))[number % 3 == 0], fixed, values)
        stated = model.tensors[model.inputs[0]].shape[0]
        batch = 1 + number % 5 if is_batch_free(model) else stated
        size = sum(model.tensors[i].elements for i in model.inputs) * batch // stated
        what = f"a{join(config['a'])} b{join(config['b'])} constant {fixed or 'none'} n{batch}"
        yield Case(f"mul {ROUNDING_NAMES[rounding]} {what} seed {seed}", model, filled(size, "random", seed), batch)


def pair_cases():
    """256 values of a against 16 of b: ties of both roundings, in products of both signs."""
    a, b = range(-128, 128), (-128, -127, -65, -64, -33, -2, -1, 0, 1, 2, 3, 32, 63, 64, 126, 127)
    data = i8_bytes(a) + i8_bytes(b)
    settings = ((HALF_UP, 2**30, 31, 0, 0), (HALF_UP, 2**30, 33, 0, 0), (HALF_UP, 3 * 2**29, 37, -128, 127),
                (HALF_UP, 2**30, 38, 127, -128), (TFLITE, 2**30, 0, 0, 0), (TFLITE, 2**30, -2, 0, 0),
                (TFLITE, 3 * 2**29, -6, -128, 127), (TFLITE, 1518500250, -7, 127, -128), (TFLITE, 2**30, 3, 0, 0))
    for number, (rounding, m, s, a_zero, b_zero) in enumerate(settings):
        model = mul((256, 1), (1, 16), rounding, m, s, a_zero, b_zero)
        yield Case(f"mul {ROUNDING_NAMES[rounding]} 256 by 16 values, setting {number}", model, data, 256)


def edge_cases():
    """Every multiplier at an edge that the bound of two centred zero points allows."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for m, s in EDGES[rounding]:
            if rounding == HALF_UP or s <= 16:
                yield Case(f"mul {mode} m {m} s {s}", mul((1, 64), (1, 64), rounding, m, s), filled(128, "random", 78), 1)


def bound_cases():
    """The largest products, with the largest shift that they allow."""
    data = i8_bytes((-128, 127, -128, 127, 127, 127, -128, -128))
    for a_zero, b_zero in ((-128, -128), (127, 127), (127, -128)):
        model = mul((1, 4), (1, 4), TFLITE, 1, 15, a_zero, b_zero)
        assert WIDE << 15 < 2**31 <= WIDE << 16
        yield Case(f"mul tflite largest bound shifted by 15, zeros {a_zero} {b_zero}", model, data, 1)
        model = mul((1, 4), (1, 4), HALF_UP, 2**31 - 1, 30, a_zero, b_zero)
        yield Case(f"mul half_up scale nearly two, zeros {a_zero} {b_zero}", model, data, 1)


def same_tensor_case():
    """x * x: a square."""
    builder = Builder()
    x = builder.input((1, 256))
    builder.op("mul", (x, x), (1, 256), a_zero=3, b_zero=3, y_zero=-128, m=2**30, s=37, y_min=-128, y_max=127,
               rounding=HALF_UP)
    yield Case("mul half_up one tensor as both operands", builder.model(), i8_bytes(range(-128, 128)), 1)


def cases():
    yield from shape_cases()
    yield from pair_cases()
    yield from edge_cases()
    yield from bound_cases()
    yield from same_tensor_case()
