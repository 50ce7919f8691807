# SPDX-License-Identifier: Apache-2.0
"""Runs a whole model by docs/spec.md."""

import struct

from .arithmetic import all_i32
from .checks import Refused, check, state_elements, with_batch
from .cost import Cost, cost
from .kernels import KERNELS, Values
from .lks_file import TYPE_CODE, U8, Model, Tensor
from .op_view import OpView

__all__ = ["Cost", "Refused", "check", "cost", "graph_outputs", "run", "run_sequence"]


def from_interface(tensor: Tensor, data: bytes) -> Values:
    """Stored values of an activation from its interface bytes (spec 2)."""
    if len(data) != tensor.interface_bytes:
        raise ValueError(f"tensor '{tensor.name.decode()}' has {tensor.interface_bytes} bytes, {len(data)} given")
    values = list(struct.unpack(f"<{tensor.elements}{TYPE_CODE[tensor.interface]}", data))
    if tensor.interface == U8:
        return [value - 128 for value in values]
    return all_i32(values)


def to_interface(tensor: Tensor, values: Values) -> bytes:
    """Interface bytes of an activation; fails on a value that its storage type does not hold."""
    if len(values) != tensor.elements:
        raise AssertionError(f"{len(values)} values for a tensor of {tensor.elements} elements")
    stored = struct.pack(f"<{len(values)}{TYPE_CODE[tensor.type]}", *values)
    if tensor.interface == tensor.type:
        return stored
    if tensor.interface == U8:
        return bytes(value + 128 for value in values)
    return struct.pack(f"<{len(values)}{TYPE_CODE[tensor.interface]}", *values)


def run(model: Model, inputs: list[bytes], batch: int | None = None, states: list[list[int]] | None = None) -> list[bytes]:
    """The interface bytes of every op output, in op order; raises Refused.

    `states` holds one list per op, as an earlier run left it, and is changed; None: every state begins with zeros.
    """
    model = with_batch(model, batch)
    bounds = check(model)
    states = begin(model) if states is None else states
    if len(inputs) != len(model.inputs):
        raise ValueError(f"the model has {len(model.inputs)} inputs, {len(inputs)} given")
    values = {i: from_interface(model.tensors[i], data) for i, data in zip(model.inputs, inputs)}
    values.update((i, t.values) for i, t in enumerate(model.tensors) if t.is_constant)
    trace = []
    for op, op_bounds, state in zip(model.ops, bounds, states):
        v = OpView(model, op)
        v.state = state
        operands = {name: values[v.index(name)] for name in v.operands}
        made = KERNELS[v.kind.name](v, operands, op_bounds)
        for name, y in zip(v.outputs, made if v.kind.outputs != ("y",) else [made]):
            values[v.index(name)] = y
            trace.append(to_interface(v.tensor(name), y))
    return trace


def begin(model: Model) -> list[list[int]]:
    """The states of all ops before the first run, at the model's batch."""
    return [[0] * state_elements(OpView(model, op)) for op in model.ops]


def run_sequence(model: Model, data: bytes, batch: int | None = None) -> bytes:
    """The traces of as many runs as there are inputs in `data`, one after the other, with the state kept."""
    sized = with_batch(model, batch)
    size = sum(sized.tensors[i].interface_bytes for i in sized.inputs)
    states = begin(sized)
    return b"".join(b"".join(run(model, split_inputs(model, data[at:at + size], batch), batch, states))
                    for at in range(0, len(data), size))


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
