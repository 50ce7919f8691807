# SPDX-License-Identifier: Apache-2.0
"""The CUDA backend on the shim (tests/cuda_shim): selftest with every variant, real models and their goldens, and that no kernel
is left that nothing launched.

LOCKSTEP_TEST names the program that has the backend cuda-shim, CUDA_TEST the test of its errors, which also exercises devices,
and CUDA_SHAPES_TEST that of shapes which small random models seldom have.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import program

PROGRAM = os.environ.get("LOCKSTEP_TEST", str(program.ROOT / "build/gcc/tests/lockstep-test"))
SHAPES_TEST = os.environ.get("CUDA_SHAPES_TEST", str(program.ROOT / "build/gcc/tests/cuda_shapes_test"))
CUDA_TEST = os.environ.get("CUDA_TEST", str(program.ROOT / "build/gcc/tests/cuda_test"))
DIGITS = program.ROOT / "examples/digits/digits.tflite"
BACKEND = ("--backend", "cuda-shim")
CASES = int(os.environ.get("LOCKSTEP_CUDA_CASES", 16 if program.QUICK else 40))
ARCHITECTURES = (75, 80, 90)
WGMMA = ("--isa", "wgmma")
# Real models; those that are not here would take minutes.
MODELS = ("hello_world_int8",) if program.QUICK else ("hello_world_int8", "kws_int8", "resnet8_cifar10_int8", "vww_int8")


def kernels_of_the_source(files: str = "*") -> set[str]:
    """Those that are written out, and those that a macro LKS_..._KERNEL(name, ...) makes."""
    found = set()
    for path in (program.ROOT / "src/cuda").glob(f"{files}.cu"):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", path.read_text(), flags=re.S)
        found |= set(re.findall(r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+_kernel)\s*\(", text))
        found |= set(re.findall(r"(?m)^[A-Z_]+_KERNEL\((\w+_kernel)\b", text))
    return found


class Cuda(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.kernels = pathlib.Path(folder.name) / "kernels"

    def call(self, *arguments: object, passes: bool = True, **environment: object) -> str:
        done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                              env=os.environ | {"LOCKSTEP_SHIM_KERNELS": str(self.kernels)}
                              | {k: str(v) for k, v in environment.items()})
        self.assertEqual(done.returncode == 0, passes, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def test_1_selftest(self) -> None:
        for sm in ARCHITECTURES:
            with self.subTest(sm):
                cases = CASES if sm == ARCHITECTURES[-1] else CASES // 4
                text = self.call("selftest", *BACKEND, *(WGMMA if sm == 90 else ()), "--cases", cases, "--seed", sm,
                                 LOCKSTEP_SHIM_SM=sm)
                self.assertEqual(text.splitlines()[-1], "PASSED")

    def test_1_launch_by_launch(self) -> None:
        self.call("selftest", *BACKEND, "--cases", CASES // 10, "--no-graph", "--no-fuse")

    def test_1_digits(self) -> None:
        self.call("verify", DIGITS, *BACKEND)
        self.assertEqual(self.call("run", DIGITS, DIGITS.parent / "7.png", *BACKEND).count("sha256"), 3)

    def test_1_self_check(self) -> None:
        """A linear kernel that does nothing is found when a card is opened, even in memory that still holds the right bytes."""
        kernels = {kernel for family in ("conv", "depthwise", "*matmul") for kernel in kernels_of_the_source(family)}
        self.assertGreater(len(kernels), 30)
        for kernel in sorted(kernels):
            with self.subTest(kernel):
                asked = WGMMA if "wgmma" in kernel else ()
                done = subprocess.run([PROGRAM, "run", DIGITS, DIGITS.parent / "7.png", *BACKEND, *asked], capture_output=True,
                                      text=True, env=os.environ | {"LOCKSTEP_SHIM_IDLE": kernel})
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn("fails its self-check", done.stderr)

    def test_1_wgmma_is_asked_for(self) -> None:
        """Until a card has passed it: no variant of it without its name, and no name where there is none."""
        layer = ("bench", "--op", "fc:40,64,40", "--variant", "wgmma_128x128", *BACKEND, "--duration", 0, "--warmup", 0, "-r", 1)
        self.assertIn("have not passed on a card yet: --isa wgmma opens them", self.call(*layer, passes=False))
        self.call(*layer, *WGMMA)
        for sm, isa, says in ((80, "wgmma", "has no wgmma: that is of sm_90"), (90, "hmma", "there is none to choose but wgmma")):
            done = subprocess.run([PROGRAM, "run", DIGITS, DIGITS.parent / "7.png", *BACKEND, "--isa", isa], capture_output=True,
                                  text=True, env=os.environ | {"LOCKSTEP_SHIM_SM": str(sm)})
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr)

    def test_1_swapped_fragments(self) -> None:
        """Registers of tensor cores that are taken for each other: of A, B, C, of what ldmatrix loads, and of wgmma's sums."""
        for swapped in (1, 2, 3, 4, 5):
            with self.subTest(swapped):
                done = subprocess.run([PROGRAM, "run", DIGITS, DIGITS.parent / "7.png", *BACKEND, *WGMMA], capture_output=True,
                                      text=True, env=os.environ | {"LOCKSTEP_SHIM_SWAPPED": str(swapped)})
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(f'fails its self-check: kernels "{"wgmma" if swapped == 5 else "mma"}_128x128"', done.stderr)

    def test_1_models_and_goldens(self) -> None:
        if not (program.SHARED / "models").is_dir() or not (program.SHARED / "golden").is_dir():
            self.skipTest(f"{program.SHARED / 'models'} is absent")
        for name in MODELS:
            with self.subTest(name):
                model = program.SHARED / f"models/{name}.tflite"
                self.call("verify", model, *BACKEND, "--expect", program.SHARED / f"golden/{name}.json", "--inputs",
                          program.SHARED / "images")
                self.call("verify", model, *BACKEND, "--cases", 2)

    def test_1_devices_by_name(self) -> None:
        two = {"LOCKSTEP_SHIM_CARDS": 2}
        uuids = [d["uuid"] for d in json.loads(self.call("devices", "--json", **two))["devices"] if d["backend"] == "cuda-shim"]
        self.assertEqual(len(set(uuids)), 2)
        for name, index in ((uuids[1], 1), (uuids[0].lower(), 0), ("SHIM", 0), ("1", 1)):
            text = self.call("run", DIGITS, DIGITS.parent / "7.png", *BACKEND, "--device", name, **two)
            self.assertIn(f"backend  cuda-shim {index}  ", text)
        self.call("run", DIGITS, DIGITS.parent / "7.png", *BACKEND, "--device", "GPU-ff", passes=False, **two)

    def test_2_every_kernel_was_launched(self) -> None:
        for command in ([CUDA_TEST, str(DIGITS)], [SHAPES_TEST]):
            subprocess.run(command, check=True, capture_output=True,
                           env=os.environ | {"LOCKSTEP_SHIM_KERNELS": str(self.kernels)})
        launched = {line.split()[0] for line in self.kernels.read_text().splitlines()}
        source = kernels_of_the_source()
        self.assertGreater(len(source), 10)
        self.assertEqual(launched - source, set())
        self.assertEqual(source - launched, set(), "kernels that no test launched")


if __name__ == "__main__":
    program.main()
