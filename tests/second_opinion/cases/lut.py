# SPDX-License-Identifier: Apache-2.0
"""lut: identity, reversal, constant and random tables."""

from ..builder import Case, Rng, filled, i8_bytes, input_size, join, single
from ..lks_file import I8, Model


def lut(shape, table) -> Model:
    return single("lut", shape, shape, [((256,), table, I8)])


def cases():
    values = range(-128, 128)
    tables = {"identity": list(values), "reversed": [-1 - v for v in values], "constant -128": [-128] * 256,
              "sign": [(v > 0) - (v < 0) for v in values], "random seed 1": Rng(1).list(256, -128, 127)}
    for name, table in tables.items():
        yield Case(f"lut {name}, all values", lut((1, 8, 32), table), i8_bytes(values), 1)
    for number, shape in enumerate(((1,), (1, 17), (2, 3, 3, 5), (1, 1, 2, 1, 2, 4))):
        model = lut(shape, Rng(number).list(256, -128, 127))
        batch = 3 - number % 2
        yield Case(f"lut x{join(shape)} n{batch} seed {number}", model,
                   filled(input_size(model, batch), "random", number), batch)
