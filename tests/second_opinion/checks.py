# SPDX-License-Identifier: Apache-2.0
"""What makes an op refused: types, shapes, limits and the bound law (spec 3 and 4)."""

from dataclasses import replace
from math import prod

from .arithmetic import I32_MAX, maxabs, requant
from .lks_file import I8, I16, I32, MAX_ELEMENTS, MAX_EXTENT, Model
from .op_table import HALF_UP, TFLITE
from .op_view import OpView

ZERO_NAMES = ("x_zero", "w_zero", "y_zero", "a_zero", "b_zero", "slope_zero", "pad_value")
MAX_STEP = 65535
MAX_PAD = 2**24
MAX_SOFTMAX = 4095


class Refused(ValueError):
    """The model must not run; the message names the op and the reason."""


class Limit(Exception):
    """A line of the specification that does not hold; `check` adds the op's name."""


def need(condition: bool, reason: str) -> None:
    if not condition:
        raise Limit(reason)


# Parts that ops share

def need_activation(v: OpView, name: str, types: tuple[int, ...] = (I8,)) -> None:
    t = v.tensor(name)
    need(not t.is_constant, f"{name} is a constant")
    need(t.type in types, f"{name} is not i8")


def need_constant(v: OpView, name: str, type_: int, shape: tuple[int, ...]) -> None:
    t = v.tensor(name)
    need(t.is_constant, f"{name} is not a constant")
    need(t.type == type_, f"{name} has the wrong type")
    need(t.shape == shape, f"{name} has shape {t.shape}, not {shape}")


def need_rank(v: OpView, name: str, rank: int) -> None:
    need(len(v.shape(name)) == rank, f"{name} is not of rank {rank}")


def need_shape(v: OpView, shape: tuple[int, ...]) -> None:
    need(v.shape("y") == shape, f"y has shape {v.shape('y')}, not {shape}")


def need_range(v: OpView, names: str, low: int, high: int) -> None:
    for name in names.split():
        need(low <= getattr(v.args, name) <= high, f"{name} is not in {low} .. {high}")


def check_common_arguments(v: OpView) -> None:
    """The limits that spec 4 states once for all ops."""
    if v.kind.name != "requant":
        need_range(v, " ".join(n for n in v.kind.arguments if n in ZERO_NAMES), -128, 127)
    if "y_min" in v.kind.arguments:
        need(-128 <= v.args.y_min <= v.args.y_max <= 127, "y_min and y_max are not in order within i8")
    if "rounding" in v.kind.arguments:
        need(v.args.rounding in (HALF_UP, TFLITE), "rounding is neither 0 nor 1")


def check_multiplier(rounding: int, m: int, s: int) -> None:
    """The limits of spec 3.1 on a pair (m, s)."""
    if rounding == HALF_UP:
        normal = 2**30 <= m <= 2**31 - 1 and 30 <= s <= 62
        need(normal or (m, s) == (0, 30), f"({m}, {s}) is not a half_up multiplier in normal form")
    else:
        need(0 <= m <= 2**31 - 1 and -31 <= s <= 30, f"({m}, {s}) is not a tflite multiplier")


def check_bound(rounding: int, bound: int, m: int, s: int) -> None:
    """The bound law of spec 3.2 for one requantized accumulator."""
    check_multiplier(rounding, m, s)
    if rounding == HALF_UP:
        need(bound <= I32_MAX, f"bound {bound} leaves i32")
        result = (bound * m) >> s
    else:
        need(bound << max(s, 0) <= I32_MAX, f"bound {bound} leaves i32 after the left shift")
        result = requant(rounding, bound, m, s)
    need(result + 129 <= I32_MAX, f"bound {bound} leaves i32 after scaling")


