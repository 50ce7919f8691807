# SPDX-License-Identifier: Apache-2.0
"""avg_pool: geometries, windows cut by borders, ties of both signs and both roundings."""

from ..builder import ROUNDING_NAMES, Case, filled, i8_bytes, input_size, join
from .pool_models import GEOMETRY, geometry, pool


def geometry_cases():
    for number, config in enumerate(GEOMETRY):
        for rounding, mode in enumerate(ROUNDING_NAMES):
            model = pool("avg_pool", **geometry(config), rounding=rounding)
            batch = config.get("run", config["x"][0])
            for pattern in ("random", ("low", "high", "alternating")[number % 3]):
                name = f"avg_pool {mode} x{join(config['x'])} k{join(config['k'])} n{batch} {pattern} seed {number}"
                yield Case(name, model, filled(input_size(model, batch), pattern, number), batch)


def tie_cases():
    """Every sum that a window of k equal or nearly equal values can have, so every remainder and tie."""
    for rounding, mode in enumerate(ROUNDING_NAMES):
        for k in (2, 3, 4, 5, 6, 8):
            bases = [-128, -127, -3, -2, -1, 0, 1, 2, 126]
            rows = [[base + (i < extra) for i in range(k)] for base in bases for extra in range(k)]
            model = pool("avg_pool", (1, len(rows), k, 1), (1, k), rounding=rounding)
            yield Case(f"avg_pool {mode} all remainders of a window of {k}", model,
                       i8_bytes(value for row in rows for value in row), 1)


def border_case():
    """The count is that of the values inside: 1, 2, 4 at the corners and edges of a 2x2 window."""
    values = i8_bytes((-1, -2, -128, 127, 0, 1, 2, -127, -3, 5, -6, 7, 8, -9, 10, -11))
    for rounding, mode in enumerate(ROUNDING_NAMES):
        model = pool("avg_pool", (1, 4, 4, 1), (2, 2), p=(1, 1, 1, 1), rounding=rounding)
        yield Case(f"avg_pool {mode} counts 1, 2 and 4 at the border", model, values, 1)
        model = pool("avg_pool", (1, 1, 1, 2), (65535, 254), p=(65534, 0, 0, 253), rounding=rounding)
        yield Case(f"avg_pool {mode} kernel 65535 by 254 on one pixel", model, i8_bytes((-5, 6)), 1)


def cases():
    yield from geometry_cases()
    yield from tie_cases()
    yield from border_case()
