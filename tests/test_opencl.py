# SPDX-License-Identifier: Apache-2.0
"""The OpenCL backend: on every OpenCL device of this machine selftest with every variant that compiles there, and models with
their goldens (skipped where there is no device; Debian's PoCL makes one of the CPU); and the program on a driver that pretends
(tests/opencl_fake), which OPENCL_FAKE names the folder of.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import program

CASES = int(os.environ.get("LOCKSTEP_OPENCL_CASES", 40))
DIGITS = program.ROOT / "examples/digits/digits.tflite"
PICTURE = DIGITS.parent / "7.png"
BACKEND = ("--backend", "opencl")
FAKE = os.environ.get("OPENCL_FAKE", str(program.ROOT / "build/opencl/tests/opencl_fake"))
# Compiled kernels are kept beside the build, and the user's own folder is left alone.
HOME = pathlib.Path(os.environ.get("LOCKSTEP_BINARY_DIR", program.ROOT / "build/opencl")) / "opencl_home"
# Why there may be nothing to test: what else a device has against it is a failure of ours.
ABSENT = "no OpenCL loader|knows no driver|shows no device|has no compiler"
VARIANTS = {"direct", "lanes", "wide", "portable_128x128", "portable_64x64"}


def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    own = {"XDG_CACHE_HOME": str(HOME)} | environment
    return subprocess.run([program.LOCKSTEP, *map(str, arguments)], capture_output=True, text=True, env=os.environ | own)


def listed(**environment: str) -> list[dict]:
    done = call("devices", "--json", **environment)
    return [d for d in json.loads(done.stdout)["devices"] if d["backend"] == "opencl"]


class OnDevices(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        HOME.mkdir(exist_ok=True)
        devices = listed()
        refused = [d["reason"] for d in devices if not d["usable"] and not re.search(ABSENT, d["reason"])]
        if refused:
            raise AssertionError("a device is there, and is not used: " + "; ".join(refused))
        if not any(d["usable"] for d in devices):
            raise unittest.SkipTest("no OpenCL device: " + "; ".join(d["reason"] or "" for d in devices))
        print("devices:", "; ".join(f"{d['name']} ({d['driver']})" for d in devices))

    def passes(self, *arguments: object, **environment: str) -> str:
        done = call(*arguments, **environment)
        self.assertEqual(done.returncode, 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def test_selftest(self) -> None:
        text = self.passes("selftest", *BACKEND, "--cases", CASES)
        self.assertEqual(text.splitlines()[-1], "PASSED")
        rows = [line.split() for line in text.splitlines()]
        ran = {row[2] for row in rows if len(row) > 6 and row[0] == "opencl" and row[-1] == "OK"}
        self.assertLessEqual({"auto"} | VARIANTS, ran)

    def test_digits(self) -> None:
        self.passes("verify", DIGITS, *BACKEND)
        runs = [program.digests(self.passes("run", DIGITS, PICTURE, "--backend", name)) for name in ("opencl", "cpu_ref")]
        self.assertEqual(*runs)

    def test_every_real_model(self) -> None:
        """Those that the importer takes: op by op against the reference, in every variant; with its golden where it has one."""
        models = sorted((program.SHARED / "models").glob("*.tflite"))
        if not models:
            self.skipTest(f"{program.SHARED / 'models'} is absent")
        ran = 0
        for model in models:
            if call("info", model).returncode != 0:
                continue
            golden = program.SHARED / f"golden/{model.stem}.json"
            expect = ("--expect", golden, "--inputs", program.SHARED / "images") if golden.exists() else ()
            with self.subTest(model.stem):
                self.passes("verify", model, *BACKEND, *expect)
                for variant in VARIANTS - {"direct", "lanes"}:
                    self.passes("verify", model, *BACKEND, "--variant", variant, "--cases", 1)
                ran += 1
        self.assertGreaterEqual(ran, 5)

    def test_what_there_is_not(self) -> None:
        done = call("run", DIGITS, PICTURE, *BACKEND, "--device", 60)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
        done = call("selftest", *BACKEND, "--cases", 1, "--variant", "khr_9x9")
        self.assertNotEqual(done.returncode, 0)

    def test_every_command_keeps_kernels(self) -> None:
        commands = (("devices",), ("run", DIGITS, PICTURE, *BACKEND), ("verify", DIGITS, *BACKEND, "--cases", 1),
                    ("selftest", *BACKEND, "--cases", 1, "--op", "lut", "--variant", "direct"),
                    ("bench", DIGITS, *BACKEND, "--warmup", 0, "--duration", 0, "-r", 1),
                    ("explain", DIGITS, PICTURE, "--op", 0, "--at", "0,0,0,0", *BACKEND))
        with tempfile.TemporaryDirectory() as folder:
            for i, command in enumerate(commands):
                with self.subTest(command[0]):
                    kept = pathlib.Path(folder, str(i))
                    self.passes(*command, "--cache", kept)
                    names = sorted(kept.glob("*.clbin"))
                    self.assertTrue(names)
                    times = [name.stat().st_mtime_ns for name in names]
                    self.passes(*command, "--cache", kept)
                    self.assertEqual([name.stat().st_mtime_ns for name in names], times)


class OnThePretendedDriver(unittest.TestCase):
    def setUp(self) -> None:
        if not pathlib.Path(FAKE, "libOpenCL.so.1").exists():
            self.skipTest(f"{FAKE}/libOpenCL.so.1 is not built")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def on(self, machine: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess:
        return call(*arguments, LD_LIBRARY_PATH=FAKE, LOCKSTEP_FAKE_OPENCL=machine, **{"XDG_CACHE_HOME": str(self.folder)}
                    | environment)

    def kept(self, folder: str) -> int:
        return len(list((self.folder / folder).glob("*.clbin")))

    def test_devices_says_why(self) -> None:
        for machine, says in (("build=1", "do not compile here: CL_BUILD_PROGRAM_FAILURE (-11): kernels.cl:81:5: error"),
                              ("wrong=1", "computes wrongly"), ("items=32", "32 work-items at most"),
                              ("devices=0", "sudo usermod -aG render,video $USER"), ("platforms=0", "install that of the card")):
            with self.subTest(machine):
                done = self.on(machine, "devices", "--no-cache")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertRegex(done.stdout, r"(?m)^opencl +0  no ")
                self.assertRegex(done.stdout, r"(?m)^cpu_ref +0  yes ")
                self.assertIn(says, done.stdout)
        done = self.on("devices=2 build=1", "devices", "--no-cache")
        self.assertRegex(done.stdout, r"(?m)^opencl +1  yes ")

    def test_what_cannot_be_used_is_one_line(self) -> None:
        for machine in ("build=1", "wrong=2", "platforms=0", "fail=clEnqueueReadBuffer:3:-5"):
            with self.subTest(machine):
                done = self.on(machine, "run", DIGITS, PICTURE, *BACKEND, "--no-cache", "--check", "none")
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertIn("opencl 0: ", done.stderr)

    def test_a_cpu_is_used_by_name_only(self) -> None:
        self.assertIn("backend  cpu 0", self.on("cpu=1", "run", DIGITS, PICTURE).stdout)
        self.assertIn("backend  opencl 0", self.on("cpu=0", "run", DIGITS, PICTURE, "--check", "none").stdout)
        self.assertIn("backend  opencl 0", self.on("cpu=1", "run", DIGITS, PICTURE, *BACKEND, "--check", "none").stdout)

    def test_folders_of_the_user(self) -> None:
        home = {"HOME": str(self.folder / "home")}
        (self.folder / "home").mkdir()
        for folder, environment in (("xdg/lockstep", {"XDG_CACHE_HOME": str(self.folder / "xdg")}),
                                    ("home/.cache/lockstep", {"XDG_CACHE_HOME": ""} | home)):
            with self.subTest(folder):
                self.assertEqual(self.on("", "devices", **environment).returncode, 0)
                self.assertEqual((self.folder / folder).stat().st_mode & 0o777, 0o700)
                self.assertEqual(self.kept(folder), 2)
        done = call("devices", LD_LIBRARY_PATH=FAKE, XDG_CACHE_HOME="relative", HOME="")
        self.assertEqual((done.returncode, pathlib.Path("relative").exists()), (0, False))

    def test_no_cache(self) -> None:
        self.assertEqual(self.on("", "devices", "--no-cache").returncode, 0)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_unfit_folders(self) -> None:
        unfit = self.folder / "lockstep"
        unfit.mkdir()
        unfit.chmod(0o777)
        done = self.on("", "run", DIGITS, PICTURE, *BACKEND, "--check", "none")
        self.assertEqual((done.returncode, done.stderr, self.kept("lockstep")), (0, "", 0))
        done = self.on("", "run", DIGITS, PICTURE, *BACKEND, "--check", "none", "--cache", unfit)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
        self.assertRegex(done.stderr, f'cache "{unfit}": is not a folder of this user alone: chmod 700 it')
        done = self.on("", "run", DIGITS, PICTURE, *BACKEND, "--cache", self.folder / "no/such")
        self.assertRegex(done.stderr, 'cache ".*no/such": cannot be made')
        done = self.on("", "run", DIGITS, PICTURE, *BACKEND, "--cache", unfit, "--no-cache")
        self.assertRegex(done.stderr, "--cache and --no-cache: give only one of them")


class WithoutDevices(unittest.TestCase):
    def test_the_program_starts_and_says_what_is_missing(self) -> None:
        done = call("devices", OCL_ICD_VENDORS="/nonexistent")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^opencl +0 +no .*\n +(the OpenCL loader knows no driver|there is no OpenCL loader)")


if __name__ == "__main__":
    program.main()
