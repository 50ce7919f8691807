# SPDX-License-Identifier: Apache-2.0
"""Writes small .tflite files, sound and damaged, with the standard library alone.

A `Model` is tensors and ops; `write` makes the bytes. Where a field of the
schema has no attribute here, it is absent from the file. The slot numbers are
those of schema.fbs, schema version 3.
"""

import struct
from dataclasses import dataclass, field

FLOAT32, FLOAT16, INT32, UINT8, INT64, BOOL, INT16, INT8, INT4 = 0, 1, 2, 3, 4, 6, 7, 9, 17
FORMATS = {FLOAT32: "f", INT32: "i", UINT8: "B", INT64: "q", INT16: "h", INT8: "b"}

# BuiltinOperator: its number, and the number of its options in the union BuiltinOptions.
OPS = {
    "ADD": (0, 11), "AVERAGE_POOL_2D": (1, 5), "CONCATENATION": (2, 10), "CONV_2D": (3, 1), "DEPTHWISE_CONV_2D": (4, 2),
    "DEQUANTIZE": (6, 38), "FULLY_CONNECTED": (9, 8), "LOGISTIC": (14, 0), "MAX_POOL_2D": (17, 5), "MUL": (18, 21), "SUB": (41, 28),
    "RELU": (19, 0), "RELU_N1_TO_1": (20, 0), "RELU6": (21, 0), "TANH": (28, 0), "PRELU": (54, 0), "MAXIMUM": (55, 39),
    "MINIMUM": (57, 39), "LEAKY_RELU": (98, 75), "ABS": (101, 78), "HARD_SWISH": (117, 91), "RELU_0_TO_1": (152, 0),
    "RESHAPE": (22, 17), "RESIZE_BILINEAR": (23, 15), "SOFTMAX": (25, 9), "CUSTOM": (32, 0), "PAD": (34, 22), "MEAN": (40, 27),
    "DEPTH_TO_SPACE": (5, 94), "SPACE_TO_DEPTH": (26, 19), "TRANSPOSE": (39, 26), "STRIDED_SLICE": (45, 32), "SLICE": (65, 48),
    "TILE": (69, 51), "TRANSPOSE_CONV": (67, 49), "GATHER": (36, 23), "RESIZE_NEAREST_NEIGHBOR": (97, 74),
    "SQUEEZE": (43, 30), "SPLIT": (49, 35), "EXPAND_DIMS": (70, 52), "PACK": (83, 59), "UNPACK": (88, 64), "SPLIT_V": (102, 79),
    "PADV2": (60, 43), "SUM": (74, 27), "REDUCE_MAX": (82, 27), "ARG_MAX": (56, 40), "ARG_MIN": (79, 57), "REDUCE_MIN": (89, 27),
    "SHAPE": (77, 55), "QUANTIZE": (114, 0), "BATCH_MATMUL": (126, 101), "SVDF": (27, 6), "CUMSUM": (128, 0),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (44, 71),
}
SAME, VALID = 0, 1
NONE, RELU, RELU_N1_TO_1, RELU6, TANH, SIGN_BIT = range(6)


# ---- FlatBuffers -----------------------------------------------------------------------------------------------------------


@dataclass
class Scalar:
    """One number, by its struct format."""

    format: str
    value: float

    def size(self) -> int:
        return struct.calcsize("<" + self.format)


@dataclass
class Vector:
    """Numbers by their struct format, or, with no format, tables and strings."""

    format: str | None
    items: list


@dataclass
class Table:
    """Slots to Scalar, Vector, bytes (a string) or Table; None is left out."""

    slots: dict[int, object]


