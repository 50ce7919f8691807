# SPDX-License-Identifier: Apache-2.0
"""Backends that are wrong on purpose (tests/faulty) must be caught: by verify, by selftest, and by a run that checks itself.

LOCKSTEP_TEST names the program that has them.
"""
import functools
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

import program
from faulty.models import MODELS, model_of
from second_opinion import lks_file

PROGRAM = os.environ.get("LOCKSTEP_TEST", str(program.ROOT / "build/gcc/tests/lockstep-test"))
WRONG = sorted(MODELS)
DEVICES_THAT_FAIL = ("faulty-refuse", "faulty-lost")

# Cases of selftest, for each op and variant; a relative error of 2^-16 needs more than others.
CASES, MANY_CASES = 300, 2000
REPLAY = re.compile(r"(selftest --backend (\S+) --device \d+ --variant \S+ --op (\S+) --seed \S+ --case \S+)")


def call(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)


@functools.cache
def selftest_of(backend: str) -> subprocess.CompletedProcess:
    """Its selftest, which several tests look at."""
    return call("selftest", "--backend", backend, "--cases", MANY_CASES if backend == "faulty-softmax" else CASES)


def last_line(done: subprocess.CompletedProcess) -> str:
    return done.stdout.rstrip("\n").rsplit("\n", 1)[-1]


class FaultyCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def enterContext(self, context):                # of unittest from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def model(self, backend: str) -> pathlib.Path:
        path = self.folder / f"{backend}.lks"
        path.write_bytes(lks_file.write(model_of(backend)))
        return path

    def inputs(self, backend: str) -> list[pathlib.Path]:
        """One file per model input: some random images, and one of 127s."""
        model, paths = model_of(backend), []
        for i in model.inputs:
            size = model.tensors[i].elements
            images = [program.splitmix64_bytes(seed + 100 * i, size) for seed in range(8)] + [b"\x7f" * size]
            if backend == "faulty-overrun":         # of one image, t lies right behind y
                images = images[:1]
            paths.append(self.folder / f"{backend}_{i}.raw")
            paths[-1].write_bytes(b"".join(images))
        return paths

    def assert_one_line(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)


class Table(FaultyCase):
    def test_every_faulty_backend_has_a_model(self) -> None:
        self.assertEqual(set(re.findall(r"^(faulty-\S+)", call("devices").stdout, re.M)), set(WRONG))


class Verify(FaultyCase):
    def test_what_is_healthy_passes(self) -> None:
        for backend in WRONG:
            with self.subTest(backend):
                done = call("verify", self.model(backend), "--backend", "cpu_ref")
                self.assertEqual((done.returncode, done.stderr, last_line(done)), (0, "", "PASSED"))

    def test_what_is_wrong_is_named(self) -> None:
        for backend in WRONG:
            if backend == "faulty-variant" or backend in DEVICES_THAT_FAIL:
                continue
            with self.subTest(backend):
                done = call("verify", self.model(backend), "--backend", backend)
                self.assert_one_line(done)
                self.assertEqual(last_line(done), "FAILED")
                self.assertRegex(done.stdout, rf"(?m)^{backend} 0 differs .*case \w+, op \d+ {MODELS[backend][1]} \"\w+\" at "
                                              rf"\[[\d, ]+\]: expected -?\d+, got -?\d+; \d+ of \d+ elements differ$")

    def test_the_report_has_the_same_as_data(self) -> None:
        done = call("verify", self.model("faulty-stale"), "--backend", "faulty-stale", "--json")
        report = json.loads(done.stdout)
        first = report["devices"][0]["first_divergence"]
        self.assertEqual((done.returncode, report["result"], report["devices"][0]["result"]), (1, "FAILED", "DIFFERS"))
        self.assertEqual((first["op"], first["kind"]), (1, "fully_connected"))

    def test_a_variant_that_no_device_chooses_is_not_seen(self) -> None:
        """Which is why selftest walks through all variants."""
        self.assertEqual(last_line(call("verify", self.model("faulty-variant"), "--backend", "faulty-variant")), "PASSED")

    def test_devices_that_fail(self) -> None:
        for backend in DEVICES_THAT_FAIL:
            with self.subTest(backend):
                done = call("verify", self.model(backend), "--backend", backend)
                self.assert_one_line(done)
                self.assertEqual(last_line(done), "FAILED")
                self.assertRegex(done.stdout, rf"(?m)^{backend} .*FAILED: {backend} 0: ")

    def test_one_wrong_device_among_many_is_enough(self) -> None:
        backends = [word for name in ("cpu_ref", "faulty-flip", "faulty-pad") for word in ("--backend", name)]
        done = call("verify", self.model("faulty-pad"), *backends)
        self.assertEqual((done.returncode, last_line(done)), (1, "FAILED"))
        self.assertRegex(done.stdout, r"(?m)^faulty-flip .* equal$")
        self.assertRegex(done.stdout, r"(?m)^faulty-pad .* DIFFERS$")


