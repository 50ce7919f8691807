# SPDX-License-Identifier: Apache-2.0
"""`lockstep bench` and the built-in models.  Nothing here depends on how long something took."""
import csv
import io
import json
import os
import pathlib
import re
import stat
import subprocess
import tempfile
import unittest
import unittest.mock

import program
from second_opinion import lks_file

DIGITS = program.ROOT / "examples/digits/digits.tflite"
PROGRAM = os.path.abspath(program.LOCKSTEP)
FAULTY = os.environ.get("LOCKSTEP_TEST")
FAST = ("--duration", 0, "--warmup", 0, "-r", 2)
SMALL = "conv:1,6,6,8,8,3,3"
# The multiply-accumulates that the literature gives, in 10^9 (torchvision, the papers;
# BERT: 12 * (4 * 768^2 + 2 * 768 * 3072) * 128).
PUBLISHED = {"resnet50": 4.089, "mobilenet_v2": 0.301, "vgg16": 15.47, "bert_base": 10.872}


def call(*arguments: object, name: str = program.LOCKSTEP) -> subprocess.CompletedProcess:
    return subprocess.run([name, *map(str, arguments)], capture_output=True, text=True)


def rows(*arguments: object) -> list[dict]:
    return json.loads(program.lockstep("bench", *arguments, *FAST, "-o", "json"))["rows"]


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, *arguments: object, says: str, command: str = "bench") -> None:
        done = call(command, *arguments)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done)
        self.assertIn(says, done.stderr)

    def script(self, name: str, body: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + body)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path


