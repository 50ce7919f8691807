# SPDX-License-Identifier: Apache-2.0
"""Every variant of a backend's kernels on single layers: what the constants of its choice (src/cuda/tile.c) are judged by.

    python3 bench/variants.py PROGRAM [--backend cuda] [--variants auto,NAME,...] [--torch] [OP ...]

An OP is a layer as `lockstep bench --op` takes it; without any, those of ResNet-50 and some products.  `auto` is what the program
would choose.  --isa wgmma opens its variants on a card of sm_90, and adds them.  A table of milliseconds, computing alone, without transfers; a variant that does not do a layer has a dash.
--torch adds torch._int_mm, int8 to int32 by cuBLASLt, for fc layers, where PyTorch and a card are at hand: a product alone,
without bias or requantization, and four times the bytes to write.
"""
import argparse
import json
import statistics
import subprocess

OPS = """conv:1,56,56,64,64,3,3 conv:1,28,28,128,128,3,3 conv:1,14,14,256,256,3,3 conv:1,14,14,1024,256,1,1,1,0 conv:1,7,7,512,512,3,3
    conv:1,7,7,512,2048,1,1,1,0 conv:32,224,224,3,64,7,7,2 conv:32,56,56,64,64,3,3 conv:32,56,56,256,64,1,1,1,0
    conv:32,56,56,64,256,1,1,1,0 conv:32,28,28,128,128,3,3 conv:32,28,28,512,128,1,1,1,0 conv:32,14,14,256,256,3,3
    conv:32,14,14,256,1024,1,1,1,0 conv:32,7,7,512,512,3,3 conv:32,7,7,2048,512,1,1,1,0
    fc:128,768,768 fc:128,3072,768 fc:2048,768,3072 fc:2048,3072,768 fc:4096,4096,4096""".split()
VARIANTS = "auto,mma_128x128,mma_128x64,mma_64x64,mma_128x128_split,mma_128x64_split,mma_64x64_split"
WGMMA = ",wgmma_128x128,wgmma_128x64,wgmma_128x128_split,wgmma_128x64_split"


AT_ONCE = 16                # layers that one call takes


def measure(program: str, way: list[str], variant: str, ops: list[str], seconds: float) -> dict[str, tuple[float, float]]:
    """Of each op: milliseconds, and GMAC per image times images."""
    if len(ops) > AT_ONCE:
        return measure(program, way, variant, ops[:AT_ONCE], seconds) | measure(program, way, variant, ops[AT_ONCE:], seconds)
    command = [program, "bench", *(word for op in ops for word in ("--op", op)), *way, "--rounds", "1", "--duration",
               str(seconds), "--warmup", "20", "-o", "jsonl", *([] if variant == "auto" else ["--variant", variant])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 and not done.stdout:
        raise SystemExit(done.stderr)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {row["model"].removeprefix("builtin:"): (row["compute_ms"], row["gmac_per_image"] * row["batch"])
            for row in rows if row["compute_ms"]}


def torch_ms(op: str) -> float | None:
    import torch
    if not op.startswith("fc:"):
        return None
    m, k, n = map(int, op[3:].split(","))
    a = torch.randint(-128, 128, (m, k), dtype=torch.int8, device="cuda")
    b = torch.randint(-128, 128, (n, k), dtype=torch.int8, device="cuda").t()
    times = []
    for i in range(40):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        torch._int_mm(a, b)
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times[10:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("ops", nargs="*", metavar="OP")
    parser.add_argument("--backend", default="cuda")
    parser.add_argument("--isa", help="as the program takes it")
    parser.add_argument("--variants")
    parser.add_argument("--seconds", type=float, default=0.05, help="timed runs of each")
    parser.add_argument("--torch", action="store_true")
    args = parser.parse_intermixed_args()
    ops = args.ops or OPS
    variants = (args.variants or VARIANTS + (WGMMA if args.isa == "wgmma" else "")).split(",")
    way = ["--backend", args.backend, *(["--isa", args.isa] if args.isa else [])]
    found = {variant: measure(args.program, way, variant, ops, args.seconds) for variant in variants}

    print(f"{'ms':32}" + "".join(f"{v.removeprefix('mma_'):>20}" for v in variants) + f"{'best GMAC/s':>15}"
          + (f"{'torch._int_mm':>15}" if args.torch else ""))
    for op in ops:
        row = [found[v].get(op) for v in variants]
        times = [r[0] for r in row if r]
        best = f"{next(r[1] for r in row if r) / min(times) * 1e3:15.0f}" if times else f"{'-':>15}"
        line = f"{op:32}" + "".join(f"{r[0]:20.4f}" if r else f"{'-':>20}" for r in row) + best
        if args.torch:
            ms = torch_ms(op)
            line += f"{ms:15.4f}" if ms else f"{'-':>15}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