class Buffer:
    """Bytes that grow; whatever is referred to is appended later, and its offset filled in."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.pending: list[tuple[int, object]] = []

    def align(self, alignment: int, ahead: int = 0) -> None:
        self.bytes += bytes(-(len(self.bytes) + ahead) % alignment)

    def refer(self, target: object) -> None:
        self.pending.append((len(self.bytes), target))
        self.bytes += bytes(4)

    def put(self, target: object) -> int:
        """Append one object; where its reference points."""
        if isinstance(target, Table):
            return self.put_table(target)
        if isinstance(target, bytes):
            return self.put_vector(Vector("B", list(target)), b"\0")
        return self.put_vector(target, b"")

    def put_vector(self, vector: Vector, end: bytes) -> int:
        self.align(max(4, struct.calcsize("<" + (vector.format or "I"))), 4)
        at = len(self.bytes)
        self.bytes += struct.pack("<I", len(vector.items))
        if vector.format:
            self.bytes += struct.pack(f"<{len(vector.items)}{vector.format}", *vector.items)
        else:
            for item in vector.items:
                self.refer(item)
        self.bytes += end
        return at

    def put_table(self, table: Table) -> int:
        """The vtable, then the table, its widest fields first."""
        slots = {k: v for k, v in table.slots.items() if v is not None}
        count = max(slots, default=-1) + 1
        order = sorted(slots, key=lambda k: -(slots[k].size() if isinstance(slots[k], Scalar) else 4))
        self.align(8, 4 + 2 * count + 4)         # so that the fields, after vtable and way back, are aligned
        vtable = len(self.bytes)
        at = vtable + 4 + 2 * count
        offsets, end = {}, 4
        for k in order:
            offsets[k] = end
            end += slots[k].size() if isinstance(slots[k], Scalar) else 4
        self.bytes += struct.pack(f"<HH{count}H", 4 + 2 * count, end, *(offsets.get(k, 0) for k in range(count)))
        self.bytes += struct.pack("<i", at - vtable)
        for k in order:
            if isinstance(slots[k], Scalar):
                self.bytes += struct.pack("<" + slots[k].format, slots[k].value)
            else:
                self.refer(slots[k])
        return at


def serialise(root: Table, identifier: bytes = b"TFL3") -> bytes:
    """The bytes of a FlatBuffer."""
    buffer = Buffer()
    buffer.refer(root)
    buffer.bytes += identifier
    while buffer.pending:
        at, target = buffer.pending.pop(0)
        where = buffer.put(target)
        struct.pack_into("<I", buffer.bytes, at, where - at)
    return bytes(buffer.bytes)


# ---- .tflite ---------------------------------------------------------------------------------------------------------------


@dataclass
class Tensor:
    """A tensor; `values` makes it constant. `scale` and `zero` may be lists, then along `axis`; scale None: not quantized."""

    shape: list[int] | None
    type: int = INT8
    scale: float | list[float] | None = 0.5
    zero: int | list[int] = 0
    values: list | None = None
    name: str = ""
    axis: int = 0
    data: bytes | None = None
    buffer: int | None = None
    variable: bool = False
    sparse: bool = False
    details: int = 0
    signature: list[int] | None = None

    def contents(self) -> bytes:
        if self.data is not None:
            return self.data
        return b"" if self.values is None else struct.pack(f"<{len(self.values)}{FORMATS[self.type]}", *self.values)


@dataclass
class Op:
    """An op by name, with tensor indices and the slots of its options."""

    name: str
    inputs: list[int]
    outputs: list[int]
    options: dict[int, object] = field(default_factory=dict)
    options_type: int | None = None
    custom: bytes | None = None
    code: int | None = None
    opcode_index: int | None = None


@dataclass
class Model:
    """A model of one subgraph, unless told otherwise."""

    tensors: list[Tensor]
    ops: list[Op]
    inputs: list[int] = field(default_factory=lambda: [0])
    outputs: list[int] | None = None        # None: the outputs of the last op
    version: int = 3
    subgraphs: int = 1
    external: int = 0                       # Buffer.offset of every buffer


def quantization(tensor: Tensor) -> Table | None:
    if tensor.scale is None:
        return None
    scales = tensor.scale if isinstance(tensor.scale, list) else [tensor.scale]
    zeros = tensor.zero if isinstance(tensor.zero, list) else [tensor.zero]
    return Table({2: Vector("f", scales), 3: Vector("q", zeros), 4: Scalar("B", tensor.details) if tensor.details else None,
                  6: Scalar("i", tensor.axis) if tensor.axis else None})


def tensor_table(tensor: Tensor, index: int, buffer: int) -> Table:
    return Table({
        0: None if tensor.shape is None else Vector("i", tensor.shape),
        1: Scalar("b", tensor.type),
        2: Scalar("I", buffer if tensor.buffer is None else tensor.buffer),
        3: (tensor.name or f"t{index}").encode("latin-1"),
        4: quantization(tensor),
        5: Scalar("B", 1) if tensor.variable else None,
        6: Table({0: Vector("i", [0])}) if tensor.sparse else None,
        7: Vector("i", tensor.signature) if tensor.signature else None,
    })


def code_table(op: Op) -> Table:
    number = OPS[op.name][0] if op.code is None else op.code
    return Table({0: Scalar("b", min(number, 127)), 1: op.custom, 2: Scalar("i", 1), 3: Scalar("i", number)})


def op_table(op: Op, index: int) -> Table:
    options_type = OPS[op.name][1] if op.options_type is None else op.options_type
    return Table({0: Scalar("I", index if op.opcode_index is None else op.opcode_index), 1: Vector("i", op.inputs),
                  2: Vector("i", op.outputs), 3: Scalar("B", options_type) if options_type else None,
                  4: Table(op.options) if options_type else None})


def write(model: Model) -> bytes:
    """The bytes of the file: one operator code per op, one buffer per constant."""
    buffers, tensors = [b""], []
    for index, tensor in enumerate(model.tensors):
        contents = tensor.contents()
        tensors.append(tensor_table(tensor, index, len(buffers) if contents else 0))
        if contents:
            buffers.append(contents)
    outputs = model.ops[-1].outputs if model.outputs is None else model.outputs
    graph = Table({0: Vector(None, tensors), 1: Vector("i", model.inputs), 2: Vector("i", outputs),
                   3: Vector(None, [op_table(op, i) for i, op in enumerate(model.ops)]), 4: b"main"})
    external = Scalar("Q", model.external) if model.external else None
    return serialise(Table({
        0: Scalar("I", model.version), 1: Vector(None, [code_table(op) for op in model.ops]),
        2: Vector(None, [graph] * model.subgraphs), 3: b"tests/tflite_writer.py",
        4: Vector(None, [Table({0: Vector("B", list(b)) if b else None, 1: external}) for b in buffers]),
    }))