def check_window(v: OpView, kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    """The window limits of spec 4.1; returns (OH, OW)."""
    need_range(v, "stride_h stride_w", 1, MAX_STEP)
    extents = []
    for axis, (before, after, stride) in enumerate((("pad_top", "pad_bottom", v.args.stride_h),
                                                    ("pad_left", "pad_right", v.args.stride_w))):
        reach = (kernel[axis] - 1) * dilation[axis] + 1
        need_range(v, f"{before} {after}", 0, reach - 1)
        padded = v.shape("x")[1 + axis] + getattr(v.args, before) + getattr(v.args, after)
        need(padded <= I32_MAX, "the padded image is larger than 2^31 - 1")
        room = padded - reach
        need(room >= 0, "the kernel is larger than the padded image")
        extents.append(room // stride + 1)
    return extents[0], extents[1]


# One function per op: raises Limit, returns the bounds of its accumulators

def check_conv(v: OpView) -> list[int]:
    need_rank(v, "x", 4)
    need_rank(v, "w", 4)
    (n, _, _, c), (o, kh, kw, _), groups = v.shape("x"), v.shape("w"), v.args.groups
    need(groups >= 1 and c % groups == 0 and o % groups == 0, "groups does not divide C and O")
    need_constant(v, "w", I8, (o, kh, kw, c // groups))
    need_range(v, "dilation_h dilation_w", 1, MAX_STEP)
    oh, ow = check_window(v, (kh, kw), (v.args.dilation_h, v.args.dilation_w))
    need_shape(v, (n, oh, ow, o))
    return check_channels(v)


def check_conv_3d(v: OpView) -> list[int]:
    need_rank(v, "x", 5)
    need_rank(v, "w", 5)
    (n, *extents, c), (o, *kernel, _), groups = v.shape("x"), v.shape("w"), v.args.groups
    need(groups >= 1 and c % groups == 0 and o % groups == 0, "groups does not divide C and O")
    need_constant(v, "w", I8, (o, *kernel, c // groups))
    out = []
    for name, before, after, extent, taps in zip("dhw", ("pad_front", "pad_top", "pad_left"), ("pad_back", "pad_bottom", "pad_right"),
                                                 extents, kernel):
        need_range(v, f"stride_{name} dilation_{name}", 1, MAX_STEP)
        reach = (taps - 1) * getattr(v.args, f"dilation_{name}") + 1
        need_range(v, f"{before} {after}", 0, reach - 1)
        padded = extent + getattr(v.args, before) + getattr(v.args, after)
        need(padded <= I32_MAX, "the padded image is larger than 2^31 - 1")
        need(padded >= reach, "the kernel is larger than the padded image")
        out.append((padded - reach) // getattr(v.args, f"stride_{name}") + 1)
    need(n * out[0] * extents[1] * extents[2] * kernel[0] * c <= I32_MAX, "N * OD * H * W * KD * C is beyond 2^31 - 1")
    need_shape(v, (n, *out, o))
    return check_channels(v)


def check_transposed_conv(v: OpView) -> list[int]:
    need_rank(v, "x", 4)
    need_rank(v, "w", 4)
    need_range(v, "stride_h stride_w", 1, 32)
    (n, h, w, c), (o, kh, kw, _), groups, a = v.shape("x"), v.shape("w"), v.args.groups, v.args
    need(groups >= 1 and c % groups == 0 and o % groups == 0, "groups does not divide C and O")
    need_constant(v, "w", I8, (o, kh, kw, c // groups))
    need_range(v, "pad_top", 0, kh - 1)
    need_range(v, "pad_bottom", 1 - a.stride_h, kh - 1)
    need_range(v, "pad_left", 0, kw - 1)
    need_range(v, "pad_right", 1 - a.stride_w, kw - 1)
    oh = (h - 1) * a.stride_h + kh - a.pad_top - a.pad_bottom
    ow = (w - 1) * a.stride_w + kw - a.pad_left - a.pad_right
    need(1 <= oh <= MAX_EXTENT and 1 <= ow <= MAX_EXTENT, "an extent of y is not in 1 .. 2^24")
    need_shape(v, (n, oh, ow, o))
    return check_channels(v)


def check_fully_connected(v: OpView) -> list[int]:
    need_rank(v, "w", 2)
    (o, k), y = v.shape("w"), v.shape("y")
    need_constant(v, "w", I8, (o, k))
    need(v.tensor("x").elements % k == 0, "the elements of x are not a multiple of K")
    need(y[-1] == o and prod(y[:-1]) == v.tensor("x").elements // k, f"y has shape {y}, not R rows of O")
    return check_channels(v)


def check_scale(v: OpView) -> list[int]:
    need_constant(v, "w", I8, v.shape("x")[-1:])
    need_shape(v, v.shape("x"))
    return check_channels(v)


def check_channels(v: OpView) -> list[int]:
    """Bias, multiplier table and the bound of each output channel."""
    channels = v.shape("w")[0]
    need_constant(v, "bias", I32, (channels,))
    need_constant(v, "rq", I32, (channels, 2))
    largest = maxabs(v.args.x_zero)
    bounds = [abs(bias) + largest * sum(map(abs, weights))
              for bias, weights in zip(v.constant("bias"), v.centered_weights)]
    for bound, (m, s) in zip(bounds, v.multipliers):
        check_bound(v.args.rounding, bound, m, s)
    return bounds


def matrix(v: OpView, name: str) -> tuple[int, int]:
    """The rows and columns of the product's operand, its adj flag applied (spec 4.50)."""
    shape = v.shape(name)
    need(len(shape) >= 2, f"{name} is of rank 1")
    rows, columns = shape[-2:]
    return (columns, rows) if getattr(v.args, f"adj_{name}") else (rows, columns)


def check_batch_matmul(v: OpView) -> list[int]:
    need(not (v.tensor("a").is_constant and v.tensor("b").is_constant), "both operands are constants")
    for name in "a", "b":
        need(v.tensor(name).type == I8, f"{name} is not i8")
    need_range(v, "adj_a adj_b", 0, 1)
    (rows, depth), (b_depth, columns) = matrix(v, "a"), matrix(v, "b")
    need(depth == b_depth, f"a has depth {depth}, b {b_depth}")
    need_shape(v, broadcast(v.shape("a")[:-2], v.shape("b")[:-2]) + (rows, columns))
    bound = depth * maxabs(v.args.a_zero) * maxabs(v.args.b_zero)
    check_bound(v.args.rounding, bound, v.args.m, v.args.s)
    return [bound]


def broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a + b (spec 4.3)."""
    rank = max(len(a), len(b))
    pairs = list(zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b))
    need(all(p == q or 1 in (p, q) for p, q in pairs), "the shapes of a and b do not broadcast")
    return tuple(max(pair) for pair in pairs)


def check_pair(v: OpView) -> None:
    """The operands of add, sub and mul, and the shape of y."""
    need(not (v.tensor("a").is_constant and v.tensor("b").is_constant), "both operands are constants")
    for name in "a", "b":
        need(v.tensor(name).type == I8, f"{name} is not i8")
    need_shape(v, broadcast(v.shape("a"), v.shape("b")))


def check_add(v: OpView) -> list[int]:
    """add and sub."""
    check_pair(v)
    parts = [add_bound(v, name) for name in ("a", "b")]
    check_bound(v.args.rounding, sum(parts), v.args.m, v.args.s)
    return [sum(parts)]


def add_bound(v: OpView, name: str) -> int:
    """The largest |ua| or |ub|, after the limits on that operand's multiplier."""
    a = v.args
    m, s, zero = getattr(a, f"{name}_m"), getattr(a, f"{name}_s"), getattr(a, f"{name}_zero")
    if a.rounding == HALF_UP:
        need(a.left_shift == 0 and s == 0, "half_up add has left_shift, a_s and b_s 0")
        need(abs(m) < 2**31, f"{name}_m is -2^31")
        return maxabs(zero) * abs(m)
    need(0 <= a.left_shift <= 22, "left_shift is not in 0 .. 22")
    check_multiplier(TFLITE, m, s)
    need(s <= 0, f"{name}_s is above 0")
    return requant(TFLITE, maxabs(zero) << a.left_shift, m, s)


def check_mul(v: OpView) -> list[int]:
    check_pair(v)
    bound = maxabs(v.args.a_zero) * maxabs(v.args.b_zero)
    check_bound(v.args.rounding, bound, v.args.m, v.args.s)
    return [bound]


def check_requant(v: OpView) -> list[int]:
    zero, wide = v.args.x_zero, v.tensor("x").type == I16
    need_shape(v, v.shape("x"))
    need_range(v, "y_zero", -128, 127)
    need_range(v, "x_zero", *((-2**15, 2**15 - 1) if wide else (-128, 127)))
    bound = max(2**15 - 1 - zero, zero + 2**15) if wide else maxabs(zero)
    check_bound(v.args.rounding, bound, v.args.m, v.args.s)
    return [bound]


def check_lut(v: OpView) -> list[int]:
    need_constant(v, "table", I8, (256,))
    need_shape(v, v.shape("x"))
    return []


def check_clamp(v: OpView) -> list[int]:
    need_shape(v, v.shape("x"))
    return []


def check_prelu(v: OpView) -> list[int]:
    """The bounds of positive and of negative elements."""
    slope, x, a = v.tensor("slope"), v.shape("x"), v.args
    need(slope.is_constant, "slope is not a constant")
    need(slope.type == I8, "slope is not i8")
    need(len(slope.shape) <= len(x), "slope has a higher rank than x")
    pairs = zip(reversed(slope.shape), reversed(x))
    need(all(extent in (1, whole) for extent, whole in pairs), "slope does not broadcast to x")
    need_shape(v, x)
    bounds = [maxabs(a.x_zero), maxabs(a.x_zero) * maxabs(a.slope_zero)]
    check_bound(a.rounding, bounds[0], a.positive_m, a.positive_s)
    check_bound(a.rounding, bounds[1], a.m, a.s)
    return bounds


def check_max_pool(v: OpView) -> list[int]:
    need_rank(v, "x", 4)
    need_range(v, "kernel_h kernel_w", 1, MAX_STEP)
    n, _, _, c = v.shape("x")
    oh, ow = check_window(v, (v.args.kernel_h, v.args.kernel_w), (1, 1))
    need_shape(v, (n, oh, ow, c))
    return []


def check_avg_pool(v: OpView) -> list[int]:
    check_max_pool(v)
    bound = 129 * v.args.kernel_h * v.args.kernel_w      # the added half included
    need(bound <= I32_MAX, f"bound {bound} leaves i32")
    return [bound]


def summed_axes(v: OpView) -> list[bool]:
    """For each axis of x, whether it is summed over."""
    return [bool(v.args.axes >> i & 1) for i in range(len(v.shape("x")))]


def check_reduced(v: OpView) -> list[bool]:
    """The axes and shapes of sum and reduce_max."""
    need(1 <= v.args.axes < 1 << len(v.shape("x")), "axes names no axis, or one beyond the rank")
    summed = summed_axes(v)
    need_without(v, summed)
    return summed


def need_without(v: OpView, summed: list[bool]) -> None:
    """y has the shape of x with these axes kept as 1, or left out."""
    x, y = v.shape("x"), v.shape("y")
    kept = tuple(1 if gone else extent for extent, gone in zip(x, summed))
    left_out = tuple(extent for extent, gone in zip(x, summed) if not gone) or (1,)
    need(y in (kept, left_out), f"y has shape {y}, not {kept} or {left_out}")


def check_arg_max(v: OpView) -> list[int]:
    rank = len(v.shape("x"))
    need(0 <= v.args.axis < rank, "axis is not less than the rank")
    need(v.args.smallest in (0, 1), "smallest is neither 0 nor 1")
    need_without(v, [i == v.args.axis for i in range(rank)])
    return []


def check_reduce_max(v: OpView) -> list[int]:
    check_reduced(v)
    need(v.args.smallest in (0, 1), "smallest is neither 0 nor 1")
    return []


def check_sum(v: OpView) -> list[int]:
    summed = check_reduced(v)
    bound = prod(extent for extent, gone in zip(v.shape("x"), summed) if gone) * maxabs(v.args.x_zero)
    check_bound(v.args.rounding, bound, v.args.m, v.args.s)
    return [bound]


def check_softmax(v: OpView) -> list[int]:
    need_shape(v, v.shape("x"))
    need(v.shape("x")[-1] <= MAX_SOFTMAX, "a row has more than 4095 columns")
    need(2**30 <= v.args.m <= I32_MAX, "m is not in 2^30 .. 2^31 - 1")
    need_range(v, "s", 1, 31)
    return [v.shape("x")[-1] * 2**19]


def check_reshape(v: OpView) -> list[int]:
    need(v.tensor("x").elements == v.tensor("y").elements, "x and y differ in their number of elements")
    return []


def check_pad(v: OpView) -> list[int]:
    shape = v.shape("x")
    before, after = pad_counts(v)
    for axis, counts in enumerate(zip(before, after)):
        need(all(0 <= count <= MAX_PAD for count in counts), "a pad count is not in 0 .. 2^24")
        need(axis < len(shape) or counts == (0, 0), "an axis beyond the rank is padded")
    need_shape(v, tuple(map(sum, zip(shape, before, after))))
    return []


def pad_counts(v: OpView) -> tuple[list[int], list[int]]:
    """before and after of all six axes."""
    return tuple([getattr(v.args, f"{side}_{axis}") for axis in range(6)] for side in ("before", "after"))


def need_joined(v: OpView, whole: str, parts: list[str]) -> None:
    """The parts, one behind the other along the axis, have the shape of the whole."""
    shapes, axis = [v.shape(name) for name in parts], v.args.axis
    need(0 <= axis < len(shapes[0]), "axis is not less than the rank")
    need(len({len(shape) for shape in shapes}) == 1, "the parts differ in rank")
    need(len({shape[:axis] + shape[axis + 1:] for shape in shapes}) == 1, "the parts differ off the axis")
    joined = shapes[0][:axis] + (sum(shape[axis] for shape in shapes),) + shapes[0][axis + 1:]
    need(v.shape(whole) == joined, f"{whole} has shape {v.shape(whole)}, not {joined}")


def check_concat(v: OpView) -> list[int]:
    tensors = [v.tensor(name) for name in v.operands]
    need(all(t.type == I8 for t in tensors), "an operand is not i8")
    need(not all(t.is_constant for t in tensors), "all operands are constants")
    need_joined(v, "y", v.operands)
    return []


def check_split(v: OpView) -> list[int]:
    need_joined(v, "x", v.outputs)
    return []


def per_axis(v: OpView, name: str, beyond) -> list[int]:
    """The argument of each axis of x; beyond the rank it has the value that `beyond` gives for the axis."""
    values, rank = [getattr(v.args, f"{name}_{axis}") for axis in range(6)], len(v.shape("x"))
    need(all(values[axis] == beyond(axis) for axis in range(rank, 6)), f"{name} beyond the rank")
    return values[:rank]


def check_slice(v: OpView) -> list[int]:
    begins, steps = per_axis(v, "begin", lambda axis: 0), per_axis(v, "step", lambda axis: 1)
    need(len(v.shape("y")) == len(v.shape("x")), "y has another rank than x")
    for begin, step, extent, count in zip(begins, steps, v.shape("x"), v.shape("y")):
        need(step != 0 and abs(step) <= 2**24, "step is 0, or beyond 2^24")
        need(0 <= begin < extent and 0 <= begin + (count - 1) * step < extent, "the slice leaves x")
    return []


def check_transpose(v: OpView) -> list[int]:
    perm, shape = per_axis(v, "perm", lambda axis: axis), v.shape("x")
    need(sorted(perm) == list(range(len(shape))), "perm does not name every axis once")
    need_shape(v, tuple(shape[axis] for axis in perm))
    return []


def check_tile(v: OpView) -> list[int]:
    repeats = per_axis(v, "repeats", lambda axis: 1)
    need(all(1 <= n <= 2**24 for n in repeats), "repeats is not in 1 .. 2^24")
    need_shape(v, tuple(extent * n for extent, n in zip(v.shape("x"), repeats)))
    return []


def need_indices(v: OpView, name: str, extent: int) -> None:
    t = v.tensor(name)
    need_constant(v, name, I32, t.shape)
    need(all(0 <= i < extent for i in t.values), f"an index of {name} is out of range")


def check_gather(v: OpView) -> list[int]:
    x, axis = v.shape("x"), v.args.axis
    need(0 <= axis < len(x), "axis is not less than the rank")
    need_indices(v, "indices", x[axis])
    need_shape(v, x[:axis] + v.shape("indices") + x[axis + 1:])
    return []


def check_resize_nearest(v: OpView) -> list[int]:
    need_rank(v, "x", 4)
    n, h, w, c = v.shape("x")
    for name, extent in (("rows", h), ("columns", w)):
        need_rank(v, name, 1)
        need_indices(v, name, extent)
    need_shape(v, (n, *v.shape("rows"), *v.shape("columns"), c))
    return []


def check_resize_bilinear(v: OpView) -> list[int]:
    need_rank(v, "x", 4)
    (n, h, w, c), y, a = v.shape("x"), v.shape("y"), v.args
    need(len(y) == 4 and (y[0], y[3]) == (n, c), f"y has shape {y}, for x of {n} images with {c} channels")
    for extent, out, scale, offset in ((h, y[1], a.scale_h, a.offset_h), (w, y[2], a.scale_w, a.offset_w)):
        need(extent <= 2**21, "an extent of x is above 2^21")
        need(scale >= 0, "a scale is negative")
        need(offset > -2**31, "an offset is -2^31")
        need((out - 1) * scale + max(offset, 0) <= I32_MAX, "the last place leaves i32")
    return [2**27]


LSTM_PRODUCT = 2**30        # the bound of what sigmoid, tanh and cells multiply to


def check_lstm(v: OpView) -> list[int]:
    """The bounds of what the gates see of x, then of the hidden state: [4, O] each; then that of the products."""
    a = v.args
    need_rank(v, "x", 3)
    need_rank(v, "w", 3)
    cells, inputs = v.shape("w")[1], v.shape("x")[2]
    need_constant(v, "w", I8, (4, cells, inputs))
    need_constant(v, "r", I8, (4, cells, cells))
    need_constant(v, "bias", I32, (4, cells))
    need_constant(v, "rq", I32, (11, 2))
    need_shape(v, (*v.shape("x")[:2], cells))
    need(-16 <= a.cell_shift <= 14, "cell_shift is not in -16 .. 14")
    need(0 <= a.cell_clip <= 2**15 - 1, "cell_clip is not in 0 .. 2^15 - 1")
    need(a.time_major in (0, 1), "time_major is not 0 or 1")
    w, r = v.constant("w"), v.constant("r")
    seen = [abs(bias) + maxabs(a.x_zero) * sum(map(abs, w[at * inputs:(at + 1) * inputs]))
            for at, bias in enumerate(v.constant("bias"))]
    hidden = [maxabs(a.y_zero) * sum(map(abs, r[at:at + cells])) for at in range(0, len(r), cells)]
    for at in range(4 * cells):
        check_bound(a.rounding, seen[at], *v.multipliers[at // cells])
        check_bound(a.rounding, hidden[at], *v.multipliers[4 + at // cells])
    for m, s in v.multipliers[8:]:
        check_bound(a.rounding, LSTM_PRODUCT, m, s)
    return [*seen, *hidden, LSTM_PRODUCT]


def check_svdf(v: OpView) -> list[int]:
    """The bounds of the F features, then those of the U sums."""
    a = v.args
    need_rank(v, "x", 2)
    need_rank(v, "w", 2)
    need_rank(v, "w_time", 2)
    (n, inputs), filters, memory = v.shape("x"), v.shape("w")[0], v.shape("w_time")[1]
    need_constant(v, "w", I8, (filters, inputs))
    need_constant(v, "w_time", I16, (filters, memory))
    need(a.rank >= 1 and filters % a.rank == 0, "rank does not divide the filters")
    units = filters // a.rank
    need_constant(v, "bias", I32, (units,))
    need_shape(v, (n, units))
    need(-2**15 <= a.state_min <= a.state_max <= 2**15 - 1, "state_min and state_max are not in order within i16")
    w, time = v.constant("w"), v.constant("w_time")
    features = [maxabs(a.x_zero) * sum(map(abs, w[at:at + inputs])) for at in range(0, len(w), inputs)]
    most, terms = max(abs(a.state_min), abs(a.state_max)), a.rank * memory
    sums = [abs(bias) + most * sum(map(abs, time[u * terms:(u + 1) * terms])) for u, bias in enumerate(v.constant("bias"))]
    sums = [min(total, I32_MAX) for total in sums]
    for bound in features:
        check_bound(a.rounding, bound, a.feature_m, a.feature_s)
    for bound in sums:
        check_bound(a.rounding, bound, a.m, a.s)
    return features + sums


def state_elements(v: OpView) -> int:
    """The i16 elements of what the op keeps from run to run."""
    if v.kind.name == "svdf":
        return v.shape("x")[0] * v.tensor("w_time").elements
    if v.kind.name == "lstm":
        return 2 * v.shape("x")[v.args.time_major] * v.shape("y")[2]
    return 0


CHECKS = {
    1: check_conv, 2: check_fully_connected, 3: check_transposed_conv, 4: check_batch_matmul, 5: check_conv_3d,
    6: check_scale,
    16: check_add, 17: check_add, 18: check_mul, 24: check_requant, 25: check_lut, 26: check_clamp, 27: check_prelu,
    32: check_max_pool, 33: check_avg_pool, 34: check_sum, 35: check_reduce_max, 36: check_arg_max, 40: check_softmax,
    48: check_reshape, 49: check_pad, 50: check_concat, 51: check_split, 52: check_slice, 53: check_transpose, 54: check_tile,
    55: check_gather, 56: check_resize_nearest, 57: check_resize_bilinear,
    64: check_lstm, 65: check_svdf,
}


def need_types(v: OpView) -> None:
    """The storage types of the activations: i8, but for the indices of arg_max, which reshape takes as well."""
    if v.kind.name == "reshape":
        need(not v.tensor("x").is_constant and not v.tensor("y").is_constant, "x or y is a constant")
        need(v.tensor("y").type == v.tensor("x").type, "y is not stored as x")
    elif v.kind.name == "arg_max":
        need_activation(v, "x")
        need(v.tensor("y").type == I32, "y is not i32")
    else:
        for name in [name for name in v.operands if name == "x"] + v.outputs:
            need_activation(v, name, (I8, I16) if v.kind.name == "requant" and name == "x" else (I8,))


def check_op(v: OpView) -> list[int]:
    need_types(v)
    check_common_arguments(v)
    return CHECKS[v.kind.number](v)


def check(model: Model) -> list[list[int]]:
    """The accumulator bounds of every op; raises Refused for a model that must not run."""
    bounds = []
    for index, op in enumerate(model.ops):
        v = OpView(model, op)
        try:
            bounds.append(check_op(v))
        except Limit as reason:
            raise Refused(f"op {index} ({v.kind.name} '{v.title}'): {reason}") from None
    for i in model.inputs:
        if model.tensors[i].type not in (I8, I16, I32):
            raise Refused(f"graph input {i}: version 1 has no activation of this type")
    return bounds


# The batch

def is_free(v: OpView) -> bool:
    """Whether the op is free in the batch, as its part of spec 4 says."""
    name = v.kind.name
    if name == "concat":
        return v.args.axis != 0 and not any(v.tensor(operand).is_constant for operand in v.operands)
    if name in ("split", "gather"):
        return v.args.axis != 0
    if name == "slice":
        return v.args.begin_0 == 0 and v.args.step_0 == 1 and v.shape("x")[0] == v.shape("y")[0]
    if name == "transpose":
        return v.args.perm_0 == 0
    if name == "tile":
        return v.args.repeats_0 == 1
    y = v.shape("y")
    if name == "fully_connected":
        return len(y) >= 2 and v.shape("x")[0] == y[0]
    if name == "batch_matmul":
        return len(y) >= 3 and all(pair_operand_is_free(v.tensor(operand), y) for operand in ("a", "b"))
    if name in ("add", "sub", "mul"):
        return all(pair_operand_is_free(v.tensor(operand), y) for operand in ("a", "b"))
    if name == "arg_max":
        return v.args.axis != 0
    if name == "prelu":
        return pair_operand_is_free(v.tensor("slope"), y)
    if name in ("sum", "reduce_max"):
        return not v.args.axes & 1
    if name == "lstm":
        return not v.args.time_major
    if name in ("softmax", "scale"):
        return len(y) >= 2
    if name == "reshape":
        return v.shape("x")[0] == y[0]
    if name == "pad":
        return v.args.before_0 == 0 == v.args.after_0
    return True


def pair_operand_is_free(operand, y: tuple[int, ...]) -> bool:
    if operand.is_constant:
        return len(operand.shape) < len(y) or operand.shape[0] == 1
    return len(operand.shape) == len(y) and operand.shape[0] == y[0]


def is_batch_free(model: Model) -> bool:
    """Spec 5, for a model that `check` accepts."""
    firsts = {model.tensors[i].shape[0] for i in model.inputs}
    return len(firsts) == 1 and all(is_free(OpView(model, op)) for op in model.ops)


def stated_batch(model: Model) -> int:
    """The first extent of the first graph input."""
    return model.tensors[model.inputs[0]].shape[0]


def with_batch(model: Model, batch: int | None) -> Model:
    """The checked model at a batch; None asks for the stated one."""
    check(model)
    if batch is None or batch == stated_batch(model):
        return model
    if not is_batch_free(model):
        raise Refused(f"batch {batch}: the model is not batch free, its batch is {stated_batch(model)}")
    tensors = tuple(t if t.is_constant else replace(t, shape=(batch,) + t.shape[1:]) for t in model.tensors)
    for t in tensors:
        if not 1 <= t.shape[0] <= MAX_EXTENT or (t.elements if t.is_constant else t.storage_bytes) > MAX_ELEMENTS:
            raise Refused(f"batch {batch}: tensor '{t.name.decode()}' breaks the limits of spec 7")
    changed = replace(model, tensors=tensors)
    check(changed)
    return changed
