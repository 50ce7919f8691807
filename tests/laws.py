# SPDX-License-Identifier: Apache-2.0
"""The laws of the house, as far as text can show them (docs/design.md):

- nothing that rounds, races or depends on the day stands between input and output bytes in src/;
- includes go downward only;
- the tables agree: every op has a rule and a lowering, every kernel family stands in every backend under the same name.
"""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

FORBIDDEN = {
    r"\b(float|double|float_t|double_t|_Float\w*|__half\w*|float[2348]|double[2348])\b": "floating point",
    r"\b\d+\.\d*(e[-+]?\d+)?f?\b|\b\d+e[-+]?\d+f?\b": "a floating point number",
    r"\b(_Atomic|atomic\w*|atom_\w+|__sync_\w+|__atomic_\w+)\b": "an atomic",
    r"\b(time|clock|clock_gettime|gettimeofday|localtime|gmtime)\s*\(": "time",
    r"\b(getenv|secure_getenv|setlocale|localeconv)\s*\(": "the environment",
    r"\b(rand|random|srand|drand48|getrandom|arc4random)\w*\s*\(": "randomness",
    r"\b(printf|puts|putchar|perror|abort|exit|_Exit)\s*\(": "printing, or ending the process",
    r"\b(fmaf?|roundf?|rintf?|lrintf?|floorf?|ceilf?|expf?|logf?|powf?|sqrtf?)\s*\(": "floating point arithmetic",
}
# file, pattern: why it may stand there
EXEMPT = {
    ("src/host/model.h", "an atomic"): "the reference count of a model: it counts owners, no data passes through it",
    ("src/host/model.c", "an atomic"): "the same",
    ("src/host/read.c", "an atomic"): "the same",
    ("src/host/context.h", "an atomic"): "the reference count of an open device: the same",
    ("src/host/context.c", "an atomic"): "the same",
    ("src/cpu/pool.c", "an atomic"): "the thread pool hands out shares of work; which thread takes which changes no byte",
}
# C's own division is exact on a CPU; GPUs do it in floating point.
DIVISION = re.compile(r"[^/*]\s[/%]\s[^/*]")
DIVISION_FREE = ("src/cuda", "src/opencl")

COLUMNS = 130

FLOOR = {"lockstep": 0, "spec": 1, "cpu_ref": 2, "cpu": 2, "opencl": 2, "cuda": 2, "host": 3, "import": 3}
# The one place that knows backends and importers by name, and the builder that importers use.
UPWARD_OR_SIDEWAYS = {("src/host/registry.c", "cpu_ref"), ("src/host/registry.c", "import")}


def sources() -> list[pathlib.Path]:
    return sorted(p for p in SRC.rglob("*") if p.suffix in {".c", ".h", ".cl", ".cu", ".cuh", ".inc"})


