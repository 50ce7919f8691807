# SPDX-License-Identifier: Apache-2.0
"""An op of a model with its tensors and arguments by name."""

from functools import cached_property
from types import SimpleNamespace

from .lks_file import Model, Op, Tensor
from .op_table import BY_NUMBER, OpKind, names_of


class OpView:
    """Read-only convenience: `v.tensor("x")`, `v.shape("y")`, `v.args.stride_h`."""

    def __init__(self, model: Model, op: Op):
        self.kind: OpKind = BY_NUMBER[op.number]
        self.args: SimpleNamespace = self.kind.named(op.arguments)
        self.operands = names_of(self.kind.operands, len(op.operands))
        self.outputs = names_of(self.kind.outputs, len(op.outputs))
        self._index = dict(zip(self.operands + self.outputs, op.operands + op.outputs))
        self._tensors = model.tensors
        self.state: list[int] = []          # of an op that has one, while it runs

    def index(self, name: str) -> int:
        return self._index[name]

    @property
    def title(self) -> str:
        """The name of the first output, which the op is called by."""
        return self.tensor(self.outputs[0]).name.decode()

    def tensor(self, name: str) -> Tensor:
        return self._tensors[self._index[name]]

    def shape(self, name: str) -> tuple[int, ...]:
        return self.tensor(name).shape

    def constant(self, name: str) -> tuple[int, ...]:
        return self.tensor(name).values

    @cached_property
    def multipliers(self) -> list[tuple[int, int]]:
        """The (m, s) of each output channel, from the multiplier table."""
        rq = self.constant("rq")
        return list(zip(rq[0::2], rq[1::2]))

    @cached_property
    def centered_weights(self) -> list[tuple[int, ...]]:
        """Per output channel the weights minus their zero point, in stored order."""
        w, zero = self.constant("w"), self.args.w_zero
        size = len(w) // self.shape("w")[0]
        return [tuple(value - zero for value in w[at:at + size]) for at in range(0, len(w), size)]
