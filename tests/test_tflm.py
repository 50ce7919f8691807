# SPDX-License-Identifier: Apache-2.0
"""Real models against TensorFlow Lite Micro's reference kernels: every output and every intermediate tensor.

The goldens, models and pictures lie in LKS_SHARED (golden/README.md there says how they were made); the package tflite-micro is used
where LKS_TFLM_PYTHON names a Python that has it.  What is absent is skipped, visibly.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import program

GOLDEN = program.SHARED / "golden"
MODELS = program.SHARED / "models"
INT8_MODELS = ("hello_world_int8", "kws_int8", "resnet8_cifar10_int8", "vww_int8", "mobilenet_v2_224_int8_u8io")
SECOND_OPINION_MODELS = ("kws_int8", "resnet8_cifar10_int8", "vww_int8")
REFUSED = {
    "invalid_model_invoking_error": "CUSTOM fake-op-double",
}


def input_file(golden: dict, case: dict, folder: pathlib.Path) -> pathlib.Path:
    """The input of a case as a file that the program takes: a picture as it is, everything else as raw bytes."""
    source = case["input"]
    if "image" in source:
        return program.SHARED / "images" / source["image"]
    if "file" in source:
        return program.SHARED / "data" / source["file"]
    size = sum(t["bytes"] for t in golden["inputs"])
    raw = folder / "input.raw"
    raw.write_bytes(program.splitmix64_bytes(source["seed"], size) if "seed" in source else bytes([source["byte"]]) * size)
    return raw


@unittest.skipUnless(GOLDEN.is_dir(), f"{GOLDEN} is absent")
class Goldens(unittest.TestCase):
    def run_case(self, golden: dict, case: dict) -> list[bytes]:
        """One case through the program, compared; the op outputs."""
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            source = input_file(golden, case, folder)
            text = program.lockstep("run", MODELS / golden["model"]["file"], source, "--dump", folder / "ops")
            ops = program.dumped(folder / "ops")
        found = program.digests(text)
        self.assertEqual(found["input 0"], case["inputs_sha256"][0])
        self.assertEqual(found["output 0"], case["outputs_sha256"][0])
        self.assertEqual(found["trace"], case["all_tensors_sha256"])
        self.assertEqual(program.sha256(b"".join(ops)), case["all_tensors_sha256"])
        return ops

    def check_model(self, name: str, limit: int | None = None) -> None:
        golden = json.loads((GOLDEN / f"{name}.json").read_text())
        self.assertEqual(program.sha256((MODELS / golden["model"]["file"]).read_bytes()), golden["model"]["sha256"])
        self.assertGreater(len(golden["cases"]), 30)
        for case in golden["cases"][:limit]:
            with self.subTest(case["name"]):
                ops = self.run_case(golden, case)
                if case["name"] == golden["intermediates"]["case"]:
                    expected = [t["sha256"] for t in golden["intermediates"]["tensors"]]
                    self.assertEqual([program.sha256(op) for op in ops], expected)

    def test_hello_world(self) -> None:
        self.check_model("hello_world_int8")

    def test_hello_world_sweep(self) -> None:
        golden = json.loads((GOLDEN / "hello_world_int8.json").read_text())
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "all.raw").write_bytes(bytes(range(256)))
            program.lockstep("run", MODELS / "hello_world_int8.tflite", folder / "all.raw", "--output", folder / "y.npy")
            got = [b - 256 if b > 127 else b for b in program.npy_payload(folder / "y.npy")]
        self.assertEqual(got, sweep_values(golden["sweep"]))

    def test_kws(self) -> None:
        self.check_model("kws_int8")

    def test_resnet8(self) -> None:
        self.check_model("resnet8_cifar10_int8")

    def test_vww(self) -> None:
        self.check_model("vww_int8")

    def test_mobilenet_v2(self) -> None:
        self.check_model("mobilenet_v2_224_int8_u8io", 2 if program.QUICK else None)

    def test_pictures_are_named(self) -> None:
        expected = {"cat": "cat", "bird": "chickadee", "sunflower": "daisy"}
        for picture, word in expected.items():
            text = program.lockstep("run", MODELS / "mobilenet_v2_224_int8_u8io.tflite", program.SHARED / f"images/{picture}.bmp",
                                    "--labels", program.SHARED / "images/imagenet_labels.txt", "--top", 5)
            self.assertIn(word, text)

    def test_convert_then_run_gives_the_same_output(self) -> None:
        for name in INT8_MODELS[:2 if program.QUICK else None]:
            golden = json.loads((GOLDEN / f"{name}.json").read_text())
            with tempfile.TemporaryDirectory() as folder_name, self.subTest(name):
                folder = pathlib.Path(folder_name)
                for out in ("a.lks", "b.lks"):
                    program.lockstep("convert", MODELS / f"{name}.tflite", folder / out)
                self.assertEqual((folder / "a.lks").read_bytes(), (folder / "b.lks").read_bytes())
                source = input_file(golden, golden["cases"][0], folder)
                direct = program.digests(program.lockstep("run", MODELS / f"{name}.tflite", source))
                converted = program.digests(program.lockstep("run", folder / "a.lks", source))
                self.assertEqual(direct, converted)
                self.assertEqual(direct["model"], program.sha256((folder / "a.lks").read_bytes()))

    def test_what_cannot_run_exactly_is_refused_with_its_reason(self) -> None:
        for name, reason in REFUSED.items():
            done = subprocess.run([program.LOCKSTEP, "info", str(MODELS / f"{name}.tflite")], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), name)
            self.assertIn(reason, done.stderr)

    def test_second_opinion_meets_the_goldens(self) -> None:
        """The Python executor on the converted models: no output of the C program is looked at."""
        with tempfile.TemporaryDirectory() as folder:
            for name in SECOND_OPINION_MODELS:
                program.lockstep("convert", MODELS / f"{name}.tflite", pathlib.Path(folder, f"{name}.lks"))
            cases = os.environ.get("LOCKSTEP_SECOND_OPINION_CASES", "3")
            done = subprocess.run([sys.executable, "-m", "second_opinion.check_tflm_golden", folder, str(GOLDEN),
                                   "--cases", cases, "--jobs", str(os.cpu_count())], cwd=program.ROOT / "tests",
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        self.assertIn("passed, 0 failed", done.stdout)


def sweep_values(sweep: object) -> list[int]:
    """The 256 outputs of hello_world for the input bytes 0 to 255."""
    values = sweep["outputs"] if isinstance(sweep, dict) else sweep
    return [v[0] if isinstance(v, list) else v for v in values]


ORACLE = """
import sys, numpy, hashlib
from tflite_micro import runtime
model, source, tensors = sys.argv[1], sys.argv[2], [int(t) for t in sys.argv[3].split(",")]
keep = runtime.InterpreterConfig.kPreserveAllTensors
interpreter = runtime.Interpreter.from_file(model, arena_size=1 << 22, intrepreter_config=keep)
shape = interpreter.get_input_details(0)["shape"]
pixels = numpy.fromfile(source, dtype=numpy.int8).reshape(-1, *shape[1:])
for picture in pixels:
    interpreter.set_input(picture[None], 0)
    interpreter.invoke()
    for t in tensors:
        sys.stdout.buffer.write(interpreter.GetTensor(t, 0)["tensor_data"].tobytes())
"""


@unittest.skipUnless(os.environ.get("LKS_TFLM_PYTHON"), "LKS_TFLM_PYTHON names no Python that has the package tflite-micro")
class Package(unittest.TestCase):
    def test_digits_equal_the_package(self) -> None:
        """The carried model on random bytes, every op output, against the package itself."""
        model, count = program.ROOT / "examples/digits/digits.tflite", 200
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "x.raw").write_bytes(program.splitmix64_bytes(42, 64 * count))
            program.lockstep("run", model, folder / "x.raw", "--dump", folder / "ops")
            ops = program.dumped(folder / "ops")
            oracle = subprocess.run([os.environ["LKS_TFLM_PYTHON"], "-c", ORACLE, str(model), str(folder / "x.raw"),
                                     ",".join(str(t) for t in range(16, 28))], capture_output=True, check=True).stdout
        sizes = [len(op) // count for op in ops]
        ours = b"".join(op[size * i:size * (i + 1)] for i in range(count) for op, size in zip(ops, sizes))
        self.assertEqual(len(oracle), len(ours))
        self.assertEqual(program.sha256(oracle), program.sha256(ours))


if __name__ == "__main__":
    program.main()
