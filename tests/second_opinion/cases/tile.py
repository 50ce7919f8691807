# SPDX-License-Identifier: Apache-2.0
"""tile: one axis, several, none; the batch axis."""

from ..builder import join
from .moves import case, tile_model

# x, repeats
TILES = (
    ((4,), (3,)),
    ((1, 3), (1, 4)),
    ((1, 1, 1, 16), (1, 4, 5, 1)),
    ((1, 2, 3, 4), (1, 2, 3, 2)),
    ((2, 3), (2, 1)),
    ((2, 3), (3, 2)),
    ((2, 2, 1), (1, 1, 7)),
    ((1, 2, 1, 2, 1, 2), (1, 2, 3, 1, 2, 2)),
    ((1, 5), (1, 1)),
    ((1, 1, 1, 17), (1, 1, 3, 1)),
)


def cases():
    for number, (x, repeats) in enumerate(TILES):
        yield case("tile", tile_model(x, repeats), f"repeats {join(repeats)}", number)
