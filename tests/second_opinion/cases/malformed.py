# SPDX-License-Identifier: Apache-2.0
"""Damaged files: every field of docs/format.md wrong, one at a time, and every kind of missing or extra byte."""

import struct
from dataclasses import dataclass
from typing import Iterator

from ..builder import Builder, WrongCase
from ..lks_file import HEADER, I8, I32, U8, pad64, padded, write

# Offsets and formats of the header's fields.
HEADER_FIELDS = {"format_version": (8, "I"), "spec_version": (12, "I"), "tensor_count": (16, "I"),
                 "op_count": (20, "I"), "input_count": (24, "I"), "output_count": (28, "I"), "op_words": (32, "I"),
                 "name_bytes": (36, "I"), "data_bytes": (40, "Q"), "file_bytes": (48, "Q"), "reserved": (56, "Q")}
TENSOR_FIELDS = {"type": (0, "B"), "interface": (1, "B"), "rank": (2, "B"), "role": (3, "B"),
                 "name_length": (4, "I"), "scale": (8, "I"), "zero_point": (12, "i"), "reserved": (40, "Q")}

Damage = Iterator[tuple[str, bytes, str]]       # what is wrong, the file, a piece of the reason


@dataclass(frozen=True)
class Base:
    """A good file and where its sections are."""

    file: bytes
    starts: dict[str, int]
    sizes: dict[str, int]

    def patch(self, offset: int, code: str, value: int) -> bytes:
        data = struct.pack("<" + code, value)
        return self.file[:offset] + data + self.file[offset + len(data):]

    def header(self, **fields: int) -> bytes:
        """The file with other values in its header."""
        file = bytearray(self.file)
        for field, value in fields.items():
            offset, code = HEADER_FIELDS[field]
            struct.pack_into("<" + code, file, offset, value)
        return bytes(file)

    def tensor(self, index: int, field: str, value: int) -> bytes:
        offset, code = TENSOR_FIELDS[field]
        return self.patch(self.starts["tensors"] + 48 * index + offset, code, value)

    def extent(self, index: int, axis: int, value: int) -> bytes:
        return self.patch(self.starts["tensors"] + 48 * index + 16 + 4 * axis, "I", value)

    def word(self, section: str, index: int, value: int) -> bytes:
        return self.patch(self.starts[section] + 4 * index, "I", value)

    def grown(self, section: str, data: bytes, **fields: int) -> bytes:
        """The file with `data` after the used bytes of a section, and file_bytes to match."""
        start, size = self.starts[section], self.sizes[section]
        end = start + padded(size)
        file = self.header(**fields)
        file = file[:start] + pad64(file[start:start + size] + data) + file[end:]
        offset, code = HEADER_FIELDS["file_bytes"]
        return file[:offset] + struct.pack("<" + code, len(file)) + file[offset + 8:]


def base() -> Base:
    """x, w, bias, rq, y of a fully_connected; then a reshape to z. Every section has a gap after it."""
    b = Builder()
    x = b.input((1, 3), U8, "image", scale=0x3C000000, zero_point=7)
    w = b.constant((2, 3), (1, -2, 3, -4, 5, -6), I8, "weights")
    bias = b.constant((2,), (100, -100), I32, "bias")
    rq = b.constant((2, 2), (2**30, -1, 2**30 + 5, -2), I32, "rq")
    y = b.op("fully_connected", (x, w, bias, rq), (1, 2), name="y", x_zero=0, w_zero=0, y_zero=1, y_min=-128,
             y_max=127, rounding=1)
    file = write(b.model(b.op("reshape", [y], (2, 1), name="z")))
    tensors, ops, inputs, outputs, op_words, names = struct.unpack_from("<6I", file, 16)
    data, = struct.unpack_from("<Q", file, 40)
    sizes = {"tensors": 48 * tensors, "graph": 4 * (inputs + outputs), "ops": 4 * op_words, "names": names,
             "data": data}
    starts, at = {}, HEADER.size
    for name, size in sizes.items():
        starts[name], at = at, at + padded(size)
    return Base(file, starts, sizes)


