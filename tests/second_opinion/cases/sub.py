# SPDX-License-Identifier: Apache-2.0
"""sub: what add has, but for the edges of multipliers, which the sign does not touch."""

from . import add


def cases():
    yield from add.shape_cases("sub")
    yield from add.pair_cases("sub")
    yield from add.bound_cases("sub")
    yield from add.same_tensor_case("sub")
