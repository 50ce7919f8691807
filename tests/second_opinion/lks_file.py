# SPDX-License-Identifier: Apache-2.0
"""Strict reader and canonical writer of `.lks` files (docs/format.md).

`read` accepts a file only if it keeps every rule of docs/format.md and of
spec 5 and 7, and if writing it again gives the same bytes. `write` lays a
model out and judges nothing, so that tests can write wrong models too.
"""

import struct
from dataclasses import dataclass
from functools import cached_property
from math import prod

from . import graph_rules
from .op_table import BY_NUMBER, is_count

MAGIC = bytes.fromhex("894C4B530D0A1A0A")
FORMAT_VERSION = 1
SPEC_VERSION = 1

I8, U8, I16, I32, I64 = 1, 2, 3, 4, 5
TYPE_BYTES = {I8: 1, U8: 1, I16: 2, I32: 4, I64: 8}
TYPE_CODE = {I8: "b", U8: "B", I16: "h", I32: "i", I64: "q"}
INTERFACES = {I8: (I8, U8), I16: (I16,), I32: (I32, I64)}
ZERO_POINT_RANGE = {I8: (-128, 127), U8: (0, 255), I16: (-2**15, 2**15 - 1),
                    I32: (-2**31, 2**31 - 1), I64: (-2**31, 2**31 - 1)}

MAX_TENSORS = 65536
MAX_OPS = 16384
MAX_ENDS = 1024
MAX_EXTENT = 2**24
MAX_ELEMENTS = 2**31 - 1
MAX_FILE = 2**31 - 1

HEADER = struct.Struct("<8s8I3Q")
TENSOR = struct.Struct("<4BIIi6I8s")


class FormatError(ValueError):
    """The bytes are not a `.lks` file; the message starts with the field."""


def require(condition: bool, field: str, reason: str) -> None:
    if not condition:
        raise FormatError(f"{field}: {reason}")


@dataclass(frozen=True)
class Tensor:
    """One tensor; `data` holds the storage bytes of a constant, and is None for an activation."""

    name: bytes
    type: int
    interface: int
    shape: tuple[int, ...]
    data: bytes | None = None
    scale: int = 0
    zero_point: int = 0

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def interface_bytes(self) -> int:
        return self.elements * TYPE_BYTES[self.interface]

    @property
    def storage_bytes(self) -> int:
        return self.elements * TYPE_BYTES[self.type]

    @property
    def interface_bytes(self) -> int:
        return self.elements * TYPE_BYTES[self.interface]

    @cached_property
    def values(self) -> tuple[int, ...]:
        """The values of a constant."""
        return struct.unpack(f"<{self.elements}{TYPE_CODE[self.type]}", self.data)


@dataclass(frozen=True)
class Op:
    """One op: its number in spec 4, tensor indices, and arguments."""

    number: int
    operands: tuple[int, ...]
    outputs: tuple[int, ...]
    arguments: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """A model, section by section."""

    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    ops: tuple[Op, ...]


# Writing

def padded(size: int) -> int:
    """`size`, rounded up to a multiple of 64."""
    return (size + 63) // 64 * 64


def pad64(data: bytes) -> bytes:
    return data.ljust(padded(len(data)), b"\0")


def tensor_record(t: Tensor) -> bytes:
    extents = t.shape + (0,) * (6 - len(t.shape))
    return TENSOR.pack(t.type, t.interface, len(t.shape), int(t.is_constant), len(t.name),
                       t.scale, t.zero_point, *extents, bytes(8))


def op_record(op: Op) -> bytes:
    counts = struct.pack("<4I", op.number, len(op.operands), len(op.outputs), len(op.arguments))
    indices = op.operands + op.outputs
    return (counts + struct.pack(f"<{len(indices)}I", *indices)
            + struct.pack(f"<{len(op.arguments)}i", *op.arguments))


