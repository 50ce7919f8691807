# SPDX-License-Identifier: Apache-2.0
"""arg_max: every axis, kept and left out, largest and smallest, both interfaces, ties, and what reshape makes of the indices."""

from ..builder import Builder, Case, filled, i8_bytes, input_size, join
from ..lks_file import I32, I64, Model


def arg_max(x, axis: int, keep: bool, smallest: int = 0, interface: int = I32) -> Model:
    y = tuple(1 if i == axis else extent for i, extent in enumerate(x) if keep or i != axis) or (1,)
    b = Builder()
    b.op("arg_max", [b.input(x, name="x")], y, interface, name="y", axis=axis, smallest=smallest)
    return b.model()


def reshaped(interface: int) -> Model:
    """Indices of an image, flattened; the graph also gives them as they were."""
    b = Builder()
    y = b.op("arg_max", [b.input((1, 3, 4, 5))], (1, 3, 4), I32, axis=3, smallest=0)
    return b.model(b.op("reshape", [y], (1, 12), interface), y)


def passed_through(interface: int) -> Model:
    """A graph input of i32."""
    b = Builder()
    return b.model(b.op("reshape", [b.input((2, 3), interface)], (2, 1, 3), I64))


def cases():
    for shape in ((5,), (3, 4), (2, 3, 5), (1, 4, 4, 21), (1, 2, 1, 3, 2, 4), (2, 300)):
        for axis in range(len(shape)):
            for smallest in (0, 1):
                keep, seed = (axis + smallest) % 2 == 1, 1300 + axis
                model = arg_max(shape, axis, keep, smallest, (I32, I64)[axis % 2])
                batch = shape[0] if axis == 0 else shape[0] + axis
                what = f"axis {axis} {'kept' if keep else 'left out'} smallest {smallest}"
                yield Case(f"arg_max x{join(shape)} {what} n{batch} seed {seed}", model,
                           filled(input_size(model, batch), "random", seed), batch)
    ties = i8_bytes((5, 7, 7, 7, 7, 5, 5, 5, -128, -128, -128, -128, 127, -128, 127, -128, -1, 0, -1, 0, 0, -1, 0, -1))
    for smallest in (0, 1):
        yield Case(f"arg_max smallest {smallest} ties", arg_max((6, 4), 1, False, smallest), ties, 6)
        for pattern in ("low", "high", "alternating"):
            yield Case(f"arg_max smallest {smallest} {pattern}", arg_max((2, 35), 1, False, smallest), filled(70, pattern, 0), 2)
    for interface, name in ((I32, "i32"), (I64, "i64")):
        yield Case(f"arg_max and reshape to {name}", reshaped(interface), filled(120, "random", 9), 2)
        words = [value.to_bytes(4 if interface == I32 else 8, "little", signed=True)
                 for value in (0, 1, -1, 2**31 - 1, -2**31, 65537)]
        yield Case(f"arg_max: a reshape of an input of {name}", passed_through(interface), b"".join(words), 2)
