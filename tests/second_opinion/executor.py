# SPDX-License-Identifier: Apache-2.0
"""Runs a whole model by docs/spec.md."""

import struct
from array import array

from .checks import Refused, check, with_batch
from .cost import Cost, cost
from .kernels import KERNELS, Values
from .lks_file import TYPE_CODE, U8, Model, Tensor
from .op_view import OpView

__all__ = ["Cost", "Refused", "check", "cost", "graph_outputs", "run"]


def from_interface(tensor: Tensor, data: bytes) -> Values:
    """Stored values of an activation from its interface bytes (spec 2)."""
    if len(data) != tensor.interface_bytes:
        raise ValueError(f"tensor '{tensor.name.decode()}' has {tensor.interface_bytes} bytes, {len(data)} given")
    if tensor.interface == U8:
        return [byte - 128 for byte in data]
    return list(struct.unpack(f"<{tensor.elements}{TYPE_CODE[tensor.interface]}", data))


def to_interface(tensor: Tensor, values: Values) -> bytes:
    """Interface bytes of an i8 activation; fails on a value that is not i8."""
    if len(values) != tensor.elements:
        raise AssertionError(f"{len(values)} values for a tensor of {tensor.elements} elements")
    stored = array("b", values)
    if tensor.interface == U8:
        return bytes(value + 128 for value in stored)
    return stored.tobytes()


def run(model: Model, inputs: list[bytes], batch: int | None = None) -> list[bytes]:
    """The interface bytes of every op output, in op order; raises Refused."""
    model = with_batch(model, batch)
    bounds = check(model)
    if len(inputs) != len(model.inputs):
        raise ValueError(f"the model has {len(model.inputs)} inputs, {len(inputs)} given")
    values = {i: from_interface(model.tensors[i], data) for i, data in zip(model.inputs, inputs)}
    values.update((i, t.values) for i, t in enumerate(model.tensors) if t.is_constant)
    trace = []
    for op, op_bounds in zip(model.ops, bounds):
        v = OpView(model, op)
        operands = {name: values[v.index(name)] for name in v.operands}
        made = KERNELS[v.kind.name](v, operands, op_bounds)
        for name, y in zip(v.outputs, made if v.kind.outputs != ("y",) else [made]):
            values[v.index(name)] = y
            trace.append(to_interface(v.tensor(name), y))
    return trace


def graph_outputs(model: Model, trace: list[bytes]) -> list[bytes]:
    """The graph outputs, picked from what `run` gave."""
    made = dict(zip((i for op in model.ops for i in op.outputs), trace))
    return [made[i] for i in model.outputs]


def split_inputs(model: Model, data: bytes, batch: int | None = None) -> list[bytes]:
    """Cut the concatenated interface bytes of all graph inputs."""
    model, parts, start = with_batch(model, batch), [], 0
    for i in model.inputs:
        end = start + model.tensors[i].interface_bytes
        parts.append(data[start:end])
        start = end
    if start != len(data):
        raise ValueError(f"the inputs have {start} bytes in all, {len(data)} given")
    return parts
