# SPDX-License-Identifier: Apache-2.0
"""`lockstep verify` with files: saved outputs, golden files, JUnit reports, capsules; and hostile versions of what it reads."""
import hashlib
import json
import os
import pathlib
import shlex
import struct
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml

import program
from second_opinion import lks_file
from second_opinion.builder import Builder
from second_opinion.lks_file import U8

DIGITS = program.ROOT / "examples/digits"
MODEL, SEVEN, THREE = DIGITS / "digits.tflite", DIGITS / "7.png", DIGITS / "3.png"
GOLDEN, MODELS = program.SHARED / "golden", program.SHARED / "models"
FAULTY = os.environ.get("LOCKSTEP_TEST")
HEADER, DIGEST = 416, 32


def needs_shared(test):
    return unittest.skipUnless(GOLDEN.is_dir() and MODELS.is_dir(), f"{GOLDEN} is absent")(test)


def needs_faulty(test):
    return unittest.skipUnless(FAULTY, "LOCKSTEP_TEST names no program with faulty backends")(test)


def call(*arguments: object, name: str = program.LOCKSTEP) -> subprocess.CompletedProcess:
    return subprocess.run([name, *map(str, arguments)], capture_output=True, text=True)


def verify(*arguments: object) -> str:
    return program.lockstep("verify", *arguments)


def last_line(done: subprocess.CompletedProcess) -> str:
    return done.stdout.rstrip("\n").rsplit("\n", 1)[-1]


def requant_model(shape: tuple = (1, 3), **more: int) -> bytes:
    """y = x, saturated."""
    b = Builder()
    args = {"x_zero": 0, "y_zero": 0, "m": 2**30, "s": 30, "rounding": 0, "y_min": -128, "y_max": 127} | more
    b.op("requant", [b.input(shape, name="x")], shape, **args)
    return lks_file.write(b.model())


def text(value: bytes, size: int) -> bytes:
    return value + bytes(size - len(value))


def recording(kind: int, model: bytes, cases: list, kept: int = 1, batch: int = 1, device: int = 0, op: int = 0, version: int = 1,
              spec: int = 1, digest: bytes = bytes(32), backend: bytes = b"cpu_ref", count: int | None = None,
              inputs: int | None = None, result: int | None = None, engine: bytes = b"0.0.0") -> bytes:
    """The file of tools/capsule.h, written from its description.  cases: (name, inputs, result...)."""
    stated = [len(cases) if count is None else count, len(model), len(cases[0][1]) if inputs is None else inputs,
              len(cases[0][2]) if result is None else result]
    data = b"\x89LKR\r\n\x1a\n" + struct.pack("<8I3Q", version, spec, kind, kept, batch, device, op, *stated)
    data += digest + text(engine, 16) + text(backend, 16) + text(b"", 32) + text(b"hand-made", 128) + text(b"C", 128) + model
    for name, *parts in cases:
        data += text(name, 64) + b"".join(parts)
    return data + hashlib.sha256(data).digest()


def signed(data: bytes) -> bytes:
    return data[:-DIGEST] + hashlib.sha256(data[:-DIGEST]).digest()


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name: str, data: bytes | str) -> pathlib.Path:
        path = self.folder / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def refused(self, *arguments: object, says: list[str] = []) -> None:
        """One line on stderr, and nothing but the verdict on stdout."""
        done = call("verify", *arguments)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), f"{arguments}: {done.stderr!r}")
        self.assertIn(done.stdout, ("\nFAILED\n", ""), arguments)
        self.assertTrue(done.stderr[:-1].isprintable())
        for part in says:
            self.assertIn(part, done.stderr)

    def failed(self, *arguments: object, says: list[str] = []) -> subprocess.CompletedProcess:
        """A report that ends in FAILED."""
        done = call("verify", *arguments)
        self.assertEqual((done.returncode, done.stderr.count("\n"), last_line(done)), (1, 1, "FAILED"), done.stdout + done.stderr)
        for part in says:
            self.assertIn(part, done.stdout)
        return done


class Options(Case):
    def test_help(self) -> None:
        words = program.lockstep("verify", "--help")
        for option in "variant save-outputs load-outputs expect save-expect inputs junit reduce capsule".split():
            self.assertIn(f"--{option} ", words)

    def test_what_does_not_go_together(self) -> None:
        for one in (["--expect", "x"], ["--load-outputs", "x"]):
            for other in (["--cases", 3], ["--seed", 3], [SEVEN]):
                self.refused(MODEL, *one, *other, says=[one[0], "own cases"])
        self.refused(MODEL, "--expect", "x", "--load-outputs", "y", says=["only one"])
        self.refused(MODEL, "--reduce", "x", "--capsule", "y", says=["only one"])
        self.refused(MODEL, "--inputs", "x", says=["--expect"])

    def test_variant(self) -> None:
        self.refused(MODEL, "--variant", "abacus", says=["abacus", "cpu_ref 0"])
        self.refused(MODEL, "--variant", "abacus", "--backend", "cpu_ref", says=["abacus"])

    def test_check(self) -> None:
        for rule in ("auto", "full", "none", "sample:1", "sample:4294967294"):
            done = json.loads(program.lockstep("run", MODEL, SEVEN, "--backend", "cpu_ref", "--check", rule, "--json"))
            self.assertIs(done["checked"], False)
        self.assertIn("(not checked: cpu_ref is the reference)", program.lockstep("run", MODEL, SEVEN, "--backend", "cpu_ref"))
        for rule in ("", "AUTO", "sample", "sample:", "sample:0", "sample:x", "sample:4294967295", "sample:-1", "half"):
            done = call("run", MODEL, SEVEN, f"--check={rule}")
            self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1))
            self.assertIn("--check", done.stderr)
        self.assertIn("not built yet", call("run", MODEL, SEVEN, "--check", "freivalds").stderr)
        self.assertIn("abacus", call("run", MODEL, SEVEN, "--variant", "abacus").stderr)


