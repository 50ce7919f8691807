# SPDX-License-Identifier: Apache-2.0
"""A .lks model as a graph of real scales, the form in which other frameworks describe a quantized network.

Lockstep's ops hold integers (M, s); other frameworks hold a binary32 scale per tensor and per channel of the weights, and derive
such integers themselves. `of` finds scales that give back the same multipliers, to within the rounding of a binary32.
"""
import pathlib
import struct
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))
from second_opinion import lks_file                                     # noqa: E402
from second_opinion.op_table import BY_NUMBER, TFLITE, names_of                # noqa: E402


class Unsupported(ValueError):
    """What the other format cannot say, or what is not written here."""


@dataclass
class Tensor:
    """An activation: int8 as stored, real value = scale * (stored - zero)."""

    name: str
    shape: list[int]
    scale: float = 0.0          # 0: not known yet
    zero: int = 0
    unsigned: bool = False      # uint8 outside: stored + 128


@dataclass
class Node:
    """An op; inputs and outputs by name. w, bias, w_scale: of linear ops, one scale per output channel."""

    kind: str
    inputs: list[str]
    output: str
    args: SimpleNamespace
    w: list[int] = field(default_factory=list)
    w_shape: list[int] = field(default_factory=list)
    bias: list[int] = field(default_factory=list)
    w_scale: list[float] = field(default_factory=list)
    factor: list[float] = field(default_factory=list)       # acc to y, one per channel


@dataclass
class Graph:
    tensors: dict[str, Tensor]
    nodes: list[Node]
    inputs: list[str]
    outputs: list[str]


def binary32(value: float) -> float:
    """The nearest binary32."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def ratio(m: int, s: int, rounding: int) -> float:
    """What a pair multiplies by.  spec 3.1"""
    return m * 2.0**(s - 31) if rounding == TFLITE else m / 2.0**s


def activations(model: lks_file.Model) -> dict[int, Tensor]:
    found = {}
    for i, t in enumerate(model.tensors):
        if not t.is_constant:
            unsigned = t.interface == lks_file.U8
            scale = struct.unpack("<f", struct.pack("<I", t.scale))[0]
            found[i] = Tensor(f"t{i}", list(t.shape), scale, t.zero_point - 128 * unsigned, unsigned)
    return found


# ---- scales ----------------------------------------------------------------------------------------------------------------


class Scales:
    """Gives every activation a scale, in the order of the ops; those that an imported model brings stay."""

    def __init__(self, model: lks_file.Model, tensors: dict[int, Tensor]) -> None:
        self.tensors = tensors
        self.partner = {}               # an operand of an add: the other one, whose scale it must share
        for op in model.ops:
            if BY_NUMBER[op.number].name == "add":
                a, b = op.operands
                self.partner[a], self.partner[b] = b, a

    def give(self, tensor: int, scale: float) -> None:
        if self.tensors[tensor].scale == 0.0:
            self.tensors[tensor].scale = binary32(scale)

    def free(self, tensor: int) -> None:
        """Any scale serves, but for an operand of an add."""
        other = self.partner.get(tensor)
        self.give(tensor, self.tensors[other].scale if other is not None and self.tensors[other].scale else 1.0)

    def behind(self, kind: str, op: lks_file.Op, args: SimpleNamespace) -> None:
        x, y = self.tensors[op.operands[0]], op.outputs[0]
        if kind in ("conv", "fully_connected", "softmax"):
            self.free(y)
        elif kind == "add":
            if self.tensors[y].scale == 0.0 and x.scale != self.tensors[op.operands[1]].scale:
                raise Unsupported("an add whose operands share no scale")
            own = ratio(args.a_m, args.a_s, TFLITE) if args.rounding == TFLITE else args.a_m
            self.give(y, x.scale / (own * 2.0**args.left_shift * ratio(args.m, args.s, args.rounding)))
        elif kind == "sum":
            self.give(y, x.scale / (args.count * ratio(args.m, args.s, args.rounding)))
        else:
            self.give(y, x.scale)


# ---- zero points -----------------------------------------------------------------------------------------------------------


def centre(nodes: list[Node], tensors: dict[str, Tensor]) -> None:
    """Where an op takes away more than the zero point of its operand (the built-in networks take away the mean as well), move
    that to where other frameworks have a place for it: the bias of the add's other operand, or the zero point of the sum."""
    producer = {n.output: n for n in nodes}
    readers = {}
    for n in nodes:
        for name in n.inputs:
            readers.setdefault(name, []).append(n)
    for n in nodes:
        if n.kind == "add":
            centre_add(n, tensors, producer, readers)
        elif n.kind == "sum":
            centre_sum(n, tensors, readers)


