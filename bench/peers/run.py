# SPDX-License-Identifier: Apache-2.0
"""Lockstep beside its peers: the same networks, the same machine and number of threads, in turns.

    python3 bench/peers/run.py [--threads 1,2] [--rounds 20] [--models resnet50,...] [--peers litert,...] [--json FILE]

Peers come from PyPI into build/peers (install.py). Each runs in a process of its own that stays alive; in every round the
machine's int8 peak is measured and each process is asked for a slice of runs, in the order A B C, then C B A.

A model is a .tflite file, a built-in network, or a built-in layer such as conv:1,14,14,256,256,3,3. What is built in becomes a
.tflite first, which LiteRT and Lockstep both read; ONNX Runtime, OpenVINO and TVM get the same integers and scales as QDQ ONNX
(export.py).

A second table holds each peer against itself: other kernels, instruction sets and numbers of threads, same inputs. The last line
is PASSED where Lockstep's bytes were equal everywhere, else FAILED.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import figures                      # noqa: E402
import install                      # noqa: E402

PEERS = ["litert", "litert-ref", "onnxruntime", "openvino", "tvm", "onednn"]
NETWORKS = ["resnet50", "mobilenet_v2", "vgg16"]
FILES = ["kws_int8", "resnet8_cifar10_int8", "vww_int8", "mobilenet_v2_224_int8_u8io"]
LAYERS = ["conv:1,14,14,256,256,3,3", "conv:1,28,28,128,128,3,3", "conv:1,28,28,512,512,1,1", "conv:1,56,56,64,64,1,1",
          "depthwise:1,56,56,144,3,3", "depthwise:1,14,14,384,3,3", "conv:1,224,224,3,32,3,3,2", "fc:1,2048,1000"]
IMAGES = 4                          # for the comparison of bytes
# Other kernels of the peer itself: environment and threads; `plain` and `ref` are peers of worker.py.
ONEDNN_SETS = ["AVX2", "AVX512_CORE", "AVX2_VNNI"]


class Failed(Exception):
    """Why a peer cannot run a model."""


def output_of(command: list, cpus: set[int] | None = None) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
    if done.returncode:
        raise Failed(install.last_line(done.stderr or done.stdout))
    return done.stdout


class Worker:
    """A process with one model, on its own set of processors."""

    def __init__(self, command: list, cpus: set[int], environment: dict[str, str], log: pathlib.Path) -> None:
        self.log = log
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log.open("w"), text=True, env={**os.environ, **environment},
                                        preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.answer()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise Failed("cannot run it: " + install.last_line(self.log.read_text(errors="replace")))
        return json.loads(line)

    def ask(self, what: str) -> dict:
        try:
            self.process.stdin.write(what + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        return self.answer()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.build = options.build
        self.models = self.build / "models"
        self.models.mkdir(parents=True, exist_ok=True)
        self.missing = install.install(self.build, options.peers)
        self.python = self.build / "venv/bin/python"
        self.devices = output_of([options.lockstep, "devices"])
        self.backend = options.backend or ("cpu" if re.search(r"^cpu +\d+ +yes", self.devices, re.M) else "cpu_ref")
        library = options.lockstep.parent / "liblockstep.a"
        self.lockstep_worker = self.build / "lockstep_worker"
        output_of(["cc", "-O2", "-std=c11", f"-I{ROOT}/include", HERE / "lockstep_worker.c", library, "-o", self.lockstep_worker,
                   "-lpthread", "-ldl", "-lm"])

    # ---- models

    def prepare(self, model: str) -> dict:
        """{"tflite", "onnx", "nhwc.onnx": a path or Failed, "inputs", "macs", ...}"""
        stem = self.models / re.sub(r"\W+", "_", pathlib.Path(model).stem if model.endswith(".tflite") else model)
        tflite, lks = stem.with_suffix(".tflite"), stem.with_suffix(".lks")
        if model.endswith(".tflite"):
            tflite.write_bytes(pathlib.Path(model).read_bytes())
        else:
            output_of([self.options.lockstep, "convert", f"builtin:{model}", lks])
            output_of([self.python, HERE / "export.py", lks, tflite])
        output_of([self.options.lockstep, "convert", tflite, lks])
        info = json.loads(output_of([self.options.lockstep, "info", lks, "--json"]))
        ends = {"tflite": tflite, "name": stem.name, "model": model, "macs": macs_of(info), "inputs": stem.with_suffix(".in")}
        entry = info["inputs"][0]
        ends["signed"] = str(int(entry["type"] == "i8"))
        size = 1
        for extent in entry["shape"]:
            size *= extent
        ends["inputs"].write_bytes(splitmix64_bytes(1, IMAGES * size))
        for suffix in ("onnx", "nhwc.onnx"):
            try:
                ends[suffix] = stem.with_suffix(f".{suffix}")
                output_of([self.python, HERE / "export.py", lks, ends[suffix]])
            except Failed as why:
                ends[suffix] = Failed(f"no ONNX of it: {why}")
        return ends

    # ---- workers

    def worker(self, peer: str, model: dict, threads: int, more: dict[str, str] | None = None, variant: str = "") -> Worker:
        """variant: a backend, or backend:variant, of Lockstep."""
        environment = {"LKS_PEERS_SIGNED": model["signed"], "OMP_NUM_THREADS": str(threads), **(more or {})}
        if peer in self.missing:
            raise Failed(self.missing[peer])
        if peer == "lockstep":
            backend, _, kernel = (variant or self.backend).partition(":")
            command = [self.lockstep_worker, backend, model["tflite"], threads, model["inputs"], *([kernel] if kernel else [])]
        elif peer == "onednn":
            command = [self.build / "onednn_worker", *layer_of(model["model"])]
        else:
            file = model[{"litert": "tflite", "onnxruntime": "nhwc.onnx"}.get(install.package_of(peer), "onnx")]
            if isinstance(file, Failed):
                raise file
            command = [self.python, HERE / "worker.py", peer, file, threads, model["inputs"]]
        cpus = set(sorted(os.sched_getaffinity(0))[:threads])
        return Worker(command, cpus, environment, self.build / f"{peer}.log")

    def peak(self, threads: int) -> float:
        cpus = set(sorted(os.sched_getaffinity(0))[:threads])
        text = output_of([self.options.lockstep, "bench", "--peak", "--backend", self.backend, "-t",
                          threads if self.backend != "cpu_ref" else 1, "-r", 1, "--duration", 0, "-o", "json"], cpus)
        return json.loads(text)["rows"][0]["peak_gmac_per_s"]

    # ---- tables

    def rows(self, model: dict, threads: int) -> list[dict]:
        workers, rows, rounds, peaks = {}, [], {}, []
        for peer in ["lockstep", *self.options.peers]:
            try:
                workers[peer] = self.worker(peer, model, 1 if peer == "lockstep" and self.backend == "cpu_ref" else threads)
            except Failed as why:
                rows.append(figures.missing(model["name"], threads, peer, str(why)))
        rounds = {peer: [] for peer in workers}
        for i in range(self.options.rounds):
            peaks.append(self.peak(threads))
            for peer in list(workers)[::-1 if i % 2 else 1]:
                found = workers[peer].ask(f"run {self.options.slice}")["ns"]
                rounds[peer].append(statistics.median(found) / 1e6)
        for w in workers.values():
            w.close()
        timed = [figures.row(model["name"], threads, f"lockstep ({self.backend})" if p == "lockstep" else p, rounds[p],
                             rounds.get("lockstep", []), peaks, model["macs"]) for p in workers]
        for r in timed:
            r["peaks_gmac_per_s"] = peaks
        return timed + rows

    def outputs(self, peer: str, model: dict, threads: int, more: dict[str, str], variant: str) -> bytes:
        path = self.build / "outputs.bin"
        w = self.worker(peer, model, threads, more, variant)
        w.ask(f"outputs {path}")
        w.close()
        return path.read_bytes()

    def others(self, peer: str) -> list[tuple]:
        """What else a peer can compute the same with: (words, peer, threads, environment, Lockstep's backend)."""
        many = max(self.options.threads + [2])
        found = [(f"{many} threads", peer, many, {}, "")]
        if peer == "lockstep":
            found = [] if self.backend == "cpu_ref" else found + [("cpu_ref", peer, 1, {}, "cpu_ref")]
            sets = re.search(r"this machine has ([\w, ]+)", self.devices) if self.backend == "cpu" else None
            found += [(s, peer, 1, {}, f"cpu:{s}") for s in (sets.group(1).split(", ") if sets else [])]
        elif peer == "litert":
            found.append(("its reference kernels", "litert-ref", 1, {}, ""))
        elif peer == "onnxruntime":
            found.append(("itself without graph optimization", "onnxruntime-plain", 1, {}, ""))
        elif peer in ("openvino", "onednn"):
            found += [(f"ONEDNN_MAX_CPU_ISA={s}", peer, 1, {"ONEDNN_MAX_CPU_ISA": s}, "") for s in ONEDNN_SETS]
        return found

    def agreement(self, model: dict) -> list[dict]:
        rows = []
        for peer in ["lockstep", *(p for p in self.options.peers if p != "litert-ref")]:
            base = None
            for words, other, threads, more, variant in self.others(peer):
                name = f"lockstep ({self.backend})" if peer == "lockstep" else peer
                row = {"model": model["name"], "peer": name, "against": words}
                try:
                    base = base or self.outputs(peer, model, 1, {}, "")
                    row["differ"], row["bytes"] = figures.differing(base, self.outputs(other, model, threads, more, variant))
                except Failed as why:
                    row["missing"] = str(why)
                rows.append(row)
        return rows


def macs_of(info: dict) -> int:
    return info["cost"]["macs"] if "cost" in info else info["macs"]


def layer_of(model: str) -> list[str]:
    """The arguments of onednn_worker."""
    kind, _, rest = model.partition(":")
    n = [int(v) for v in rest.split(",")] if rest else []
    if kind == "conv" and len(n) in (7, 8) and n[0] == 1 and n[5] == n[6]:
        numbers = [n[1], n[2], n[3], n[4], n[5], n[7] if len(n) == 8 else 1]
    elif kind == "depthwise" and len(n) in (6, 7) and n[0] == 1 and n[4] == n[5]:
        numbers = [n[1], n[2], n[3], n[3], n[4], n[6] if len(n) == 7 else 1]
    elif kind == "fc" and n[0] == 1:
        numbers = [1, 1, n[1], n[2], 1, 1]
    else:
        raise Failed("only single layers of batch 1")
    return [kind, *map(str, numbers)]


def splitmix64_bytes(seed: int, count: int) -> bytes:
    """The top bytes of splitmix64."""
    mask, out = (1 << 64) - 1, bytearray(count)
    for i in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        out[i] = (z ^ (z >> 31)) >> 56
    return bytes(out)


def default_program() -> pathlib.Path:
    found = [p for p in (ROOT / "build/demo/lockstep", ROOT / "build/gcc/lockstep") if p.exists()]
    return found[0] if found else ROOT / "build/demo/lockstep"


def default_models() -> list[str]:
    folder = pathlib.Path(os.environ.get("LKS_SHARED", ROOT.parent / "shared")) / "models"
    return NETWORKS + [str(folder / f"{name}.tflite") for name in FILES if (folder / f"{name}.tflite").exists()] + LAYERS


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--threads", default="1,2", type=lambda s: [int(v) for v in s.split(",")])
    p.add_argument("--rounds", default=20, type=int)
    p.add_argument("--slice", default=0.5, type=float, metavar="SECONDS", help="of each peer in each round")
    p.add_argument("--models", type=lambda s: re.split(r"[ ;]+|,(?=[a-z/.])", s), help="separated by , (default: all)")
    p.add_argument("--peers", default=PEERS, type=lambda s: s.split(","), help=f"of {','.join(PEERS)}")
    p.add_argument("--backend", help="of Lockstep (default: cpu where there is one, else cpu_ref)")
    p.add_argument("--lockstep", default=default_program(), type=lambda s: pathlib.Path(s).resolve(), metavar="PROGRAM",
                   help="liblockstep.a is taken from beside it")
    p.add_argument("--build", default=ROOT / "build/peers", type=lambda s: pathlib.Path(s).resolve(), metavar="FOLDER")
    p.add_argument("--no-agreement", action="store_true", help="times only: no bytes are compared, and the last line is DONE")
    p.add_argument("--no-times", action="store_true", help="agreement only")
    p.add_argument("--json", type=pathlib.Path, metavar="FILE")
    options = p.parse_args()
    unknown = [peer for peer in options.peers if peer not in PEERS]
    if unknown:
        p.error(f"--peers: {','.join(unknown)} is not known: they are {','.join(PEERS)}")
    if options.rounds < 1 or min(options.threads) < 1 or max(options.threads) > len(os.sched_getaffinity(0)):
        p.error("--rounds and --threads are at least 1, and --threads at most the number of processors")
    options.models = options.models or default_models()
    return options


def verdict(times: list[dict], agreement: list[dict], backend: str) -> str:
    """The last line: PASSED where bytes of Lockstep were compared and are equal; DONE where none were, which proves nothing."""
    ours = [r for r in agreement if r["peer"].startswith("lockstep")]
    needed = ("all", f"lockstep ({backend})", "lockstep")
    if any(r.get("differ") != 0 for r in ours) or any(r["peer"] in needed and "missing" in r for r in times):
        return "FAILED"
    return "PASSED" if ours else "DONE: no bytes were compared"


def main() -> int:
    options = parse()
    bench, times, agreement = Bench(options), [], []
    for name in options.models:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            model = bench.prepare(name)
        except Failed as why:
            times.append(figures.missing(name, 0, "all", str(why)))
            continue
        for threads in [] if options.no_times else options.threads:
            times += bench.rows(model, threads)
        agreement += [] if options.no_agreement else bench.agreement(model)
        if options.json:
            options.json.write_text(json.dumps({"rounds": options.rounds, "slice_s": options.slice, "backend": bench.backend,
                                                "packages": install.PACKAGES, "times": times, "agreement": agreement}, indent=1))
    print(figures.table(times), "", figures.agreement_table(agreement), sep="\n")
    last = verdict(times, agreement, bench.backend)
    print(last)
    return 1 if last == "FAILED" else 0


if __name__ == "__main__":
    sys.exit(main())
