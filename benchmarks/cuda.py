"""The shapes of LLaVA-1.5-7B and Qwen2.5-VL-7B on a CUDA GPU, weights random: `python -m benchmarks.cuda`.

NF4 with double quantisation, bfloat16, gradient checkpointing. Rows of each: the peak of one pair a step against
16 GiB and against what the planner said, with the pairs a second; the most pairs at a time that fit 24 GiB; three
steps, and the same stopped after the second and resumed. Of LLaVA also our dpo step against TRL's and our rdpo
step against six whole forwards, sides taking turns. `--shrink N` divides the models and runs the same on the CPU,
in float32, to see that the script works; `--model` takes one of them.
"""

import argparse
import json
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.job import ON_CPU, Job, Ours, Where, random_job
from benchmarks.llava import SEVEN_B, write_llava
from benchmarks.peers import SixForwards, Trl
from benchmarks.qwen import QWEN_SEVEN_B, USUAL_PHOTO, write_qwen
from benchmarks.resume import STEPS, Resumed
from benchmarks.workers import Worker, compare, peak_bytes, ratio
from realign_edge.alignment.batches import padded_tokens
from realign_edge.alignment.gradient import OutOfMemoryError
from realign_edge.alignment.memory import geometry_of, peak
from realign_edge.alignment.settings import AlignmentSettings

GIB = 2**30
SETTINGS = AlignmentSettings(
    objective="rdpo", lora_rank=128, lora_alpha=256, learning_rate=1e-5, batch_pairs=8, micro_tokens=4096,
    gradient_checkpointing=True, holdout_share=0.0, quantization="nf4",
)  # fmt: skip
ON_GPU = Where("cuda", torch.bfloat16, "nf4")
TARGET_GIB, CARD_GIB = 16, 24
NO_DEVICE = 3
# In the order in which they are measured; the peers know LLaVA alone.
ROWS = ("pair", "resume", "largest", "trl", "six")


class Measured(Ours):
    """Our steps, and what they take."""

    def forecast(self) -> dict[str, int]:
        """Bytes that the planner expects of one pair at a time, part by part."""
        # The run plans before there is an adapter, which the subject has already.
        geometry, settings = geometry_of(self.vlm), self.job.settings
        own = sum(p.numel() * p.element_size() for p in self.parameters)
        found = peak(replace(geometry, weights=geometry.weights - own), settings, self.learner.items, 1)
        parts = {f.name: int(getattr(found, f.name)) for f in fields(found) if f.name != "tokens"}
        return {**parts, "total": found.total}

    def peak(self) -> dict[str, int]:
        """Bytes since the subject was built; context: what the device holds besides torch's tensors."""
        device = self.vlm.device.type
        if device == "cpu":
            return {"allocated": peak_bytes(device), "reserved": peak_bytes(device), "context": 0}
        free, total = torch.cuda.mem_get_info()
        return {
            "allocated": torch.cuda.max_memory_allocated(),
            "reserved": peak_bytes(device),
            "context": total - free - torch.cuda.memory_reserved(),
        }

    def fits(self, count: int) -> int:
        """Tokens of a group of so many pairs if its gradient fits into memory, else 0."""
        objective, known = self.job.settings.objective, len(self.learner.items)
        indices = [i % known for i in range(count)]
        budget = padded_tokens([self.learner.items[i].lengths(objective) for i in indices])
        self.learner.budget = budget
        try:
            self.learner.gradient(indices, objective)
        except OutOfMemoryError:
            return 0
        # The learner halves its budget where memory runs out.
        return budget if self.learner.budget == budget else 0


def speed(job: Job, peer: Any, name: str, rounds: int, threads: int) -> dict[str, Any]:
    """Ours and a peer, taking turns on the same device."""
    arguments = (job, job.folder / "trl") if peer is Trl else (job, 1)
    ours = Worker(Ours, job, threads=threads, device=job.where.device)
    theirs = Worker(peer, *arguments, threads=threads, device=job.where.device)
    found = compare(ours, theirs, rounds)
    peaks = {"ours": ours.close(), "theirs": theirs.close()}
    return {
        "row": name,
        "ratio": [round(x, 3) for x in ratio(found["theirs"], found["ours"])],
        "items_per_s": {side: round(job.batch / median(found[side]), 3) for side in peaks},
        "peak_gib": {side: round(size / GIB, 2) for side, size in peaks.items()},
        "losses": {"ours": found["our_values"], "theirs": found["their_values"]},
    }


def one_pair(job: Job, threads: int) -> dict[str, Any]:
    """The peak of one pair a step, and what the planner expected."""
    worker = Worker(Measured, job, threads=threads, device=job.where.device)
    expected = worker.ask("forecast")
    seconds = [worker.round()[0] for _ in range(1 + STEPS)][1:]
    found = worker.ask("peak")
    worker.close()
    return {
        "row": "one pair a step",
        "items_per_s": round(job.batch / median(seconds), 3),
        "target_gib": TARGET_GIB,
        "peak_gib": {kind: round(size / GIB, 2) for kind, size in found.items()},
        "met": found["reserved"] + found["context"] <= TARGET_GIB * GIB,
        "planned_gib": {part: round(size / GIB, 2) for part, size in expected.items()},
        "planned_over_measured": round(expected["total"] / (found["reserved"] + found["context"]), 3),
    }


