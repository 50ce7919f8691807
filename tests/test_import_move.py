# SPDX-License-Identifier: Apache-2.0
"""The importer of .tflite files: the ops that only move elements."""
import math
from dataclasses import replace

import program
from test_import import ImportCase, Reference, conv_options, f32, half_away, option_table, with_op, with_tensor
from tflite_writer import FLOAT32, INT8, INT32, INT64, RELU, SAME, UINT8, VALID, Model, Op, Scalar, Tensor

LUT, RESHAPE, CONCAT, SPLIT, SLICE, TRANSPOSE, TILE, GATHER, RESIZE_NEAREST, TRANSPOSED_CONV = 25, 48, 50, 51, 52, 53, 54, 55, 56, 3


def concatenation(kind: int = INT8) -> Model:
    quantization = dict(type=kind, scale=0.5, zero=3)
    return Model([Tensor([1, 2, 3], **quantization), Tensor([1, 4, 3], **quantization), Tensor([1, 6, 3], **quantization)],
                 [Op("CONCATENATION", [0, 1], [2], {0: Scalar("i", 1)})], inputs=[0, 1])


def split() -> Model:
    return Model([Tensor([], INT32, None, values=[-1]), Tensor([1, 2, 6]), Tensor([1, 2, 3]), Tensor([1, 2, 3])],
                 [Op("SPLIT", [0, 1], [2, 3], {0: Scalar("i", 2)})], inputs=[1])


def split_v(sizes: list[int], kind: int = INT32) -> Model:
    return Model([Tensor([1, 2, 6]), Tensor([3], kind, None, values=sizes), Tensor([1], INT32, None, values=[2]),
                  Tensor([1, 2, 1]), Tensor([1, 2, 3]), Tensor([1, 2, 2])],
                 [Op("SPLIT_V", [0, 1, 2], [3, 4, 5], {0: Scalar("i", 3)})])


def pack() -> Model:
    return Model([Tensor([2, 3]), Tensor([2, 3]), Tensor([2, 2, 3])],
                 [Op("PACK", [0, 1], [2], option_table("count axis", "ii", dict(count=2, axis=-2)))], inputs=[0, 1])


def unpack() -> Model:
    return Model([Tensor([2, 2, 3]), Tensor([2, 3]), Tensor([2, 3])],
                 [Op("UNPACK", [0], [1, 2], option_table("count axis", "ii", dict(count=2, axis=1)))])


def numbers(values: list[int], kind: int = INT32) -> Tensor:
    return Tensor([len(values)], kind, None, values=values)


def slice_model(begin: list[int], size: list[int], y: list[int]) -> Model:
    return Model([Tensor([2, 3, 4]), numbers(begin), numbers(size), Tensor(y)], [Op("SLICE", [0, 1, 2], [3])])


def strided(begin: list[int], end: list[int], strides: list[int], y: list[int], **masks: int) -> Model:
    """Of [2, 3, 4]."""
    options = option_table("all_begin all_end ellipsis new shrink offset", "iiiiiB", masks)
    return Model([Tensor([2, 3, 4]), numbers(begin), numbers(end), numbers(strides), Tensor(y)],
                 [Op("STRIDED_SLICE", [0, 1, 2, 3], [4], options)])


def with_list(name: str, x: list[int], values: list[int], y: list[int]) -> Model:
    """TRANSPOSE, TILE"""
    return Model([Tensor(x), numbers(values), Tensor(y)], [Op(name, [0, 1], [2])])


def blocks(name: str, x: list[int], b: int, y: list[int]) -> Model:
    return Model([Tensor(x), Tensor(y)], [Op(name, [0], [1], {0: Scalar("i", b)})])


def gather(shape: list[int], positions: list[int], y: list[int], kind: int = INT32, **options: int) -> Model:
    return Model([Tensor([1, 3, 2]), Tensor(shape, kind, None, values=positions), Tensor(y)],
                 [Op("GATHER", [0, 1], [2], option_table("axis batch_dims", "ii", options))])


