# SPDX-License-Identifier: Apache-2.0
"""reshape: between ranks, free in the batch and not."""

from ..builder import Case, filled, input_size, join, single
from ..checks import is_batch_free

SHAPES = (((1, 2, 3, 4), (1, 24)), ((1, 24), (1, 2, 3, 4)), ((2, 6), (2, 3, 2)), ((2, 6), (3, 4)), ((12,), (1, 12)),
          ((7,), (7, 1)), ((1, 1, 1, 17), (1, 17)), ((6,), (6,)), ((1, 2, 1, 2, 1, 3), (1, 12)),
          ((1, 5), (1, 1, 1, 1, 1, 5)), ((4, 1, 3), (12,)), ((3, 5), (3, 1, 5, 1)))


def cases():
    for number, (x, y) in enumerate(SHAPES):
        model = single("reshape", x, y)
        batch = 1 + number % 5 if is_batch_free(model) else x[0]
        yield Case(f"reshape x{join(x)} y{join(y)} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)
