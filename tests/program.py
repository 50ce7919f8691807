# SPDX-License-Identifier: Apache-2.0
"""What the tests that drive the program from outside have in common."""
import hashlib
import os
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCKSTEP = os.environ.get("LOCKSTEP", str(ROOT / "build/gcc/lockstep"))
SHARED = pathlib.Path(os.environ.get("LKS_SHARED", ROOT.parent / "shared"))
# Set where a sanitizer makes the program several times slower: then the largest model runs fewer cases.
QUICK = bool(os.environ.get("LOCKSTEP_QUICK"))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lockstep(*arguments: object) -> str:
    """Run the program, which must succeed and say nothing on stderr; its output."""
    done = subprocess.run([LOCKSTEP, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{' '.join(map(str, arguments))}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def digests(text: str) -> dict[str, str]:
    """The lines `WHAT sha256 DIGEST ...` of a run: {"output 0": digest, ...}."""
    rows = (line.split("sha256 ") for line in text.splitlines() if "sha256 " in line)
    return {what.strip(): rest.split()[0] for what, rest in rows}


def npy_payload(path: pathlib.Path) -> bytes:
    """The array bytes of a version 1.0 .npy file."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", path
    return data[10 + int.from_bytes(data[8:10], "little"):]


def dumped(folder: pathlib.Path) -> list[bytes]:
    """The op outputs of `run --dump FOLDER`, in op order."""
    return [npy_payload(path) for path in sorted(folder.glob("*.npy"))]


def splitmix64_bytes(seed: int, count: int) -> bytes:
    """The top bytes of `count` outputs of splitmix64 with that initial state."""
    mask, out = (1 << 64) - 1, bytearray()
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out.append((z ^ (z >> 31)) >> 56)
    return bytes(out)


def main() -> None:
    """Run the tests of the calling module; exit 77 when all of them were skipped, so that nothing passes by being absent."""
    result = unittest.main(verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun == len(result.skipped) else 0)