def nearest(x: list[int], size: list[int], y: list[int], **options: int) -> Model:
    return Model([Tensor(x), numbers(size), Tensor(y)],
                 [Op("RESIZE_NEAREST_NEIGHBOR", [0, 1], [2], option_table("align half", "BB", options))])


def nearest_source(i: int, size: int, out: int, align: int, half: int) -> int:
    """resize_nearest_neighbor.h: GetNearestNeighbor"""
    scale = f32((size - 1) / (out - 1)) if align and out > 1 else f32(size / out)
    at = f32((i + half / 2) * scale)
    return max(0, min(half_away(at) if align else math.floor(at), size - 1))


def transpose_conv(x: list[int], kernel: list[int], y: list[int], bias: bool = True, **options: int) -> Model:
    """Of int8; weights [O, KH, KW, C] of one scale per output channel."""
    channels, count = kernel[0], math.prod(kernel)
    tensors = [numbers(y), Tensor(kernel, values=[i % 11 - 5 for i in range(count)], scale=[0.1 * (i + 1) for i in range(channels)],
                                  zero=[0] * channels), Tensor(x, zero=3), Tensor(y, scale=0.7, zero=-4),
               Tensor([channels], INT32, None, values=list(range(channels)))]
    table = option_table("padding stride_w stride_h fused bias_type", "biibb", dict(padding=VALID, stride_w=2, stride_h=2) | options)
    return Model(tensors, [Op("TRANSPOSE_CONV", [0, 1, 2, 4] if bias else [0, 1, 2], [3], table)], inputs=[2])


def rescaled(q: int, x: float, x_zero: int, y: float, y_zero: int) -> int:
    """concatenation.h: ConcatenationWithScaling, each operation rounded to binary32."""
    scale = f32(f32(x) * f32(1 / f32(y)))
    return min(max(half_away(f32(f32(q * scale) + f32(-x_zero * scale))) + y_zero, 0), 255)


