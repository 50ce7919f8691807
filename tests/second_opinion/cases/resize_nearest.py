# SPDX-License-Identifier: Apache-2.0
"""resize_nearest: larger, smaller, in any order."""

from ..builder import Rng, join, single
from ..lks_file import I32, Model
from .moves import case

# x, rows, columns; a number stands for so many random indices
RESIZES = (
    ((1, 2, 2, 3), (0, 0, 1, 1), (0, 0, 1, 1)),
    ((2, 4, 5, 16), (0, 2), (4, 2, 0)),
    ((1, 3, 3, 4), 7, 5),
    ((1, 1, 1, 1), (0,), (0, 0, 0, 0, 0, 0, 0)),
    ((1, 6, 1, 17), 4, 3),
    ((3, 2, 9, 8), 2, 9),
)


def resize(x, rows, columns) -> Model:
    return single("resize_nearest", x, (x[0], len(rows), len(columns), x[3]),
                  [((len(rows),), rows, I32), ((len(columns),), columns, I32)])


def cases():
    for number, (x, rows, columns) in enumerate(RESIZES):
        rng = Rng(number)
        rows, columns = (rng.list(given, 0, extent - 1) if isinstance(given, int) else list(given)
                         for given, extent in ((rows, x[1]), (columns, x[2])))
        yield case("resize_nearest", resize(x, rows, columns), f"rows {join(rows)} columns {join(columns)}", number)
