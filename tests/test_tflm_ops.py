# SPDX-License-Identifier: Apache-2.0
"""Random models of one op against TensorFlow Lite Micro's reference kernels: equal bytes, or both refuse.

The package tflite-micro is used where LKS_TFLM_PYTHON names a Python that has it; else this is skipped, visibly. Model N is a
pure function of its seed N. LOCKSTEP_OPS_COUNT says how many models (500), LOCKSTEP_OPS_SEED which is the first (0).
"""
import collections
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import tempfile
import unittest

import program
from second_opinion import arithmetic, lks_file
from second_opinion.executor import run_sequence
from test_import import conv_options, depthwise_options, f32, fused, option_table, pool_options
from tflite_writer import (INT8, INT16, INT32, NONE, RELU, RELU6, RELU_N1_TO_1, SAME, TANH, UINT8, VALID, Model, Op, Scalar,
                           Tensor, write)

COUNT = int(os.environ.get("LOCKSTEP_OPS_COUNT", "100" if program.QUICK else "500"))
FIRST = int(os.environ.get("LOCKSTEP_OPS_SEED", "0"))
SPOILT = 0.2        # of the models
PYTHON = os.environ.get("LKS_TFLM_PYTHON")

# Why Lockstep may refuse a spoilt model that TensorFlow Lite Micro runs; a sound one never.
STRICTER = {
    r"the shape must be|its last extent must be|(SAME|VALID) padding gives|do not fit": "its shapes contradict one another",
    r"scale that is not a positive normal number": "its scales are no scales",
    r"give no multiplier|too small for the input scale": "the reference shifts by more bits than an int has",
    r"the bound law": "the reference overflows",
    r"axis must be one number": "its axis means nothing",
    r"not of the type that its options say": "its options contradict its output",
    r"must have rank 4, and the batch and channels of x": "its shapes contradict one another",
    r"the size contradicts": "its shapes contradict one another",
    r"both corners and centers": "its options contradict one another",
    r"revisions of the reference disagree": "revisions of the reference disagree",
    r"padding rule -?\d+|activation function -?\d+|each must be 1 to 65535": "its options mean nothing",
    r"the scale is too small for its range": "the reference converts what no int has room for",
    r"output and output state have different scales": "the reference does not look at its output scale",
    r"is INT(16|32): ": "it is not int8",
    r"the output must have scale 1/": "the reference does not look at its output scale",
}


# ---- models ----------------------------------------------------------------------------------------------------------------


