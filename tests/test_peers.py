# SPDX-License-Identifier: Apache-2.0
"""bench/peers without the peers: the networks that they are given, and the code of the tables.

The exported .tflite must come back through the importer as the network that it was made from. Where LKS_LITERT_PYTHON names a
Python with ai-edge-litert, its reference kernels must give Lockstep's own bytes for it; where there is onnx, the ONNX file is
checked too.
"""
import importlib.util
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import program

BENCH = program.ROOT / "bench/peers"
sys.path.insert(0, str(BENCH))
import figures                                                          # noqa: E402
import graph as graphs                                                  # noqa: E402
import install                                                          # noqa: E402
import run                                                              # noqa: E402
import to_tflite                                                        # noqa: E402
from second_opinion import lks_file                                     # noqa: E402
from second_opinion.op_table import BY_NUMBER                           # noqa: E402

PYTHON = os.environ.get("LKS_LITERT_PYTHON")
HAS_ONNX = all(importlib.util.find_spec(name) for name in ("numpy", "onnx"))
LAYERS = ["conv:1,9,9,16,8,3,3", "conv:1,8,8,16,8,1,1", "depthwise:1,9,9,24,3,3", "conv:1,15,15,3,8,3,3,2", "fc:1,64,20"]


class Exported:
    """A built-in model, as .tflite, and what Lockstep imports of that."""

    def __init__(self, name: str, folder: pathlib.Path) -> None:
        self.tflite, again = folder / "net.tflite", folder / "again.lks"
        program.lockstep("convert", f"builtin:{name}", folder / "net.lks")
        self.before = lks_file.read((folder / "net.lks").read_bytes())
        self.tflite.write_bytes(to_tflite.write(graphs.of(self.before)))
        program.lockstep("convert", self.tflite, again)
        self.after = lks_file.read(again.read_bytes())


def pair(values: tuple, rounding: int) -> list[float]:
    return [graphs.ratio(m, s, rounding) for m, s in zip(values[::2], values[1::2])]


