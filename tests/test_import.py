# SPDX-License-Identifier: Apache-2.0
"""The importer of .tflite files, from outside: what it makes of each op, what it refuses and how, and that no file harms it.

The models are written by tflite_writer.py; the results are read by the second opinion's reader. LOCKSTEP names the program.
"""
import math
import pathlib
import random
import re
import struct
import subprocess
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import program
from second_opinion import lks_file
from tflite_writer import (FLOAT32, INT4, INT8, INT16, INT32, INT64, NONE, RELU, RELU6, RELU_N1_TO_1, SAME, SIGN_BIT, TANH, UINT8,
                           VALID, Model, Op, Scalar, Table, Tensor, Vector, serialise, write)

MODELS = program.SHARED / "models"
TABLES = program.ROOT / "tests/unit/test_import_quantize.c"
CONV, FULLY_CONNECTED, ADD, REQUANT, MAX_POOL, AVG_POOL, SUM, SOFTMAX, RESHAPE, PAD = 1, 2, 16, 24, 32, 33, 34, 40, 48, 49
SUB, MUL, LUT, CLAMP, PRELU, REDUCE_MAX = 17, 18, 25, 26, 27, 35
BATCH_MATMUL = 4
ARG_MAX, RESIZE_BILINEAR = 36, 57
LSTM, SVDF = 64, 65
HALF_UP, TFLITE = 0, 1


# ---- the reference's arithmetic --------------------------------------------------------------------------------------------


def f32(value: float) -> float:
    """Rounded to binary32."""
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.inf


