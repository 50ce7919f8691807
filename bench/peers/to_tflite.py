# SPDX-License-Identifier: Apache-2.0
"""A graph as a .tflite file: int8, weights per channel. Lockstep imports the very file that the peers run.

TFLite pads as SAME does: with a stride of 2 and an even extent, nothing before and one behind where the built-in networks have
one on either side. Shapes and work are the same, and every peer gets the same file."""
import graph as graphs               # first: it finds tflite_writer
import tflite_writer as tflite


def same_or_valid(x: list[int], y: list[int], kernel: tuple[int, int], stride: tuple[int, int]) -> int:
    for padding, extent in ((tflite.VALID, lambda i, k, s: (i - k) // s + 1), (tflite.SAME, lambda i, k, s: (i + s - 1) // s)):
        if [extent(x[1 + d], kernel[d], stride[d]) for d in (0, 1)] == y[1:3]:
            return padding
    raise graphs.Unsupported(f"a window of {kernel} from {x} to {y}")


class Writer:
    def __init__(self, graph: graphs.Graph) -> None:
        self.graph, self.tensors, self.ops, self.index = graph, [], [], {}
        for t in graph.tensors.values():
            self.index[t.name] = len(self.tensors)
            kind, zero = (tflite.UINT8, t.zero + 128) if t.unsigned else (tflite.INT8, t.zero)
            self.tensors.append(tflite.Tensor(t.shape, kind, t.scale, zero, name=t.name))

    def constant(self, tensor: tflite.Tensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def op(self, name: str, n: graphs.Node, more: list[int], options: dict) -> None:
        self.ops.append(tflite.Op(name, [self.index[i] for i in n.inputs] + more, [self.index[n.output]], options))

    def weights(self, n: graphs.Node, shape: list[int], values: list[int], axis: int) -> list[int]:
        x_scale = self.graph.tensors[n.inputs[0]].scale
        w = tflite.Tensor(shape, tflite.INT8, n.w_scale, [0] * len(n.w_scale), axis=axis,
                          data=bytes(v & 255 for v in values))
        bias = tflite.Tensor([len(n.bias)], tflite.INT32, [graphs.binary32(x_scale * s) for s in n.w_scale],
                             [0] * len(n.bias), values=n.bias)
        return [self.constant(w), self.constant(bias)]

    def linear(self, n: graphs.Node) -> None:
        x, y = (self.graph.tensors[i] for i in (n.inputs[0], n.output))
        a = n.args
        if (a.y_min, a.y_max) != (-128, 127):
            raise graphs.Unsupported("a clamp inside a linear op")
        if n.kind == "fully_connected":
            self.op("FULLY_CONNECTED", n, self.weights(n, n.w_shape, n.w, 0), {3: tflite.Scalar("b", int(len(y.shape) > 2))})
            return
        o, kh, kw, c = n.w_shape
        slots = {0: tflite.Scalar("b", same_or_valid(x.shape, y.shape, (kh, kw), (a.stride_h, a.stride_w))),
                 1: tflite.Scalar("i", a.stride_w), 2: tflite.Scalar("i", a.stride_h)}
        if (a.dilation_h, a.dilation_w) != (1, 1):
            raise graphs.Unsupported("dilation")
        if a.groups == 1:
            self.op("CONV_2D", n, self.weights(n, n.w_shape, n.w, 0), slots)
        elif a.groups == x.shape[3] == o and c == 1:
            moved = [n.w[k * kh * kw + i] for i in range(kh * kw) for k in range(o)]
            self.op("DEPTHWISE_CONV_2D", n, self.weights(n, [1, kh, kw, o], moved, 3), {**slots, 3: tflite.Scalar("i", 1)})
        else:
            raise graphs.Unsupported("groups")

    def pool(self, n: graphs.Node) -> None:
        x, y = (self.graph.tensors[i] for i in (n.inputs[0], n.output))
        a = n.args
        padding = same_or_valid(x.shape, y.shape, (a.kernel_h, a.kernel_w), (a.stride_h, a.stride_w))
        numbers = (a.stride_w, a.stride_h, a.kernel_w, a.kernel_h)
        self.op("MAX_POOL_2D" if n.kind == "max_pool" else "AVERAGE_POOL_2D", n, [],
                {0: tflite.Scalar("b", padding), **{1 + i: tflite.Scalar("i", v) for i, v in enumerate(numbers)}})

    def mean(self, n: graphs.Node) -> None:
        axes = [i for i in range(6) if n.args.axes >> i & 1]
        self.op("MEAN", n, [self.constant(tflite.Tensor([len(axes)], tflite.INT32, None, values=axes))],
                {0: tflite.Scalar("b", 0)})

    def write(self) -> bytes:
        for n in self.graph.nodes:
            if n.kind in ("conv", "fully_connected"):
                self.linear(n)
            elif n.kind in ("max_pool", "avg_pool"):
                self.pool(n)
            elif n.kind == "add":
                self.op("ADD", n, [], {})
            elif n.kind == "sum":
                self.mean(n)
            else:
                raise graphs.Unsupported(f"{n.kind} is not exported")
        graph = self.graph
        return tflite.write(tflite.Model(self.tensors, self.ops, [self.index[i] for i in graph.inputs],
                                         [self.index[i] for i in graph.outputs]))


def write(graph: graphs.Graph) -> bytes:
    return Writer(graph).write()
