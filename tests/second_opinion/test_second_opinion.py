# SPDX-License-Identifier: Apache-2.0
"""Tests of the second opinion.

    python3 -m unittest second_opinion.test_second_opinion

The expectations of the arithmetic are written by hand; none is computed by
the code under test.
"""

import hashlib
import math
import struct
import unittest
from dataclasses import replace

from . import make_goldens, packs
from .arithmetic import (EXP_FACTORS, EXP_OF_MINUS_EIGHTH, EXP_OF_MINUS_FORTY_EIGHTH, ONE_THIRD, RECIP_SLOPE, RECIP_START,
                         exp5, recip, requant, rshift, sigmoid, sigmoid_table, tanh)
from .builder import Builder, Rng, single
from .checks import is_batch_free
from .executor import Refused, check, cost, run, run_sequence, split_inputs
from .kernels import BoundBroken, average, within
from .lks_file import I8, I32, U8, FormatError, Model, read, write
from .op_table import HALF_UP, KINDS, TFLITE

ORDINARY = tuple(make_goldens.FAMILIES)


def records(name: str, with_results: bool = True) -> list[packs.Record]:
    return list(packs.decode((make_goldens.GOLDEN / f"{name}.pack").read_bytes(), with_results))


class Arithmetic(unittest.TestCase):
    """Spec 3 against numbers worked out on paper."""

    def test_tflite(self):
        for acc, m, s, y in ((1, 2**30, 0, 1), (-1, 2**30, 0, 0), (1, 2**30, -1, 1), (-2, 2**30, -1, -1),
                             (5, 2**30, -1, 2), (-5, 2**30, -1, -1), (-6, 2**30, -1, -2),
                             (2**31 - 1, 2**31 - 1, -31, 1), (127, 2**30, 8, 16256), (585, 1527099593, -6, 7),
                             (0, 2**31 - 1, 0, 0), (3, 2**30, 0, 2), (-3, 2**30, 0, -1), (-128, 2**30, 1, -128),
                             (1, 1, 30, 1), (-1, 1, 30, 0), (1, 2, 30, 1), (-1, 2, 30, -1), (77, 0, -31, 0)):
            self.assertEqual(requant(TFLITE, acc, m, s), y, (acc, m, s))

    def test_half_up(self):
        for acc, m, s, y in ((1, 2**30, 31, 1), (-1, 2**30, 31, 0), (3, 2**30, 31, 2), (-3, 2**30, 31, -1),
                             (2, 2**30, 32, 1), (-2, 2**30, 32, 0), (6, 2**30, 32, 2), (-6, 2**30, 32, -1),
                             (-7, 2**30, 32, -2), (100, 2**30, 30, 100), (-100, 2**30, 30, -100),
                             (5, 0, 30, 0), (-5, 0, 30, 0), (1, 3 * 2**29, 30, 2), (-1, 3 * 2**29, 30, -1),
                             (2**31 - 1, 2**31 - 1, 62, 1), (2**31 - 1, 2**30, 62, 0), (-(2**31 - 1), 2**30, 62, 0),
                             (2**30, 2**31 - 1, 62, 0), (127, 2**31 - 1, 30, 254), (-127, 2**31 - 1, 30, -254)):
            self.assertEqual(requant(HALF_UP, acc, m, s), y, (acc, m, s))

    def test_the_two_roundings_differ(self):
        """17 * 3 / 8 = 6.375; tflite rounds 17 * 3 / 4 = 12.75 to 13 first, and then 6.5 to 7."""
        self.assertEqual(requant(TFLITE, 17, 3 * 2**29, -1), 7)
        self.assertEqual(requant(HALF_UP, 17, 3 * 2**29, 32), 6)

    def test_rshift(self):
        for x, n, y in ((5, 0, 5), (1, 1, 1), (-1, 1, -1), (2, 2, 1), (-2, 2, -1), (-1, 2, 0), (6, 2, 2), (-6, 2, -2)):
            self.assertEqual(rshift(x, n), y, (x, n))

    def test_average(self):
        for rounding, acc, count, q in ((HALF_UP, 3, 2, 2), (HALF_UP, -3, 2, -1), (TFLITE, 3, 2, 2),
                                        (TFLITE, -3, 2, -2), (HALF_UP, -4, 3, -1), (TFLITE, -4, 3, -1),
                                        (HALF_UP, -5, 3, -2), (TFLITE, -5, 3, -2), (TFLITE, -6, 4, -2),
                                        (HALF_UP, -6, 4, -1), (TFLITE, 0, 9, 0), (HALF_UP, -1, 1, -1)):
            self.assertEqual(average(rounding, acc, count), q, (rounding, acc, count))

    def test_constants(self):
        """The constants of spec 3.3 are these real numbers, rounded."""
        self.assertEqual(EXP_FACTORS, tuple(round(2**31 * math.exp(-2.0**(j - 2))) for j in range(7)))
        self.assertEqual(EXP_OF_MINUS_EIGHTH, round(2**31 * math.exp(-0.125)))
        self.assertEqual(ONE_THIRD, round(2**31 / 3))
        self.assertEqual((RECIP_START, RECIP_SLOPE), (round(2**29 * 48 / 17), round(2**29 * -32 / 17)))

    def test_sigmoid_table(self):
        """S of spec 3.4 is what its first sentence says, and has the digest that it states."""
        def sigma(x: float) -> float:
            return 1 / (1 + math.exp(-x))

        def raised(i: int) -> float:
            chord = (sigma(i / 24) + sigma((i + 1) / 24)) / 2
            return sigma(i / 24) + (sigma((i + 0.5) / 24) - chord) / 2

        self.assertEqual(EXP_OF_MINUS_FORTY_EIGHTH, round(2**31 * math.exp(-1 / 48)))
        self.assertEqual(sigmoid_table()[:255], tuple(round(2**16 * raised(i)) for i in range(255)))
        digest = hashlib.sha256(struct.pack("<256H", *sigmoid_table())).hexdigest()
        self.assertIn(digest, (make_goldens.GOLDEN.parent.parent / "docs/spec.md").read_text())

    def test_sigmoid_and_tanh_are_near_those_functions(self):
        for v in range(-2**15, 2**15, 7):
            self.assertLess(abs(sigmoid(v) - 2**15 / (1 + math.exp(-v / 2**12))), 1.1, v)
            for shift in (-16, -3, 0, 1, 14):
                self.assertLess(abs(tanh(v, shift) - 2**15 * math.tanh(v * 2.0**(shift - 12))), 2.5, (v, shift))

    def test_exp5_is_near_the_exponential(self):
        worst = 2**31 // (8**5 * 120) + 8       # of a Taylor polynomial of degree 4 on -1/8 .. 1/8, and roundings
        self.assertEqual(exp5(0), 2**31 - 1)
        for a in list(range(-31 * 2**26, 0, 9999991)) + [-1, -2**24, -2**24 + 1, -2**24 - 1]:
            self.assertLess(abs(exp5(a) - math.exp(a / 2**26) * 2**31), worst, a)

    def test_recip_is_near_the_reciprocal(self):
        for a in list(range(0, 2**31, 99999989)) + [2**31 - 1]:
            self.assertLess(abs(recip(a) - 2**31 / (1 + a / 2**31)), 8, a)

    def test_domains(self):
        for call in (lambda: exp5(1), lambda: exp5(-31 * 2**26 - 1), lambda: recip(-1), lambda: recip(2**31)):
            self.assertRaises(ValueError, call)
        self.assertRaises(OverflowError, requant, TFLITE, 2**31, 2**30, 0)
        self.assertRaises(BoundBroken, within, [3, -8], 7)

    def test_splitmix64(self):
        """The first bytes that the rule of the recorded answers names."""
        self.assertEqual(Rng(0).bytes(8).hex(), "e26e06f81b532cc5")
        self.assertEqual(Rng(1).bytes(8).hex(), "91bef87171c3e085")