class Imports(ImportCase):
    def test_concatenation(self) -> None:
        for kind in (INT8, UINT8):
            for axis in (1, -2):
                model = with_op(concatenation(kind), options={0: Scalar("i", axis)})
                m, op = self.only_op(model)
                self.assertEqual((op.number, op.operands, op.arguments), (CONCAT, (0, 1), (1,)))
                self.assertEqual(m.tensors[2].interface, 2 if kind == UINT8 else 1)

    def test_concatenation_with_itself_and_a_constant(self) -> None:
        model = with_tensor(with_tensor(concatenation(), 1, values=list(range(12))), 2, shape=[1, 8, 3])
        m, op = self.only_op(replace(with_op(model, inputs=[0, 1, 0]), inputs=[0]))
        self.assertEqual((op.operands, m.tensors[1].values), ((0, 1, 0), tuple(range(12))))

    def test_concatenation_rescales_uint8(self) -> None:
        for scale, zero in ((0.3, 3), (0.5, 4), (1.7, 255), (f32(1 / 3), 0)):
            m = self.convert(with_tensor(concatenation(UINT8), 1, scale=scale, zero=zero))
            self.assertEqual([op.number for op in m.ops], [LUT, CONCAT])
            self.assertEqual(m.ops[0].operands[0], m.inputs[1])
            self.assertEqual(m.ops[1].operands, (m.inputs[0], m.ops[0].outputs[0]))
            table = m.tensors[m.ops[0].operands[1]].values
            self.assertEqual(table, tuple(rescaled(q, scale, zero, 0.5, 3) - 128 for q in range(256)))

    def test_split(self) -> None:
        m, op = self.only_op(split())
        self.assertEqual((op.number, op.operands, op.outputs, op.arguments, m.outputs), (SPLIT, (0,), (1, 2), (2,), (1, 2)))

    def test_split_v(self) -> None:
        for model in (split_v([1, 3, 2]), split_v([1, -1, 2]), split_v([1, 3, 2], INT64)):
            self.assertEqual(self.only_op(model)[1].arguments, (2,))

    def test_pack(self) -> None:
        m = self.convert(pack())
        self.assertEqual([op.number for op in m.ops], [RESHAPE, RESHAPE, CONCAT])
        self.assertEqual([m.tensors[op.outputs[0]].shape for op in m.ops], [(2, 1, 3), (2, 1, 3), (2, 2, 3)])
        self.assertEqual(m.ops[2].arguments, (1,))

    def test_unpack(self) -> None:
        m = self.convert(unpack())
        self.assertEqual([op.number for op in m.ops], [SPLIT, RESHAPE, RESHAPE])
        self.assertEqual([m.tensors[i].shape for i in m.ops[0].outputs + m.outputs], [(2, 1, 3)] * 2 + [(2, 3)] * 2)

    def test_squeeze_and_expand_dims(self) -> None:
        squeeze = Model([Tensor([1, 3, 1, 2]), Tensor([1, 3, 2])], [Op("SQUEEZE", [0], [1])])
        expand = Model([Tensor([1, 3]), Tensor([], INT32, None, values=[1]), Tensor([1, 1, 3])], [Op("EXPAND_DIMS", [0, 1], [2])])
        for model in (squeeze, expand):
            self.assertEqual(self.only_op(model)[1].number, RESHAPE)


    def test_slice(self) -> None:
        op = self.only_op(slice_model([0, 1, 2], [2, 1, -1], [2, 1, 2]))[1]
        self.assertEqual((op.number, op.arguments), (SLICE, (0, 1, 2, 0, 0, 0, 1, 1, 1, 1, 1, 1)))

    def test_strided_slice(self) -> None:
        """begin and step of [2, 3, 4], as numpy counts; the masks take away begins, ends and axes."""
        rows = [
            (strided([0, 1, 0], [2, 3, 4], [1, 1, 2], [2, 2, 2]), (0, 1, 0), (1, 1, 2)),
            (strided([0, -1, 3], [9, -9, -9], [1, -1, -2], [2, 3, 2]), (0, 2, 3), (1, -1, -2)),
            (strided([1, 1, 1], [1, 1, 1], [1, 1, -1], [2, 3, 4], all_begin=7, all_end=7), (0, 0, 3), (1, 1, -1)),
            (strided([1], [2], [1], [1, 3, 4]), (1, 0, 0), (1, 1, 1)),
            (strided([0, 1, 0], [2, 1, 2], [1, 1, 1], [2, 1, 2], offset=1), (0, 1, 0), (1, 1, 1)),
        ]
        for model, begin, step in rows:
            op = self.only_op(model)[1]
            self.assertEqual((op.number, op.arguments), (SLICE, (*begin, 0, 0, 0, *step, 1, 1, 1)))

    def test_strided_slice_changes_axes(self) -> None:
        rows = [
            (strided([0, 1, 0], [2, 9, 4], [1, 1, 1], [2, 4], shrink=2), (0, 1, 0), (2, 1, 4)),
            (strided([0, 0, 1], [0, 0, 2], [1, 1, 1], [1, 2, 3, 1], new=1, ellipsis=2), (0, 0, 1), (2, 3, 1)),
        ]
        for model, begin, dims in rows:
            m = self.convert(model)
            self.assertEqual([op.number for op in m.ops], [SLICE, RESHAPE])
            self.assertEqual((m.ops[0].arguments[:3], m.tensors[m.ops[0].outputs[0]].shape), (begin, dims))

    def test_transpose_and_tile(self) -> None:
        op = self.only_op(with_list("TRANSPOSE", [1, 2, 3], [2, 0, 1], [3, 1, 2]))[1]
        self.assertEqual((op.number, op.arguments), (TRANSPOSE, (2, 0, 1, 3, 4, 5)))
        op = self.only_op(with_list("TILE", [1, 2, 3], [1, 2, 4], [1, 4, 12]))[1]
        self.assertEqual((op.number, op.arguments), (TILE, (1, 2, 4, 1, 1, 1)))

    def test_blocks(self) -> None:
        for model, dims in ((blocks("SPACE_TO_DEPTH", [1, 4, 6, 3], 2, [1, 2, 3, 12]), (1, 2, 2, 3, 6)),
                            (blocks("DEPTH_TO_SPACE", [1, 2, 3, 12], 2, [1, 4, 6, 3]), (1, 2, 3, 2, 6))):
            m = self.convert(model)
            self.assertEqual([op.number for op in m.ops], [RESHAPE, TRANSPOSE, RESHAPE])
            self.assertEqual((m.tensors[m.ops[0].outputs[0]].shape, m.ops[1].arguments), (dims, (0, 1, 3, 2, 4, 5)))


    def test_transpose_conv(self) -> None:
        """Strides, then top, bottom, left, right, groups and the rest."""
        rows = [
            (transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3]), (2, 2, 0, 0, 0, 0)),
            (transpose_conv([1, 3, 2, 2], [3, 3, 3, 2], [1, 7, 6, 3]), (2, 2, 0, 0, 0, -1)),
            (transpose_conv([1, 3, 2, 2], [3, 3, 3, 2], [1, 6, 3, 3], padding=SAME), (2, 2, 0, 1, 1, 1)),
            (transpose_conv([1, 2, 2, 1], [2, 1, 5, 1], [1, 6, 4, 2], padding=SAME, stride_h=3), (3, 2, 0, -2, 1, 2)),
        ]
        for model, arguments in rows:
            m, op = self.only_op(model)
            self.assertEqual((op.number, op.arguments), (TRANSPOSED_CONV, (*arguments, 1, 3, 0, -4, -128, 127, 1)))
            scales = [Reference.product(0.5, f32(0.1 * (i + 1)), f32(0.7)) for i in range(m.tensors[1].shape[0])]
            self.assertEqual(m.tensors[op.operands[3]].values, sum(scales, ()))
        m, op = self.only_op(transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3], bias=False))
        self.assertEqual(m.tensors[op.operands[2]].values, (0, 0, 0))

    def test_conv_of_groups_and_of_one_dimension(self) -> None:
        """What converters make of them: groups are told by the shapes; a 1-D convolution is one of height 1 between EXPAND_DIMS and SQUEEZE."""
        line = Model([Tensor([1, 9, 2]), Tensor([], INT32, None, values=[1]), Tensor([1, 1, 9, 2]),
                      Tensor([4, 1, 3, 2], values=list(range(24)), scale=0.1), Tensor([1, 1, 7, 4]), Tensor([1, 7, 4])],
                     [Op("EXPAND_DIMS", [0, 1], [2]), Op("CONV_2D", [2, 3], [4], conv_options()), Op("SQUEEZE", [4], [5])])
        m = self.convert(line)
        self.assertEqual([op.number for op in m.ops], [RESHAPE, 1, RESHAPE])
        self.assertEqual((m.tensors[m.outputs[0]].shape, m.tensors[m.ops[1].outputs[0]].shape), ((1, 7, 4), (1, 1, 7, 4)))
        grouped = Model([Tensor([1, 5, 5, 6]), Tensor([4, 3, 3, 3], values=[1] * 108, scale=0.1), Tensor([1, 3, 3, 4])],
                        [Op("CONV_2D", [0, 1], [2], conv_options())])
        self.assertEqual(self.only_op(grouped)[1].arguments[9], 2)

    def test_gather(self) -> None:
        for kind in (INT32, INT64):
            m, op = self.only_op(gather([2, 2], [2, 0, 1, 1], [1, 2, 2, 2], kind, axis=-2))
            self.assertEqual((op.number, op.arguments, m.tensors[op.operands[1]].values), (GATHER, (1,), (2, 0, 1, 1)))
        m = self.convert(gather([], [2], [1, 2], axis=1))
        self.assertEqual([(op.number, m.tensors[op.outputs[0]].shape) for op in m.ops], [(GATHER, (1, 1, 2)), (RESHAPE, (1, 2))])

    def test_resize_nearest(self) -> None:
        for height, width, out_h, out_w in ((3, 5, 7, 10), (10, 6, 4, 1), (1, 7, 9, 700), (33, 100, 513, 41)):
            for align, half in ((0, 0), (1, 0), (0, 1), (1, 1)):
                m, op = self.only_op(nearest([1, height, width, 2], [out_h, out_w], [1, out_h, out_w, 2], align=align, half=half))
                self.assertEqual(op.number, RESIZE_NEAREST)
                for operand, size, out in zip(op.operands[1:], (height, width), (out_h, out_w)):
                    self.assertEqual(m.tensors[operand].values, tuple(nearest_source(i, size, out, align, half) for i in range(out)))


