# SPDX-License-Identifier: Apache-2.0
"""The exact cost of a model at a batch (spec 6)."""

from dataclasses import dataclass
from math import prod

from .checks import state_elements, with_batch
from .lks_file import Model
from .op_view import OpView


@dataclass(frozen=True)
class Cost:
    """The four numbers that a golden pack holds, in its order."""

    macs: int
    element_ops: int
    parameter_bytes: int
    peak_bytes: int


def cost(model: Model, batch: int | None = None) -> Cost:
    """Cost of one run at `batch` (None: as stated)."""
    model = with_batch(model, batch)
    views = [OpView(model, op) for op in model.ops]
    return Cost(sum(map(op_macs, views)), sum(map(op_elements, views)),
                sum(t.storage_bytes for t in model.tensors if t.is_constant), peak_bytes(model))


def op_macs(v: OpView) -> int:
    if v.kind.name in ("conv", "conv_3d", "fully_connected"):
        return v.tensor("y").elements * prod(v.shape("w")[1:])
    if v.kind.name == "transposed_conv":
        return v.tensor("x").elements * prod(v.shape("w")[:3]) // v.args.groups
    if v.kind.name == "batch_matmul":
        return v.tensor("y").elements * v.shape("a")[-2 if v.args.adj_a else -1]
    if v.kind.name == "scale":
        return v.tensor("y").elements
    if v.kind.name == "lstm":
        return v.tensor("y").elements * 4 * (v.shape("x")[2] + v.shape("y")[2])
    if v.kind.name == "svdf":
        return v.shape("x")[0] * v.shape("w")[0] * (v.shape("w")[1] + v.shape("w_time")[1])
    return 0


def op_elements(v: OpView) -> int:
    if v.kind.name == "lstm":
        return 8 * v.tensor("y").elements
    if v.kind.name == "svdf":
        return v.shape("x")[0] * v.shape("w")[0] + v.tensor("y").elements
    if v.kind.name in ("max_pool", "avg_pool"):
        return v.tensor("y").elements * v.args.kernel_h * v.args.kernel_w
    if v.kind.name in ("sum", "reduce_max", "arg_max", "split"):
        return v.tensor("x").elements
    if v.kind.name == "resize_bilinear":
        return 4 * v.tensor("y").elements
    if v.kind.name == "softmax":
        return 3 * v.tensor("x").elements
    return v.tensor("y").elements


def peak_bytes(model: Model) -> int:
    """The most storage bytes of activations alive at one position of the op list, and those of all states."""
    change = [0] * (len(model.ops) + 1)
    for i, (first, last) in lifetimes(model).items():
        size = model.tensors[i].storage_bytes
        change[first] += size
        change[last + 1] -= size
    alive = peak = 0
    for step in change:
        alive += step
        peak = max(peak, alive)
    return peak + sum(2 * state_elements(OpView(model, op)) for op in model.ops)


def lifetimes(model: Model) -> dict[int, tuple[int, int]]:
    """For each activation the first and the last position at which it is alive."""
    born = {i: 0 for i in model.inputs}
    last = dict(born)
    for position, op in enumerate(model.ops):
        for i in op.operands:
            if not model.tensors[i].is_constant:
                last[i] = position
        for i in op.outputs:
            born[i] = last[i] = position
    for i in model.outputs:
        last[i] = len(model.ops) - 1
    return {i: (born[i], last[i]) for i in born}
