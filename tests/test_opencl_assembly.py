# SPDX-License-Identifier: Apache-2.0
"""What compilers of GPUs make of the OpenCL kernels: dot product instructions in conv, no spills to scratch memory, no floating
point (which a run-time division would bring), no atomics.  For AMD gfx906, gfx90a, gfx1030, gfx1100 and NVIDIA, with clang and
libclc; no card is needed.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import program

SRC = program.ROOT / "src"
CLANG = shutil.which("clang-15")
LIBCLC = pathlib.Path("/usr/lib/clc")
HEAD = ("spec/op.h", "spec/arith.h", "spec/magic.h", "opencl/args.h")
TILE = (*HEAD, *(f"opencl/{n}.cl" for n in ("dot", "linear", "tile", "conv", "matmul", "batch_matmul")))
DIRECT = (*HEAD, *(f"opencl/{n}.cl" for n in ("linear", "window", "depthwise", "batch_matmul", "binary", "lut", "requant",
                                               "window_max", "window_sum", "reduce", "softmax", "copy", "gather", "bilinear",
                                               "arg_max", "lstm", "svdf", "selftest")))
SUDOT = {"gfx1100"}                     # the others have sdot4
AMD = ("gfx906", "gfx90a", "gfx1030", "gfx1100")
LOCAL = {6: 4160, 7: 16512}             # bytes of local memory of a tile, by the logarithm of its side; the host counts the same
FLOAT_AMD = re.compile(r"^\s+v_\w*_(f16|f32|f64)\w*\s", re.M)
FLOAT_PTX = re.compile(r"^\s+\w[\w.]*\.(f16|f32|f64)\b", re.M)
ATOMIC = re.compile(r"^\s+\w*atom\w*", re.M)


def source(files: tuple[str, ...], prologue: str) -> str:
    text = "".join((SRC / name).read_text() for name in files)
    return prologue + re.sub(r'^#include "[^"]+"$', "", text, flags=re.M)


class Assembly(unittest.TestCase):
    def setUp(self) -> None:
        if not CLANG or not (LIBCLC / "amdgcn--amdhsa.bc").exists():
            self.skipTest("clang-15 or libclc-15 is absent")

    def compile(self, text: str, target: str, library: str, *more: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "kernels.cl")
            path.write_text(text)
            command = [CLANG, "-x", "cl", "-cl-std=CL1.2", "-target", target, *more, "-nogpulib", "-Xclang",
                       "-finclude-default-header", "-Wno-linker-warnings", "-O2", "-Xclang", "-mlink-builtin-bitcode", "-Xclang",
                       str(LIBCLC / library), "-S", "-o", "-", str(path)]
            done = subprocess.run(command, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

    def tile(self, log: int, dot: int) -> str:
        options = {"LKS_DOT": dot, "TILE_M_LOG": log, "TILE_N_LOG": log, "TILE_K_LOG": log - 4, "LKS_NAME(x)": "x##_kernel"}
        return source(TILE, "".join(f"#define {name} {value}\n" for name, value in options.items()))

    def direct(self) -> str:
        return source(DIRECT, "#define WIDTH 4\n#define LANES_MAX 64\n")

    def amd(self, text: str, gpu: str) -> str:
        made = self.compile(text, "amdgcn-amd-amdhsa", "amdgcn--amdhsa.bc", f"-mcpu={gpu}")
        self.assertEqual(set(re.findall(r"^; ScratchSize: (\d+)", made, re.M)), {"0"}, gpu)
        self.assertEqual(set(re.findall(r"\.vgpr_spill_count: +(\d+)", made)), {"0"}, gpu)
        self.assertIsNone(FLOAT_AMD.search(made), gpu)
        self.assertIsNone(ATOMIC.search(made), gpu)
        return made

    def test_amd(self) -> None:
        for gpu in AMD:
            with self.subTest(gpu):
                for log in (6, 7):
                    made = self.amd(self.tile(log, 4 if gpu in SUDOT else 3), gpu)
                    self.assertEqual(max(map(int, re.findall(r"\.group_segment_fixed_size: +(\d+)", made))), LOCAL[log], gpu)
                    for kernel in ("conv_kernel", "conv_1x1_kernel", "matmul_kernel"):
                        body = re.search(rf"^{kernel}:(.*?)^\.Lfunc_end", made, re.M | re.S).group(1)
                        self.assertGreaterEqual(len(re.findall(r"v_dot4", body)), 64, f"{gpu}: {kernel}")
                self.amd(self.direct(), gpu)

    def test_nvidia(self) -> None:
        for text, dots in ((self.tile(6, 2), 64), (self.tile(7, 2), 64), (self.direct(), 0)):
            made = self.compile(text, "nvptx64-nvidia-nvcl", "nvptx64--nvidiacl.bc", "-Xclang", "-target-cpu", "-Xclang", "sm_61")
            self.assertGreaterEqual(made.count("dp4a"), dots)
            self.assertIsNone(FLOAT_PTX.search(made))
            self.assertIsNone(ATOMIC.search(made))


if __name__ == "__main__":
    program.main()
