# SPDX-License-Identifier: Apache-2.0
"""Every CUDA kernel compiles for every architecture of a release without spilling registers to memory, and its wgmma run without
waiting for each other, by the word of ptxas.

Skipped where nvcc is absent.  LOCKSTEP_CUDA_ARCHITECTURES=86,90a narrows it.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import program
from test_cuda import kernels_of_the_source

NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")
ARCHITECTURES = os.environ.get("LOCKSTEP_CUDA_ARCHITECTURES", "75,80,86,89,90a,100,120").split(",")
ENTRY = re.compile(r"Compiling entry function '(\w+)' for 'sm_(\w+)'")
GMMA = re.compile(r"wgmma.*serialized|warpgroup\.\w+ is injected|setmaxnreg.*ignored")
SPILLS = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")


def compile_one(source: pathlib.Path, folder: str) -> str:
    targets = [f"-gencode=arch=compute_{a},code=sm_{a}" for a in ARCHITECTURES]
    done = subprocess.run([NVCC, "-std=c++17", "-O3", "-lineinfo", "-Xptxas", "-v", "-I", program.ROOT / "include", "-I",
                           program.ROOT / "src", *targets, "-c", source, "-o", f"{folder}/{source.stem}.o"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{source.name}: {done.stderr[-4000:]}")
    return done.stderr


def reported(text: str) -> list[tuple[str, str, int]]:
    """Of each kernel and architecture: the bytes of spill stores and loads together."""
    rows, entry = [], None
    for line in text.splitlines():
        if found := ENTRY.search(line):
            entry = found.groups()
        if (found := SPILLS.search(line)) and entry:
            rows.append((*entry, int(found[2]) + int(found[3])))
            entry = None
    return rows


@unittest.skipUnless(NVCC, "nvcc is absent")
class Spills(unittest.TestCase):
    def test_no_kernel_spills(self) -> None:
        sources = sorted((program.ROOT / "src/cuda").glob("*.cu"))
        with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            texts = list(pool.map(lambda s: compile_one(s, folder), sources))
        rows = [row for text in texts for row in reported(text)]
        expected = {(k, a) for k in kernels_of_the_source() for a in ARCHITECTURES}
        self.assertEqual(expected - {row[:2] for row in rows}, set(), "kernels that ptxas did not report")
        spilled = [f"{kernel} sm_{sm}: {count} bytes" for kernel, sm, count in rows if count]
        self.assertEqual(spilled, [])
        self.assertEqual(sorted(line for text in texts for line in text.splitlines() if GMMA.search(line)), [])
        print(f"{len(rows)} kernels, none spills")

    def test_a_spill_would_be_seen(self) -> None:
        lines = ["ptxas info    : Compiling entry function 'a_kernel' for 'sm_90a'",
                 "ptxas info    : Function properties for a_kernel",
                 "    40 bytes stack frame, 36 bytes spill stores, 4 bytes spill loads"]
        self.assertEqual(reported("\n".join(lines)), [("a_kernel", "90a", 40)])


if __name__ == "__main__":
    program.main()