class Maker:
    """Draws one model."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"model {seed}")        # a string: small numbers give streams that are alike

    def below(self, limit: int) -> int:
        """1 .. limit, small ones more often."""
        return min(self.random.randint(1, limit), self.random.randint(1, limit))

    def chance(self, p: float) -> bool:
        return self.random.random() < p

    def scale(self, low: int = -8, high: int = 1) -> float:
        """Between 2^low and 2^high; sometimes a power of two, which makes ties."""
        if self.chance(0.3):
            return 2.0 ** self.random.randint(low, high)
        return math.exp2(self.random.uniform(low, high))

    def zero(self) -> int:
        return self.random.choice((0, -128, 127, self.random.randint(-128, 127)))

    def values(self, count: int, low: int = -128) -> list[int]:
        if self.chance(0.1):
            return [self.random.choice((low, 127)) for _ in range(count)]
        return [self.random.randint(low, 127) for _ in range(count)]

    def activation(self) -> int:
        return self.random.choice((NONE, NONE, NONE, RELU, RELU6, RELU_N1_TO_1))

    def window(self, dilated: bool) -> tuple[list[int], list[int], dict[str, int], list[int]]:
        """[n, h, w], the kernel, the options that go with them, and the output's [oh, ow]."""
        while True:
            x = [self.below(3), self.random.randint(1, 9), self.random.randint(1, 9)]
            kernel, stride = [self.below(4), self.below(4)], [self.below(3), self.below(3)]
            dilation = [self.below(3), self.below(3)] if dilated else [1, 1]
            rule = self.random.choice((SAME, VALID))
            extent = [1 if rule == SAME else (k - 1) * d + 1 for k, d in zip(kernel, dilation)]
            out = [(i - e) // s + 1 for i, e, s in zip(x[1:], extent, stride)]
            if min(out) > 0:
                options = {"padding": rule, "stride_h": stride[0], "stride_w": stride[1]}
                if dilated:
                    options |= {"dilation_h": dilation[0], "dilation_w": dilation[1]}
                return x, kernel, options, out

    def linear(self, weights: Tensor, x: Tensor, y: Tensor, channels: int, terms: int, name: str, options: dict) -> Model:
        """With scales of x, w and y that spread the outputs; now and then far from that."""
        scales = [self.scale(-10, -4) for _ in range(channels)]
        weights.scale, first = scales if isinstance(weights.zero, list) else scales[0], scales[0]
        y.scale = x.scale * first * math.sqrt(terms) * self.random.choice((40, 80, 80, 160, 1))
        bias = Tensor([channels], INT32, None, values=[self.random.randint(-20000, 20000) for _ in range(channels)])
        if name == "FULLY_CONNECTED":
            bias.scale = f32(f32(x.scale) * f32(first))
        operands = [0, 1, 2] if self.chance(0.8) else [0, 1] if name != "FULLY_CONNECTED" else [0, 1, -1]
        return Model([x, weights, bias, y], [Op(name, operands, [3], options)])

    def conv(self) -> Model:
        x, kernel, options, out = self.window(dilated=True)
        c, groups = self.random.choice(((1, 1), (3, 1), (4, 1), (4, 2), (6, 3), (17, 1)))
        o = groups * self.below(5)
        shape = [o, *kernel, c // groups]
        weights = Tensor(shape, values=self.values(math.prod(shape), -127), zero=[0] * o if self.chance(0.7) else 0)
        return self.linear(weights, Tensor([*x, c], scale=self.scale(), zero=self.zero()),
                           Tensor([x[0], *out, o], zero=self.zero()), o, math.prod(shape[1:]), "CONV_2D",
                           conv_options(**options, fused=self.activation()))

    def depthwise(self) -> Model:
        x, kernel, options, out = self.window(dilated=True)
        c, multiplier = self.below(5), self.below(3)
        shape = [1, *kernel, c * multiplier]
        weights = Tensor(shape, values=self.values(math.prod(shape), -127))
        if self.chance(0.7):
            weights.zero, weights.axis = [0] * shape[3], 3
        return self.linear(weights, Tensor([*x, c], scale=self.scale(), zero=self.zero()),
                           Tensor([x[0], *out, shape[3]], zero=self.zero()), shape[3], math.prod(kernel), "DEPTHWISE_CONV_2D",
                           depthwise_options(**options, multiplier=multiplier, fused=self.activation()))

    def fully_connected(self) -> Model:
        rows, k, o = self.below(4), self.random.choice((self.random.randint(1, 40), 400)), self.below(9)
        weights = Tensor([o, k], values=self.values(o * k, -127), zero=[0] * o if self.chance(0.3) else 0)
        return self.linear(weights, Tensor([rows, k], scale=self.scale(), zero=self.zero()), Tensor([rows, o], zero=self.zero()),
                           o, k, "FULLY_CONNECTED", fused(self.activation()))

    def batch_matmul(self) -> Model:
        """Leading extents that are equal, or 1 on one side, or missing on one side; either side turned, or constant."""
        r, k, c = (self.random.choice((1, self.random.randint(1, 9), 33)) for _ in range(3))
        y = [self.random.randint(1, 3) for _ in range(self.random.randint(0, 3))]
        leads = [list(y), list(y)]
        for axis in range(len(y)):
            if self.chance(0.3):
                self.random.choice(leads)[axis] = 1
        y = [max(pair) for pair in zip(*leads)]
        if y and self.chance(0.3):
            leads[1] = leads[1][self.random.randint(0, len(y)):]
            y[:len(y) - len(leads[1])] = leads[0][:len(y) - len(leads[1])]
        adj = [self.chance(0.4), self.chance(0.4)]
        shapes = [leads[0] + ([k, r] if adj[0] else [r, k]), leads[1] + ([c, k] if adj[1] else [k, c])]
        tensors = [Tensor(s, scale=self.scale(-6, 1), zero=self.zero()) for s in (*shapes, [*y, r, c])]
        tensors[2].scale = tensors[0].scale * tensors[1].scale * math.sqrt(k) * self.random.choice((40, 80, 160, 1))
        inputs = self.random.choice(([0, 1], [0, 1], [0], [1]))
        for i in {0, 1} - set(inputs):
            tensors[i].values = self.values(math.prod(shapes[i]))
        options = {i: Scalar("B", 1) for i in (0, 1) if adj[i]}
        return Model(tensors, [Op("BATCH_MATMUL", [0, 1], [2], options)], inputs=inputs)

    def svdf(self) -> Model:
        """States of int16 or of int8; features and sums within range, and now and then far beyond it."""
        n, i, u, r, t = self.below(3), self.random.randint(1, 40), self.below(5), self.below(3), self.random.randint(1, 9)
        kind = self.random.choice((INT16, INT16, INT8))
        # Where the sums could leave int32 the reference overflows, and Lockstep saturates.
        state_max, time_max = (2**15 - 1, min(2**15 - 1, 60000 // (r * t))) if kind == INT16 else (127, 127)
        x, w = Tensor([n, i], scale=self.scale(), zero=self.zero()), Tensor([u * r, i], values=self.values(u * r * i, -127))
        time = Tensor([u * r, t], kind, values=[self.random.randint(-time_max, time_max) for _ in range(u * r * t)])
        w.scale, time.scale = self.scale(-10, -4), self.scale(-16, -8)
        feature = x.scale * w.scale * 74 * 74 * math.sqrt(i) * self.random.choice((1, 2, 0.1))
        state, y = Tensor([n, u * r * t], kind, f32(feature / state_max), variable=True), Tensor([n, u], zero=self.zero())
        y.scale = f32(f32(state.scale) * f32(time.scale)) * state_max * time_max / 4 * math.sqrt(r * t)
        y.scale /= self.random.choice((40, 100, 400))
        bias = Tensor([u], INT32, f32(f32(state.scale) * f32(time.scale)),
                      values=[self.random.randint(-2**20, 2**20) for _ in range(u)])
        return Model([x, w, time, bias, state, y],
                     [Op("SVDF", [0, 1, 2, 3, 4], [5], {0: Scalar("i", r), 1: Scalar("b", self.random.choice((NONE, RELU)))})])

    def lstm(self) -> Model:
        """Both orders of the axes; gates within range, and now and then far beyond it."""
        n, t, i, o = self.below(3), self.random.randint(1, 9), self.random.randint(1, 40), self.random.randint(1, 20)
        major, power, zero = self.chance(0.3), self.random.choice((-11, -11, -12, -10, -15, -7, -20, -5)), self.zero()
        shape = [t, n] if major else [n, t]
        x, scale = Tensor([*shape, i], scale=self.scale(), zero=self.zero()), self.random.choice((2.0**-7, self.scale(-9, -5)))
        tensors, operands = [x], [0]

        def constants(k: int, against: float) -> None:
            for _ in range(4):
                w = against * 74 * 74 * math.sqrt(k) / self.random.choice((0.5, 2, 2, 8))
                operands.append(len(tensors))
                tensors.append(Tensor([o, k], scale=f32(1 / w), values=self.values(o * k, -127)))

        constants(i, x.scale)
        constants(o, scale)
        operands += [-1] * 3
        for gate in range(4):
            unit = f32(f32(x.scale) * f32(tensors[1 + gate].scale))
            size = min(int(2 / unit) + 1, 2**24)
            operands.append(len(tensors))
            tensors.append(Tensor([o], INT32, unit, values=[self.random.randint(-size, size) for _ in range(o)]))
        operands += [-1, -1, len(tensors), len(tensors) + 1] + [-1] * 4
        tensors += [Tensor([n, o], scale=scale, zero=zero, variable=True),
                    Tensor([n, o], INT16, 2.0**power, variable=True), Tensor([*shape, o], scale=scale, zero=zero)]
        clip = self.random.choice((0.0, 0.0, 0.0, self.random.uniform(0.5, 10) * 2.0**(power + 11), 100.0))
        options = {0: Scalar("b", TANH), 1: Scalar("f", clip), 3: Scalar("B", int(major))}
        return Model(tensors, [Op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [len(tensors) - 1], options)])

    def add(self) -> Model:
        return self.pair("ADD")

    def sub(self) -> Model:
        return self.pair("SUB")

    def mul(self) -> Model:
        """With an output scale that spreads the products."""
        model = self.pair("MUL")
        a, b, y = (model.tensors[i] for i in range(3))
        y.scale = a.scale * b.scale * self.random.choice((16, 40, 80, 1, 200))
        return model

    def pair(self, name: str) -> Model:
        """Equal shapes; or some extents are 1, or missing in front, on one side."""
        y = [self.random.randint(1, 4) for _ in range(self.random.randint(1, 4))]
        shapes = [list(y), list(y)]
        if self.chance(0.6):
            for axis in range(len(y)):
                if self.chance(0.4):
                    self.random.choice(shapes)[axis] = 1
            if self.chance(0.4):
                shapes[1] = shapes[1][self.random.randrange(len(y)):]
        y = [max(pair) for pair in zip(shapes[0], [1] * (len(y) - len(shapes[1])) + shapes[1])]
        tensors = [Tensor(s, scale=self.scale(-6, 1), zero=self.zero()) for s in (*shapes, y)]
        inputs = self.random.choice(([0, 1], [0, 1], [0], [1]))
        for i in {0, 1} - set(inputs):
            tensors[i].values = self.values(math.prod(shapes[i]))
        return Model(tensors, [Op(name, self.random.choice(([0, 1], [1, 0])), [2], fused(self.activation()))], inputs=inputs)

    def pool(self) -> Model:
        x, kernel, options, out = self.window(dilated=False)
        c, quantization = self.below(6), {"scale": self.scale(), "zero": self.zero()}
        options = pool_options(**options, kernel_h=kernel[0], kernel_w=kernel[1], fused=self.activation())
        return Model([Tensor([*x, c], **quantization), Tensor([x[0], *out, c], **quantization)],
                     [Op(self.random.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D")), [0], [1], options)])

    def reduce(self) -> Model:
        x = [self.random.randint(1, 7) for _ in range(self.random.randint(1, 4))]
        axes = self.random.sample(range(len(x)), self.random.randint(1, min(2, len(x))))
        keep, name = self.chance(0.5), self.random.choice(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"))
        y = [1 if i in axes else d for i, d in enumerate(x) if keep or i not in axes]
        written = [a - len(x) if self.chance(0.3) else a for a in axes] + ([axes[0]] if self.chance(0.1) else [])
        source = Tensor(x, scale=self.scale(), zero=self.zero())
        target = Tensor(y, scale=source.scale, zero=source.zero)
        if self.chance(0.7) and name in ("MEAN", "SUM"):
            count = math.prod(x[a] for a in axes)
            target.scale *= self.random.uniform(0.3, 2) * (math.sqrt(count) if name == "SUM" else 1)
            target.zero = self.zero()
        return Model([source, Tensor([len(written)], INT32, None, values=written), target],
                     [Op(name, [0, 1], [2], {0: Scalar("B", 1)} if keep else {})])

    def arg(self) -> Model:
        x = [self.random.randint(1, 7) for _ in range(self.random.randint(1, 4))]
        axis = self.random.randrange(len(x))
        values = [axis - len(x) if self.chance(0.3) else axis]
        tensors = [Tensor(x, scale=self.scale(), zero=self.zero()), Tensor([], INT32, None, values=values),
                   Tensor(x[:axis] + x[axis + 1:], INT32, None)]
        return Model(tensors, [Op(self.random.choice(("ARG_MAX", "ARG_MIN")), [0, 1], [2], {0: Scalar("b", INT32)})])

    def resize(self) -> Model:
        """By the extents, the corners or the centers; sometimes by a power of two, where LiteRT is exact."""
        x = [self.below(2), self.random.randint(1, 9), self.random.randint(1, 9), self.below(4)]
        out = [self.random.randint(1, 17), self.random.randint(1, 17)]
        if self.chance(0.5):
            out = [2 * x[1], 4 * x[2]]
        flags = self.random.choice(({}, {2: Scalar("B", 1)}, {3: Scalar("B", 1)}))
        if flags and 2 in flags and self.chance(0.5):
            out = [2 * (x[1] - 1) + 1, 4 * (x[2] - 1) + 1]
        quantization = {"scale": self.scale(), "zero": self.zero()}
        size, y = Tensor([2], INT32, None, values=out), Tensor([x[0], *out, x[3]], **quantization)
        return Model([Tensor(x, **quantization), size, y],
                     [Op("RESIZE_BILINEAR", [0, 1], [2], flags)])

    def softmax(self) -> Model:
        shape = [self.below(3) for _ in range(self.random.randint(0, 2))]
        shape.append(self.random.choice((1, 2, self.random.randint(1, 300))))
        return Model([Tensor(shape, scale=self.scale(-7, 3), zero=self.zero()), Tensor(shape, scale=1 / 256, zero=-128)],
                     [Op("SOFTMAX", [0], [1], {0: Scalar("f", self.random.choice((1.0, 1.0, 0.5, 0.3, 2.0)))})])

    def quantize(self) -> Model:
        types = self.random.choice(((INT8, INT8), (UINT8, INT8), (INT8, UINT8), (INT16, INT8)))
        scale = self.scale()
        if types[0] == INT16:
            return Model([Tensor([1, 300], INT16, scale / 256, self.random.choice((0, 0, -2**15, 2**15 - 1, self.zero()))),
                          Tensor([1, 300], INT8, scale * self.random.uniform(0.1, 4), self.zero())], [Op("QUANTIZE", [0], [1])])
        scales = scale, scale * self.random.choice((1, 1, 2, 0.5, self.random.uniform(0.1, 4)))
        return Model([Tensor([1, 256], t, s, self.zero() + (128 if t == UINT8 else 0)) for t, s in zip(types, scales)],
                     [Op("QUANTIZE", [0], [1])])

    def unary(self, name: str, options: dict | None = None, **y: float) -> Model:
        """All 256 values of x; y: its quantization, where the op demands one."""
        scale = self.scale()
        y = y or {"scale": scale * self.random.choice((1, 2, self.random.uniform(0.1, 4))), "zero": self.zero()}
        return Model([Tensor([1, 256], scale=scale, zero=self.zero()), Tensor([1, 256], **y)], [Op(name, [0], [1], options or {})])

    def relu(self) -> Model:
        return self.unary(self.random.choice(("RELU", "RELU6")))

    def logistic(self) -> Model:
        return self.unary("LOGISTIC", scale=1 / 256, zero=-128)

    def tanh(self) -> Model:
        return self.unary("TANH", scale=1 / 128, zero=0)

    def hard_swish(self) -> Model:
        return self.unary("HARD_SWISH")

    def leaky_relu(self) -> Model:
        alpha = self.random.choice((0.0, 0.01, 0.1, 0.25, 1.0, 2.0, -0.5, self.random.uniform(-1, 2)))
        return self.unary("LEAKY_RELU", {0: Scalar("f", alpha)})

    def absolute(self) -> Model:
        return self.unary("ABS", {})

    def prelu(self) -> Model:
        """A slope for all, per channel, or per element."""
        x = [self.random.randint(1, 4) for _ in range(self.random.randint(1, 4))]
        slope = self.random.choice(([1], x[-1:], x, [1] * (len(x) - 1) + x[-1:]))
        tensors = [Tensor(x, scale=self.scale(-6, 1), zero=self.zero()),
                   Tensor(slope, scale=self.scale(-8, 1), zero=self.zero(), values=self.values(math.prod(slope))),
                   Tensor(x, scale=self.scale(-6, 1), zero=self.zero())]
        return Model(tensors, [Op("PRELU", [0, 1], [2])])

    def extremum(self) -> Model:
        quantization = {"scale": self.scale(), "zero": self.zero()}
        tensors = [Tensor([1, 256], **quantization), Tensor([1], values=self.values(1), **quantization), Tensor([1, 256], **quantization)]
        return Model(tensors, [Op(self.random.choice(("MAXIMUM", "MINIMUM")), self.random.choice(([0, 1], [1, 0])), [2])])

    def pad(self) -> Model:
        x = [self.random.randint(1, 4) for _ in range(self.random.randint(1, 5))]
        pads = [self.random.randint(0, 3) for _ in range(2 * len(x))]
        y = [d + pads[2 * i] + pads[2 * i + 1] for i, d in enumerate(x)]
        quantization = {"scale": self.scale(), "zero": self.zero()}
        tensors = [Tensor(x, **quantization), Tensor([len(x), 2], INT32, None, values=pads), Tensor(y, **quantization)]
        if self.chance(0.5):
            return Model(tensors, [Op("PAD", [0, 1], [2])])
        return Model([*tensors, Tensor([1], values=self.values(1), **quantization)], [Op("PADV2", [0, 1, 3], [2])])

    def reshape(self) -> Model:
        x = [self.random.randint(1, 5) for _ in range(self.random.randint(1, 4))]
        y = self.random.choice(([math.prod(x)], x[::-1], [1, *x], [x[0], math.prod(x[1:])]))
        return Model([Tensor(x), Tensor([len(y)], INT32, None, values=y), Tensor(y)], [Op("RESHAPE", [0, 1], [2])])


    def spoil(self, model: Model) -> None:
        """Change one thing, most often so that neither side can run the model."""
        tensors, op = model.tensors, model.ops[0]
        x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
        change = self.random.randrange(6)
        if change == 0:
            target = self.random.choice((x, y))
            target.scale = f32(2.0 ** self.random.choice((-120, -60, -40, -30, -20, 20, 30, 40, 60, 120)))
        elif change == 1:
            self.random.choice((x, y)).scale = self.random.choice((0.0, -0.5, math.inf))
        elif change == 2:
            y.type = self.random.choice((INT16, INT32))
        elif change == 3:
            y.shape = [d + (i == len(y.shape) - 1) for i, d in enumerate(y.shape)]
        elif change == 4:
            op.inputs = op.inputs[:-1]
        elif op.options:
            slot = self.random.choice(list(op.options))
            form = op.options[slot].format
            op.options[slot] = Scalar(form, self.random.choice((0, 9) if form.isupper() else (0, 9, -1)))


KINDS = ("conv", "depthwise", "fully_connected", "batch_matmul", "svdf", "lstm", "add", "sub", "mul", "pool", "reduce", "arg",
         "resize", "softmax", "quantize", "relu", "pad", "reshape", "logistic", "tanh", "hard_swish", "leaky_relu", "absolute",
         "prelu", "extremum")


STATEFUL = ("svdf", "lstm")


def model_of(seed: int) -> tuple[Model, bool]:
    """The model, and whether it was spoilt."""
    maker = Maker(seed)
    model, spoilt = getattr(maker, KINDS[seed % len(KINDS)])(), maker.chance(SPOILT)
    if spoilt:
        maker.spoil(model)
    return model, spoilt


def inputs_of(seed: int, model: Model) -> list[list[bytes]]:
    """Cases of one buffer per model input: random bytes, the rails, and both in turn."""
    sizes = [math.prod(model.tensors[i].shape) * (2 if model.tensors[i].type == INT16 else 1) for i in model.inputs]
    if sizes == [256]:
        return [[bytes(range(256))]]
    draw = random.Random(f"inputs {seed}")
    rails = [bytes((low, high)) for low, high in ((0x80, 0x80), (0x7F, 0x7F), (0x80, 0x7F))]
    cases = [[draw.randbytes(n) for n in sizes] for _ in range(2)]
    return cases + [[(rail * n)[:n] for n in sizes] for rail in (*rails[:2], draw.choice(rails))]


# ---- the two sides ---------------------------------------------------------------------------------------------------------

# Reads models with their cases, and answers with all outputs of each; a length of -1: refused. Where a kernel aborts, the
# process ends, and the next one goes on.
ORACLE = """
import os, struct, sys
answers = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
import numpy
from tflite_micro import runtime

def block():
    return sys.stdin.buffer.read(struct.unpack("<i", sys.stdin.buffer.read(4))[0])

def run(model, cases):
    interpreter = runtime.Interpreter.from_bytes(model, arena_size=1 << 21)
    outputs = b""
    for case in cases:
        interpreter.reset()
        for i, data in enumerate(case):
            details = interpreter.get_input_details(i)
            interpreter.set_input(numpy.frombuffer(data, details["dtype"]).reshape(details["shape"]), i)
        interpreter.invoke()
        outputs += interpreter.get_output(0).tobytes()
    return outputs

while True:
    header = sys.stdin.buffer.read(8)
    if len(header) < 8:
        break
    count, inputs = struct.unpack("<ii", header)
    model = block()
    cases = [[block() for _ in range(inputs)] for _ in range(count)]
    try:
        outputs = run(model, cases)
        answers.write(struct.pack("<i", len(outputs)) + outputs)
    except Exception:
        answers.write(struct.pack("<i", -1))
    answers.flush()
"""


class Oracle:
    """A reference in a process of its own, which is started again where it dies."""

    def __init__(self, python: str | None = PYTHON, source: str = ORACLE) -> None:
        self.command = [python, "-c", source]
        self.process = None
        self.deaths = 0

    def close(self) -> None:
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
        self.process = None

    def run(self, model: bytes, cases: list[list[bytes]]) -> bytes | None:
        """All outputs, one behind the other; None: refused, or the process died."""
        if not self.process:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        blocks = [model, *(data for case in cases for data in case)]
        try:
            self.process.stdin.write(struct.pack("<ii", len(cases), len(cases[0]))
                                     + b"".join(struct.pack("<i", len(b)) + b for b in blocks))
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        header = self.process.stdout.read(4)
        if len(header) == 4:
            length = struct.unpack("<i", header)[0]
            return self.process.stdout.read(length) if length >= 0 else None
        self.deaths += 1
        self.process.kill()
        try:
            self.close()
        except BrokenPipeError:
            self.process = None
        return None


def ours(model: bytes, cases: list[list[bytes]], folder: pathlib.Path) -> tuple[bytes | None, str]:
    """All outputs, or the reason of the refusal."""
    path, result, outputs = folder / "model.tflite", folder / "y.npy", b""
    path.write_bytes(model)
    for case in cases:
        files = [folder / f"x{i}.raw" for i in range(len(case))]
        for file, data in zip(files, case):
            file.write_bytes(data)
        done = subprocess.run([program.LOCKSTEP, "run", path, *files, "--backend", "cpu_ref", "--output", result],
                              capture_output=True, text=True)
        if done.returncode != 0:
            return None, done.stderr.strip()
        outputs += program.npy_payload(result)
    return outputs, ""


def ours_in_sequence(model: bytes, cases: list[list[bytes]], folder: pathlib.Path) -> bytes | None:
    """All outputs of runs that keep the state, by the second opinion."""
    path, lks = folder / "model.tflite", folder / "model.lks"
    path.write_bytes(model)
    if subprocess.run([program.LOCKSTEP, "convert", path, lks], capture_output=True).returncode != 0:
        return None
    return run_sequence(lks_file.read(lks.read_bytes()), b"".join(b"".join(case) for case in cases))


# ---- the comparison --------------------------------------------------------------------------------------------------------


@unittest.skipUnless(PYTHON, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
class Ops(unittest.TestCase):
    def setUp(self) -> None:
        self.oracle, self.folder = Oracle(), tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(self.oracle.close)

    def outcome(self, seed: int) -> str:
        """In capitals where it must not be."""
        model, spoilt = model_of(seed)
        data, cases = write(model), inputs_of(seed, model)
        mine, reason = ours(data, cases, pathlib.Path(self.folder.name))
        theirs = self.oracle.run(data, cases)
        if mine is not None and theirs is not None:
            return "equal" if mine == theirs else "DIFFERENT"
        if mine is None and theirs is None:
            return "both refuse" if spoilt else f"BOTH REFUSE: {reason}"
        if mine is not None:
            return "ONLY LOCKSTEP RUNS"
        why = next((why for pattern, why in STRICTER.items() if spoilt and re.search(pattern, reason)), None)
        return f"refused: {why}" if why else f"ONLY TFLM RUNS: {reason}"

    def test_random_ops(self) -> None:
        counts = collections.Counter()
        for seed in range(FIRST, FIRST + COUNT):
            kind, outcome = KINDS[seed % len(KINDS)], self.outcome(seed)
            counts[kind, outcome] += 1
            if outcome.partition(":")[0].isupper():
                with self.subTest(seed=seed):
                    self.fail(f"{kind}: {outcome}; again with LOCKSTEP_OPS_SEED={seed} LOCKSTEP_OPS_COUNT=1")
        for (kind, outcome), count in sorted(counts.items()):
            print(f"{kind:16} {count:6} {outcome}")
        print(f"{self.oracle.deaths} models ended the reference's process")
        if COUNT >= 10 * len(KINDS):
            for kind in KINDS:
                self.assertGreater(counts[kind, "equal"], COUNT // len(KINDS) // 2, kind)


@unittest.skipUnless(PYTHON, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
class Sequences(unittest.TestCase):
    """Runs that keep the state of ops: what `cpu_ref` equals in the goldens, against TensorFlow Lite Micro."""

    def test_states_are_kept(self) -> None:
        oracle, equal = Oracle(source=ORACLE.replace("        interpreter.reset()\n", "")), 0
        self.addCleanup(oracle.close)
        with tempfile.TemporaryDirectory() as folder:
            for seed in range(FIRST, FIRST + max(COUNT // 5, 20)):
                model = getattr(Maker(seed), STATEFUL[seed % len(STATEFUL)])()
                data, cases = write(model), inputs_of(seed, model) * 2
                mine = ours_in_sequence(data, cases, pathlib.Path(folder))
                if mine is None:
                    continue
                self.assertEqual(mine, oracle.run(data, cases), f"seed {seed}")
                equal += 1
        self.assertGreater(equal, 10)
        print(f"{equal} sequences of runs are equal")


@unittest.skipUnless(PYTHON, "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
class Waves(unittest.TestCase):
    """Spec 3.4 against the int16 LOGISTIC and TANH of TensorFlow Lite Micro, which interpolate in the table that its lstm has."""

    def test_every_value(self) -> None:
        oracle, values = Oracle(), range(-2**15, 2**15)
        self.addCleanup(oracle.close)
        data = struct.pack(f"<{len(values)}h", *values)
        for name, scale, ours in (("LOGISTIC", 2.0**-12, arithmetic.sigmoid), ("TANH", 2.0**-12, lambda v: arithmetic.tanh(v, 0)),
                                  ("TANH", 2.0**-11, lambda v: arithmetic.tanh(v, 1))):
            shape = [1, len(values)]
            model = Model([Tensor(shape, INT16, scale), Tensor(shape, INT16, 2.0**-15)], [Op(name, [0], [1])])
            theirs = oracle.run(write(model), [[data]])
            self.assertIsNotNone(theirs, name)
            self.assertEqual(struct.unpack(f"<{len(values)}h", theirs), tuple(map(ours, values)), name)


if __name__ == "__main__":
    program.main()