def write(model: Model) -> bytes:
    """The one sequence of bytes that stands for `model`."""
    graph = model.inputs + model.outputs
    ops = b"".join(map(op_record, model.ops))
    names = b"".join(t.name for t in model.tensors)
    data = b"".join(pad64(t.data) for t in model.tensors if t.is_constant)
    body = b"".join(map(pad64, (b"".join(map(tensor_record, model.tensors)),
                                struct.pack(f"<{len(graph)}I", *graph), ops, names, data)))
    return HEADER.pack(MAGIC, FORMAT_VERSION, SPEC_VERSION, len(model.tensors), len(model.ops),
                       len(model.inputs), len(model.outputs), len(ops) // 4, len(names),
                       len(data), HEADER.size + len(body), 0) + body


# Reading

@dataclass(frozen=True)
class Header:
    """The counts of the header, already checked one by one."""

    tensor_count: int
    op_count: int
    input_count: int
    output_count: int
    op_words: int
    name_bytes: int
    data_bytes: int


def read_header(file: bytes) -> Header:
    require(len(file) >= HEADER.size, "header", "the file is shorter than 64 bytes")
    require(len(file) <= MAX_FILE, "file_bytes", "the file is longer than 2^31 - 1 bytes")
    magic, form, spec, *counts, data_bytes, file_bytes, reserved = HEADER.unpack_from(file)
    h = Header(*counts, data_bytes)
    require(magic == MAGIC, "magic", "not a .lks file")
    require(form == FORMAT_VERSION, "format_version", f"{form} is not known")
    require(spec == SPEC_VERSION, "spec_version", f"{spec} is not known")
    require(1 <= h.tensor_count <= MAX_TENSORS, "tensor_count", "not in 1 .. 65536")
    require(1 <= h.op_count <= MAX_OPS, "op_count", "not in 1 .. 16384")
    require(1 <= h.input_count <= MAX_ENDS, "input_count", "not in 1 .. 1024")
    require(1 <= h.output_count <= MAX_ENDS, "output_count", "not in 1 .. 1024")
    require(data_bytes % 64 == 0, "data_bytes", "not a multiple of 64")
    require(file_bytes == len(file), "file_bytes", f"says {file_bytes}, the file has {len(file)}")
    require(reserved == 0, "reserved", "the header's reserved field is not 0")
    return h


def split_sections(file: bytes, h: Header) -> dict[str, bytes]:
    """The sections by name; they must fill the file, with zero bytes in the gaps."""
    sizes = {"tensors": 48 * h.tensor_count, "graph": 4 * (h.input_count + h.output_count),
             "ops": 4 * h.op_words, "names": h.name_bytes, "data": h.data_bytes}
    whole = HEADER.size + sum(map(padded, sizes.values()))
    require(whole == len(file), "file_bytes", f"the sections take {whole} bytes, the file has {len(file)}")
    sections, start = {}, HEADER.size
    for name, size in sizes.items():
        end = start + padded(size)
        sections[name] = file[start:start + size]
        require(not any(file[start + size:end]), f"{name} padding", "not zero")
        start = end
    return sections


@dataclass(frozen=True)
class TensorHead:
    """A record of section 1, checked."""

    type: int
    interface: int
    shape: tuple[int, ...]
    is_constant: bool
    name_length: int
    scale: int
    zero_point: int


def read_tensor(record: bytes, index: int) -> TensorHead:
    kind, interface, rank, role, name_length, scale, zero, *extents, reserved = TENSOR.unpack(record)
    where = f"tensor {index}"
    require(kind in INTERFACES, f"{where} type", f"{kind} is no storage type")
    require(interface in INTERFACES[kind], f"{where} interface", f"{interface} does not go with type {kind}")
    require(1 <= rank <= 6, f"{where} rank", "not in 1 .. 6")
    require(role in (0, 1), f"{where} role", "neither activation nor constant")
    require(name_length <= 255, f"{where} name_length", "more than 255")
    require(scale < 0x7F800000, f"{where} scale", "negative, infinite or not a number")
    low, high = ZERO_POINT_RANGE[interface]
    require(low <= zero <= high, f"{where} zero_point", "outside the interface type")
    require(all(1 <= e <= MAX_EXTENT for e in extents[:rank]), f"{where} extents", "not in 1 .. 2^24")
    require(not any(extents[rank:]), f"{where} extents", "an extent beyond the rank is not 0")
    require(prod(extents[:rank]) <= MAX_ELEMENTS, f"{where} extents", "more than 2^31 - 1 elements")
    require(role == 1 or prod(extents[:rank]) * TYPE_BYTES[kind] <= MAX_ELEMENTS, f"{where} extents", "more than 2^31 - 1 bytes")
    require(not any(reserved), f"{where} reserved", "not 0")
    if role == 1:
        require(interface == kind, f"{where} interface", "a constant's is its type")
        require(scale == 0, f"{where} scale", "a constant's is 0")
        require(zero == 0, f"{where} zero_point", "a constant's is 0")
    return TensorHead(kind, interface, tuple(extents[:rank]), role == 1, name_length, scale, zero)


