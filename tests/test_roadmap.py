# SPDX-License-Identifier: Apache-2.0
"""Small models with the parts of real ones, against reference kernels: equal bytes in every tensor that an op makes.

One kind of model per row of the first table in docs/import.md. int8 models go to TensorFlow Lite Micro, uint8 ones to LiteRT; the
packages are used where LKS_TFLM_PYTHON and LKS_LITERT_PYTHON name a Python that has them, else this is skipped, visibly. Model N
of a kind is a pure function of N. LOCKSTEP_OPS_SEED is that of test_tflm_ops.py; a fiftieth of LOCKSTEP_OPS_COUNT is made of each
kind.
"""
import math
import os
import pathlib
import struct
import tempfile
import unittest

import program
import test_moves
from test_import import conv_options, depthwise_options, f32, fused, option_table, pool_options
from test_litert import legacy
from test_tflm_ops import COUNT, FIRST, Maker, Oracle, inputs_of
from tflite_writer import (FLOAT32, INT8, INT16, INT32, INT64, NONE, RELU, RELU6, SAME, TANH, VALID, Model, Op, Scalar, Tensor,
                           write)

TFLM, LITERT = os.environ.get("LKS_TFLM_PYTHON"), os.environ.get("LKS_LITERT_PYTHON")


class Net(Maker):
    """A model that grows op by op. Each method adds an op and gives the tensor that it makes, which is an output of the graph."""

    def __init__(self, kind: str, seed: int, uint8: bool) -> None:
        super().__init__(seed)
        self.random.seed(f"{kind} {seed}")
        self.uint8 = uint8
        self.tensors, self.ops, self.inputs, self.outputs = [], [], [], []
        self.spread = {}        # of some tensors: about how far their stored values are from the zero point; of others 50

    def model(self) -> Model:
        model = Model(self.tensors, self.ops, self.inputs, self.outputs)
        return legacy(model) if self.uint8 else model

    # ---- tensors

    def put(self, tensor: Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def shape(self, x: int) -> list[int]:
        return list(self.tensors[x].shape)

    def input(self, *shape: int, **fields: object) -> int:
        self.inputs.append(self.put(Tensor(list(shape), **({"scale": self.scale(-6, -2), "zero": self.middle()} | fields))))
        self.spread[self.inputs[-1]] = 80
        return self.inputs[-1]

    def middle(self) -> int:
        return self.random.randint(-30, 30)

    def numbers(self, *values: int) -> int:
        return self.put(Tensor([len(values)], INT32, None, values=list(values)))

    def op(self, name: str, operands: list[int], shape: list[int], options: dict | None = None, **fields: object) -> int:
        """fields: of y; by default it has scale and zero point of the first operand."""
        like = self.tensors[operands[0]]
        y = self.put(Tensor(shape, **({"type": like.type, "scale": like.scale, "zero": like.zero} | fields)))
        self.ops.append(Op(name, operands, [y], options or {}))
        self.outputs.append(y)
        return y

    # ---- layers

    def window(self, x: int, kernel: tuple[int, int], stride: int, padding: int, dilation: int = 1) -> list[int]:
        covered = [1 if padding == SAME else (k - 1) * dilation + 1 for k in kernel]
        return [(n - e) // stride + 1 for n, e in zip(self.shape(x)[1:3], covered)]

    def layer(self, name: str, x: int, y: list[int], weights: list[int], axis: int, activation: int, options: dict) -> int:
        """Weights per channel, or one scale for all in FULLY_CONNECTED and in uint8 models, there with a zero point.

        y is spread over its range, and with RELU6 about as far as 6.
        """
        channels, terms = y[-1], math.prod(weights) // y[-1]
        single = self.uint8 or name == "FULLY_CONNECTED"
        spread = 40 if activation == NONE else 90
        sums = self.tensors[x].scale * math.sqrt(terms) * 74 * self.spread.get(x, 50)
        scale = 6 / 255 * self.random.uniform(0.6, 1.3) if activation == RELU6 else self.scale(-6, -3)
        scales = [spread * scale / sums * self.random.uniform(0.6, 1.2) for _ in range(1 if single else channels)]
        w = Tensor(weights, values=self.values(math.prod(weights), -127), scale=scales[0] if single else scales, axis=axis,
                   zero=self.random.randint(-40, 40) if self.uint8 else 0 if single else [0] * channels)
        if single:
            w.axis = 0
        source = self.tensors[x]
        bias = Tensor([channels], INT32, f32(f32(source.scale) * f32(scales[0])) if single else None,
                      values=[self.random.randint(-3000, 3000) for _ in range(channels)])
        return self.op(name, [x, self.put(w), self.put(bias)], y, options, scale=scale,
                       zero=self.middle() if activation == NONE else -128)

    def conv(self, x: int, channels: int, kernel: tuple[int, int] = (1, 1), stride: int = 1, padding: int = SAME,
             activation: int = NONE) -> int:
        n, _, _, c = self.shape(x)
        y = [n, *self.window(x, kernel, stride, padding), channels]
        return self.layer("CONV_2D", x, y, [channels, *kernel, c], 0, activation,
                          conv_options(padding=padding, stride_h=stride, stride_w=stride, fused=activation))

    def depthwise(self, x: int, kernel: tuple[int, int] = (3, 3), stride: int = 1, padding: int = SAME, multiplier: int = 1,
                  dilation: int = 1, activation: int = RELU6) -> int:
        n, _, _, c = self.shape(x)
        return self.layer("DEPTHWISE_CONV_2D", x, [n, *self.window(x, kernel, stride, padding, dilation), c * multiplier],
                          [1, *kernel, c * multiplier], 3, activation,
                          depthwise_options(padding=padding, stride_h=stride, stride_w=stride, multiplier=multiplier,
                                            fused=activation, dilation_h=dilation, dilation_w=dilation))

    def fully_connected(self, x: int, channels: int, activation: int = NONE) -> int:
        """In uint8 models the conv that MobileNet v1 has instead: LiteRT's FULLY_CONNECTED scales in floating point."""
        rows, k = self.shape(x)[0], math.prod(self.shape(x)[1:])
        if self.uint8:
            return self.reshape(self.conv(self.reshape(x, rows, 1, 1, k), channels, activation=activation), rows, channels)
        return self.layer("FULLY_CONNECTED", x, [rows, channels], [channels, k], 0, activation, fused(activation))

    def add(self, a: int, b: int, activation: int = NONE) -> int:
        scale = max(self.tensors[a].scale, self.tensors[b].scale) * self.random.uniform(1, 2)
        return self.op("ADD", [a, b], self.shape(a), fused(activation), scale=scale,
                       zero=self.middle() if activation == NONE else -128)

    def mul(self, a: int, b: int) -> int:
        scale = self.tensors[a].scale * self.tensors[b].scale * 90
        return self.op("MUL", [a, b], self.shape(a), scale=scale, zero=self.middle())

    def gate(self, x: int) -> int:
        """A sigmoid; with uint8 LiteRT takes it from the platform's exp, and we refuse it: there one that is linear."""
        if self.uint8:
            return self.op("RELU_0_TO_1", [x], self.shape(x), scale=1 / 256, zero=-128)
        return self.op("LOGISTIC", [x], self.shape(x), scale=1 / 256, zero=-128)

    # ---- with a state

    def variable(self, shape: list[int], **fields: object) -> int:
        return self.put(Tensor(shape, **fields, variable=True))

    def lstm(self, x: int, cells: int) -> int:
        """Over all steps of [n, steps, inputs]; gates are spread over about -4 .. 4."""
        n, steps, inputs = self.shape(x)
        sides = [(inputs, self.tensors[x].scale * self.spread.get(x, 50)), (cells, 2.0**-7 * 60)]
        weights = [self.put(Tensor([cells, k], scale=f32(2 / (size * 74 * math.sqrt(k))), values=self.values(cells * k, -127)))
                   for k, size in sides for _ in range(4)]
        biases = [self.put(Tensor([cells], INT32, f32(f32(self.tensors[x].scale) * self.tensors[w].scale),
                                  values=[self.random.randint(-2000, 2000) for _ in range(cells)])) for w in weights[:4]]
        hidden = self.variable([n, cells], scale=2.0**-7, zero=0)
        state = self.variable([n, cells], type=INT16, scale=2.0**-11)
        operands = [x, *weights, -1, -1, -1, *biases, -1, -1, hidden, state, -1, -1, -1, -1]
        return self.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [n, steps, cells], {0: Scalar("b", TANH)}, scale=2.0**-7, zero=0)

    def svdf(self, x: int, units: int, rank: int, memory: int) -> int:
        """One step of its filters; what they remember is spread over int16."""
        n, inputs = self.shape(x)
        filters = units * rank
        w = self.put(Tensor([filters, inputs], scale=self.scale(-8, -6), values=self.values(filters * inputs, -127)))
        feature = self.tensors[x].scale * self.spread.get(x, 50) * self.tensors[w].scale * 74 * math.sqrt(inputs)
        most = min(2**15 - 1, 60000 // (rank * memory))
        time = self.put(Tensor([filters, memory], INT16, self.scale(-14, -12),
                               values=[self.random.randint(-most, most) for _ in range(filters * memory)]))
        state = self.variable([n, filters * memory], type=INT16, scale=f32(feature / 2**13))
        unit = f32(f32(self.tensors[state].scale) * f32(self.tensors[time].scale))
        bias = self.put(Tensor([units], INT32, unit, values=[self.random.randint(-2**20, 2**20) for _ in range(units)]))
        return self.op("SVDF", [x, w, time, bias, state], [n, units], {0: Scalar("i", rank), 1: Scalar("b", NONE)},
                       scale=unit * 2**13 * most / 2 * math.sqrt(rank) / 60, zero=self.middle())

    # ---- reductions

    def average(self, x: int) -> int:
        """Over the whole image."""
        n, h, w, c = self.shape(x)
        return self.op("AVERAGE_POOL_2D", [x], [n, 1, 1, c],
                       pool_options(padding=VALID, kernel_h=h, kernel_w=w, stride_h=h, stride_w=w))

    def mean(self, x: int) -> int:
        n, _, _, c = self.shape(x)
        return self.op("MEAN", [x, self.numbers(1, 2)], [n, c], scale=self.tensors[x].scale * 0.6, zero=self.middle())

    def softmax(self, x: int) -> int:
        return self.op("SOFTMAX", [x], self.shape(x), {0: Scalar("f", 1.0)}, scale=1 / 256, zero=-128)

    def arg_max(self, x: int) -> int:
        """TensorFlow Lite Micro has it to int32 alone."""
        kind = self.random.choice((INT32, INT64)) if self.uint8 else INT32
        return self.op("ARG_MAX", [x, self.put(Tensor([], INT32, None, values=[3]))], self.shape(x)[:3], {0: Scalar("b", kind)},
                       type=kind, scale=None)

    # ---- moves

    def reshape(self, x: int, *shape: int) -> int:
        return self.op("RESHAPE", [x, self.numbers(*shape)], list(shape))

    def flat(self, x: int) -> int:
        return self.reshape(x, self.shape(x)[0], math.prod(self.shape(x)[1:]))

    def pad(self, x: int, before: int, after: int) -> int:
        n, h, w, c = self.shape(x)
        counts = self.put(Tensor([4, 2], INT32, None, values=[0, 0, before, after, before, after, 0, 0]))
        return self.op("PAD", [x, counts], [n, h + before + after, w + before + after, c])

    def quantize(self, x: int, **fields: object) -> int:
        return self.op("QUANTIZE", [x], self.shape(x), **({"scale": self.tensors[x].scale * 1.3, "zero": self.middle()} | fields))

    def concat(self, parts: list[int], axis: int = 3) -> int:
        """The reference wants one scale: those that differ pass through QUANTIZE, as converters do it."""
        first = self.tensors[parts[0]]
        same = [p if (self.tensors[p].scale, self.tensors[p].zero) == (first.scale, first.zero)
                else self.quantize(p, scale=first.scale, zero=first.zero) for p in parts]
        shape = self.shape(parts[0])
        shape[axis] = sum(self.shape(p)[axis] for p in parts)
        return self.op("CONCATENATION", same, shape, option_table("axis fused", "ib", {"axis": axis, "fused": NONE}))

    def split(self, x: int, count: int, axis: int = 3) -> list[int]:
        shape = self.shape(x)
        shape[axis] //= count
        like = self.tensors[x]
        parts = [self.put(Tensor(shape, scale=like.scale, zero=like.zero)) for _ in range(count)]
        self.ops.append(Op("SPLIT", [self.put(Tensor([], INT32, None, values=[axis])), x], parts, {0: Scalar("i", count)}))
        self.outputs += parts
        return parts

    def transpose(self, x: int, *perm: int) -> int:
        return self.op("TRANSPOSE", [x, self.numbers(*perm)], [self.shape(x)[axis] for axis in perm])

    def tile(self, x: int, *repeats: int) -> int:
        return self.op("TILE", [x, self.numbers(*repeats)], [a * b for a, b in zip(self.shape(x), repeats)])

    def resize(self, name: str, x: int, h: int, w: int, corners: bool = False) -> int:
        n, _, _, c = self.shape(x)
        slot = 2 if name == "RESIZE_BILINEAR" else 0
        return self.op(name, [x, self.numbers(h, w)], [n, h, w, c], {slot: Scalar("B", 1)} if corners else {})

    # ---- models, by the step of the table that needs them last

    def step_1(self) -> None:
        """An autoencoder: ToyCar, hello_world."""
        rows = self.below(3)
        x = self.reshape(self.input(rows, 4, 10), rows, 40)
        for channels in (17, 8, 3, 8):
            x = self.fully_connected(x, channels, RELU)
        self.fully_connected(x, 40)

    def step_2(self) -> None:
        """Wake words: a depthwise conv with a large window and multiplier 8; windows of w alone; SOFTMAX."""
        x = self.depthwise(self.input(1, 21, 12, 1), (10, 8), 2, SAME, 8, activation=RELU)
        x = self.depthwise(self.conv(x, 6, (1, 1), 1, SAME, RELU), (3, 1), 1, VALID, 1, activation=RELU)
        self.softmax(self.fully_connected(self.flat(x), 4))

    def step_3(self) -> None:
        """MobileNet v1 and KWS: conv 10x4, depthwise separable blocks, the average of what is left."""
        x = self.conv(self.input(1, 24, 11, 1), 8, (10, 4), 2, SAME, RELU6)                # 12 x 6, and then 6 x 3: ties
        for stride in (1, 2):
            x = self.conv(self.depthwise(x, (3, 3), stride), self.random.randint(4, 12), activation=RELU6)
        x = self.conv(self.average(x), 12)
        self.softmax(self.reshape(x, 1, 12))

    def step_4(self) -> None:
        """ResNet and MobileNet v2: additions of what a block began with, with and without RELU."""
        x = self.conv(self.input(1, 16, 16, 3), 8, (3, 3), 2, SAME, RELU6)
        y = self.conv(self.depthwise(self.conv(x, 16, activation=RELU6)), 8)
        x = self.add(x, y)
        y = self.conv(self.conv(x, 6, (3, 3), 2, SAME, RELU), 6, (3, 3))
        x = self.add(self.conv(x, 6, (1, 1), 2), y, RELU)
        self.softmax(self.flat(self.average(x)))

    def step_5(self) -> None:
        """ToyCar with floats at its ends; its scales are powers of two, so that no float is rounded."""
        x = self.input(2, 20, type=FLOAT32, scale=None)
        x = self.op("QUANTIZE", [x], [2, 20], type=INT8, scale=2.0**-5, zero=self.middle())
        for channels in (12, 5, 20):
            x = self.fully_connected(x, channels, RELU)
        self.tensors[x].scale = 2.0 ** math.ceil(math.log2(self.tensors[x].scale))
        self.outputs = [self.op("DEQUANTIZE", [x], [2, 20], type=FLOAT32, scale=None)]

    def step_6(self) -> None:
        """tf2's and PyTorch's MobileNet v2: a PAD before each stride of 2, MEAN at the end."""
        x = self.conv(self.pad(self.input(1, 11, 11, 3), 0, 1), 6, (3, 3), 2, VALID, RELU6)
        x = self.depthwise(self.pad(x, 1, 1), (3, 3), 2, VALID)
        x = self.add(self.conv(x, 8), self.conv(self.conv(x, 9, activation=RELU6), 8))
        self.fully_connected(self.mean(x), 5)

    def step_7(self) -> None:
        """PoseNet: three heads of one body, made one tensor."""
        x = self.depthwise(self.conv(self.input(1, 9, 13, 3), 8, (3, 3), 2, SAME, RELU6))
        self.concat([self.conv(x, channels) for channels in (5, 10, 3)])

    def step_8(self) -> None:
        """DeepLab: a dilated conv, the average of the image grown to its size, a class per pixel of the whole picture."""
        x = self.conv(self.input(1, 33, 33, 3), 6, (3, 3), 4, SAME, RELU6)                 # 9 x 9
        x = self.conv(self.depthwise(x, (3, 3), 1, SAME, dilation=2), 8, activation=RELU6)
        top = self.resize("RESIZE_BILINEAR", self.conv(self.average(x), 4, activation=RELU), 9, 9, True)
        x = self.conv(self.conv(self.concat([top, self.conv(x, 4, activation=RELU)]), 5, activation=RELU), 7)
        size = [33, 33] if self.uint8 else [self.random.randint(20, 40) for _ in range(2)]  # what LiteRT computes exactly; any
        x = self.resize("RESIZE_BILINEAR", self.resize("RESIZE_BILINEAR", x, 9, 9, True), *size, True)
        self.arg_max(x)

    def step_9(self) -> None:
        """Channels first, as PyTorch has them; and a split into halves that are joined in the other order."""
        x = self.transpose(self.input(1, 3, 10, 8), 0, 2, 3, 1)
        a, b = self.split(self.conv(x, 8, (3, 3), 2, SAME, RELU), 2)
        x = self.concat([self.conv(b, 4), a])
        self.transpose(self.depthwise(x), 0, 3, 1, 2)

    def step_10(self) -> None:
        """A pyramid: small maps grown to the size of larger ones; each level weighted by x * sigmoid(x)."""
        large = self.conv(self.input(1, 16, 12, 3), 6, (3, 3), 2, SAME)
        large = self.op("RELU6", [large], self.shape(large))
        small = self.conv(large, 6, (3, 3), 2, SAME)
        small = self.mul(small, self.gate(small))
        x = self.add(large, self.resize("RESIZE_NEAREST_NEIGHBOR", small, 8, 6))
        heads = [self.conv(level, 8, (3, 3)) for level in (x, small)]
        self.concat([self.reshape(head, 1, math.prod(self.shape(head)) // 4, 4) for head in heads], 1)

    def step_11(self) -> None:
        """keras: two LSTM layers, of which the second gives its last step; DTLN masks what it saw with a sigmoid of that."""
        n, steps = self.below(2), self.random.randint(3, 6)
        x = self.lstm(self.lstm(self.input(n, steps, 7), 6), 5)
        begin, end, strides = self.numbers(0, steps - 1, 0), self.numbers(n, steps, 5), self.numbers(1, 1, 1)
        last = self.op("STRIDED_SLICE", [x, begin, end, strides], [n, 5],
                       option_table("begin end ellipsis new shrink", "iiiii", {"shrink": 2}))
        mask = self.gate(self.fully_connected(last, 5))
        self.softmax(self.fully_connected(self.mul(last, mask), 4))

    def step_12(self) -> None:
        """keyword_scrambled: int16 outside, filters over time, layers with RELU between them."""
        x = self.input(1, 12, type=INT16, scale=self.scale(-12, -10), zero=0)
        x = self.op("QUANTIZE", [x], [1, 12], type=INT8, scale=self.tensors[x].scale * 256, zero=0)
        x = self.fully_connected(self.svdf(x, 6, 2, 5), 5, RELU)
        self.softmax(self.fully_connected(self.svdf(x, 4, 1, 3), 3))

    def step_10_slim(self) -> None:
        """Slim DeepLab: what is left of the image, side by side with the image, by TILE. TensorFlow Lite Micro has none."""
        x = self.depthwise(self.conv(self.input(1, 17, 17, 3), 6, (3, 3), 2, SAME, RELU6), (5, 5), dilation=2)
        top = self.tile(self.conv(self.average(x), 4, activation=RELU), 1, 9, 9, 1)
        x = self.conv(self.concat([top, self.conv(x, 4, activation=RELU)]), 5)
        self.arg_max(self.resize("RESIZE_BILINEAR", x, 33, 33, True))


SEEDS = range(FIRST, FIRST + max(COUNT // 50, 2))
ROWS = ("step_1", "step_2", "step_3", "step_4", "step_6", "step_7", "step_8", "step_9", "step_10")
INT8_ROWS = (*ROWS, "step_11", "step_12")       # LiteRT has no uint8 kernels of these ops


class Roadmap(unittest.TestCase):
    def compare(self, oracle: Oracle, kinds: tuple[str, ...], uint8: bool) -> None:
        self.addCleanup(oracle.close)
        with tempfile.TemporaryDirectory() as folder:
            for kind in kinds:
                for seed in SEEDS:
                    net = Net(kind, seed, uint8)
                    getattr(net, kind)()
                    model = net.model()
                    data, cases = write(model), inputs_of(seed, model)
                    with self.subTest(kind, seed=seed, uint8=uint8):
                        mine, reason = test_moves.ours(data, cases, pathlib.Path(folder))
                        theirs = oracle.run(data, cases)
                        self.assertIsNotNone(mine, reason)
                        self.assertIsNotNone(theirs, "the reference refuses the model")
                        self.assertEqual(mine, theirs)

    @unittest.skipUnless(TFLM, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
    def test_int8(self) -> None:
        self.compare(Oracle(TFLM, test_moves.TFLM_ORACLE), INT8_ROWS, False)

    @unittest.skipUnless(TFLM, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
    def test_float_ends(self) -> None:
        """The reference takes and gives the floats that our integers stand for."""
        oracle = Oracle(TFLM)
        self.addCleanup(oracle.close)
        with tempfile.TemporaryDirectory() as folder:
            for seed in SEEDS:
                net = Net("step_5", seed, False)
                net.step_5()
                x, y = net.tensors[1], net.tensors[net.ops[-1].inputs[0]]
                stored = [[value - 256 * (value > 127) for value in net.random.randbytes(40)] for _ in range(4)]
                data = write(net.model())
                mine, reason = test_moves.ours(data, [[struct.pack("<40b", *case)] for case in stored], pathlib.Path(folder))
                theirs = oracle.run(data, [[struct.pack("<40f", *(x.scale * (v - x.zero) for v in case))] for case in stored])
                with self.subTest(seed=seed):
                    self.assertIsNotNone(mine, reason)
                    real = [y.scale * (value - y.zero) for value in struct.unpack("<160b", mine)]
                    self.assertEqual(struct.pack("<160f", *real), theirs)

    @unittest.skipUnless(LITERT, "LKS_LITERT_PYTHON names no Python that has the package ai-edge-litert")
    def test_uint8(self) -> None:
        self.compare(Oracle(LITERT, test_moves.LITERT_ORACLE), (*ROWS, "step_10_slim"), True)


if __name__ == "__main__":
    program.main()
