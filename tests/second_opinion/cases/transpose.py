# SPDX-License-Identifier: Apache-2.0
"""transpose: orders of two to six axes, and those that move nothing."""

from ..builder import join
from .moves import case, transpose_model

# x, perm
ORDERS = (
    ((3, 4), (1, 0)),
    ((1, 3, 5), (0, 2, 1)),
    ((1, 3, 4, 5), (0, 2, 3, 1)),
    ((2, 3, 4, 16), (0, 3, 1, 2)),
    ((2, 3, 4, 16), (0, 2, 1, 3)),
    ((2, 3, 4, 4), (3, 2, 1, 0)),
    ((1, 1, 6, 1), (0, 2, 1, 3)),
    ((1, 2, 3, 2, 3), (0, 4, 3, 2, 1)),
    ((1, 2, 3, 2, 3, 2), (0, 5, 1, 4, 2, 3)),
    ((2, 1, 3, 2, 1, 2), (2, 0, 1, 3, 5, 4)),
    ((7,), (0,)),
    ((2, 3), (0, 1)),
)


def cases():
    for number, (x, perm) in enumerate(ORDERS):
        yield case("transpose", transpose_model(x, perm), f"perm {join(perm)}", number)