class Networks(Case):
    def test_costs_are_those_of_the_literature(self) -> None:
        for name, gmac in PUBLISHED.items():
            if program.QUICK and name == "vgg16":
                continue
            info = json.loads(program.lockstep("info", f"builtin:{name}", "--json"))
            self.assertAlmostEqual(info["macs"] / 1e9, gmac, delta=0.001, msg=name)
            self.assertTrue(info["batch_free"])

    def test_names_say_rounding_and_seed(self) -> None:
        def digest(options: str) -> str:
            return program.lockstep("info", f"builtin:{SMALL}{options}").split("sha256 ")[1].split()[0]

        self.assertEqual(digest(""), digest(",tflite,seed=0"))
        self.assertEqual(digest(",half_up,seed=7"), digest(",seed=7,half_up"))
        self.assertEqual(len({digest(""), digest(",half_up"), digest(",seed=1"), digest(",half_up,seed=1")}), 4)

    def test_bytes_are_pinned(self) -> None:
        """The same on every machine and with every compiler."""
        text = program.lockstep("info", f"builtin:{SMALL}")
        self.assertIn("1f86dee1432de9f4231426063a445606df1e22e87ec06d1659b1be493fb2a324", text)

    def test_every_op_runs_under_verify(self) -> None:
        for op in (SMALL, "conv:2,9,8,8,12,3,3,2,1,1,4", "conv:1,9,9,4,4,3,3,1,2,2", "depthwise:1,7,7,6,3,3,2", "fc:3,40,10",
                   "add:1,5,5,4", "max_pool:1,6,6,3,2,2,2,0", "avg_pool:1,6,6,3,3,3"):
            for rounding in ("tflite", "half_up"):
                text = program.lockstep("verify", f"builtin:{op},{rounding}", "--cases", 2)
                self.assertEqual(text.splitlines()[-1], "PASSED", op)

    def test_an_op_means_what_its_numbers_say(self) -> None:
        path = self.folder / "m.lks"
        program.lockstep("convert", "builtin:conv:2,9,8,8,12,3,5,2,1,2,4", path)
        model = lks_file.read(path.read_bytes())
        op = model.ops[0]
        self.assertEqual(list(model.tensors[op.operands[0]].shape), [2, 9, 8, 8])
        self.assertEqual(list(model.tensors[op.operands[1]].shape), [12, 3, 5, 2])
        self.assertEqual(list(model.tensors[op.outputs[0]].shape), [2, (9 + 2 - 5) // 2 + 1, (8 + 2 - 9) // 2 + 1, 12])

    def check_spread(self, model: str, shape: tuple, least: int) -> None:
        """Neither collapsed nor clipped: many values in every op output, few at the ends (a rectifier's zero apart)."""
        size = 1
        for extent in shape:
            size *= extent
        (self.folder / "x.raw").write_bytes(program.splitmix64_bytes(5, size))
        program.lockstep("run", model, self.folder / "x.raw", "--dump", self.folder / "dump", "--check", "none")
        for path in sorted((self.folder / "dump").glob("*.npy")):
            values = program.npy_payload(path)
            self.assertGreaterEqual(len(set(values)), least, path.name)
            self.assertLess(values.count(0x7f) / len(values), 0.1, path.name)
            self.assertLess(values.count(0x80) / len(values), 0.8, path.name)

    def test_mobilenet_v2_keeps_its_spread(self) -> None:
        self.check_spread("builtin:mobilenet_v2", (1, 224, 224, 3), 100)

    @unittest.skipIf(program.QUICK, "seconds become a minute")
    def test_resnet50_keeps_its_spread(self) -> None:
        self.check_spread("builtin:resnet50", (1, 224, 224, 3), 100)

    def test_refusals(self) -> None:
        for name, says in (("builtin:", "no such network"), ("builtin:resnet51", "no such network"),
                           ("builtin:resnet50,fast", '"fast" is unknown'), ("builtin:resnet50,seed=-1", "is unknown"),
                           ("builtin:conv", "no such network"), ("builtin:conv:", "the numbers of conv are"),
                           ("builtin:conv:1,2,3", "the numbers of conv are"), ("builtin:conv:1,6,6,8,8,3,x", "is unknown"),
                           ("builtin:conv:1,6,6,8,8,3,3,0", "the numbers of conv are"),
                           ("builtin:conv:1,6,6,8,8,3,3,1,1,1,1,1", "the numbers of conv are"),
                           ("builtin:conv:1,6,6,8,8,3,3,1,1,1,3", "groups do not divide"),
                           ("builtin:conv:1,6,6,8,8,9,9,1,0", "the window is larger"),
                           ("builtin:conv:1,6,6,8,8,3,3,1,7", "pad"),
                           ("builtin:fc:1,99999999999,1", "the numbers of fc"), ("builtin:fc:16777216,16777216,1", "2^31 - 1"),
                           ("builtin:fc:1,1000000,2", "the bound law"), ("builtin:gelu:1,2", "the op is unknown"),
                           ("builtin:" + "9" * 300, "too long")):
            self.refused(name, says=says, command="info")


class Formats(Case):
    def test_formats_have_the_same_fields_and_digest(self) -> None:
        (self.folder / "x.raw").write_bytes(program.splitmix64_bytes(3, 64))
        digest = program.digests(program.lockstep("run", DIGITS, self.folder / "x.raw"))["output 0"]
        command = ("bench", DIGITS, *FAST, "--seed", 3, "-o")
        document = json.loads(program.lockstep(*command, "json"))
        line = [json.loads(line) for line in program.lockstep(*command, "jsonl").splitlines()]
        table = list(csv.DictReader(io.StringIO(program.lockstep(*command, "csv"))))
        md = program.lockstep(*command, "md")
        self.assertEqual((len(document["rows"]), len(line), len(table), document["result"]), (1, 1, 1, "PASSED"))
        self.assertEqual(list(document["rows"][0]), list(line[0]))
        self.assertEqual(list(line[0]), list(table[0]))
        for row in (document["rows"][0], line[0], table[0]):
            self.assertEqual((row["outputs_sha256"], row["status"], str(row["batch"])), (digest, "OK", "1"))
        self.assertIn(digest, md)
        self.assertLessEqual(max(len(line) for line in md.splitlines() if line.startswith("|")), 130)

    def test_figures_fit_together(self) -> None:
        row = rows("--op", SMALL, "-b", 4)[0]
        self.assertLessEqual(row["min_ms"], row["median_ms"])
        self.assertLessEqual(row["median_ms"], row["p90_ms"])
        self.assertLessEqual(row["p90_ms"], row["p95_ms"])
        self.assertLessEqual(row["p99_ms"], row["max_ms"])
        self.assertEqual((row["runs"], row["rounds"], row["batch"]), (2, 2, 4))
        self.assertAlmostEqual(row["gmac_per_image"], 6 * 6 * 8 * 8 * 9 / 1e9)
        self.assertAlmostEqual(row["gmac_per_s"], row["images_per_s"] * row["gmac_per_image"])
        self.assertLessEqual(row["images_per_s_low"], row["images_per_s"])
        self.assertLessEqual(row["images_per_s"], row["images_per_s_high"])
        self.assertGreater(row["peak_gmac_per_s"], 0)
        self.assertGreater(row["copy_gb_per_s"], 0)
        for name in ("h2d_ms", "compute_ms", "d2h_ms", "model_load_ms", "device_open_ms", "session_open_ms", "first_run_ms"):
            self.assertGreaterEqual(row[name], 0)

    @unittest.skipIf(program.QUICK, "a sanitizer takes memory of its own")
    @unittest.mock.patch.dict(os.environ, {"OCL_ICD_VENDORS": "/nonexistent"})      # so does an OpenCL driver that is found
    def test_memory_is_that_of_the_row(self) -> None:
        large, small = "add:1,512,512,64", "add:1,8,8,8"
        of = {(row["model"], i): row["peak_memory_bytes"] for i, row in enumerate(rows("--op", large, "--op", small))}
        again = {(row["model"], i): row["peak_memory_bytes"] for i, row in enumerate(rows("--op", small, "--op", large))}
        image = 512 * 512 * 64
        for value in (of[f"builtin:{large}", 0], again[f"builtin:{large}", 1]):     # inputs and outputs, here and in the arena
            self.assertTrue(5 * image < value < 8 * image, value)
        for value in (of[f"builtin:{small}", 1], again[f"builtin:{small}", 0]):
            self.assertLess(value, image / 2)

    def test_peak(self) -> None:
        row = json.loads(program.lockstep("bench", "--peak", "-r", 2, "-o", "json"))["rows"][0]
        self.assertEqual((row["scenario"], row["model"], row["status"]), ("Peak", None, "OK"))
        self.assertGreater(row["peak_gmac_per_s"], 0)
        self.assertIn("NOT SUPPORTED: cpu_ref: 2 threads", call("bench", "--peak", "-t", 2, "--backend", "cpu_ref").stdout)
        self.assertIsNone(rows("--op", "add:1,5,5,4")[0]["percent_of_peak"])      # no MACs: nothing to hold against it
        self.assertRegex(program.lockstep("bench", "--peak", "-r", 1), r"int8 +[\d.]+ GMAC/s by .*\n +copy +[\d.]+ GB/s")


class Sweeps(Case):
    def test_full_cross_product(self) -> None:
        got = [(r["model"], r["batch"], r["threads"], r["scenario"], r["inflight"], r["status"])
               for r in rows("--op", SMALL, "--op", "fc:1,8,4", "-b", "1,3", "-t", "1,2", "--backend", "cpu_ref",
                             "--scenario", "SingleStream,Offline")]
        expected = [(f"builtin:{op}", batch, threads, scenario, 1, "OK" if threads == 1 else "NOT SUPPORTED")
                    for threads in (1, 2) for op in (SMALL, "fc:1,8,4") for batch in (1, 3)
                    for scenario in ("SingleStream", "Offline")]
        self.assertEqual(got, expected)

    def test_what_a_backend_lacks_is_said(self) -> None:
        text = program.lockstep("bench", "--op", SMALL, "-t", "1,2", "--backend", "cpu_ref", *FAST)
        self.assertIn("NOT SUPPORTED: cpu_ref: 2 threads: the reference has one", text)
        done = call("bench", "--op", SMALL, "-t", 2, "--backend", "cpu_ref", *FAST)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no row could be measured", done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], "FAILED")

    def test_requests_in_flight(self) -> None:
        row = rows("--op", SMALL, "--scenario", "Offline", "--inflight", 3)[0]
        self.assertEqual((row["inflight"], row["runs"], row["status"]), (3, 6, "OK"))

    def test_a_name_alone_is_a_network_unless_there_is_a_file(self) -> None:
        (self.folder / "vgg16").write_bytes(DIGITS.read_bytes())
        done = subprocess.run([PROGRAM, "bench", "vgg16", *map(str, FAST), "-o", "jsonl"],
                              cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(done.stdout)["model"], "vgg16")
        self.assertEqual(rows("mobilenet_v2")[0]["model"], "builtin:mobilenet_v2")

    @unittest.skipUnless(FAULTY, "no build with faulty backends at hand")
    def test_a_backend_with_other_bytes_fails(self) -> None:
        text = call("devices", name=FAULTY).stdout
        names = [line.split()[0] for line in text.splitlines()[1:] if " yes " in line]
        done = call("bench", DIGITS, "--backend", ",".join(names[:14]), *FAST, "-o", "json", name=FAULTY)
        failed = [r["backend"] for r in json.loads(done.stdout)["rows"] if "differ" in (r["reason"] or "")]
        self.assertTrue(failed)
        self.assertEqual(done.returncode, 1)


class Comparisons(Case):
    def setUp(self) -> None:
        super().setUp()
        self.base = self.folder / "base.json"
        program.lockstep("bench", "--op", SMALL, *FAST, "--save", self.base)

    def edited(self, **changes: object) -> pathlib.Path:
        document = json.loads(self.base.read_text())
        document["rows"][0].update(changes)
        path = self.folder / "edited.json"
        path.write_text(json.dumps(document))
        return path

    def against(self, path: pathlib.Path, *more: object) -> tuple[int, dict]:
        done = call("bench", "--op", SMALL, *FAST, "--against", path, *more, "-o", "json")
        return done.returncode, json.loads(done.stdout)

    def test_saved_is_what_json_prints(self) -> None:
        row = json.loads(self.base.read_text())["rows"][0]
        self.assertEqual(list(row), list(rows("--op", SMALL)[0]))

    def test_verdicts(self) -> None:
        for rate, verdict in ((1e-3, "faster"), (1e12, "slower")):
            path = self.edited(images_per_s=rate, images_per_s_low=rate, images_per_s_high=rate)
            code, document = self.against(path)
            row = document["rows"][0]
            self.assertEqual((code, row["verdict"], document["result"]), (0, verdict, "PASSED"))
            self.assertAlmostEqual(row["speedup"] / (row["images_per_s"] / rate), 1)
            self.assertLessEqual(row["speedup_low"], row["speedup"])
        code, document = self.against(self.edited(images_per_s_low=1e-9, images_per_s_high=1e12), "--threshold", 5)
        self.assertEqual((code, document["rows"][0]["verdict"]), (0, "no difference seen"))

    def test_threshold(self) -> None:
        slow = self.edited(images_per_s=1e12, images_per_s_low=1e12, images_per_s_high=1e12)
        code, document = self.against(slow, "--threshold", 99)
        self.assertEqual((code, document["rows"][0]["status"], document["result"]), (1, "FAILED", "FAILED"))
        done = call("bench", "--op", SMALL, *FAST, "--against", slow, "--threshold", "12.5")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "FAILED"))

    def test_digests_must_agree(self) -> None:
        code, document = self.against(self.edited(outputs_sha256="0" * 64))
        self.assertEqual((code, document["rows"][0]["status"]), (1, "FAILED"))

    def test_damaged_files(self) -> None:
        path = self.folder / "bad.json"
        for text, says in (("", "is empty"), ("{", "is not JSON"), ("{}", 'no "rows"'), ('{"rows": 3}', 'no "rows"'),
                           ('{"rows": [1, null, {}]}', "has no row with")):
            path.write_text(text)
            self.refused("--op", SMALL, *FAST, "--against", path, says=says)
        for changes in ({"images_per_s": None}, {"images_per_s": "7"}, {"images_per_s_low": -1.0}, {"images_per_s_high": 0}):
            self.refused("--op", SMALL, *FAST, "--against", self.edited(**changes), says="was not written by --save")
        self.refused("--op", SMALL, *FAST, "--against", self.edited(model_sha256="0" * 64), says="has no row with")
        self.refused("--op", SMALL, *FAST, "--against", self.folder / "absent.json", says="cannot be opened")

    def test_two_builds(self) -> None:
        same = self.script("same", f'exec {PROGRAM} "$@"\n')
        other = self.script("other", f'{PROGRAM} "$@" | sed \'s/outputs_sha256":"..../outputs_sha256":"0000/\'\n')
        command = ("bench", "--op", SMALL, "--op", "fc:1,8,4", "--duration", 0, "--warmup", 0, "-r", 3, "--ab")
        text = program.lockstep(*command, same)
        self.assertEqual(text.splitlines()[-1], "PASSED")
        self.assertEqual(len(re.findall(r"B: (?:faster|slower|no difference seen)", text)), 2)
        document = json.loads(program.lockstep(*command, same, "-o", "json"))
        self.assertEqual([row["pairs"] for row in document["rows"]], [3, 3])
        done = call(*command, other)
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "FAILED"))
        self.assertIn("the outputs differ", done.stdout)

    def test_two_builds_threshold(self) -> None:
        fast = self.script("fast", f'{PROGRAM} "$@" | sed \'s/"images_per_s":[^,]*/"images_per_s":1e12/\'\n')
        command = ("bench", "--op", SMALL, "--duration", 0, "--warmup", 0, "-r", 3, "--ab", fast)
        self.assertIn("B: slower", program.lockstep(*command))
        done = call(*command, "--threshold", 5)
        self.assertEqual(done.returncode, 1)
        self.assertIn("slower by more than --threshold", done.stdout)

    def test_two_builds_that_are_none(self) -> None:
        command = ("--op", SMALL, "--duration", 0, "-r", 1, "--ab")
        self.refused(*command, "/bin/false", says="failed")
        self.refused(*command, "/bin/echo", says="prints something else")
        self.refused(*command, self.folder / "absent", says="failed")


