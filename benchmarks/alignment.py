"""Our training step against TRL's and against whole sequences: `python -m benchmarks.alignment`.

Every row is one pair of processes that take turns, so that a busy machine slows both. Same weights, pairs,
order, LoRA start, optimiser, dtype and threads; the losses of all rounds are compared. Peak memory is what
a process had resident at most, above what it held with the libraries loaded and no model.
"""

import argparse
import importlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.job import Job, Ours, medium_job, nano_job
from benchmarks.peers import SixForwards, Trl
from benchmarks.workers import Worker, compare, ratio
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.vlm.branches import Packed, pack

BASE = AlignmentSettings(
    beta=0.1, lora_rank=16, lora_alpha=32, learning_rate=1e-4, batch_pairs=32, micro_tokens=8192, holdout_share=0.0
)
TARGETS = {
    "medium dpo step": (2.4, 0.6),
    "medium rdpo step": (2.2, 0.6),
    "medium rdpo epoch": (1.4, 0.6),
    "nano dpo step": (2.0, 0.6),
    "nano rdpo step": (2.0, 0.6),
}


def row(name: str, job: Job, theirs: Worker, rounds: int, epoch: bool = False) -> dict[str, Any]:
    """One comparison, with the worker of the peer started already."""
    ours = Worker(Ours, job, epoch, threads=torch.get_num_threads())
    found = compare(ours, theirs, rounds)
    our_peak, their_peak = ours.close(), theirs.close()
    speed = ratio(found["theirs"], found["ours"])
    value = {
        "row": name,
        "ratio": [round(x, 3) for x in speed],
        "target": TARGETS[name][0],
        "seconds": {"ours": round(median(found["ours"]), 3), "theirs": round(median(found["theirs"]), 3)},
        "peak_mib": {"ours": our_peak // 2**20, "theirs": their_peak // 2**20},
        "peak_ratio": round(our_peak / their_peak, 3),
        "losses": [found["our_values"], found["their_values"]],
        "largest_loss_difference": max(
            abs(a - b) for a, b in zip(found["our_values"], found["their_values"], strict=True)
        ),
    }
    print(json.dumps({k: v for k, v in value.items() if k != "losses"}), flush=True)
    return value


def ceiling(job: Job) -> dict[str, Any]:
    """Share of this machine's measured matrix-multiply rate that the medium step uses, and where the rest goes."""
    from torch.profiler import ProfilerActivity, profile

    threads = torch.get_num_threads()
    size = 2048
    a, b = torch.randn(size, size), torch.randn(size, size)
    ours = Ours(job)
    ours.round()
    rates, steps = [], []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(4):
            a @ b
        rates.append(4 * 2 * size**3 / (time.perf_counter() - began))
        began = time.perf_counter()
        ours.round()
        steps.append(time.perf_counter() - began)
    shares = [step_flops(ours) / t / r for t, r in zip(steps, rates, strict=True)]
    with profile(activities=[ProfilerActivity.CPU]) as found:
        ours.round()
    parts = {e.key: e.self_cpu_time_total for e in found.key_averages()}
    total = sum(parts.values())
    top = sorted(parts.items(), key=lambda part: -part[1])[:14]
    value = {
        "row": "share of the matrix-multiply ceiling",
        "threads": threads,
        "share": [round(x, 3) for x in (median(shares), min(shares), max(shares))],
        "gflops": round(median(rates) / 1e9, 1),
        "step_gflop": round(step_flops(ours) / 1e9, 1),
        "step_seconds": round(median(steps), 3),
        "time_by_operator": {name: round(t / total, 3) for name, t in top},
    }
    print(json.dumps(value), flush=True)
    return value


def step_flops(ours: Ours) -> float:
    """Multiply-adds, twice, that one step must do: frozen linear layers forward and back to their input, LoRA
    with its own gradients, attention over the positions that the mask allows, the head at answers alone."""
    text = ours.vlm.model.config.get_text_config()
    d, i, layers, rank = text.hidden_size, text.intermediate_size, text.num_hidden_layers, ours.job.settings.lora_rank
    attention_in = text.num_attention_heads * (d // text.num_attention_heads)
    linear = 4 * d * attention_in + 3 * d * i
    lora = rank * (4 * (d + attention_in) + 3 * (d + i))
    total = 0.0
    for index in range(ours.job.batch):
        item = ours.learner.items[index]
        chosen, rejected = len(item.chosen), len(item.rejected)
        prompts = len(item.prompt), len(item.other or ())
        lengths = item.lengths(ours.job.settings.objective)
        for n, prompt, answers in zip(lengths, prompts, ((chosen, rejected), (chosen,)), strict=True):
            if not n:
                continue
            seen = prompt * (prompt + 1) / 2 + sum(a * prompt + a * (a + 1) / 2 for a in answers)
            # Forward 2, gradient of the input 2; LoRA also the gradients of its own weights; attention 2 + 5 products.
            total += layers * (4 * n * linear + 6 * n * lora + 2 * 2 * d * seen * (1 + 2.5))
            total += 4 * sum(answers) * d * text.vocab_size
    return total


def loading(job: Job, steps: int) -> dict[str, Any]:
    """What of a step is reading features and laying out batches, and how much of the batches is padding."""
    batches: Any = importlib.import_module("realign_edge.alignment.batches")
    ours, spent, sizes = Ours(job), [0.0], [0, 0]

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            began = time.perf_counter()
            value = function(*given, **more)
            spent[0] += time.perf_counter() - began
            if isinstance(value, Packed):
                sizes[0] += round(value.density * value.ids.numel())
                sizes[1] += value.ids.numel()
            return value

        return call

    ours.round()
    store: Any = ours.learner.store
    store.sights, batches.pack = watched(store.sights), watched(pack)
    began = time.perf_counter()
    for _ in range(steps):
        ours.round()
    seconds = time.perf_counter() - began
    batches.pack = pack
    value = {
        "row": f"{job.model.name}: reading features and packing, {steps} steps of {job.batch} pairs",
        "share_of_time": round(spent[0] / seconds, 5),
        "padding": round(1 - sizes[0] / sizes[1], 4),
    }
    print(json.dumps(value), flush=True)
    return value


def main() -> None:
    """Run the rows that are asked for and write them down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="working folder [default: a temporary one]")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", default="", help="only rows whose name holds this")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for everything that was measured")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="bench-alignment-"))
    folder.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    dpo, rdpo = replace(BASE, objective="dpo"), replace(BASE, objective="rdpo")
    if given.rows in "share of the matrix-multiply ceiling":
        found.append(ceiling(medium_job(folder, dpo, pairs=4)))
    if given.rows in "reading features and packing":
        found.append(loading(medium_job(folder, rdpo, pairs=4), steps=2))
        found.append(loading(nano_job(folder, rdpo, 32), steps=10))
    for name in (n for n in TARGETS if given.rows in n):
        model, objective, what = name.split()
        settings = dpo if objective == "dpo" else rdpo
        pairs = 2 if what == "epoch" else 4
        job = medium_job(folder, settings, pairs) if model == "medium" else nano_job(folder, settings, 32)
        theirs = (
            Worker(Trl, job, folder / "trl", threads=given.threads)
            if objective == "dpo"
            else Worker(SixForwards, job, pairs if what == "epoch" else 1, threads=given.threads)
        )
        found.append(row(name, job, theirs, given.rounds, what == "epoch"))
    if given.out:
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if given.folder is None:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
