# SPDX-License-Identifier: Apache-2.0
"""What the cases of the ops that move elements share: one argument per axis."""

from ..builder import Case, filled, input_size, join, single
from ..checks import is_batch_free
from ..lks_file import Model


def axes(name: str, values, beyond) -> dict[str, int]:
    """The six arguments of that name."""
    return {f"{name}_{axis}": values[axis] if axis < len(values) else beyond(axis) for axis in range(6)}


def slice_model(x, begin, step, y) -> Model:
    return single("slice", x, y, **axes("begin", begin, lambda axis: 0), **axes("step", step, lambda axis: 1))


def transpose_model(x, perm) -> Model:
    return single("transpose", x, tuple(x[axis] for axis in perm), **axes("perm", perm, lambda axis: axis))


def tile_model(x, repeats) -> Model:
    return single("tile", x, tuple(extent * n for extent, n in zip(x, repeats)), **axes("repeats", repeats, lambda axis: 1))


def case(kind: str, model: Model, what: str, number: int) -> Case:
    x = model.tensors[0].shape
    batch = 1 + number % 4 if is_batch_free(model) else x[0]
    return Case(f"{kind} x{join(x)} {what} n{batch} seed {number}", model, filled(input_size(model, batch), "random", number), batch)