class Run(FaultyCase):
    """`run --check`."""

    CAUGHT = [b for b in WRONG if b not in (*DEVICES_THAT_FAIL, "faulty-variant", "faulty-flaky")]

    def refuse(self, backend: str, *more: str) -> None:
        model, inputs = self.model(backend), self.inputs(backend)
        done = call("run", model, *inputs, "--backend", backend, "--output", self.folder / "y.npy", *more)
        self.assert_one_line(done)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, rf"{backend} 0: .*op \d+ \({MODELS[backend][1]} .*expected -?\d+, got -?\d+")
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), sorted(p.name for p in [model, *inputs]))

    def test_a_wrong_run_writes_nothing(self) -> None:
        for backend in self.CAUGHT:
            with self.subTest(backend):
                self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
                self.refuse(backend, "--check", "full")

    def test_auto_is_the_default_and_checks_a_single_run(self) -> None:
        for more in ((), ("--check=auto",), ("--check=sample:7",)):
            with self.subTest(more):
                self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
                self.refuse("faulty-border", *more)

    def test_dumps_are_not_written_either(self) -> None:
        model, inputs = self.model("faulty-tile"), self.inputs("faulty-tile")
        done = call("run", model, *inputs, "--backend", "faulty-tile", "--dump", self.folder / "ops")
        self.assert_one_line(done)
        self.assertFalse((self.folder / "ops").exists())

    def test_a_wrong_variant_is_caught(self) -> None:
        self.refuse("faulty-variant", "--variant", "wrong", "--check", "full")

    def test_without_a_check_wrong_bytes_pass(self) -> None:
        """So it is the check that catches them."""
        for backend in self.CAUGHT:
            with self.subTest(backend):
                model, inputs = self.model(backend), self.inputs(backend)
                digests = []
                for name in (backend, "cpu_ref"):
                    done = call("run", model, *inputs, "--backend", name, "--check", "none")
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    digests.append(program.digests(done.stdout)["output 0"])
                self.assertNotEqual(*digests)

    def test_what_is_healthy_passes(self) -> None:
        for backend, device in (("faulty-pad", "cpu_ref"), ("faulty-pad", "faulty-flip"), ("faulty-variant", "faulty-variant")):
            with self.subTest(device):
                done = call("run", self.model(backend), *self.inputs(backend), "--backend", device, "--check", "full")
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_device_that_does_not_open(self) -> None:
        done = call("run", self.model("faulty-refuse"), *self.inputs("faulty-refuse"), "--backend", "faulty-refuse")
        self.assert_one_line(done)
        self.assertIn("does not open", done.stderr)


class Fused(FaultyCase):
    """The backend `fused` takes every fusion of the host and is right; its plans are held against those of single ops."""

    def test_fusing_changes_no_byte(self) -> None:
        done = call("selftest", "--backend", "fused", "--cases", MANY_CASES, "--op", "block", "--op", "graph")
        self.assertEqual((done.returncode, done.stderr, last_line(done)), (0, "", "PASSED"))

    def test_a_model_passes(self) -> None:
        done = call("verify", self.model("faulty-order"), "--backend", "fused")
        self.assertEqual((done.returncode, done.stderr, last_line(done)), (0, "", "PASSED"))


class Selftest(FaultyCase):
    def test_what_is_healthy_passes(self) -> None:
        done = call("selftest", "--backend", "cpu_ref", "--cases", CASES)
        self.assertEqual((done.returncode, done.stderr, last_line(done)), (0, "", "PASSED"))
        self.assertNotIn("FAIL", done.stdout.replace("FAILED", ""))

    def failures(self, backend: str) -> tuple[str, list[re.Match]]:
        """The report of a selftest, which must fail, and its lines that replay a failure."""
        done = selftest_of(backend)
        self.assertEqual((done.returncode, last_line(done)), (1, "FAILED"))
        lines = [m for m in REPLAY.finditer(done.stdout) if m[2] == backend]
        self.assertTrue(lines, f"no line that replays it: {done.stdout[-2000:]}")
        return done.stdout, lines

    def test_what_is_wrong_fails_and_replays(self) -> None:
        for backend in WRONG:
            if backend in DEVICES_THAT_FAIL:
                continue
            with self.subTest(backend):
                _, lines = self.failures(backend)
                again = call(*shlex.split(lines[0][1]))
                self.assertEqual((again.returncode, last_line(again)), (1, "FAILED"), lines[0][1])
                self.assertIn(lines[0][1], again.stdout)

    def test_what_one_case_leaves_to_another_replays_with_those_before_it(self) -> None:
        _, lines = self.failures("faulty-stale")
        case = int(lines[0][1].rpartition(" ")[2])
        again = call("selftest", "--backend", "faulty-stale", "--cases", case + 1)
        self.assertEqual((again.returncode, last_line(again)), (1, "FAILED"))
        self.assertIn(lines[0][1], again.stdout)

    def test_a_wrong_op_is_the_one_that_is_named(self) -> None:
        """By itself, or within a block or graph; and no other."""
        for backend in ("faulty-softmax", "faulty-average", "faulty-tile", "faulty-overrun"):
            kind = "max_pool" if backend == "faulty-overrun" else MODELS[backend][1]
            with self.subTest(backend):
                report, lines = self.failures(backend)
                self.assertLessEqual({kind}, {m[3] for m in lines})
                self.assertLessEqual({m[3] for m in lines}, {kind, "block", "graph"})
                named = re.findall(r"(?m)^  op \d+ of \d+: (\w+) ", report)
                self.assertTrue(named)
                self.assertEqual(set(named), {kind}, report)

    def test_devices_that_fail(self) -> None:
        for backend in DEVICES_THAT_FAIL:
            with self.subTest(backend):
                done = call("selftest", "--backend", backend, "--cases", CASES)
                self.assertEqual((done.returncode, last_line(done)), (1, "FAILED"))
                self.assertRegex(done.stdout + done.stderr, f"{backend} 0: (does not open|the device is gone)")


if __name__ == "__main__":
    program.main()
