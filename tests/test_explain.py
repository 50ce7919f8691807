# SPDX-License-Identifier: Apache-2.0
"""`lockstep explain`: the worked sum must end in the byte that the second opinion gave, for every op of the golden packs."""
import json
import math
import os
import pathlib
import random
import re
import struct
import subprocess
import tempfile
import unittest

import program
from second_opinion import lks_file, packs
from second_opinion.op_table import BY_NAME

DIGITS = program.ROOT / "examples/digits"
MODEL, SEVEN = DIGITS / "digits.tflite", DIGITS / "7.png"
PACKS = sorted(path for path in (program.ROOT / "tests/golden").glob("*.pack") if path.stem not in ("refused", "malformed"))
FAULTY = os.environ.get("LOCKSTEP_TEST")
PER_OP = 1 if program.QUICK else 2          # elements besides the first and the last


def call(*arguments: object, name: str = program.LOCKSTEP) -> subprocess.CompletedProcess:
    return subprocess.run([name, *map(str, arguments)], capture_output=True, text=True)


def explain(*arguments: object) -> dict:
    return json.loads(program.lockstep("explain", *arguments, "--json"))


def coordinates(index: int, shape: list[int]) -> list[int]:
    out = []
    for extent in reversed(shape):
        index, at = divmod(index, extent)
        out.insert(0, at)
    return out