def single_add(a, b, y) -> Model:
    """The model y = a + b."""
    builder = Builder()
    builder.op("add", (builder.input(a), builder.input(b)), y, a_zero=0, b_zero=0, y_zero=0, left_shift=0, a_m=1,
               a_s=0, b_m=1, b_s=0, m=2**30, s=30, y_min=-128, y_max=127, rounding=HALF_UP)
    return builder.model()


class Hand(unittest.TestCase):
    """Whole ops on values worked out on paper."""

    def assert_y(self, model: Model, x: list[int], y: list[int]):
        data = run(model, [struct.pack(f"{len(x)}b", *x)])[-1]
        self.assertEqual(list(struct.unpack(f"{len(data)}b", data)), y)

    def test_conv_padding_is_pad_value_minus_x_zero(self):
        model = single("conv", (1, 1, 2, 1), (1, 1, 2, 1),
                       [((1, 1, 3, 1), (1, 10, 100), I8), ((1,), (7,), I32), ((1, 2), (2**30, 30), I32)],
                       stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, pad_top=0, pad_bottom=0, pad_left=1,
                       pad_right=1, pad_value=5, groups=1, x_zero=3, w_zero=0, y_zero=-100, y_min=-128, y_max=127,
                       rounding=HALF_UP)
        # Columns minus 3: 2 (pad), 1, -1, 2 (pad): 2 + 10 - 100 + 7 - 100 = -181; 1 - 10 + 200 + 7 - 100 = 98.
        self.assert_y(model, [4, 2], [-128, 98])

    def test_conv_groups(self):
        model = single("conv", (1, 1, 1, 4), (1, 1, 1, 2),
                       [((2, 1, 1, 2), (1, 2, 3, 4), I8), ((2,), (0, 0), I32), ((2, 2), (2**30, 30) * 2, I32)],
                       stride_h=1, stride_w=1, dilation_h=1, dilation_w=1, pad_top=0, pad_bottom=0, pad_left=0,
                       pad_right=0, pad_value=0, groups=2, x_zero=0, w_zero=1, y_zero=0, y_min=-128, y_max=127,
                       rounding=HALF_UP)
        # Weights minus 1: (0 1) on (5 6), (2 3) on (7 8).
        self.assert_y(model, [5, 6, 7, 8], [6, 38])

    def test_sum(self):
        model = single("sum", (2, 3), (1, 3), axes=1, x_zero=1, y_zero=0, m=2**30, s=31, y_min=-128, y_max=127,
                       rounding=HALF_UP)
        # (10 - 1 + 1 - 1) / 2 = 4.5 -> 5; (-10 - 1 + 0 - 1) / 2 = -6; (-2 - 1 + 1 - 1) / 2 = -1.5 -> -1.
        self.assert_y(model, [10, -10, -2, 1, 0, 1], [5, -6, -1])

    def test_avg_pool_counts_only_the_inside(self):
        pool = dict(kernel_h=2, kernel_w=2, stride_h=1, stride_w=2, pad_top=1, pad_bottom=0, pad_left=1, pad_right=1)
        model = single("avg_pool", (1, 1, 2, 1), (1, 1, 2, 1), **pool, y_min=-128, y_max=127, rounding=TFLITE)
        self.assert_y(model, [-7, 9], [-7, 9])

    def test_avg_pool_of_u8_is_half_up_of_what_is_stored(self):
        """The rule of legacy models, floor((sum + floor(k / 2)) / k) of u8 values, for every remainder of windows of 1 to 9."""
        for k in range(1, 10):
            rows = [[base + (i < extra) for i in range(k)] for base in (0, 1, 126, 127, 128, 200, 254) for extra in range(k)]
            builder = Builder()
            x = builder.input((1, len(rows), k, 1), U8)
            builder.op("avg_pool", [x], (1, len(rows), 1, 1), U8, kernel_h=1, kernel_w=k, stride_h=1, stride_w=1, pad_top=0,
                       pad_bottom=0, pad_left=0, pad_right=0, y_min=-128, y_max=127, rounding=HALF_UP)
            data = run(builder.model(), [bytes(value for row in rows for value in row)])[0]
            self.assertEqual(list(data), [(sum(row) + k // 2) // k for row in rows])

    def test_add_broadcasts(self):
        data = run(single_add((2, 1), (1, 2), (2, 2)), [bytes((1, 2)), bytes((10, 20))])[0]
        self.assertEqual(list(data), [11, 21, 12, 22])

    def test_softmax_of_equal_values(self):
        self.assert_y(single("softmax", (1, 2), (1, 2), m=2**30, s=20), [5, 5], [0, 0])
        self.assert_y(single("softmax", (1, 4), (1, 4), m=2**30, s=20), [-128] * 4, [-64] * 4)
        self.assert_y(single("softmax", (1, 1), (1, 1), m=2**30, s=20), [9], [127])
        self.assert_y(single("softmax", (1, 3), (1, 3), m=2**31 - 1, s=31), [0, 1, 0], [-128, 127, -128])

    def test_cost(self):
        model = single("fully_connected", (1, 6), (1, 4),
                       [((4, 6), (0,) * 24, I8), ((4,), (0,) * 4, I32), ((4, 2), (2**30, 30) * 4, I32)],
                       x_zero=0, w_zero=0, y_zero=0, y_min=-128, y_max=127, rounding=HALF_UP)
        self.assertEqual(vars(cost(model, 3)), dict(macs=72, element_ops=12, parameter_bytes=72, peak_bytes=30))


class Batch(unittest.TestCase):
    def test_which_ops_are_free(self):
        """By hand from spec 4; the tempting ones have a stated batch of 1."""
        table = {name: records(name) for name in ("sum", "pad", "reshape", "add", "fully_connected", "softmax")}
        for name, part, free in (
                ("sum", "x3x4 axes 1 kept", False), ("sum", "x3x4 axes 2 left out", True),
                ("sum", "x2x3x5 axes 7 left out", False), ("sum", "x2x3x4x3 axes 14 left out", True),
                ("pad", "x2x3 before 1x0", False), ("pad", "x2x3 before 0x1", True), ("pad", "x3 before 0", True),
                ("pad", "x2x3 before 0x0 after 1x0", False), ("add", "a2x4 b2x2x4 constant none", False),
                ("reshape", "x2x6 y3x4", False), ("reshape", "x12 y1x12", False), ("reshape", "x7 y7x1", True),
                ("add", "a1x3x4x5 b5 constant b", True), ("add", "a4 b2x2x3x4 constant a", True),
                ("add", "a3x4 b2x3x4 constant none", False), ("add", "a1x3x1 b2x1x4 constant none", False),
                ("add", "a2x3 b2x3 constant b", False), ("add", "a1x1 b3x4 constant b", False),
                ("add", "a1x17 b1x1 constant none", True), ("add", "a2x3x1x4 b2x1x5x1 constant none", True),
                ("fully_connected", "x12 y4", False), ("fully_connected", "x5 y5x3", True),
                ("fully_connected", "x6x4 y3x4", False), ("fully_connected", "x4x6 y4x2x4", True),
                ("softmax", "x5 n5", False), ("softmax", "x1 n1", False), ("softmax", "x3x17", True)):
            found = [record for record in table[name] if f" {part} " in f"{record.name} "]
            self.assertTrue(found, (name, part))
            for record in found:
                self.assertIs(is_batch_free(read(record.model)), free, record.name)

    def test_sum_over_a_batch_of_one(self):
        model = single("sum", (1, 3), (1, 3), axes=1, x_zero=0, y_zero=0, m=2**30, s=30, y_min=-128, y_max=127,
                       rounding=HALF_UP)
        self.assertFalse(is_batch_free(model))
        self.assertRaises(Refused, run, model, [bytes(6)], 2)

    def test_image_by_image(self):
        """A batch gives what its images give alone, in every batch-free record."""
        for record in records("graphs"):
            model = read(record.model)
            if record.batch == 1 or not is_batch_free(model):
                continue
            parts = split_inputs(model, record.inputs, record.batch)
            trace = run(model, parts, record.batch)
            for image in range(record.batch):
                own = [part[image * (n := len(part) // record.batch):][:n] for part in parts]
                for whole, alone in zip(trace, run(model, own, 1)):
                    n = len(alone)
                    self.assertEqual(whole[image * n:][:n], alone, record.name)

    def test_another_batch_is_refused(self):
        model = single("reshape", (2, 6), (3, 4))
        self.assertFalse(is_batch_free(model))
        self.assertEqual(len(run(model, [bytes(12)], 2)), 1)
        self.assertRaises(Refused, run, model, [bytes(18)], 3)
        free = single("reshape", (2, 6), (2, 3, 2))
        for batch in (0, -1, 2**24 + 1):
            self.assertRaises(Refused, cost, free, batch)
        self.assertRaises(Refused, cost, single("reshape", (1, 2**10), (1, 2**10)), 2**21)


class Files(unittest.TestCase):
    def test_round_trip(self):
        for name in ORDINARY:
            for record in records(name):
                self.assertEqual(write(read(record.model)), record.model, record.name)

    def test_every_op_occurs(self):
        seen = {op.number for name in ORDINARY for record in records(name) for op in read(record.model).ops}
        self.assertEqual(seen, {kind.number for kind in KINDS})

    def test_any_damaged_byte_is_noticed_or_means_something_else(self):
        """Flip each byte of a file: it must not load, or load as another model that writes back the same."""
        file = records("reshape")[0].model
        for at in range(len(file)):
            damaged = file[:at] + bytes([file[at] ^ 0x10]) + file[at + 1:]
            try:
                self.assertEqual(write(read(damaged)), damaged, at)
            except FormatError:
                pass

    def test_counts_at_their_limits(self):
        """16384 ops, 1024 inputs and 1024 outputs are the most that spec 7 allows."""
        for ops, extra_inputs, outputs, field in ((16384, 1023, 1024, None), (16385, 0, 1, "op_count"),
                                                  (1, 1024, 1, "input_count"), (1025, 0, 1025, "output_count")):
            builder = Builder()
            made = [builder.input((1,))]
            for _ in range(extra_inputs):
                builder.input((1,))
            for _ in range(ops):
                made.append(builder.op("reshape", [made[-1]], (1,)))
            file = write(builder.model(*made[-outputs:]))
            if field is None:
                check(read(file))
            else:
                self.assertRaisesRegex(FormatError, field, read, file)

    def test_metadata_changes_nothing(self):
        record = records("requant")[0]
        model = read(record.model)
        tensors = tuple(replace(t, name=b"", scale=0x3F800000, zero_point=5) for t in model.tensors)
        inputs = split_inputs(model, record.inputs, record.batch)
        changed = read(write(replace(model, tensors=tensors)))
        self.assertEqual(run(changed, inputs, record.batch), run(model, inputs, record.batch))


class Goldens(unittest.TestCase):
    """The committed packs, judged again from their own bytes."""

    def test_ordinary_packs(self):
        for name in ORDINARY:
            found = records(name)
            self.assertGreater(len(found), 5, name)
            for record in found:
                with self.subTest(pack=name, case=record.name):
                    model = read(record.model)
                    self.assertEqual(run_sequence(model, record.inputs, record.batch), record.trace)
                    self.assertEqual(cost(model, record.batch), record.cost)

    def test_refused_files_keep_the_layout_and_are_refused(self):
        for record in records("refused", False):
            with self.subTest(case=record.name), self.assertRaises((Refused, FormatError)) as raised:
                check(read(record.model))
            if isinstance(raised.exception, FormatError):
                self.assertTrue(str(raised.exception).startswith("graph: "), record.name)

    def test_malformed_files_do_not_read(self):
        for record in records("malformed", False):
            with self.subTest(case=record.name):
                self.assertRaises(FormatError, read, record.model)

    def test_packs_are_what_would_be_written(self):
        self.assertEqual(make_goldens.differences(make_goldens.make(), make_goldens.GOLDEN), [])


if __name__ == "__main__":
    unittest.main()
