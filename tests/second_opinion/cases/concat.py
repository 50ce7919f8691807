# SPDX-License-Identifier: Apache-2.0
"""concat: axes, ranks, one operand and many, the same one twice, constants."""

from math import prod

from ..builder import Builder, Case, Rng, filled, input_size, join
from ..checks import is_batch_free
from ..lks_file import I8, U8, Model

# axis, the shapes of the operands; a shape after "c" is a constant's, "=" is the operand before it
JOINS = (
    (1, [(1, 3), (1, 2)]),
    (3, [(1, 2, 2, 3), (1, 2, 2, 5)]),
    (3, [(2, 3, 2, 16), (2, 3, 2, 16), (2, 3, 2, 4)]),
    (1, [(2, 1, 3), (2, 4, 3), (2, 2, 3), "="]),
    (2, [(1, 2, 2, 3), "=", "="]),
    (0, [(2, 3), (1, 3)]),
    (0, [(4,), (3,), (1,)]),
    (1, [(1, 5)]),
    (1, ["c", (2, 2), (2, 3)]),
    (2, [(1, 2, 3), "c", (1, 2, 2), (1, 2, 1), "c", (1, 2, 2)]),
    (0, [(1, 2), "c", (2, 2)]),
    (5, [(1, 2, 1, 2, 2, 1), (1, 2, 1, 2, 2, 3)]),
    (3, [(1, 2, 1, 2, 2, 1), (1, 2, 1, 4, 2, 1)]),
    (1, [(1, 1)] * 40),
)


def concat(axis: int, parts, seed: int = 0, interface: int = I8) -> Model:
    b, rng, operands, constant = Builder(), Rng(seed), [], False
    for part in parts:
        if part == "c":
            constant = True
            continue
        if part == "=":
            operands.append(operands[-1])
        elif constant:
            operands.append(b.constant(part, rng.list(prod(part), -128, 127)))
        else:
            operands.append(b.input(part, interface))
        constant = False
    shapes = [b.tensors[i].shape for i in operands]
    y = list(shapes[0])
    y[axis] = sum(shape[axis] for shape in shapes)
    b.op("concat", operands, tuple(y), interface, axis=axis)
    return b.model()


def describe(parts) -> str:
    return " ".join(part if isinstance(part, str) else join(part) for part in parts[:8])


def cases():
    for number, (axis, parts) in enumerate(JOINS):
        model = concat(axis, parts, number, U8 if number % 3 == 2 else I8)
        batch = 1 + number % 4 if is_batch_free(model) else model.tensors[model.inputs[0]].shape[0]
        yield Case(f"concat axis {axis} of {describe(parts)} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)