class Outputs(Case):
    """--save-outputs and --load-outputs."""

    def test_round_trip(self) -> None:
        saved = self.folder / "a.outputs"
        verify(MODEL, SEVEN, "--cases", 3, "--save-outputs", saved)
        report = verify(MODEL, "--load-outputs", saved)
        self.assertRegex(report, r"(?m)^cases  7: random_0 random_1 random_2 const_00 const_80 const_7f given_0$")
        self.assertRegex(report, r"(?m)^saved  .*a\.outputs: Lockstep \d+\.\d+\.\d+ on \w+ 0  ")
        self.assertRegex(report, r"(?m)^cpu_ref +0 .* 84 +\d+  equal$")
        again = self.folder / "b.outputs"
        verify(MODEL, "--load-outputs", saved, "--save-outputs", again)
        self.assertEqual(saved.read_bytes(), again.read_bytes())

    def test_layout(self) -> None:
        """Its bytes are those of the description in tools/capsule.h."""
        model = self.file("m.lks", requant_model())
        raw = self.file("x.raw", bytes([1, 128, 255]))
        saved = self.folder / "a.outputs"
        verify(model, raw, "--cases", 0, "--backend", "cpu_ref", "--save-outputs", saved)
        device = next(d for d in json.loads(program.lockstep("devices", "--json"))["devices"] if d["backend"] == "cpu_ref")
        inputs = {b"const_00": bytes(3), b"const_80": b"\x80" * 3, b"const_7f": b"\x7f" * 3, b"given_0": raw.read_bytes()}
        cases = [(name, data, data) for name, data in inputs.items()]
        engine = json.loads(program.lockstep("info", model, "--json"))["lockstep"].encode()
        data = bytearray(recording(1, b"", cases, digest=hashlib.sha256(model.read_bytes()).digest(), engine=engine))
        data[160:HEADER] = text(device["name"].encode(), 128) + text(device["driver"].encode(), 128)
        self.assertEqual(saved.read_bytes(), signed(bytes(data)))

    def test_other_model(self) -> None:
        saved = self.folder / "a.outputs"
        verify(MODEL, "--cases", 1, "--save-outputs", saved)
        other = self.file("m.lks", requant_model())
        self.refused(other, "--load-outputs", saved, says=["a.outputs", "was made for the model"])
        self.refused(saved, says=["--load-outputs"])

    def test_a_difference_is_named(self) -> None:
        saved = self.folder / "a.outputs"
        verify(MODEL, "--cases", 1, "--save-outputs", saved)
        data = bytearray(saved.read_bytes())
        data[HEADER + 64 + 64 + 5] ^= 1         # of case 0, behind name and input: element 5 of op 0
        self.file("a.outputs", signed(bytes(data)))
        done = self.failed(MODEL, "--load-outputs", saved, says=["differs from the saved outputs: case random_0, op 0 conv"])
        self.assertRegex(done.stdout, r'at \[0, 0, 0, 5\]: expected -?\d+, got -?\d+; 1 of 1024 elements differ')
        self.assertIn(f"again: lockstep verify {MODEL} --backend", done.stdout)
        self.assertIn(f" --load-outputs {saved}", done.stdout)

    def test_hostile(self) -> None:
        model = self.file("m.lks", requant_model())
        digest = hashlib.sha256(model.read_bytes()).digest()
        good = recording(1, b"", [(b"a", b"\1\2\3", b"\1\2\3"), (b"b", b"\4\5\6", b"\4\5\6")], digest=digest)
        self.assertIn("PASSED", verify(model, "--load-outputs", self.file("x", good)))
        for size in range(len(good)):
            self.refused(model, "--load-outputs", self.file("x", good[:size]), says=["x:"])
        self.refused(model, "--load-outputs", self.file("x", good + b"\0"), says=["add up"])
        for i in range(0, len(good), 1 if not program.QUICK else 7):
            self.refused(model, "--load-outputs", self.file("x", good[:i] + bytes([good[i] ^ 1]) + good[i + 1:]), says=["x:"])
        for wrong in (dict(version=2), dict(spec=2), dict(kind=3), dict(kept=0), dict(kept=2), dict(batch=0), dict(batch=2),
                      dict(op=1), dict(backend=b""), dict(backend=b"a\nb"), dict(backend=b"x" * 16),
                      dict(backend=b"a\0b"), dict(engine=b""),
                      dict(count=0), dict(count=3), dict(count=100001), dict(count=2**32 - 1), dict(inputs=0), dict(inputs=2),
                      dict(inputs=2**64 - 1), dict(result=0), dict(result=4), dict(result=2**63), dict(model=bytes(64))):
            args = {"kind": 1, "model": b"", "digest": digest} | wrong
            data = recording(cases=[(b"a", b"\1\2\3", b"\1\2\3"), (b"b", b"\4\5\6", b"\4\5\6")], **args)
            self.refused(model, "--load-outputs", self.file("x", data), says=["x:"])
        for name in (b"", b"\x1b[2J", b"x" * 64, b"a\0b"):
            data = recording(1, b"", [(name, b"\1\2\3", b"\1\2\3")], digest=digest)
            self.refused(model, "--load-outputs", self.file("x", data), says=["x: "])
        self.refused(model, "--load-outputs", self.folder / "missing", says=["missing"])
        self.refused(model, "--load-outputs", model, says=["magic"])

    def test_sizes_of_another_shape(self) -> None:
        model = self.file("m.lks", requant_model())
        digest = hashlib.sha256(model.read_bytes()).digest()
        for inputs, result in ((b"\1\2", b"\1\2\3"), (b"\1\2\3", b"\1\2\3\4")):
            self.refused(model, "--load-outputs", self.file("x", recording(1, b"", [(b"a", inputs, result)], digest=digest)),
                         says=["sizes"])


