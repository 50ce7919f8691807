# SPDX-License-Identifier: Apache-2.0
"""Runs every record of a pack that `lockstep selftest --export` wrote, and compares trace and cost.

    python3 -m second_opinion.check_pack FILE.pack [--jobs N]

Run it in tests/, or with PYTHONPATH=tests. The last line is `N passed, M
failed`; the exit status is 0 only where something was compared and all agreed.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Iterable, Iterator

from . import packs
from .executor import cost, run, split_inputs
from .lks_file import Model, read

CHUNK = 64      # records of one task: enough to hide the cost of handing them over


def first_difference(model: Model, expected: list[bytes], trace: bytes) -> str:
    """Where the trace of the record leaves ours."""
    at = 0
    for number, data in enumerate(expected):
        given = trace[at:at + len(data)]
        at += len(data)
        if given != data:
            wrong = [i for i, (a, b) in enumerate(zip(data, given)) if a != b]
            where = f"element {wrong[0]}: {data[wrong[0]]:#04x} here, {given[wrong[0]]:#04x} there" if wrong else "lengths differ"
            return f"op {number}, {where}; {len(wrong)} of {len(data)} bytes differ"
    return f"the trace has {len(trace)} bytes, not {at}"


def check_record(record: packs.Record) -> str | None:
    """What is wrong with a record; None: nothing."""
    try:
        model = read(record.model)
        trace = run(model, split_inputs(model, record.inputs, record.batch), record.batch)
        if b"".join(trace) != record.trace:
            return first_difference(model, trace, record.trace)
        price = cost(model, record.batch)
    except (ValueError, AssertionError, KeyError, IndexError) as problem:     # refused, malformed, or beyond a bound
        return f"{type(problem).__name__}: {problem}"
    return None if price == record.cost else f"cost {price} here, {record.cost} there"


def check_chunk(records: list[packs.Record]) -> list[tuple[str, str | None]]:
    return [(record.name, check_record(record)) for record in records]


def chunks(records: Iterable[packs.Record]) -> Iterator[list[packs.Record]]:
    iterator = iter(records)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def verdicts(records: Iterable[packs.Record], jobs: int) -> Iterator[tuple[str, str | None]]:
    """(name, what is wrong or None) of every record, in order."""
    if jobs == 1:
        for chunk in chunks(records):
            yield from check_chunk(chunk)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for checked in pool.map(check_chunk, chunks(records)):
            yield from checked


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="check_pack", description=__doc__.split("\n")[0])
    parser.add_argument("pack", type=Path, metavar="FILE.pack")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    options = parser.parse_args(arguments)
    passed = failed = 0
    try:
        for name, problem in verdicts(packs.decode(options.pack.read_bytes(), True), options.jobs):
            if problem is None:
                passed += 1
                continue
            failed += 1
            print(f"{name}\n  {problem}")
    except (OSError, ValueError) as problem:
        print(f"error: {options.pack}: {problem}", file=sys.stderr)
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