def from_bits(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def half_away(value: float) -> int:
    return math.floor(value + 0.5) if value >= 0 else -math.floor(-value + 0.5)


def is_normal(value: float) -> bool:
    return 2.0**-126 <= value < math.inf


class Reference:
    """The formulas of TensorFlow Lite Micro's Prepare functions, in Python's binary64; (-1, 0) where it refuses or aborts."""

    REFUSED = (-1, 0)

    @staticmethod
    def multiplier(d: float) -> tuple[int, int]:
        """quantization_util.cc: QuantizeMultiplier"""
        q, e = math.frexp(d)
        m = half_away(q * 2**31)
        if m == 2**31:
            m, e = 2**30, e + 1
        return (m, e) if e >= -31 else (0, 0)

    @classmethod
    def requant(cls, d: float) -> tuple[int, int]:
        m, e = cls.multiplier(d)
        return (m, e) if e <= 30 else cls.REFUSED

    @classmethod
    def product(cls, x: float, w: float, y: float) -> tuple[int, int]:
        return cls.requant(x * w / y)

    @classmethod
    def narrow_product(cls, x: float, w: float, y: float) -> tuple[int, int]:
        fits = is_normal(x * w) and is_normal(f32(x * w))
        return cls.requant(f32(x * w) / y) if fits else cls.REFUSED

    @classmethod
    def ratio(cls, x: float, y: float) -> tuple[int, int]:
        return cls.requant(x / y)

    @classmethod
    def narrow_ratio(cls, x: float, y: float) -> tuple[int, int]:
        return cls.requant(f32(x / y)) if is_normal(x / y) and is_normal(f32(x / y)) else cls.REFUSED

    @classmethod
    def add(cls, a: float, b: float, y: float) -> list[tuple[int, int]]:
        twice = 2 * max(a, b)
        rows = [cls.multiplier(a / twice), cls.multiplier(b / twice), cls.multiplier(twice / (2**20 * y))]
        return rows if all(s <= 0 for _, s in rows) else [cls.REFUSED] * 3

    @classmethod
    def float_product(cls, x: float, w: float, y: float) -> tuple[int, int]:
        fits = is_normal(x * w) and is_normal(f32(x * w)) and is_normal(f32(f32(x * w) / y))
        return cls.requant(f32(f32(x * w) / y)) if fits else cls.REFUSED

    @classmethod
    def sub(cls, a: float, b: float, y: float) -> list[tuple[int, int]]:
        twice, shifted = f32(2 * max(a, b)), f32(2**20 * y)
        if math.isinf(twice) or math.isinf(shifted):
            return [cls.REFUSED] * 3
        quotients = a / twice, b / twice, twice / shifted
        rows = [cls.multiplier(f32(q)) if is_normal(q) and is_normal(f32(q)) else (-1, 1) for q in quotients]
        return rows if all(s <= 0 for _, s in rows) else [cls.REFUSED] * 3

    @classmethod
    def wave(cls, x: float) -> tuple[int, int]:
        m, s = cls.multiplier(x * 2**27)
        return (m, s) if m and 0 <= s <= 62 else cls.REFUSED

    @classmethod
    def hard_swish(cls, x: float, y: float) -> tuple[int, ...]:
        quotients = f32(x / 128 / y), f32(x / 128 / (3 / 2**15))
        if not all(map(is_normal, (x / 128, *quotients))):
            return cls.REFUSED * 2
        (out_m, out_s), (m, s) = ((min((m + 2**15) >> 16, 2**15 - 1), s) for m, s in map(cls.multiplier, quotients))
        sound = out_m and m and -15 <= out_s <= 0 and -15 <= s <= 31
        return (m, s, out_m, out_s) if sound else cls.REFUSED * 2

    @staticmethod
    def mean(m: int, s: int, n: int) -> tuple[int, int]:
        k = min(n.bit_length() - 1, 32, 31 + s)
        return (m << k) // n, s - k

    @classmethod
    def softmax(cls, beta: float, x: float) -> tuple[int, int]:
        d = min(beta * x * 2.0**26, 2.0**31 - 1)
        return cls.multiplier(d) if d > 1 else cls.REFUSED

    @staticmethod
    def value(v: int, scale: float, zero: int) -> tuple[int, int]:
        quotient = f32(v / scale)
        if not math.isfinite(quotient):
            return 0, 0
        q = half_away(quotient)
        fits = -2**31 < q < 2**31 and -2**31 <= zero + q < 2**31
        return (1, zero + q) if fits else (0, 0)

    @staticmethod
    def scales_agree(a: float, b: float) -> int:
        return int(abs(a - b) <= 1e-6)

    @staticmethod
    def bias_agrees(x: float, w: float, bias: float, y: float) -> int:
        return int(abs(x * w - bias) / y <= 0.02)


def c_rows(name: str, width: int) -> list[list[int]]:
    """The numbers of one table of test_import_quantize.c, by rows."""
    body = re.search(rf"\}} {name}\[\] = \{{\n(.*?)\n\}};", TABLES.read_text(), re.S).group(1)
    numbers = [int(n, 0) for n in re.findall(r"-?\b(?:0x[0-9a-f]+|\d+)\b", body)]
    assert len(numbers) % width == 0, name
    return [numbers[i:i + width] for i in range(0, len(numbers), width)]


class Tables(unittest.TestCase):
    """The literal tables that the C unit test holds import/quantize.c against are what the reference gives."""

    def expect(self, name: str, scales: int, width: int, formula) -> None:
        rows = c_rows(name, width)
        self.assertGreaterEqual(len(rows), 20)
        for row in rows:
            self.assertEqual(row[scales:], list(formula(*(from_bits(b) for b in row[:scales]))), f"{name} {row}")

    def test_products(self) -> None:
        self.assertGreaterEqual(len(c_rows("products", 7)), 200)
        self.expect("products", 3, 7, lambda *s: Reference.product(*s) + Reference.narrow_product(*s))

    def test_ratios(self) -> None:
        self.expect("ratios", 2, 6, lambda *s: Reference.ratio(*s) + Reference.narrow_ratio(*s))

    def test_adds(self) -> None:
        self.expect("adds", 3, 9, lambda *s: sum(Reference.add(*s), ()))

    def test_subs(self) -> None:
        self.expect("subs", 3, 9, lambda *s: sum(Reference.sub(*s), ()))

    def test_float_products(self) -> None:
        self.expect("float_products", 3, 5, Reference.float_product)

    def test_waves(self) -> None:
        self.expect("waves", 1, 3, Reference.wave)

    def test_hard_swishes(self) -> None:
        self.expect("hard_swishes", 2, 6, Reference.hard_swish)

    def test_means(self) -> None:
        for m, s, n, *mean in c_rows("means", 5):
            self.assertEqual(tuple(mean), Reference.mean(m, s, n))

    def test_softmaxes(self) -> None:
        self.expect("softmaxes", 2, 4, Reference.softmax)

    def test_values(self) -> None:
        for v, scale, zero, *result in c_rows("values", 5):
            self.assertEqual(tuple(result), Reference.value(v, from_bits(scale), zero))

    def test_tolerances(self) -> None:
        self.expect("agreements", 2, 3, lambda a, b: [Reference.scales_agree(a, b)])
        self.expect("bias_scales", 4, 5, lambda *s: [Reference.bias_agrees(*s)])


# ---- running the program ---------------------------------------------------------------------------------------------------


class Converted:
    """What `lockstep convert` made of the bytes of a file."""

    def __init__(self, data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            source, target = pathlib.Path(folder, "model.tflite"), pathlib.Path(folder, "model.lks")
            source.write_bytes(data)
            done = subprocess.run([program.LOCKSTEP, "convert", str(source), str(target)], capture_output=True, text=True,
                                  errors="replace")
            self.code, self.error = done.returncode, done.stderr
            self.left = sorted(p.name for p in pathlib.Path(folder).iterdir() if p != source)
            self.file = target.read_bytes() if target.exists() else None

    def is_orderly(self) -> bool:
        """Either a file and silence, or one line and no file."""
        if self.code == 0:
            return self.error == "" and self.file is not None
        return self.code == 1 and self.error.count("\n") == 1 and self.error.endswith("\n") and self.left == []


class ImportCase(unittest.TestCase):
    def convert(self, model: Model) -> lks_file.Model:
        done = Converted(write(model))
        self.assertEqual((done.code, done.error), (0, ""))
        return lks_file.read(done.file)

    def only_op(self, model: Model) -> tuple[lks_file.Model, lks_file.Op]:
        m = self.convert(model)
        self.assertEqual(len(m.ops), len(model.ops))
        return m, m.ops[-1]

    def refuse(self, model: Model, label: str, reason: str) -> None:
        done = Converted(write(model))
        self.assertTrue(done.is_orderly(), done.error)
        self.assertEqual(done.code, 1, f"accepted, instead of: {reason}")
        self.assertRegex(done.error, rf"model\.tflite: {re.escape(label)}: .*{re.escape(reason)}")


# ---- small models ----------------------------------------------------------------------------------------------------------


def option_table(names: str, formats: str, values: dict[str, int]) -> dict[int, Scalar]:
    """Slots by the names of a schema table; what is not given is absent."""
    slots = names.split()
    return {slots.index(k): Scalar(formats[slots.index(k)], v) for k, v in values.items()}


def conv_options(**values: int) -> dict[int, Scalar]:
    return option_table("padding stride_w stride_h fused dilation_w dilation_h bias_type", "biibiib",
                        {"padding": VALID, "stride_w": 1, "stride_h": 1} | values)


def depthwise_options(**values: int) -> dict[int, Scalar]:
    return option_table("padding stride_w stride_h multiplier fused dilation_w dilation_h", "biiibii",
                        {"padding": VALID, "stride_w": 1, "stride_h": 1, "multiplier": 2} | values)


def pool_options(**values: int) -> dict[int, Scalar]:
    return option_table("padding stride_w stride_h kernel_w kernel_h fused", "biiiib",
                        {"padding": VALID, "stride_w": 2, "stride_h": 2, "kernel_w": 2, "kernel_h": 2} | values)


def fused(function: int) -> dict[int, Scalar]:
    return {0: Scalar("b", function)}


def with_tensor(model: Model, index: int, **changes: object) -> Model:
    tensors = list(model.tensors)
    tensors[index] = replace(tensors[index], **changes)
    return replace(model, tensors=tensors)


def with_op(model: Model, **changes: object) -> Model:
    return replace(model, ops=[*model.ops[:-1], replace(model.ops[-1], **changes)])


def conv() -> Model:
    """[1, 5, 4, 2] * [3, 3, 2, 2] -> [1, 3, 3, 3]"""
    return Model([Tensor([1, 5, 4, 2], scale=0.5, zero=3),
                  Tensor([3, 3, 2, 2], values=list(range(-18, 18)), scale=[0.1, 0.2, 0.3]),
                  Tensor([3], INT32, None, values=[1, -2, 2**30]), Tensor([1, 3, 3, 3], scale=0.7, zero=-5)],
                 [Op("CONV_2D", [0, 1, 2], [3], conv_options())])


def legacy_conv() -> Model:
    """The same as legacy uint8, with zero points in the middle and at both ends."""
    return Model([Tensor([1, 5, 4, 2], UINT8, scale=0.5, zero=131),
                  Tensor([3, 3, 2, 2], UINT8, values=[0, 255, *range(34)], scale=0.25, zero=255),
                  Tensor([3], INT32, scale=0.125, values=[1, -2, 3]), Tensor([1, 3, 3, 3], UINT8, scale=0.7, zero=0)],
                 [Op("CONV_2D", [0, 1, 2], [3], conv_options())])


def float_ends() -> Model:
    return Model([Tensor([1, 6], FLOAT32, None, name="x"), Tensor([1, 6], scale=0.25, zero=9, name="q"),
                  Tensor([1, 6], scale=0.125, zero=-100, name="r"), Tensor([1, 6], FLOAT32, None, name="y")],
                 [Op("QUANTIZE", [0], [1]), Op("RELU", [1], [2]), Op("DEQUANTIZE", [2], [3])])


def shape_arithmetic() -> Model:
    """What converters write for a reshape to [batch, 6]: SHAPE, STRIDED_SLICE, PACK."""
    return Model([Tensor([1, 2, 3]), Tensor([3], INT32, None), Tensor([1], INT32, None), Tensor([2], INT32, None),
                  Tensor([1, 6]), Tensor([2], INT32, None, values=None), Tensor([1], INT32, None, values=[0]),
                  Tensor([1], INT32, None, values=[1]), Tensor([], INT32, None, values=[6])],
                 [Op("SHAPE", [0], [1]), Op("STRIDED_SLICE", [1, 6, 7, 7], [2]), Op("PACK", [2, 8], [3]),
                  Op("RESHAPE", [0, 3], [4])])


def depthwise() -> Model:
    """[1, 4, 4, 2], multiplier 2 -> [1, 3, 3, 4]"""
    return Model([Tensor([1, 4, 4, 2]), Tensor([1, 2, 2, 4], values=list(range(16)), scale=[0.1, 0.2, 0.3, 0.4], axis=3),
                  Tensor([4], INT32, None, values=[1, 2, 3, 4]), Tensor([1, 3, 3, 4], scale=0.7)],
                 [Op("DEPTHWISE_CONV_2D", [0, 1, 2], [3], depthwise_options())])


def dense() -> Model:
    return Model([Tensor([2, 3], scale=0.3, zero=7), Tensor([4, 3], values=list(range(12)), scale=0.07),
                  Tensor([4], INT32, scale=f32(f32(0.3) * f32(0.07)), values=[5, 6, 7, 8]), Tensor([2, 4], scale=0.9, zero=1)],
                 [Op("FULLY_CONNECTED", [0, 1, 2], [3], fused(NONE))])


def add() -> Model:
    return Model([Tensor([1, 2, 3], scale=0.3, zero=1), Tensor([1, 2, 3], scale=0.2, zero=2),
                  Tensor([1, 2, 3], scale=0.4, zero=-3)], [Op("ADD", [0, 1], [2], fused(RELU))], inputs=[0, 1])


def batch_matmul() -> Model:
    """[2, 3, 4] * [2, 5, 4] turned -> [2, 3, 5]"""
    return Model([Tensor([2, 3, 4], scale=0.3, zero=1), Tensor([2, 5, 4], scale=0.07, zero=2), Tensor([2, 3, 5], scale=0.4, zero=-3)],
                 [Op("BATCH_MATMUL", [0, 1], [2], {1: Scalar("B", 1)})], inputs=[0, 1])


LSTM_W, LSTM_R, LSTM_BIAS, LSTM_HIDDEN, LSTM_CELLS, LSTM_Y = 1, 5, 9, 13, 14, 15       # tensors of the model


def lstm(major: bool = False, **options) -> Model:
    """[2, 4, 3] -> 4 steps of 2 cells, in 2 images"""
    shape = [4, 2] if major else [2, 4]
    w = [Tensor([2, 3], values=list(range(6 * g, 6 * g + 6)), scale=0.01 + g / 1000) for g in range(4)]
    r = [Tensor([2, 2], values=list(range(-4 * g, 4 - 4 * g)), scale=0.02 + g / 1000) for g in range(4)]
    biases = [Tensor([2], INT32, 0.5, values=[100 * g, -7]) for g in range(4)]
    tensors = [Tensor([*shape, 3], scale=0.3, zero=1), *w, *r, *biases, Tensor([2, 2], scale=0.007, zero=-3, variable=True),
               Tensor([2, 2], INT16, 2.0**-11, variable=True), Tensor([*shape, 2], scale=0.007, zero=-3)]
    operands = [0, *range(1, 9), -1, -1, -1, *range(9, 13), -1, -1, LSTM_HIDDEN, LSTM_CELLS, -1, -1, -1, -1]
    values = {"fused": TANH, "clip": 0.0, "projection_clip": 0.0, "time_major": major} | options
    table = option_table("fused clip projection_clip time_major asymmetric diagonal", "bffBBB", values)
    return Model(tensors, [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [LSTM_Y], table)])


def with_operand(model: Model, at: int, tensor: int) -> Model:
    """Another tensor as operand `at`."""
    inputs = list(model.ops[0].inputs)
    inputs[at] = tensor
    return with_op(model, inputs=inputs)


def svdf(kind: int = INT16) -> Model:
    """[2, 3] -> 2 units of 2 filters that remember 4 values"""
    bits = {INT16: 300, INT8: 5}[kind]
    return Model([Tensor([2, 3], scale=0.3, zero=1), Tensor([4, 3], values=list(range(-6, 6)), scale=0.02),
                  Tensor([4, 4], kind, 0.001, values=[i * bits for i in range(-8, 8)]),
                  Tensor([2], INT32, f32(f32(0.004) * f32(0.001)), values=[5, -6]), Tensor([2, 16], kind, 0.004, variable=True),
                  Tensor([2, 2], scale=0.1, zero=-3)],
                 [Op("SVDF", [0, 1, 2, 3, 4], [5], {0: Scalar("i", 2), 1: Scalar("b", RELU)})])


def pool(name: str) -> Model:
    return Model([Tensor([1, 5, 5, 2]), Tensor([1, 2, 2, 2])], [Op(name, [0], [1], pool_options())])


def reduce_model(name: str, axes: list[int]) -> Model:
    return Model([Tensor([1, 3, 4, 2], scale=0.3, zero=5), Tensor([len(axes)], INT32, None, values=axes),
                  Tensor([1, 2], zero=-1)], [Op(name, [0, 1], [2])])


def arg_max(name: str = "ARG_MAX", kind: int = INT32) -> Model:
    return Model([Tensor([1, 3, 4]), Tensor([], INT32, None, values=[-1]), Tensor([1, 3], kind, None)],
                 [Op(name, [0, 1], [2], {0: Scalar("b", kind)})])


def resize() -> Model:
    """[1, 5, 4, 2] -> [1, 12, 8, 2]"""
    return Model([Tensor([1, 5, 4, 2]), Tensor([2], INT32, None, values=[12, 8]), Tensor([1, 12, 8, 2])],
                 [Op("RESIZE_BILINEAR", [0, 1], [2])])


def softmax() -> Model:
    return Model([Tensor([2, 10], scale=0.1, zero=4), Tensor([2, 10], scale=1 / 256, zero=-128)],
                 [Op("SOFTMAX", [0], [1], {0: Scalar("f", 1.0)})])


def quantize(source: int = INT8, target: int = INT8) -> Model:
    zeros = {INT8: -3, UINT8: 125}
    return Model([Tensor([1, 6], source, 0.3, zeros.get(source, 0)), Tensor([1, 6], target, 0.4, zeros.get(target, 0))],
                 [Op("QUANTIZE", [0], [1])])


def relu() -> Model:
    return Model([Tensor([1, 6], scale=0.25, zero=9), Tensor([1, 6], scale=0.125, zero=-100)], [Op("RELU", [0], [1])])


def prelu() -> Model:
    return Model([Tensor([1, 2, 2, 3], scale=0.3, zero=1), Tensor([1, 1, 3], scale=0.07, zero=5, values=[1, -2, 3]),
                  Tensor([1, 2, 2, 3], scale=0.4, zero=-3)], [Op("PRELU", [0, 1], [2])])


def pad(name: str = "PAD", kind: int = INT32) -> Model:
    return Model([Tensor([1, 2, 3]), Tensor([3, 2], kind, None, values=[0, 0, 1, 0, 2, 3]), Tensor([1, 3, 8], zero=11)],
                 [Op(name, [0, 1], [2])])


def padv2() -> Model:
    model = pad("PADV2")
    return Model([*model.tensors, Tensor([], zero=11, values=[-7])], [Op("PADV2", [0, 1, 3], [2])])


def reshape() -> Model:
    return Model([Tensor([1, 2, 3]), Tensor([2], INT32, None, values=[-1, 3]), Tensor([2, 3])], [Op("RESHAPE", [0, 1], [2])])


def chain() -> Model:
    """Six ops: what the damage is done to."""
    tensors = [*conv().tensors, Tensor([1, 3, 3, 3], zero=2, scale=0.6), Tensor([1, 2, 2, 3], zero=2, scale=0.6),
               Tensor([1, 12], zero=2, scale=0.6), Tensor([2, 12], values=[3] * 24, scale=0.2), Tensor([1, 2], scale=0.2),
               Tensor([1, 2], scale=1 / 256, zero=-128)]
    return Model(tensors, [
        *conv().ops, Op("ADD", [3, 3], [4], fused(RELU6)), Op("AVERAGE_POOL_2D", [4], [5], pool_options(stride_w=1, stride_h=1)),
        Op("RESHAPE", [5], [6]), Op("FULLY_CONNECTED", [6, 7, -1], [8], fused(NONE)),
        Op("SOFTMAX", [8], [9], {0: Scalar("f", 1.0)}),
    ])


# ---- what is imported ------------------------------------------------------------------------------------------------------


class Imports(ImportCase):
    def test_conv(self) -> None:
        m, op = self.only_op(conv())
        self.assertEqual((op.number, op.operands), (CONV, (0, 1, 2, 3)))
        self.assertEqual(op.arguments, (1, 1, 1, 1, 0, 0, 0, 0, 3, 1, 3, 0, -5, -128, 127, TFLITE))
        self.assertEqual(m.tensors[1].values, tuple(range(-18, 18)))
        self.assertEqual(m.tensors[2].values, (1, -2, 2**30))
        expected = [Reference.product(0.5, f32(w), f32(0.7)) for w in (0.1, 0.2, 0.3)]
        self.assertEqual(m.tensors[3].values, sum(expected, ()))
        self.assertEqual((m.tensors[3].shape, m.inputs, m.outputs), ((3, 2), (0,), (4,)))

    def test_names_and_metadata(self) -> None:
        m = self.convert(with_tensor(conv(), 0, name="an input"))
        self.assertEqual((m.tensors[0].name, m.tensors[0].scale, m.tensors[0].zero_point), (b"an input", 0x3F000000, 3))
        self.assertEqual((m.tensors[1].name, m.tensors[1].scale, m.tensors[1].zero_point), (b"t1", 0, 0))
        self.assertEqual((m.tensors[4].name, m.tensors[4].zero_point), (b"t3", -5))

    def test_order_of_tensors(self) -> None:
        m = self.convert(with_op(add(), inputs=[1, 0]))
        self.assertEqual([t.name for t in m.tensors], [b"t0", b"t1", b"t2"])
        self.assertEqual(m.ops[0].operands, (1, 0))

    def test_conv_padding(self) -> None:
        """SAME: ceil(in / stride), the odd pixel after; extents 5 and 4, kernel 3 and 2."""
        rows = [  # stride and dilation h, w; output h, w; top, bottom, left, right
            ((1, 1, 1, 1), (5, 4), (1, 1, 0, 1)),
            ((2, 2, 1, 1), (3, 2), (1, 1, 0, 0)),
            ((3, 3, 1, 1), (2, 2), (0, 1, 0, 1)),
            ((1, 1, 2, 3), (5, 4), (2, 2, 1, 2)),
            ((4, 1, 1, 1), (2, 4), (1, 1, 0, 1)),
        ]
        for (sh, sw, dh, dw), (h, w), padding in rows:
            with self.subTest(stride=(sh, sw), dilation=(dh, dw)):
                model = with_tensor(conv(), 3, shape=[1, h, w, 3])
                options = conv_options(padding=SAME, stride_h=sh, stride_w=sw, dilation_h=dh, dilation_w=dw)
                op = self.only_op(with_op(model, options=options))[1]
                self.assertEqual(op.arguments[:9], (sh, sw, dh, dw, *padding, 3))

    def test_conv_valid_with_stride(self) -> None:
        model = with_op(with_tensor(conv(), 3, shape=[1, 2, 2, 3]), options=conv_options(stride_h=2, stride_w=2))
        self.assertEqual(self.only_op(model)[1].arguments[:8], (2, 2, 1, 1, 0, 0, 0, 0))

    def test_conv_groups(self) -> None:
        model = with_tensor(with_tensor(conv(), 0, shape=[1, 5, 4, 6]), 3, shape=[1, 3, 3, 3])
        self.assertEqual(self.only_op(model)[1].arguments[9], 3)

    def test_one_weight_scale_is_broadcast(self) -> None:
        m, op = self.only_op(with_tensor(conv(), 1, scale=0.1, zero=0))
        self.assertEqual(m.tensors[op.operands[3]].values, Reference.product(0.5, f32(0.1), f32(0.7)) * 3)

    def test_fused_activations(self) -> None:
        zero = -5
        rows = [(NONE, -128, 127), (RELU, zero, 127), (RELU6, zero, zero + 9), (RELU_N1_TO_1, zero - 1, zero + 1)]
        for function, low, high in rows:
            op = self.only_op(with_op(conv(), options=conv_options(fused=function)))[1]
            self.assertEqual(op.arguments[13:15], (low, high), function)

    def test_missing_bias_is_zero(self) -> None:
        for inputs in ([0, 1], [0, 1, -1]):
            m, op = self.only_op(with_op(conv(), inputs=inputs))
            self.assertEqual(m.tensors[op.operands[2]].values, (0, 0, 0))

    def test_shared_constants_are_written_once(self) -> None:
        model = with_tensor(conv(), 0, shape=[1, 5, 4, 2])
        model = Model([*model.tensors, replace(model.tensors[3])], [*model.ops, Op("CONV_2D", [0, 1, 2], [4], conv_options())])
        m = self.convert(model)
        self.assertEqual(m.ops[0].operands[:3], m.ops[1].operands[:3])

    def test_depthwise(self) -> None:
        m, op = self.only_op(depthwise())
        self.assertEqual(op.number, CONV)
        self.assertEqual(op.arguments[8:12], (0, 2, 0, 0))
        self.assertEqual(m.tensors[1].shape, (4, 2, 2, 1))
        self.assertEqual(m.tensors[1].values, tuple(t * 4 + c for c in range(4) for t in range(4)))
        expected = [Reference.product(0.5, f32(w), f32(0.7)) for w in (0.1, 0.2, 0.3, 0.4)]
        self.assertEqual(m.tensors[3].values, sum(expected, ()))

    def test_fully_connected_with_one_scale_rounds_the_product(self) -> None:
        m, op = self.only_op(dense())
        self.assertEqual((op.number, op.arguments), (FULLY_CONNECTED, (7, 0, 1, -128, 127, TFLITE)))
        scales = f32(0.3), f32(0.07), f32(0.9)
        self.assertNotEqual(Reference.narrow_product(*scales), Reference.product(*scales))
        self.assertEqual(m.tensors[op.operands[3]].values, Reference.narrow_product(*scales) * 4)

    def test_fully_connected_per_channel_does_not(self) -> None:
        m, op = self.only_op(with_tensor(dense(), 1, scale=[0.07, 0.08, 0.09, 0.1], zero=[0, 0, 0, 0]))
        expected = [Reference.product(f32(0.3), f32(w), f32(0.9)) for w in (0.07, 0.08, 0.09, 0.1)]
        self.assertEqual(m.tensors[op.operands[3]].values, sum(expected, ()))

    def test_fully_connected_weight_zero_point(self) -> None:
        self.assertEqual(self.only_op(with_tensor(dense(), 1, zero=-9))[1].arguments[1], -9)

    def test_add(self) -> None:
        op = self.only_op(add())[1]
        a, b, y = Reference.add(f32(0.3), f32(0.2), f32(0.4))
        self.assertEqual(op.number, ADD)
        self.assertEqual(op.arguments, (1, 2, -3, 20, *a, *b, *y, -3, 127, TFLITE))

    def test_sub_rounds_its_ratios(self) -> None:
        op = self.only_op(with_op(add(), name="SUB"))[1]
        scales = f32(0.3), f32(0.2), f32(0.4)
        self.assertNotEqual(Reference.sub(*scales), Reference.add(*scales))
        a, b, y = Reference.sub(*scales)
        self.assertEqual((op.number, op.arguments), (SUB, (1, 2, -3, 20, *a, *b, *y, -3, 127, TFLITE)))

    def test_mul(self) -> None:
        scales = f32(0.3), f32(0.2), f32(0.4)
        op = self.only_op(with_op(add(), name="MUL"))[1]
        self.assertEqual((op.number, op.arguments), (MUL, (1, 2, -3, *Reference.product(*scales), -3, 127, TFLITE)))

    def test_legacy_sub_and_mul(self) -> None:
        """LiteRT computes the multipliers of SUB in binary64, and that of MUL in binary32."""
        scales = f32(0.3), f32(0.21), f32(0.37)
        model = add()
        for i, zero in enumerate((129, 130, 125)):
            model = with_tensor(model, i, type=UINT8, zero=zero, scale=scales[i])
        a, b, y = Reference.add(*scales)
        self.assertEqual(self.only_op(with_op(model, name="SUB"))[1].arguments, (1, 2, -3, 20, *a, *b, *y, -3, 127, TFLITE))
        self.assertNotEqual(Reference.float_product(*scales), Reference.product(*scales))
        self.assertEqual(self.only_op(with_op(model, name="MUL"))[1].arguments,
                         (1, 2, -3, *Reference.float_product(*scales), -3, 127, TFLITE))

    def test_add_constant_and_broadcast(self) -> None:
        model = replace(with_tensor(add(), 1, shape=[3], values=[1, 2, 3]), inputs=[0])
        m, op = self.only_op(model)
        self.assertEqual((op.operands, m.tensors[1].values, m.tensors[1].shape), ((0, 1), (1, 2, 3), (3,)))
        m, op = self.only_op(replace(with_tensor(add(), 0, shape=[], values=[4]), inputs=[1]))
        self.assertEqual((op.operands, m.tensors[1].values, m.tensors[1].shape), ((1, 0), (4,), (1,)))

    def test_batch_matmul(self) -> None:
        multiplier = Reference.narrow_product(f32(0.3), f32(0.07), f32(0.4))
        m, op = self.only_op(batch_matmul())
        self.assertEqual((op.number, op.operands), (BATCH_MATMUL, (0, 1)))
        self.assertEqual(op.arguments, (1, 2, -3, 0, 1, *multiplier, -128, 127, TFLITE))
        model = with_tensor(with_op(batch_matmul(), options={0: Scalar("B", 1)}), 0, shape=[2, 4, 3])
        model = replace(with_tensor(model, 1, shape=[4, 5], values=list(range(20))), inputs=[0])
        m, op = self.only_op(model)
        self.assertEqual((op.arguments[3:5], m.tensors[op.operands[1]].values), ((1, 0), tuple(range(20))))

    def test_lstm(self) -> None:
        for major in (False, True):
            model = lstm(major)
            m, op = self.only_op(model)
            self.assertEqual((op.number, op.arguments), (LSTM, (1, -3, 1, 0, int(major), TFLITE)))
            w, r, bias, rq = (m.tensors[i] for i in op.operands[1:])
            self.assertEqual((w.shape, w.values), ((4, 2, 3), tuple(range(24))))
            self.assertEqual((r.shape, r.values), ((4, 2, 2), tuple(v - 4 * g for g in range(4) for v in range(4))))
            self.assertEqual((bias.shape, bias.values), ((4, 2), (0, -7, 100, -7, 200, -7, 300, -7)))
            gates = [Reference.narrow_product(f32(x), f32(t.scale), 2.0**-12)
                     for x, kind in ((0.3, LSTM_W), (0.007, LSTM_R)) for t in model.tensors[kind:kind + 4]]
            last = [(2**30, -14), (2**30, -18), Reference.product(2.0**-15, 2.0**-15, f32(0.007))]
            self.assertEqual(rq.values, tuple(v for pair in (*gates, *last) for v in pair))

    def test_lstm_cells(self) -> None:
        """The scale of the cells decides the units of tanh, and what a clip is in them."""
        for power, clip, stored in ((-11, 10.0, 20480), (-11, 16.0, 2**15 - 1), (-11, 1e30, 2**15 - 1), (-11, 0.0006, 1),
                                    (-28, 1.9 * 2**-28, 1), (2, 4.0, 1), (2, 5e5, 2**15 - 1), (-15, 0.3, 9830)):
            op = self.only_op(with_tensor(lstm(clip=clip), LSTM_CELLS, scale=2.0**power))[1]
            self.assertEqual(op.arguments[2:4], (12 + power, stored), (power, clip))

    def test_svdf(self) -> None:
        def product(a: float, b: float, y: float) -> tuple[int, int]:
            return Reference.requant(f32(f32(f32(a) * f32(b)) / f32(y)))

        for kind, rail in ((INT16, 2**15), (INT8, 128)):
            m, op = self.only_op(svdf(kind))
            self.assertEqual((op.number, len(op.operands)), (SVDF, 4))
            self.assertEqual(op.arguments, (2, 1, -rail, rail - 1, *product(0.3, 0.02, 0.004), -3, *product(0.004, 0.001, 0.1),
                                            -128, 127, TFLITE))
            self.assertEqual(m.tensors[op.operands[2]].values, tuple(svdf(kind).tensors[2].values))
            self.assertEqual(m.tensors[op.operands[2]].type, lks_file.I16)

    def test_pools(self) -> None:
        self.assertEqual(self.only_op(pool("MAX_POOL_2D"))[1].arguments, (2, 2, 2, 2, 0, 0, 0, 0, -128, 127))
        model = with_op(with_tensor(pool("AVERAGE_POOL_2D"), 1, shape=[1, 3, 3, 2]), options=pool_options(padding=SAME))
        op = self.only_op(model)[1]
        self.assertEqual((op.number, op.arguments), (AVG_POOL, (2, 2, 2, 2, 0, 1, 0, 1, -128, 127, TFLITE)))

    def test_pool_scales_may_differ_by_little(self) -> None:
        self.only_op(with_tensor(pool("MAX_POOL_2D"), 1, scale=0.5 + 9e-7))

    def test_mean_and_sum(self) -> None:
        ratio = Reference.ratio(f32(0.3), 0.5)
        for axes in ([1, 2], [2, 1], [-3, -2], [1, 2, 1]):
            op = self.only_op(reduce_model("MEAN", axes))[1]
            self.assertEqual((op.number, op.arguments), (SUM, (6, 5, -1, *Reference.mean(*ratio, 12), -128, 127, TFLITE)))
        self.assertEqual(self.only_op(reduce_model("SUM", [1, 2]))[1].arguments, (6, 5, -1, *ratio, -128, 127, TFLITE))

    def test_mean_of_everything(self) -> None:
        model = Model([Tensor([4, 3]), Tensor([2], INT32, None, values=[0, 1]), Tensor([])], [Op("MEAN", [0, 1], [2])])
        m, op = self.only_op(model)
        self.assertEqual((op.arguments[0], m.tensors[op.outputs[0]].shape), (3, (1,)))

    def test_reduce_max_and_min(self) -> None:
        for name, smallest in (("REDUCE_MAX", 0), ("REDUCE_MIN", 1)):
            op = self.only_op(with_tensor(reduce_model(name, [1, -2]), 2, scale=0.3, zero=5))[1]
            self.assertEqual((op.number, op.arguments), (REDUCE_MAX, (6, smallest, -128, 127)))

    def test_arg_max_and_min(self) -> None:
        for name, kind, smallest, interface in (("ARG_MAX", INT32, 0, 4), ("ARG_MIN", INT64, 1, 5)):
            m, op = self.only_op(arg_max(name, kind))
            self.assertEqual((op.number, op.operands, op.arguments), (ARG_MAX, (0,), (2, smallest)))
            self.assertEqual((m.tensors[op.outputs[0]].type, m.tensors[op.outputs[0]].interface), (4, interface))

    def test_reshape_of_indices(self) -> None:
        model = arg_max("ARG_MAX", INT64)
        m = self.convert(Model([*model.tensors, Tensor([3], INT64, None)], [*model.ops, Op("RESHAPE", [2], [3])]))
        self.assertEqual([(t.type, t.interface) for t in m.tensors], [(1, 1), (4, 5), (4, 5)])

    def test_resize_bilinear(self) -> None:
        rows = (({}, (427, 512, 0, 0)), ({2: Scalar("B", 1)}, (372, 439, 0, 0)), ({3: Scalar("B", 1)}, (427, 512, -299, -256)))
        for options, places in rows:
            op = self.only_op(with_op(resize(), options=options))[1]
            self.assertEqual((op.number, op.operands, op.arguments), (RESIZE_BILINEAR, (0,), (*places, TFLITE)))

    def test_legacy_resize_must_be_exact(self) -> None:
        """33 to 513 by the corners, as in DeepLab: 1/16."""
        size = Tensor([2], INT32, None, values=[513, 513])
        model = Model([Tensor([1, 33, 33, 1], UINT8), size, Tensor([1, 513, 513, 1], UINT8)],
                      [Op("RESIZE_BILINEAR", [0, 1], [2], {2: Scalar("B", 1)})])
        self.assertEqual(self.only_op(model)[1].arguments, (64, 64, 0, 0, 0))

    def test_softmax(self) -> None:
        op = self.only_op(softmax())[1]
        self.assertEqual((op.number, op.arguments), (SOFTMAX, Reference.softmax(1.0, f32(0.1))))

    def test_quantize(self) -> None:
        """The zero points of a UINT8 tensor are 128 higher in the file, and as metadata, than in the arguments."""
        for source, target in ((INT8, INT8), (UINT8, INT8), (INT8, UINT8)):
            m, op = self.only_op(quantize(source, target))
            ratio = Reference.ratio(f32(0.3), f32(0.4))
            self.assertEqual((op.number, op.arguments), (REQUANT, (-3, -3, *ratio, -128, 127, TFLITE)))
            self.assertEqual([t.interface for t in m.tensors], [2 if kind == UINT8 else 1 for kind in (source, target)])
            self.assertEqual([t.zero_point for t in m.tensors], [125 if kind == UINT8 else -3 for kind in (source, target)])

    def test_quantize_int16(self) -> None:
        m, op = self.only_op(with_tensor(quantize(INT16, INT8), 0, zero=-700, scale=0.002))
        x = m.tensors[op.operands[0]]
        self.assertEqual((x.type, x.interface, x.zero_point), (lks_file.I16, lks_file.I16, -700))
        self.assertEqual(op.arguments, (-700, -3, *Reference.ratio(f32(0.002), f32(0.4)), -128, 127, TFLITE))

    def test_legacy_conv(self) -> None:
        """128 less in zero points and weights; the multiplier from a product rounded to binary32, one for all channels."""
        m, op = self.only_op(legacy_conv())
        self.assertEqual(op.arguments[8:], (3, 1, 3, 127, -128, -128, 127, TFLITE))
        self.assertEqual(m.tensors[op.operands[1]].values, (-128, 127, *range(-128, -94)))
        self.assertEqual(m.tensors[op.operands[3]].values, Reference.narrow_product(0.5, 0.25, f32(0.7)) * 3)
        self.assertEqual([(m.tensors[i].interface, m.tensors[i].zero_point) for i in (op.operands[0], op.outputs[0])],
                         [(2, 131), (2, 0)])

    def test_the_average_of_uint8_is_rounded_down(self) -> None:
        model = pool("AVERAGE_POOL_2D")
        legacy = with_tensor(with_tensor(model, 0, type=UINT8), 1, type=UINT8)
        self.assertEqual([self.only_op(m)[1].arguments[-1] for m in (model, legacy)], [TFLITE, HALF_UP])

    def test_floats_at_the_ends_are_left_out(self) -> None:
        done = Converted(write(float_ends()))
        self.assertEqual((done.code, done.error), (0, ""))
        m = lks_file.read(done.file)
        self.assertEqual([op.arguments for op in m.ops], [(9, -100, 2**30, 2, -100, 127, TFLITE)])
        self.assertEqual([m.tensors[i].name for i in (*m.inputs, *m.outputs)], [b"q", b"r"])

    def test_float_inputs_keep_their_order(self) -> None:
        f = Tensor([1, 2, 3], FLOAT32, None)
        model = Model([f, f, *add().tensors], [Op("QUANTIZE", [1], [3]), Op("QUANTIZE", [0], [2]), *with_op(
            add(), inputs=[2, 3], outputs=[4]).ops], inputs=[0, 1])
        m = lks_file.read(Converted(write(model)).file)
        self.assertEqual([m.tensors[i].name for i in m.inputs], [b"t2", b"t3"])

    def test_arithmetic_on_shapes_is_left_out(self) -> None:
        done = Converted(write(shape_arithmetic()))
        self.assertEqual((done.code, done.error), (0, ""))
        self.assertEqual([op.number for op in lks_file.read(done.file).ops], [RESHAPE])

    def test_reshaped_constants_are_constants(self) -> None:
        a = add()
        model = Model([*a.tensors, Tensor([6], scale=0.2, zero=2, values=[1, 2, 3, 4, 5, 6])],
                      [Op("RESHAPE", [3], [1]), *a.ops])
        done = Converted(write(model))
        self.assertEqual((done.code, done.error), (0, ""))
        m = lks_file.read(done.file)
        self.assertEqual([op.number for op in m.ops], [ADD])
        self.assertEqual(m.tensors[m.ops[0].operands[1]].values, (1, 2, 3, 4, 5, 6))

    def test_relu(self) -> None:
        self.assertEqual(self.only_op(relu())[1].arguments, (9, -100, 2**30, 2, -100, 127, TFLITE))

    def test_relu6_clamps_by_the_input_scale(self) -> None:
        """TensorFlow Lite Micro does not rescale; LiteRT does, whose the uint8 models are."""
        op = self.only_op(with_op(relu(), name="RELU6"))[1]
        self.assertEqual((op.number, op.arguments), (CLAMP, (9, 9 + 24)))
        model = with_op(relu(), name="RELU6")
        for i, (scale, zero) in enumerate(((0.25, 137), (0.125, 28))):
            model = with_tensor(model, i, type=UINT8, scale=scale, zero=zero)
        self.assertEqual(self.only_op(model)[1].arguments, (9, -100, 2**30, 2, -100, -100 + 48, TFLITE))

    def test_bounded_relus_rescale(self) -> None:
        for name, low, high in (("RELU_N1_TO_1", -8, 8), ("RELU_0_TO_1", 0, 8)):
            op = self.only_op(with_op(relu(), name=name))[1]
            self.assertEqual((op.number, op.arguments), (REQUANT, (9, -100, 2**30, 2, -100 + low, -100 + high, TFLITE)))

    def test_extrema_of_a_constant_clamp(self) -> None:
        for name, inputs, ends in (("MAXIMUM", [0, 2], (-7, 127)), ("MINIMUM", [2, 0], (-128, -7))):
            model = Model([*relu().tensors, Tensor([], values=[-7])], [Op(name, inputs, [1])])
            op = self.only_op(model)[1]
            self.assertEqual((op.number, op.operands, op.arguments), (CLAMP, (0,), ends))

    def test_prelu(self) -> None:
        scales = f32(0.3), f32(0.07), f32(0.4)
        m, op = self.only_op(prelu())
        self.assertEqual((op.number, op.operands), (PRELU, (0, 1)))
        self.assertEqual(op.arguments, (1, 5, -3, *Reference.ratio(scales[0], scales[2]), *Reference.product(*scales), -128, 127,
                                        TFLITE))
        self.assertEqual((m.tensors[1].values, m.tensors[1].shape), ((1, -2, 3), (1, 1, 3)))
        legacy = prelu()
        for i, zero in enumerate((129, 133, 125)):
            legacy = with_tensor(legacy, i, type=UINT8, zero=zero, values=[129, 126, 131] if i == 1 else None)
        m, op = self.only_op(legacy)
        self.assertEqual(op.arguments, (1, 5, -3, *Reference.narrow_ratio(scales[0], scales[2]), *Reference.float_product(*scales),
                                        -128, 127, TFLITE))
        self.assertEqual(m.tensors[1].values, (1, -2, 3))

    def table(self, name: str, x: tuple, y: tuple, options: dict | None = None) -> tuple[int, ...]:
        model = Model([Tensor([1, 6], scale=x[0], zero=x[1]), Tensor([1, 6], scale=y[0], zero=y[1])],
                      [Op(name, [0], [1], options or {})])
        m, op = self.only_op(model)
        self.assertEqual((op.number, m.tensors[op.operands[1]].shape), (LUT, (256,)))
        return m.tensors[op.operands[1]].values

    def test_logistic_and_tanh_are_near_the_functions(self) -> None:
        """To half a step and a little; that each byte is the reference's is for test_tflm_ops.py to say."""
        for scale, zero in ((0.05, 3), (1 / 16, 0), (0.2, -128), (0.4, 127), (1e-4, 0)):
            logistic = self.table("LOGISTIC", (scale, zero), (1 / 256, -128))
            tanh = self.table("TANH", (scale, zero), (1 / 128, 0))
            for q in range(-128, 128):
                v = scale * (q - zero)
                self.assertLessEqual(abs(min(256 / (1 + math.exp(-v)), 255) - 128 - logistic[q + 128]), 0.51, (scale, zero, q))
                self.assertLessEqual(abs(min(128 * math.tanh(v), 127) - tanh[q + 128]), 0.51, (scale, zero, q))

    def test_hard_swish_is_near_the_function(self) -> None:
        table = self.table("HARD_SWISH", (0.05, 3), (0.04, -100))
        for q in range(-128, 128):
            v = 0.05 * (q - 3)
            exact = v * min(max(v + 3, 0), 6) / 6 / 0.04 - 100
            self.assertLessEqual(abs(max(min(exact, 127), -128) - table[q + 128]), 1, q)

    def test_leaky_relu(self) -> None:
        table = self.table("LEAKY_RELU", (0.5, 10), (0.5, 20), {0: Scalar("f", 0.25)})
        self.assertEqual([table[q + 128] for q in (10, 12, 127, 9, 8, 6, 2, -118)], [20, 22, 127, 20, 19, 19, 18, -12])
        table = self.table("LEAKY_RELU", (0.5, 10), (0.5, 20), {0: Scalar("f", -1.0)})
        self.assertEqual([table[q + 128] for q in (10, 12, 9, -90, -128)], [20, 22, 21, 120, 127])
        self.assertEqual(self.table("LEAKY_RELU", (0.5, 0), (0.5, 0))[:130], (0,) * 129 + (1,))

    def test_abs(self) -> None:
        table = self.table("ABS", (0.5, 10), (0.5, -5))
        self.assertEqual([table[q + 128] for q in (10, 12, 8, 127, -128)], [-5, -3, -3, 112, 127])
        table = self.table("ABS", (0.5, 10), (1.0, -5))
        self.assertEqual([table[q + 128] for q in (10, 12, 8, 13, -128)], [-5, -4, -4, -3, 64])

    def test_pad(self) -> None:
        for model, value in ((pad(), 11), (pad("PAD", INT64), 11), (padv2(), -7)):
            op = self.only_op(model)[1]
            self.assertEqual((op.number, op.arguments), (PAD, (0, 1, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, value)))

    def test_reshape(self) -> None:
        for inputs in ([0, 1], [0]):
            m, op = self.only_op(with_op(reshape(), inputs=inputs))
            self.assertEqual((op.number, op.operands, m.tensors[op.outputs[0]].shape), (RESHAPE, (0,), (2, 3)))

    def test_reshape_needs_no_quantization(self) -> None:
        m = self.convert(with_tensor(with_tensor(reshape(), 0, scale=None), 2, scale=None))
        self.assertEqual([t.scale for t in m.tensors], [0, 0])

    def test_shape_signature_is_ignored(self) -> None:
        self.only_op(with_tensor(conv(), 0, signature=[-1, 5, 4, 2]))

    def test_large_op_codes(self) -> None:
        """deprecated_builtin_code is an int8, which the newer field overrides."""
        self.assertIn("op 0 (CUMSUM): this op is not supported", Converted(write(with_op(quantize(), name="CUMSUM"))).error)

    def test_chain(self) -> None:
        kinds = [op.number for op in self.convert(chain()).ops]
        self.assertEqual(kinds, [CONV, ADD, AVG_POOL, RESHAPE, FULLY_CONNECTED, SOFTMAX])


# ---- what is refused -------------------------------------------------------------------------------------------------------

FLOATS = dict(type=FLOAT32, scale=None)


def refusals() -> list[tuple[str, Model, str, str]]:
    """What, model, how the message calls the place, a part of the reason."""
    c, d, f, a, b, p = conv(), depthwise(), dense(), add(), batch_matmul(), pool("AVERAGE_POOL_2D")
    s, m, lstm_op = svdf(), lstm(), "op 0 (UNIDIRECTIONAL_SEQUENCE_LSTM)"
    mean, conv_op, dense_op = reduce_model("MEAN", [1, 2]), "op 0 (CONV_2D)", "op 0 (FULLY_CONNECTED)"
    second = Op("RELU", [3], [3])
    return [
        ("unsupported op", with_op(quantize(), name="CUMSUM"), "op 0 (CUMSUM)", "this op is not supported"),
        ("second op", Model([*relu().tensors, Tensor([1, 6])], [*relu().ops, Op("CUMSUM", [1, 1], [2])]), "op 1 (CUMSUM)",
         "not supported"),
        ("custom op", with_op(quantize(), name="CUSTOM", custom=b"Mine"), "op 0 (CUSTOM Mine)", "custom ops"),
        ("unknown op", with_op(quantize(), code=9999), "op 0 (unknown builtin 9999)", "not supported"),
        ("int8 weights of a uint8 conv", with_tensor(with_tensor(c, 0, type=UINT8), 3, type=UINT8), conv_op, "weights tensor \"t1\" is INT8"),
        ("uint8 weights per channel", with_tensor(legacy_conv(), 1, scale=[0.1, 0.2, 0.3], zero=[1, 2, 3]), conv_op, "have 3 scales"),
        ("uint8 weights beyond their type", with_tensor(legacy_conv(), 1, zero=256), conv_op, "zero point 0 is 256"),
        ("uint8 bias scale", with_tensor(legacy_conv(), 2, scale=0.5), conv_op, "the bias scale is not"),
        ("float conv", with_tensor(with_tensor(c, 0, **FLOATS), 3, **FLOATS), conv_op, "FLOAT32: only INT8"),
        ("hybrid", with_tensor(with_tensor(f, 0, **FLOATS), 3, **FLOATS), dense_op, "FLOAT32: only INT8"),
        ("int16", with_tensor(with_tensor(c, 0, type=INT16), 3, type=INT16), conv_op, "16-bit activations"),
        ("int16 to uint8", quantize(INT16, UINT8), "op 0 (QUANTIZE)", "is UINT8"),
        ("to int16", quantize(INT8, INT16), "op 0 (QUANTIZE)", "is INT16"),
        ("zero point of int16", with_tensor(quantize(INT16, INT8), 0, zero=2**15), "graph input 0", "zero point outside its type"),
        ("int4 weights", with_tensor(f, 1, type=INT4, values=None, data=bytes(6)), dense_op, "4-bit weights"),
        ("output type", with_tensor(c, 3, type=UINT8), conv_op, "different types, INT8 and UINT8"),
        ("float at the end", quantize(INT8, FLOAT32), "op 0 (QUANTIZE)", "output tensor \"t1\" is FLOAT32"),
        ("nothing but a float at the start", quantize(FLOAT32, INT8), "graph output 0", "is also a graph input"),
        ("a float quantized twice", Model([Tensor([1, 6], FLOAT32, None), Tensor([1, 6]), Tensor([1, 6]), Tensor([1, 6])],
         [Op("QUANTIZE", [0], [1]), Op("QUANTIZE", [0], [2]), Op("RELU", [1], [3])]), "op 1 (QUANTIZE)", "by two ops"),
        ("one tensor from two floats", Model([Tensor([1, 6], FLOAT32, None), Tensor([1, 6], FLOAT32, None), Tensor([1, 6]),
         Tensor([1, 6])], [Op("QUANTIZE", [0], [2]), Op("QUANTIZE", [1], [2]), Op("RELU", [2], [3])], inputs=[0, 1]),
         "graph input 1", "made from two inputs"),
        ("a float within", Model([Tensor([1, 6]), Tensor([1, 6], FLOAT32, None), Tensor([1, 6])],
         [Op("DEQUANTIZE", [0], [1]), Op("QUANTIZE", [1], [2])]), "op 1 (QUANTIZE)", "which only a graph input may be"),
        ("a float of another shape", with_tensor(float_ends(), 0, shape=[1, 7]), "op 0 (QUANTIZE)", "different shapes"),
        ("dequantized to int8", with_tensor(float_ends(), 3, type=INT8), "op 2 (DEQUANTIZE)", "must be FLOAT32"),
        ("a graph input dequantized", Model([Tensor([1, 6]), Tensor([1, 6], FLOAT32, None)], [Op("DEQUANTIZE", [0], [1])]),
         "graph output 0", "is also a graph input"),
        ("a shape as output", replace(shape_arithmetic(), outputs=[1]), "graph output 0", "is a shape"),
        ("a shape from values", with_op(shape_arithmetic(), inputs=[0, 5]), "op 3 (RESHAPE)", "is not constant"),
        ("tanh", with_op(c, options=conv_options(fused=TANH)), conv_op, "function 4 (TANH)"),
        ("sign bit", with_op(a, options=fused(SIGN_BIT)), "op 0 (ADD)", "function 5 (SIGN_BIT)"),
        ("unknown activation", with_op(c, options=conv_options(fused=-1)), conv_op, "function -1"),
        ("variable", with_tensor(c, 0, variable=True), "graph input 0", "is a variable"),
        ("variable output", with_tensor(c, 3, variable=True), conv_op, "is a variable"),
        ("sparse weights", with_tensor(c, 1, sparse=True), conv_op, "is sparse"),
        ("custom quantization", with_tensor(c, 0, details=1), "graph input 0", "custom quantization"),
        ("two producers", replace(c, ops=[*c.ops, *c.ops]), "op 1 (CONV_2D)", "is made by two ops"),
        ("made late", Model([Tensor([1, 2])] * 3, [Op("RELU", [2], [1]), Op("RELU", [0], [2])]), "op 0 (RELU)", "neither data"),
        ("in place", replace(c, ops=[*c.ops, second]), "op 1 (RELU)", "is made by two ops"),
        ("writes an input", with_op(relu(), outputs=[0]), "op 0 (RELU)", "is also a graph input"),
        ("writes a constant", with_tensor(relu(), 1, values=[0] * 6), "op 0 (RELU)", "is constant"),
        ("reads a constant", Model([Tensor([2], values=[1, 2]), Tensor([2]), Tensor([2])], [Op("RELU", [0], [1])], inputs=[2]),
         "op 0 (RELU)", "is constant"),
        ("constant input", with_tensor(c, 0, values=[0] * 40), "graph input 0", "is constant"),
        ("input listed twice", replace(a, inputs=[0, 0]), "graph input 1", "listed twice"),
        ("output listed twice", replace(c, outputs=[3, 3]), "graph output 1", "listed twice"),
        ("input as output", replace(c, outputs=[0]), "graph output 0", "also a graph input"),
        ("output by nobody", replace(Model([*c.tensors, Tensor([1])], c.ops), outputs=[4]), "graph output 0", "made by no op"),
        ("float input that nothing uses", Model([*c.tensors, Tensor([1], FLOAT32)], c.ops, inputs=[0, 4]), "graph input 1",
         "FLOAT32"),
        ("dynamic shape", with_tensor(c, 3, shape=[1, -1, 3, 3]), conv_op, "dynamic shape"),
        ("dynamic input", with_tensor(c, 0, shape=[-1, 5, 4, 2]), "graph input 0", "dynamic shape"),
        ("empty", with_tensor(c, 3, shape=[1, 3, 0, 3]), conv_op, "is empty"),
        ("seven dimensions", with_tensor(relu(), 1, shape=[1] * 7), "op 0 (RELU)", "more than 6 dimensions"),
        ("huge extent", with_tensor(c, 3, shape=[1, 2**24 + 1, 1, 3]), conv_op, "too large"),
        ("huge product", with_tensor(c, 3, shape=[2**11, 2**10, 2**10, 1]), conv_op, "too large"),
        ("weights are no constant", with_tensor(c, 1, values=None), conv_op, "weights tensor \"t1\" is not constant"),
        ("weight type", with_tensor(c, 1, type=UINT8, values=[1] * 36), conv_op, "UINT8"),
        ("weight bytes", with_tensor(c, 1, data=bytes(35)), conv_op, "has 35 bytes of data, its shape needs 36"),
        ("weight rank", with_tensor(c, 1, shape=[3, 3, 4]), conv_op, "the weights must have 4 dimensions, not 3"),
        ("input rank", with_tensor(c, 0, shape=[5, 4, 2]), conv_op, "the input must have 4 dimensions, not 3"),
        ("output rank", with_tensor(c, 3, shape=[3, 3, 3]), conv_op, "the output must have 4 dimensions, not 3"),
        ("weights without scale", with_tensor(c, 1, scale=None), conv_op, "no scale"),
        ("count of scales", with_tensor(c, 1, scale=[0.1, 0.2], zero=[0, 0]), conv_op, "2 scales along axis 0"),
        ("axis of scales", with_tensor(c, 1, axis=1), conv_op, "3 scales along axis 1"),
        ("axis of depthwise scales", with_tensor(d, 1, axis=0), "op 0 (DEPTHWISE_CONV_2D)", "4 scales along axis 0"),
        ("count of zero points", with_tensor(c, 1, zero=[0, 0]), conv_op, "2 zero points for 3 scales"),
        ("weight zero point", with_tensor(c, 1, zero=[0, 0, 1]), conv_op, "zero point 2 is 1"),
        ("one weight zero point", with_tensor(c, 1, scale=0.1, zero=1), conv_op, "zero point 0 is 1"),
        ("zero points of dense channels", with_tensor(f, 1, scale=[0.1] * 4, zero=[0, 2, 0, 0]), dense_op, "zero point 1 is 2"),
        ("weight scale", with_tensor(c, 1, scale=[0.1, -0.2, 0.3]), conv_op, "weight scale 1"),
        ("zero scale", with_tensor(c, 0, scale=0.0), "graph input 0", "not a positive normal"),
        ("infinite scale", with_tensor(c, 0, scale=math.inf), "graph input 0", "not a positive normal"),
        ("scale that is no number", with_tensor(c, 3, scale=math.nan), conv_op, "not a positive normal"),
        ("negative scale", with_tensor(c, 3, scale=-1.0), conv_op, "not a positive normal"),
        ("subnormal scale", with_tensor(c, 3, scale=1e-40), conv_op, "not a positive normal"),
        ("scale per channel of an activation", with_tensor(c, 3, scale=[0.1] * 3, zero=[0] * 3), conv_op, "only weights may"),
        ("not quantized", with_tensor(c, 3, scale=None), conv_op, "no scale and zero point"),
        ("zero point", with_tensor(c, 3, zero=128), conv_op, "zero point outside its type"),
        ("zero point of 64 bits", with_tensor(c, 3, zero=2**32), conv_op, "zero point outside its type"),
        ("zero point of uint8", with_tensor(quantize(UINT8, INT8), 0, zero=-1), "graph input 0", "zero point outside its type"),
        ("scales give no multiplier", with_tensor(with_tensor(c, 0, scale=1e20), 3, scale=1e-20), conv_op, "no multiplier"),
        ("bias type", with_tensor(c, 2, type=INT64), conv_op, "bias tensor \"t2\" is INT64"),
        ("bias of floats", with_tensor(c, 2, type=FLOAT32), conv_op, "bias tensor \"t2\" is FLOAT32"),
        ("bias length", with_tensor(c, 2, shape=[2], values=[1, 2]), conv_op, "2 elements for 3 output channels"),
        ("bias is no constant", with_tensor(c, 2, values=None), conv_op, "bias tensor \"t2\" is not constant"),
        ("bias scale", with_tensor(f, 2, scale=0.1), dense_op, "bias scale"),
        ("groups", with_tensor(c, 0, shape=[1, 5, 4, 3]), conv_op, "do not divide 3 input channels"),
        ("groups of outputs", with_tensor(c, 0, shape=[1, 5, 4, 4]), conv_op, "do not divide 4 input channels"),
        ("depth multiplier", with_op(d, options=depthwise_options(multiplier=1)), "op 0 (DEPTHWISE_CONV_2D)", "multiplier 1"),
        ("no depth multiplier", with_op(d, options=depthwise_options(multiplier=0)), "op 0 (DEPTHWISE_CONV_2D)", "multiplier 0"),
        ("stride", with_op(c, options=conv_options(stride_h=0)), conv_op, "height: stride 0"),
        ("dilation", with_op(c, options=conv_options(dilation_w=-1)), conv_op, "dilation -1"),
        ("huge stride", with_op(c, options=conv_options(stride_w=2**31 - 1)), conv_op, "stride 2147483647"),
        ("pool kernel", with_op(p, options=pool_options(kernel_h=0)), "op 0 (AVERAGE_POOL_2D)", "kernel 0"),
        ("padding rule", with_op(c, options=conv_options(padding=2)), conv_op, "padding rule 2"),
        ("output height", with_tensor(c, 3, shape=[1, 5, 3, 3]), conv_op,
         "height: the output has extent 5, but VALID padding gives 3"),
        ("kernel beyond the image", with_op(c, options=conv_options(dilation_h=3)), conv_op, "VALID padding gives 0"),
        ("accumulator type", with_op(c, options=conv_options(bias_type=INT64)), conv_op, "accumulators of type INT64"),
        ("shuffled weights", with_op(f, options={1: Scalar("b", 1)}), dense_op, "shuffled"),
        ("dense weights of rank 3", with_tensor(f, 1, shape=[1, 4, 3]), dense_op, "2 dimensions, not 3"),
        ("dense channels of rank 3", with_tensor(with_tensor(f, 1, scale=[0.1] * 4, zero=[0] * 4), 3, shape=[1, 2, 4]), dense_op,
         "must have 2 dimensions, not 3"),
        ("both constant", Model([Tensor([2], values=[1, 2]), Tensor([2], values=[3, 4]), Tensor([2]), Tensor([2])],
                                [Op("ADD", [0, 1], [2])], inputs=[3]), "op 0 (ADD)", "both inputs are constant"),
        ("uint8 constant", replace(with_tensor(a, 1, type=UINT8, values=[1] * 6), inputs=[0]), "op 0 (ADD)", "UINT8"),
        ("one uint8 operand", with_tensor(a, 1, type=UINT8), "op 0 (ADD)", "different types, UINT8 and INT8"),
        ("output scale of sub", with_op(with_tensor(a, 2, scale=1e-9), name="SUB"), "op 0 (SUB)", "output scale is too small"),
        ("ratio of sub below normal", with_op(with_tensor(with_tensor(a, 0, scale=1e-30), 1, scale=1e10), name="SUB"),
         "op 0 (SUB)", "output scale is too small"),
        ("scales of mul", with_op(with_tensor(a, 2, scale=1e-12), name="MUL"), "op 0 (MUL)", "give no multiplier"),
        ("output scale of add", with_tensor(a, 2, scale=1e-9), "op 0 (ADD)", "output scale is too small"),
        ("matrices of rank 1", with_tensor(b, 0, shape=[4]), "op 0 (BATCH_MATMUL)", "1 dimensions: there must be 2 to 5"),
        ("matrices of rank 6", with_tensor(b, 1, shape=[1, 1, 1, 2, 5, 4]), "op 0 (BATCH_MATMUL)", "6 dimensions"),
        ("legacy matrices", Model([replace(t, type=UINT8, zero=3) for t in b.tensors], b.ops, inputs=[0, 1]), "op 0 (BATCH_MATMUL)",
         "for INT8 only"),
        ("two constant matrices", Model([replace(b.tensors[0], values=[0] * 24), replace(b.tensors[1], values=[0] * 40),
         b.tensors[2], Tensor([2])], b.ops, inputs=[3]), "op 0 (BATCH_MATMUL)", "both inputs are constant"),
        ("scales of matrices", with_tensor(with_tensor(b, 0, scale=1e20), 2, scale=1e-20), "op 0 (BATCH_MATMUL)", "no multiplier"),
        ("depth of matrices", with_op(b, options={}), "op 0 (batch_matmul \"t2\")", "another depth"),
        ("lstm peephole", with_operand(m, 10, 9), lstm_op, "peephole connections: operand 10"),
        ("lstm projection", with_operand(m, 16, 5), lstm_op, "a projection: operand 16"),
        ("lstm projection bias", with_operand(m, 17, 9), lstm_op, "a projection: operand 17"),
        ("lstm normalization", with_operand(m, 21, 9), lstm_op, "layer normalization: operand 21"),
        ("lstm without input gate", with_operand(with_operand(m, 1, -1), 5, -1), lstm_op, "coupled with the forget gate"),
        ("lstm without a weight", with_operand(m, 7, -1), lstm_op, "has no recurrent weights"),
        ("lstm without bias", with_operand(m, 14, -1), lstm_op, "has no bias"),
        ("lstm of 20 operands", with_op(m, inputs=m.ops[0].inputs[:20]), lstm_op, "20 inputs"),
        ("lstm activation", lstm(fused=RELU), lstm_op, "activation function 1: the cell gate must have TANH"),
        ("lstm without activation", with_op(m, options={}), lstm_op, "activation function 0"),
        ("lstm diagonal", lstm(diagonal=1), lstm_op, "diagonal"),
        ("lstm of float", with_tensor(m, 0, type=FLOAT32, scale=None), lstm_op, "FLOAT32"),
        ("lstm of int16", with_tensor(m, 0, type=INT16), lstm_op, "INT16"),
        ("lstm output type", with_tensor(m, LSTM_Y, type=INT16), lstm_op, "INT16"),
        ("lstm input rank", with_tensor(m, 0, shape=[8, 3]), lstm_op, "input must have 3 dimensions, not 2"),
        ("lstm state rank", with_tensor(m, LSTM_HIDDEN, shape=[4]), lstm_op, "output state must have 2 dimensions, not 1"),
        ("lstm state images", with_tensor(m, LSTM_HIDDEN, shape=[4, 2]), lstm_op, "2 images"),
        ("lstm cells", with_tensor(m, LSTM_CELLS, shape=[2, 3]), lstm_op, "the states do not fit"),
        ("lstm state that is none", with_tensor(m, LSTM_HIDDEN, variable=False), lstm_op, "is no variable"),
        ("lstm cells of int8", with_tensor(m, LSTM_CELLS, type=INT8), lstm_op, "cell state tensor \"t14\" is INT8"),
        ("lstm time major", with_tensor(lstm(True), LSTM_HIDDEN, shape=[4, 2]), lstm_op, "2 images"),
        ("lstm input weights", with_tensor(m, 2, shape=[3, 2]), lstm_op, "shape of the input weights of gate 1"),
        ("lstm recurrent weights", with_tensor(m, 8, shape=[4]), lstm_op, "shape of the recurrent weights of gate 3"),
        ("lstm bias shape", with_tensor(m, 11, shape=[1, 2]), lstm_op, "shape of the bias of gate 2"),
        ("lstm bias type", with_tensor(m, 9, type=INT8, values=[1, 2]), lstm_op, "bias tensor \"t9\" is INT8"),
        ("lstm weights of int16", with_tensor(m, 1, type=INT16), lstm_op, "input weights tensor \"t1\" is INT16"),
        ("lstm weight zero point", with_tensor(m, 6, zero=1), lstm_op, "recurrent weights have a zero point"),
        ("lstm scales per channel", with_tensor(m, 1, scale=[0.1] * 2, zero=[0] * 2), lstm_op, "2 scales"),
        ("lstm output scale", with_tensor(m, LSTM_Y, scale=0.008), lstm_op, "different scales or zero points"),
        ("lstm output zero point", with_tensor(m, LSTM_Y, zero=-2), lstm_op, "different scales or zero points"),
        ("lstm cell zero point", with_tensor(m, LSTM_CELLS, zero=1), lstm_op, "cell state has a zero point"),
        ("lstm cell scale", with_tensor(m, LSTM_CELLS, scale=0.0005), lstm_op, "no power of two"),
        ("lstm tiny cell scale", with_tensor(m, LSTM_CELLS, scale=2.0**-29), lstm_op, "no power of two from 2^-28"),
        ("lstm large cell scale", with_tensor(m, LSTM_CELLS, scale=8.0), lstm_op, "no power of two from 2^-28"),
        ("lstm scales", with_tensor(m, 1, scale=1e20), lstm_op, "no multiplier"),
        ("lstm clip", lstm(clip=2.0**-12), lstm_op, "leaves nothing of a cell"),
        ("lstm negative clip", lstm(clip=-1.0), lstm_op, "no positive number"),
        ("lstm clip that is none", lstm(clip=math.nan), lstm_op, "no positive number"),
        ("lstm infinite clip", lstm(clip=math.inf), lstm_op, "no positive number"),
        ("lstm bias beyond the bound", with_tensor(m, 10, values=[0, -2**31]), "op 0 (lstm \"t15\")", "bound law"),
        ("state that is none", with_tensor(s, 4, variable=False), "op 0 (SVDF)", "state tensor \"t4\" is no variable"),
        ("state of another type", with_tensor(s, 4, type=INT8), "op 0 (SVDF)", "state tensor \"t4\" is INT8"),
        ("state with data", with_tensor(s, 4, values=[0] * 32), "op 0 (SVDF)", "begins with data"),
        ("state of another size", with_tensor(s, 4, shape=[1, 16]), "op 0 (SVDF)", "16 elements, for 2 images of 16"),
        ("state with a zero point", with_tensor(s, 4, zero=1), "op 0 (SVDF)", "zero point other than 0"),
        ("state of two ops", Model([*s.tensors, Tensor([2, 2], scale=0.1)], [*s.ops, replace(s.ops[0], outputs=[6])]),
         "op 1 (SVDF)", "state of two ops"),
        ("svdf without bias", with_op(s, inputs=[0, 1, 2, -1, 4]), "op 0 (SVDF)", "has no bias"),
        ("svdf of float", with_tensor(s, 0, type=FLOAT32, scale=None), "op 0 (SVDF)", "FLOAT32"),
        ("svdf time weights", with_tensor(s, 2, type=INT32, values=[0] * 16), "op 0 (SVDF)",
         "time weights tensor \"t2\" is INT32"),
        ("svdf weight zero point", with_tensor(s, 1, zero=1), "op 0 (SVDF)", "feature weights have a zero point"),
        ("svdf scales per channel", with_tensor(s, 1, scale=[0.1] * 4, zero=[0] * 4), "op 0 (SVDF)", "4 scales"),
        ("svdf bias scale", with_tensor(s, 3, scale=0.1), "op 0 (SVDF)", "bias scale is not state scale"),
        ("svdf rank", with_op(s, options={0: Scalar("i", 3)}), "op 0 (svdf \"t5\")", "must divide the rows of w"),
        ("svdf without rank", with_op(s, options={}), "op 0 (svdf \"t5\")", "rank"),
        ("svdf input rank", with_tensor(s, 0, shape=[2, 1, 3]), "op 0 (SVDF)", "must have 2 dimensions"),
        ("pool scales", with_tensor(p, 1, scale=0.5 + 2e-6), "op 0 (AVERAGE_POOL_2D)", "different scales"),
        ("pool zero points", with_tensor(p, 1, zero=1), "op 0 (AVERAGE_POOL_2D)", "different scales or zero points"),
        ("axis type", with_tensor(mean, 1, type=INT64), "op 0 (MEAN)", "axis tensor \"t1\" is INT64"),
        ("axis is no constant", with_tensor(mean, 1, values=None), "op 0 (MEAN)", "is not constant"),
        ("axis", reduce_model("MEAN", [4]), "op 0 (MEAN)", "axis 4 of 4 dimensions"),
        ("negative axis", reduce_model("SUM", [-5]), "op 0 (SUM)", "axis -5"),
        ("three axes", reduce_model("MEAN", [0, 1, 2]), "op 0 (MEAN)", "3 reduced axes"),
        ("five axes", reduce_model("MEAN", [1, 1, 1, 1, 1]), "op 0 (MEAN)", "at most"),
        ("scales of reduce max", with_tensor(reduce_model("REDUCE_MAX", [1, 2]), 2, zero=5), "op 0 (REDUCE_MAX)", "different scales"),
        ("reshape of an int32 input", Model([Tensor([2], INT32, None), Tensor([1, 2], INT32, None)], [Op("RESHAPE", [0], [1])]),
         "op 0 (RESHAPE)", "is INT32"),
        ("axis of arg max", with_tensor(arg_max(), 1, values=[3]), "op 0 (ARG_MAX)", "one of 3 dimensions"),
        ("axes of arg max", with_tensor(arg_max(), 1, shape=[2], values=[1, 2]), "op 0 (ARG_MAX)", "one number"),
        ("axis of arg max is no constant", with_tensor(arg_max(), 1, values=None), "op 0 (ARG_MAX)", "is not constant"),
        ("indices of int8", with_tensor(arg_max(), 2, type=INT8, scale=0.5), "op 0 (ARG_MAX)", "is INT8"),
        ("type of indices", with_op(arg_max(), options={0: Scalar("b", INT64)}), "op 0 (ARG_MAX)", "options"),
        ("arg max of floats", with_tensor(arg_max(), 0, **FLOATS), "op 0 (ARG_MAX)", "FLOAT32"),
        ("resize size", with_tensor(resize(), 1, values=[8, 12]), "op 0 (RESIZE_BILINEAR)", "contradicts"),
        ("resize size is no constant", with_tensor(resize(), 1, values=None), "op 0 (RESIZE_BILINEAR)", "is not constant"),
        ("resize flags", with_op(resize(), options={2: Scalar("B", 1), 3: Scalar("B", 1)}), "op 0 (RESIZE_BILINEAR)", "both"),
        ("resize rank", with_tensor(resize(), 0, shape=[5, 4, 2]), "op 0 (RESIZE_BILINEAR)", "4 dimensions, not 3"),
        ("resize beyond the image", Model([Tensor([1, 1, 1, 1]), Tensor([2], INT32, None, values=[55, 1]), Tensor([1, 55, 1, 1])],
                                          resize().ops), "op 0 (RESIZE_BILINEAR)", "reads beyond"),
        ("legacy resize", Model([replace(t, type=UINT8) if t.type == INT8 else t for t in resize().tensors], resize().ops),
         "op 0 (RESIZE_BILINEAR)", "floating point"),
        ("softmax scale", with_tensor(softmax(), 1, scale=1 / 255), "op 0 (SOFTMAX)", "scale 1/256"),
        ("softmax zero point", with_tensor(softmax(), 1, zero=0), "op 0 (SOFTMAX)", "zero point -128"),
        ("softmax beta", with_op(softmax(), options={}), "op 0 (SOFTMAX)", "beta"),
        ("softmax of a scalar", with_tensor(with_tensor(softmax(), 0, shape=[]), 1, shape=[]), "op 0 (SOFTMAX)", "no dimensions"),
        ("relu", with_tensor(with_tensor(relu(), 0, scale=0.1, zero=-128), 1, scale=1e-7), "op 0 (RELU)", "disagree"),
        ("logistic scale", with_op(relu(), name="LOGISTIC"), "op 0 (LOGISTIC)", "scale 1/256 and zero point -128"),
        ("tanh scale", with_op(relu(), name="TANH"), "op 0 (TANH)", "scale 1/128 and zero point 0"),
        ("tanh of a tiny scale", with_op(with_tensor(with_tensor(relu(), 0, scale=1e-10), 1, scale=1 / 128, zero=0), name="TANH"),
         "op 0 (TANH)", "too far from 1"),
        ("tanh of a huge scale", with_op(with_tensor(with_tensor(relu(), 0, scale=1e20), 1, scale=1 / 128, zero=0), name="TANH"),
         "op 0 (TANH)", "too far from 1"),
        ("uint8 logistic", with_op(with_tensor(with_tensor(relu(), 0, type=UINT8), 1, type=UINT8, scale=1 / 256, zero=0),
                                   name="LOGISTIC"), "op 0 (LOGISTIC)", "floating point"),
        ("hard swish", with_op(with_tensor(relu(), 1, scale=1e-4), name="HARD_SWISH"), "op 0 (HARD_SWISH)", "no multipliers"),
        ("leaky relu", with_op(with_tensor(relu(), 1, scale=1e-9), name="LEAKY_RELU"), "op 0 (LEAKY_RELU)", "no multiplier"),
        ("alpha", with_op(relu(), name="LEAKY_RELU", options={0: Scalar("f", math.nan)}), "op 0 (LEAKY_RELU)", "alpha"),
        ("abs", with_op(with_tensor(relu(), 1, scale=1e-9), name="ABS"), "op 0 (ABS)", "no multiplier"),
        ("uint8 abs", with_op(with_tensor(with_tensor(relu(), 0, type=UINT8), 1, type=UINT8, zero=3), name="ABS"), "op 0 (ABS)",
         "not defined by the reference"),
        ("relu6 of a tiny scale", with_op(with_tensor(relu(), 0, scale=1e-12), name="RELU6"), "op 0 (RELU6)", "too small"),
        ("slope is no constant", replace(with_tensor(prelu(), 1, values=None), inputs=[0, 1]), "op 0 (PRELU)", "is not constant"),
        ("scales of prelu", with_tensor(prelu(), 2, scale=1e-12), "op 0 (PRELU)", "no multiplier"),
        ("maximum of two", with_op(add(), name="MAXIMUM", options={}), "op 0 (MAXIMUM)", "is not constant"),
        ("minimum of a row", replace(with_op(with_tensor(add(), 1, values=[1] * 6), name="MINIMUM", options={}), inputs=[0]),
         "op 0 (MINIMUM)", "single constant"),
        ("negative padding", with_tensor(pad(), 1, values=[0, 0, -1, 0, 2, 3]), "op 0 (PAD)", "padding -1"),
        ("count of paddings", with_tensor(pad(), 1, shape=[2, 2], values=[0] * 4), "op 0 (PAD)", "4 paddings for 3 dimensions"),
        ("paddings are no constant", with_tensor(pad(), 1, values=None), "op 0 (PAD)", "is not constant"),
        ("type of paddings", with_tensor(pad(), 1, type=INT8), "op 0 (PAD)", "paddings tensor \"t1\" is INT8"),
        ("pad value", with_tensor(padv2(), 3, zero=10), "op 0 (PADV2)", "quantized as the output"),
        ("pad values", with_tensor(padv2(), 3, shape=[2], values=[1, 2]), "op 0 (PADV2)", "one element"),
        ("reshape of elements", with_tensor(reshape(), 2, shape=[7]), "op 0 (RESHAPE)", "the input has 6 elements, the output 7"),
        ("reshape to another type", with_tensor(reshape(), 2, type=UINT8), "op 0 (RESHAPE)", "different types"),
        ("shape operand", with_tensor(reshape(), 1, values=[3, 2]), "op 0 (RESHAPE)", "contradicts"),
        ("shape operand twice unknown", with_tensor(reshape(), 1, values=[-1, -1]), "op 0 (RESHAPE)", "contradicts"),
        ("shape operand is no constant", with_tensor(reshape(), 1, values=None), "op 0 (RESHAPE)", "is not constant"),
        ("missing operand", with_op(c, inputs=[0, -1, 2]), conv_op, "has no weights tensor"),
        ("too few operands", with_op(c, inputs=[0]), conv_op, "has 1 inputs and 1 outputs"),
        ("too many operands", with_op(c, inputs=[0, 1, 2, 2]), conv_op, "has 4 inputs"),
        ("no output", with_op(replace(c, outputs=[3]), outputs=[]), conv_op, "has 3 inputs and 0 outputs"),
        ("two outputs", with_op(c, outputs=[3, 3]), conv_op, "2 outputs"),
        ("options of another op", with_op(c, options_type=5), conv_op, "options are of another op"),
        ("operand index", with_op(c, inputs=[0, 77, 2]), conv_op, "the weights tensor is number 77, of 4"),
        ("negative operand index", with_op(c, inputs=[0, -2, 2]), conv_op, "number -2"),
        ("input index", replace(c, inputs=[4]), "graph input 0", "tensor 4, of 4"),
        ("output index", replace(c, outputs=[-1]), "graph output 0", "tensor -1"),
        ("external data", replace(c, external=16), "graph input 0", "outside the FlatBuffer"),
    ]


class Refusals(ImportCase):
    def test_each(self) -> None:
        for what, model, label, reason in refusals():
            with self.subTest(what):
                self.refuse(model, label, reason)

    def whole(self, data: bytes, reason: str) -> None:
        done = Converted(data)
        self.assertTrue(done.is_orderly(), done.error)
        self.assertEqual(done.code, 1)
        self.assertIn(f"model.tflite: {reason}", done.error)

    def test_whole_models(self) -> None:
        self.whole(write(replace(conv(), version=2)), "schema version 2")
        self.whole(write(replace(conv(), subgraphs=2)), "2 subgraphs")
        self.whole(write(replace(conv(), subgraphs=0)), "0 subgraphs")
        self.whole(write(replace(conv(), ops=[], outputs=[3])), "the model has no ops")
        self.whole(write(replace(conv(), inputs=[])), "0 graph inputs")
        self.whole(write(replace(conv(), outputs=[])), "0 graph outputs")

    def test_bad_indices_name_the_field(self) -> None:
        self.whole(write(with_tensor(conv(), 1, buffer=99)), "damaged file: Tensor.buffer 99, of 3 buffers")
        self.whole(write(with_op(conv(), opcode_index=7)), "damaged file: op 0: Operator.opcode_index 7, of 1 codes")

    def test_the_reader_checks_what_comes_out(self) -> None:
        """The bound law, and shapes, are the reader's: it refuses an import like any file."""
        done = Converted(write(with_tensor(conv(), 2, values=[0, 0, 2**31 - 1])))
        self.assertTrue(done.is_orderly() and done.code == 1, done.error)
        done = Converted(write(with_tensor(conv(), 3, shape=[1, 3, 3, 4])))
        self.assertTrue(done.is_orderly() and done.code == 1, done.error)

    def test_a_hostile_name_forges_no_line(self) -> None:
        done = Converted(write(with_tensor(with_op(conv(), name="LOGISTIC", inputs=[0]), 0, name="a\nerror: b\x1b[2J")))
        self.assertTrue(done.is_orderly(), done.error)
        done = Converted(write(with_tensor(conv(), 1, values=None, name="x\nlockstep convert: forged")))
        self.assertTrue(done.is_orderly(), done.error)
        self.assertNotIn("\x1b", done.error)

    def test_a_constant_used_often_is_limited(self) -> None:
        """4096 ops that share one weight tensor of 2^16 channels would write 2 GiB of multipliers."""
        tensors = [Tensor([1, 1]), Tensor([2**16, 1], values=[1] * 2**16, scale=0.1)]
        tensors += [Tensor([1, 2**16]) for _ in range(4096)]
        ops = [Op("FULLY_CONNECTED", [0, 1], [2 + i], fused(NONE)) for i in range(4096)]
        done = Converted(write(Model(tensors, ops)))
        self.assertTrue(done.is_orderly(), done.error)
        self.assertIn("used many times", done.error)


# ---- damaged files ---------------------------------------------------------------------------------------------------------


def hostile_files() -> dict[str, bytes]:
    """Files that harmed other readers of this format, in kind."""
    return {
        "a root beyond eight bytes": b"\x18\0\0\0TFL3",
        "a buffer that is not there": write(with_tensor(conv(), 1, buffer=2**32 - 1)),
        "extents whose product wraps": write(with_tensor(conv(), 0, shape=[2**16, 2**16, 2**16, 2**16])),
        "extents that wrap to a small one": write(with_tensor(conv(), 0, shape=[2**31 - 1, 2**31 - 1, 2, 2])),
        "a reshape that grows its rank": write(with_tensor(reshape(), 1, shape=[9], values=[1] * 7 + [2, 3])),
        "a reshape to 4096 dimensions": write(with_tensor(with_op(reshape(), inputs=[0]), 2, shape=[1] * 4094 + [2, 3])),
        "a graph that is its own table": serialise(Table({0: Scalar("I", 3), 2: Vector(None, [])})),
        "an axis far outside": write(reduce_model("MEAN", [2**31 - 1])),
    }


class Damage(unittest.TestCase):
    def expect_orderly(self, files: dict[str, bytes]) -> list[Converted]:
        with ThreadPoolExecutor() as pool:
            results = list(pool.map(Converted, files.values()))
        for name, done in zip(files, results):
            self.assertTrue(done.is_orderly(), f"{name}: exit {done.code}, left {done.left}: {done.error}")
        return results

    def test_hostile_files(self) -> None:
        files = hostile_files()
        for name, done in zip(files, self.expect_orderly(files)):
            self.assertEqual(done.code, 1, name)

    def test_misaligned_vector(self) -> None:
        """Alignment is not needed: a vector moved to an odd place is read where it stands."""
        data = bytearray(write(conv()))
        shape = struct.pack("<5i", 4, 1, 5, 4, 2)
        old = data.index(shape)
        reference = next(p for p in range(old) if p + struct.unpack_from("<I", data, p)[0] == old)
        data += bytes(1 + len(data) % 2)
        struct.pack_into("<I", data, reference, len(data) - reference)
        data[old:old + 20] = bytes(20)
        moved, sound = self.expect_orderly({"moved": bytes(data + shape), "sound": write(conv())})
        self.assertEqual((moved.code, moved.file), (0, sound.file))

    def test_truncations(self) -> None:
        data = write(conv())
        results = self.expect_orderly({f"cut at {n}": data[:n] for n in range(len(data))})
        self.assertTrue(all(done.code == 1 for done in results[:len(data) - 8]))

    def test_mutations(self) -> None:
        data, draw, files = write(chain()), random.Random(1), {}
        for i in range(300):
            mutant = bytearray(data)
            for _ in range(draw.choice((1, 1, 2, 8))):
                mutant[draw.randrange(len(mutant))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            files[f"mutation {i}"] = bytes(mutant)
        codes = {done.code for done in self.expect_orderly(files)}
        self.assertEqual(codes, {0, 1})


# ---- real models -----------------------------------------------------------------------------------------------------------


@unittest.skipUnless(MODELS.is_dir(), f"{MODELS} is absent")
class RealModels(unittest.TestCase):
    def test_int8_models_convert(self) -> None:
        ops = {"hello_world_int8": 3, "kws_int8": 13, "resnet8_cifar10_int8": 16, "vww_int8": 31,
               "mobilenet_v2_224_int8_u8io": 68, "mobilenet_v1_025_128_uint8": 31, "split_concat_uint8": 3,
               "deeplabv3_mnv2_dm05_uint8": 72}
        for name, count in ops.items():
            done = Converted((MODELS / f"{name}.tflite").read_bytes())
            self.assertEqual((done.code, done.error), (0, ""))
            self.assertEqual(len(lks_file.read(done.file).ops), count)

    def test_others_are_refused_with_a_reason(self) -> None:
        reasons = {
            "invalid_model_invoking_error": r"op 0 \(CUSTOM fake-op-double\): custom ops are not supported",
        }
        for name, reason in reasons.items():
            done = Converted((MODELS / f"{name}.tflite").read_bytes())
            self.assertTrue(done.is_orderly() and done.code == 1, done.error)
            self.assertRegex(done.error, reason)


if __name__ == "__main__":
    program.main()
