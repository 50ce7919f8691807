# SPDX-License-Identifier: Apache-2.0
"""The code of the law in every language that it is written for.

src/spec/op.h, arith.h and magic.h must compile, without a warning, as C99, C11, CUDA (nvcc; clang where nvcc is absent) and OpenCL C; the
public header as C99, C11 and C++17.  A language whose compiler is absent is reported as skipped.
"""
import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Uses every function of arith.h and magic.h that devices have from a function of that language.
BODY = """
    lks_rq rq = { 1 << 30, 31 };
    lks_tail tail = { 0, -128, 127, LKS_TFLITE };
    lks_softmax_row row = lks_softmax_begin(1 << 19);
    lks_addition sum = { 0, 0, 0, 0, rq, rq, rq, tail };
    lks_magic by = { 1, 0, 1 };
    int32_t v = x;

    v += lks_shr32(v, 3) + (int32_t)lks_shr64(v, 3) + lks_clamp(v, -5, 5) + lks_rshift_away(v, 2) + lks_mulh(v, v);
    v += lks_requant(v, rq, LKS_HALF_UP) + lks_requant_tflite(v, rq) + lks_finish(v, rq, tail);
    v += lks_scale_addend(v, 3, rq, LKS_TFLITE) + lks_average(v, 3, LKS_HALF_UP) + lks_lshift_sat(v, 2) + lks_exp5(-v);
    v += lks_add(v, v, sum) + (int32_t)lks_divide((uint32_t)v, by) + lks_average_magic(v, by, by, LKS_HALF_UP);
    v += lks_softmax_exp(-v, rq.m, 3) + lks_recip(v) + lks_clz32(1u) + lks_softmax_finish(v, row);
"""
INCLUDES = '#include "spec/magic.h"\n'
HOST = INCLUDES + "int32_t use(int32_t x);\nint32_t use(int32_t x)\n{" + BODY + "    return v;\n}\n"
CUDA = INCLUDES + 'extern "C" __global__ void use(int32_t *out, int32_t x)\n{' + BODY + "    *out = v;\n}\n"
OPENCL = INCLUDES + "__kernel void use(__global int32_t *out, int32_t x)\n{" + BODY + "    *out = v;\n}\n"
PUBLIC = '#include <lockstep/lockstep.h>\nint use(void);\nint use(void)\n{\n    return (int)sizeof(lks_tensor_info);\n}\n'
BACKEND = '#include "spec/backend.h"\nint use(void);\nint use(void)\n{\n    return (int)sizeof(lks_backend);\n}\n'
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-Wno-unused-function"]
CLANG_CUDA = ["-x", "cuda", "-nocudainc", "-nocudalib", "--cuda-device-only", "--cuda-gpu-arch=sm_75", "-include"]


def first(*names: str) -> str | None:
    return next((n for n in names if shutil.which(n)), None)


class Languages(unittest.TestCase):
    def compile(self, source: str, suffix: str, *command: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "use" + suffix)
            path.write_text(source)
            full = [*command, f"-I{ROOT / 'src'}", f"-I{ROOT / 'include'}", "-c", str(path), "-o", str(pathlib.Path(folder, "use.o"))]
            done = subprocess.run(full, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""), " ".join(full))

    def test_c99_and_c11(self) -> None:
        for compiler in ("gcc", "clang"):
            if not shutil.which(compiler):
                self.skipTest(f"{compiler} is absent")
            for standard in ("c99", "c11"):
                self.compile(HOST, ".c", compiler, f"-std={standard}", *STRICT)
                self.compile(PUBLIC, ".c", compiler, f"-std={standard}", *STRICT)
                self.compile(BACKEND, ".c", compiler, f"-std={standard}", *STRICT)

    def test_public_header_as_cxx(self) -> None:
        compiler = first("g++", "clang++")
        if not compiler:
            self.skipTest("no C++ compiler")
        self.compile(PUBLIC, ".cpp", compiler, "-std=c++17", *STRICT)

    def test_cuda(self) -> None:
        if shutil.which("nvcc"):
            self.compile(CUDA, ".cu", "nvcc", "-arch=sm_75", "-Werror", "all-warnings")
            return
        compiler = first("clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14")
        if not compiler:
            self.skipTest("neither nvcc nor clang is present")
        with tempfile.TemporaryDirectory() as folder:   # what the CUDA headers would define
            words = pathlib.Path(folder, "words.h")
            words.write_text("#define __global__ __attribute__((global))\n#define __host__ __attribute__((host))\n"
                             "#define __device__ __attribute__((device))\n#define __forceinline__ inline __attribute__((always_inline))\n")
            # as far as PTX: ptxas belongs to the toolkit that is absent
            self.compile(CUDA, ".cu", compiler, *CLANG_CUDA, str(words), "-Wall", "-Wextra", "-Werror",
                         "-Wno-unknown-cuda-version", "-Wno-unused-command-line-argument", "-S")

    def test_opencl_c(self) -> None:
        compiler = first("clang", "clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14")
        if not compiler:
            self.skipTest("clang is absent")
        for target in ("spir64-unknown-unknown", "nvptx64-nvidia-nvcl", "amdgcn-amd-amdhsa"):
            self.compile(OPENCL, ".cl", compiler, "-x", "cl", "-cl-std=CL1.2", f"--target={target}", "-nogpulib", "-Xclang",
                         "-finclude-default-header", "-Wall", "-Wextra", "-Werror", "-Wno-unused-command-line-argument",
                         "-emit-llvm")


if __name__ == "__main__":
    unittest.main()
