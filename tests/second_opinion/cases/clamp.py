# SPDX-License-Identifier: Apache-2.0
"""clamp: all values between all kinds of ends."""

from ..builder import Case, filled, i8_bytes, input_size, join, single
from ..lks_file import Model


def clamp(shape, low: int, high: int) -> Model:
    return single("clamp", shape, shape, y_min=low, y_max=high)


def cases():
    for low, high in ((-128, 127), (0, 127), (-128, 0), (-1, 1), (5, 5), (-128, -128), (127, 127), (-100, -7), (3, 90)):
        yield Case(f"clamp all values to {low} .. {high}", clamp((1, 16), low, high), i8_bytes(range(-128, 128)), 16)
    for number, shape in enumerate(((1,), (1, 17), (2, 3, 3, 5), (1, 1, 2, 1, 2, 4))):
        model = clamp(shape, -40 + number, 60 - number)
        batch = 3 - number % 2
        yield Case(f"clamp x{join(shape)} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)
