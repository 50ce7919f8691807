# SPDX-License-Identifier: Apache-2.0
"""The installed package: examples/classify.c is built against it by pkg-config, statically, and by CMake, and answers as it should;
the recipes of the README work when they are pasted."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import program

BUILD = os.environ.get("LOCKSTEP_BINARY_DIR", str(program.ROOT / "build/gcc"))
MODEL = program.ROOT / "examples/digits/digits.tflite"
PROJECT = """cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(lockstep 0.1 REQUIRED)
add_executable(classify classify.c)
target_link_libraries(classify PRIVATE lockstep::@KIND@)
"""


def run(*command: object, **options: object) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = pathlib.Path(cls.folder.name)
        cls.prefix = cls.work / "prefix"
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.libraries = next(cls.prefix.rglob("liblockstep.so")).parent
        cls.environment = dict(os.environ, PKG_CONFIG_PATH=str(next(cls.prefix.rglob("lockstep.pc")).parent),
                               LD_LIBRARY_PATH=str(cls.libraries), PATH=f"{cls.prefix / 'bin'}:{os.environ['PATH']}")
        shutil.copy(program.ROOT / "examples/classify.c", cls.work)
        cls.picture = cls.work / "picture.raw"
        cls.picture.write_bytes(bytes(b ^ 0x80 for b in (program.ROOT / "examples/digits/test_set.bin").read_bytes()[:64]))
        cls.answer = (program.ROOT / "examples/digits/test_labels.bin").read_bytes()[0]

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def check(self, classify: pathlib.Path) -> None:
        told = run(classify, MODEL, self.picture, env=self.environment)
        digest = program.digests(program.lockstep("run", MODEL, self.picture))["output 0"]
        self.assertEqual(told.split(), ["class", str(self.answer), "sha256", digest])

    def test_pkg_config(self) -> None:
        flags = run("pkg-config", "--cflags", "--libs", "lockstep", env=self.environment).split()
        run("cc", "-std=c11", "classify.c", *flags, "-o", "classify-shared", cwd=self.work)
        self.check(self.work / "classify-shared")

    def test_static(self) -> None:
        run("cc", "-std=c11", "classify.c", f"-I{self.prefix}/include", self.libraries / "liblockstep.a", "-o", "classify-static",
            cwd=self.work)
        self.check(self.work / "classify-static")

    def test_cmake_package(self) -> None:
        for kind in ("shared", "static"):
            project = self.work / kind
            project.mkdir()
            shutil.copy(program.ROOT / "examples/classify.c", project)
            (project / "CMakeLists.txt").write_text(PROJECT.replace("@KIND@", kind))
            run("cmake", "-S", project, "-B", project / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
            run("cmake", "--build", project / "build")
            self.check(project / "build/classify")

    def test_only_the_public_functions_are_exported(self) -> None:
        symbols = set(re.findall(r" T (\w+)", run("nm", "-D", "--defined-only", self.libraries / "liblockstep.so")))
        header = (program.ROOT / "include/lockstep/lockstep.h").read_text()
        self.assertEqual(symbols, set(re.findall(r"^\w[\w *]*?\b(lks_\w+)\(", header, re.M)))

    def test_program(self) -> None:
        self.assertIn("PASSED", run("lockstep", "verify", MODEL, "--cases", "1", env=self.environment))

    def test_readme_recipe_for_ci_works_when_pasted(self) -> None:
        readme = (program.ROOT / "README.md").read_text()
        folder = self.work / "empty"
        folder.mkdir()
        run("sh", "-e", "-c", re.search(r"```sh\n(cp .*?)```", readme, re.S).group(1), env=self.environment, cwd=folder)
        self.assertIn("<testsuite", (folder / "report.xml").read_text())
        golden = (folder / "golden.json").read_text()
        digest = re.search(r'"outputs_sha256": \[\s*"([0-9a-f]+)"', golden).group(1)
        (folder / "golden.json").write_text(golden.replace(digest, digest[::-1]))
        again = subprocess.run(["lockstep", "verify", "model.tflite", "--expect", "golden.json"], cwd=folder, env=self.environment,
                               capture_output=True, text=True)
        self.assertEqual((again.returncode, again.stdout.splitlines()[-1]), (1, "FAILED"))

    def test_readme_example_compiles_and_runs(self) -> None:
        readme = (program.ROOT / "README.md").read_text()
        (self.work / "example.c").write_text(re.search(r"```c\n(.*?)```", readme, re.S).group(1))
        run("cc", "-std=c11", "-Wall", "-Werror", self.work / "example.c", f"-I{self.prefix}/include", self.libraries / "liblockstep.a",
            "-o", self.work / "example")
        self.assertEqual(run(self.work / "example", cwd=program.ROOT), "done\n")


if __name__ == "__main__":
    program.main()
