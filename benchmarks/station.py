"""The station against torch's `generate`, the unfused graph and onnxruntime-genai: `python -m benchmarks.station`.

Two models: the embedded one, and a LLaVA of about 230 M parameters with random weights and a prompt of 600 tokens. A
third, a Qwen2.5-VL about as large, only where `--only patches` asks for it.
Every subject has a process of its own, one after another and round about, all with the same number of threads;
figures are medians over the processes, each of which takes the median of its rounds. genai knows no LLaVA, so it gets
the decoder alone and as many text tokens. At the end, whole inspections of the embedded model, file to verdict.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.station_models import Made, make_medium, make_nano, make_patches
from realign_edge.files import write_json

_STATION = {
    "station fp32": "fp32,fp32,fp32",
    "station fp32, unfused": "fp32,fp32,plain",
    "station int8": "int8,int8,int8",
    "station int4": "int4,int4,int4",
    "station mixed": "int8,fp32,int4",
}
_GENAI = {"genai fp32": "fp32", "genai int4": "int4"}
# Against `generate` of the model of 230 M parameters: figure, subject, how many times as fast.
_TARGETS = (
    ("decode", "station fp32", 1.25), ("decode", "station int4", 4.0), ("prefill", "station int8", 1.5),
    ("vision", "station int8", 2.0),
)  # fmt: skip
_BOUND_SHARE = 0.7


def main() -> None:
    """Make what is missing, measure, print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--work", type=Path, help="folder for models and bundles; kept when named")
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--processes", type=int, default=3, help="of each subject")
    options.add_argument("--rounds", type=int, default=3, help="in each process, after one to warm up")
    options.add_argument("--photos", type=int, default=60, help="that are inspected whole")
    options.add_argument("--json", type=Path, help="where all figures are written")
    options.add_argument("--only", choices=("nano", "medium", "patches"), help="one model alone")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or Path(temporary)
        found: dict[str, Any] = {"threads": given.threads, "read_gb_s": read_bandwidth(given.threads)}
        if given.only in (None, "nano"):
            found["nano"] = measure(apart(make_nano, work), given.threads, given.processes, given.rounds)
            folder = work / "nano" / "bundle"
            found["inspections"] = _run("inspections", folder, given.threads, given.photos)
        if given.only in (None, "medium"):
            found["medium"] = measure(apart(make_medium, work), given.threads, given.processes, given.rounds)
        if given.only == "patches":
            found["patches"] = measure(apart(make_patches, work), given.threads, given.processes, given.rounds)
    if given.json:
        write_json(given.json, found)
    for name in ("nano", "medium", "patches"):
        if name in found:
            print_model(name, found[name], found["read_gb_s"])
    if "inspections" in found:
        each = found["inspections"]
        print(
            f"\n{each['photos']:.0f} inspections, file to verdict: {each['a_minute']:.0f} photos a minute, "
            f"p50 {1000 * each['p50']:.0f} ms, p95 {1000 * each['p95']:.0f} ms"
        )


def apart(make: Callable[[Path], Made], work: Path) -> Made:
    """Models are made in a process of their own, whose memory is free again before anything is measured."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(make, work).result()


def measure(made: Made, threads: int, processes: int, rounds: int) -> dict[str, Any]:
    """Figures of every subject, medians over its processes, and what the decoder must read for a token."""
    ours = {n: p for n, p in _STATION.items() if made.unfused or "plain" not in p}
    subjects = {"torch generate": ("torch", *())} | {n: ("station", p) for n, p in ours.items()}
    subjects |= {n: ("genai", p) for n, p in _GENAI.items() if made.genai}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in subjects}
    for _ in range(processes):
        for name, (kind, *more) in subjects.items():
            runs[name].append(_run(kind, made.folder, threads, rounds, *more))
    figures = {n: {key: median(r[key] for r in each) for key in each[0]} for n, each in runs.items()}
    return {"subjects": figures, "weight_bytes": made.weight_bytes, "cache_bytes": made.cache_bytes}


def print_model(name: str, found: dict[str, Any], read_gb_s: float) -> None:
    """A table, and how the targets were met."""
    figures = found["subjects"]
    print(f"\n{name}: {figures['torch generate']['prompt_tokens']:.0f} prompt tokens")
    print(
        "| subject | pixels ms | vision ms | prefill tokens/s | first token ms | decode tokens/s | peak MB | load s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for subject, f in figures.items():
        first = 1000 * (f["pixels"] + f["vision"] + f["prefill"])
        seen = [f"{1000 * f[n]:.1f}" if f["vision"] else "-" for n in ("pixels", "vision")]
        print(
            f"| {subject} | {' | '.join(seen)} | {f['prompt_tokens'] / f['prefill']:.0f} | {first:.0f} "
            f"| {1 / f['decode']:.1f} | {f['peak_mb']:.0f} | {f['load']:.2f} |"
        )
    theirs = figures["torch generate"]
    for figure, subject, wanted in _TARGETS:
        times = _rate(figures[subject], figure) / _rate(theirs, figure)
        print(f"{subject}, {figure}: {times:.2f} times torch (asked for: {wanted})")
    bound = read_gb_s * 1e9 / (found["weight_bytes"] + found["cache_bytes"])
    share = 1 / figures["station fp32"]["decode"] / bound
    print(
        f"station fp32, decode: {share:.0%} of what {read_gb_s:.1f} GB/s of memory allow "
        f"({bound:.1f} tokens/s; asked for: {_BOUND_SHARE:.0%})"
    )


def _rate(figures: dict[str, float], figure: str) -> float:
    """Prompts differ by the token that a tokenizer puts first, so prefill counts by token."""
    return (figures["prompt_tokens"] if figure == "prefill" else 1.0) / figures[figure]


def read_bandwidth(threads: int) -> float:
    """GB/s at which this machine reads memory: the best of 15 dot products of two arrays of 256 MB."""
    code = (
        "import numpy as np, time\na, b = (np.ones(2**26, np.float32) for _ in range(2))\nbest = 1e9\n"
        "for _ in range(15):\n t = time.perf_counter(); a @ b; best = min(best, time.perf_counter() - t)\n"
        "print(2 * a.nbytes / best / 1e9)"
    )
    return float(_output([sys.executable, "-c", code], threads))


def _run(kind: str, folder: Path, threads: int, rounds: int, *more: str) -> dict[str, float]:
    module = [sys.executable, "-m", "benchmarks.station_subjects"]
    found: dict[str, float] = json.loads(
        _output([*module, kind, str(folder), str(threads), str(rounds), *more], threads).splitlines()[-1]
    )
    return found


def _output(command: list[str], threads: int) -> str:
    number = str(threads)
    environment = os.environ | {"OMP_NUM_THREADS": number, "OPENBLAS_NUM_THREADS": number, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
