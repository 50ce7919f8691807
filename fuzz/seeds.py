# SPDX-License-Identifier: Apache-2.0
"""Seeds for fuzz_read: every model of the golden packs, sound and refused, as a file of its own.

    python3 fuzz/seeds.py FOLDER
"""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from second_opinion import packs    # noqa: E402


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for path in sorted((ROOT / "tests/golden").glob("*.pack")):
        results = not path.name.startswith(("refused", "malformed"))
        for record in packs.decode(path.read_bytes(), results):
            (folder / f"{path.stem}-{count}.lks").write_bytes(record.model)
            count += 1
    print(f"{count} seeds")


if __name__ == "__main__":
    main()
