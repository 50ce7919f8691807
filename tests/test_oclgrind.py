# SPDX-License-Identifier: Apache-2.0
"""The OpenCL kernels on the simulator oclgrind, which watches every access: small random models of every op in every variant,
and a real model. It must find no race, nothing out of bounds and no misuse of the API; that it would is shown by planting both.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import unittest

import program

DRIVER = pathlib.Path("/usr/lib/oclgrind/liboclgrind-rt-icd.so")
DIGITS = program.ROOT / "examples/digits/digits.tflite"
BACKEND = ("--backend", "opencl", "--no-cache")
# A million multiply-accumulates take a second here, and a tile computes 16384 outputs however many are wanted: the cases are few,
# and those of a seed whose shapes are small.
CASES = ("--cases", 1, "--seed", 2)
# Its inliner fails on functions without `static`, and its optimizer merges accesses that it then calls races.
BUILD = "-cl-opt-disable -DLKS_FN=static"


def simulate(*arguments: object, plant: str = "", **environment: str) -> subprocess.CompletedProcess:
    own = {"OCL_ICD_VENDORS": str(DRIVER), "OCLGRIND_DATA_RACES": "1", "OCLGRIND_CHECK_API": "1",
           "OCLGRIND_MAX_ERRORS": "20", "OCLGRIND_BUILD_OPTIONS": f"{BUILD} {plant}".strip()}
    return subprocess.run([program.LOCKSTEP, *map(str, arguments)], capture_output=True, text=True,
                          env=os.environ | own | environment)


def ops() -> list[str]:
    """Those that selftest knows: it says so where it is asked for another one."""
    done = subprocess.run([program.LOCKSTEP, "selftest", "--op", "?"], capture_output=True, text=True)
    return re.search(r"there are (.+)", done.stderr).group(1).split()


def is_clean(done: subprocess.CompletedProcess) -> bool:
    return done.returncode == 0 and done.stderr == ""


@unittest.skipUnless(DRIVER.exists(), f"{DRIVER} is absent: install oclgrind")
class Oclgrind(unittest.TestCase):
    def test_every_op_in_every_variant(self) -> None:
        names = ops()
        self.assertGreater(len(names), 10)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            runs = pool.map(lambda op: simulate("selftest", *BACKEND, *CASES, "--op", op), names)
            for op, done in zip(names, runs):
                with self.subTest(op):
                    self.assertTrue(is_clean(done), f"{done.returncode} {done.stdout[-1000:]} {done.stderr[:2000]}")
                    self.assertRegex(done.stdout, r"(?m)^opencl +0 +auto .* OK$")

    def test_digits(self) -> None:
        done = simulate("run", DIGITS, DIGITS.parent / "7.png", *BACKEND, "--check", "full")
        self.assertTrue(is_clean(done), done.stderr[:2000])
        self.assertIn("Oclgrind", done.stdout)

    def test_a_race_would_be_seen(self) -> None:
        """Without barriers."""
        done = simulate("selftest", *BACKEND, *CASES, "--op", "sum", "--variant", "lanes", plant="-Dbarrier(x)=0")
        self.assertFalse(is_clean(done))
        self.assertIn("data race at local memory", done.stderr)

    def test_an_access_out_of_bounds_would_be_seen(self) -> None:
        """With more lanes than there are."""
        done = simulate("selftest", *BACKEND, *CASES, "--op", "sum", "--variant", "lanes",
                        plant="-Dget_local_size(x)=(get_local_size(x)*2)")
        self.assertFalse(is_clean(done))
        self.assertRegex(done.stderr, r"Invalid read of size \d+ at local memory")

    def test_uninitialized_memory(self) -> None:
        done = simulate("selftest", *BACKEND, *CASES, "--op", "lut", OCLGRIND_UNINITIALIZED="1")
        if done.returncode < 0:
            self.skipTest(f"oclgrind itself ends with signal {-done.returncode} when it watches for uninitialized memory")
        self.assertTrue(is_clean(done), done.stderr[:2000])


if __name__ == "__main__":
    program.main()
