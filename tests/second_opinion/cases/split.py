# SPDX-License-Identifier: Apache-2.0
"""split: axes, ranks, equal parts and others, parts that nobody uses."""

from ..builder import Builder, Case, filled, input_size, join
from ..checks import is_batch_free
from ..lks_file import I8, U8, Model

# x, axis, extents of the parts, the parts that are outputs of the graph
SPLITS = (
    ((1, 6), 1, (2, 4), (0, 1)),
    ((1, 4, 4, 6), 3, (2, 2, 2), (0, 1, 2)),
    ((2, 3, 2, 32), 3, (16, 16), (1, 0)),
    ((1, 5, 2, 3), 1, (1, 3, 1), (1,)),
    ((2, 4, 3), 2, (1, 2), (0, 1)),
    ((3, 4), 0, (1, 2), (0, 1)),
    ((7,), 0, (3, 1, 3), (2, 0)),
    ((1, 9), 1, (9,), (0,)),
    ((1, 2, 1, 3, 2, 4), 4, (1, 1), (0, 1)),
    ((1, 2, 1, 3, 2, 4), 2, (1,), (0,)),
    ((1, 40), 1, (1,) * 40, (0, 39, 20)),
)


def split(x, axis: int, extents, outputs, interface: int = I8) -> Model:
    b = Builder()
    made = b.op_of_many("split", [b.input(x, interface)], [x[:axis] + (extent,) + x[axis + 1:] for extent in extents],
                        interface, axis=axis)
    return b.model(*(made[i] for i in outputs))


def cases():
    for number, (x, axis, extents, outputs) in enumerate(SPLITS):
        model = split(x, axis, extents, outputs, U8 if number % 3 == 2 else I8)
        batch = 1 + number % 4 if is_batch_free(model) else x[0]
        yield Case(f"split x{join(x)} axis {axis} into {join(extents[:8])} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)
