# SPDX-License-Identifier: Apache-2.0
"""The op table of spec 4: number, name, operands and arguments of each op."""

from dataclasses import dataclass
from types import SimpleNamespace

HALF_UP, TFLITE = 0, 1


@dataclass(frozen=True)
class OpKind:
    """One row of the op table; a name such as "x..." stands for x_0, x_1, ...: 1 to 1024 tensors."""

    number: int
    name: str
    operands: tuple[str, ...]
    arguments: tuple[str, ...]
    outputs: tuple[str, ...] = ("y",)

    def named(self, values) -> SimpleNamespace:
        """The arguments by name."""
        return SimpleNamespace(**dict(zip(self.arguments, values, strict=True)))


def names_of(row: tuple[str, ...], count: int) -> list[str]:
    """The names of that many operands or outputs."""
    if row[0].endswith("..."):
        return [f"{row[0][:-3]}_{i}" for i in range(count)]
    return list(row)


def is_count(row: tuple[str, ...], count: int) -> bool:
    """Whether an op of that row may have so many."""
    return 1 <= count <= 1024 if row[0].endswith("...") else count == len(row)


def _kind(number: int, name: str, operands: str, arguments: str, outputs: str = "y") -> OpKind:
    return OpKind(number, name, tuple(operands.split()), tuple(arguments.split()), tuple(outputs.split()))


def _per_axis(name: str) -> str:
    return " ".join(f"{name}_{axis}" for axis in range(6))


_STRIDES = "stride_h stride_w"
_PADS = "pad_top pad_bottom pad_left pad_right"
_CLAMP = "y_min y_max"
_PAD_COUNTS = f"{_per_axis('before')} {_per_axis('after')}"

KINDS = (
    _kind(1, "conv", "x w bias rq",
          f"{_STRIDES} dilation_h dilation_w {_PADS} pad_value groups x_zero w_zero y_zero {_CLAMP} rounding"),
    _kind(2, "fully_connected", "x w bias rq", f"x_zero w_zero y_zero {_CLAMP} rounding"),
    _kind(3, "transposed_conv", "x w bias rq",
          f"{_STRIDES} {_PADS} groups x_zero w_zero y_zero {_CLAMP} rounding"),
    _kind(4, "batch_matmul", "a b", f"a_zero b_zero y_zero adj_a adj_b m s {_CLAMP} rounding"),
    _kind(5, "conv_3d", "x w bias rq",
          f"stride_d {_STRIDES} dilation_d dilation_h dilation_w pad_front pad_back {_PADS} pad_value groups x_zero w_zero y_zero {_CLAMP} "
          "rounding"),
    _kind(6, "scale", "x w bias rq", f"x_zero w_zero y_zero {_CLAMP} rounding"),
    _kind(16, "add", "a b", f"a_zero b_zero y_zero left_shift a_m a_s b_m b_s m s {_CLAMP} rounding"),
    _kind(17, "sub", "a b", f"a_zero b_zero y_zero left_shift a_m a_s b_m b_s m s {_CLAMP} rounding"),
    _kind(18, "mul", "a b", f"a_zero b_zero y_zero m s {_CLAMP} rounding"),
    _kind(24, "requant", "x", f"x_zero y_zero m s {_CLAMP} rounding"),
    _kind(25, "lut", "x table", ""),
    _kind(26, "clamp", "x", _CLAMP),
    _kind(27, "prelu", "x slope", f"x_zero slope_zero y_zero positive_m positive_s m s {_CLAMP} rounding"),
    _kind(32, "max_pool", "x", f"kernel_h kernel_w {_STRIDES} {_PADS} {_CLAMP}"),
    _kind(33, "avg_pool", "x", f"kernel_h kernel_w {_STRIDES} {_PADS} {_CLAMP} rounding"),
    _kind(34, "sum", "x", f"axes x_zero y_zero m s {_CLAMP} rounding"),
    _kind(35, "reduce_max", "x", f"axes smallest {_CLAMP}"),
    _kind(36, "arg_max", "x", "axis smallest"),
    _kind(40, "softmax", "x", "m s"),
    _kind(48, "reshape", "x", ""),
    _kind(49, "pad", "x", f"{_PAD_COUNTS} pad_value"),
    _kind(50, "concat", "x...", "axis"),
    _kind(51, "split", "x", "axis", "y..."),
    _kind(52, "slice", "x", f"{_per_axis('begin')} {_per_axis('step')}"),
    _kind(53, "transpose", "x", _per_axis("perm")),
    _kind(54, "tile", "x", _per_axis("repeats")),
    _kind(55, "gather", "x indices", "axis"),
    _kind(56, "resize_nearest", "x rows columns", ""),
    _kind(57, "resize_bilinear", "x", "scale_h scale_w offset_h offset_w rounding"),
    _kind(64, "lstm", "x w r bias rq", "x_zero y_zero cell_shift cell_clip time_major rounding"),
    _kind(65, "svdf", "x w w_time bias",
          f"rank x_zero state_min state_max feature_m feature_s y_zero m s {_CLAMP} rounding"),
)

BY_NUMBER = {kind.number: kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in KINDS}
