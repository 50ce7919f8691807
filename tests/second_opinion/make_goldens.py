# SPDX-License-Identifier: Apache-2.0
"""Writes the packs of tests/golden, or checks that they are what would be written.

    python3 -m second_opinion.make_goldens [--check] [DIR]

The packs hold nothing that depends on the machine or on the version of
Python: two runs give equal files.
"""

import argparse
import sys
from pathlib import Path
from typing import Callable, Iterable

from . import packs
from .builder import Case, WrongCase
from .cases import (add, arg_max, avg_pool, batch_matmul, clamp, concat, conv, conv_3d, fully_connected, gather, graphs, lstm,
                    lut, malformed, max_pool, mul, pad, prelu, reduce_max, refused, requant, reshape, resize_bilinear,
                    resize_nearest, scale, slice_op, softmax, split, sub, sum_over_axes, svdf, tile, transpose, transposed_conv)
from .executor import check, cost, run_sequence
from .lks_file import read, write

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FAMILIES = {
    "conv": conv, "transposed_conv": transposed_conv, "conv_3d": conv_3d,
    "fully_connected": fully_connected, "batch_matmul": batch_matmul, "scale": scale,
    "add": add, "sub": sub, "mul": mul, "requant": requant, "lut": lut, "clamp": clamp, "prelu": prelu,
    "max_pool": max_pool, "avg_pool": avg_pool, "sum": sum_over_axes, "reduce_max": reduce_max,
    "arg_max": arg_max, "softmax": softmax,
    "reshape": reshape, "pad": pad, "concat": concat, "split": split, "slice": slice_op, "transpose": transpose, "tile": tile,
    "gather": gather, "resize_nearest": resize_nearest, "resize_bilinear": resize_bilinear,
    "lstm": lstm, "svdf": svdf,
    "graphs": graphs,
}
WRONG = {"refused": refused, "malformed": malformed}


def solve(case: Case) -> packs.Record:
    """The record of a case, from its file as a reader sees it."""
    file = write(case.model)
    model = read(file)
    trace = run_sequence(model, case.inputs, case.batch)
    return packs.Record(case.name, file, case.batch, case.inputs, trace, cost(model, case.batch))


def convict(case: WrongCase) -> packs.Record:
    """The record of a file that must not load, once it is seen to fail for the stated reason."""
    try:
        check(read(case.file))
    except ValueError as problem:
        if case.why not in str(problem):
            raise AssertionError(f"{case.name}: expected '{case.why}', got '{problem}'") from problem
        return packs.Record(case.name, case.file)
    raise AssertionError(f"{case.name}: the file was accepted")


def pack(cases: Iterable, record: Callable) -> bytes:
    """One pack; names in it are unique."""
    records = [record(case) for case in cases]
    names = [r.name for r in records]
    assert len(set(names)) == len(names), sorted(n for n in names if names.count(n) > 1)
    return b"".join(map(packs.encode, records))


def make() -> dict[str, bytes]:
    """All packs by file name."""
    made = {f"{name}.pack": pack(family.cases(), solve) for name, family in FAMILIES.items()}
    made.update((f"{name}.pack", pack(family.cases(), convict)) for name, family in WRONG.items())
    return made


def differences(made: dict[str, bytes], folder: Path) -> list[str]:
    """The names of packs that are missing, different, or should not be there."""
    found = {path.name: path.read_bytes() for path in folder.glob("*.pack")}
    return sorted(name for name in made.keys() | found.keys() if made.get(name) != found.get(name))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make_goldens", description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare with the files instead of writing them")
    parser.add_argument("folder", type=Path, nargs="?", default=GOLDEN, metavar="DIR")
    options = parser.parse_args(arguments)
    made = make()
    if options.check:
        wrong = differences(made, options.folder)
        print(f"different: {', '.join(wrong)}" if wrong else f"{len(made)} packs are as they would be written")
        return 1 if wrong else 0
    for name, data in made.items():
        (options.folder / name).write_bytes(data)
        print(f"{len(data):8}  {name}")
    print(f"{sum(map(len, made.values())):8}  bytes in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
