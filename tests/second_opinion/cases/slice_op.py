# SPDX-License-Identifier: Apache-2.0
"""slice: parts, every n-th element, backwards; steps that are never taken."""

from ..builder import join
from .moves import case, slice_model

# x, begin, step, y
SLICES = (
    ((9,), (2,), (3,), (3,)),
    ((9,), (8,), (-1,), (9,)),
    ((1, 6, 5), (0, 1, 4), (1, 2, -2), (1, 3, 3)),
    ((2, 4, 4, 32), (0, 0, 1, 16), (1, 1, 2, 1), (2, 4, 2, 16)),
    ((2, 4, 4, 8), (0, 0, 0, 4), (1, 1, 1, 1), (2, 4, 4, 4)),
    ((3, 4), (1, 0), (1, 1), (2, 4)),
    ((3, 4), (2, 3), (-2, -3), (2, 2)),
    ((1, 3, 3), (0, 2, 1), (1, -2**24, 2**24), (1, 1, 1)),
    ((1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4, 5), (1, -1, -2, -3, -4, -1), (1, 2, 2, 2, 2, 6)),
    ((2, 7), (0, 0), (1, 1), (2, 7)),
    ((4, 7), (0, 0), (2, 1), (2, 7)),
    ((1, 1, 1, 17), (0, 0, 0, 16), (1, 1, 1, -16), (1, 1, 1, 2)),
)


def cases():
    for number, (x, begin, step, y) in enumerate(SLICES):
        yield case("slice", slice_model(x, begin, step, y), f"begin {join(begin)} step {join(step)} to {join(y)}", number)
