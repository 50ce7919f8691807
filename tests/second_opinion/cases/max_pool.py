# SPDX-License-Identifier: Apache-2.0
"""max_pool: geometries, windows cut by borders, clamps."""

from ..builder import Case, filled, i8_bytes, input_size, join
from .pool_models import GEOMETRY, geometry, pool


def cases():
    for number, config in enumerate(GEOMETRY):
        model = pool("max_pool", **geometry(config))
        batch = config.get("run", config["x"][0])
        for pattern in ("random", ("low", "alternating")[number % 2]):
            name = f"max_pool x{join(config['x'])} k{join(config['k'])} n{batch} {pattern} seed {number}"
            yield Case(name, model, filled(input_size(model, batch), pattern, number), batch)
    negative = i8_bytes(-128 + (i * 37) % 100 for i in range(5 * 5))
    yield Case("max_pool padding is no value: all inputs below zero",
               pool("max_pool", (1, 5, 5, 1), (3, 3), p=(2, 2, 2, 2)), negative, 1)
    yield Case("max_pool kernel 65535 by 257 on one pixel",
               pool("max_pool", (1, 1, 1, 2), (65535, 257), p=(65534, 0, 256, 0)), i8_bytes((-5, 6)), 1)
