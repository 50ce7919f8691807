# SPDX-License-Identifier: Apache-2.0
"""From rounds to rows: medians, their spread, ratios and differing bytes."""
from math import comb
from statistics import median

COLUMNS = ("model", "threads", "peer", "median ms [spread]", "times Lockstep's", "% of peak")


def spread(values: list[float]) -> tuple[float, float]:
    """Where the median lies with a confidence of 95 %, by the sign test; the extremes where there are too few values."""
    ordered, n, out = sorted(values), len(values), 0
    while n - 2 * out > 2 and 2 * sum(comb(n, i) for i in range(out + 1)) <= 0.05 * 2**n:
        out += 1
    low = max(out - 1, 0)
    return ordered[low], ordered[n - 1 - low]


def row(model: str, threads: int, peer: str, rounds: list[float], ours: list[float], peaks: list[float], macs: int) -> dict:
    """One peer's rounds in ms beside Lockstep's and the peaks (GMAC/s) of the same rounds: ratios are taken round by round."""
    ratios = [a / b for a, b in zip(rounds, ours)]
    percents = [100 * macs / (ms * 1e6) / peak for ms, peak in zip(rounds, peaks)]
    return {"model": model, "threads": threads, "peer": peer, "median_ms": median(rounds), "spread_ms": spread(rounds),
            "ratio": median(ratios) if ratios else None, "ratio_spread": spread(ratios) if ratios else None,
            "percent_of_peak": median(percents) if percents else None, "rounds_ms": rounds}


def missing(model: str, threads: int, peer: str, why: str) -> dict:
    return {"model": model, "threads": threads, "peer": peer, "missing": why}


def differing(a: bytes, b: bytes) -> tuple[int, int]:
    """How many bytes differ, of how many; other lengths are no equal bytes."""
    return sum(x != y for x, y in zip(a, b)) + abs(len(a) - len(b)), max(len(a), len(b))


def line(cells) -> str:
    return "| " + " | ".join(cells) + " |"


def cells_of(r: dict) -> list[str]:
    head = [r["model"], str(r["threads"]), r["peer"]]
    if "missing" in r:
        return [*head, r["missing"].replace("|", "/"), "", ""]
    low, high = r["spread_ms"]
    ratio = "" if r["ratio"] is None else f"{r['ratio']:.2f} [{r['ratio_spread'][0]:.2f}, {r['ratio_spread'][1]:.2f}]"
    percent = "" if r["percent_of_peak"] is None else f"{r['percent_of_peak']:.1f}"
    return [*head, f"{r['median_ms']:.4g} [{low:.4g}, {high:.4g}]", ratio, percent]


def table(rows: list[dict]) -> str:
    return "\n".join([line(COLUMNS), "|---|--:|---|--:|--:|--:|", *(line(cells_of(r)) for r in rows)])


def agreement_table(rows: list[dict]) -> str:
    out = [line(("model", "peer", "held against", "bytes that differ", "of")), "|---|---|---|--:|--:|"]
    for r in rows:
        end = [r["missing"].replace("|", "/"), ""] if "missing" in r else [str(r["differ"]), str(r["bytes"])]
        out.append(line([r["model"], r["peer"], r["against"], *end]))
    return "\n".join(out)
