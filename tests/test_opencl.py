# SPDX-License-Identifier: Apache-2.0
"""The OpenCL backend on every OpenCL device of this machine: selftest with every variant that compiles there, models and their
goldens, and errors.  Skipped where there is no device; Debian's PoCL makes one of the CPU.
"""
import json
import os
import subprocess
import unittest

import program

CASES = int(os.environ.get("LOCKSTEP_OPENCL_CASES", 40))
DIGITS = program.ROOT / "examples/digits/digits.tflite"
BACKEND = ("--backend", "opencl")
MODELS = ("hello_world_int8", "kws_int8", "resnet8_cifar10_int8", "vww_int8")


def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([program.LOCKSTEP, *map(str, arguments)], capture_output=True, text=True, env=os.environ | environment)


def devices() -> list[dict]:
    return [d for d in json.loads(call("devices", "--json").stdout)["devices"] if d["backend"] == "opencl"]


class OpenCL(unittest.TestCase):
    def setUp(self) -> None:
        if not any(d["usable"] for d in devices()):
            self.skipTest("no OpenCL device: " + "; ".join(d["reason"] or "" for d in devices()))

    def passes(self, *arguments: object) -> str:
        done = call(*arguments)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def test_selftest(self) -> None:
        text = self.passes("selftest", *BACKEND, "--cases", CASES)
        self.assertEqual(text.splitlines()[-1], "PASSED")
        rows = [line.split() for line in text.splitlines()]
        ran = {row[2] for row in rows if len(row) > 6 and row[0] == "opencl" and row[-1] == "OK"}
        self.assertLessEqual({"auto", "direct", "wide", "portable_128x128", "portable_64x64"}, ran)

    def test_digits(self) -> None:
        self.passes("verify", DIGITS, *BACKEND)
        picture = DIGITS.parent / "7.png"
        runs = [program.digests(self.passes("run", DIGITS, picture, "--backend", name)) for name in ("opencl", "cpu_ref")]
        self.assertEqual(*runs)

    def test_models_and_goldens(self) -> None:
        if not (program.SHARED / "golden").is_dir():
            self.skipTest(f"{program.SHARED / 'golden'} is absent")
        for name in MODELS:
            with self.subTest(name):
                self.passes("verify", program.SHARED / f"models/{name}.tflite", *BACKEND, "--expect",
                            program.SHARED / f"golden/{name}.json", "--inputs", program.SHARED / "images")

    def test_a_cpu_is_used_by_name_only(self) -> None:
        first = self.passes("run", DIGITS, DIGITS.parent / "7.png")
        if all("pthread" in d["name"] or "cpu" in d["name"].lower() for d in devices()):
            self.assertNotIn("backend  opencl", first)

    def test_what_there_is_not(self) -> None:
        done = call("run", DIGITS, DIGITS.parent / "7.png", *BACKEND, "--device", 60)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
        done = call("selftest", *BACKEND, "--cases", 1, "--variant", "khr_9x9")
        self.assertNotEqual(done.returncode, 0)


class WithoutDevices(unittest.TestCase):
    def test_the_program_starts_and_says_what_is_missing(self) -> None:
        done = call("devices", OCL_ICD_VENDORS="/nonexistent")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^opencl +0 +no .*\n +the OpenCL loader knows no device|there is no OpenCL loader")


if __name__ == "__main__":
    program.main()