def centre_add(n: Node, tensors: dict[str, Tensor], producer: dict[str, Node], readers: dict[str, list[Node]]) -> None:
    offset = n.args.a_zero - tensors[n.inputs[0]].zero + n.args.b_zero - tensors[n.inputs[1]].zero
    if not offset:
        return
    p = next((producer[i] for i in reversed(n.inputs) if i in producer and producer[i].w and len(readers[i]) == 1), None)
    if p is None:
        raise Unsupported("an add with an offset, and no bias to take it")
    p.bias = [b - round(offset / f) for b, f in zip(p.bias, p.factor)]


def centre_sum(n: Node, tensors: dict[str, Tensor], readers: dict[str, list[Node]]) -> None:
    x, y = tensors[n.inputs[0]], tensors[n.output]
    offset = n.args.x_zero - x.zero
    if not offset:
        return
    new = y.zero - round(offset * n.args.count * ratio(n.args.m, n.args.s, n.args.rounding))
    for reader in readers[n.output]:
        if reader.kind != "fully_connected":
            raise Unsupported("a sum with an offset before something else than fully_connected")
        k = reader.w_shape[1]
        moved = new - y.zero            # y - new = (y - old) - moved: the bias takes away what y now has more
        sums = [sum(reader.w[o * k:(o + 1) * k]) for o in range(reader.w_shape[0])]
        reader.bias = [b + moved * s for b, s in zip(reader.bias, sums)]
    y.zero = new


# ---- from a model ----------------------------------------------------------------------------------------------------------


def node_of(op: lks_file.Op, model: lks_file.Model, tensors: dict[int, Tensor]) -> Node:
    kind = BY_NUMBER[op.number]
    operands = dict(zip(names_of(kind.operands, len(op.operands)), op.operands))
    args = kind.named(op.arguments)
    node = Node(kind.name, [tensors[i].name for i in op.operands if i in tensors], tensors[op.outputs[0]].name, args)
    if kind.name == "sum":
        x = model.tensors[op.operands[0]].shape
        args.count = 1
        for axis in range(len(x)):
            args.count *= x[axis] if args.axes >> axis & 1 else 1
    if kind.name in ("conv", "fully_connected"):
        if args.w_zero:
            raise Unsupported(f"{kind.name}: a zero point of the weights")
        w, pairs = model.tensors[operands["w"]], model.tensors[operands["rq"]].values
        node.w, node.w_shape = list(w.values), list(w.shape)
        node.bias = list(model.tensors[operands["bias"]].values)
        node.factor = [ratio(m, s, args.rounding) for m, s in zip(pairs[::2], pairs[1::2])]
    return node


def of(model: lks_file.Model) -> Graph:
    """The graph of a model; raises Unsupported."""
    tensors = activations(model)
    for i in model.inputs:
        tensors[i].scale = tensors[i].scale or 1.0
    scales, nodes = Scales(model, tensors), []
    for op in model.ops:
        node = node_of(op, model, tensors)
        scales.behind(node.kind, op, node.args)
        nodes.append(node)
    by_name = {t.name: t for t in tensors.values()}
    centre(nodes, by_name)
    for n in nodes:
        if n.w:
            up = by_name[n.output].scale / by_name[n.inputs[0]].scale
            n.w_scale = [binary32(f * up) for f in n.factor]
    return Graph(by_name, nodes, [tensors[i].name for i in model.inputs], [tensors[i].name for i in model.outputs])
