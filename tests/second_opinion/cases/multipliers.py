# SPDX-License-Identifier: Apache-2.0
"""Multipliers at the edges of spec 3.1, shared by the families."""

from ..op_table import HALF_UP, TFLITE

# Powers of two make ties, the others stand next to ties or at an end of a range.
HALF_UP_EDGES = ((2**30, 30), (2**30, 31), (2**30, 32), (2**30, 33), (2**30, 36), (3 * 2**29, 31),
                 (3 * 2**29, 32), (2**30 + 1, 31), (2**31 - 1, 30), (2**31 - 1, 31), (2**31 - 1, 32),
                 (2**31 - 1, 38), (2**30, 37), (2**30, 62), (2**31 - 1, 62), (0, 30))
TFLITE_EDGES = ((2**30, 0), (2**30, -1), (2**30, -2), (2**30, -5), (2**30, 1), (2**30, 3), (2**30 + 1, 0),
                (2**30 - 1, 0), (2**30 - 1, -1), (3 * 2**29, 0), (3 * 2**29, -1), (2**31 - 1, 0),
                (2**31 - 1, -1), (2**31 - 1, -7), (1527099593, -6), (1, 0), (1, 23), (2**23, 8), (0, 0),
                (0, -31), (0, 23), (2**30, -31), (2**31 - 1, -31), (2**30, 23))
EDGES = {HALF_UP: HALF_UP_EDGES, TFLITE: TFLITE_EDGES}

# Scales of about 2^-25, so that accumulators near 2^31 - 1 give about 64.
FINE = {HALF_UP: (2**30, 55), TFLITE: (2**30, -24)}
# Scales of nearly 2^-31, which turn an accumulator of 2^31 - 1 into 1.
FINEST = {HALF_UP: (2**31 - 1, 62), TFLITE: (2**31 - 1, -31)}
# A scale of one, and the largest bound that it allows.
UNIT = {HALF_UP: (2**30, 30), TFLITE: (2**30, 1)}
UNIT_BOUND = {HALF_UP: 2**31 - 130, TFLITE: 2**30 - 1}
