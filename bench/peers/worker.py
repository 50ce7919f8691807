# SPDX-License-Identifier: Apache-2.0
"""worker.py PEER MODEL THREADS INPUTS: one peer with one model, which stays alive and runs when it is asked.

It answers each line of stdin with one line of JSON on stdout:

    run SECONDS     {"ns": [...]}: the time of each run, at least three of them
    outputs PATH    {"bytes": n}: what the model gives for each image of INPUTS is written to PATH

What converts between layouts and types is outside the timed part. INPUTS holds the images one after another, NHWC, in the type of
the model's input.
"""
import json
import os
import sys
import time

import numpy

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)               # what a peer prints is no answer


class LiteRT:
    """LiteRT: XNNPACK as it comes, or its reference kernels."""

    def __init__(self, model: str, threads: int, reference: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
        more = {"experimental_op_resolver_type": OpResolverType.BUILTIN_REF} if reference else {}
        self.interpreter = Interpreter(model, num_threads=threads, **more)
        self.interpreter.allocate_tensors()
        self.input, self.output = self.interpreter.get_input_details()[0], self.interpreter.get_output_details()[0]
        self.run = self.interpreter.invoke

    def images(self, data: bytes) -> list[numpy.ndarray]:
        shape = self.input["shape"]
        return list(numpy.frombuffer(data, self.input["dtype"]).reshape(-1, *shape))

    def load(self, image: numpy.ndarray) -> None:
        self.interpreter.set_tensor(self.input["index"], image)

    def result(self) -> bytes:
        return self.interpreter.get_tensor(self.output["index"]).tobytes()


def to_onnx(data: bytes, shape: list[int], nhwc: bool = False) -> list[numpy.ndarray]:
    """NHWC bytes, int8 where LKS_PEERS_SIGNED says so, as what the ONNX model takes: uint8."""
    values = numpy.frombuffer(data, numpy.uint8)
    if os.environ.get("LKS_PEERS_SIGNED") == "1":
        values = values ^ 128
    if nhwc or len(shape) != 4:
        return list(values.reshape(-1, *shape))
    n, c, h, w = shape
    return [numpy.ascontiguousarray(i) for i in values.reshape(-1, n, h, w, c).transpose(0, 1, 4, 2, 3)]


class OnnxRuntime:
    def __init__(self, model: str, threads: int, optimize: bool = True) -> None:
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        level = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if optimize else level.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0]
        self.binding = self.session.io_binding()

    def images(self, data: bytes) -> list[numpy.ndarray]:
        return to_onnx(data, self.input.shape, nhwc=True)

    def load(self, image: numpy.ndarray) -> None:
        self.binding.bind_cpu_input(self.input.name, image)
        self.binding.bind_output(self.session.get_outputs()[0].name)

    def run(self) -> None:
        self.session.run_with_iobinding(self.binding)

    def result(self) -> bytes:
        return self.binding.copy_outputs_to_cpu()[0].tobytes()


class OpenVINO:
    def __init__(self, model: str, threads: int) -> None:
        import openvino
        options = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1,
                   "ENABLE_CPU_PINNING": False}
        self.compiled = openvino.Core().compile_model(model, "CPU", options)
        self.request = self.compiled.create_infer_request()
        self.tensor = openvino.Tensor
        self.run = self.request.infer

    def images(self, data: bytes) -> list[numpy.ndarray]:
        return to_onnx(data, list(self.compiled.input(0).shape))

    def load(self, image: numpy.ndarray) -> None:
        self.request.set_input_tensor(self.tensor(image))

    def result(self) -> bytes:
        return self.request.get_output_tensor(0).data.tobytes()


class TVM:
    """TVM: its own lowering of the ONNX model, not tuned."""

    def __init__(self, model: str, threads: int) -> None:
        os.environ["TVM_NUM_THREADS"] = str(threads)
        import onnx
        import tvm
        from tvm import relax
        from tvm.relax.frontend.onnx import from_onnx
        cpu = tvm.get_global_func("target.llvm_get_system_cpu")()
        target = tvm.target.Target({"kind": "llvm", "mcpu": cpu})
        module = relax.get_pipeline("zero")(from_onnx(onnx.load(model), keep_params_in_input=False))
        self.tvm, self.device = tvm, tvm.cpu()
        self.machine = relax.VirtualMachine(tvm.compile(module, target=target), self.device)
        self.shape = [d.dim_value for d in onnx.load(model).graph.input[0].type.tensor_type.shape.dim]

    def images(self, data: bytes) -> list[numpy.ndarray]:
        return to_onnx(data, self.shape)

    def load(self, image: numpy.ndarray) -> None:
        self.image = self.tvm.runtime.tensor(image, self.device)

    def run(self) -> None:
        self.out = self.machine["main"](self.image)

    def result(self) -> bytes:
        out = self.out
        return (out if hasattr(out, "numpy") else out[0]).numpy().tobytes()


PEERS = {
    "litert": LiteRT,
    "litert-ref": lambda model, threads: LiteRT(model, threads, reference=True),
    "onnxruntime": OnnxRuntime,
    "onnxruntime-plain": lambda model, threads: OnnxRuntime(model, threads, optimize=False),
    "openvino": OpenVINO,
    "tvm": TVM,
}


def timed(peer, seconds: float) -> list[int]:
    found, end = [], time.perf_counter() + seconds
    while len(found) < 3 or time.perf_counter() < end:
        start = time.perf_counter_ns()
        peer.run()
        found.append(time.perf_counter_ns() - start)
    return found


def main(name: str, model: str, threads: str, inputs: str) -> None:
    peer = PEERS[name](model, int(threads))
    with open(inputs, "rb") as file:
        images = peer.images(file.read())
    peer.load(images[0])
    peer.run()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        what, argument = line.split(None, 1)
        if what == "run":
            peer.load(images[0])
            answer = {"ns": timed(peer, float(argument))}
        else:
            written = b""
            for image in images:
                peer.load(image)
                peer.run()
                written += peer.result()
            with open(argument.strip(), "wb") as file:
                file.write(written)
            answer = {"bytes": len(written)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