def lengths(b: Base) -> Damage:
    for size in (0, 1, 8, 63):
        yield f"cut to {size} bytes", b.file[:size], "header"
    for size in (64, 128, len(b.file) // 2, len(b.file) - 64, len(b.file) - 1):
        yield f"cut to {size} bytes", b.file[:size], "file_bytes"
        honest = bytearray(b.file[:size])
        struct.pack_into("<Q", honest, 48, size)
        yield f"cut to {size} bytes, file_bytes says so", bytes(honest), "file_bytes"
    for extra in (bytes(1), bytes(64), b"\n", b"x" * 64):
        longer = b.file + extra
        yield f"{len(extra)} bytes {extra[:1].hex()} at the end", longer, "file_bytes"
        honest = bytearray(longer)
        struct.pack_into("<Q", honest, 48, len(longer))
        yield f"{len(extra)} bytes {extra[:1].hex()} at the end, file_bytes says so", bytes(honest), "file_bytes"
    yield "the file twice", b.file * 2, "file_bytes"
    yield "a byte missing in the middle", b.file[:200] + b.file[201:], "file_bytes"


def header(b: Base) -> Damage:
    for i in range(8):
        yield f"magic byte {i}", b.patch(i, "B", b.file[i] ^ 1), "magic"
    yield "magic with a text-mode line end", b.file[:4] + b"\n\x1a\n\0" + b.file[8:], "magic"
    wrong = {"format_version": (0, 2, 2**32 - 1), "spec_version": (0, 2, 2**32 - 1),
             "tensor_count": (0, 65537, 2**31, 2**32 - 1), "op_count": (0, 16385, 65536, 2**32 - 1),
             "input_count": (0, 1025, 2**32 - 1), "output_count": (0, 1025, 2**32 - 1),
             "data_bytes": (1, 63, 2**64 - 1), "reserved": (1, 2**63)}
    for field, values in wrong.items():
        for value in values:
            yield f"{field} {value}", b.header(**{field: value}), field
    size = len(b.file)
    for value in (0, size - 64, size + 64, size + 1, size + 2**32, 2**64 - 64):
        yield f"file_bytes {value}", b.header(file_bytes=value), "file_bytes"
    yield "tensor_count one less", b.header(tensor_count=5), "file_bytes"
    yield "tensor_count one more", b.header(tensor_count=7), "file_bytes"
    yield "op_count one less", b.header(op_count=1), "op_words"
    yield "op_count one more", b.header(op_count=3), "op_words"
    yield "op_count 16384", b.header(op_count=16384), "op_words"
    yield "input_count 7 of 6 tensors", b.header(input_count=7), "graph"
    yield "output_count 7 of 6 tensors", b.header(output_count=7), "graph"
    yield "output_count one more", b.header(output_count=2), "no op's output"
    yield "input_count one more", b.header(input_count=2, output_count=1), "graph"


def sizes(b: Base) -> Damage:
    """Section sizes that lie, also by a multiple that a narrow sum would lose."""
    words, names, data = b.sizes["ops"] // 4, b.sizes["names"], b.sizes["data"]
    for value, why in ((0, "file_bytes"), (words - 1, "ops padding"), (words + 1, "op_words"),
                       (words + 16, "file_bytes"), (words + 2**30, "file_bytes"), (2**32 - 1, "file_bytes")):
        yield f"op_words {value} for {words}", b.header(op_words=value), why
    for value, why in ((0, "file_bytes"), (names - 1, "names padding"), (names + 1, "name_bytes"),
                       (names + 64, "file_bytes"), (2**32 - 1, "file_bytes")):
        yield f"name_bytes {value} for {names}", b.header(name_bytes=value), why
    for value in (0, data - 64, data + 64, data + 2**32, 2**64 - 64, 2**63):
        yield f"data_bytes {value} for {data}", b.header(data_bytes=value), "file_bytes"
    wrapped = b.header(name_bytes=names + 64 * 8, data_bytes=(data - 64 * 8) % 2**64)
    yield "data_bytes and name_bytes that agree modulo 2^64", wrapped, "file_bytes"
    yield "a longer data section", b.grown("data", bytes(64), data_bytes=data + 64), "data_bytes"
    yield "a longer ops section", b.grown("ops", bytes(64), op_words=words + 16), "op_words"
    yield "a longer names section", b.grown("names", b" " * 64, name_bytes=names + 64), "name_bytes"
    yield "names one space longer", b.grown("names", b" ", name_bytes=names + 1), "name_bytes"
    yield "a third op that op_count does not count", \
        b.grown("ops", struct.pack("<6I", 48, 1, 1, 0, 4, 5), op_words=words + 6), "op_words"


def gaps(b: Base) -> Damage:
    for section, start in b.starts.items():
        used = start + b.sizes[section]
        end = start + padded(b.sizes[section])
        for at in sorted({used, end - 1} if used < end else ()):
            yield f"byte {at - used} of the gap after {section} is 1", b.patch(at, "B", 1), f"{section} padding"
    start = b.starts["data"]
    for at, index in ((6, 1), (63, 1), (64 + 8, 2), (128 + 16, 3), (128 + 63, 3)):
        yield f"byte {at} of data, between constants, is 1", b.patch(start + at, "B", 1), f"tensor {index} data padding"


def tensor_records(b: Base) -> Damage:
    x, w, bias, _, y, z = range(6)
    wrong = ((x, "type", (0, 2, 5, 6, 255)), (x, "interface", (0, 3, 4, 5, 6, 255)), (bias, "interface", (1, 2, 3, 5)),
             (w, "interface", (2, 4)), (x, "rank", (0, 7, 255)), (x, "role", (2, 255)),
             (x, "name_length", (256, 2**31, 2**32 - 1)),
             (x, "scale", (0x7F800000, 0x7F800001, 0x7FC00000, 0x80000000, 0x80000001, 0xBF800000, 0xFFFFFFFF)),
             (w, "scale", (1, 0x3F800000)), (w, "zero_point", (1, -1)), (bias, "zero_point", (1,)),
             (x, "zero_point", (-1, 256, 2**31 - 1, -2**31)), (y, "zero_point", (-129, 128)),
             (x, "reserved", (1, 2**63)), (z, "reserved", (1,)))
    for index, field, values in wrong:
        for value in values:
            yield f"tensor {index} {field} {value}", b.tensor(index, field, value), f"tensor {index} {field}"
    yield "bias is of type i16 with i32 interface", b.tensor(bias, "type", 3), f"tensor {bias} interface"
    yield "a constant turned activation", b.tensor(w, "role", 0), "data_bytes"
    yield "an activation turned constant", b.tensor(z, "role", 1), "data_bytes"
    yield "x turned constant", b.tensor(x, "role", 1), "tensor 0"
    for value in (0, 4, 6, 255):
        yield f"name_length {value} for 5", b.tensor(x, "name_length", value), "name_bytes"


def extents(b: Base) -> Damage:
    x, w = 0, 1
    for axis, value in ((0, 0), (1, 0), (0, 2**24 + 1), (1, 2**31), (1, 2**32 - 1), (2, 1), (5, 1), (3, 2**32 - 1)):
        yield f"x extent {axis} is {value}", b.extent(x, axis, value), "tensor 0 extents"
    yield "w one row more than the data", b.extent(w, 0, 100), "data_bytes"
    at = b.starts["tensors"] + 16
    for name, shape in (("2^31", (2**7, 2**24)), ("2^48", (2**24, 2**24)), ("2^32 + 1 in 32 bits", (641, 6700417)),
                        ("2^64, 0 in 64 bits", (2**24, 2**24, 2**16)), ("2^144", (2**24,) * 6)):
        file = b.tensor(x, "rank", len(shape))
        data = struct.pack("<6I", *shape, *[0] * (6 - len(shape)))
        yield f"x of {name} elements", file[:at] + data + file[at + 24:], "tensor 0 extents"
    at += 48
    file = b.tensor(w, "rank", 2)
    yield "w of 2^31 elements", file[:at] + struct.pack("<2I", 2**24, 2**7) + file[at + 8:], "tensor 1 extents"
    yield "w of 2^30 elements", file[:at] + struct.pack("<2I", 2**24, 2**6) + file[at + 8:], "data_bytes"


def names(b: Base) -> Damage:
    for value in (0x00, 0x09, 0x0A, 0x1F, 0x7F, 0x80, 0xC3, 0xFF):
        yield f"a name with byte {value:02X}", b.patch(b.starts["names"] + 3, "B", value), "names"
    yield "the last name ends in byte 1B", b.patch(b.starts["names"] + b.sizes["names"] - 1, "B", 0x1B), "names"


def indices(b: Base) -> Damage:
    for value in (6, 7, 2**31, 2**32 - 1):
        yield f"graph input {value} of 6 tensors", b.word("graph", 0, value), "graph inputs"
        yield f"graph output {value} of 6 tensors", b.word("graph", 1, value), "graph outputs"
        yield f"op 0 operand {value} of 6 tensors", b.word("ops", 4, value), "op 0 operands"
        yield f"op 0 last operand {value} of 6 tensors", b.word("ops", 7, value), "op 0 operands"
        yield f"op 0 output {value} of 6 tensors", b.word("ops", 8, value), "op 0 outputs"
        yield f"op 1 output {value} of 6 tensors", b.word("ops", 20, value), "op 1 outputs"
    yield "op 0 uses z, which op 1 makes", b.word("ops", 4, 5), "before it is made"
    yield "op 0 writes z, as op 1 does", b.word("ops", 8, 5), "graph"


def op_records(b: Base) -> Damage:
    for value in (0, 7, 15, 19, 63, 255, 2**16 + 2, 2**31, 2**32 - 1):
        yield f"op number {value}", b.word("ops", 0, value), "op 0 number"
    for word, what, values in ((1, "operand count", (0, 3, 5, 2**30, 2**32 - 1)),
                               (2, "output count", (0, 2, 2**32 - 1)),
                               (3, "argument count", (0, 5, 7, 2**30, 2**32 - 1))):
        for value in values:
            yield f"op 0 {what} {value}", b.word("ops", word, value), f"op 0 {what}"
    yield "op 0 of another kind, with the same counts", b.word("ops", 0, 1), "op 0 argument count"
    yield "op 1 with an argument more", b.grown("ops", bytes(4), op_words=b.sizes["ops"] // 4 + 1), "op_words"
    file = b.word("ops", 15 + 3, 1)
    grown = Base(file, b.starts, b.sizes).grown("ops", bytes(4), op_words=b.sizes["ops"] // 4 + 1)
    yield "op 1 with an argument that it says it has", grown, "op 1 argument count"


FAMILIES = (lengths, header, sizes, gaps, tensor_records, extents, names, indices, op_records)


def cases() -> Iterator[WrongCase]:
    good = base()
    for family in FAMILIES:
        for name, file, why in family(good):
            assert file != good.file, name
            yield WrongCase(name, file, why)
