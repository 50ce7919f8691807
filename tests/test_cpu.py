# SPDX-License-Identifier: Apache-2.0
"""The CPU backend from outside: what it says of itself, every instruction set and number of threads against the reference, and
what it refuses.  LOCKSTEP_CPU names the program of tests/cpu_sets, in which even the smallest steps are shared out."""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import program

SHARING = os.environ.get("LOCKSTEP_CPU", "")
DIGITS = program.ROOT / "examples/digits"
MODEL = DIGITS / "digits.tflite"
PICTURES = [DIGITS / f"{i}.png" for i in range(10)]
KNOWN = {"amx", "avx512vnni", "avxvnni", "avx2", "i8mm", "dotprod", "neon", "c"}
CASES = 20 if program.QUICK else 100


def call(*arguments: object, of: str = program.LOCKSTEP) -> subprocess.CompletedProcess:
    return subprocess.run([of, *map(str, arguments)], capture_output=True, text=True)


def device() -> dict:
    return next(d for d in json.loads(program.lockstep("devices", "--json"))["devices"] if d["backend"] == "cpu")


def sets() -> list[str]:
    """Those that this machine has, best first: what an unknown one is answered with."""
    refusal = call("run", MODEL, PICTURES[0], "--isa", "abacus").stderr
    return re.search(r"this machine has ([\w, ]+)", refusal).group(1).strip().split(", ")


class Cpu(unittest.TestCase):
    def refused(self, *arguments: object, says: list[str]) -> None:
        done = call(*arguments)
        self.assertNotEqual(done.returncode, 0, arguments)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for word in says:
            self.assertIn(word, done.stderr)

    def test_devices_says_which_set_and_why(self) -> None:
        found = device()
        self.assertTrue(found["usable"] and found["name"])
        self.assertRegex(found["driver"], rf"^{sets()[0]}: this machine has {sets()[0]}")
        self.assertLessEqual(set(re.findall(r"\w+", found["driver"])) - set("this machine has and not".split()), KNOWN)
        self.assertIn(found["driver"], program.lockstep("devices"))

    def test_the_portable_set_is_always_there(self) -> None:
        self.assertEqual(sets()[-1], "c")
        self.assertLessEqual(set(sets()), KNOWN)

    def test_it_is_what_runs_by_default(self) -> None:
        done = json.loads(program.lockstep("devices", "--json"))["devices"]
        if not any(d["usable"] for d in done if d["backend"] in ("cuda", "opencl")):
            self.assertRegex(program.lockstep("run", MODEL, PICTURES[0]), r"(?m)^backend  cpu 0  .*\(checked by cpu_ref\)$")

    def test_every_set_and_number_of_threads_gives_the_reference(self) -> None:
        expected = program.digests(program.lockstep("run", MODEL, *PICTURES, "--backend", "cpu_ref"))
        with tempfile.TemporaryDirectory() as folder:
            program.lockstep("run", MODEL, *PICTURES, "--backend", "cpu_ref", "--dump", pathlib.Path(folder) / "ref")
            inner = program.dumped(pathlib.Path(folder) / "ref")
            for isa in sets():
                for threads in (1, 2, 3, 7):
                    with self.subTest(f"{isa}, {threads} threads"):
                        ways = ("--isa", isa, "--threads", threads, "--check", "none")
                        for fused in ((), ("--no-fuse",)):
                            text = program.lockstep("run", MODEL, *PICTURES, *ways, *fused)
                            self.assertRegex(text, r"(?m)^backend  cpu 0  ")
                            self.assertEqual(program.digests(text), expected)
                        target = pathlib.Path(folder) / f"{isa}-{threads}"
                        program.lockstep("run", MODEL, *PICTURES, *ways, "--dump", target)
                        self.assertEqual(program.dumped(target), inner)

    def test_verify_takes_both(self) -> None:
        for isa in sets():
            text = program.lockstep("verify", MODEL, "--isa", isa, "--threads", 3, "--cases", 2)
            self.assertRegex(text, r"(?m)^cpu +0 .* equal$")
            self.assertNotRegex(text, r"(?m)^cpu_ref +0 ")

    def test_explain_and_bench_take_both(self) -> None:
        text = program.lockstep("explain", MODEL, PICTURES[7], "--op", 0, "--at", "0,0,0,0", "--isa", sets()[-1], "--threads", 2)
        self.assertRegex(text, r"(?m)^cpu 0  -?\d+  agrees$")
        text = program.lockstep("bench", MODEL, "--isa", sets()[-1], "-t", "1,3", "--warmup", 0, "--duration", 0, "-r", 1,
                                "-o", "json")
        rows = json.loads(text)["rows"]
        self.assertEqual([(r["backend"], r["threads"], r["status"]) for r in rows], [("cpu", 1, "OK"), ("cpu", 3, "OK")])
        self.assertEqual(len({r["outputs_sha256"] for r in rows}), 1)

    def test_variants_are_the_sets(self) -> None:
        text = program.lockstep("selftest", "--backend", "cpu", "--cases", 1, "--op", "conv")
        self.assertEqual(re.findall(r"(?m)^cpu +0 +(\w+) ", text), ["auto", *sets()])
        text = program.lockstep("selftest", "--isa", "c", "--threads", 2, "--cases", 1, "--op", "conv")
        self.assertEqual(re.findall(r"(?m)^cpu +0 +(\w+) ", text), ["auto", "c"])

    def test_selftest(self) -> None:
        for of in (program.LOCKSTEP, SHARING):
            for threads in (1, 3):
                if of:
                    done = call("selftest", "--backend", "cpu", "--threads", threads, "--cases", CASES, of=of)
                    self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "PASSED"), done.stdout[-3000:])

    def test_what_is_refused(self) -> None:
        run = ("run", MODEL, PICTURES[0])
        self.refused(*run, "--isa", "abacus", says=["cpu: ", "abacus", *sets()])
        self.refused(*run, "--isa", "abacus", "--backend", "cpu", says=["abacus", *sets()])
        self.refused(*run, "--isa", "", says=["--isa"])
        self.refused(*run, "--isa", sets()[0], "--backend", "cpu_ref", says=["cpu_ref: ", sets()[0]])
        self.refused(*run, "--threads", 3, "--backend", "cpu_ref", says=["cpu_ref: 3 threads"])
        for absurd in ("1025", "-1", "4294967296", "two", "1,2", ""):
            self.refused(*run, "--threads", absurd, says=["--threads"])
        for isa in KNOWN - set(sets()):
            self.refused(*run, "--isa", isa, says=[isa, *sets()])
        self.refused("verify", MODEL, "--isa", "abacus", "--cases", 1, says=["not every device"])
        self.refused("bench", MODEL, "--isa", "abacus", says=["no row"])
        self.assertEqual(program.digests(program.lockstep(*run, "--threads", 0)), program.digests(program.lockstep(*run)))

    def test_devices_tries_a_set(self) -> None:
        self.assertRegex(program.lockstep("devices", "--isa", "c"), r"(?m)^cpu +0  yes .*, c: asked for$")
        self.assertRegex(program.lockstep("devices", "--isa", "abacus"), r"(?m)^cpu +0  no [^\n]*\n +cpu: .*abacus")


if __name__ == "__main__":
    program.main()
