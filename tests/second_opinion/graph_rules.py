# SPDX-License-Identifier: Apache-2.0
"""The graph rules of spec 5: who makes, who uses, and in which order."""


def broken_rule(model) -> str | None:
    """A sentence about the first rule that `model` breaks, or None."""
    return _ends(model) or _flow(model) or _leftovers(model)


def _ends(model) -> str | None:
    """Rules about the lists of graph inputs and outputs."""
    if not (model.ops and model.inputs and model.outputs):
        return "a model has at least one op, one input and one output"
    for what, indices in (("input", model.inputs), ("output", model.outputs)):
        if len(set(indices)) != len(indices):
            return f"a tensor is listed twice among the {what}s"
        for i in indices:
            if model.tensors[i].is_constant:
                return f"graph {what} {i} is a constant"
    return None


def _flow(model) -> str | None:
    """Rules about the order of ops, walking the list once."""
    available = set(model.inputs)
    for index, op in enumerate(model.ops):
        for i in op.operands:
            if not model.tensors[i].is_constant and i not in available:
                return f"op {index} uses tensor {i} before it is made"
        for i in op.outputs:
            if model.tensors[i].is_constant:
                return f"op {index} writes constant {i}"
            if i in model.inputs:
                return f"op {index} writes graph input {i}"
            if i in available:
                return f"op {index} writes tensor {i}, which another op makes"
            available.add(i)
    return None


def _leftovers(model) -> str | None:
    """Rules about tensors that are not made, or not used."""
    made = {i for op in model.ops for i in op.outputs}
    used = {i for op in model.ops for i in op.operands}
    for i in model.outputs:
        if i not in made:
            return f"graph output {i} is no op's output"
    for i, tensor in enumerate(model.tensors):
        if tensor.is_constant and i not in used:
            return f"constant {i} is not used"
        if not tensor.is_constant and i not in made and i not in model.inputs:
            return f"activation {i} is made by nothing"
    return None
