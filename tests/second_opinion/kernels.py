# SPDX-License-Identifier: Apache-2.0
"""The formulas of spec 4 on flat lists of Python integers.

Each kernel gets the op's view, its activations by operand name (constants
are read from the view) and its bounds, and returns the elements of y.
"""

from functools import lru_cache
from itertools import product
from math import prod
from operator import add, mul, sub
from typing import Callable

from .arithmetic import all_i32, clamp, exp5, i32, mulh, recip, requantizer, rshift, sat16, sigmoid, tanh
from .checks import pad_counts, per_axis, summed_axes
from .op_table import TFLITE
from .op_view import OpView

Values = list[int]


class BoundBroken(AssertionError):
    """An accumulator left its proven bound: the bound law or a kernel is wrong."""


def within(accs: Values, bound: int) -> Values:
    """`accs`, each of which must be in -bound .. bound."""
    if max(accs) > bound or min(accs) < -bound:
        raise BoundBroken(f"accumulators {min(accs)} .. {max(accs)} leave their bound {bound}")
    return accs


def finisher(v: OpView, m: int, s: int, bound: int) -> Callable[[Values], Values]:
    """From accumulators to y: bound check, requant, zero point, clamp."""
    zero, low, high = v.args.y_zero, v.args.y_min, v.args.y_max
    scale = requantizer(v.args.rounding, m, s)

    def finish(accs: Values) -> Values:
        scaled = all_i32([scale(acc) + zero for acc in within(accs, bound)])
        return [low if y < low else high if y > high else y for y in scaled]

    return finish


def channel_finishers(v: OpView, bounds: Values) -> list[Callable[[Values], Values]]:
    return [finisher(v, m, s, bound) for (m, s), bound in zip(v.multipliers, bounds)]


# conv

