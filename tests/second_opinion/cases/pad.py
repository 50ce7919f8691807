# SPDX-License-Identifier: Apache-2.0
"""pad: ranks 1 to 6, one side and both, with and without the batch axis."""

from ..builder import Case, filled, input_size, join, single
from ..checks import is_batch_free
from ..lks_file import Model

# x, before, after, pad_value
PADS = (
    ((3,), (2,), (1,), 0),
    ((3,), (0,), (0,), 5),
    ((2, 3), (0, 1), (0, 2), -128),
    ((2, 3), (1, 0), (2, 0), 127),
    ((1, 2, 3), (0, 0, 3), (0, 1, 0), -1),
    ((1, 3, 4, 2), (0, 1, 1, 0), (0, 1, 1, 0), -128),
    ((1, 3, 3, 4), (0, 0, 1, 0), (0, 1, 0, 0), 83),
    ((2, 2, 2, 3), (0, 0, 0, 1), (0, 0, 0, 2), 7),
    ((1, 2, 2, 2), (1, 1, 1, 1), (1, 1, 1, 1), 9),
    ((1, 2, 1, 2, 3), (0, 1, 2, 0, 1), (0, 0, 1, 3, 0), -77),
    ((1, 1, 2, 1, 2, 2), (0, 1, 0, 2, 0, 1), (0, 0, 1, 0, 1, 2), 11),
    ((2, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1), (0, 0, 0, 0, 0, 1), 1),
    ((2, 3), (0, 0), (1, 0), -7),
    ((1, 1, 1, 17), (0, 0, 0, 0), (0, 0, 0, 0), 0),
)


def pad(x, before, after, value: int) -> Model:
    counts = {f"{side}_{axis}": given[axis] if axis < len(x) else 0
              for side, given in (("before", before), ("after", after)) for axis in range(6)}
    return single("pad", x, tuple(map(sum, zip(x, before, after))), **counts, pad_value=value)


def cases():
    for number, (x, before, after, value) in enumerate(PADS):
        model = pad(x, before, after, value)
        batch = 1 + number % 4 if is_batch_free(model) else x[0]
        name = f"pad x{join(x)} before {join(before)} after {join(after)} value {value} n{batch} seed {number}"
        yield Case(name, model, filled(input_size(model, batch), "random", number), batch)