def read_names(section: bytes, heads: list[TensorHead]) -> list[bytes]:
    require(sum(h.name_length for h in heads) == len(section), "name_bytes", "not the sum of the name lengths")
    require(all(0x20 <= byte <= 0x7E for byte in section), "names", "a byte outside 20 .. 7E")
    names, start = [], 0
    for head in heads:
        names.append(section[start:start + head.name_length])
        start += head.name_length
    return names


def read_data(section: bytes, heads: list[TensorHead]) -> list[bytes | None]:
    """The storage bytes of each constant, None for activations."""
    sizes = [prod(h.shape) * TYPE_BYTES[h.type] if h.is_constant else None for h in heads]
    whole = sum(padded(size) for size in sizes if size is not None)
    require(whole == len(section), "data_bytes", f"the constants take {whole} bytes")
    data, start = [], 0
    for index, size in enumerate(sizes):
        if size is None:
            data.append(None)
            continue
        end = start + padded(size)
        require(not any(section[start + size:end]), f"tensor {index} data padding", "not zero")
        data.append(section[start:start + size])
        start = end
    return data


def read_indices(words: tuple[int, ...], tensor_count: int, field: str) -> tuple[int, ...]:
    require(all(w < tensor_count for w in words), field, "a tensor index is out of range")
    return words


def read_ops(section: bytes, h: Header) -> list[Op]:
    ops, at = [], 0
    for index in range(h.op_count):
        where = f"op {index}"
        require(at + 16 <= len(section), "op_words", f"ends inside {where}")
        number, *counts = struct.unpack_from("<4I", section, at)
        require(number in BY_NUMBER, f"{where} number", f"{number} is not known")
        kind = BY_NUMBER[number]
        for got, row, what in zip(counts, (kind.operands, kind.outputs), ("operand", "output")):
            require(is_count(row, got), f"{where} {what} count", f"{got} for {kind.name}, which has {' '.join(row)}")
        require(counts[2] == len(kind.arguments), f"{where} argument count", f"{counts[2]}, not {len(kind.arguments)}")
        operands, outputs, arguments = counts
        size = 4 * (4 + sum(counts))
        require(at + size <= len(section), "op_words", f"ends inside {where}")
        words = struct.unpack_from(f"<{operands + outputs}I{arguments}i", section, at + 16)
        ops.append(Op(number, read_indices(words[:operands], h.tensor_count, f"{where} operands"),
                      read_indices(words[operands:operands + outputs], h.tensor_count, f"{where} outputs"),
                      words[operands + outputs:]))
        at += size
    require(at == len(section), "op_words", "more words than the ops take")
    return ops


def read(file: bytes) -> Model:
    """The model in `file`; raises FormatError where any rule is broken."""
    h = read_header(file)
    sections = split_sections(file, h)
    heads = [read_tensor(sections["tensors"][48 * i:48 * i + 48], i) for i in range(h.tensor_count)]
    names = read_names(sections["names"], heads)
    data = read_data(sections["data"], heads)
    tensors = tuple(Tensor(name, head.type, head.interface, head.shape, values, head.scale, head.zero_point)
                    for head, name, values in zip(heads, names, data))
    graph = struct.unpack(f"<{h.input_count + h.output_count}I", sections["graph"])
    model = Model(tensors, read_indices(graph[:h.input_count], h.tensor_count, "graph inputs"),
                  read_indices(graph[h.input_count:], h.tensor_count, "graph outputs"),
                  tuple(read_ops(sections["ops"], h)))
    problem = graph_rules.broken_rule(model)
    require(problem is None, "graph", str(problem))
    require(write(model) == file, "file", "not canonical")
    return model
