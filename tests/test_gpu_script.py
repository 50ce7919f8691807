# SPDX-License-Identifier: Apache-2.0
"""bench/gpu.sh with a program and a backend that need no card: its reports, and that nothing failed passes.

LOCKSTEP_TEST names the program that has the backend cuda-shim, and backends that are wrong on purpose.
"""
import json
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

import program

SCRIPT = program.ROOT / "bench/gpu.sh"
PROGRAM = os.environ.get("LOCKSTEP_TEST", str(program.ROOT / "build/gcc/tests/lockstep-test"))
SANITIZERS = [f"sanitizer-{tool}" for tool in ("memcheck", "racecheck", "initcheck", "synccheck")]
CHECKS = ["devices", "selftest", "selftest-no-graph", "selftest-no-fuse", "verify-digits", *SANITIZERS]

# Stands in for the program where a network on the shim would take minutes: writes the document that it was asked to save.
STAND_IN = """#!/bin/sh
echo "a table of $2"
while [ $# -gt 0 ]; do
    [ "$1" = --save ] && echo '{ "rows": [ { "model": "stand-in" } ] }' >"$2"
    shift
done
"""

# What selftest says at its end where it had no time for graphs; and where a kernel was wrong besides.
CUT_SHORT = """cuda  0  steps  lstm  1  0  0  OK
cuda 0 (a card): FAIL; no case passed of graph
32 cases of seed 0; of each op 0 to 3, cut short by --time"""
DIFFERED = CUT_SHORT.replace("0  0  OK", "1  0  FAIL")


class Script(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def call(self, *arguments: object, **environment: object) -> subprocess.CompletedProcess:
        return subprocess.run(["bash", SCRIPT, *map(str, arguments)], capture_output=True, text=True,
                              env=os.environ | {"LOCKSTEP": PROGRAM, "LOCKSTEP_BACKEND": "cuda-shim", "LOCKSTEP_SECONDS": "32"}
                              | {k: str(v) for k, v in environment.items()})

    def script(self, name: str, body: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    def report(self, what: str) -> dict:
        table = (self.folder / f"out/{what}.txt").read_text()
        report = json.loads((self.folder / f"out/{what}.json").read_text())
        self.assertEqual(table.splitlines()[-1], report["result"])
        for step in report["steps"]:
            self.assertRegex(table, rf"(?m)^{step['name']} +{step['result']} ")
        return report

    def results(self, report: dict) -> dict[str, str]:
        return {step["name"]: step["result"] for step in report["steps"]}

    def test_check(self) -> None:
        done = self.call("check", self.folder / "out")
        report = self.report("check")
        self.assertEqual((done.returncode, report["result"]), (0, "PASSED"), done.stdout)
        self.assertEqual(list(self.results(report)), CHECKS)
        self.assertEqual({r for name, r in self.results(report).items() if name not in SANITIZERS}, {"OK"})

    def test_a_wrong_device_fails(self) -> None:
        done = self.call("check", self.folder / "out", LOCKSTEP_BACKEND="faulty-order", LOCKSTEP_SECONDS=16)
        report = self.report("check")
        self.assertEqual((done.returncode, report["result"]), (1, "FAILED"), done.stdout)
        self.assertEqual(self.results(report)["selftest"], "FAILED")

    def test_a_sanitizer(self) -> None:
        """Errors are a failure, and a tool that the machine refuses, or that is absent, is not run."""
        for body, result in (("echo '========= ERROR SUMMARY: 0 errors'; echo PASSED", "OK"),
                             ("echo '========= ERROR SUMMARY: 3 errors'; echo PASSED", "FAILED"),
                             ("echo '========= ERROR SUMMARY: 0 errors'; echo FAILED", "FAILED"),
                             (f"echo '{CUT_SHORT}'; echo FAILED; echo '===== RACECHECK SUMMARY: 0 hazards displayed'", "NOT RUN"),
                             (f"echo '{DIFFERED}'; echo FAILED; echo '===== RACECHECK SUMMARY: 0 hazards displayed'", "FAILED"),
                             ("echo 'this machine does not allow it' >&2; exit 1", "NOT RUN")):
            with self.subTest(body):
                self.script("compute-sanitizer", f"#!/bin/sh\n{body}\n")
                stand_in = self.script("lockstep", "#!/bin/sh\n")
                done = self.call("check", self.folder / "out", LOCKSTEP=stand_in, PATH=f"{self.folder}:{os.environ['PATH']}")
                self.assertEqual({self.results(self.report("check"))[name] for name in SANITIZERS}, {result}, done.stdout)
                self.assertEqual(done.returncode, 1 if result == "FAILED" else 0)

    def test_perf(self) -> None:
        done = self.call("perf", self.folder / "out", LOCKSTEP=self.script("lockstep", STAND_IN))
        report = self.report("perf")
        self.assertEqual((done.returncode, report["result"], {step["result"] for step in report["steps"]}), (0, "PASSED", {"OK"}))
        self.assertEqual({step["bench"]["rows"][0]["model"] for step in report["steps"]}, {"stand-in"})
        self.assertIn("a table of resnet50", (self.folder / "out/perf.txt").read_text())

    def test_what_takes_too_long_fails(self) -> None:
        slow = self.script("lockstep", "#!/bin/sh\nsleep 60\n")
        done = self.call("perf", self.folder / "out", LOCKSTEP=slow, LOCKSTEP_SECONDS=2)
        results = self.results(self.report("perf"))
        self.assertEqual((done.returncode, results["peak"], results["layers"]), (1, "FAILED", "NOT RUN"))

    def test_no_program(self) -> None:
        done = self.call("check", self.folder / "out", LOCKSTEP=self.folder / "absent")
        self.assertEqual((done.returncode, self.report("check")["result"]), (1, "FAILED"))

    def test_usage(self) -> None:
        for arguments in ((), ("check",), ("prove", self.folder / "out")):
            done = self.call(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("usage", done.stderr)


if __name__ == "__main__":
    program.main()