class Shapes(Case):
    """Two inputs, one of them u8, and a batch that is fixed."""

    def pair(self) -> pathlib.Path:
        b = Builder()
        x, z = b.input((1, 4, 4, 1), name="x"), b.input((1, 4, 4, 1), interface=U8, name="z")
        total = b.op("add", [x, z], (1, 4, 4, 1), a_zero=0, b_zero=0, y_zero=0, left_shift=0, a_m=1, a_s=0, b_m=1, b_s=0, m=2**30,
                     s=30, y_min=-128, y_max=127, rounding=0)
        return self.file("pair.lks", lks_file.write(b.model(total, b.op("reshape", [z], (1, 16)))))

    def fixed(self) -> pathlib.Path:
        b = Builder()
        b.op("reshape", [b.input((2, 4, 4, 1))], (16, 2))
        return self.file("fixed.lks", lks_file.write(b.model()))

    def test_round_trips(self) -> None:
        saved, golden = self.folder / "a.outputs", self.folder / "a.json"
        for model in (self.pair(), self.fixed()):
            verify(model, "--cases", 3, "--save-outputs", saved, "--save-expect", golden)
            for more in (["--load-outputs", saved], ["--expect", golden]):
                self.assertRegex(verify(model, *more), r"(?m)^cpu_ref +0 .* equal$")

    def test_digests_of_two_inputs(self) -> None:
        model, golden = self.pair(), self.folder / "a.json"
        verify(model, "--cases", 1, "--save-expect", golden)
        stream = program.splitmix64_bytes(0, 32)
        files = [self.file("x.raw", stream[:16]), self.file("z.raw", stream[16:])]
        found = program.digests(program.lockstep("run", model, *files))
        case = json.loads(golden.read_text())["cases"][0]
        self.assertEqual([found["input 0"], found["input 1"]], case["inputs_sha256"])
        self.assertEqual([found["output 0"], found["output 1"]], case["outputs_sha256"])

    def test_given_inputs(self) -> None:
        files = [self.file("x.raw", bytes(range(32))), self.file("z.raw", bytes(range(200, 232)))]
        saved = self.folder / "a.outputs"
        verify(self.pair(), *files, "--cases", 0, "--save-outputs", saved)
        self.assertIn("given_0 given_1", verify(self.pair(), "--load-outputs", saved))
        self.refused(self.pair(), *files, "--save-expect", self.folder / "x.json", says=["several inputs"])

    @needs_faulty
    def test_reduced(self) -> None:
        """The part keeps the interface types: input z is u8."""
        path = self.folder / "a.capsule"
        done = call("verify", self.pair(), "--backend", "faulty-batch", "--reduce", path, name=FAULTY)
        self.assertEqual((done.returncode, path.exists()), (1, True), done.stderr)
        again = json.loads(call("verify", path, "--backend", "faulty-batch", "--json", name=FAULTY).stdout)
        self.assertEqual((again["devices"][0]["result"], again["part_ops"]), ("STILL DIFFERS, with the same bytes", 1))