@unittest.skipUnless(FAULTY, "LOCKSTEP_TEST names no program with the backend cuda-shim")
class Plain(Case):
    def launched(self, *options: str) -> tuple[str, set[str]]:
        """The digest of a row, and the kernels that made it."""
        log = self.folder / f"kernels{len(options)}"
        done = subprocess.run([FAULTY, "bench", str(DIGITS), "--backend", "cuda-shim", *map(str, FAST), "-o", "json", *options],
                              capture_output=True, text=True, check=True, env=os.environ | {"LOCKSTEP_SHIM_KERNELS": str(log)})
        return json.loads(done.stdout)["rows"][0]["outputs_sha256"], {line.split()[0] for line in log.read_text().splitlines()}

    def test_without_fusing_and_graphs(self) -> None:
        """The model has a reshape, which moves nothing: fused, it is no kernel."""
        fused, plain = self.launched(), self.launched("--no-fuse", "--no-graph")
        self.assertEqual(fused[0], plain[0])
        self.assertEqual([any(k.startswith("copy_") for k in kernels) for _, kernels in (fused, plain)], [False, True])


class Refusals(Case):
    def test_options(self) -> None:
        for arguments, says in (
                ([], "give a MODEL"), (["absent.lks"], "no file that can be read"), (["--op", "conv:1,2"], "the numbers of conv"),
                (["--op", SMALL, "-b", "0"], "--batch"), (["--op", SMALL, "-b", "1,"], "--batch"),
                (["--op", SMALL, "-b", "1,,2"], "--batch"),
                (["--op", SMALL, "-b", "99999999"], "--batch"), (["--op", SMALL, "-b", ",".join("1" * 17)], "more than 16"),
                (["--op", SMALL, "-t", "x"], "--threads"), (["--op", SMALL, "-r", "0"], "-r: "),
                (["--op", SMALL, "-b"], "-b: needs a value"),
                (["--op", SMALL, "-o", "xml"], "-o: "), (["--op", SMALL, "--duration", "-1"], "--duration"),
                (["--op", SMALL, "--duration", "1.2345"], "--duration"), (["--op", SMALL, "--duration", "1e3"], "--duration"),
                (["--op", SMALL, "--duration", "999999"], "--duration"), (["--op", SMALL, "--scenario", "Server"], "--scenario"),
                (["--op", SMALL, "--scenario", "Offline,"], "--scenario"), (["--op", SMALL, "--inflight", "2"], "--inflight"),
                (["--op", SMALL, "--threshold", "5"], "--threshold"),
                (["--op", SMALL, "--ab", "x", "--threshold", "100"], "--threshold"),
                (["--op", SMALL, "--ab", "x", "--save", "y"], "--ab"), (["--op", SMALL, "--ab", "x", "-o", "csv"], "--ab"),
                (["--op", SMALL, "--peak"], "--peak"), (["--peak", "--against", "x"], "--peak"),
                (["--op", SMALL, "--backend", "cpu_ref,,x"], "--backend"),
                (["--op", SMALL, "--backend", "abacus"], "not in this build"),
                (["--op", SMALL, "--device", "9", "--backend", "cpu_ref"], "no device \"9\""),
                (["--op", SMALL, "-x"], "-x: no such option"),
                (["--op", SMALL, "--max-mem", "1"], "more than the limit of 1")):
            self.refused(*arguments, says=says)

    def test_a_variant_that_there_is_not(self) -> None:
        done = call("bench", "--op", SMALL, "--variant", "abacus", *FAST)
        self.assertEqual(done.returncode, 1)
        self.assertIn("NOT SUPPORTED", done.stdout)

    def test_output_that_cannot_be_written(self) -> None:
        done = call("bench", "--op", SMALL, *FAST, "--save", self.folder / "no/such/folder.json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("folder.json", done.stderr)


if __name__ == "__main__":
    program.main()
