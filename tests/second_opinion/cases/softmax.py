# SPDX-License-Identifier: Apache-2.0
"""softmax: row lengths up to 4095, flat rows where n > 31, large and small scales."""

from ..builder import Case, Rng, filled, i8_bytes, input_size, join, single
from ..lks_file import Model

# (m, s): from nearly flat to one-hot. The real scale of a step is m * 2^(s - 57).
SCALES = ((2**30, 1), (2**31 - 1, 10), (1361408000, 20), (2**30, 22), (1553800000, 23), (2**31 - 1, 24),
          (2**30, 26), (2**30, 27), (2**31 - 1, 30), (2**30, 31), (2**31 - 1, 31))

# (m, s), differences from the top, and an error of one unit that shows in the output bytes of this row alone
# among millions: found by a search over random rows.
SENSITIVE = (
    (1344133335, 19, (0, 212, 66, 3), "mulh rounded down"),
    (1485800572, 18, (0, 2, 60), "mulh rounded down"),
    (1205759268, 25, (0, 8), "mulh with ties away from zero"),
    (1428087658, 18, (0, 62, 10, 14), "t4 / 4 rounded down"),
    (1211765310, 20, (0, 13, 211), "p rounded down"),
    (1699879138, 23, (0, 98, 11), "e^-1/8 plus one"),
    (2077116637, 21, (0, 10, 17, 2), "e^-1/8 minus one"),
    (1669641942, 21, (0, 15, 69), "48 / 17 plus one"),
    (1900075303, 19, (0, 11, 31, 102), "32 / 17 plus one"),
    (1768475893, 20, (0, 29, 3), "two Newton steps"),
    (1454964039, 22, (0, 5), "four Newton steps"),
    (2133771297, 22, (0, 23), "terms of the total rounded down"),
    (1495098951, 20, (0, 75), "K0 plus one"),
    (1616000220, 24, (0, 44, 8), "K1 plus one"),
    (1667106084, 23, (0, 98, 13), "K2 plus one"),
    (1732450609, 21, (0, 126, 13, 68), "K3 plus one"),
    (2023382130, 23, (0, 39, 44, 33), "K4 plus one"),
    (1869271076, 24, (0, 36, 11), "K0 minus one"),
    (1858902311, 18, (0, 214, 17), "K1 minus one"),
    (1113831759, 25, (0, 13), "K2 minus one"),
    (2039856010, 24, (0, 11), "K3 minus one"),
    (1499063232, 23, (0, 18, 55), "K4 minus one"),
)


def softmax(shape, m: int, s: int) -> Model:
    return single("softmax", shape, shape, m=m, s=s)


def scale_cases():
    """All 256 differences from the top, under every scale."""
    for m, s in SCALES:
        yield Case(f"softmax all values m {m} s {s}", softmax((1, 256), m, s), i8_bytes(range(127, -129, -1)), 1)
        rows = i8_bytes(value for d in range(64) for value in (100, 100 - 3 * d))
        yield Case(f"softmax pairs m {m} s {s}", softmax((1, 2), m, s), rows, 64)
        yield Case(f"softmax 12 columns m {m} s {s} seed {s}", softmax((1, 12), m, s), filled(60, "random", s), 5)


def shape_cases():
    for number, (shape, batch) in enumerate((((1, 1), 3), ((5,), 5), ((1,), 1), ((2, 3, 10), 4), ((1, 2, 2, 7), 2),
                                             ((1, 1, 2, 1, 3, 4), 3), ((3, 17), 2))):
        model = softmax(shape, Rng(number).between(2**30, 2**31 - 1), 22 + number % 3)
        for pattern in ("random", "low", "high", "alternating"):
            yield Case(f"softmax x{join(shape)} n{batch} {pattern} seed {number}", model,
                       filled(input_size(model, batch), pattern, number), batch)


def long_cases():
    """Rows around 512 columns, where flat rows begin to have n > 31, up to the longest."""
    for length in (10, 255, 511, 512, 513, 1001):
        model = softmax((1, length), 1600000000, 22)
        yield Case(f"softmax flat row of {length}", model, i8_bytes([3] * length), 1)
        yield Case(f"softmax random row of {length} seed {length}", model, filled(length, "random", length), 1)
    peak = i8_bytes([0] * 500 + [127] + [0] * 500)
    yield Case("softmax 1001 columns with one peak", softmax((1, 1001), 1600000000, 22), peak, 1)
    nearly = i8_bytes([0] * 511 + [-128] * 490)
    yield Case("softmax 511 equal tops and 490 far below", softmax((1, 1001), 2**31 - 1, 31), nearly, 1)
    nearly = i8_bytes([0] * 512 + [-128] * 489)
    yield Case("softmax 512 equal tops and 489 far below", softmax((1, 1001), 2**31 - 1, 31), nearly, 1)
    for pattern in ("random", "high", "alternating"):
        yield Case(f"softmax 4095 columns {pattern} seed 9", softmax((1, 4095), 2**30, 23),
                   filled(4095, pattern, 9), 1)


def sensitive_cases():
    for m, s, row, error in SENSITIVE:
        yield Case(f"softmax m {m} s {s} would show {error}", softmax((1, len(row)), m, s),
                   i8_bytes(127 - d for d in row), 1)


def cases():
    yield from scale_cases()
    yield from shape_cases()
    yield from long_cases()
    yield from sensitive_cases()
