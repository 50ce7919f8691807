# SPDX-License-Identifier: Apache-2.0
"""Canonical files that must be refused: one per limit, bound, type and graph rule of the specification."""

from dataclasses import replace
from typing import Iterator

from ..builder import Builder, WrongCase, join, single, with_arguments, with_shape, with_tensor
from ..lks_file import I8, I16, I32, I64, Model, Op, Tensor, write
from ..op_table import HALF_UP, TFLITE
from .add import add
from .arg_max import arg_max
from .batch_matmul import batch_matmul
from .clamp import clamp
from .concat import concat
from .conv import conv_model
from .conv_3d import conv_3d
from .fully_connected import fully_connected
from .gather import gather
from .lstm import lstm, power
from .lut import lut
from .moves import slice_model, tile_model, transpose_model
from .mul import mul
from .pad import pad
from .pool_models import pool
from .prelu import prelu
from .reduce_max import reduce_max
from .requant import requant
from .resize_bilinear import resize as resize_bilinear
from .resize_nearest import resize
from .scale import scale
from .softmax import softmax
from .split import split
from .svdf import svdf
from .sum_over_axes import sum_model
from .transposed_conv import transposed

Found = Iterator[tuple[str, Model, str]]        # what is wrong, the model, a piece of the reason

PLAIN = {HALF_UP: (2**30, 38), TFLITE: (2**30, -7)}
MODES = ((HALF_UP, "half_up"), (TFLITE, "tflite"))
BAD_MULTIPLIERS = {
    HALF_UP: ((2**30 - 1, 31), (1, 30), (-2**30, 31), (-2**31, 31), (2**30, 29), (2**30, 63), (2**30, 0),
              (2**30, -1), (0, 31), (0, 0), (0, 62), (2**31 - 1, 64)),
    TFLITE: ((-1, 0), (-2**31, 0), (2**30, 31), (2**30, -32), (0, 31), (0, -32), (2**30, 2**31 - 1),
             (2**30, -2**31)),
}