def at(place: list[int]) -> str:
    return ",".join(map(str, place))


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, *arguments: object, says: list[str]) -> None:
        done = call("explain", *arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        for text in says:
            self.assertIn(text, done.stderr)


class Golden(Case):
    """What the Python integers computed, element by element: neither the kernels nor explain took part in that."""

    def shape(self, model: lks_file.Model, tensor: int, batch: int, free: bool) -> list[int]:
        own = list(model.tensors[tensor].shape)
        return [batch, *own[1:]] if free else own

    def write(self, record: packs.Record) -> tuple[pathlib.Path, list[pathlib.Path], lks_file.Model, bool]:
        path, rest, files = self.folder / "m.lks", record.inputs, []
        path.write_bytes(record.model)
        model = lks_file.read(record.model)
        free = json.loads(program.lockstep("info", path, "--json"))["batch_free"]
        for i, tensor in enumerate(model.inputs):
            size = math.prod(self.shape(model, tensor, record.batch, free)) * lks_file.TYPE_BYTES[model.tensors[tensor].interface]
            files.append(self.folder / f"{i}.raw")
            files[-1].write_bytes(rest[:size])
            rest = rest[size:]
        self.runs = len(record.inputs) // (len(record.inputs) - len(rest))     # of which the first begins with a state of zeros
        return path, files, model, free

    def check_element(self, command: list, op: int, output: int, place: list[int], expected: int) -> str:
        report = explain(*command, "--op", op, "--output", output, "--at", at(place))
        self.assertEqual((report["value"], report["result"], report["at"]), (expected, "PASSED", place), (op, place))
        self.assertEqual(report["steps"][-1]["value"], report["stored"])
        if "sum" in report:
            shown = sum(term["values"][-1] for term in report["terms"])
            self.assertEqual(shown + report["sum_of_terms_left_out"], report["sum"])
        return report["kind"]

    def check_record(self, record: packs.Record, rng: random.Random) -> set[str]:
        path, files, model, free = self.write(record)
        kinds, start = set(), 0
        for i, op in enumerate(model.ops):
            for output, tensor in enumerate(op.outputs):
                shape = self.shape(model, tensor, record.batch, free)
                count, form = math.prod(shape), lks_file.TYPE_CODE[model.tensors[tensor].interface]
                values = struct.unpack_from(f"<{count}{form}", record.trace, start)
                for element in sorted({0, count - 1, *(rng.randrange(count) for _ in range(PER_OP))}):
                    place = coordinates(element, shape)
                    kinds.add(self.check_element([path, *files], i, output, place, values[element]))
                start += struct.calcsize(f"<{count}{form}")
        self.assertEqual(start * self.runs, len(record.trace))
        return kinds

    def test_every_op_of_the_packs(self) -> None:
        rng, seen = random.Random(5), set()
        for path in PACKS:
            for record in packs.decode(path.read_bytes(), True):
                with self.subTest(pack=path.stem, case=record.name):
                    seen |= self.check_record(record, rng)
        known = re.findall(r"\{ LKS_OP_(\w+), explain_", (program.ROOT / "tools/explain_ops.c").read_text())
        self.assertEqual(seen, set(map(str.lower, known)))
        self.assertEqual(seen, set(BY_NAME))


class Text(Case):
    def test_a_convolution(self) -> None:
        text = program.lockstep("explain", MODEL, SEVEN, "--op", 0, "--at", "0,0,3,2")
        self.assertEqual(text.count("padding"), 3)
        self.assertEqual(text.splitlines()[-1], "PASSED")
        for line in (r"op  0 conv, rounding tflite", r"at  \[0, 0, 3, 2\]",
                     r" +term +x at +x +x - x_zero +w at +w +w - w_zero +product",
                     r" +3  \[0, 0, 2, 0\] +-96 +32  \[2, 1, 0, 0\] +62 +62 +1984", r" +sum  28847, of 9 terms",
                     r" +bias = -8930 +bias\[2\]", r" +acc = 19917 +28847 \+ -8930; proven for this channel: \|acc\| <= \d+",
                     r" +requant = 58 .*ties away from zero", r" +y = -70 +clamp to -128 \.\. 127", r"worked out  -70",
                     r"cpu_ref 0  -70  agrees"):
            self.assertRegex(text, f"(?m)^{line}")

    def test_long_sums_are_abbreviated(self) -> None:
        short = program.lockstep("explain", MODEL, SEVEN, "--op", 10, "--at", "0,4")
        long = program.lockstep("explain", MODEL, SEVEN, "--op", 10, "--at", "0,4", "--all")
        gap = re.search(r"(?m)^ +\.\.\.  (\d+) terms with the sum (-?\d+); --all prints them$", short)
        self.assertNotIn("...", long)
        products = [int(row.split()[-1]) for row in long.splitlines() if re.match(r" +\d+  \[", row)]
        self.assertEqual(len(products), 128)
        self.assertEqual((int(gap[1]), int(gap[2])), (116, sum(products[8:-4])))
        self.assertIn(f"sum  {sum(products)}, of 128 terms", long)

    def test_the_channels_bound_is_that_of_info(self) -> None:
        info = json.loads(program.lockstep("info", MODEL, "--json"))
        bounds = [explain(MODEL, SEVEN, "--op", 10, "--at", f"0,{o}")["steps"][1]["text"] for o in range(10)]
        self.assertEqual(max(int(text.rsplit("<= ", 1)[1]) for text in bounds), info["ops"][10]["bound"])

    def test_batches(self) -> None:
        two = [DIGITS / "7.png", DIGITS / "3.png"]
        values = [explain(MODEL, *two, "--op", 10, "--at", f"{n},3")["value"] for n in range(2)]
        alone = [explain(MODEL, one, "--op", 10, "--at", "0,3")["value"] for one in two]
        self.assertEqual(values, alone)

    @unittest.skipUnless((program.SHARED / "models").is_dir(), "the models of LKS_SHARED are absent")
    def test_real_models(self) -> None:
        for name, size in (("kws_int8", 490), ("resnet8_cifar10_int8", 3072)):
            path, raw = program.SHARED / f"models/{name}.tflite", self.folder / "x.raw"
            raw.write_bytes(program.splitmix64_bytes(3, size))
            for i, op in enumerate(json.loads(program.lockstep("info", path, "--json"))["ops"]):
                last = [extent - 1 for extent in op["shape"]]
                self.assertEqual(explain(path, raw, "--op", i, "--at", at([v // 2 for v in last]))["result"], "PASSED")


class Refusals(Case):
    def test_operands_and_options(self) -> None:
        self.refused(says=["MODEL", "--help"])
        self.refused(MODEL, "--op", 0, "--at", "0", says=["INPUT"])
        self.refused(MODEL, SEVEN, says=["--op", "lockstep info"])
        self.refused(MODEL, SEVEN, "--op", 0, says=["--at", "--op 3 --at"])
        self.refused(MODEL, SEVEN, "--op", 0, "--output", 1, "--at", "0,0,0,0", says=["--output", "op 0 has outputs 0 to 0"])
        self.refused(MODEL, SEVEN, "--op", 12, "--at", "0,0", says=["--op", "0 to 11"])
        self.refused(MODEL, SEVEN, "--op", "x", "--at", "0,0", says=["--op"])
        self.refused(MODEL, SEVEN, "--op", 0, "--at", "0,0,0,0", "--backend", "abacus", says=["abacus", "cpu_ref"])
        self.refused(MODEL, self.folder / "none.png", "--op", 0, "--at", "0,0,0,0", says=["none.png"])
        self.refused(MODEL, SEVEN, "--op", 0, "--at", "0,0,0,0", "--max-mem", "4K", says=["digits.tflite"])

    def test_at(self) -> None:
        for bad in ("1", "0,0", "0,0,0,16", "1,0,0,0", "0,0,0,0,0", "0,0,0,", ",0,0,0", "0,,0,0", "0,0,0,-1", "0,0,0,x",
                    "0 ,0,0,0", "0,0,0,4294967296", "0,0,0,99999999999999999999999", "0;0;0;0", "0x0,0,0,0"):
            self.refused(MODEL, SEVEN, "--op", 0, f"--at={bad}", says=["--at", "[1, 8, 8, 16]", "4 numbers"])

    def test_help(self) -> None:
        text = program.lockstep("explain", "--help")
        for word in ("--op", "--output", "--at", "--all", "--backend", "--device", "--variant", "--json", "--max-mem", "--max-work"):
            self.assertIn(word, text)


@unittest.skipUnless(FAULTY, "LOCKSTEP_TEST names no program with faulty backends")
class Disagreement(Case):
    def test_a_wrong_device_is_said(self) -> None:
        done = call("explain", MODEL, SEVEN, "--op", 0, "--at", "0,0,0,0", "--backend", "faulty-pad", name=FAULTY)
        self.assertEqual((done.returncode, done.stderr.count("\n"), done.stdout.splitlines()[-1]), (1, 1, "FAILED"))
        self.assertRegex(done.stdout, r"(?m)^cpu_ref 0  -?\d+  agrees$")
        self.assertRegex(done.stdout, r"(?m)^faulty-pad 0  -?\d+  DISAGREES$")

    def test_where_it_went_wrong_before(self) -> None:
        done = call("explain", MODEL, SEVEN, "--op", 11, "--at", "0,7", "--backend", "faulty-skip", name=FAULTY)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^faulty-skip 0  .*DISAGREES: its op 9 .* differs from cpu_ref's already: ")

    def test_a_device_that_fails(self) -> None:
        done = call("explain", MODEL, SEVEN, "--op", 0, "--at", "0,0,0,0", "--backend", "faulty-refuse", "--json", name=FAULTY)
        report = json.loads(done.stdout)
        self.assertEqual((done.returncode, report["result"], report["devices"][1]["result"]), (1, "FAILED", "FAILED"))


if __name__ == "__main__":
    program.main()
