# SPDX-License-Identifier: Apache-2.0
"""The program as a user meets it: help, outputs, JSON, and for every wrong input one line on stderr that says what to do."""
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

import program
import test_import
import tflite_writer
from second_opinion.builder import Builder
from second_opinion.lks_file import I32, U8, write

DIGITS = program.ROOT / "examples/digits"
MODEL = DIGITS / "digits.tflite"
LABELS = DIGITS / "labels.txt"
THREE = DIGITS / "3.png"
MODELS = program.SHARED / "models"
CLASSIFY = os.environ.get("CLASSIFY")
COMMANDS = ("run", "info", "convert", "verify", "selftest", "explain", "devices")


def needs_shared(test):
    return unittest.skipUnless(MODELS.is_dir(), f"{MODELS} is absent")(test)


def call(*arguments: object, **options) -> subprocess.CompletedProcess:
    return subprocess.run([program.LOCKSTEP, *map(str, arguments)], capture_output=True, text=True, **options)


def npy(descr: str, shape: tuple, data: bytes, order: str = "False", version: int = 1) -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def png(width: int, height: int, channels: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    row = width * channels
    rows = b"".join(b"\0" + pixels[y * row:(y + 1) * row] for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def bmp(width: int, height: int, rgb: bytes) -> bytes:
    """24 bits, rows bottom-up, padded to 4 bytes."""
    rows = b""
    for y in reversed(range(height)):
        row = rgb[y * width * 3:(y + 1) * width * 3]
        swapped = b"".join(row[i:i + 3][::-1] for i in range(0, len(row), 3))
        rows += swapped + bytes(-len(swapped) % 4)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(rows), 0, 0, 54) + head + rows


def pattern(count: int) -> bytes:
    return program.splitmix64_bytes(7, count)


def nearest(pixels: bytes, size_in: tuple, size_out: tuple, channels: int) -> bytes:
    """The rule of `run --help`, from its words."""
    (w_in, h_in), (w_out, h_out) = size_in, size_out
    out = bytearray()
    for y in range(h_out):
        for x in range(w_out):
            at = ((2 * y + 1) * h_in // (2 * h_out) * w_in + (2 * x + 1) * w_in // (2 * w_out)) * channels
            out += pixels[at:at + channels]
    return bytes(out)


def bilinear(pixels: bytes, size_in: tuple, size_out: tuple, channels: int) -> bytes:
    """The rule of `run --help`, from its words."""
    def taps(i: int, n_in: int, n_out: int) -> list:
        p = min(max((2 * i + 1) * n_in * 2**15 // n_out - 2**15, 0), (n_in - 1) * 2**16)
        first, weight = p >> 16, p % 2**16
        return [(first, 2**16 - weight), (min(first + 1, n_in - 1), weight)]

    (w_in, h_in), (w_out, h_out) = size_in, size_out
    out = bytearray()
    for y in range(h_out):
        for x in range(w_out):
            for c in range(channels):
                total = sum(wy * wx * pixels[(sy * w_in + sx) * channels + c]
                            for sy, wy in taps(y, h_in, h_out) for sx, wx in taps(x, w_in, w_out))
                out.append((total + 2**31) >> 32)
    return bytes(out)


def flipped(data: bytes) -> bytes:
    return bytes(b ^ 0x80 for b in data)


class Case(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name: str, data: bytes) -> pathlib.Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def refused(self, *arguments: object, says: object = None, names: object = None, **options) -> str:
        """The program must fail with one line on stderr that holds each of `says`, and name the file `names`."""
        done = call(*arguments, **options)
        command = " ".join(map(str, arguments))
        self.assertEqual(done.returncode, 1, f"{command}: {done.stderr}")
        self.assertEqual(done.stderr.count("\n"), 1, f"{command}: {done.stderr!r}")
        self.assertTrue(done.stderr.startswith("lockstep"), done.stderr)
        self.assertTrue(done.stderr[:-1].isprintable(), done.stderr)
        expected = [says] if isinstance(says, str) else list(says or [])
        for text in expected + ([str(names)] if names else []):
            self.assertIn(text, done.stderr, command)
        verdict = {"", "\nFAILED\n"} if arguments[:1] == ("verify",) else {""}
        self.assertIn(done.stdout, verdict, command)
        return done.stderr


class Help(Case):
    def test_global(self) -> None:
        text = program.lockstep("--help")
        for name in COMMANDS:
            self.assertRegex(text, rf"(?m)^  {name} ")
        self.assertEqual(program.lockstep("-h"), text)

    def test_every_command(self) -> None:
        for name in COMMANDS:
            text = program.lockstep(name, "--help")
            self.assertTrue(text.startswith(f"usage: lockstep {name}"), name)
            self.assertEqual(program.lockstep(name, "-h"), text)
            self.assertLessEqual(max(map(len, text.splitlines())), 130, name)

    def test_help_names_every_option(self) -> None:
        common = ["--max-mem", "--max-work"]
        options = {
            "run": ["--labels", "--top", "--output", "--output-dir", "--dump", "--resize", "--show", "--backend", "--device",
                    "--json", *common],
            "info": ["--batch", "--profile", "--json", *common], "convert": common, "devices": ["--json"],
            "verify": ["--seed", "--cases", "--backend", "--device", "--json", *common],
        }
        for name, words in options.items():
            for word in words:
                self.assertIn(word, program.lockstep(name, "--help"), name)

    def test_version(self) -> None:
        self.assertRegex(program.lockstep("--version"), r"^lockstep \d+\.\d+\.\d+ \(specification \d+, format \d+\)\n$")


class Usage(Case):
    def test_commands(self) -> None:
        self.refused(says="lockstep --help")
        self.refused("", says="--help")
        self.refused("rum", says=["rum", "--help"])
        self.refused("run\n\x1b[2J", says="--help")

    def test_operands(self) -> None:
        self.refused("run", says="MODEL")
        self.refused("run", MODEL, says="INPUT")
        self.refused("info", says="MODEL")
        self.refused("info", MODEL, MODEL, says="MODEL")
        self.refused("convert", MODEL, says="OUT.lks")
        self.refused("convert", MODEL, self.folder / "x.bin", says=".lks")
        self.refused("verify", says="MODEL")
        self.refused("devices", "x", says="x")

    def test_options(self) -> None:
        self.refused("run", MODEL, THREE, "--colour", says=["--colour", "--help"])
        self.refused("run", MODEL, THREE, "-x", says=["-x", "--help"])
        self.refused("run", MODEL, THREE, "--top", says=["--top", "value"])
        self.refused("run", MODEL, THREE, "--json=1", says=["--json", "value"])
        self.refused("run", MODEL, THREE, "--de", "--lab", says="--")
        self.refused("run", MODEL, THREE, "--resize", "cubic", says=["cubic", "nearest", "bilinear"])
        self.refused("run", MODEL, THREE, "--output=", says="--output")
        self.refused("run", MODEL, THREE, "--output", "a.npy", "--output-dir", "b", says="--output-dir")
        self.refused("run", MODEL, THREE, "--show", "--json", says="--show")
        self.refused("info", MODEL, "--top", "3", says="--top")
        self.refused("convert", MODEL, "x.lks", "--json", says="--json")

    def test_numbers(self) -> None:
        for bad in ("0", "-1", "+1", "1001", "3x", "x", "", " 3", "0x3", "1e2", "3.0", "99999999999999999999", "4294967297"):
            self.refused("run", MODEL, THREE, f"--top={bad}", says=["--top", "1 to 1000"])
        for bad in ("-1", "65536", "4294967296", "one"):
            self.refused("run", MODEL, THREE, f"--device={bad}", says="--device")
        for bad in ("0", "-1", "4X", "K", "1KK", "1k", "18446744073709551616", "16777216T", "1.5G"):
            self.refused("info", MODEL, f"--max-mem={bad}", says="--max-mem")
            self.refused("info", MODEL, f"--max-work={bad}", says="--max-work")
        self.refused("info", MODEL, "--max-work=1K", says="--max-work")
        for bad in ("0", "x", "2147483648"):
            self.refused("info", MODEL, f"--batch={bad}", says="--batch")
        for option, bad in (("cases", "100001"), ("cases", "-1"), ("seed", "18446744073709551616"), ("seed", "x")):
            self.refused("verify", MODEL, f"--{option}={bad}", says=f"--{option}")

    def test_backends(self) -> None:
        self.refused("run", MODEL, THREE, "--backend", "abacus", says=["abacus", "cpu_ref"])
        self.refused("verify", MODEL, "--backend", "abacus", says=["abacus", "cpu_ref"])
        self.refused("run", MODEL, THREE, "--backend", "cpu_ref", "--device", "9", says="lockstep devices")
        self.refused("verify", MODEL, "--backend", "cpu_ref", "--device", "9", says="lockstep devices")


class Models(Case):
    def every_command(self, path: object, says: object = None) -> None:
        self.refused("info", path, says=says, names=path)
        self.refused("run", path, THREE, says=says, names=path)
        self.refused("convert", path, self.folder / "out.lks", says=says, names=path)
        self.refused("verify", path, says=says, names=path)
        self.assertFalse((self.folder / "out.lks").exists())

    def test_no_file(self) -> None:
        self.every_command(self.folder / "missing.lks")
        self.every_command(self.folder)
        self.every_command(self.file("empty.lks", b""))

    def test_garbage(self) -> None:
        self.every_command(self.file("garbage.lks", pattern(1000)))
        self.every_command(self.file("zeros.lks", bytes(4096)))
        self.every_command(self.file("garbage.tflite", pattern(4) + b"TFL3" + pattern(100)))

    def test_damaged(self) -> None:
        good = self.folder / "good.lks"
        program.lockstep("convert", MODEL, good)
        data = good.read_bytes()
        for size in (1, 63, 64, 65, 1000, len(data) - 64, len(data) - 1):
            self.refused("info", self.file("cut.lks", data[:size]), names="cut.lks")
        self.refused("info", self.file("long.lks", data + bytes(64)), names="long.lks")
        for size in (8, 100, 5000, 10000):
            self.refused("info", self.file("cut.tflite", MODEL.read_bytes()[:size]), names="cut.tflite")

    def test_limits(self) -> None:
        for command in (("info", MODEL), ("run", MODEL, THREE), ("convert", MODEL, self.folder / "x.lks"), ("verify", MODEL)):
            self.refused(*command, "--max-mem", "4K", names=MODEL)
            self.refused(*command, "--max-work", "100000", names=MODEL)
        cost = json.loads(program.lockstep("info", MODEL, "--json"))
        memory, work = cost["parameter_bytes"] + cost["peak_bytes"], cost["macs"] + cost["element_ops"]
        program.lockstep("info", MODEL, "--max-mem", memory, "--max-work", work)
        self.refused("info", MODEL, "--max-mem", memory - 1)
        self.refused("info", MODEL, "--max-work", work - 1)
        program.lockstep("run", MODEL, THREE, "--max-mem", memory, "--max-work", work)
        two = ("run", MODEL, THREE, THREE)
        self.refused(*two, "--max-mem", memory, says=["--max-mem", "batch of 2"], names=MODEL)
        self.refused(*two, "--max-work", work, says=["--max-work", "batch of 2"], names=MODEL)
        program.lockstep(*two, "--max-work", 2 * work)


    def test_a_plan_of_too_many_steps(self) -> None:
        """Each op becomes 1024 copies and one conv: 256 of them are beyond 2^18 steps."""
        for ops, allowed in ((255, True), (256, False)):
            b = Builder()
            x, w = b.input((1, 1, 1, 1)), b.constant((1, 1, 1, 1), [1])
            bias, rq = b.constant((1,), [0], I32), b.constant((1, 2), [2**30, 30], I32)
            for _ in range(ops):
                y = b.op("transposed_conv", [x, w, bias, rq], (1, 32, 32, 1), stride_h=32, stride_w=32, pad_top=0, pad_bottom=-31,
                         pad_left=0, pad_right=-31, groups=1, x_zero=0, w_zero=0, y_zero=0, y_min=-128, y_max=127, rounding=0)
            model, data = self.file("many.lks", write(b.model(y))), self.file("x.raw", b"\5")
            if allowed:
                program.lockstep("run", model, data, "--backend", "cpu_ref")
            else:
                self.refused("run", model, data, "--backend", "cpu_ref", says="more than 262144 steps")


class Profiles(Case):
    """Values worked out by hand from the shapes of a model that the test writes."""

    def model(self, **changes: object) -> pathlib.Path:
        path = self.folder / "model.tflite"
        path.write_bytes(tflite_writer.write(test_import.with_tensor(test_import.conv(), 2, **changes)))
        return path

    def limits(self, *arguments: object) -> dict[str, tuple[int, int, bool]]:
        done = subprocess.run([program.LOCKSTEP, "info", *map(str, arguments), "--json"], capture_output=True, text=True)
        profile = json.loads(done.stdout)["profile"]
        self.assertEqual(done.returncode == 0, profile["result"] == "PASSED")
        self.assertEqual(done.returncode == 0, all(row["holds"] for row in profile["limits"]))
        return {row["what"]: (row["value"], row["at_most"], row["holds"]) for row in profile["limits"]}

    def test_cip1(self) -> None:
        rows = self.limits(self.model(), "--profile", "cip1")
        self.assertEqual(rows["ops that CIP 1 does not have"], (0, 0, True))
        self.assertEqual(rows["conv: kernel size times input channels"], (3 * 2 * 2, 65535, True))
        self.assertEqual(rows["channels of a layer's output"], (3, 4096, True))
        self.assertEqual(rows["layers (conv and fully_connected)"], (1, 200, True))
        self.assertEqual(rows["bits of an accumulator"], (32, 32, True))        # a bias of 2^30, and something more
        self.assertEqual([rows[f"{what} of an input image"][0] for what in ("channels", "height", "width")], [2, 5, 4])
        self.assertEqual(rows["elements of an input"], (40, 150528, True))
        self.assertRegex(program.lockstep("info", self.model(), "--profile", "cip1"), r"(?m)^PASSED: the model is within cip1$")

    def test_beyond(self) -> None:
        rows = self.limits(MODEL, "--profile", "cip1")                          # it ends with a softmax
        self.assertEqual(rows["ops that CIP 1 does not have"], (1, 0, False))
        self.refused("info", self.model(), "--profile", "cip2", says=["--profile", "cip1"])

    def test_extended(self) -> None:
        model = self.model(values=[1, -2, 2**31 - 1 - 131 * 12 * 18])
        rows = self.limits(model, "--profile", "extended")
        bound = max(op["bound"] for op in json.loads(program.lockstep("info", model, "--json"))["ops"])
        self.assertEqual(rows["largest accumulator"], (bound, 2**31 - 1, True))


class Run(Case):
    def test_answer(self) -> None:
        text = program.lockstep("run", MODEL, THREE, "--labels", LABELS)
        self.assertRegex(text, r"(?m)^    1 +3 +127 +0\.996094  three$")
        found = program.digests(text)
        self.assertEqual(found["output 0"], program.sha256(bytes([128, 128, 128, 127, 128, 128, 128, 128, 128, 128])))
        for line in (r"model  sha256 [0-9a-f]{64}  ", r"input 0  sha256 [0-9a-f]{64}  i8 \[1, 8, 8, 1\]  ",
                     r"output 0  sha256 [0-9a-f]{64}  i8 \[1, 10\]  ", r"backend  \w+ \d+  "):
            self.assertRegex(text, f"(?m)^{line}")
        self.assertNotIn("trace", found)

    def test_equal_values_by_lower_index(self) -> None:
        text = program.lockstep("run", MODEL, THREE, "--top", 10)
        self.assertEqual([line.split()[1] for line in text.splitlines()[-10:]], list("3012456789"))

    def test_top(self) -> None:
        for asked, printed in ((1, 1), (7, 7), (10, 10), (1000, 10)):
            lines = program.lockstep("run", MODEL, THREE, "--top", asked).splitlines()
            self.assertEqual(len(lines) - 6, printed)

    def test_batch(self) -> None:
        pictures = [DIGITS / f"{i}.png" for i in range(10)]
        text = program.lockstep("run", MODEL, *pictures, "--labels", LABELS)
        rows = [line.split() for line in text.splitlines()[-10:]]
        self.assertEqual([row[:2] for row in rows], [[str(i), str(i)] for i in range(10)])
        self.assertEqual([row[-1] for row in rows], [str(p) for p in pictures])
        alone = [program.lockstep("run", MODEL, p, "--output", self.folder / f"{p.stem}.npy") for p in pictures]
        self.assertEqual(len(alone), 10)
        joined = b"".join(program.npy_payload(self.folder / f"{i}.npy") for i in range(10))
        self.assertEqual(program.digests(text)["output 0"], program.sha256(joined))

    def test_json(self) -> None:
        done = json.loads(program.lockstep("run", MODEL, THREE, DIGITS / "9.png", "--labels", LABELS, "--json", "--top", 2))
        text = program.digests(program.lockstep("run", MODEL, THREE, DIGITS / "9.png"))
        self.assertEqual(done["model_sha256"], text["model"])
        self.assertEqual(done["inputs"][0]["sha256"], text["input 0"])
        self.assertEqual(done["outputs"][0]["sha256"], text["output 0"])
        self.assertEqual((done["batch"], done["inputs"][0]["shape"], done["outputs"][0]["type"]), (2, [2, 8, 8, 1], "i8"))
        top = done["outputs"][0]["top"]
        self.assertEqual([[best["label"] for best in image] for image in top], [["three", "zero"], ["nine", top[1][1]["label"]]])
        self.assertEqual(top[0][0], {"index": 3, "value": 127, "real": 0.99609375, "label": "three"})

    def test_json_survives_odd_names(self) -> None:
        labels = self.file("odd.txt", b'"quoted"\\\n\xff\xfe\n\xc3\xa9\n\x1b[31m\n' + b"x\n" * 6)
        picture = self.file("caf\u00e9 \"3\".png", THREE.read_bytes())
        done = json.loads(program.lockstep("run", MODEL, picture, "--labels", labels, "--json", "--top", 10))
        names = {best["index"]: best["label"] for best in done["outputs"][0]["top"][0]}
        self.assertEqual([names[i] for i in range(4)], ['"quoted"\\', "\ufffd\ufffd", "\u00e9", "?[31m"])
        self.assertEqual(done["files"], [str(picture)])

    def test_show(self) -> None:
        lines = program.lockstep("run", MODEL, THREE, "--show").splitlines()
        self.assertEqual([len(line) for line in lines[:8]], [16] * 8)
        self.assertIn("@@", "".join(lines[:8]))
        self.assertTrue(lines[8].startswith("model  "))

    def test_output(self) -> None:
        target, folder = self.folder / "y.npy", self.folder / "outputs"
        text = program.lockstep("run", MODEL, THREE, "--output", target)
        again = program.lockstep("run", MODEL, THREE, "--output-dir", folder)
        self.assertEqual(text, again)
        self.assertEqual(program.sha256(program.npy_payload(target)), program.digests(text)["output 0"])
        self.assertEqual((folder / "output_0.npy").read_bytes(), target.read_bytes())
        header = target.read_bytes()[:128]
        self.assertIn(b"{'descr': '|i1', 'fortran_order': False, 'shape': (1, 10), }", header)

    def test_dump(self) -> None:
        folder = self.folder / "ops"
        text = program.lockstep("run", MODEL, THREE, "--dump", folder)
        info = json.loads(program.lockstep("info", MODEL, "--json"))
        names = sorted(path.name for path in folder.iterdir())
        self.assertEqual([name[:4] for name in names], [f"{i:03}_" for i in range(len(info["ops"]))])
        ops = program.dumped(folder)
        self.assertEqual(program.digests(text)["trace"], program.sha256(b"".join(ops)))
        self.assertEqual(program.digests(text)["output 0"], program.sha256(ops[-1]))
        self.assertEqual(text, program.lockstep("run", MODEL, THREE, "--dump", folder))

    def test_classify_example(self) -> None:
        if not CLASSIFY:
            self.skipTest("CLASSIFY names no program")
        raw = self.file("x.bin", flipped((DIGITS / "test_set.bin").read_bytes()[:64]))
        done = subprocess.run([CLASSIFY, str(MODEL), str(raw)], capture_output=True, text=True)
        digest = program.digests(program.lockstep("run", MODEL, raw))["output 0"]
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"class 2  sha256 {digest}\n", ""))
        for wrong in ((), (MODEL,), (MODEL, MODEL), (MODEL, self.folder / "none"), (raw, raw)):
            self.assertEqual(subprocess.run([CLASSIFY, *map(str, wrong)], capture_output=True).returncode, 1, wrong)


class Inputs(Case):
    def digest(self, path: pathlib.Path, *options: object) -> str:
        return program.digests(program.lockstep("run", MODEL, path, *options))["input 0"]

    def test_npy(self) -> None:
        data = pattern(3 * 64)
        for version in (1, 2, 3):
            path = self.file("x.npy", npy("|i1", (3, 8, 8, 1), data, version=version))
            self.assertEqual(self.digest(path), program.sha256(data))

    def test_raw(self) -> None:
        for name, count in (("x", 1), ("x.bin", 2), ("x.data", 5)):
            data = pattern(64 * count)
            self.assertEqual(self.digest(self.file(name, data)), program.sha256(data))

    def test_bin_is_always_raw(self) -> None:
        for start in (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"\x93NUMPY\x01\x00", bmp(8, 8, bytes(192))[:54]):
            data = start + pattern(64 - len(start))
            self.assertEqual(self.digest(self.file("x.bin", data)), program.sha256(data))
        self.assertEqual(self.digest(self.file("x", b"BM" + pattern(62))), program.sha256(b"BM" + pattern(62)))

    def test_grey_png(self) -> None:
        pixels = pattern(64)
        for name in ("x.png", "x", "x.PNG", "x.jpg"):
            self.assertEqual(self.digest(self.file(name, png(8, 8, 1, pixels))), program.sha256(flipped(pixels)))

    def test_transparency_is_ignored(self) -> None:
        pixels = pattern(64)
        both = b"".join(bytes([p, i]) for i, p in enumerate(pixels))
        self.assertEqual(self.digest(self.file("x.png", png(8, 8, 2, both))), program.sha256(flipped(pixels)))

    def test_colour_becomes_grey(self) -> None:
        rgb = pattern(192)
        grey = bytes((77 * r + 150 * g + 29 * b) >> 8 for r, g, b in zip(rgb[0::3], rgb[1::3], rgb[2::3]))
        self.assertEqual(self.digest(self.file("x.png", png(8, 8, 3, rgb))), program.sha256(flipped(grey)))
        self.assertEqual(self.digest(self.file("x.bmp", bmp(8, 8, rgb))), program.sha256(flipped(grey)))

    def test_resize(self) -> None:
        for size in ((1, 1), (3, 5), (7, 8), (16, 16), (31, 9), (64, 3), (100, 101)):
            pixels = pattern(size[0] * size[1])
            path = self.file("x.png", png(*size, 1, pixels))
            for options, rule in (((), nearest), (("--resize", "nearest"), nearest), (("--resize", "bilinear"), bilinear)):
                expected = flipped(rule(pixels, size, (8, 8), 1))
                self.assertEqual(self.digest(path, *options), program.sha256(expected), f"{size} {options}")

    @needs_shared
    def test_resize_colour_u8_and_not_square(self) -> None:
        model = MODELS / "resnet8_cifar10_int8.tflite"
        rgb = pattern(3 * 37 * 50)
        for data in (png(37, 50, 3, rgb), bmp(37, 50, rgb)):
            path = self.file("x", data)
            for name, rule in (("nearest", nearest), ("bilinear", bilinear)):
                found = program.digests(program.lockstep("run", model, path, "--resize", name))["input 0"]
                self.assertEqual(found, program.sha256(flipped(rule(rgb, (37, 50), (32, 32), 3))))
        model = MODELS / "mobilenet_v2_224_int8_u8io.tflite"
        found = program.digests(program.lockstep("run", model, path))["input 0"]
        self.assertEqual(found, program.sha256(nearest(rgb, (37, 50), (224, 224), 3)))

    def test_no_file(self) -> None:
        self.refused("run", MODEL, self.folder / "missing.png", names="missing.png", says="No such file")
        self.refused("run", MODEL, self.folder, names=self.folder, says="directory")
        self.refused("run", MODEL, self.file("empty.png", b""), names="empty.png", says="empty")
        self.refused("verify", MODEL, self.folder / "missing.png", names="missing.png", says="No such file")

    def test_wrong_npy(self) -> None:
        good = npy("|i1", (1, 8, 8, 1), bytes(64))
        cases = {
            "dtype": (npy("|u1", (1, 8, 8, 1), bytes(64)), "|u1"),
            "float": (npy("<f4", (1, 8, 8, 1), bytes(256)), "<f4"),
            "big_endian": (npy(">i4", (1, 8, 8, 1), bytes(256)), "big-endian"),
            "wide": (npy("<i4", (1, 8, 8, 1), bytes(256)), "<i4"),
            "rank": (npy("|i1", (8, 8, 1), bytes(64)), "[1, 8, 8, 1]"),
            "shape": (npy("|i1", (1, 8, 1, 8), bytes(64)), "[1, 8, 8, 1]"),
            "no_image": (npy("|i1", (0, 8, 8, 1), b""), "[1, 8, 8, 1]"),
            "order": (npy("|i1", (1, 8, 8, 1), bytes(64), order="True"), "fortran_order"),
            "cut": (good[:-1], "cut short"),
            "long": (good + b"\0", "too long"),
            "cut_header": (good[:40], "cut short"),
            "cut_magic": (good[:8], ".npy"),
            "huge_header": (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + good[10:], "header"),
            "lying_shape": (npy("|i1", (2**40, 8, 8, 1), bytes(64)), "cut short"),
            "no_magic": (bytes(64), "not a .npy"),
        }
        for name, (data, says) in cases.items():
            path = self.file(f"{name}.npy", data)
            self.refused("run", MODEL, path, says=says, names=path)

    def test_wrong_raw(self) -> None:
        for size in (1, 63, 65, 127):
            path = self.file("x.bin", bytes(size))
            self.refused("run", MODEL, path, says=[f"{size} raw bytes", "64"], names=path)

    def test_wrong_picture(self) -> None:
        good = png(8, 8, 1, pattern(64))
        rgb = bmp(8, 8, pattern(192))
        cases = {
            "text.png": b"this is no picture, and has some 40 bytes", "cut_a_bit.png": good[:-1], "cut.png": good[:60],
            "header_only.png": good[:33], "magic_only.png": good[:8], "cut.bmp": rgb[:-1], "header_only.bmp": rgb[:54],
            "garbled.png": good[:43] + bytes(20) + good[63:], "jpeg_start.jpg": b"\xff\xd8\xff\xe0" + bytes(100),
            "wide.png": png(16385, 1, 1, bytes(16385)),
            "huge.png": good[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + good[24:],
            "no_pixels.png": good[:16] + struct.pack(">II", 0, 0) + good[24:],
        }
        for name, data in cases.items():
            path = self.file(name, data)
            self.refused("run", MODEL, path, says="picture", names=path)

    @needs_shared
    def test_picture_for_a_model_without_pictures(self) -> None:
        self.refused("run", MODELS / "hello_world_int8.tflite", THREE, says=["picture", "[n, h, w, 1 or 3]"], names=THREE)

    @needs_shared
    def test_cut_jpeg(self) -> None:
        data = (program.SHARED / "images/parrot.jpg").read_bytes()
        self.assertRegex(self.digest(self.file("whole.jpg", data)), "^[0-9a-f]{64}$")
        for size in (4, 1000, len(data) // 2, len(data) - 100, len(data) - 1):
            path = self.file("cut.jpg", data[:size])
            self.refused("run", MODEL, path, says="picture", names=path)

    def test_labels(self) -> None:
        lines = LABELS.read_bytes()
        nine = self.file("nine.txt", b"\n".join(lines.split(b"\n")[:9]))
        eleven = self.file("eleven.txt", lines + b"ten\n")
        self.refused("run", MODEL, THREE, "--labels", nine, says=["9 labels", "10 classes"], names=nine)
        self.refused("run", MODEL, THREE, "--labels", eleven, says=["11 labels", "10 classes"], names=eleven)
        self.refused("run", MODEL, THREE, "--labels", self.folder / "none", says="No such file", names="none")
        self.refused("run", MODEL, THREE, "--labels", self.file("empty.txt", b""), says="empty", names="empty.txt")
        self.refused("run", MODEL, THREE, "--labels", self.file("zero.txt", b"a\0b"), says="zero byte", names="zero.txt")
        dos = self.file("dos.txt", lines.replace(b"\n", b"\r\n") + b"\r\n\r\n")
        texts = [program.lockstep("run", MODEL, THREE, "--labels", path) for path in (dos, LABELS)]
        self.assertEqual(texts[0], texts[1])


class ManyTensors(Case):
    """Models with two inputs and outputs, and with a fixed batch."""

    def pair(self) -> pathlib.Path:
        """Inputs i8 and u8 [1, 4, 4, 1]; outputs: their sum, and the first one as [1, 16]."""
        b = Builder()
        x, z = b.input((1, 4, 4, 1)), b.input((1, 4, 4, 1), U8)
        add = b.op("add", (x, z), (1, 4, 4, 1), a_zero=0, b_zero=0, y_zero=0, left_shift=0, a_m=1, a_s=0, b_m=1, b_s=0, m=2**30,
                   s=30, y_min=-128, y_max=127, rounding=0)
        flat = b.op("reshape", [x], (1, 16))
        return self.file("pair.lks", write(b.model(add, flat)))

    def fixed(self, images: int) -> pathlib.Path:
        """[images, 4, 4, 1] becomes [16, images]."""
        b = Builder()
        b.op("reshape", [b.input((images, 4, 4, 1))], (16, images))
        return self.file(f"fixed{images}.lks", write(b.model()))

    def test_inputs_in_order(self) -> None:
        model, x, z = self.pair(), pattern(32), pattern(64)[32:]
        expected = bytes(max(-128, min(127, (a ^ 0x80) - 128 + c - 128)) & 255 for a, c in zip(x, z))
        folder = self.folder / "out"
        text = program.lockstep("run", model, self.file("x.bin", x), self.file("z.npy", npy("|u1", (2, 4, 4, 1), z)),
                                "--output-dir", folder)
        self.assertEqual(program.npy_payload(folder / "output_0.npy"), expected)
        self.assertEqual(program.npy_payload(folder / "output_1.npy"), x)
        self.assertEqual(program.digests(text)["input 1"], program.sha256(z))
        self.assertEqual(program.digests(text)["output 1"], program.sha256(x))

    def test_pictures_of_both_types(self) -> None:
        model, pixels = self.pair(), pattern(16)
        picture = self.file("x.png", png(4, 4, 1, pixels))
        found = program.digests(program.lockstep("run", model, picture, picture))
        self.assertEqual((found["input 0"], found["input 1"]), (program.sha256(flipped(pixels)), program.sha256(pixels)))

    def test_wrong_counts(self) -> None:
        model = self.pair()
        one, two = self.file("one.bin", pattern(16)), self.file("two.bin", pattern(32))
        self.refused("run", model, one, says=["1 INPUT", "2 inputs"])
        self.refused("run", model, one, one, one, says=["3 INPUT", "2 inputs"])
        self.refused("verify", model, one, says=["1 INPUT", "2 inputs"])
        self.refused("run", model, one, two, says="2 images", names=two)
        self.refused("run", model, one, one, "--output", self.folder / "y.npy", says=["2 outputs", "--output-dir"])
        self.refused("run", self.fixed(1), one, one, says=["2 INPUT", "fixed batch"])

    def test_fixed_batch(self) -> None:
        model, data = self.fixed(2), pattern(32)
        self.assertFalse(json.loads(program.lockstep("info", model, "--json"))["batch_free"])
        text = program.lockstep("run", model, self.file("x.bin", data))
        self.assertEqual(program.digests(text)["output 0"], program.sha256(data))
        self.assertEqual(text, program.lockstep("run", model, self.file("x.bin", data)))
        for size in (16, 64):
            self.refused("run", model, self.file("y.bin", pattern(size)), says=f"{size} raw bytes", names="y.bin")
        self.refused("run", model, self.file("x.npy", npy("|i1", (1, 4, 4, 1), bytes(16))), says="[2, 4, 4, 1]", names="x.npy")
        self.refused("run", model, self.file("x.png", png(4, 4, 1, bytes(16))), says="fixed batch of 2", names="x.png")
        self.refused("info", model, "--batch", 3, says="--batch", names=model)
        program.lockstep("run", self.fixed(1), self.file("x.png", png(4, 4, 1, bytes(16))))

    def test_no_list_of_classes(self) -> None:
        b = Builder()
        b.op("reshape", [b.input((1, 4, 4, 1))], (1, 2, 8))
        model, data = self.file("plane.lks", write(b.model())), self.file("x.bin", pattern(16))
        self.assertEqual(len(program.lockstep("run", model, data).splitlines()), 4)
        self.refused("run", model, data, "--top", 3, says="--top", names=model)
        self.refused("run", model, data, "--labels", LABELS, says="--labels", names=model)

    def test_verify(self) -> None:
        text = program.lockstep("verify", self.pair(), "--cases", 2, "--backend", "cpu_ref")
        self.assertRegex(text, r"(?m)^cpu_ref +0 +- +10 +20 +10 +\d+  equal$")
        text = program.lockstep("verify", self.fixed(2), self.file("x.bin", pattern(32)), "--cases", 2, "--backend", "cpu_ref")
        self.assertRegex(text, r"(?m)^cpu_ref +0 +- +6 +12 +- +\d+  equal$")


class Outputs(Case):
    def listing(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*"))

    def test_missing_directory(self) -> None:
        away = self.folder / "missing"
        for command in (("run", MODEL, THREE, "--output", away / "y.npy"), ("run", MODEL, THREE, "--output-dir", away / "deep"),
                        ("run", MODEL, THREE, "--dump", away / "deep"), ("convert", MODEL, away / "y.lks")):
            self.refused(*command, names=command[-1], says="No such file")
        self.assertEqual(self.listing(), [])

    def test_wrong_targets(self) -> None:
        plain = self.file("plain", b"text")
        self.refused("run", MODEL, THREE, "--output", self.folder, says="regular file", names=self.folder)
        self.refused("run", MODEL, THREE, "--output", "/dev/null", says="regular file")
        self.refused("run", MODEL, THREE, "--output", plain / "y.npy", names=plain)
        self.refused("run", MODEL, THREE, "--output-dir", plain, says="directory", names=plain)
        self.refused("run", MODEL, THREE, "--dump", plain, says="directory", names=plain)
        self.assertEqual((plain.read_bytes(), self.listing()), (b"text", ["plain"]))

    def test_an_output_never_replaces_what_it_is_made_from(self) -> None:
        model, picture = self.file("net.tflite", pathlib.Path(MODEL).read_bytes()), self.file("3.png", pathlib.Path(THREE).read_bytes())
        link = self.folder / "link.npy"
        link.symlink_to(model)
        for target in (model, picture, link):
            self.refused("run", model, picture, "--output", target, says="is the model or an input", names=target)
        self.assertEqual((model.read_bytes(), picture.read_bytes()), (pathlib.Path(MODEL).read_bytes(), pathlib.Path(THREE).read_bytes()))

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_read_only(self) -> None:
        kept = self.file("kept.npy", b"text")
        kept.chmod(0o444)
        self.refused("run", MODEL, THREE, "--output", kept, names=kept)
        self.folder.chmod(0o555)
        self.addCleanup(self.folder.chmod, 0o755)
        self.refused("run", MODEL, THREE, "--output", self.folder / "y.npy", names="y.npy")
        self.assertEqual((kept.read_bytes(), self.listing()), (b"text", ["kept.npy"]))

    def test_replaced_whole(self) -> None:
        target = self.file("y.npy", b"old" * 10000)
        target.chmod(0o640)
        node = target.stat().st_ino
        program.lockstep("run", MODEL, THREE, "--output", target)
        self.assertEqual(len(program.npy_payload(target)), 10)
        self.assertNotEqual(target.stat().st_ino, node)             # renamed over, not written into
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)
        self.assertEqual(self.listing(), ["y.npy"])

    def test_symbolic_link_is_followed(self) -> None:
        target, link = self.file("y.npy", b"old"), self.folder / "link.npy"
        link.symlink_to(target)
        program.lockstep("run", MODEL, THREE, "--output", link)
        self.assertTrue(link.is_symlink())
        self.assertEqual(len(program.npy_payload(target)), 10)

    def test_mode_of_a_new_file(self) -> None:
        target = self.folder / "y.lks"
        self.assertEqual(call("convert", MODEL, target, umask=0o027).returncode, 0)
        self.assertEqual(target.stat().st_mode & 0o777, 0o640)

    def test_untouched_on_failure(self) -> None:
        target = self.file("y.npy", b"old")
        lks = self.file("y.lks", b"old")
        self.refused("run", MODEL, self.folder / "missing", "--output", target)
        self.refused("run", MODEL, THREE, "--output", target, "--labels", self.folder / "missing")
        self.refused("convert", self.file("bad.tflite", b"bad"), lks)
        self.refused("convert", MODEL, lks, "--max-mem", "1")
        self.assertEqual((target.read_bytes(), lks.read_bytes()), (b"old", b"old"))
        self.assertEqual(self.listing(), ["bad.tflite", "y.lks", "y.npy"])

    def test_disk_full(self) -> None:
        target = self.file("y.lks", b"old")
        done = subprocess.run(["/bin/sh", "-c", 'ulimit -f 8; trap "" XFSZ; exec "$@"', "sh", program.LOCKSTEP, "convert",
                               str(MODEL), str(target)], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (1, "", 1), done.stderr)
        self.assertIn(str(target), done.stderr)
        self.assertEqual((target.read_bytes(), self.listing()), (b"old", ["y.lks"]))

    @unittest.skipUnless(os.path.exists("/dev/full"), "/dev/full is absent")
    def test_full_standard_output(self) -> None:
        commands = [["--help"], ["--version"], ["devices"], ["devices", "--json"], ["info", MODEL], ["run", MODEL, THREE],
                    ["verify", MODEL, "--cases", "0"], ["run", "--help"], ["convert", MODEL, self.folder / "x.lks"]]
        for command in commands:
            with open("/dev/full", "w") as full:
                done = subprocess.run([program.LOCKSTEP, *map(str, command)], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), command)
            self.assertIn("standard output", done.stderr)

    def test_closed_standard_output(self) -> None:
        done = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", program.LOCKSTEP, "info", str(MODEL)], capture_output=True)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([program.LOCKSTEP, "info", str(MODEL)], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))


class Info(Case):
    def test_text(self) -> None:
        text = program.lockstep("info", MODEL)
        for line in (r"model  sha256 [0-9a-f]{64}  ", r"input 0  i8 \[1, 8, 8, 1\]  scale ", r"output 0  i8 \[1, 10\]  scale ",
                     r"   0  conv  +\[1, 8, 8, 16\] +9216 +1024  tflite +\d+\.\d  ", r"   9  reshape .* - +- ", r"MACs +130816$"):
            self.assertRegex(text, f"(?m)^{line}")

    def test_json(self) -> None:
        info = json.loads(program.lockstep("info", MODEL, "--json"))
        self.assertEqual((info["batch"], info["batch_free"], info["spec"], len(info["ops"])), (1, True, 1, 12))
        self.assertEqual(sum(op["macs"] for op in info["ops"]), info["macs"])
        self.assertEqual(sum(op["element_ops"] for op in info["ops"]), info["element_ops"])
        self.assertEqual(info["inputs"][0]["zero_point"], -128)
        self.assertEqual(info["ops"][9]["rounding"], None)
        self.assertNotIn("bound", info["ops"][9])
        self.assertTrue(all(0 < op["bound"] < 2**31 for op in info["ops"] if "bound" in op))

    def test_batch(self) -> None:
        one = json.loads(program.lockstep("info", MODEL, "--json"))
        many = json.loads(program.lockstep("info", MODEL, "--json", "--batch", 7))
        self.assertEqual(many["macs"], 7 * one["macs"])
        for key in ("macs", "element_ops"):
            self.assertEqual(sum(op[key] for op in many["ops"]), many[key])
        self.assertEqual((many["parameter_bytes"], many["peak_bytes"]), (one["parameter_bytes"], 7 * one["peak_bytes"]))
        self.assertEqual(many["outputs"][0]["shape"], [7, 10])
        self.assertEqual(many["model_sha256"], one["model_sha256"])


class Convert(Case):
    def test_round_trip(self) -> None:
        first, second = self.folder / "a.lks", self.folder / "b.lks"
        text = program.lockstep("convert", MODEL, first)
        program.lockstep("convert", first, second)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        self.assertEqual(program.digests(text)["model"], program.sha256(first.read_bytes()))
        program.lockstep("convert", first, first)
        self.assertEqual(first.read_bytes(), second.read_bytes())
        runs = [program.digests(program.lockstep("run", path, THREE)) for path in (MODEL, first)]
        self.assertEqual(runs[0], runs[1])


class Verify(Case):
    def test_passes(self) -> None:
        text = program.lockstep("verify", MODEL)
        self.assertEqual(text.splitlines()[-1], "PASSED")
        self.assertRegex(text, r"(?m)^cases  11: random_0 .* const_7f$")
        self.assertRegex(text, r"(?m)^cpu_ref +0 +- +132 +22 +11 +\d+  equal$")

    def test_says_when_only_the_reference_was_there(self) -> None:
        self.assertIn("cpu_ref agrees with itself", program.lockstep("verify", MODEL, "--backend", "cpu_ref"))

    def test_cases(self) -> None:
        text = program.lockstep("verify", MODEL, THREE, DIGITS / "9.png", "--cases", 2, "--seed", 40)
        self.assertRegex(text, r"(?m)^cases  7: random_40 random_41 const_00 const_80 const_7f given_0 given_1$")
        self.assertRegex(program.lockstep("verify", MODEL, "--cases", 0), r"(?m)^cases  3:")

    def test_json(self) -> None:
        done = json.loads(program.lockstep("verify", MODEL, "--json", "--cases", 1))
        self.assertEqual((done["result"], len(done["cases"])), ("PASSED", 4))
        reference = next(device for device in done["devices"] if device["backend"] == "cpu_ref")
        self.assertEqual(reference["comparisons"], {"against_cpu_ref": 0, "repeat": 48, "outputs": 8, "batch": 4})
        self.assertEqual(done["compared_with_another_backend"], len([d for d in done["devices"] if d["result"] == "equal"]) > 1)

    def test_failure_ends_in_failed(self) -> None:
        done = call("verify", self.file("bad.lks", b"bad"))
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (1, "FAILED"))

    def test_batch_within_memory(self) -> None:
        cost = json.loads(program.lockstep("info", MODEL, "--json"))
        memory = cost["parameter_bytes"] + cost["peak_bytes"]
        text = program.lockstep("verify", MODEL, "--max-mem", memory, "--backend", "cpu_ref")
        self.assertRegex(text, r"(?m)^cpu_ref +0 +- +132 +22 +- +\d+  equal$")
        self.assertIn("not of this model", text)


class Devices(Case):
    def test_text(self) -> None:
        self.assertRegex(program.lockstep("devices"), r"(?m)^cpu_ref +0  yes ")

    def test_json(self) -> None:
        devices = json.loads(program.lockstep("devices", "--json"))["devices"]
        self.assertIn(("cpu_ref", 0, True), [(d["backend"], d["device"], d["usable"]) for d in devices])
        for device in devices:
            self.assertEqual(device["reason"] is None, device["usable"])


@unittest.skipUnless(shutil.which("sh"), "no sh")
class Demo(unittest.TestCase):
    def test_demo(self) -> None:
        done = subprocess.run(["sh", str(DIGITS / "demo.sh"), program.LOCKSTEP], capture_output=True, text=True, cwd=program.ROOT)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertIn("10 of 10 right.", done.stdout)
        self.assertEqual(done.stdout.splitlines()[-1], "PASSED")


if __name__ == "__main__":
    program.main()