class Export(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def same_layer(self, a: lks_file.Model, b: lks_file.Model) -> None:
        (x,), (y,) = a.ops, b.ops
        self.assertEqual((x.number, x.arguments), (y.number, y.arguments))
        for i in (1, 2):            # weights and bias
            self.assertEqual(a.tensors[x.operands[i]].values, b.tensors[y.operands[i]].values)
        rounding = BY_NUMBER[x.number].named(x.arguments).rounding
        for m, n in zip(*(pair(g.tensors[o.operands[3]].values, rounding) for g, o in ((a, x), (b, y)))):
            self.assertLess(abs(m / n - 1), 2.0**-22)       # two roundings to a binary32

    def test_a_layer_comes_back_with_its_weights_and_multipliers(self) -> None:
        for name in LAYERS:
            with self.subTest(name):
                made = Exported(name, self.folder)
                self.same_layer(made.before, made.after)

    def test_a_network_keeps_its_ops_shapes_and_work(self) -> None:
        for name in ("mobilenet_v2", "resnet50"):
            with self.subTest(name):
                made = Exported(name, self.folder)
                kinds = [[(op.number, m.tensors[op.outputs[0]].shape) for op in m.ops] for m in (made.before, made.after)]
                self.assertEqual(*kinds)

    def test_what_cannot_be_said_is_refused(self) -> None:
        program.lockstep("convert", "builtin:conv:1,9,9,16,8,3,3,1,2,2", self.folder / "net.lks")
        model = lks_file.read((self.folder / "net.lks").read_bytes())
        with self.assertRaisesRegex(graphs.Unsupported, "dilation"):
            to_tflite.write(graphs.of(model))

    @staticmethod
    def without_last_op(made: Exported) -> None:
        graph = graphs.of(made.before)
        last = graph.nodes.pop()
        del graph.tensors[last.output]
        graph.outputs = last.inputs
        made.tflite.write_bytes(to_tflite.write(graph))

    @unittest.skipUnless(PYTHON, "LKS_LITERT_PYTHON names no Python with ai-edge-litert")
    def test_reference_kernels_give_the_same_bytes(self) -> None:
        for name in ["mobilenet_v2", *LAYERS[:-1]]:
            with self.subTest(name):
                made, inputs, theirs = Exported(name, self.folder), self.folder / "in.bin", self.folder / "theirs.bin"
                if name == "mobilenet_v2":
                    self.without_last_op(made)      # its fully_connected scales in floating point: one byte differs
                size = made.before.tensors[made.before.inputs[0]].elements
                inputs.write_bytes(program.splitmix64_bytes(1, size))
                subprocess.run([PYTHON, BENCH / "worker.py", "litert-ref", made.tflite, "1", inputs], check=True, text=True,
                               input=f"outputs {theirs}\n", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                ours = program.digests(program.lockstep("run", made.tflite, inputs, "--check", "none"))["output 0"]
                self.assertEqual(ours, program.sha256(theirs.read_bytes()))

    @unittest.skipUnless(HAS_ONNX, "no numpy, or no onnx")
    def test_onnx_is_sound(self) -> None:
        import onnx
        import to_onnx
        for name in ["mobilenet_v2", *LAYERS]:
            with self.subTest(name):
                graph = graphs.of(Exported(name, self.folder).after)
                plain, nhwc = (onnx.load_from_string(to_onnx.write(graph, nhwc=n)).graph for n in (False, True))
                self.assertEqual(plain.node[-1].op_type, "QuantizeLinear")
                shape = [d.dim_value for d in nhwc.input[0].type.tensor_type.shape.dim]
                self.assertEqual(shape, graph.tensors[graph.inputs[0]].shape)


class Figures(unittest.TestCase):
    def test_the_spread_is_that_of_the_sign_test(self) -> None:
        self.assertEqual(figures.spread(list(range(5))), (0, 4))            # 2 / 2^5 is more than 5 %
        self.assertEqual(figures.spread(list(range(6))), (0, 5))            # 2 / 2^6 is less
        self.assertEqual(figures.spread(list(range(20))), (5, 14))

    def test_ratios_are_taken_round_by_round(self) -> None:
        row = figures.row("m", 1, "p", [2.0, 4.0, 60.0], [1.0, 2.0, 10.0], [100.0] * 3, 10**8)
        self.assertEqual((row["median_ms"], row["ratio"], row["ratio_spread"]), (4.0, 2.0, (2.0, 6.0)))
        self.assertAlmostEqual(row["percent_of_peak"], 25.0)                # 10^8 MACs in 4 ms of 100 G a second

    def test_a_peer_that_is_missing_stands_in_the_table(self) -> None:
        text = figures.table([figures.missing("m", 2, "tvm", "not installed: no | wheel")])
        self.assertIn("| m | 2 | tvm | not installed: no / wheel |", text)

    def test_bytes_that_are_missing_differ(self) -> None:
        self.assertEqual(figures.differing(b"abc", b"abd"), (1, 3))
        self.assertEqual(figures.differing(b"abc", b"ab"), (1, 3))
        self.assertEqual(figures.differing(b"abc", b"abc"), (0, 3))

    def test_layers_for_onednn(self) -> None:
        self.assertEqual(run.layer_of("conv:1,224,224,3,32,3,3,2"), ["conv", "224", "224", "3", "32", "3", "2"])
        self.assertEqual(run.layer_of("depthwise:1,56,56,144,3,3"), ["depthwise", "56", "56", "144", "144", "3", "1"])
        self.assertEqual(run.layer_of("fc:1,2048,1000"), ["fc", "1", "1", "2048", "1000", "1", "1"])
        for other in ("resnet50", "conv:2,9,9,8,8,3,3", "conv:1,9,9,8,8,3,1"):
            self.assertRaises(run.Failed, run.layer_of, other)

    def test_only_a_comparison_passes(self) -> None:
        time = figures.row("m", 1, "lockstep (cpu)", [1.0], [1.0], [100.0], 10**8)
        same = {"model": "m", "peer": "lockstep (cpu)", "against": "cpu_ref", "differ": 0, "bytes": 10}
        other = {**same, "peer": "tvm", "differ": 3}                        # is no fault of ours
        self.assertEqual(run.verdict([time], [same, other], "cpu"), "PASSED")
        self.assertEqual(run.verdict([time], [], "cpu"), "DONE: no bytes were compared")
        self.assertEqual(run.verdict([time], [other], "cpu"), "DONE: no bytes were compared")
        for wrong in ({**same, "differ": 1}, {"model": "m", "peer": "lockstep (cpu)", "against": "cpu_ref", "missing": "why"}):
            self.assertEqual(run.verdict([time], [same, wrong], "cpu"), "FAILED")
        for peer in ("all", "lockstep (cpu)"):
            for agreement in ([], [same]):
                self.assertEqual(run.verdict([figures.missing("m", 1, peer, "why")], agreement, "cpu"), "FAILED")
        self.assertEqual(run.verdict([time, figures.missing("m", 1, "tvm", "no wheel")], [same], "cpu"), "PASSED")

    def test_every_peer_has_a_pinned_package(self) -> None:
        for peer in run.PEERS:
            for package in install.PACKAGES[install.package_of(peer)]:
                self.assertRegex(package, r"^[\w-]+==[\w.]+$")


if __name__ == "__main__":
    program.main()
