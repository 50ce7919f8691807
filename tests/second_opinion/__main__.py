# SPDX-License-Identifier: Apache-2.0
"""Command line: run, check and price `.lks` models.

    python3 -m second_opinion run MODEL.lks INPUT.bin... [--batch N] [--trace OUT.bin]
    python3 -m second_opinion cost MODEL.lks [--batch N]
    python3 -m second_opinion check MODEL.lks

Run it in tests/, or with PYTHONPATH=tests.
"""

import argparse
import hashlib
import sys
from pathlib import Path

from .checks import is_batch_free, stated_batch
from .executor import Refused, check, cost, graph_outputs, run
from .lks_file import FormatError, Model, read


def load(path: Path) -> Model:
    return read(path.read_bytes())


def run_command(options: argparse.Namespace) -> None:
    model = load(options.model)
    trace = run(model, [path.read_bytes() for path in options.inputs], options.batch)
    for i, data in zip(model.outputs, graph_outputs(model, trace)):
        print(f"{hashlib.sha256(data).hexdigest()}  output '{model.tensors[i].name.decode()}'")
    print(f"{hashlib.sha256(b''.join(trace)).hexdigest()}  all op outputs")
    if options.trace:
        options.trace.write_bytes(b"".join(trace))


def cost_command(options: argparse.Namespace) -> None:
    c = cost(load(options.model), options.batch)
    print(f"MACs             {c.macs}\nelement ops      {c.element_ops}\n"
          f"parameter bytes  {c.parameter_bytes}\npeak bytes       {c.peak_bytes}")


def check_command(options: argparse.Namespace) -> None:
    model = load(options.model)
    check(model)
    batch = "any" if is_batch_free(model) else str(stated_batch(model))
    print(f"accepted: {len(model.ops)} ops, batch {batch}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="second_opinion", description="An independent judge of .lks models.")
    commands = parser.add_subparsers(required=True)
    for name, action, text in (("run", run_command, "run a model and print digests"),
                               ("cost", cost_command, "print the cost of spec 6"),
                               ("check", check_command, "say whether the model is accepted")):
        command = commands.add_parser(name, help=text)
        command.set_defaults(action=action)
        command.add_argument("model", type=Path)
        if name == "run":
            command.add_argument("inputs", type=Path, nargs="+", help="one file of interface bytes per graph input")
            command.add_argument("--trace", type=Path, help="write all op outputs, in op order")
        if name != "check":
            command.add_argument("--batch", type=int)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    try:
        options.action(options)
    except FormatError as problem:
        print(f"malformed: {problem}", file=sys.stderr)
    except Refused as problem:
        print(f"refused: {problem}", file=sys.stderr)
    except (OSError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
