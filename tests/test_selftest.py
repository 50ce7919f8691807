# SPDX-License-Identifier: Apache-2.0
"""`lockstep selftest`: the table and the verdict, equal cases every time, certificates, exported cases under the second opinion;
and in the program with backends that are wrong on purpose: every one is caught, and a failure can be replayed."""
import dataclasses
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

import program
from second_opinion import packs
from second_opinion.op_table import KINDS

OPS = (*(kind.name for kind in KINDS), "block", "graph")         # in the order of spec 4
FAULTY = os.environ.get("LOCKSTEP_TEST", "")
CASES = 20 if program.QUICK else 60
REFERENCE = ("--backend", "cpu_ref")


def call(*arguments: object, of: str = program.LOCKSTEP) -> subprocess.CompletedProcess:
    return subprocess.run([of, "selftest", *map(str, arguments)], capture_output=True, text=True)


def rows(text: str) -> list[list[str]]:
    """The lines of the table: backend, device, variant, op, passed, failed, not supported, result."""
    return [line.split() for line in text.splitlines() if re.match(r"\S+ +\d+  \S+ +\S+ +\d+ +\d+ +\d+  \w+$", line)]


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, *arguments: object, says: str) -> None:
        done = call(*arguments)
        self.assertEqual(done.returncode, 1, arguments)
        self.assertRegex(done.stderr, rf"^lockstep selftest: .*{says}.*\n$")
        if "FAILED" in done.stdout:
            self.assertEqual(done.stdout.splitlines()[-1], "FAILED")


class Table(Case):
    def test_every_op_and_the_verdict(self) -> None:
        text = program.lockstep("selftest", *REFERENCE, "--cases", CASES)
        for variant in "auto", "scalar":
            for op in OPS:
                self.assertIn(["cpu_ref", "0", variant, op, str(CASES), "0", "0", "OK"], rows(text))
        self.assertRegex(text, r"(?m)^cpu_ref 0 \(.*\): OK$")
        self.assertIn(f"{CASES * len(OPS)} cases of seed 0; of each op 0 to {CASES - 1}\n", text)
        self.assertEqual(text.splitlines()[-1], "PASSED")

    def test_every_usable_device_is_there(self) -> None:
        text = program.lockstep("selftest", "--cases", 2)
        for device in json.loads(program.lockstep("devices", "--json"))["devices"]:
            if device["usable"]:
                self.assertIn((device["backend"], str(device["device"])), [(r[0], r[1]) for r in rows(text)])

    def test_ops_variant_and_replay(self) -> None:
        text = program.lockstep("selftest", *REFERENCE, "--device", 0, "--variant", "scalar", "--op", "sum", "--op", "graph",
                                "--case", 7, "--seed", 3)
        self.assertEqual(rows(text), [["cpu_ref", "0", "scalar", op, "1", "0", "0", "OK"] for op in ("sum", "graph")])
        self.assertIn("2 cases of seed 3\n", text)

    def test_time_cuts_short(self) -> None:
        done = call(*REFERENCE, "--cases", 10**9, "--time", 1)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "PASSED"))
        self.assertIn("cut short by --time", done.stdout)
        self.assertEqual({r[7] for r in rows(done.stdout)}, {"OK"})

    def test_json(self) -> None:
        done = json.loads(program.lockstep("selftest", *REFERENCE, "--cases", 3, "--json"))
        self.assertEqual((done["result"], done["cases"], done["seed"]), ("PASSED", 3 * len(OPS), 0))
        (device,) = done["devices"]
        self.assertEqual([r["op"] for r in device["rows"] if r["variant"] == "auto"], list(OPS))
        self.assertEqual({(r["passed"], r["failed"], r["result"]) for r in device["rows"]}, {(3, 0, "OK")})

    def test_refusals(self) -> None:
        self.refused("--op", "convolution", says="--op: .convolution. is unknown: there are conv fully_connected .* graph")
        self.refused("--backend", "abacus", says="--backend: .abacus. is not in this build")
        self.refused("--device", 999, says="have no device .999.")
        self.refused(*REFERENCE, "--variant", "vector", says="--variant: none of the chosen devices has a variant .vector.")
        self.refused("--cases", 0, says="--cases: .0. is not a whole number from 1")
        self.refused("--seed", -1, says="--seed: .-1. is not a whole number")
        self.refused("--cases", 5, "--case", 1, says="--case runs one case")
        self.refused("--time", 0, says="--time: .0. is not a whole number")
        self.refused("model.lks", says="takes no operands")
        self.refused(*REFERENCE, "--cases", 1, "--export", self.folder / "no/where.pack", says="cannot be written")

    def test_failed_comes_last(self) -> None:
        done = call("--device", 999)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "FAILED"))


