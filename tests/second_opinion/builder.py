# SPDX-License-Identifier: Apache-2.0
"""Builds small models and seeded data for the golden packs."""

import struct
from dataclasses import dataclass, replace
from math import isqrt, prod

from .checks import stated_batch
from .lks_file import I8, I16, I32, I64, TYPE_CODE, Model, Op, Tensor
from .op_table import BY_NAME, HALF_UP

MASK = 2**64 - 1
ROUNDING_NAMES = ("half_up", "tflite")
RAILS = {"low": (-128,), "high": (127,), "alternating": (-128, 127), "zero": (0,)}


class Rng:
    """splitmix64."""

    def __init__(self, seed: int):
        self.state = seed

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
        return z ^ (z >> 31)

    def between(self, low: int, high: int) -> int:
        """An integer in low .. high."""
        return low + self.next() % (high - low + 1)

    def list(self, count: int, low: int, high: int) -> list[int]:
        return [self.between(low, high) for _ in range(count)]

    def bytes(self, count: int) -> bytes:
        """The top 8 bits of each output."""
        return bytes(self.next() >> 56 for _ in range(count))


@dataclass(frozen=True)
class Case:
    """A model and one input, before its results are known."""

    name: str
    model: Model
    inputs: bytes
    batch: int


@dataclass(frozen=True)
class WrongCase:
    """A file that must not load, and a piece of the message that says why."""

    name: str
    file: bytes
    why: str


class Builder:
    """Collects tensors and ops; every method that makes a tensor returns its index."""

    def __init__(self):
        self.tensors: list[Tensor] = []
        self.inputs: list[int] = []
        self.ops: list[Op] = []

    def tensor(self, name: str, shape, type_: int, interface: int, data: bytes | None = None,
               scale: int = 0, zero_point: int = 0) -> int:
        self.tensors.append(Tensor(name.encode("ascii"), type_, interface, tuple(shape), data, scale, zero_point))
        return len(self.tensors) - 1

    def activation(self, shape, interface: int = I8, name: str | None = None, **metadata) -> int:
        name = f"t{len(self.tensors)}" if name is None else name
        return self.tensor(name, shape, {I16: I16, I32: I32, I64: I32}.get(interface, I8), interface, **metadata)

    def input(self, shape, interface: int = I8, name: str | None = None, **metadata) -> int:
        self.inputs.append(self.activation(shape, interface, name, **metadata))
        return self.inputs[-1]

    def constant(self, shape, values, type_: int = I8, name: str | None = None) -> int:
        values = list(values)
        assert len(values) == prod(shape), (shape, len(values))
        data = struct.pack(f"<{len(values)}{TYPE_CODE[type_]}", *values)
        return self.tensor(f"c{len(self.tensors)}" if name is None else name, shape, type_, type_, data)

    def op(self, kind: str, operands, y_shape, interface: int = I8, name: str | None = None, **arguments) -> int:
        """Add an op; every argument of its kind must be given."""
        return self.append(kind, operands, [self.activation(y_shape, interface, name)], arguments)[0]

    def op_of_many(self, kind: str, operands, y_shapes, interface: int = I8, **arguments) -> list[int]:
        """The same with several outputs."""
        return self.append(kind, operands, [self.activation(shape, interface) for shape in y_shapes], arguments)

    def append(self, kind: str, operands, outputs: list[int], arguments: dict[str, int]) -> list[int]:
        k = BY_NAME[kind]
        assert set(arguments) == set(k.arguments), set(arguments) ^ set(k.arguments)
        self.ops.append(Op(k.number, tuple(operands), tuple(outputs), tuple(arguments[a] for a in k.arguments)))
        return outputs

    def model(self, *outputs: int) -> Model:
        """The model; without `outputs`, the last op's output is the graph's."""
        return Model(tuple(self.tensors), tuple(self.inputs), outputs or (len(self.tensors) - 1,), tuple(self.ops))


def single(kind: str, x_shape, y_shape, constants=(), x_interface: int = I8, **arguments) -> Model:
    """A model of one op with operand x and constants (shape, values, type)."""
    b = Builder()
    x = b.input(x_shape, x_interface, name="x")
    operands = [x] + [b.constant(*constant) for constant in constants]
    b.op(kind, operands, y_shape, name="y", **arguments)
    return b.model()


def with_arguments(model: Model, at: int = 0, **changes) -> Model:
    """The model with some arguments of op `at` replaced."""
    op = model.ops[at]
    names = next(k for k in BY_NAME.values() if k.number == op.number).arguments
    values = [changes.pop(name, value) for name, value in zip(names, op.arguments)]
    assert not changes, changes
    ops = list(model.ops)
    ops[at] = replace(op, arguments=tuple(values))
    return replace(model, ops=tuple(ops))


def with_tensor(model: Model, at: int, **changes) -> Model:
    """The model with some fields of tensor `at` replaced."""
    tensors = list(model.tensors)
    tensors[at] = replace(tensors[at], **changes)
    return replace(model, tensors=tuple(tensors))


def with_shape(model: Model, at: int, *shape: int) -> Model:
    """The model with another shape of tensor `at`; a constant gets zeros or loses its tail."""
    t = replace(model.tensors[at], shape=shape)
    data = None if t.data is None else t.data.ljust(t.storage_bytes, b"\0")[:t.storage_bytes]
    return with_tensor(model, at, shape=shape, data=data)


def input_size(model: Model, batch: int) -> int:
    """Interface bytes of all graph inputs at a batch that replaces the stated one."""
    return sum(model.tensors[i].interface_bytes for i in model.inputs) * batch // stated_batch(model)


def filled(size: int, pattern: str, seed: int) -> bytes:
    """`size` input bytes: "random", or one of the rails, as i8."""
    if pattern == "random":
        return Rng(seed).bytes(size)
    values = RAILS[pattern]
    return bytes(values[i % len(values)] & 255 for i in range(size))


def i8_bytes(values) -> bytes:
    return bytes(value & 255 for value in values)


def multiplier(rng: Rng, rounding: int, acc_range: int) -> tuple[int, int]:
    """A random (m, s) that scales accumulators of about +-acc_range to about +-160."""
    m = rng.between(2**30, 2**31 - 1)
    shift = max(acc_range // 160, 1).bit_length() - 1        # the scale is near 2^-shift
    if rounding == HALF_UP:
        return (m, 31 + shift)
    return (m, -shift)


def join(values) -> str:
    """A shape for a case name: 1x2x3."""
    return "x".join(map(str, values))


def channel_constants(rng: Rng, rounding: int, rows, x_zero: int) -> tuple[list[int], list[tuple[int, int]]]:
    """Biases and multipliers that spread the outputs of uniform inputs over i8.

    `rows` holds the weights of each output channel, minus their zero point.
    """
    bias, rq = [], []
    for row in rows:
        middle = sum(row) * (-1 - 2 * x_zero) // 2
        spread = 148 * isqrt(sum(w * w for w in row)) + 1          # two standard deviations
        bias.append(rng.between(-spread // 3, spread // 3) - middle)
        rq.append(multiplier(rng, rounding, spread))
    return bias, rq


def centered_rows(weights: list[int], channels: int, zero: int) -> list[list[int]]:
    """The weights of each output channel, minus their zero point."""
    size = len(weights) // channels
    return [[w - zero for w in weights[at:at + size]] for at in range(0, len(weights), size)]
