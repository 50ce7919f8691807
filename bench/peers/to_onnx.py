# SPDX-License-Identifier: Apache-2.0
"""A graph as a quantized ONNX file: QDQ, NCHW, weights int8 per channel, activations uint8 (stored + 128) or int8.

uint8 is what ONNX Runtime and OpenVINO are fastest with on x86. The integers are the same, moved by 128. ONNX Runtime's kernels
are NHWC, and transpositions at the ends cancel out against its own; OpenVINO is no faster with them. Needs onnx and numpy."""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

import graph as graphs


class Writer:
    def __init__(self, graph: graphs.Graph, unsigned: bool, nhwc: bool) -> None:
        self.nhwc = nhwc
        self.graph, self.unsigned, self.nodes, self.constants = graph, unsigned, [], []
        self.type = numpy.uint8 if unsigned else numpy.int8
        self.flattened = {}             # a flat tensor that came from several pixels: their [h, w, c]

    def constant(self, name: str, value: numpy.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def scale_and_zero(self, t: graphs.Tensor, suffix: str) -> list[str]:
        zero = t.zero + 128 if self.unsigned else t.zero
        return [self.constant(f"{t.name}.{suffix}scale", numpy.float32(t.scale)),
                self.constant(f"{t.name}.{suffix}zero", self.type(zero))]

    def real(self, name: str, reader: int) -> str:
        """A tensor's real values, dequantized anew for each reader, as quantizers write it."""
        suffix = f"{reader}."
        return self.node("DequantizeLinear", [name, *self.scale_and_zero(self.graph.tensors[name], suffix)],
                         f"{name}.{suffix}real")

    def stored(self, name: str) -> None:
        self.node("QuantizeLinear", [f"{name}.real", *self.scale_and_zero(self.graph.tensors[name], "")], name)

    def linear(self, n: graphs.Node, x: str) -> None:
        t, y = self.graph.tensors[n.inputs[0]], n.output
        w = numpy.array(n.w, numpy.int8).reshape(n.w_shape)
        if n.kind == "conv":
            w = w.transpose(0, 3, 1, 2)
        else:
            pixels = self.flattened.get(n.inputs[0]) or (t.shape[1:] if len(t.shape) == 4 else None)
            if pixels:
                w = w.reshape(n.w_shape[0], *pixels).transpose(0, 3, 1, 2).reshape(n.w_shape)
            if len(t.shape) == 4:
                x = self.node("Flatten", [x], f"{y}.flat", axis=1)
        scale = numpy.array(n.w_scale, numpy.float32)
        real_w = self.node("DequantizeLinear", [self.constant(f"{y}.w", numpy.ascontiguousarray(w)),
                                                self.constant(f"{y}.w_scale", scale),
                                                self.constant(f"{y}.w_zero", numpy.zeros(len(scale), numpy.int8))],
                           f"{y}.w_real", axis=0)
        real_b = self.node("DequantizeLinear", [self.constant(f"{y}.b", numpy.array(n.bias, numpy.int32)),
                                                self.constant(f"{y}.b_scale", scale * numpy.float32(t.scale)),
                                                self.constant(f"{y}.b_zero", numpy.zeros(len(scale), numpy.int32))],
                           f"{y}.b_real", axis=0)
        if n.kind == "conv":
            a = n.args
            self.node("Conv", [x, real_w, real_b], f"{y}.real", kernel_shape=list(w.shape[2:]), group=a.groups,
                      strides=[a.stride_h, a.stride_w], dilations=[a.dilation_h, a.dilation_w], pads=pads(a))
        else:
            self.node("Gemm", [x, real_w, real_b], f"{y}.real", transB=1)

    def reshape(self, n: graphs.Node, x: str) -> None:
        before, after = (self.graph.tensors[i].shape for i in (n.inputs[0], n.output))
        if len(before) != 4 or len(after) != 2:
            if len(before) != 2 or len(after) != 2:
                raise graphs.Unsupported(f"reshape of {before} to {after}")
        if len(before) == 4 and before[1] * before[2] > 1:
            self.flattened[n.output] = before[1:]
        self.node("Flatten", [x], f"{n.output}.real", axis=1)

    def one(self, n: graphs.Node, index: int) -> None:
        x, a, y = [self.real(i, index) for i in n.inputs], n.args, n.output + ".real"
        if n.kind in ("conv", "fully_connected"):
            self.linear(n, x[0])
        elif n.kind == "add":
            self.node("Add", x, y)
        elif n.kind in ("max_pool", "avg_pool"):
            more = {} if n.kind == "max_pool" else {"count_include_pad": 0}
            self.node("MaxPool" if n.kind == "max_pool" else "AveragePool", x, y, kernel_shape=[a.kernel_h, a.kernel_w],
                      strides=[a.stride_h, a.stride_w], pads=pads(a), **more)
        elif n.kind == "sum":
            if a.axes != 6 or len(self.graph.tensors[n.inputs[0]].shape) != 4:
                raise graphs.Unsupported("a sum over other axes than h and w")
            self.node("GlobalAveragePool", x, n.output + ".pooled")
            if len(self.graph.tensors[n.output].shape) == 2:
                self.node("Flatten", [n.output + ".pooled"], y, axis=1)
            else:
                self.node("Identity", [n.output + ".pooled"], y)
        elif n.kind == "softmax":
            self.node("Softmax", x, y, axis=-1)
        elif n.kind == "requant":
            self.node("Identity", x, y)
        elif n.kind == "reshape":
            self.reshape(n, x[0])
        elif n.kind == "pad":
            self.pad(n, x[0])
        else:
            raise graphs.Unsupported(f"{n.kind} is not exported")
        self.stored(n.output)

    def pad(self, n: graphs.Node, x: str) -> None:
        t, a = self.graph.tensors[n.inputs[0]], n.args
        if len(t.shape) != 4 or a.pad_value != t.zero:
            raise graphs.Unsupported("a pad of something else than zero pixels")
        sides = [getattr(a, f"{side}_{axis}") for side in ("before", "after") for axis in range(4)]
        order = [0, 3, 1, 2, 4, 7, 5, 6]
        self.node("Pad", [x, self.constant(f"{n.output}.pads", numpy.array([sides[i] for i in order], numpy.int64))],
                  f"{n.output}.real")

    def write(self) -> bytes:
        g, ends = self.graph, {}
        for i, n in enumerate(g.nodes):
            self.one(n, i)
        kind = TensorProto.UINT8 if self.unsigned else TensorProto.INT8
        for name in g.inputs + g.outputs:
            s, end = g.tensors[name].shape, name
            if len(s) == 4 and not self.nhwc:
                s = [s[0], s[3], s[1], s[2]]
            elif len(s) == 4:
                end = f"{name}.nhwc"
                if name in g.inputs:
                    self.nodes.insert(0, helper.make_node("Transpose", [end], [name], perm=[0, 3, 1, 2]))
                else:
                    self.node("Transpose", [name], end, perm=[0, 2, 3, 1])
            ends[name] = helper.make_tensor_value_info(end, kind, s)
        made = helper.make_graph(self.nodes, "main", [ends[i] for i in g.inputs], [ends[i] for i in g.outputs], self.constants)
        model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model.SerializeToString()


def pads(a) -> list[int]:
    return [a.pad_top, a.pad_left, a.pad_bottom, a.pad_right]


def write(graph: graphs.Graph, unsigned: bool = True, nhwc: bool = False) -> bytes:
    """nhwc: the ends are NHWC, with a transposition behind the input and before the output."""
    return Writer(graph, unsigned, nhwc).write()