class Certificate(Case):
    def certificate(self, name: str, *arguments: object) -> dict:
        path = self.folder / name
        program.lockstep("selftest", *REFERENCE, "--certificate", path, *arguments)
        return json.loads(path.read_text())

    def test_two_runs_are_equal(self) -> None:
        first, second = self.certificate("a", "--cases", CASES), self.certificate("b", "--cases", CASES)
        self.assertEqual(first, second)
        self.assertEqual({k: first[k] for k in ("backend", "seed", "cases_per_op", "cases", "specification", "result")},
                         {"backend": "cpu_ref", "seed": 0, "cases_per_op": CASES, "cases": CASES * len(OPS), "specification": 1,
                          "result": "PASSED"})
        self.assertLessEqual({"lockstep", "device", "driver"}, first.keys())
        self.assertEqual(list(first["digests"]), list(OPS))
        self.assertEqual(first["variants"]["auto"]["conv"], {"passed": CASES, "failed": 0, "not_supported": 0, "result": "OK"})

    def test_digest_is_the_chain_of_the_outputs(self) -> None:
        certificate = self.certificate("a", "--cases", 3, "--export", self.folder / "a.pack")
        chains = dict.fromkeys(OPS, bytes(32))
        for record in packs.decode((self.folder / "a.pack").read_bytes(), True):
            op = record.name.split()[0]
            chains[op] = bytes.fromhex(program.sha256(chains[op] + record.trace))
        self.assertEqual(certificate["digests"], {op: chain.hex() for op, chain in chains.items()})
        self.assertEqual(certificate["digest"], program.sha256(b"".join(chains.values())))

    def test_every_device_gives_the_same_digest(self) -> None:
        expected = self.certificate("a", "--cases", 10)["digest"]
        for device in json.loads(program.lockstep("devices", "--json"))["devices"]:
            if device["usable"]:
                program.lockstep("selftest", "--backend", device["backend"], "--device", device["device"], "--cases", 10,
                                 "--certificate", self.folder / "b")
                self.assertEqual(json.loads((self.folder / "b").read_text())["digest"], expected, device)

    def test_seed_and_count_matter(self) -> None:
        lists = (["--cases", 2], ["--cases", 3], ["--cases", 2, "--seed", 1])
        self.assertEqual(len({self.certificate("a", *arguments)["digest"] for arguments in lists}), 3)

    def test_a_part_of_the_list_is_refused(self) -> None:
        for partial in (["--op", "conv"], ["--case", 1], ["--time", 5], ["--variant", "auto"]):
            self.refused(*REFERENCE, "--certificate", self.folder / "a", *partial, says="--certificate is for the whole list")
        self.assertFalse((self.folder / "a").exists())


class SecondOpinion(Case):
    def check(self, pack: pathlib.Path) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, "-m", "second_opinion.check_pack", str(pack), "--jobs", "2"], capture_output=True,
                              text=True, cwd=pathlib.Path(__file__).parent)

    def export(self, *arguments: object) -> pathlib.Path:
        pack = self.folder / "cases.pack"
        program.lockstep("selftest", *REFERENCE, "--variant", "scalar", "--export", pack, *arguments)
        return pack

    def test_agrees(self) -> None:
        count = 20 if program.QUICK else 80
        done = self.check(self.export("--cases", count, "--seed", 11))
        self.assertEqual(done.stdout.splitlines()[-1], f"{count * len(OPS)} passed, 0 failed", done.stdout[:2000])
        self.assertEqual(done.returncode, 0)

    def test_sees_one_wrong_byte(self) -> None:
        pack = self.export("--op", "conv", "--cases", 3)
        records = list(packs.decode(pack.read_bytes(), True))
        trace = records[1].trace
        records[1] = dataclasses.replace(records[1], trace=trace[:-1] + bytes([trace[-1] ^ 1]))
        pack.write_bytes(b"".join(map(packs.encode, records)))
        done = self.check(pack)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "2 passed, 1 failed"))
        self.assertIn("conv seed 0 case 1", done.stdout)

    def test_nothing_is_not_enough(self) -> None:
        (self.folder / "empty.pack").write_bytes(b"")
        done = self.check(self.folder / "empty.pack")
        self.assertEqual((done.returncode, done.stdout), (1, "0 passed, 0 failed\n"))

    def test_names_tell_the_case(self) -> None:
        names = [r.name for r in packs.decode(self.export("--cases", 2).read_bytes(), True)]
        self.assertEqual(names[0].split(":")[0], "conv seed 0 case 0")
        self.assertEqual(len(set(names)), 2 * len(OPS))