class Golden(Case):
    """--expect and --save-expect."""

    def ours(self, *more: object) -> pathlib.Path:
        path = self.folder / "ours.json"
        verify(MODEL, *more, "--save-expect", path)
        return path

    def test_round_trip(self) -> None:
        path = self.ours("--cases", 2, SEVEN, THREE)
        golden = json.loads(path.read_text())
        self.assertEqual(golden["schema"], 1)
        self.assertEqual(golden["model"]["sha256"], program.sha256(MODEL.read_bytes()))
        sources = [("seed", 0), ("seed", 1), ("byte", 0), ("byte", 128), ("byte", 127), ("file", "7.png"), ("file", "3.png")]
        self.assertEqual([list(case["input"].items()) for case in golden["cases"]], [[source] for source in sources])
        report = verify(MODEL, "--expect", path, "--inputs", DIGITS)
        self.assertRegex(report, r"(?m)^cpu_ref +0 .* 14 +\d+  equal$")
        report = verify(MODEL, "--expect", path)
        self.assertIn("skipped  2, whose files --inputs must bring: given_0 (7.png) given_1 (3.png)", report)
        again = self.folder / "again.json"
        verify(MODEL, "--expect", path, "--inputs", self.folder, "--inputs", DIGITS, "--save-expect", again)
        cases = json.loads(again.read_text())["cases"]
        self.assertEqual([case["outputs_sha256"] for case in cases], [case["outputs_sha256"] for case in golden["cases"]])

    def test_digests_are_those_of_run(self) -> None:
        golden = json.loads(self.ours("--cases", 1).read_text())
        raw = self.file("x.raw", program.splitmix64_bytes(0, 64))
        found = program.digests(program.lockstep("run", MODEL, raw, "--dump", self.folder / "ops"))
        case = golden["cases"][0]
        self.assertEqual([[found["input 0"]], [found["output 0"]], found["trace"]],
                         [case["inputs_sha256"], case["outputs_sha256"], case["all_tensors_sha256"]])

    def test_the_converted_model_too(self) -> None:
        path, lks = self.ours("--cases", 1), self.folder / "m.lks"
        program.lockstep("convert", MODEL, lks)
        self.assertIn("PASSED", verify(lks, "--expect", path))

    def test_large_seeds(self) -> None:
        path = self.ours("--cases", 2, "--seed", 2**64 - 2)
        self.assertEqual(json.loads(path.read_text())["cases"][0]["input"], {"seed": str(2**64 - 2)})
        self.assertIn("PASSED", verify(MODEL, "--expect", path))

    def test_one_changed_digest_fails(self) -> None:
        path = self.ours("--cases", 1)
        for key in ("outputs_sha256", "all_tensors_sha256"):
            golden = json.loads(path.read_text())
            case = golden["cases"][2]
            old = case[key] if isinstance(case[key], str) else case[key][0]
            new = ("0" if old[0] != "0" else "1") + old[1:]
            case[key] = new if isinstance(case[key], str) else [new]
            changed = self.file("changed.json", json.dumps(golden))
            done = self.failed(MODEL, "--expect", changed, "--backend", "cpu_ref",
                               says=["differs from the expected digests: case const_80", key, f"expected {new}, got {old}"])
            self.assertIn(f"again: lockstep verify {MODEL} --backend cpu_ref --device 0 --expect {changed}", done.stdout)

    def test_files_with_other_bytes(self) -> None:
        path = self.ours("--cases", 0, SEVEN)
        (self.folder / "7.png").write_bytes(THREE.read_bytes())
        self.refused(MODEL, "--expect", path, "--inputs", self.folder, says=["given_0", "inputs_sha256[0]", "7.png"])

    def test_nothing_compared_is_failed(self) -> None:
        golden = json.loads(self.ours("--cases", 0, SEVEN).read_text())
        golden["cases"] = golden["cases"][-1:]
        self.failed(MODEL, "--expect", self.file("one.json", json.dumps(golden)), says=["skipped  1", "NOTHING COMPARED"])

    def test_another_model(self) -> None:
        path = self.ours("--cases", 0)
        self.refused(self.file("m.lks", requant_model()), "--expect", path, says=["model.sha256"])
        golden = json.loads(path.read_text())
        golden["model"]["lks_sha256"] = "0" * 64
        self.refused(MODEL, "--expect", self.file("x.json", json.dumps(golden)), says=["model.lks_sha256"])

    def test_what_a_golden_cannot_name(self) -> None:
        both = self.file("both.raw", bytes(128))
        self.refused(MODEL, both, "--save-expect", self.folder / "x.json", says=["both.raw", "2 images"])
        (self.folder / "a").mkdir()
        twice = self.file("a/7.png", THREE.read_bytes())
        self.refused(MODEL, SEVEN, twice, "--save-expect", self.folder / "x.json", says=["same name"])
        self.refused(MODEL, self.file("caf\u00e9.raw", bytes(64)), "--save-expect", self.folder / "x.json", says=["ASCII"])
        self.assertFalse((self.folder / "x.json").exists())

    def test_hostile(self) -> None:
        good = json.loads(self.ours("--cases", 1).read_text())
        good["cases"] = good["cases"][:2]

        def wrong(field: str, **change: object) -> None:
            golden = json.loads(json.dumps(good))
            target = golden
            for step in change.pop("into", ()):
                target = target[step]
            target.update(change)
            self.refused(MODEL, "--expect", self.file("x.json", json.dumps(golden)), says=["x.json: " + field])

        case, hexes = ("cases", 1), "0" * 64
        for schema in (0, 2, "1", None, 1.0, [1]):
            wrong("schema", schema=schema)
        for model in (None, [], "x", 3):
            wrong("model", model=model)
        for digest in (None, "", "0" * 63, "0" * 65, "A" * 64, "g" * 64, 7, [hexes]):
            wrong("model.sha256", into=("model",), sha256=digest)
            wrong("cases[1].all_tensors_sha256", into=case, all_tensors_sha256=digest)
            wrong("cases[1].outputs_sha256[0]", into=case, outputs_sha256=[digest])
            wrong("cases[1].inputs_sha256[0]", into=case, inputs_sha256=[digest])
        for digests in (None, [], hexes, [hexes, hexes], {"0": hexes}):
            wrong("cases[1].outputs_sha256", into=case, outputs_sha256=digests)
        for cases in (None, [], {}, "x"):
            wrong("cases", cases=cases)
        wrong("cases[0]", cases=[None])
        wrong("cases: two have the name", cases=[good["cases"][0]] * 2)
        for name in (None, "", "x" * 64, "a\nb", "\u00e9", 5):
            wrong("cases[1].name", into=case, name=name)
        for source in (None, {}, [], {"seed": 1, "byte": 2}, {"sead": 1}, 3):
            wrong("cases[1].input", into=case, input=source)
        for seed in (-1, 1.5, "x", "", "18446744073709551616", "-1", None, [1], True):
            wrong("cases[1].input.seed", into=case, input={"seed": seed})
        for byte in (-1, 256, "256", 1.0):
            wrong("cases[1].input.byte", into=case, input={"byte": byte})
        for name in ("", "../x", "a/b", "/etc/passwd", ".", "..", "a\\b", None, 3, "x" * 256, "a\nb", "\u00e9"):
            wrong("cases[1].input.file", into=case, input={"file": name})
            wrong("cases[1].input.image", into=case, input={"image": name})
        wrong('case "const_00": inputs_sha256[0]', into=case, input={"byte": 1})

    def test_no_json(self) -> None:
        for data in (b"", b"x", b"{", b"[]", b"3", b"null", b"\xff\xfe", b"{\"schema\": 1}", b"{\"schema\": 1, \"schema\": 1}",
                     b"[" * 100000, b"{\"a\":" * 100000, b"{\"schema\": 99999999999999999999}", b'{"schema": "\\u0000"}'):
            self.refused(MODEL, "--expect", self.file("x.json", data), says=["x.json: "])
        good = self.ours("--cases", 0).read_bytes()
        for size in range(0, len(good) - 2, 1 if not program.QUICK else 50):        # without the end and its line break
            self.refused(MODEL, "--expect", self.file("x.json", good[:size]), says=["x.json: "])

    @needs_shared
    def test_the_shared_goldens(self) -> None:
        for name, count in (("hello_world_int8", 35), ("kws_int8", 35), ("resnet8_cifar10_int8", 35)):
            report = verify(MODELS / f"{name}.tflite", "--expect", GOLDEN / f"{name}.json", "--backend", "cpu_ref")
            self.assertRegex(report, rf"(?m)^cpu_ref +0 .* {2 * count} +\d+  equal$")
        self.assertIn("skipped  3, whose files --inputs must bring: image_cat (cat.bmp) ", report)

    @needs_shared
    def test_the_shared_goldens_with_their_files(self) -> None:
        folders = ["--inputs", program.SHARED / "data", "--inputs", program.SHARED / "images", "--backend", "cpu_ref"]
        for name, count in (("kws_int8", 36), ("resnet8_cifar10_int8", 38)):
            report = verify(MODELS / f"{name}.tflite", "--expect", GOLDEN / f"{name}.json", *folders)
            self.assertRegex(report, rf"(?m)^cpu_ref +0 .* {2 * count} +\d+  equal$")
            self.assertNotIn("skipped", report)