def without_comments(text: str, keep_strings: bool) -> str:
    """Comments become blanks of the same shape; strings too, unless they are kept (a PTX string is code)."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.S)

    def blank(match: re.Match) -> str:
        kept = match.group().startswith('"') and keep_strings
        return match.group() if kept else re.sub(r"[^\n]", " ", match.group())

    return pattern.sub(blank, text)


def name_of(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def table(path: str, pattern: str) -> set[str]:
    return set(re.findall(pattern, (ROOT / path).read_text()))


def tables(paths: str, pattern: str) -> set[str]:
    return set().union(*(table(name_of(path), pattern) for path in ROOT.glob(paths)))


def cip1_of_the_spec() -> dict[str, str]:
    """Each op in the table of section 10, and "true" where it is inside."""
    rows = re.findall(r"^\| ([\w, ]+) \| (inside|outside) \|", (ROOT / "docs/spec.md").read_text(), re.M)
    return {f"LKS_OP_{op.upper()}": str(where == "inside").lower() for names, where in rows for op in names.split(", ")}


class Laws(unittest.TestCase):
    def test_sources_are_found(self) -> None:
        self.assertGreater(len(sources()), 30)

    def test_nothing_forbidden_between_input_and_output(self) -> None:
        for path in sources():
            gpu = path.suffix in {".cl", ".cu", ".cuh"}
            text = without_comments(path.read_text(), keep_strings=gpu)
            for pattern, what in FORBIDDEN.items():
                if (name_of(path), what) in EXEMPT:
                    continue
                for number, line in enumerate(text.splitlines(), 1):
                    self.assertIsNone(re.search(pattern, line), f"{name_of(path)}:{number}: {what}: {line.strip()}")

    def test_exemptions_are_used(self) -> None:
        for (name, what), reason in EXEMPT.items():
            pattern = next(p for p, w in FORBIDDEN.items() if w == what)
            text = without_comments((ROOT / name).read_text(), keep_strings=False)
            self.assertRegex(text, pattern, f"{name} no longer needs its exemption: {reason}")

    def test_devices_do_not_divide(self) -> None:
        for path in sources():
            if name_of(path).startswith(DIVISION_FREE) and path.suffix in {".cl", ".cu", ".cuh"}:
                for number, line in enumerate(without_comments(path.read_text(), False).splitlines(), 1):
                    self.assertIsNone(DIVISION.search(line), f"{name_of(path)}:{number}: a division: {line.strip()}")

    def test_includes_go_downward(self) -> None:
        for path in sources():
            folder = path.relative_to(SRC).parts[0]
            for target in re.findall(r'#include "([^"]+)"', path.read_text()):
                other = target.split("/")[0]
                self.assertIn("/", target, f"{name_of(path)}: includes {target} without its folder")
                if other == folder or (name_of(path), other) in UPWARD_OR_SIDEWAYS:
                    continue
                importer = folder == "import" and other == "host"
                self.assertTrue(importer or FLOOR[other] < FLOOR[folder], f"{name_of(path)}: includes {target}, not below it")

    def test_examples_use_the_public_header_only(self) -> None:
        for folder, allowed in (("tools", ("lockstep/", "tools/", "host/", "spec/")), ("examples", ("lockstep/",))):
            for path in sorted((ROOT / folder).rglob("*.[ch]")):
                for target in re.findall(r'#include "([^"]+)"', path.read_text()):
                    self.assertTrue(target.startswith(allowed), f"{name_of(path)}: includes {target}")

    def test_every_imported_op_says_what_holds_it(self) -> None:
        ops = table("src/import/tflite_ops.c", r"\{ LKS_TFL_(\w+), +OPTIONS_")
        rows = re.findall(r"^\| ([A-Z][\w, ]+) \| \w", (ROOT / "docs/import.md").read_text(), re.M)
        self.assertEqual(sorted(ops), sorted(op for names in rows for op in names.split(", ")))

    def test_op_tables_agree(self) -> None:
        ops = table("src/spec/op.h", r"(LKS_OP_\w+) = \d+")
        self.assertEqual(ops, tables("src/host/rules_*.c", r"\{ (LKS_OP_\w+), \""))
        self.assertEqual(ops, tables("src/host/lower_*.c", r"\{ (LKS_OP_\w+), lower_"))
        self.assertEqual(ops, table("tools/cases_make.c", r"\{ (LKS_OP_\w+), make_"))
        profile = re.findall(r"\{ (LKS_OP_\w+), (true|false) \}", (SRC / "host/profile.c").read_text())
        self.assertEqual(dict(profile), cip1_of_the_spec())
        self.assertEqual(ops, set(cip1_of_the_spec()))
        numbers = dict(re.findall(r"(LKS_OP_\w+) = (\d+)", (SRC / "spec/op.h").read_text()))
        spec = dict((f"LKS_OP_{n.upper()}", k) for k, n in re.findall(r"^\| (\d+) \| (\w+) \|", (ROOT / "docs/spec.md").read_text(), re.M))
        self.assertEqual(numbers, spec)

    def test_the_readme_names_every_op_on_every_backend(self) -> None:
        text = (ROOT / "README.md").read_text().split("## Ops", 1)[1].split("## ", 1)[0]
        header, _, *rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
        backends = [f for f in ("cpu_ref", "cpu", "cuda", "opencl") if (SRC / f).is_dir()]
        self.assertEqual([cell.strip() for cell in header[2:]], backends)
        for row in rows:
            self.assertEqual({cell.strip() for cell in row[2:]}, {"yes"}, row[0])
        named = [name for row in rows for name in re.findall(r"\w+", re.sub(r"\(.*?\)", "", row[0]))]
        self.assertEqual(sorted(named), sorted(op[7:].lower() for op in table("src/spec/op.h", r"(LKS_OP_\w+) = \d+")))

    def test_no_holes_between_backends(self) -> None:
        kernels = {k.lower() for k in table("src/spec/op.h", r"LKS_KERNEL_(\w+)") if k != "COUNT"}
        backends = [f for f in ("cpu_ref", "cpu", "opencl", "cuda") if (SRC / f).is_dir()]
        self.assertIn("cpu_ref", backends)
        for backend in backends:
            stems = {p.stem for p in (SRC / backend).iterdir()}
            self.assertLessEqual(kernels, stems, f"{backend} misses {sorted(kernels - stems)}")

    def test_lines_fit(self) -> None:
        for folder in ("src", "include", "tools", "tests", "fuzz", "examples"):
            for path in sorted((ROOT / folder).rglob("*")):
                if path.suffix in {".c", ".h", ".cl", ".cu", ".cuh"}:
                    for number, line in enumerate(path.read_text().splitlines(), 1):
                        self.assertLessEqual(len(line), COLUMNS, f"{name_of(path)}:{number}")

    def test_spdx(self) -> None:
        for folder in ("src", "include", "tools", "tests", "fuzz", "examples"):
            for path in sorted((ROOT / folder).rglob("*")):
                if path.suffix in {".c", ".h", ".py", ".cl", ".cu", ".cuh"}:
                    self.assertIn("SPDX-License-Identifier: Apache-2.0", "".join(path.read_text().splitlines()[:2]), name_of(path))


if __name__ == "__main__":
    unittest.main()
