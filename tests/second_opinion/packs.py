# SPDX-License-Identifier: Apache-2.0
"""The pack files of tests/golden: plain concatenations of records.

A record of an ordinary pack: the bytes `CASE`; u32 length and name; u32
length and `.lks` bytes; u32 batch; u32 length and input bytes (graph inputs
in order, interface bytes, for that batch); u32 length and trace (all op
outputs in op order, interface bytes); where the inputs are those of several
runs, the state of ops is kept from one to the next, and so are the traces,
one after the other; u64 MACs, element ops, parameter
bytes, peak bytes for that batch. A record of refused.pack or malformed.pack
ends after the `.lks` bytes. All numbers are little-endian.
"""

import struct
from dataclasses import dataclass
from typing import Iterator

from .cost import Cost

MARK = b"CASE"


@dataclass(frozen=True)
class Record:
    """One record; `batch` is None in refused.pack and malformed.pack."""

    name: str
    model: bytes
    batch: int | None = None
    inputs: bytes = b""
    trace: bytes = b""
    cost: Cost | None = None


def block(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


def encode(record: Record) -> bytes:
    head = MARK + block(record.name.encode("ascii")) + block(record.model)
    if record.batch is None:
        return head
    c = record.cost
    return (head + struct.pack("<I", record.batch) + block(record.inputs) + block(record.trace)
            + struct.pack("<4Q", c.macs, c.element_ops, c.parameter_bytes, c.peak_bytes))


class Reader:
    """Takes fields off the front of a pack."""

    def __init__(self, pack: bytes):
        self.pack, self.at = pack, 0

    def take(self, size: int) -> bytes:
        data = self.pack[self.at:self.at + size]
        if len(data) != size:
            raise ValueError(f"the pack ends inside a record, at byte {self.at}")
        self.at += size
        return data

    def number(self) -> int:
        return int.from_bytes(self.take(4), "little")

    def block(self) -> bytes:
        return self.take(self.number())


def decode(pack: bytes, with_results: bool) -> Iterator[Record]:
    """The records of a pack; `with_results` for an ordinary one."""
    reader = Reader(pack)
    while reader.at < len(pack):
        if reader.take(4) != MARK:
            raise ValueError(f"no record at byte {reader.at - 4} of the pack")
        name, model = reader.block().decode("ascii"), reader.block()
        if with_results:
            yield Record(name, model, reader.number(), reader.block(), reader.block(),
                         Cost(*struct.unpack("<4Q", reader.take(32))))
        else:
            yield Record(name, model)