class Junit(Case):
    def report(self, *arguments: object, name: str = program.LOCKSTEP) -> list[xml.Element]:
        path = self.folder / "out.xml"
        call("verify", *arguments, "--junit", path, name=name)
        root = xml.parse(path).getroot()
        self.assertEqual(root.tag, "testsuites")
        for suite in root:
            kinds = {kind: len(suite.findall(f"testcase/{kind}")) for kind in ("failure", "error", "skipped")}
            stated = {"failure": suite.get("failures"), "error": suite.get("errors"), "skipped": suite.get("skipped")}
            self.assertEqual({kind: str(n) for kind, n in kinds.items()}, stated)
            self.assertEqual(len(suite.findall("testcase")), int(suite.get("tests")))
        return list(root)

    def test_passed(self) -> None:
        suite, = self.report(MODEL, "--cases", 2, "--backend", "cpu_ref")
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures")), ("cpu_ref 0", "5", "0"))
        self.assertEqual([case.get("name") for case in suite.iter("testcase")],
                         ["random_0", "random_1", "const_00", "const_80", "const_7f"])
        self.assertTrue(all(float(case.get("time")) >= 0 for case in suite.iter("testcase")))

    def test_failures_and_skips(self) -> None:
        path = self.folder / "g.json"
        verify(MODEL, "--cases", 1, SEVEN, "--save-expect", path)
        golden = json.loads(path.read_text())
        golden["cases"][1]["outputs_sha256"] = ["0" * 64]
        golden["cases"][2]["name"] = "<&\"'>]]>"
        self.file("g.json", json.dumps(golden))
        suite, = self.report(MODEL, "--expect", path, "--backend", "cpu_ref")
        self.assertEqual((suite.get("tests"), suite.get("failures"), suite.get("skipped")), ("5", "1", "1"))
        self.assertIn("outputs_sha256[0]", suite.find("testcase/failure").get("message"))
        self.assertIn(str(path), suite.find("testcase/failure").text)
        self.assertIn("7.png", suite.find("testcase/skipped").get("message"))
        self.assertEqual(suite.findall("testcase")[2].get("name"), "<&\"'>]]>")

    def test_odd_paths(self) -> None:
        model = self.file("a&<b>\"'\x01\xff.tflite", MODEL.read_bytes())
        suite, = self.report(model, "--cases", 0, "--backend", "cpu_ref")
        properties = {p.get("name"): p.get("value") for p in suite.iter("property")}
        self.assertIn("a&<b>\"'?", properties["model"])

    def test_atomic(self) -> None:
        done = call("verify", MODEL, "--cases", 0, "--junit", self.folder / "missing" / "out.xml")
        self.assertEqual((done.returncode, done.stderr.count("\n"), last_line(done)), (1, 1, "FAILED"))

    @needs_faulty
    def test_devices_that_fail(self) -> None:
        both = ["--backend", "faulty-lost", "--backend", "faulty-pad"]
        suites = {suite.get("name"): suite for suite in self.report(MODEL, "--cases", 0, *both, name=FAULTY)}
        self.assertEqual(suites["faulty-lost 0"].get("errors"), "3")
        self.assertEqual(suites["faulty-pad 0"].get("failures"), "3")