def largest(job: Job, most: int, threads: int) -> dict[str, Any]:
    """The most pairs at a time in CARD_GIB: doubled until they do not fit, then bisected."""
    worker = Worker(Measured, job, threads=threads, device=job.where.device, most_bytes=CARD_GIB * GIB)
    good, bad, tokens = 0, most + 1, 0
    while bad - good > 1:
        count = min(max(1, good * 2), most) if bad > most else (good + bad) // 2
        found = worker.ask("fits", count)
        good, bad, tokens = (count, bad, found) if found else (good, count, tokens)
    worker.close()
    return {"row": "largest group", "limit_gib": CARD_GIB, "pairs": good, "tokens": tokens, "tried_up_to": most}


def stop_and_go_on(job: Job, threads: int) -> dict[str, Any]:
    """Three steps, and three with a stop behind the second; an adapter of rank 16, as it is written at every step."""
    small = replace(job, settings=replace(job.settings, lora_rank=16, lora_alpha=32))
    worker = Worker(Resumed, small, threads=threads, device=job.where.device)
    found: dict[str, Any] = worker.ask("both")
    worker.close()
    return {"row": "three steps and a resume", **found}


def main() -> int:
    """Run all rows; 3 where there is no CUDA device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None, help="working folder [default: a temporary one]")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=1, help="pairs a step in the comparisons")
    parser.add_argument("--most", type=int, default=256, help="pairs at a time that are tried at most")
    parser.add_argument("--model", choices=["llava", "qwen", "both"], default="both")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--shrink", type=int, default=1, help="divide the models by this, and run on the CPU")
    parser.add_argument("--out", type=Path, default=None, help="JSON file for everything that was measured")
    given = parser.parse_args()
    if given.shrink == 1 and not torch.cuda.is_available():
        print("error: no CUDA device\nhint: `--shrink 16` checks the script on the CPU")
        return NO_DEVICE
    folder = given.folder or Path(tempfile.mkdtemp(prefix="bench-cuda-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = rows(folder, given)
    if given.out:
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if given.folder is None:
        shutil.rmtree(folder)
    return 0


def rows(folder: Path, given: argparse.Namespace) -> list[dict[str, Any]]:
    """Everything, printed as it comes."""
    where = ON_GPU if given.shrink == 1 else ON_CPU
    found: list[dict[str, Any]] = []

    def keep(row: dict[str, Any]) -> None:
        found.append(row)
        print(json.dumps({k: v for k, v in row.items() if k != "losses" or "whole" in v}), flush=True)

    keep({"row": "device", "name": name_of(where)})
    for model in ("llava", "qwen") if given.model == "both" else (given.model,):
        (folder / model).mkdir(exist_ok=True)
        rdpo = prepared(model, folder / model, where, given)
        for measure in measures(model, rdpo, given):
            keep({"model": model, **measure()})
    return found


def prepared(model: str, folder: Path, where: Where, given: argparse.Namespace) -> Job:
    """`job_of` in a process that ends: the workers are to have the device alone."""
    if where.device == "cpu":
        return job_of(model, folder, where, given)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(job_of, model, folder, where, given).result()


def job_of(model: str, folder: Path, where: Where, given: argparse.Namespace) -> Job:
    """Four pairs with random photos of a usual size, and a random model to learn them."""
    settings = replace(SETTINGS, quantization=where.quantization)
    size = (336, 336)
    if model == "qwen":
        write_qwen(folder / "model", QWEN_SEVEN_B.shrunk(given.shrink), where.dtype, where.device)
        # On the CPU a small photo tells as much of the script.
        size = USUAL_PHOTO if given.shrink == 1 else (140, 112)
    else:
        write_llava(folder / "model", SEVEN_B.shrunk(given.shrink), where.dtype, where.device)
    return replace(random_job(folder / "model", folder, settings, 4, where, size), batch=given.batch)


def measures(model: str, rdpo: Job, given: argparse.Namespace) -> Iterator[Callable[[], dict[str, Any]]]:
    """The rows of one model that were asked for."""
    dpo, threads = replace(rdpo, settings=replace(rdpo.settings, objective="dpo")), given.threads
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "pair": lambda: one_pair(replace(rdpo, batch=1), threads),
        "resume": lambda: stop_and_go_on(replace(rdpo, batch=1), threads),
        "largest": lambda: largest(rdpo, given.most, threads),
    }
    if model == "llava":
        known["trl"] = lambda: speed(dpo, Trl, "dpo step against TRL", given.rounds, threads)
        known["six"] = lambda: speed(rdpo, SixForwards, "rdpo step against six forwards", given.rounds, threads)
    return (known[name] for name in ROWS if name in known and name in given.rows)


def name_of(where: Where) -> str:
    """The device as a person knows it."""
    return torch.cuda.get_device_name() if where.device == "cuda" else f"CPU, as a check of the script ({where.dtype})"


if __name__ == "__main__":
    raise SystemExit(main())
