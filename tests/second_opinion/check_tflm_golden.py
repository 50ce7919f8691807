# SPDX-License-Identifier: Apache-2.0
"""Compares the executor with recorded answers of TensorFlow Lite Micro.

    python3 -m second_opinion.check_tflm_golden MODELS GOLDEN [--model NAME]... [--cases N] [--only CASE]... [--jobs N]

MODELS is a folder of converted models (`kws_int8.lks` for `kws_int8.json`),
GOLDEN the folder of recorded answers; its README.md gives the input rule and
the JSON. Op i of a `.lks` is op i of the recorded model. Image cases are
skipped, and said to be. The exit status is 0 only if something was compared
and nothing differed.
"""

import argparse
import hashlib
import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .builder import Rng
from .executor import graph_outputs, run, split_inputs
from .lks_file import Model, read


@dataclass(frozen=True)
class Job:
    """One case of one model, small enough to send to another process."""

    lks: Path
    golden: Path
    data: Path
    case: int


@dataclass
class Result:
    """What a case gave: differences, or the reason why it was skipped."""

    name: str
    problems: list[str] = field(default_factory=list)
    skipped: str = ""
    seconds: float = 0.0


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def case_input(source: dict, size: int, data: Path) -> bytes | None:
    """The bytes of all inputs, or None for a case that needs more than this program has."""
    if "seed" in source:
        return Rng(source["seed"]).bytes(size)
    if "byte" in source:
        return bytes([source["byte"]]) * size
    if "file" in source and (data / source["file"]).is_file():
        return (data / source["file"]).read_bytes()
    return None


def first_difference(trace: list[bytes], tensors: list[dict], model: Model) -> str | None:
    """The first op output that differs from the recorded intermediates."""
    if len(tensors) != len(trace):
        return f"{len(trace)} op outputs, {len(tensors)} recorded"
    for index, (data, want) in enumerate(zip(trace, tensors)):
        if sha256(data) == want["sha256"]:
            continue
        name = model.tensors[model.ops[index].outputs[0]].name.decode()
        head = list(data[:8]) if want["type"] == "UINT8" else [b - 256 if b > 127 else b for b in data[:8]]
        return (f"op {index} {want['opcode']} '{name}' of shape {want['shape']}: "
                f"{len(data)} bytes {sha256(data)[:16]} starting {head}, "
                f"recorded {want['bytes']} bytes {want['sha256'][:16]} starting {want['head']}")
    return None


def softmax_input(trace: list[bytes], golden: dict) -> bytes | None:
    """The output of the op that makes the recorded softmax input."""
    tensor = golden["before_softmax"]["tensor"]
    for data, entry in zip(trace, golden["intermediates"]["tensors"]):
        if entry["tensor"] == tensor:
            return data
    return None


def compare(model: Model, trace: list[bytes], case: dict, golden: dict) -> list[str]:
    """Every recorded digest of the case that differs."""
    problems = []
    outputs = [sha256(data) for data in graph_outputs(model, trace)]
    if outputs != case["outputs_sha256"]:
        problems.append(f"outputs are {outputs}, recorded {case['outputs_sha256']}")
    if "before_softmax_sha256" in case:
        data = softmax_input(trace, golden)
        if data is None or sha256(data) != case["before_softmax_sha256"]:
            problems.append(f"the softmax input differs: {data and list(data[:8])}, "
                            f"recorded {case.get('before_softmax', [])[:8]}")
    if sha256(b"".join(trace)) != case["all_tensors_sha256"]:
        problems.append("some op output differs")
    if case["name"] == golden["intermediates"]["case"]:
        problem = first_difference(trace, golden["intermediates"]["tensors"], model)
        problems += [problem] if problem else []
    return problems


def run_job(job: Job) -> Result:
    golden = json.loads(job.golden.read_text())
    case = golden["cases"][job.case]
    result = Result(f"{job.golden.stem} {case['name']}")
    data = case_input(case["input"], sum(t["bytes"] for t in golden["inputs"]), job.data)
    if data is None:
        result.skipped = "its input is an image or a file that is not here"
        return result
    start = time.perf_counter()
    try:
        model = read(job.lks.read_bytes())
        inputs = split_inputs(model, data)
        if [sha256(part) for part in inputs] != case["inputs_sha256"]:
            result.problems.append("the input bytes are not the recorded ones")
        else:
            result.problems += compare(model, run(model, inputs), case, golden)
    except (ValueError, ArithmeticError, AssertionError) as problem:
        result.problems.append(f"{type(problem).__name__}: {problem}")
    result.seconds = time.perf_counter() - start
    return result


def jobs(options: argparse.Namespace) -> list[Job]:
    """The selected cases of every recorded model that has a `.lks`; the others are named."""
    found = []
    for golden in sorted(options.golden.glob("*.json")):
        if options.model and golden.stem not in options.model:
            continue
        lks = options.models / f"{golden.stem}.lks"
        if not lks.is_file():
            print(f"skip {golden.stem}: no {lks.name}")
            continue
        names = [case["name"] for case in json.loads(golden.read_text())["cases"]]
        chosen = [i for i, name in enumerate(names) if not options.only or name in options.only]
        data = options.data or options.golden.parent / "data"
        found += [Job(lks, golden, data, i) for i in chosen[:options.cases]]
    return found


def report(result: Result) -> None:
    if result.skipped:
        print(f"skip {result.name}: {result.skipped}")
    elif result.problems:
        print("\n     ".join([f"FAIL {result.name}"] + result.problems))
    else:
        print(f"ok   {result.name} ({result.seconds:.1f} s)")
    sys.stdout.flush()


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="check_tflm_golden", description=__doc__.split("\n")[0])
    parser.add_argument("models", type=Path, help="folder of .lks files")
    parser.add_argument("golden", type=Path, help="folder of recorded answers")
    parser.add_argument("--data", type=Path, help="folder of sample inputs (default: GOLDEN/../data)")
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    parser.add_argument("--only", action="append", metavar="CASE", help="only this case; may be repeated")
    parser.add_argument("--cases", type=int, metavar="N", help="at most N cases of each model")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    passed = failed = 0
    with ProcessPoolExecutor(options.jobs) as pool:
        for result in pool.map(run_job, jobs(options)):
            report(result)
            passed += not result.skipped and not result.problems
            failed += bool(result.problems)
    print(f"{passed} passed, {failed} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