@unittest.skipUnless(FAULTY, "LOCKSTEP_TEST is not set")
class Faults(Case):
    """In the program whose backends are wrong on purpose."""

    def backends(self) -> list[str]:
        text = subprocess.run([FAULTY, "devices", "--json"], capture_output=True, text=True, check=True).stdout
        # Stale weights break the bound that was proven for others: a sanitizer ends the process there.
        return sorted({d["backend"] for d in json.loads(text)["devices"] if d["backend"].startswith("faulty-")}
                      - {"faulty-stale" if program.QUICK else ""})

    def test_all_are_caught(self) -> None:
        self.assertTrue(self.backends())
        for backend in self.backends():
            done = call("--backend", backend, "--cases", 20, of=FAULTY)
            if done.returncode == 0:
                done = call("--backend", backend, "--cases", 200, of=FAULTY)
            self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "FAILED"), backend)

    def test_replay(self) -> None:
        done = call("--backend", "faulty-overrun", "--cases", 5, "--op", "max_pool", of=FAULTY)
        self.assertIn("check guard: a kernel wrote where no tensor is: 1 bytes behind tensor 1", done.stdout)
        line = re.search(r"(?m)^  replay: (.*)$", done.stdout).group(1)
        words = shlex.split(line)
        self.assertEqual(words[:2], [pathlib.Path(FAULTY).name, "selftest"])
        again = call(*words[2:], "--json", of=FAULTY)
        self.assertEqual(json.loads(again.stdout)["devices"][0]["rows"][0]["failures"][0]["replay"], line)
        again = call(*words[2:], of=FAULTY)
        self.assertEqual((again.returncode, again.stdout.count("replay: ")), (1, 1))
        self.assertIn(line, again.stdout)

    def test_three_failures_of_a_row_and_their_number(self) -> None:
        done = call("--backend", "faulty-skip", "--cases", 9, "--op", "reshape", "--variant", "auto", of=FAULTY)
        self.assertEqual(done.stdout.count("replay: "), 3)
        self.assertIn("faulty-skip 0 auto: reshape: 9 failures, of which 3 are shown above", done.stdout)
        self.assertNotIn("no case passed", done.stdout)     # with --variant, other variants were not asked
        done = call("--backend", "faulty-skip", "--cases", 9, "--op", "reshape", of=FAULTY)
        self.assertIn("no case passed of reshape", done.stdout)

    def test_only_the_wrong_variant_fails(self) -> None:
        done = call("--backend", "faulty-variant", "--cases", 5, "--op", "add", of=FAULTY)
        self.assertEqual({(r[2], r[7]) for r in rows(done.stdout)}, {("auto", "OK"), ("faulty", "OK"), ("wrong", "FAIL")})

    def test_a_failed_certificate_says_so(self) -> None:
        path = self.folder / "a"
        self.assertEqual(call("--backend", "faulty-table", "--cases", 20, "--certificate", path, of=FAULTY).returncode, 1)
        self.assertEqual(json.loads(path.read_text())["result"], "FAILED")

    def test_one_certificate_is_for_one_device(self) -> None:
        done = call("--certificate", self.folder / "a", of=FAULTY)
        self.assertRegex(done.stderr, r"^lockstep selftest: --certificate: \d+ devices are chosen")


if __name__ == "__main__":
    program.main()