class Capsule(Case):
    """Made by hand from the description in tools/capsule.h."""

    def capsule(self, **more: object) -> bytes:
        args = {"kind": 2, "model": requant_model(), "cases": [(b"a", b"\1\2\3", b"\1\2\3", b"\1\2\4")], "op": 7}
        return recording(**(args | more))

    def test_replay(self) -> None:
        report = verify(self.file("x.capsule", self.capsule()), "--backend", "cpu_ref")
        self.assertRegex(report, r"(?m)^recorded  op 0 requant \"\w*\" at \[0, 2\]: expected 3, got 4; 1 of 3 elements differ$")
        self.assertIn("reference  cpu_ref gives the expected bytes", report)
        self.assertRegex(report, r"(?m)^cpu_ref +0  equal: differs no longer$")
        self.file("x.capsule", self.capsule(backend=b"abacus"))
        report = json.loads(verify(self.folder / "x.capsule", "--backend", "cpu_ref", "--json"))
        self.assertEqual((report["result"], report["backend"], report["op"], report["part_ops"]), ("PASSED", "abacus", 7, 1))
        report = verify(self.folder / "x.capsule", "--backend", "cpu_ref")
        self.assertIn("abacus 0 was not run here", report)

    def test_outputs_only_and_batches(self) -> None:
        for kept in (0, 1):
            data = self.capsule(kept=kept, batch=2, cases=[(b"a", b"\1\2\3\4\5\6", b"\1\2\3\4\5\6", b"\1\2\3\4\5\7")])
            self.assertRegex(verify(self.file("x", data), "--backend", "cpu_ref"), r"at \[1, 2\]: expected 6, got 7")

    def test_wrong_expectation(self) -> None:
        data = self.capsule(cases=[(b"a", b"\1\2\3", b"\1\2\5", b"\1\2\4")])
        self.failed(self.file("x", data), "--backend", "cpu_ref", says=["OTHER BYTES"])

    def test_only_lks_inside(self) -> None:
        raw, out = self.file("x.raw", bytes(64)), self.folder / "y.npy"
        program.lockstep("run", MODEL, raw, "--output", out)
        y = program.npy_payload(out)
        for model, sound in ((self.converted(), True), (MODEL.read_bytes(), False)):
            path = self.file("x", self.capsule(model=model, kept=0, cases=[(b"a", bytes(64), y, bytes(10))]))
            if sound:
                self.assertIn("PASSED", verify(path, "--backend", "cpu_ref"))
            else:
                self.refused(path, says=["is not a .lks file"])

    def converted(self) -> bytes:
        program.lockstep("convert", MODEL, self.folder / "m.lks")
        return (self.folder / "m.lks").read_bytes()

    def test_what_does_not_apply(self) -> None:
        path = self.file("x", self.capsule())
        for more in ([SEVEN], ["--expect", "y"], ["--junit", "y"], ["--save-outputs", "y"], ["--reduce", "y"]):
            self.refused(path, *more, says=["is a capsule"])
        self.refused(path, "--backend", "abacus", says=["abacus"])
        self.refused(MODEL, "--load-outputs", path, says=["is a capsule"])

    def test_hostile(self) -> None:
        good = self.capsule()
        for size in range(len(good)):
            self.refused(self.file("x", good[:size]), says=["x: "])
        for i in range(0, len(good), 1 if not program.QUICK else 11):
            self.refused(self.file("x", good[:i] + bytes([good[i] ^ 0x81]) + good[i + 1:]), says=["x: "])
        two = [(b"a", b"\1\2\3", b"\1\2\3", b"\1\2\4")] * 2
        same = [(b"a", b"\1\2\3", b"\1\2\3", b"\1\2\3")]
        short = [(b"a", b"\1\2", b"\1\2\3", b"\1\2\4")]
        for wrong in (dict(cases=two), dict(cases=same), dict(cases=short), dict(batch=2), dict(batch=0), dict(model=b""),
                      dict(kept=2), dict(model=MODEL.read_bytes()), dict(model=bytes(64)),
                      dict(model=requant_model((1, 4))), dict(kind=1),
                      dict(model=requant_model()[:-64]), dict(batch=2**32 - 1), dict(engine=b"\x1b[2J")):
            self.refused(self.file("x", self.capsule(**wrong)), says=["x: "])

    def test_flipped_and_signed_again(self) -> None:
        """A stranger can compute the digest too: whatever they change, the answer is a verdict or one line."""
        good = self.capsule()
        for i in range(0, len(good) - DIGEST, 1 if not program.QUICK else 11):
            path = self.file("x", signed(good[:i] + bytes([good[i] ^ 0x10]) + good[i + 1:]))
            done = call("verify", path, "--backend", "cpu_ref")
            self.assertIn((done.returncode, done.stderr.count("\n"), last_line(done)), ((0, 0, "PASSED"), (1, 1, "FAILED")), i)