class Refusals(ImportCase):
    def test_transpose_conv(self) -> None:
        label, model = "op 0 (TRANSPOSE_CONV)", transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3])
        for changed, reason in (
                (with_tensor(model, 0, values=[1, 6, 5, 3]), "the shape operand contradicts"),
                (with_tensor(with_tensor(model, 3, shape=[1, 9, 4, 3]), 0, values=[1, 9, 4, 3]), "height: the output has extent 3"),
                (with_tensor(model, 2, shape=[1, 6, 2]), "must have 4 dimensions"),
                (with_tensor(model, 1, zero=[1, 0, 0]), "weight zero point"),
                (with_tensor(model, 1, values=None), "is not constant"),
                (with_tensor(model, 4, shape=[2], values=[1, 2]), "the bias has 2 elements"),
                (with_tensor(model, 3, type=UINT8), "have different types"),
                (transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3], fused=RELU), "a fused activation function"),
                (transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3], bias_type=4), "accumulators of type INT64"),
                (transpose_conv([1, 3, 2, 2], [3, 2, 2, 2], [1, 6, 4, 3], padding=2), "padding rule 2")):
            self.refuse(changed, label, reason)
        self.refuse(transpose_conv([1, 2, 2, 2], [3, 40, 2, 2], [1, 75, 4, 3], stride_h=35), 'op 0 (transposed_conv "t3")', "stride_h")
        self.refuse(with_tensor(model, 2, shape=[1, 3, 2, 4]), 'op 0 (transposed_conv "t3")', "its last extent must be")

    def test_gather_and_resize_nearest(self) -> None:
        self.refuse(gather([1], [0], [1, 1, 2], axis=3), "op 0 (GATHER)", "axis 3 of 3 dimensions")
        self.refuse(gather([1], [0], [1, 1, 2], axis=1, batch_dims=1), "op 0 (GATHER)", "batch_dims is not supported")
        self.refuse(replace(with_tensor(gather([1], [0], [1, 1, 2], axis=1), 1, values=None), inputs=[0, 1]), "op 0 (GATHER)",
                    "is not constant")
        for position in (3, -1, 2**40):
            self.refuse(gather([1], [position], [1, 1, 2], INT64, axis=1), 'op 0 (gather "t2")', "an index is out of range")
        self.refuse(gather([2], [0, 1], [1, 1, 2], axis=1), 'op 0 (gather "t2")', "the shape must be [1, 2, 2]")
        label = "op 0 (RESIZE_NEAREST_NEIGHBOR)"
        self.refuse(nearest([1, 2, 2, 1], [4, 5], [1, 4, 4, 1]), label, "the size operand contradicts")
        self.refuse(nearest([1, 2, 2, 1], [4], [1, 4, 4, 1]), label, "size has 1 elements, not 2")
        self.refuse(nearest([2, 2, 1], [4, 4], [1, 4, 4, 1]), label, "must have 4 dimensions, not 3")
        self.refuse(nearest([1, 2, 2, 1], [4, 4], [1, 4, 4, 2]), 'op 0 (resize_nearest "t2")', "the shape must be [1, 4, 4, 1]")

    def test_slices(self) -> None:
        for begin, size in (([2, 0, 0], [1, 1, 1]), ([-1, 0, 0], [1, 1, 1]), ([0, 2, 0], [1, 2, 1]), ([0, 0, 0], [1, -2, 1])):
            self.refuse(slice_model(begin, size, [1, 1, 1]), "op 0 (SLICE)", "elements from")
        self.refuse(slice_model([0, 0, 0], [1, 1, 0], [1, 1, 1]), "op 0 (SLICE)", "has not the shape")
        self.refuse(slice_model([0, 0], [1, 1, 1], [1, 1, 1]), "op 0 (SLICE)", "begin has 2 elements, not 3")
        label, all_of_it = "op 0 (STRIDED_SLICE)", ([0, 0, 0], [2, 3, 4])
        for model, reason in (
                (strided(*all_of_it, [1, 0, 1], [2, 3, 4]), "stride 0"),
                (strided(*all_of_it, [1, 2**25, 1], [2, 1, 4]), "stride 33554432"),
                (strided(*all_of_it, [1, 1, 1], [2, 3, 3]), "has not the shape"),
                (strided([0, 3, 0], [2, 3, 4], [1, 1, 1], [2, 1, 4]), "range 1 is empty"),
                (strided([0, 3, 0], [2, 3, 4], [1, 1, 1], [2, 4], shrink=2), "range 1 is empty"),
                (strided([0] * 4, [1] * 4, [1] * 4, [1, 1, 1]), "more ranges than the input has dimensions"),
                (strided(*all_of_it, [1, 1, 1], [2, 3, 4], ellipsis=3), "more than one ellipsis"),
                (strided([0] * 4, [1] * 4, [1] * 4, [1, 1, 1], new=15), "more than 6 dimensions"),
                (strided([0] * 4, [1] * 4, [1] * 4, [1, 1, 1], ellipsis=1), "the ellipsis stands for no axis"),
                (strided([0] * 13, [1] * 13, [1] * 13, [1, 1, 1]), "13 ranges"),
                (strided(*all_of_it, [1, 1], [2, 3, 4]), "strides has 2 elements, not 3")):
            self.refuse(model, label, reason)

    def test_transpose_tile_and_blocks(self) -> None:
        self.refuse(with_list("TRANSPOSE", [1, 2, 3], [3, 0, 1], [3, 1, 2]), "op 0 (TRANSPOSE)", "perm names axis 3 of 3")
        self.refuse(with_list("TRANSPOSE", [1, 2, 3], [0, 1], [1, 2, 3]), "op 0 (TRANSPOSE)", "perm has 2 elements, not 3")
        self.refuse(with_list("TRANSPOSE", [1, 2, 3], [0, 1, 1], [1, 2, 2]), 'op 0 (transpose "t2")', "must name every axis once")
        self.refuse(with_list("TRANSPOSE", [1, 2, 3], [0, 2, 1], [1, 2, 3]), 'op 0 (transpose "t2")', "the shape must be [1, 3, 2]")
        self.refuse(with_list("TILE", [1, 2], [1, 0], [1, 2]), "op 0 (TILE)", "multiple 0")
        self.refuse(with_list("TILE", [1, 2], [1, 2], [1, 5]), 'op 0 (tile "t2")', "the shape must be [1, 4]")
        for name, x, b, y in (("SPACE_TO_DEPTH", [1, 4, 6, 3], 2, [1, 2, 3, 6]), ("SPACE_TO_DEPTH", [1, 4, 6, 3], 0, [1, 2, 3, 12]),
                              ("DEPTH_TO_SPACE", [1, 4, 6, 3], 2, [1, 2, 3, 12]), ("DEPTH_TO_SPACE", [1, 2, 3, 12], -2, [1, 4, 6, 3])):
            self.refuse(blocks(name, x, b, y), f"op 0 ({name})", "do not fit blocks")

    def test_concatenation(self) -> None:
        label, model = "op 0 (CONCATENATION)", concatenation()
        for changed, reason in (
                (with_op(model, options={0: Scalar("i", 3)}), "axis 3 of 3 dimensions"),
                (with_op(model, options={0: Scalar("i", -4)}), "axis -4 of 3 dimensions"),
                (with_op(model, options={0: Scalar("i", 1), 1: Scalar("b", RELU)}), "a fused activation function"),
                (with_tensor(model, 1, scale=0.25), "input 1 and the output have different scales"),
                (with_tensor(model, 0, zero=4), "input 0 and the output have different scales"),
                (with_tensor(model, 1, type=UINT8), "have different types"),
                (with_tensor(model, 1, shape=[4, 3]), "an input must have 3 dimensions, not 2"),
                (with_tensor(model, 1, type=FLOAT32), "is FLOAT32"),
                (with_op(model, inputs=[0, 2]), "neither data nor an earlier op"),
                (with_op(model, inputs=[]), "has 0 inputs"),
                (with_op(model, outputs=[2, 1]), "2 outputs"),
                (with_tensor(concatenation(UINT8), 1, scale=2.0**30), "too far apart"),
                (replace(with_tensor(concatenation(UINT8), 1, values=[0] * 12, scale=1.0), inputs=[0]), "different scales")):
            self.refuse(changed, label, reason)
        self.refuse(with_tensor(model, 2, shape=[1, 7, 3]), "op 0 (concat \"t2\")", "the shape must be [1, 6, 3]")
        self.refuse(with_tensor(model, 1, shape=[2, 4, 3]), "op 0 (concat \"t2\")", "must have equal shapes")

    def test_split(self) -> None:
        label, model = "op 0 (SPLIT)", split()
        for changed, reason in (
                (with_tensor(model, 0, values=[3]), "axis 3 of 3 dimensions"),
                (with_tensor(model, 0, shape=[2], values=[1, 2]), "the axis must be one number"),
                (replace(with_tensor(model, 0, values=None), inputs=[0, 1]), "is not constant"),
                (with_op(model, options={0: Scalar("i", 3)}), "num_splits is 3 for 2 outputs"),
                (with_tensor(model, 3, shape=[1, 2, 2]), "output 1 is not one of 2 equal parts"),
                (with_tensor(model, 3, type=UINT8), "have different types"),
                (with_op(model, outputs=[2, 2]), "is made by two ops"),
                (with_op(model, outputs=[]), "0 outputs")):
            self.refuse(changed, label, reason)

    def test_split_v(self) -> None:
        label = "op 0 (SPLIT_V)"
        for sizes in ([2, 2, 2], [-1, -1, 2], [1, 3, -2]):
            self.refuse(split_v(sizes), label, "has not the size")
        self.refuse(with_tensor(split_v([1, 3, 2]), 1, shape=[2], values=[1, 3]), label, "2 sizes for 3 outputs")
        self.refuse(with_op(split_v([1, 3, 2]), options={}), label, "num_splits is 0 for 3 outputs")
        self.refuse(with_tensor(split_v([1, 3, 2]), 2, values=[-4]), label, "axis -4 of 3 dimensions")
        self.refuse(with_tensor(split_v([1, -1, 2]), 4, shape=[1, 2, 4]), "op 0 (split \"t3\")", "the shape must be [1, 2, 7]")

    def test_pack_and_unpack(self) -> None:
        options = option_table("count axis", "ii", dict(count=3, axis=1))
        self.refuse(with_op(pack(), options=options), "op 0 (PACK)", "values_count is not the number of inputs")
        self.refuse(with_tensor(pack(), 1, shape=[6]), "op 0 (PACK)", "an input must have 2 dimensions, not 1")
        self.refuse(with_op(unpack(), options=options), "op 0 (UNPACK)", "num is 3 for 2 outputs")
        self.refuse(with_tensor(unpack(), 2, shape=[2, 1, 3]), "op 0 (UNPACK)", "an output must have 2 dimensions, not 3")
        self.refuse(with_op(unpack(), outputs=[1, 1]), "op 0 (UNPACK)", "is made by two ops")
        self.refuse(with_tensor(unpack(), 2, shape=[3, 3]), "op 2 (reshape \"t2\")", "must have as many elements")

    def test_expand_dims(self) -> None:
        model = Model([Tensor([1, 3]), Tensor([], INT32, None, values=[1]), Tensor([1, 2, 3])], [Op("EXPAND_DIMS", [0, 1], [2])])
        self.refuse(model, "op 0 (EXPAND_DIMS)", "the input has 3 elements, the output 6")


if __name__ == "__main__":
    program.main()
