# SPDX-License-Identifier: Apache-2.0
"""Installs the peers from PyPI, each version pinned, and says of each that is not there why."""
import pathlib
import subprocess
import sys

# oneDNN's wheels after 2023 hold its SYCL build alone, which needs an OpenCL runtime for the CPU; this is the newest native one.
ONEDNN = ["onednn-cpu-gomp==2023.2.0", "onednn-devel-cpu-gomp==2023.2.0"]
COMMON = ["numpy==2.4.6", "onnx==1.23.2"]
PACKAGES = {
    "litert": ["ai-edge-litert==2.3.0"],
    "onnxruntime": ["onnxruntime==1.32.0"],
    "openvino": ["openvino==2026.4.1"],
    "tvm": ["apache-tvm==0.27.0.post1"],
    "onednn": ONEDNN,
}
HERE = pathlib.Path(__file__).resolve().parent


def package_of(peer: str) -> str:
    """litert-ref comes with litert."""
    return peer.split("-")[0]


def last_line(text: str) -> str:
    return ([line for line in text.strip().splitlines() if line.strip()] or ["no reason given"])[-1].strip()[:160]


def run(command: list) -> str | None:
    """None, or why it failed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    return None if done.returncode == 0 else last_line(done.stderr or done.stdout)


def pip(folder: pathlib.Path, packages: list[str]) -> str | None:
    python = folder / "bin/python"
    if not python.exists():
        problem = run([sys.executable, "-m", "venv", folder])
        if problem:
            return problem
    wanted = folder / "installed"
    done = wanted.read_text().split() if wanted.exists() else []
    if all(p in done for p in packages):
        return None
    problem = run([python, "-m", "pip", "install", "-q", *packages])
    if problem is None:
        wanted.write_text("\n".join([*done, *packages]))
    return problem


def onednn_worker(build: pathlib.Path) -> str | None:
    prefix = build / "onednn"
    problem = pip(prefix, PACKAGES["onednn"])
    if problem:
        return problem
    return run(["cc", "-O2", "-std=c11", f"-I{prefix}/include", HERE / "onednn_worker.c", "-o", build / "onednn_worker",
                f"-L{prefix}/lib", f"-Wl,-rpath,{prefix}/lib", "-Wl,--allow-shlib-undefined", "-ldnnl", "-lm"])


def install(build: pathlib.Path, peers: list[str]) -> dict[str, str]:
    """{peer: why it is missing}"""
    build.mkdir(parents=True, exist_ok=True)
    problem = pip(build / "venv", COMMON)
    if problem:
        sys.exit(f"{' '.join(COMMON)}: {problem}")
    found = {}
    for package in dict.fromkeys(map(package_of, peers)):
        found[package] = onednn_worker(build) if package == "onednn" else pip(build / "venv", PACKAGES[package])
    return {p: f"not installed: {found[package_of(p)]}" for p in peers if found[package_of(p)]}
