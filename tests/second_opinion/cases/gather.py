# SPDX-License-Identifier: Apache-2.0
"""gather: indices of rank 1 to 3 along every axis, repeated, backwards and few."""

from math import prod

from ..builder import Rng, join, single
from ..lks_file import I32, Model
from .moves import case

# x, axis, the shape of the indices
GATHERS = (
    ((6,), 0, (9,)),
    ((1, 5), 1, (3,)),
    ((2, 5, 3), 1, (4,)),
    ((2, 4, 3, 16), 2, (5,)),
    ((2, 4, 3, 4), 1, (2, 3)),
    ((3, 4), 0, (2,)),
    ((1, 2, 3, 4), 3, (2, 1, 3)),
    ((1, 1, 1, 7), 3, (1,)),
    ((1, 2, 2, 2, 2, 3), 5, (6,)),
    ((1, 2, 2, 2, 2, 3), 1, (3,)),
)


def gather(x, axis: int, shape, indices) -> Model:
    return single("gather", x, x[:axis] + tuple(shape) + x[axis + 1:], [(shape, indices, I32)], axis=axis)


def cases():
    for number, (x, axis, shape) in enumerate(GATHERS):
        indices = Rng(number).list(prod(shape), 0, x[axis] - 1)
        yield case("gather", gather(x, axis, shape, indices), f"axis {axis} by {join(shape)}", number)
