# SPDX-License-Identifier: Apache-2.0
"""Whole small graphs: residuals, branches, shared tensors, u8 interfaces, several inputs and outputs."""

from dataclasses import replace
from math import prod

from ..builder import Builder, Case, Rng, centered_rows, channel_constants, filled, input_size, multiplier
from ..lks_file import I32, U8, Model
from ..op_table import HALF_UP, TFLITE

FULL = dict(y_min=-128, y_max=127)


class Net(Builder):
    """A builder of random layers; each method adds one op and returns its output."""

    def __init__(self, seed: int, rounding: int):
        super().__init__()
        self.rng, self.rounding = Rng(seed), rounding

    def shape(self, x: int) -> tuple[int, ...]:
        return self.tensors[x].shape

    def weighted(self, shape: tuple[int, ...]) -> list[int]:
        """Random w, bias and rq of a layer."""
        o = shape[0]
        weights = self.rng.list(prod(shape), -127, 127)
        bias, rq = channel_constants(self.rng, self.rounding, centered_rows(weights, o, 0), -128)
        return [self.constant(shape, weights), self.constant((o,), bias, I32),
                self.constant((o, 2), [n for pair in rq for n in pair], I32)]

    def conv(self, x: int, o: int, k: int, stride: int = 1, groups: int = 1, shared=None) -> int:
        """A conv with a square kernel and half its extent as padding; `shared` gives w, bias, rq."""
        n, h, w, c = self.shape(x)
        pad = k // 2
        constants = shared or self.weighted((o, k, k, c // groups))
        y_shape = (n, (h + 2 * pad - k) // stride + 1, (w + 2 * pad - k) // stride + 1, o)
        return self.op("conv", [x, *constants], y_shape, stride_h=stride, stride_w=stride, dilation_h=1, dilation_w=1,
                       pad_top=pad, pad_bottom=pad, pad_left=pad, pad_right=pad, pad_value=-128, groups=groups,
                       x_zero=-128, w_zero=0, y_zero=-20, **FULL, rounding=self.rounding)

    def fully_connected(self, x: int, o: int) -> int:
        n, k = self.shape(x)[0], prod(self.shape(x)[1:])
        return self.op("fully_connected", [x, *self.weighted((o, k))], (n, o), x_zero=-128, w_zero=0, y_zero=10, **FULL,
                       rounding=self.rounding)

    def add(self, a: int, b: int) -> int:
        if self.rounding == TFLITE:
            scale = dict(left_shift=20, a_m=2**30 + 7, a_s=0, b_m=2**31 - 9, b_s=-1, m=1234567890, s=-19)
        else:
            scale = dict(left_shift=0, a_m=21000, a_s=0, b_m=-13000, b_s=0, m=1345678901, s=45)
        return self.op("add", (a, b), self.shape(a), a_zero=-20, b_zero=-30, y_zero=-25, **scale, **FULL,
                       rounding=self.rounding)

    def requant(self, x: int, interface: int = 1, x_zero: int = -3, y_zero: int = 4) -> int:
        m, s = (1500000001, 31) if self.rounding == HALF_UP else (1500000001, 0)
        return self.op("requant", [x], self.shape(x), interface, x_zero=x_zero, y_zero=y_zero, m=m, s=s, **FULL,
                       rounding=self.rounding)

    def lut(self, x: int) -> int:
        return self.op("lut", [x, self.constant((256,), self.rng.list(256, -128, 127))], self.shape(x))

    def pool(self, kind: str, x: int, k: int, stride: int) -> int:
        n, h, w, c = self.shape(x)
        rounding = dict(rounding=self.rounding) if kind == "avg_pool" else {}
        return self.op(kind, [x], (n, (h - k) // stride + 1, (w - k) // stride + 1, c), kernel_h=k, kernel_w=k,
                       stride_h=stride, stride_w=stride, pad_top=0, pad_bottom=0, pad_left=0, pad_right=0,
                       **FULL, **rounding)

    def mean(self, x: int) -> int:
        """Mean over height and width, left out."""
        n, h, w, c = self.shape(x)
        m, s = multiplier(self.rng, self.rounding, 160 * h * w)
        return self.op("sum", [x], (n, c), axes=6, x_zero=-20, y_zero=0, m=m, s=s, **FULL, rounding=self.rounding)

    def reshape(self, x: int, *shape: int) -> int:
        return self.op("reshape", [x], shape)

    def softmax(self, x: int) -> int:
        return self.op("softmax", [x], self.shape(x), m=1400000000, s=24)

    def pad(self, x: int, before: tuple, after: tuple) -> int:
        shape = self.shape(x)
        counts = {f"{side}_{axis}": given[axis] if axis < len(shape) else 0
                  for side, given in (("before", before), ("after", after)) for axis in range(6)}
        return self.op("pad", [x], tuple(map(sum, zip(shape, before, after))), **counts, pad_value=-128)


def residual(rounding: int) -> Model:
    net = Net(1 + rounding, rounding)
    x = net.input((1, 6, 6, 3))
    stem = net.conv(x, 8, 3)
    y = net.add(stem, net.conv(net.conv(stem, 8, 3), 8, 3))
    down = net.add(net.conv(y, 12, 1, stride=2), net.conv(net.conv(y, 12, 3, stride=2), 12, 3))
    pooled = net.pool("avg_pool", down, 3, 1)
    return net.model(net.softmax(net.fully_connected(net.reshape(pooled, 1, 12), 5)))


def separable(rounding: int) -> Model:
    net = Net(11 + rounding, rounding)
    x = net.conv(net.input((1, 9, 7, 1)), 8, 3, stride=2)
    for _ in range(2):
        x = net.conv(net.conv(x, 8, 3, groups=8), 8, 1)
    x = net.conv(net.pad(x, (0, 0, 1, 0), (0, 1, 0, 0)), 16, 3, groups=8)
    return net.model(net.softmax(net.fully_connected(net.mean(x), 12)))


def branches(rounding: int) -> Model:
    """Two branches from one tensor, joined; an inner tensor is a graph output too."""
    net = Net(21 + rounding, rounding)
    x = net.input((2, 6, 6, 4))
    stem = net.conv(x, 6, 1)
    left = net.pool("max_pool", net.conv(stem, 6, 3), 2, 2)
    right = net.lut(net.conv(stem, 6, 3, stride=2))
    joined = net.add(left, right)
    return net.model(net.reshape(net.pool("avg_pool", joined, 3, 3), 2, 6), left, joined)


def u8_ends(rounding: int) -> Model:
    """u8 at the input, at the output, and at one inner tensor."""
    net = Net(31 + rounding, rounding)
    x = net.input((1, 4, 4, 3), U8, "image", scale=0x3C008081, zero_point=127)
    x = net.requant(x, x_zero=-1, y_zero=-1)
    x = net.requant(net.conv(x, 5, 3), U8)
    x = net.fully_connected(net.reshape(net.pool("max_pool", x, 4, 1), 1, 5), 7)
    return net.model(net.requant(net.softmax(x), U8, x_zero=-128, y_zero=-128))


def shared_constants(rounding: int) -> Model:
    """Two convs with the same weights, biases and multipliers; one lut table for two ops."""
    net = Net(41 + rounding, rounding)
    x = net.input((1, 4, 4, 4))
    constants = net.weighted((4, 3, 3, 4))
    x = net.conv(net.conv(x, 4, 3, shared=constants), 4, 3, shared=constants)
    table = net.constant((256,), net.rng.list(256, -128, 127))
    for _ in range(2):
        x = net.op("lut", (x, table), net.shape(x))
    return net.model(x)


def two_inputs(rounding: int) -> Model:
    """Two inputs and three outputs, listed in another order than they are made."""
    net = Net(51 + rounding, rounding)
    a = net.input((1, 3, 3, 4), name="a")
    b = net.input((1, 36), U8, name="b")
    net.inputs.reverse()
    conv = net.conv(a, 4, 3)
    image = net.reshape(b, 1, 3, 3, 4)
    both = net.add(conv, image)
    tail = net.fully_connected(both, 6)
    return net.model(tail, conv, both)


def deep_chain(rounding: int) -> Model:
    net = Net(61 + rounding, rounding)
    x = net.input((1, 11))
    for depth in range(24):
        step = depth % 4
        if step == 0:
            x = net.lut(x)
        elif step == 1:
            x = net.fully_connected(x, 11 - depth % 3)
        elif step == 2:
            x = net.add(x, x)
        else:
            x = net.requant(x, interface=U8 if depth % 8 == 3 else 1)
    return net.model(x)


def long_skip(rounding: int) -> Model:
    """A large tensor stays alive over a chain of small ones: peak bytes."""
    net = Net(71 + rounding, rounding)
    x = net.requant(net.input((1, 8, 8, 4)))
    small = net.conv(net.pool("max_pool", x, 8, 1), 4, 1)
    small = net.lut(net.requant(small))
    y = net.op("add", (x, small), (1, 8, 8, 4), a_zero=0, b_zero=0, y_zero=0, left_shift=0, a_m=1, a_s=0, b_m=1,
               b_s=0, m=2**30, s=31, **FULL, rounding=HALF_UP)
    return net.model(y)


def unused(rounding: int) -> Model:
    """A graph input and an op output that nothing uses."""
    net = Net(81 + rounding, rounding)
    x = net.input((1, 9))
    net.input((1, 2, 50), U8)
    y = net.requant(x)
    net.pad(y, (0, 300), (0, 0))
    return net.model(net.lut(y))


def early_output() -> Model:
    """A graph output that no op uses stays alive to the end: peak bytes."""
    net = Net(82, TFLITE)
    x = net.input((1, 6))
    first = net.pad(x, (0, 90), (0, 0))
    return net.model(net.lut(net.pad(x, (0, 0), (0, 110))), first)


def metadata() -> Model:
    """Names that are empty, equal, long or odd; scales and zero points at their ends."""
    b = Builder()
    x = b.input((1, 5), U8, "", scale=0x7F7FFFFF, zero_point=255)
    t = b.op("reshape", [x], (1, 5, 1), name="same")
    t = b.op("reshape", [t], (1, 1, 5), U8, name="same")
    t = b.op("reshape", [t], (1, 5), name="~ \\\"%s/../ " * 20 + "end of the 2")
    b.tensors[t] = replace(b.tensors[t], name=b.tensors[t].name.ljust(255, b"!")[:255], scale=1, zero_point=-128)
    return b.model(t)


def scattered(rounding: int) -> Model:
    """The residual graph with its tensor table backwards."""
    model = residual(rounding)
    count = len(model.tensors)
    place = [count - 1 - i for i in range(count)]
    tensors = [None] * count
    for old, new in enumerate(place):
        tensors[new] = model.tensors[old]
    moved = lambda indices: tuple(place[i] for i in indices)
    ops = tuple(replace(op, operands=moved(op.operands), outputs=moved(op.outputs)) for op in model.ops)
    return Model(tuple(tensors), moved(model.inputs), moved(model.outputs), ops)


def different_extents() -> Model:
    """Inputs whose first extents differ: the model is not batch free."""
    net = Net(91, TFLITE)
    a, b = net.input((2, 6)), net.input((3, 4))
    return net.model(net.requant(a), net.lut(b))


def transposed_batch() -> Model:
    """A reshape in the middle mixes images: not batch free, though the ends look so."""
    net = Net(92, HALF_UP)
    x = net.input((2, 6))
    return net.model(net.reshape(net.softmax(net.reshape(x, 4, 3)), 2, 6))


def mixed_roundings() -> Model:
    net = Net(93, TFLITE)
    x = net.conv(net.input((1, 5, 5, 3)), 6, 3)
    net.rounding = HALF_UP
    x = net.conv(x, 6, 3, groups=6)
    net.rounding = TFLITE
    return net.model(net.mean(net.conv(x, 9, 1)))


def cases():
    families = (("residual", residual, 3), ("separable", separable, 2), ("branches", branches, 5),
                ("u8_ends", u8_ends, 4), ("shared_constants", shared_constants, 2), ("two_inputs", two_inputs, 3),
                ("deep_chain", deep_chain, 2), ("long_skip", long_skip, 3), ("unused", unused, 2),
                ("scattered", scattered, 1))
    for name, make, batch in families:
        for rounding, mode in ((HALF_UP, "half_up"), (TFLITE, "tflite")):
            model = make(rounding)
            stated = model.tensors[model.inputs[0]].shape[0]
            for n in sorted({stated, batch}):
                yield Case(f"graph {name} {mode} n{n} seed {n}", model, filled(input_size(model, n), "random", n), n)
    for name, model, batch in (("metadata", metadata(), 2), ("different_extents", different_extents(), 2),
                               ("transposed_batch", transposed_batch(), 2), ("mixed_roundings", mixed_roundings(), 3),
                               ("early_output", early_output(), 2)):
        yield Case(f"graph {name} n{batch} seed 5", model, filled(input_size(model, batch), "random", 5), batch)