def conv(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    """One output row at a time: gather the patches of each group, then one dot product per output."""
    n, _, _, o = v.shape("y")
    oh, ow = v.shape("y")[1:3]
    finish = channel_finishers(v, bounds)
    out = [0] * prod(v.shape("y"))
    for image in range(n):
        rows = padded_rows(v, xs["x"], image)
        for p in range(oh):
            base = (image * oh + p) * ow * o
            for channel, accs in conv_row(v, rows, p):
                out[base + channel:base + ow * o:o] = finish[channel](accs)
    return out


def padded_rows(v: OpView, x: Values, image: int) -> list[Values]:
    """The rows of one image minus x_zero, with the padding of all four sides in place."""
    _, h, w, c = v.shape("x")
    a = v.args
    outside = a.pad_value - a.x_zero
    left, right = [outside] * (a.pad_left * c), [outside] * (a.pad_right * c)
    blank = [outside] * ((a.pad_left + w + a.pad_right) * c)
    starts = range(image * h * w * c, (image + 1) * h * w * c, w * c)
    rows = [left + [value - a.x_zero for value in x[at:at + w * c]] + right for at in starts]
    return [blank] * a.pad_top + rows + [blank] * a.pad_bottom


def conv_row(v: OpView, rows: list[Values], p: int):
    """The accumulators of output row p, as (channel, one value per column)."""
    per_group = v.shape("w")[0] // v.args.groups
    bias, weights = v.constant("bias"), v.centered_weights
    for group in range(v.args.groups):
        patches = list(zip(*taps(v, rows, p, group)))
        for channel in range(group * per_group, (group + 1) * per_group):
            w, start = weights[channel], bias[channel]
            yield channel, [sum(map(mul, patch, w), start) for patch in patches]


def taps(v: OpView, rows: list[Values], p: int, group: int):
    """For each weight of a channel, in stored order, the inputs it meets along output row p."""
    a, c, ow = v.args, v.shape("x")[3], v.shape("y")[2]
    _, kh, kw, depth = v.shape("w")
    step = a.stride_w * c
    for r in range(kh):
        row = rows[p * a.stride_h + r * a.dilation_h]
        for q in range(kw):
            first = q * a.dilation_w * c + group * depth
            for k in range(first, first + depth):
                yield row[k:k + (ow - 1) * step + 1:step]


def conv_3d(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    """The inputs under each window, one by one."""
    a, x, (_, *extents, c), (n, *outs, o), (_, *kernel, depth) = v.args, xs["x"], v.shape("x"), v.shape("y"), v.shape("w")
    strides, dilations = (a.stride_d, a.stride_h, a.stride_w), (a.dilation_d, a.dilation_h, a.dilation_w)
    pads, blank = (a.pad_front, a.pad_top, a.pad_left), [a.pad_value] * c
    accs = []
    for image, *at in product(range(n), *map(range, outs)):
        pixels = []
        for taps in product(*map(range, kernel)):
            place = [i * s - p + tap * step for i, s, p, tap, step in zip(at, strides, pads, taps, dilations)]
            inside = all(0 <= i < extent for i, extent in zip(place, extents))
            first = (((image * extents[0] + place[0]) * extents[1] + place[1]) * extents[2] + place[2]) * c
            pixels.append([value - a.x_zero for value in (x[first:first + c] if inside else blank)])
        for channel, w in enumerate(v.centered_weights):
            group = channel // (o // a.groups) * depth
            patch = [value for pixel in pixels for value in pixel[group:group + depth]]
            accs.append(sum(map(mul, patch, w), v.constant("bias")[channel]))
    out = [0] * len(accs)
    for channel, finish in enumerate(channel_finishers(v, bounds)):
        out[channel::o] = finish(accs[channel::o])
    return out


def transposed_conv(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    """Every element of x adds its kernels to the sums of y."""
    a, x, (n, h, w, c), (_, oh, ow, o), (_, kh, kw, depth) = v.args, xs["x"], v.shape("x"), v.shape("y"), v.shape("w")
    per_group, weights = o // a.groups, v.centered_weights
    accs = list(v.constant("bias")) * (n * oh * ow)
    for image, i, j in product(range(n), range(h), range(w)):
        pixel = [value - a.x_zero for value in x[((image * h + i) * w + j) * c:][:c]]
        for r, q in product(range(kh), range(kw)):
            p, t = i * a.stride_h + r - a.pad_top, j * a.stride_w + q - a.pad_left
            if not (0 <= p < oh and 0 <= t < ow):
                continue
            at, tap = ((image * oh + p) * ow + t) * o, (r * kw + q) * depth
            for channel in range(o):
                first = channel // per_group * depth
                accs[at + channel] += sum(map(mul, pixel[first:first + depth], weights[channel][tap:tap + depth]))
    out = [0] * len(accs)
    for channel, finish in enumerate(channel_finishers(v, bounds)):
        out[channel::o] = finish(accs[channel::o])
    return out


# The other ops with accumulators

def fully_connected(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    o, k = v.shape("w")
    x = [value - v.args.x_zero for value in xs["x"]]
    rows = [x[at:at + k] for at in range(0, len(x), k)]
    out = [0] * (len(rows) * o)
    for channel, finish in enumerate(channel_finishers(v, bounds)):
        w, bias = v.centered_weights[channel], v.constant("bias")[channel]
        out[channel::o] = finish([sum(map(mul, row, w), bias) for row in rows])
    return out


def scale(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    channels = v.shape("w")[0]
    out = [0] * len(xs["x"])
    for channel, finish in enumerate(channel_finishers(v, bounds)):
        (w,), bias = v.centered_weights[channel], v.constant("bias")[channel]
        out[channel::channels] = finish([bias + (x - v.args.x_zero) * w for x in xs["x"][channel::channels]])
    return out


def broadcast_to(values: Values, shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Values:
    """`values` of `shape`, repeated to fill `y_shape`."""
    shape = (1,) * (len(y_shape) - len(shape)) + shape
    if shape == y_shape:
        return values
    steps, size = [], 1
    for extent in reversed(shape):
        steps.append(size if extent > 1 else 0)
        size *= extent
    steps.reverse()
    return [values[sum(map(mul, at, steps))] for at in product(*map(range, y_shape))]


def add_operand(v: OpView, values: Values, name: str) -> Values:
    """ua or ub of spec 4.3, broadcast to the shape of y."""
    a = v.args
    m, s, zero = getattr(a, f"{name}_m"), getattr(a, f"{name}_s"), getattr(a, f"{name}_zero")
    if a.rounding == TFLITE:
        scale = requantizer(TFLITE, m, s)
        table = [scale((value - zero) << a.left_shift) for value in range(-128, 128)]
    else:
        table = [(value - zero) * m for value in range(-128, 128)]
    all_i32(table)
    return broadcast_to([table[value + 128] for value in values], v.shape(name), v.shape("y"))


def add_op(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    ua, ub = (add_operand(v, xs[name], name) for name in ("a", "b"))
    return finisher(v, v.args.m, v.args.s, bounds[0])(list(map(add, ua, ub)))


def matrices(v: OpView, values: Values, name: str) -> list[list[Values]]:
    """For each matrix of y, in order, the vectors along the depth of operand `name`, minus its zero point."""
    outer, depth = v.shape(name)[:-2], v.shape(name)[-2:]
    size, zero = prod(depth), getattr(v.args, f"{name}_zero")
    along_depth = bool(getattr(v.args, f"adj_{name}")) == (name == "b")
    made = []
    for at in range(0, len(values), size):
        block = [value - zero for value in values[at:at + size]]
        step = depth[1]
        made.append([block[i:i + step] for i in range(0, size, step)] if along_depth else [block[i::step] for i in range(step)])
    return [made[i] for i in broadcast_to(list(range(len(made))), outer, v.shape("y")[:-2])]


def batch_matmul(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    finish, out = finisher(v, v.args.m, v.args.s, bounds[0]), []
    for rows, columns in zip(matrices(v, xs["a"], "a"), matrices(v, xs["b"], "b"), strict=True):
        out += finish([sum(map(mul, row, column)) for row in rows for column in columns])
    return out


def sub_op(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    ua, ub = (add_operand(v, xs[name], name) for name in ("a", "b"))
    return finisher(v, v.args.m, v.args.s, bounds[0])(list(map(sub, ua, ub)))


def mul_op(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    a, b = (broadcast_to([x - zero for x in xs[name]], v.shape(name), v.shape("y"))
            for name, zero in (("a", v.args.a_zero), ("b", v.args.b_zero)))
    return finisher(v, v.args.m, v.args.s, bounds[0])(list(map(mul, a, b)))


def requant_op(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    finish = finisher(v, v.args.m, v.args.s, bounds[0])
    return finish([x - v.args.x_zero for x in xs["x"]])


def sum_op(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    summed = summed_axes(v)
    kept = [1 if gone else extent for extent, gone in zip(v.shape("x"), summed)]
    accs = [0] * prod(kept)
    steps = [prod(kept[i + 1:]) * (not gone) for i, gone in enumerate(summed)]
    for at, x in zip(product(*map(range, v.shape("x"))), xs["x"]):
        accs[sum(map(mul, at, steps))] += x - v.args.x_zero
    return finisher(v, v.args.m, v.args.s, bounds[0])(accs)


def prelu(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    a = v.args
    positive = finisher(v, a.positive_m, a.positive_s, bounds[0])
    negative = finisher(v, a.m, a.s, bounds[1])
    slopes = broadcast_to([s - a.slope_zero for s in v.constant("slope")], v.shape("slope"), v.shape("x"))
    us = [x - a.x_zero for x in xs["x"]]
    return [(positive([u]) if u >= 0 else negative([u * slope]))[0] for u, slope in zip(us, slopes)]


def reduce_max(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    reduced, better = summed_axes(v), min if v.args.smallest else max
    groups: dict[tuple[int, ...], list[int]] = {}
    for at, x in zip(product(*map(range, v.shape("x"))), xs["x"]):
        groups.setdefault(tuple(i for i, gone in zip(at, reduced) if not gone), []).append(x)
    return [clamp(better(group), v.args.y_min, v.args.y_max) for _, group in sorted(groups.items())]


def arg_max(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    shape, axis, better = v.shape("x"), v.args.axis, min if v.args.smallest else max
    inner = prod(shape[axis + 1:])
    rows = [xs["x"][at + k:at + shape[axis] * inner:inner]
            for at in range(0, prod(shape), shape[axis] * inner) for k in range(inner)]
    return [row.index(better(row)) for row in rows]


# Pools

def windows(v: OpView, x: Values):
    """For each output position and channel the values of the window inside the image."""
    a, (n, h, w, c), (_, oh, ow, _) = v.args, v.shape("x"), v.shape("y")
    for image, p, t in product(range(n), range(oh), range(ow)):
        top, left = p * a.stride_h - a.pad_top, t * a.stride_w - a.pad_left
        rows = range(max(top, 0), min(top + a.kernel_h, h))
        first, last = max(left, 0), min(left + a.kernel_w, w)
        for channel in range(c):
            window = []
            for i in rows:
                row = ((image * h + i) * w) * c + channel
                window += x[row + first * c:row + last * c:c]
            yield window


def max_pool(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    return [clamp(max(window), v.args.y_min, v.args.y_max) for window in windows(v, xs["x"])]


def average(rounding: int, acc: int, count: int) -> int:
    """q of spec 4.7."""
    half = count // 2
    if rounding == TFLITE and acc < 0:
        return -((-acc + half) // count)
    return (acc + half) // count


def avg_pool(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    out = []
    for window in windows(v, xs["x"]):
        acc = within([sum(window)], bounds[0])[0]
        out.append(clamp(average(v.args.rounding, acc, len(window)), v.args.y_min, v.args.y_max))
    return out


# Softmax

@lru_cache(maxsize=16)
def exp_table(m: int, s: int) -> tuple[int, ...]:
    """E(-i) of spec 4.9 for i = 0 .. 255."""
    d_min = -((31 * 2**26) // 2**s)
    return tuple(0 if -i < d_min else exp5(mulh(i32(-i * 2**s), m)) for i in range(256))


def softmax_row(row: Values, table: tuple[int, ...], bound: int) -> Values:
    top = max(row)
    exps = [table[top - x] for x in row]
    total = sum(rshift(e, 12) for e in exps)
    within([total], bound)
    h = 32 - total.bit_length()
    r = recip(total * 2**h - 2**31)
    n = 35 - h
    if n > 31:
        return [-128] * len(row)
    return [clamp(rshift(mulh(r, e), n) - 128, -128, 127) for e in exps]


def softmax(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    length, x = v.shape("x")[-1], xs["x"]
    table = exp_table(v.args.m, v.args.s)
    out = []
    for at in range(0, len(x), length):
        out += softmax_row(x[at:at + length], table, bounds[0])
    return out


# Ops that only move or map values

def lut(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    table = v.constant("table")
    return [table[x + 128] for x in xs["x"]]


def clamp_op(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    return [clamp(x, v.args.y_min, v.args.y_max) for x in xs["x"]]


def reshape(_v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    return list(xs["x"])


def pad(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    shape, y_shape = v.shape("x"), v.shape("y")
    before, _ = pad_counts(v)
    steps = [prod(y_shape[i + 1:]) for i in range(len(shape))]
    out = [v.args.pad_value] * prod(y_shape)
    for at, x in zip(product(*map(range, shape)), xs["x"]):
        out[sum(mul(i + shift, step) for i, shift, step in zip(at, before, steps))] = x
    return out


def cut(values: Values, shape: tuple[int, ...], axis: int, extents: list[int]) -> list[Values]:
    """The pieces of `values`, of that shape, that have those extents along the axis."""
    inner = prod(shape[axis + 1:])
    size, pieces, first = shape[axis] * inner, [], 0
    for extent in extents:
        rows = range(first, len(values), size)
        pieces.append([value for at in rows for value in values[at:at + extent * inner]])
        first += extent * inner
    return pieces


def concat(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    axis, rows = v.args.axis, prod(v.shape("y")[:v.args.axis])
    sizes = [(xs[name], prod(v.shape(name)[axis:])) for name in v.operands]
    return [value for row in range(rows) for x, size in sizes for value in x[row * size:(row + 1) * size]]


def split(v: OpView, xs: dict[str, Values], _bounds: Values) -> list[Values]:
    return cut(xs["x"], v.shape("x"), v.args.axis, [v.shape(name)[v.args.axis] for name in v.outputs])


def pick(v: OpView, x: Values, place: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Values:
    """For each index of y, in order, the element of x at the place that belongs to it."""
    shape = v.shape("x")
    steps = [prod(shape[i + 1:]) for i in range(len(shape))]
    return [x[sum(map(mul, place(at), steps))] for at in product(*map(range, v.shape("y")))]


def slice_op(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    begins, steps = per_axis(v, "begin", lambda axis: 0), per_axis(v, "step", lambda axis: 1)
    return pick(v, xs["x"], lambda at: tuple(begin + i * step for begin, i, step in zip(begins, at, steps)))


def transpose(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    perm = per_axis(v, "perm", lambda axis: axis)
    return pick(v, xs["x"], lambda at: tuple(at[perm.index(axis)] for axis in range(len(perm))))


def tile(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    return pick(v, xs["x"], lambda at: tuple(i % extent for i, extent in zip(at, v.shape("x"))))


def gather(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    axis, indices, shape = v.args.axis, v.constant("indices"), v.shape("indices")
    steps = [prod(shape[i + 1:]) for i in range(len(shape))]
    end = axis + len(shape)
    return pick(v, xs["x"], lambda at: at[:axis] + (indices[sum(map(mul, at[axis:end], steps))],) + at[end:])


def resize_nearest(v: OpView, xs: dict[str, Values], _bounds: Values) -> Values:
    rows, columns = v.constant("rows"), v.constant("columns")
    return pick(v, xs["x"], lambda at: (at[0], rows[at[1]], columns[at[2]], at[3]))


def between(count: int, scale: int, offset: int, extent: int) -> list[tuple[int, int, int]]:
    """For each output of an axis: i, i' and f of spec 4.18."""
    places = [clamp(i32(p * scale + offset), 0, 1024 * (extent - 1)) for p in range(count)]
    return [(at // 1024, at // 1024 + (at % 1024 > 0), at % 1024) for at in places]


def resize_bilinear(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    a, x, (n, h, w, c), (_, oh, ow, _) = v.args, xs["x"], v.shape("x"), v.shape("y")
    rows, columns = between(oh, a.scale_h, a.offset_h, h), between(ow, a.scale_w, a.offset_w, w)
    out = []
    for image, (i, i2, f), (j, j2, g), channel in product(range(n), rows, columns, range(c)):
        acc = sum(x[((image * h + row) * w + column) * c + channel] * wh * ww
                  for row, wh in ((i, 1024 - f), (i2, f)) for column, ww in ((j, 1024 - g), (j2, g)))
        within([acc], bounds[0])
        out.append(rshift(acc, 20) if a.rounding == TFLITE else (acc + 2**19) >> 20)
    return out


# State

def lstm(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    """All steps of each image; `v.state` is [N, 2, O], flat, and is changed."""
    inputs, (_, _, cells), out = v.shape("x")[2], v.shape("y"), [0] * v.tensor("y").elements
    images, steps = v.shape("x")[:2][::-1] if v.args.time_major else v.shape("x")[:2]
    for n in range(images):
        for t in range(steps):
            row = t * images + n if v.args.time_major else n * steps + t
            x = [value - v.args.x_zero for value in xs["x"][row * inputs:(row + 1) * inputs]]
            c, h = (v.state[(2 * n + part) * cells:(2 * n + part + 1) * cells] for part in range(2))
            c, h = lstm_step(v, bounds, x, c, h)
            v.state[2 * n * cells:2 * (n + 1) * cells] = c + h
            out[row * cells:(row + 1) * cells] = [value + v.args.y_zero for value in h]
    return out


def lstm_step(v: OpView, bounds: Values, x: Values, c: Values, h: Values) -> tuple[Values, Values]:
    """The cells and the hidden state after a step."""
    a, cells, (keep, add_to, finish) = v.args, len(c), [requantizer(v.args.rounding, m, s) for m, s in v.multipliers[8:]]
    p = lstm_seen(v, x, v.constant("w"), v.constant("bias"), bounds[:4 * cells], 0)
    q = lstm_seen(v, h, v.constant("r"), (0,) * 4 * cells, bounds[4 * cells:8 * cells], 4)
    gates = [sat16(one + other) for one, other in zip(p, q)]
    new_c, new_h = [], []
    for o in range(cells):
        i, f, g, out = (gates[gate * cells + o] for gate in range(4))
        products = within([sigmoid(f) * c[o], sigmoid(i) * tanh(g, 0)], bounds[-1])
        cell = sat16(sat16(i32(keep(products[0]))) + sat16(i32(add_to(products[1]))))
        cell = clamp(cell, -a.cell_clip, a.cell_clip) if a.cell_clip else cell
        product = within([sigmoid(out) * tanh(cell, a.cell_shift)], bounds[-1])[0]
        new_c.append(cell)
        new_h.append(clamp(i32(finish(product) + a.y_zero), -128, 127) - a.y_zero)
    return new_c, new_h


def lstm_seen(v: OpView, x: Values, w: Values, bias: Values, bounds: Values, first: int) -> Values:
    """What the gates see, [4, O]; first: the row of the first gate's multiplier."""
    scales = [requantizer(v.args.rounding, m, s) for m, s in v.multipliers[first:first + 4]]
    accs = [b + sum(map(mul, x, w[at * len(x):(at + 1) * len(x)])) for at, b in enumerate(bias)]
    return [sat16(i32(scales[at * 4 // len(accs)](within([acc], bounds[at])[0]))) for at, acc in enumerate(accs)]


def svdf(v: OpView, xs: dict[str, Values], bounds: Values) -> Values:
    """One step; `v.state` is [N, F, T], flat, and is changed."""
    a, inputs, memory = v.args, v.shape("x")[1], v.shape("w_time")[1]
    filters, w, time = v.shape("w")[0], v.constant("w"), v.constant("w_time")
    scale, out = requantizer(a.rounding, a.feature_m, a.feature_s), []
    for n in range(v.shape("x")[0]):
        x, products = [value - a.x_zero for value in xs["x"][n * inputs:(n + 1) * inputs]], []
        for f in range(filters):
            acc = within([sum(map(mul, x, w[f * inputs:(f + 1) * inputs]))], bounds[f])[0]
            at = (n * filters + f) * memory
            v.state[at:at + memory] = v.state[at + 1:at + memory] + [clamp(i32(scale(acc)), a.state_min, a.state_max)]
            products.append(sum(map(mul, time[f * memory:(f + 1) * memory], v.state[at:at + memory])))
        for u, bias in enumerate(v.constant("bias")):
            total = clamp(bias + sum(products[u * a.rank:(u + 1) * a.rank]), -(2**31 - 1), 2**31 - 1)
            out += finisher(v, a.m, a.s, bounds[filters + u])([total])
    return out


KERNELS = {
    "conv": conv, "transposed_conv": transposed_conv, "conv_3d": conv_3d,
    "fully_connected": fully_connected, "batch_matmul": batch_matmul, "scale": scale,
    "add": add_op, "sub": sub_op, "mul": mul_op, "requant": requant_op, "lut": lut, "clamp": clamp_op, "prelu": prelu,
    "max_pool": max_pool, "avg_pool": avg_pool, "sum": sum_op, "reduce_max": reduce_max, "arg_max": arg_max, "softmax": softmax,
    "reshape": reshape, "pad": pad, "concat": concat, "split": split, "slice": slice_op, "transpose": transpose, "tile": tile,
    "gather": gather, "resize_nearest": resize_nearest, "resize_bilinear": resize_bilinear,
    "gather": gather, "resize_nearest": resize_nearest,
    "lstm": lstm, "svdf": svdf,
}