def conv(rounding: int = TFLITE, **changes) -> Model:
    """A small conv that is accepted; `changes` replace its geometry."""
    config = dict(x=(1, 5, 5, 4), o=4, k=(3, 3), p=(1, 1, 1, 1)) | changes
    count = config["o"] * config["k"][0] * config["k"][1] * (config["x"][3] // config.get("g", 1))
    return conv_model(rounding, [1] * count, [0] * config["o"], [PLAIN[rounding]] * config["o"], **config)


def fc(rounding: int = TFLITE, bias=(0, 0), rq=None, weights=(1, -1)) -> Model:
    """One input value, two channels."""
    return fully_connected(rounding, (1, 1), (1, 2), weights, bias, rq or [PLAIN[rounding]] * 2)


def common(name: str, model: Model, at: dict) -> Found:
    """The limits that hold for every op: zero points, activation range, rounding, shape of y."""
    for argument in at.get("zeros", ()):
        for value in (-129, 128):
            yield f"{name} {argument} {value}", with_arguments(model, **{argument: value}), argument
    if at.get("clamp", True):
        for low, high in ((1, 0), (-129, 127), (-128, 128)):
            yield f"{name} y_min {low} y_max {high}", with_arguments(model, y_min=low, y_max=high), "y_min and y_max"
    if at.get("rounding", True):
        for value in (2, -1):
            yield f"{name} rounding {value}", with_arguments(model, rounding=value), "rounding"
    y = len(model.tensors) - 1
    shape = model.tensors[y].shape
    for wrong in (shape[:-1] + (shape[-1] + 1,), (shape[0] + 1,) + shape[1:]):
        yield f"{name} y of shape {join(wrong)} for {join(shape)}", with_shape(model, y, *wrong), "y"


def pair_limits(name: str, make, step: int = 1) -> Found:
    """Pairs (m, s) that spec 3.1 does not allow; `make(rounding, m, s)` gives the model."""
    for rounding, mode in MODES:
        for m, s in BAD_MULTIPLIERS[rounding][::step]:
            yield f"{name} {mode} m {m} s {s}", make(rounding, m, s), f"{mode} multiplier"


def types(name: str, model: Model) -> Found:
    """An x or y of a type that no op takes."""
    x, y = model.ops[0].operands[0], model.ops[0].outputs[0]
    if name != "requant":
        yield f"{name} x is i16", with_tensor(model, x, type=I16, interface=I16), "x is not i8"
    yield f"{name} x is i32", with_tensor(model, x, type=I32, interface=I32), "x is not i8"
    yield f"{name} y is i32", with_tensor(model, y, type=I32, interface=I32), "y is not i8"
    extra = Tensor(b"extra", I8, I8, (1,))
    constant = replace(model.tensors[x], data=bytes(model.tensors[x].elements))
    tensors = model.tensors[:x] + (constant,) + model.tensors[x + 1:] + (extra,)
    yield f"{name} x is a constant", replace(model, tensors=tensors, inputs=(len(tensors) - 1,)), "x is a constant"


def conv_geometry() -> Found:
    base = conv()
    for argument in ("stride_h", "stride_w", "dilation_h", "dilation_w"):
        for value in (0, -1, 65536):
            if "stride" in argument or value < 1:
                yield f"conv {argument} {value}", with_arguments(base, **{argument: value}), argument
    one = conv(k=(1, 1), p=(0, 0, 0, 0))
    yield "conv dilation_h 65536 of a 1x1 kernel", with_arguments(one, dilation_h=65536), "dilation_h"
    yield "conv dilation_w 65536 of a 1x1 kernel", with_arguments(one, dilation_w=65536), "dilation_w"
    for position, side in enumerate(("pad_top", "pad_bottom", "pad_left", "pad_right")):
        pads = [1, 1, 1, 1]
        pads[position] = 3
        yield f"conv {side} 3 for a kernel of 3", conv(p=pads), side
        yield f"conv {side} -1", with_arguments(base, **{side: -1}), side
        pads[position] = 5
        yield f"conv {side} 5 for a kernel of 3 dilated by 2", conv(d=(2, 2), p=pads), side
    large = conv(k=(5, 5), p=(0, 0, 0, 0))
    for extents, axis in (((1, 4, 5, 4), "high"), ((1, 5, 4, 4), "wide")):
        yield f"conv kernel too {axis} for the image", with_shape(large, 0, *extents), "larger than the padded image"
    yield "conv reach beyond 32 bits", with_arguments(conv(k=(2, 2), x=(1, 5, 5, 4)), dilation_h=65535), "larger"
    reach = 32769 * 65535 + 1
    pads = ((reach - 1) // 2, reach - 1 - (reach - 1) // 2)
    yield "conv padded beyond 2^31 - 1 high", conv(x=(1, 1, 1, 1), o=1, k=(32770, 1), d=(65535, 1), p=(*pads, 0, 0)), "2^31 - 1"
    yield "conv padded beyond 2^31 - 1 wide", conv(x=(1, 1, 1, 1), o=1, k=(1, 32770), d=(1, 65535), p=(0, 0, *pads)), "2^31 - 1"


def conv_tensors() -> Found:
    base = conv()
    for groups in (0, -1, 3, 8, -2**31):
        yield f"conv groups {groups} for C = O = 4", with_arguments(base, groups=groups), "groups does not divide"
    yield "conv groups 4 divides C = 4, not O = 6", conv(o=6, g=4), "groups does not divide"
    yield "conv groups 4 divides O = 4, not C = 6", conv(x=(1, 5, 5, 6), g=4), "groups does not divide"
    yield "conv groups 2 with weights for 1", with_arguments(base, groups=2), "w has shape"
    yield "conv x of rank 3", with_shape(base, 0, 5, 5, 4), "x is not of rank 4"
    yield "conv x of rank 5", with_shape(base, 0, 1, 1, 5, 5, 4), "x is not of rank 4"
    yield "conv w of rank 3", with_shape(base, 1, 12, 3, 4), "w is not of rank 4"
    yield "conv w for 3 input channels", with_shape(base, 1, 4, 3, 3, 3), "w has shape"
    yield "conv y of rank 3", with_shape(base, 4, 5, 5, 4), "y has shape"
    yield from channel_tensors("conv", base)


def channel_tensors(name: str, model: Model) -> Found:
    """w, bias and rq of a wrong type, shape or role."""
    o = model.tensors[2].shape[0]
    for at, operand, good in ((1, "w", I8), (2, "bias", I32), (3, "rq", I32)):
        bad = I32 if good == I8 else I8
        t = model.tensors[at]
        values = bytes(t.elements * (4 if bad == I32 else 1))
        yield f"{name} {operand} of another type", with_tensor(model, at, type=bad, interface=bad, data=values), \
            f"{operand} has the wrong type"
        loose = replace(with_tensor(model, at, data=None), inputs=model.inputs + (at,))
        yield f"{name} {operand} is an activation", loose, f"{operand} is not a constant"
    yield f"{name} bias is i16", with_tensor(model, 2, type=I16, interface=I16, data=bytes(2 * o)), "bias has the wrong"
    yield f"{name} bias of {o - 1} for {o} channels", with_shape(model, 2, o - 1), "bias has shape"
    yield f"{name} bias of rank 2", with_shape(model, 2, o, 1), "bias has shape"
    yield f"{name} rq of {o + 1} rows for {o} channels", with_shape(model, 3, o + 1, 2), "rq has shape"
    yield f"{name} rq of rank 1", with_shape(model, 3, 2 * o), "rq has shape"
    yield f"{name} rq of 3 columns", with_shape(model, 3, o, 3), "rq has shape"


def conv_cases() -> Found:
    yield from common("conv", conv(), dict(zeros=("x_zero", "w_zero", "y_zero", "pad_value")))
    yield from types("conv", conv())
    yield from conv_geometry()
    yield from conv_tensors()
    yield from pair_limits("conv last channel", lambda rounding, m, s: conv_model(
        rounding, [1] * 3, [0] * 3, [PLAIN[rounding]] * 2 + [(m, s)], x=(1, 2, 2, 1), o=3, k=(1, 1)), step=2)


def fully_connected_cases() -> Found:
    base = fully_connected(TFLITE, (2, 6), (2, 4), [1] * 24, [0] * 4, [PLAIN[TFLITE]] * 4)
    yield from common("fully_connected", base, dict(zeros=("x_zero", "w_zero", "y_zero")))
    yield from types("fully_connected", base)
    yield from channel_tensors("fully_connected", base)
    yield "fully_connected elements of x no multiple of K", with_shape(base, 0, 1, 13), "multiple of K"
    yield "fully_connected fewer elements than K", with_shape(base, 0, 1, 5), "multiple of K"
    yield "fully_connected y of rank 1 for two rows", with_shape(base, 4, 4), "y has shape"
    yield "fully_connected y of three rows for two", with_shape(base, 4, 3, 4), "y has shape"
    yield "fully_connected y turned", with_shape(base, 4, 4, 2), "y has shape"
    yield "fully_connected w of rank 3", with_shape(base, 1, 4, 6, 1), "w is not of rank 2"
    yield "fully_connected w of rank 1", with_shape(base, 1, 24), "w is not of rank 2"
    yield from pair_limits("fully_connected", lambda rounding, m, s: fc(rounding, rq=[PLAIN[rounding], (m, s)]))


def scale_cases() -> Found:
    base = scale(TFLITE, (2, 4), [1] * 4, [0] * 4, [PLAIN[TFLITE]] * 4)
    yield from common("scale", base, dict(zeros=("x_zero", "w_zero", "y_zero")))
    yield from types("scale", base)
    yield from channel_tensors("scale", base)
    yield "scale w of rank 2", with_shape(base, 1, 4, 1), "w has shape"
    yield "scale w for 3 channels", with_shape(base, 1, 3), "w has shape"
    yield "scale y of another rank", with_shape(base, 4, 1, 2, 4), "y has shape"
    yield from pair_limits("scale", lambda rounding, m, s: scale(
        rounding, (1, 2), [1] * 2, [0] * 2, [PLAIN[rounding], (m, s)]), step=2)
    fine = (2**31 - 1, 62)
    yield "scale bound 2^31", scale(HALF_UP, (1, 1), [127], [2**31 - 255 * 255], [fine], (-128, -128, 0)), "leaves i32"


def channel_bounds() -> Found:
    """The bound is 128 + |bias| here, in the second channel; one more than what other packs show accepted."""
    for rounding, mode in MODES:
        name = f"fully_connected {mode} bound"
        fine = [(2**31 - 1, 62), (2**31 - 1, -31)][rounding]
        for sign in (1, -1):
            yield f"{name} 2^31, sign {sign}", fc(rounding, (0, sign * (2**31 - 128)), [fine] * 2), "leaves i32"
        yield f"{name} 2^31 of bias -2^31 alone", fc(rounding, (0, -2**31), [fine] * 2, (0, 0)), "leaves i32"
        yield f"{name} 2^31 - 1 + 128 of the largest bias", fc(rounding, (0, 2**31 - 1), [fine] * 2), "leaves i32"
    for m, s, bound in ((2**30, 30, 2**31 - 129), (2**31 - 1, 30, 2**30 - 64), (2**30, 30, 2**31 - 1),
                        (2**31 - 1, 30, 2**30 + 5), (2**31 - 1, 30, 3 * 2**29), (2**31 - 1, 30, 2**31 - 1),
                        (2**30 + 1, 30, 2**31 - 1), (2**31 - 1, 31, 2**31 - 1)):
        yield f"fully_connected half_up bound {bound} with m {m} s {s}", \
            fc(HALF_UP, (0, bound - 128), [PLAIN[0], (m, s)]), "after scaling"
    for m, s, bound, why in ((2**30, 1, 2**30, "left shift"), (0, 1, 2**30, "left shift"), (1, 23, 256, "left shift"),
                             (2**31 - 1, 0, 2**31 - 128, "after scaling"),
                             (2**31 - 1, 1, 2**30 - 64, "after scaling"),
                             (2**31 - 1, 7, 2**24 - 1, "after scaling")):
        yield f"fully_connected tflite bound {bound} with m {m} s {s}", \
            fc(TFLITE, (0, bound - 128), [PLAIN[1], (m, s)]), why
    yield "fully_connected tflite bound 2 with s 30", \
        fc(TFLITE, (0, 2), [PLAIN[1], (1, 30)], (0, 0)), "left shift"
    for zero, bound in ((-128, 255), (127, 255), (0, 128)):
        model = with_arguments(fc(HALF_UP, (0, 2**31 - bound), [(2**31 - 1, 62)] * 2), x_zero=zero)
        yield f"fully_connected half_up bound 2^31 with x_zero {zero}", model, "leaves i32"


def conv_bounds() -> Found:
    """The same law through weights, a weight zero point and a group."""
    for rounding, mode in MODES:
        fine = [(2**31 - 1, 62), (2**31 - 1, -31)][rounding]
        model = conv_model(rounding, [0] * 4 + [-128] * 4, [0, 2**31 - 4 * 255 * 255], [fine] * 2,
                           x=(1, 2, 2, 2), o=2, k=(2, 2), g=2, z=(127, 127, 0))
        yield f"conv {mode} bound 2^31 by w_zero 127", model, "leaves i32"


def add_and_sub_cases(kind: str) -> Found:
    shapes = dict(a=(1, 3), b=(1, 3))
    half = dict(rounding=HALF_UP, a_m=3, b_m=4, m=2**30, s=32)
    tfl = dict(rounding=TFLITE, left_shift=20, a_m=2**30, b_m=2**30, m=2**30, s=-19)
    zeros = ("a_zero", "b_zero", "y_zero")
    yield from common(kind, add(**shapes, kind=kind, **tfl), dict(zeros=zeros))
    yield from pair_types(kind, add(**shapes, kind=kind, **tfl))
    for a, b, y in (((1, 3), (1, 2), (1, 3)), ((2, 3), (3, 3), (3, 3)), ((2, 3), (2,), (2, 3)), ((4,), (1, 2), (1, 4))):
        model = with_shape(with_shape(with_shape(add(**shapes, kind=kind, **half), 0, *a), 1, *b), 2, *y)
        yield f"{kind} a {join(a)} and b {join(b)}", model, "broadcast"
    for y in ((3,), (1, 1, 3), (1, 1)):
        yield f"{kind} y of shape {join(y)}", with_shape(add(**shapes, kind=kind, **half), 2, *y), "y has shape"
    for changes in (dict(left_shift=1), dict(a_s=1), dict(b_s=-1), dict(a_s=-1, b_s=-1)):
        yield f"{kind} half_up {changes}", add(**shapes, kind=kind, **(half | changes)), "half_up add has"
    for name in ("a_m", "b_m"):
        yield f"{kind} half_up {name} -2^31", add(**shapes, kind=kind, **(half | {name: -2**31})), f"{name} is -2^31"
    for changes, why in ((dict(left_shift=23), "left_shift"), (dict(left_shift=-1), "left_shift"),
                         (dict(a_s=1), "a_s"), (dict(b_s=1), "b_s"), (dict(a_s=-32), "tflite multiplier"),
                         (dict(b_s=-32), "tflite multiplier"), (dict(a_m=-1), "tflite multiplier"),
                         (dict(b_m=-2**31), "tflite multiplier"), (dict(a_s=31), "tflite multiplier")):
        yield f"{kind} tflite {changes}", add(**shapes, kind=kind, **(tfl | changes)), why
    yield from pair_limits(kind, lambda rounding, m, s: add(**shapes, kind=kind, **((half, tfl)[rounding] | dict(m=m, s=s))),
                           step=2)
    yield from add_bounds(kind, shapes)


def batch_matmul_cases() -> Found:
    scale = {HALF_UP: (2**30, 38), TFLITE: (2**30, -7)}

    def product(rounding: int = TFLITE, m: int | None = None, s: int | None = None, **changes) -> Model:
        m, s = scale[rounding] if m is None else (m, s)
        return batch_matmul(**(dict(rkc=(2, 3, 4), rounding=rounding, m=m, s=s, lead=((2,), (2,))) | changes))

    base = product()
    yield from common("batch_matmul", base, dict(zeros=("a_zero", "b_zero", "y_zero")))
    yield from pair_types("batch_matmul", base)
    yield from pair_limits("batch_matmul", product, step=2)
    for name in "adj_a", "adj_b":
        for value in (-1, 2):
            yield f"batch_matmul {name} {value}", with_arguments(base, **{name: value}), f"{name} is not"
        yield f"batch_matmul of another depth by {name}", with_arguments(base, **{name: 1}), "has depth"
    yield "batch_matmul a of rank 1", with_shape(product(lead=((), ())), 0, 3), "a is of rank 1"
    yield "batch_matmul b of rank 1", with_shape(product(lead=((), ())), 1, 3), "b is of rank 1"
    yield "batch_matmul b of depth 4", with_shape(base, 1, 2, 4, 4), "has depth"
    yield "batch_matmul leading extents 2 and 3", with_shape(base, 1, 3, 3, 4), "broadcast"
    for shape in ((2, 4, 2), (1, 2, 4), (2, 4), (1, 2, 2, 4)):
        yield f"batch_matmul y of shape {join(shape)}", with_shape(base, 2, *shape), "y has shape"
    for rounding, mode in MODES:
        fine = [(2**31 - 1, 62), (2**31 - 1, -31)][rounding]
        yield f"batch_matmul {mode} bound of 33026 terms", \
            product(rounding, *fine, rkc=(1, 33026, 1), zeros=(127, -128, 0)), "leaves i32"
    yield "batch_matmul tflite bound shifted by 18", product(TFLITE, 1, 18), "left shift"


def add_cases() -> Found:
    yield from add_and_sub_cases("add")


def sub_cases() -> Found:
    yield from add_and_sub_cases("sub")


def mul_cases() -> Found:
    base = mul((1, 3), (1, 3), TFLITE, 2**30, -6)
    yield from common("mul", base, dict(zeros=("a_zero", "b_zero", "y_zero")))
    yield from pair_types("mul", base)
    for a, b, y in (((1, 3), (1, 2), (1, 3)), ((2, 3), (3, 3), (3, 3))):
        model = with_shape(with_shape(with_shape(base, 0, *a), 1, *b), 2, *y)
        yield f"mul a {join(a)} and b {join(b)}", model, "broadcast"
    yield "mul y of another rank", with_shape(base, 2, 3), "y has shape"
    yield from pair_limits("mul", lambda rounding, m, s: mul((1, 3), (1, 3), rounding, m, s), step=2)
    for a_zero, b_zero, s in ((-128, -128, 16), (0, 0, 17), (127, 0, 17)):
        yield f"mul tflite zeros {a_zero} {b_zero} shifted by {s}", \
            mul((1, 3), (1, 3), TFLITE, 1, s, a_zero, b_zero), "left shift"


def pair_types(kind: str, model: Model) -> Found:
    """Operands of other types, and two constants."""
    y = model.ops[0].outputs[0]
    for at, operand in ((0, "a"), (1, "b")):
        for type_, what in ((I16, "i16"), (I32, "i32")):
            yield f"{kind} {operand} is {what}", with_tensor(model, at, type=type_, interface=type_), f"{operand} is not"
    yield f"{kind} y is i16", with_tensor(model, y, type=I16, interface=I16), "y is not i8"
    a, b = (model.tensors[i].elements for i in (0, 1))
    fixed = replace(with_tensor(model, 1, type=I32, interface=I32, data=bytes(4 * b)), inputs=(0,))
    yield f"{kind} b is an i32 constant", fixed, "b is not i8"
    constants = with_tensor(with_tensor(model, 0, data=bytes(a)), 1, data=bytes(b))
    tensors = constants.tensors + (Tensor(b"extra", I8, I8, (1,)),)
    yield f"{kind} of two constants", replace(constants, tensors=tensors, inputs=(3,)), "both operands are constants"


def add_bounds(kind: str, shapes: dict) -> Found:
    fine = dict(m=2**31 - 1, s=62)
    for a_m, b_m in ((2**23, 2**23), (2**23, -2**23), (2**31 - 1, 0), (0, -2**31 + 1), (2**24, 0)):
        model = add(**shapes, kind=kind, rounding=HALF_UP, a_m=a_m, b_m=b_m, **fine)
        yield f"{kind} half_up bound beyond 2^31 - 1 by a_m {a_m} b_m {b_m}", model, "leaves i32"
    model = add(**shapes, kind=kind, rounding=HALF_UP, a_zero=1, a_m=16647144, b_m=64, **fine)
    bound = 129 * 16647144 + 128 * 64
    assert bound >= 2**31, bound
    yield f"{kind} half_up bound {bound}", model, "leaves i32"
    model = add(**shapes, kind=kind, rounding=HALF_UP, a_m=2**24 - 1, b_m=0, m=2**30, s=30)
    yield f"{kind} half_up bound 2^31 - 128 at scale one", model, "after scaling"
    largest = dict(rounding=TFLITE, a_zero=-128, b_zero=-128, left_shift=22, a_m=2**31 - 1, b_m=2**31 - 1)
    yield f"{kind} tflite largest bound shifted by 1", add(**shapes, kind=kind, **largest, m=0, s=1), "left shift"
    small = dict(rounding=TFLITE, left_shift=0, a_m=2**31 - 1, b_m=2**31 - 1)
    yield f"{kind} tflite bound 256 shifted by 23", add(**shapes, kind=kind, **small, m=1, s=23), "left shift"


def requant_cases() -> Found:
    base = requant((2, 3), TFLITE, 2**30, 0)
    yield from common("requant", base, dict(zeros=("x_zero", "y_zero")))
    yield from types("requant", base)
    yield from pair_limits("requant", lambda rounding, m, s: requant((2, 3), rounding, m, s))
    wide = requant((2, 3), TFLITE, 2**30, 0, interface=I16)
    for value in (-2**15 - 1, 2**15):
        yield f"requant of i16 x_zero {value}", with_arguments(wide, x_zero=value), "x_zero"
    yield "requant of i16 y_zero 128", with_arguments(wide, y_zero=128), "y_zero"
    for zero, s in ((0, 16), (-2**15, 16)):
        yield f"requant tflite of i16 x_zero {zero} shifted by {s}", requant((1,), TFLITE, 1, s, zero, interface=I16), "left shift"
    yield "requant y of another rank", with_shape(base, 1, 6), "y has shape"
    for zero, s in ((0, 24), (-1, 24), (-128, 24), (5, 30)):
        yield f"requant tflite x_zero {zero} shifted by {s}", requant((1,), TFLITE, 1, s, zero), "left shift"


def lut_cases() -> Found:
    base = lut((2, 3), range(-128, 128))
    yield from common("lut", base, dict(clamp=False, rounding=False))
    yield from types("lut", base)
    for shape in ((255,), (257,), (1, 256), (16, 16), (1,)):
        yield f"lut table of shape {join(shape)}", with_shape(base, 1, *shape), "table has shape"
    yield "lut table is i32", with_tensor(base, 1, type=I32, interface=I32, data=bytes(1024)), "table has the wrong"
    yield "lut table is an activation", replace(with_tensor(base, 1, data=None), inputs=(0, 1)), "table is not"


def clamp_cases() -> Found:
    base = clamp((2, 3), -5, 5)
    yield from common("clamp", base, dict(rounding=False))
    yield from types("clamp", base)


def prelu_cases() -> Found:
    base = prelu((2, 3), (3,), (1, 2, 3), TFLITE, 2**30, -6)
    yield from common("prelu", base, dict(zeros=("x_zero", "slope_zero", "y_zero")))
    yield from types("prelu", base)
    yield from pair_limits("prelu", lambda rounding, m, s: prelu((1, 2), (2,), (1, 2), rounding, m, s), step=2)
    yield from pair_limits("prelu positive", lambda rounding, m, s: prelu(
        (1, 2), (2,), (1, 2), rounding, *PLAIN[rounding], positive=(m, s)), step=2)
    for shape in ((2,), (1, 2), (2, 3, 1), (1, 2, 3), (4,), (3, 3)):
        yield f"prelu slope of shape {join(shape)} for 2x3", with_shape(base, 1, *shape), "slope"
    yield "prelu slope is i32", with_tensor(base, 1, type=I32, interface=I32, data=bytes(12)), "slope is not i8"
    yield "prelu slope is an activation", replace(with_tensor(base, 1, data=None), inputs=(0, 1)), "slope is not a constant"
    yield "prelu y of another rank", with_shape(base, 2, 6), "y has shape"
    for x_zero, slope_zero, s in ((-128, -128, 16), (0, 0, 17)):
        yield f"prelu tflite zeros {x_zero} {slope_zero} shifted by {s}", \
            prelu((1, 2), (2,), (1, 2), TFLITE, 1, s, None, x_zero, slope_zero), "left shift"
    yield "prelu tflite positive shifted by 24", prelu((1, 2), (2,), (1, 2), TFLITE, 1, 0, (1, 24)), "left shift"


def pool_cases() -> Found:
    for kind, rounding in (("max_pool", {}), ("avg_pool", dict(rounding=TFLITE))):
        base = pool(kind, (1, 4, 4, 2), (3, 3), p=(1, 1, 1, 1), **rounding)
        yield from common(kind, base, dict(rounding=bool(rounding)))
        yield from types(kind, base)
        for argument in ("kernel_h", "kernel_w", "stride_h", "stride_w"):
            for value in (0, -1, 65536):
                yield f"{kind} {argument} {value}", with_arguments(base, **{argument: value}), argument
        for position, side in enumerate(("pad_top", "pad_bottom", "pad_left", "pad_right")):
            pads = [1, 1, 1, 1]
            pads[position] = 3
            yield f"{kind} {side} 3 for a kernel of 3", pool(kind, (1, 4, 4, 2), (3, 3), p=pads, **rounding), side
            yield f"{kind} {side} -1", with_arguments(base, **{side: -1}), side
        yield f"{kind} x of rank 3", with_shape(base, 0, 4, 4, 2), "rank 4"
        yield f"{kind} y of rank 3", with_shape(base, 1, 4, 4, 2), "y has shape"
        small = pool(kind, (1, 4, 4, 2), (4, 4), **rounding)
        yield f"{kind} kernel higher than the image", with_shape(small, 0, 1, 3, 4, 2), "larger than the padded"
        yield f"{kind} kernel wider than the image", with_shape(small, 0, 1, 4, 3, 2), "larger than the padded"
    yield "avg_pool bound beyond 2^31 - 1 by a kernel of 65535 by 255", \
        pool("avg_pool", (1, 1, 1, 2), (65535, 255), p=(65534, 0, 254, 0), rounding=HALF_UP), "leaves i32"
    yield "avg_pool bound beyond 2^31 by a kernel of 4096 by 4096", \
        pool("avg_pool", (1, 1, 1, 1), (4096, 4096), p=(4095, 0, 0, 4095), rounding=TFLITE), "leaves i32"


def sum_cases() -> Found:
    base = sum_model((2, 3, 4), 0b010, True, TFLITE, 2**30, -1)
    yield from common("sum", base, dict(zeros=("x_zero", "y_zero")))
    yield from types("sum", base)
    yield from pair_limits("sum", lambda rounding, m, s: sum_model((2, 3), 2, False, rounding, m, s), step=2)
    for axes in (0, 8, 10, -1, -2**31, 64):
        yield f"sum axes {axes} for rank 3", with_arguments(base, axes=axes), "axes names"
    two = sum_model((2, 3, 4), 0b110, True, TFLITE, 2**30, -1)
    for shape in ((2, 1), (2, 4), (1, 3, 4), (2, 1, 1, 1)):
        yield f"sum over axes 1 and 2 with y {join(shape)}", with_shape(two, 1, *shape), "y has shape"
    every = sum_model((2, 3, 4), 0b111, False, TFLITE, 2**30, -1)
    yield "sum over all axes with y 1x1", with_shape(every, 1, 1, 1), "y has shape"
    yield "sum bound 2^31", sum_model((2**24,), 1, True, TFLITE, 2**31 - 1, -31), "leaves i32"
    yield "sum bound beyond 2^31 - 1 by x_zero 127", \
        sum_model((2**12, 2**12), 3, True, HALF_UP, 2**31 - 1, 62, 127), "leaves i32"
    yield "sum of 2 shifted by 23", sum_model((2, 2), 2, True, TFLITE, 1, 23), "left shift"
    yield "sum half_up bound at scale nearly two", sum_model((2**23,), 1, True, HALF_UP, 2**31 - 1, 30), "after scaling"


def reduce_max_cases() -> Found:
    base = reduce_max((2, 3, 4), 0b010, True)
    yield from common("reduce_max", base, dict(rounding=False))
    yield from types("reduce_max", base)
    for axes in (0, 8, 10, -1, 64):
        yield f"reduce_max axes {axes} for rank 3", with_arguments(base, axes=axes), "axes names"
    for smallest in (2, -1):
        yield f"reduce_max smallest {smallest}", with_arguments(base, smallest=smallest), "smallest"
    for shape in ((2, 3), (1, 3, 4), (2, 1, 1, 4)):
        yield f"reduce_max over axis 1 with y {join(shape)}", with_shape(base, 1, *shape), "y has shape"


def arg_max_cases() -> Found:
    base = arg_max((2, 3, 4), 1, True)
    yield "arg_max x is i32", with_tensor(base, 0, type=I32, interface=I32), "x is not i8"
    yield "arg_max y is i8", with_tensor(base, 1, type=I8, interface=I8), "y is not i32"
    yield "arg_max y is i16", with_tensor(base, 1, type=I16, interface=I16), "y is not i32"
    for axis in (3, -1, 6):
        yield f"arg_max axis {axis} for rank 3", with_arguments(base, axis=axis), "axis is not"
    for smallest in (2, -1):
        yield f"arg_max smallest {smallest}", with_arguments(base, smallest=smallest), "smallest"
    for shape in ((2, 3), (1, 3, 4), (2, 1, 1, 4), (2, 3, 4)):
        yield f"arg_max over axis 1 with y {join(shape)}", with_shape(base, 1, *shape), "y has shape"
    b = Builder()
    index = b.op("arg_max", [b.input((1, 2, 3))], (1, 2), I32, axis=2, smallest=0)
    counts = {f"{side}_{i}": 0 for side in ("before", "after") for i in range(6)}
    indexed = b.model(b.op("pad", [index], (1, 2), **counts, pad_value=0))
    yield "pad of the indices of arg_max", indexed, "x is not i8"


def softmax_cases() -> Found:
    base = softmax((2, 3), 2**30, 20)
    yield from common("softmax", base, dict(clamp=False, rounding=False))
    yield from types("softmax", base)
    for m, s, why in ((2**30 - 1, 20, "m is not"), (0, 20, "m is not"), (-2**31, 20, "m is not"),
                      (2**30, 0, "s is not"), (2**30, 32, "s is not"), (2**30, -1, "s is not")):
        yield f"softmax m {m} s {s}", softmax((2, 3), m, s), why
    for length in (4096, 2**24):
        yield f"softmax of {length} columns", softmax((1, length), 2**30, 20), "more than 4095"


def shape_op_cases() -> Found:
    base = single("reshape", (2, 6), (3, 4))
    yield "reshape x is i16", with_tensor(base, 0, type=I16, interface=I16), "y is not stored as x"
    yield "reshape x is i32, y is i8", with_tensor(base, 0, type=I32, interface=I32), "y is not stored as x"
    yield "reshape x is i8, y is i32", with_tensor(base, 1, type=I32, interface=I64), "y is not stored as x"
    for shape in ((11,), (13,), (2, 5), (1,), (2, 6, 2)):
        yield f"reshape 12 elements to {join(shape)}", with_shape(base, 1, *shape), "number of elements"
    base = pad((2, 3), (0, 1), (0, 2), 0)
    yield from common("pad", base, dict(zeros=("pad_value",), clamp=False, rounding=False))
    yield from types("pad", base)
    for argument, value in (("before_1", -1), ("after_0", -1), ("before_0", 2**24 + 1), ("after_1", 2**31 - 1),
                            ("before_0", -2**31)):
        yield f"pad {argument} {value}", with_arguments(base, **{argument: value}), "pad count"
    for argument in ("before_2", "after_2", "before_5", "after_5"):
        yield f"pad {argument} 1 beyond the rank", with_arguments(base, **{argument: 1}), "beyond the rank"
    shrunk = with_shape(with_arguments(base, before_1=3, after_1=-1), 1, 2, 5)
    yield "pad that cuts one side", shrunk, "pad count"
    yield "pad of another rank", with_shape(base, 1, 2, 6, 1), "y has shape"


def join_cases() -> Found:
    base = concat(1, [(2, 1, 3), (2, 4, 3)])
    yield from common("concat", base, dict(clamp=False, rounding=False))
    for axis in (3, 5, -1, -2**31):
        yield f"concat axis {axis} of rank 3", with_arguments(base, axis=axis), "axis is not less"
    yield "concat along another axis than the shapes", with_arguments(base, axis=2), "differ off the axis"
    yield "concat of another extent off the axis", with_shape(base, 1, 2, 4, 4), "differ off the axis"
    yield "concat of another rank", with_shape(base, 1, 2, 4), "differ in rank"
    yield "concat with y one row short", with_shape(base, 2, 2, 4, 3), "y has shape"
    b = Builder()
    constant = b.constant((1, 2), (1, 2))
    joined = b.op("concat", [constant, constant], (1, 4), axis=1)
    yield "concat of constants alone", b.model(b.op("reshape", [b.input((1, 2))], (2, 1)), joined), "all operands are constants"
    yield "concat of a constant of type i32", \
        with_tensor(concat(1, ["c", (1, 2), (1, 2)]), 0, type=I32, interface=I32, data=bytes(8)), "is not i8"
    base = split((2, 5, 3), 1, (1, 4), (0, 1))
    for at, name in enumerate(("x", "y_0", "y_1")):
        yield f"split {name} of type i32", with_tensor(base, at, type=I32, interface=I32), f"{name} is not i8"
    for axis in (3, 5, -1):
        yield f"split axis {axis} of rank 3", with_arguments(base, axis=axis), "axis is not less"
    yield "split along another axis than the shapes", with_arguments(base, axis=0), "differ off the axis"
    yield "split of another rank", with_shape(base, 1, 2, 1, 3, 1), "differ in rank"
    yield "split of another extent off the axis", with_shape(base, 2, 2, 4, 4), "differ off the axis"
    yield "split into less than x", with_shape(base, 2, 2, 3, 3), "x has shape"
    yield "split into more than x", with_shape(base, 1, 2, 2, 3), "x has shape"


def move_cases() -> Found:
    base = slice_model((4, 6), (1, 5), (2, -3), (2, 2))
    yield from types("slice", base)
    for changes, why in ((dict(step_0=0), "step is 0"), (dict(step_1=2**24 + 1), "step is 0, or beyond"), (dict(begin_0=4), "leaves x"),
                         (dict(begin_0=-1), "leaves x"), (dict(begin_0=2), "leaves x"), (dict(begin_1=2), "leaves x"),
                         (dict(step_0=3), "leaves x"), (dict(step_2=2), "beyond the rank"), (dict(begin_5=1), "beyond the rank"),
                         (dict(step_1=-2**31), "step is 0, or beyond")):
        yield f"slice {changes}", with_arguments(base, **changes), why
    yield "slice of another rank", with_shape(base, 1, 2, 2, 1), "another rank"
    yield "slice of one element too many", with_shape(base, 1, 3, 2), "leaves x"
    base = transpose_model((2, 3, 4), (2, 0, 1))
    yield from common("transpose", base, dict(clamp=False, rounding=False))
    yield from types("transpose", base)
    for changes, why in ((dict(perm_0=0), "every axis once"), (dict(perm_0=3), "every axis once"), (dict(perm_1=-1), "every axis once"),
                         (dict(perm_3=4), "beyond the rank"), (dict(perm_3=4, perm_4=3), "beyond the rank"), (dict(perm_0=6), "every axis")):
        yield f"transpose {changes}", with_arguments(base, **changes), why
    base = tile_model((2, 3), (1, 2))
    yield from common("tile", base, dict(clamp=False, rounding=False))
    yield from types("tile", base)
    for changes, why in ((dict(repeats_0=0), "repeats is not"), (dict(repeats_1=-1), "repeats is not"), (dict(repeats_1=2**24 + 1), "repeats is"),
                         (dict(repeats_2=2), "beyond the rank"), (dict(repeats_5=0), "beyond the rank"), (dict(repeats_1=2**24), "y has shape")):
        yield f"tile {changes}", with_arguments(base, **changes), why


def index_cases() -> Found:
    base = gather((2, 5, 3), 1, (2, 2), [0, 4, 1, 1])
    yield from common("gather", base, dict(clamp=False, rounding=False))
    yield from types("gather", base)
    for axis in (3, -1):
        yield f"gather axis {axis} of rank 3", with_arguments(base, axis=axis), "axis is not less"
    for wrong in (5, -1, -2**31, 2**31 - 1):
        yield f"gather index {wrong} of 5", gather((2, 5, 3), 1, (2,), [0, wrong]), "out of range"
    yield "gather along an axis that is shorter", with_arguments(base, axis=2), "out of range"
    yield "gather with indices of type i8", with_tensor(base, 1, type=I8, interface=I8, data=bytes(4)), "indices has the wrong type"
    base = resize((1, 3, 4, 2), [0, 2], [3, 0, 1])
    yield from common("resize_nearest", base, dict(clamp=False, rounding=False))
    yield from types("resize_nearest", base)
    yield "resize_nearest row 3 of 3", resize((1, 3, 4, 2), [0, 3], [3]), "rows is out of range"
    yield "resize_nearest column -1", resize((1, 3, 4, 2), [0], [-1]), "columns is out of range"
    yield "resize_nearest of rank 3", with_shape(with_shape(base, 0, 3, 4, 2), 3, 2, 3, 2), "x is not of rank 4"
    yield "resize_nearest with rows of rank 2", with_shape(base, 1, 1, 2), "rows is not of rank 1"
    yield "resize_nearest with columns of type i8", \
        with_tensor(base, 2, type=I8, interface=I8, data=bytes(3)), "columns has the wrong type"


def resize_bilinear_cases() -> Found:
    base = resize_bilinear((2, 4, 4, 3), 8, 8, TFLITE, (512, 0), (512, 0))
    yield from types("resize_bilinear", base)
    for value in (2, -1):
        yield f"resize_bilinear rounding {value}", with_arguments(base, rounding=value), "rounding"
    for shape in ((2, 8, 8, 4), (1, 8, 8, 3), (2, 8, 24), (2, 8, 8, 3, 1)):
        yield f"resize_bilinear y {join(shape)}", with_shape(base, 1, *shape), "y has shape"
    yield "resize_bilinear x of rank 3", with_shape(base, 0, 4, 4, 3), "rank 4"
    for changes, why in ((dict(scale_h=-1), "negative"), (dict(scale_w=-2**31), "negative"), (dict(offset_h=-2**31), "-2^31"),
                         (dict(scale_h=2**29), "leaves i32"), (dict(scale_w=306783378, offset_w=2), "leaves i32")):
        yield f"resize_bilinear {changes}", with_arguments(base, **changes), why
    yield "resize_bilinear x higher than 2^21", resize_bilinear((1, 2**21 + 1, 1, 1), 1, 1, TFLITE, (0, 0), (0, 0)), "2^21"
    yield "resize_bilinear x wider than 2^21", resize_bilinear((1, 1, 2**21 + 1, 1), 1, 1, TFLITE, (0, 0), (0, 0)), "2^21"


def cube(rounding: int = TFLITE, **changes) -> Model:
    """A small 3-D conv that is accepted; `changes` replace its geometry."""
    config = dict(x=(1, 3, 3, 3, 4), o=4, k=(2, 3, 3), p=(1, 0, 1, 1, 1, 1)) | changes
    count = config["o"] * config["k"][0] * config["k"][1] * config["k"][2] * (config["x"][4] // config.get("g", 1))
    return conv_3d(rounding, [1] * count, [0] * config["o"], [PLAIN[rounding]] * config["o"], **config)


def conv_3d_cases() -> Found:
    base = cube()
    yield from common("conv_3d", base, dict(zeros=("x_zero", "w_zero", "y_zero", "pad_value")))
    yield from types("conv_3d", base)
    for changes, why in ((dict(stride_d=0), "stride_d is not"), (dict(dilation_d=65536), "dilation_d is not"), (dict(pad_front=2), "pad_front is"),
                         (dict(pad_back=-1), "pad_back is not"), (dict(pad_top=3), "pad_top is not"), (dict(pad_right=3), "pad_right is"),
                         (dict(groups=0), "groups does"), (dict(groups=3), "groups does not"), (dict(groups=2), "w has shape"),
                         (dict(dilation_d=9), "larger than the padded"), (dict(stride_w=2), "y has shape")):
        yield f"conv_3d {changes}", with_arguments(base, **changes), why
    yield "conv_3d of rank 4", with_shape(base, 0, 3, 3, 3, 4), "x is not of rank 5"
    yield "conv_3d with w of rank 4", with_shape(base, 1, 4, 2, 9, 4), "w is not of rank 5"
    yield "conv_3d bound 2^31", conv_3d(TFLITE, [1] + [0] * 7, [2**31 - 1], [(2**30, -20)], x=(1, 2, 2, 2, 1), o=1, k=(2, 2, 2)), \
        "leaves i32"
    large = conv_3d(TFLITE, [0] * 3, [0], [PLAIN[TFLITE]], x=(1, 2**10, 2**10, 2**10, 1), o=1, k=(3, 1, 1))
    yield "conv_3d that gathers more than 2^31 - 1", large, "beyond 2^31 - 1"


def scattered(rounding: int = TFLITE, **changes) -> Model:
    """A small transposed conv that is accepted; `changes` replace its geometry."""
    config = dict(x=(1, 2, 2, 4), o=4, k=(3, 3), s=(2, 2), p=(1, 0, 1, 0)) | changes
    count = config["o"] * config["k"][0] * config["k"][1] * (config["x"][3] // config.get("g", 1))
    return transposed(rounding, [1] * count, [0] * config["o"], [PLAIN[rounding]] * config["o"], **config)


def transposed_conv_cases() -> Found:
    base = scattered()
    yield from common("transposed_conv", base, dict(zeros=("x_zero", "w_zero", "y_zero")))
    yield from types("transposed_conv", base)
    for changes, why in ((dict(stride_h=0), "stride_h is not"), (dict(stride_w=33), "stride_w is not"), (dict(pad_top=-1), "pad_top is"),
                         (dict(pad_top=3), "pad_top is not"), (dict(pad_bottom=3), "pad_bottom is not"), (dict(pad_left=-1), "pad_left is"),
                         (dict(pad_bottom=-2), "pad_bottom is not"), (dict(pad_right=-2), "pad_right is not"), (dict(groups=0), "groups does"),
                         (dict(groups=3), "groups does not"), (dict(groups=2), "w has shape"), (dict(pad_left=2), "y has shape")):
        yield f"transposed_conv {changes}", with_arguments(base, **changes), why
    yield "transposed_conv with nothing left", with_arguments(scattered(x=(1, 1, 2, 4)), pad_top=2, pad_bottom=2), "not in 1 .. 2^24"
    yield "transposed_conv of rank 3", with_shape(base, 0, 2, 2, 4), "x is not of rank 4"
    yield "transposed_conv bias of another extent", with_shape(base, 2, 5), "bias has shape"
    yield "transposed_conv bound 2^31", transposed(TFLITE, [1] + [0] * 35, [2**31 - 1], [(2**30, -20)], x=(1, 2, 2, 4), o=1, k=(3, 3), s=(2, 2)), \
        "leaves i32"


def chain() -> Model:
    """x -> reshape -> t1 -> reshape -> t2, with a lut for a constant: tensors x t1 t2 table t4."""
    b = Builder()
    x = b.input((1, 2))
    t1 = b.op("reshape", [x], (2, 1))
    t2 = b.op("reshape", [t1], (1, 2))
    return b.model(b.op("lut", [t2, b.constant((256,), [0] * 256)], (1, 2)))


def lstm_cases() -> Found:
    ones = {rounding: [power(rounding, 0)] * 8 + [power(rounding, -15)] * 3 for rounding, _ in MODES}

    def model(rounding: int = TFLITE, w=1, r=1, bias=0, row=None, pair=None, **changes) -> Model:
        rq = list(ones[rounding])
        if row is not None:
            rq[row] = pair
        return lstm(rounding, 1, 2, 3, 2, 0, [w] * 24, [r] * 16, [bias] * 8, rq, **changes)

    base = model()
    yield from common("lstm", base, dict(zeros=("x_zero", "y_zero"), clamp=False))
    yield from types("lstm", base)
    for argument, values in (("cell_shift", (-17, 15)), ("cell_clip", (-1, 2**15)), ("time_major", (-1, 2))):
        for value in values:
            yield f"lstm {argument} {value}", with_arguments(base, **{argument: value}), f"{argument} is not"
    for at, operand, good in ((1, "w", I8), (2, "r", I8), (3, "bias", I32), (4, "rq", I32)):
        bad = I32 if good == I8 else I8
        size = base.tensors[at].elements * (4 if bad == I32 else 1)
        other = with_tensor(base, at, type=bad, interface=bad, data=bytes(size))
        yield f"lstm {operand} of another type", other, "has the wrong type"
        if good == I8:
            loose = replace(with_tensor(base, at, data=None), inputs=base.inputs + (at,))
            yield f"lstm {operand} is an activation", loose, f"{operand} is not a constant"
    yield "lstm x of rank 2", with_shape(base, 0, 2, 3), "x is not of rank 3"
    yield "lstm w of rank 2", with_shape(base, 1, 8, 3), "w is not of rank 3"
    yield "lstm w of 3 gates", with_shape(base, 1, 3, 2, 3), "w has shape"
    yield "lstm w for 4 inputs", with_shape(base, 1, 4, 2, 4), "w has shape"
    yield "lstm r for 3 cells", with_shape(base, 2, 4, 3, 3), "r has shape"
    yield "lstm r of other rows", with_shape(base, 2, 4, 2, 3), "r has shape"
    yield "lstm bias of rank 1", with_shape(base, 3, 8), "bias has shape"
    yield "lstm rq of 10 rows", with_shape(base, 4, 10, 2), "rq has shape"
    for row in range(11):
        for rounding, mode in MODES:
            m, s = BAD_MULTIPLIERS[rounding][row % len(BAD_MULTIPLIERS[rounding])]
            yield f"lstm {mode} row {row} m {m} s {s}", model(rounding, row=row, pair=(m, s)), f"{mode} multiplier"
    for row in (0, 3, 4, 7, 8, 9, 10):
        yield f"lstm row {row} shifted by 23", model(row=row, pair=(1, 23)), "left shift"
    largest = (2**31 - 1, 0)
    yield "lstm bias near the rail", model(bias=2**31 - 1), "bound"
    yield "lstm bias scaled", model(bias=2**31 - 1 - 3 * 128, row=0, pair=largest), "after scaling"
    yield "lstm products doubled", model(row=9, pair=(2**30, 1)), "left shift"


def svdf_cases() -> Found:
    scale = {HALF_UP: (2**30, 38), TFLITE: (2**30, -7)}

    def model(rounding: int = TFLITE, feature=None, last=None, bias=(0, 0), w=1, **changes) -> Model:
        return svdf(rounding, 1, 3, 2, 2, 2, [w] * 12, [1] * 8, bias, feature or scale[rounding], last or scale[rounding],
                    **changes)

    base = model()
    yield from common("svdf", base, dict(zeros=("x_zero", "y_zero")))
    yield from types("svdf", base)
    for value in (0, -1, 3, 8):
        yield f"svdf rank {value} for 4 filters", with_arguments(base, rank=value), "rank does not divide"
    yield "svdf rank 4 with the biases of rank 2", with_arguments(base, rank=4), "bias has shape"
    for low, high in ((1, 0), (-2**15 - 1, 0), (0, 2**15)):
        yield f"svdf state_min {low} state_max {high}", model(state=(low, high)), "state_min and state_max"
    for at, operand, good in ((1, "w", I8), (2, "w_time", I16), (3, "bias", I32)):
        bad = I32 if good == I8 else I8
        size = base.tensors[at].elements * (4 if bad == I32 else 1)
        other = with_tensor(base, at, type=bad, interface=bad, data=bytes(size))
        yield f"svdf {operand} of another type", other, "has the wrong type"
        loose = replace(with_tensor(base, at, data=None), inputs=base.inputs + (at,))
        if good != I32:
            yield f"svdf {operand} is an activation", loose, f"{operand} is not a constant"
    yield "svdf x of rank 3", with_shape(base, 0, 1, 1, 3), "x is not of rank 2"
    yield "svdf w of rank 1", with_shape(base, 1, 12), "w is not of rank 2"
    yield "svdf w for 4 inputs", with_shape(base, 1, 4, 4), "w has shape"
    yield "svdf w_time of rank 3", with_shape(base, 2, 4, 2, 1), "w_time is not of rank 2"
    yield "svdf w_time of 3 filters", with_shape(base, 2, 3, 2), "w_time has shape"
    yield "svdf bias of 4", with_shape(base, 3, 4), "bias has shape"
    yield from pair_limits("svdf feature", lambda rounding, m, s: model(rounding, feature=(m, s)), step=3)
    yield from pair_limits("svdf", lambda rounding, m, s: model(rounding, last=(m, s)), step=3)
    yield "svdf feature bound shifted by 23", model(feature=(1, 23)), "left shift"
    yield "svdf sum saturated at scale nearly one", model(last=(2**31 - 1, 0), bias=(0, 2**31 - 1)), "after scaling"
    yield "svdf sum saturated and shifted", model(last=(1, 1), bias=(0, -2**31)), "left shift"


def graph_cases() -> Found:
    base = chain()
    x, t1, t2, table, y = range(5)
    first, second, third = base.ops
    extra = Tensor(b"extra", I8, I8, (1, 2))
    orphan = base.tensors + (extra,)
    loose = base.tensors + (replace(extra, data=b"\1\2"),)
    yield "graph an activation that nothing makes", replace(base, tensors=orphan), "is made by nothing"
    yield "graph a constant that nothing uses", replace(base, tensors=loose), "is not used"
    yield "graph a constant as input", replace(base, inputs=(x, table)), "is a constant"
    yield "graph a constant as output", replace(base, outputs=(y, table)), "is a constant"
    yield "graph an input listed twice", replace(base, inputs=(x, x)), "listed twice"
    yield "graph an output listed twice", replace(base, outputs=(y, y)), "listed twice"
    yield "graph an input as output", replace(base, outputs=(y, x)), "no op's output"
    yield "graph an op output as input", replace(base, inputs=(x, t1)), "writes graph input"
    yield "graph an op that writes a graph input", \
        replace(base, ops=(first, replace(second, outputs=(x,)), replace(third, operands=(t1, table)))), "writes graph"
    yield "graph two ops that write one tensor", \
        replace(base, ops=base.ops + (Op(48, (x,), (t1,), ()),)), "which another op makes"
    yield "graph an op that writes a constant", \
        replace(base, ops=base.ops + (Op(48, (x,), (table,), ()),)), "writes constant"
    yield "graph ops in the wrong order", replace(base, ops=(second, first, third)), "before it is made"
    yield "graph an op that uses its own output", \
        replace(base, ops=(replace(first, operands=(t1,)), second, third)), "before it is made"
    yield "graph a cycle of two ops", \
        replace(base, ops=(replace(first, operands=(t2,)), second, third)), "before it is made"
    yield "graph an unused op with a tensor that nothing makes", \
        replace(base, tensors=orphan, ops=(replace(first, operands=(5,)), second, third)), "before it is made"


FAMILIES = (conv_cases, fully_connected_cases, batch_matmul_cases, scale_cases, channel_bounds, conv_bounds,
            add_cases, sub_cases, mul_cases, requant_cases, lut_cases, clamp_cases, prelu_cases,
            pool_cases, sum_cases, reduce_max_cases, arg_max_cases, softmax_cases,
            shape_op_cases, join_cases, move_cases, index_cases, resize_bilinear_cases, transposed_conv_cases, conv_3d_cases,
            lstm_cases, svdf_cases,
            graph_cases)


def cases() -> Iterator[WrongCase]:
    for family in FAMILIES:
        for name, model, why in family():
            yield WrongCase(name, write(model), why)