@needs_faulty
class Reduce(Case):
    """Capsules of backends that are wrong on purpose."""

    def reduce(self, backend: str, *more: object, model: object = MODEL, option: str = "--reduce") -> tuple[dict, pathlib.Path]:
        path = self.folder / "out.capsule"
        done = call("verify", model, "--backend", backend, "--device", 0, "--json", option, path, *more, name=FAULTY)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        return json.loads(done.stdout), path

    def replay(self, path: pathlib.Path, backend: str) -> dict:
        done = call("verify", path, "--backend", backend, "--json", name=FAULTY)
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if report["result"] == "PASSED" else 1)
        return report

    def test_one_op_is_enough(self) -> None:
        wrong = {"faulty-flip": 1, "faulty-saturate": 0, "faulty-average": 8, "faulty-pad": 0, "faulty-skip": 9}
        for backend, op in wrong.items():
            with self.subTest(backend):
                report, path = self.reduce(backend, "--cases", 1)
                self.assertEqual((report["capsule"]["ops"], report["capsule"]["of_ops"], report["capsule"]["op"]), (1, 12, op))
                self.assertEqual(report["devices"][0]["first_divergence"]["op"], op)
                again = self.replay(path, backend)
                self.assertTrue(again["reference_gives_the_expected_bytes"])
                self.assertEqual((again["op"], again["devices"][0]["result"]), (op, "STILL DIFFERS, with the same bytes"))
                self.assertEqual(self.replay(path, "cpu_ref")["result"], "PASSED")

    def test_deterministic(self) -> None:
        first = self.reduce("faulty-average", "--cases", 1)[1].read_bytes()
        self.assertEqual(self.reduce("faulty-average", "--cases", 1)[1].read_bytes(), first)

    def test_the_smallest_batch(self) -> None:
        report, path = self.reduce("faulty-batch", "--cases", 2)
        self.assertEqual((report["devices"][0]["first_divergence"]["check"], report["capsule"]["of_batch"]), ("batch", 5))
        self.assertEqual((report["capsule"]["batch"], report["capsule"]["ops"]), (2, 1))
        self.assertEqual(self.replay(path, "faulty-batch")["devices"][0]["result"], "STILL DIFFERS, with the same bytes")

    def test_a_fault_that_comes_with_the_third_run(self) -> None:
        report, path = self.reduce("faulty-flaky")
        self.assertEqual(report["capsule"]["ops"], 1)
        self.assertEqual(self.replay(path, "faulty-flaky")["devices"][0]["result"], "STILL DIFFERS, with the same bytes")

    def test_every_faulty_backend_on_its_model(self) -> None:
        from faulty.models import MODELS as FAULTY_MODELS, model_of
        for backend in sorted(FAULTY_MODELS):
            if backend in ("faulty-variant", "faulty-refuse", "faulty-lost"):
                continue
            with self.subTest(backend):
                model = self.file("m.lks", lks_file.write(model_of(backend)))
                report, path = self.reduce(backend, model=model)
                self.assertLessEqual(report["capsule"]["ops"], report["capsule"]["of_ops"])
                if backend != "faulty-stale":
                    self.assertIn("STILL DIFFERS", self.replay(path, backend)["devices"][0]["result"])

    def test_several_ops_where_one_shows_nothing(self) -> None:
        """The pool spoils what lies behind its output, which must be an activation of the part."""
        from faulty.models import model_of
        model = self.file("m.lks", lks_file.write(model_of("faulty-overrun")))
        report, path = self.reduce("faulty-overrun", model=model)
        self.assertGreater(report["capsule"]["ops"], 1)
        self.assertGreater(report["capsule"]["tries"], 1)
        self.assertIn("STILL DIFFERS", self.replay(path, "faulty-overrun")["devices"][0]["result"])

    def test_a_fault_in_the_state_of_the_process(self) -> None:
        """Its part fails only where the whole has run before; a whole capsule brings that along."""
        from faulty.models import model_of
        model = self.file("m.lks", lks_file.write(model_of("faulty-stale")))
        path = self.reduce("faulty-stale", model=model)[1]
        self.assertEqual(self.replay(path, "faulty-stale")["result"], "PASSED")
        path = self.reduce("faulty-stale", model=model, option="--capsule")[1]
        self.assertIn("STILL DIFFERS", self.replay(path, "faulty-stale")["devices"][0]["result"])

    def test_a_capsule_that_takes_the_wrong_side(self) -> None:
        """The device gives what the capsule expects, and cpu_ref does not."""
        data = self.reduce("faulty-pad", "--cases", 1)[1].read_bytes()
        size = struct.unpack_from("<Q", data, 56)[0]
        end = len(data) - DIGEST
        swapped = data[:end - 2 * size] + data[end - size:end] + data[end - 2 * size:end - size] + bytes(DIGEST)
        again = self.replay(self.file("x", signed(swapped)), "faulty-pad")
        self.assertEqual((again["devices"][0]["result"], again["result"]), ("equal: differs no longer", "FAILED"))
        self.assertFalse(again["reference_gives_the_expected_bytes"])

    def test_whole_model(self) -> None:
        report, path = self.reduce("faulty-pad", "--cases", 1, option="--capsule")
        self.assertEqual((report["capsule"]["ops"], report["capsule"]["tries"]), (12, 1))
        again = self.replay(path, "faulty-pad")
        self.assertEqual((again["part_ops"], again["part_sha256"]), (12, again["model_sha256"]))

    def test_variant_is_kept(self) -> None:
        from faulty.models import model_of
        model = self.file("m.lks", lks_file.write(model_of("faulty-variant")))
        report, path = self.reduce("faulty-variant", "--variant", "wrong", model=model)
        self.assertIn("--variant wrong", report["devices"][0]["first_divergence"]["again"])
        again = self.replay(path, "faulty-variant")
        self.assertEqual((again["variant"], again["devices"][0]["result"]), ("wrong", "STILL DIFFERS, with the same bytes"))

    def test_nothing_is_written_where_nothing_differs(self) -> None:
        path = self.folder / "out.capsule"
        done = call("verify", MODEL, "--backend", "cpu_ref", "--cases", 0, "--reduce", path, name=FAULTY)
        self.assertEqual((done.returncode, path.exists()), (0, False))
        self.assertIn("No capsule was written", done.stdout)
        done = call("verify", MODEL, "--backend", "faulty-lost", "--cases", 0, "--capsule", path, name=FAULTY)
        self.assertEqual((done.returncode, path.exists()), (1, False))

    def test_the_line_that_shows_it_again(self) -> None:
        odd = self.file("it's a model.tflite", MODEL.read_bytes())
        for model in (MODEL, odd):
            done = call("verify", model, "--backend", "faulty-average", "--cases", 3, "--seed", 7, name=FAULTY)
            line = next(line for line in done.stdout.splitlines() if line.startswith("again: "))
            words = shlex.split(line.removeprefix("again: "))
            self.assertEqual((words[0], words[2]), (pathlib.Path(FAULTY).name, str(model)))
            again = call(*words[1:], name=FAULTY)
            differs = [text for text in done.stdout.splitlines() if " differs " in text]
            self.assertEqual(differs, [text for text in again.stdout.splitlines() if " differs " in text])

    def test_outputs_of_a_wrong_device_elsewhere(self) -> None:
        saved = self.folder / "a.outputs"
        done = call("verify", MODEL, "--backend", "faulty-average", "--cases", 1, "--save-outputs", saved, "--save-expect",
                    self.folder / "g.json", name=FAULTY)
        self.assertEqual((done.returncode, (self.folder / "g.json").exists()), (1, False))
        done = self.failed(MODEL, "--load-outputs", saved, "--backend", "cpu_ref")
        self.assertRegex(done.stdout, r"cpu_ref 0 differs from the saved outputs: case random_0, op 8 avg_pool ")

    def test_a_checked_run_says_so(self) -> None:
        done = call("run", MODEL, SEVEN, "--backend", "faulty-table", name=FAULTY)       # the model has no lut
        self.assertIn("(checked by cpu_ref)", done.stdout)
        done = call("run", MODEL, SEVEN, "--backend", "faulty-table", "--check", "none", name=FAULTY)
        self.assertIn("(not checked: --check none)", done.stdout)


if __name__ == "__main__":
    program.main()
