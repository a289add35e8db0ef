"""Every objective on the same pairs, steps and seeds: `python -m benchmarks.objectives --folder F`.

Two floors, both unbiased and unknown to the nano model: the *tuning* floor, on which settings are chosen,
and the *final* floor, which is looked at once. Finished runs are kept in the folder and not repeated.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.evaluation.compare import ratio_columns
from realign_edge.evaluation.settings import LOWER_IS_BETTER
from realign_edge.evaluation.statistics import bootstrap_weights, seeds_difference_interval
from realign_edge.files import fingerprint, write_json
from realign_edge.nano.recipe import Lines
from realign_edge.progress import Silent

FLOOR_SEEDS = {"tuning": 101, "final": 202}
NANO = PRESETS["nano"]
# The same steps, batch, learning rate and LoRA for all; single objectives have the paper's beta and no NLL term.
SUBJECTS: dict[str, AlignmentSettings] = {
    **{
        name: replace(NANO, objective=name, beta=0.1, nll_weight=0.0, holdout_share=0.0)
        for name in ("sft", "dpo", "dpo-anchored", "rdpo", "rdpo-anchored", "rdpo-symmetric")
    },
    # SFT with the learning rate that suited it best on the tuning floor.
    "sft, lr 2e-3": replace(NANO, objective="sft", beta=0.1, nll_weight=0.0, holdout_share=0.0, learning_rate=2e-3),
    "default recipe": NANO,
}
METRICS = (
    "chair_i", "chair_s", "recall", "location", "attribute", "exact", "pope_random", "pope_popular", "pope_adversarial",
)  # fmt: skip


class Bench:
    """One floor, its pairs and its exam, opened anew in every process."""

    def __init__(self, folder: Path, floor: str, photos: int, model: str, *, progress: Any) -> None:
        import torch

        from realign_edge.pipeline.align import Pipeline
        from realign_edge.pipeline.config import resolve
        from realign_edge.pipeline.exam import exam_for
        from realign_edge.shopfloor.floor import write_floor
        from realign_edge.vlm.features import FeatureStore
        from realign_edge.vlm.load import load_vlm

        torch.set_num_threads(1)
        folder.mkdir(parents=True, exist_ok=True)
        root = folder / floor
        if not (root / "records.csv").exists():
            write_floor(root, photos, FLOOR_SEEDS[floor], workers=2, progress=progress)
        self.folder, self.floor = folder, floor
        config = resolve(None, {"model": model, "photos.held_out_share": 0.4})
        outcome = Pipeline(config, folder, progress, lambda: False).run(root, "pairs")
        assert outcome.pairs is not None
        self.vlm, self.built = load_vlm(model), outcome.pairs
        self.store = FeatureStore(folder / "features", self.vlm)
        self.exam = exam_for(
            config.evaluation, outcome.language.language, outcome.collection, outcome.glossary, self.vlm, self.store
        )

    def measure(self, settings: AlignmentSettings | None) -> dict[str, Any]:
        """Train (or take the base model as it is) and examine; kept on disk."""
        from realign_edge.alignment.loop import Uninterrupted
        from realign_edge.alignment.lora import eject, load_adapter
        from realign_edge.alignment.trainer import Workspace, align
        from realign_edge.evaluation.evaluate import take_exam

        about = asdict(settings) if settings else "base"
        key = fingerprint(self.vlm.fingerprint, self.floor, [p.pair_id for p in self.built.pair_list], about)
        file = self.folder / "results" / f"{key}.json"
        if file.exists():
            return dict(json.loads(file.read_text()))
        seconds, wrapped = 0.0, None
        if settings is not None:
            run = Workspace(self.folder / "runs" / key, self.folder / "references")
            result = align(
                self.vlm, self.built.pair_list, self.store, settings, run,
                progress=Silent(), events=lambda _: None, control=Uninterrupted(),
            )  # fmt: skip
            seconds, wrapped = result.seconds, load_adapter(self.vlm, result.adapter)
        answers = take_exam(self.vlm, self.store, self.exam, Silent(), "exam")
        if wrapped is not None:
            eject(self.vlm, wrapped)
        columns = {m: [c.tolist() for c in pair] for m, pair in ratio_columns(answers).items()}
        yes = {s: float(t[:, 2].sum() / t[:, 0].sum()) for s, t in answers.pope.items()}
        value = {
            "columns": columns,
            "note_logps": answers.note_logps.tolist(),
            "yes": yes,
            "train_s": round(seconds, 1),
        }
        file.parent.mkdir(exist_ok=True)
        write_json(file, value)
        return value


_BENCH: Bench | None = None


def _open(*arguments: Any) -> None:
    global _BENCH  # noqa: PLW0603 - one per worker process
    _BENCH = Bench(*arguments, progress=Silent())


def _measure(settings: AlignmentSettings | None) -> dict[str, Any]:
    assert _BENCH is not None
    return _BENCH.measure(settings)


def table(base: Mapping[str, Any], runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """A Markdown table: the mean over seeds, and the change against base with its interval over photos and seeds."""
    photos = len(base["note_logps"])
    weights = bootstrap_weights(photos, 10_000, 0)
    lines = [f"| objective | {' | '.join(METRICS)} | chosen, nats |", "|---" * (len(METRICS) + 2) + "|"]
    start = {m: _ratio(base["columns"][m]) for m in METRICS}
    lines.append(f"| base | {' | '.join(f'{start[m] * 100:.1f}' for m in METRICS)} | |")
    for name, found in runs.items():
        cells = [_cell(m, base, found, weights) for m in METRICS]
        nats = [float(np.nanmean(np.array(r["note_logps"]) - np.array(base["note_logps"]))) for r in found]
        lines.append(f"| {name} | {' | '.join(cells)} | {np.mean(nats):+.2f} ({min(nats):+.2f} to {max(nats):+.2f}) |")
    return "\n".join(lines)


def _cell(metric: str, base: Mapping[str, Any], found: Sequence[Mapping[str, Any]], weights: Any) -> str:
    d = against(metric, [base], found, weights)
    mean = np.mean([_ratio(r["columns"][metric]) for r in found]) * 100
    mark = "" if not (d.low > 0 or d.high < 0) else ("**" if (d.high < 0) == (metric in LOWER_IS_BETTER) else "_")
    return f"{mark}{mean:.1f}{mark} [{d.low * 100:+.1f}, {d.high * 100:+.1f}]"


def against(
    metric: str,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    weights: Any,
    relative: bool = False,
) -> Any:
    """Mean over seeds of after - before, with its two-level interval; `before` is one result or one per seed."""
    old, new = (
        [(np.array(top), np.array(bottom)) for top, bottom in (run["columns"][metric] for run in runs)]
        for runs in (before, after)
    )
    return seeds_difference_interval(old, new, weights, 0, relative)


def duel(runs: Mapping[str, Sequence[Mapping[str, Any]]], rival: str, weights: Any) -> str:
    """Every other subject against `rival` on the same seeds, in points; **bold** where clear of zero."""
    lines = [f"| minus {rival} | {' | '.join(METRICS)} |", "|---" * (len(METRICS) + 1) + "|"]
    for name, found in runs.items():
        if name == rival:
            continue
        differences = [against(m, runs[rival], found, weights) for m in METRICS]
        shown = [f"{d.value * 100:+.1f} [{d.low * 100:+.1f}, {d.high * 100:+.1f}]" for d in differences]
        clear = [d.low > 0 or d.high < 0 for d in differences]
        lines.append(f"| {name} | {' | '.join(f'**{s}**' if c else s for s, c in zip(shown, clear, strict=True))} |")
    return "\n".join(lines)


def _ratio(columns: Any) -> float:
    return float(np.sum(columns[0]) / np.sum(columns[1]))


def run(
    bench: Bench, subjects: Mapping[str, AlignmentSettings], seeds: int, workers: int, model: str, photos: int
) -> str:
    """Measure every subject on every seed, and put the table together."""
    base = bench.measure(None)
    jobs = [replace(s, seed=seed) for seed in range(seeds) for s in subjects.values()]
    arguments = (bench.folder, bench.floor, photos, model)
    lines = Lines()
    lines.start("runs", len(jobs), "runs")
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_open, initargs=arguments) as pool:
        for done, _ in enumerate(pool.map(_measure, jobs), 1):
            lines.advance(done)
    lines.finish()
    found = {n: [bench.measure(replace(s, seed=seed)) for seed in range(seeds)] for n, s in subjects.items()}
    weights = bootstrap_weights(len(base["note_logps"]), 10_000, 0)
    text = table(base, found)
    for name, results in found.items():
        fall = against("chair_i", [base], results, weights, relative=True)
        text += f"\n{name}: CHAIR-i {fall.value:+.1%} relative [{fall.low:+.1%}, {fall.high:+.1%}], "
        text += f"training {np.median([r['train_s'] for r in results]):.0f} s, "
        text += f"yes-ratio {np.mean([r['yes']['adversarial'] for r in results]):.2f}"
    if "sft" in found and len(found) > 1:
        text += "\n\n" + duel(found, "sft", weights)
    return text


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("benchmarks/.objectives"))
    parser.add_argument("--floor", choices=tuple(FLOOR_SEEDS), default="final")
    parser.add_argument("--photos", type=int, default=640)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--subjects", type=json.loads, default=None, help="JSON: name to changed alignment settings")
    arguments = parser.parse_args()
    subjects = SUBJECTS
    if arguments.subjects is not None:
        subjects = {name: replace(NANO, **changes) for name, changes in arguments.subjects.items()}
    bench = Bench(arguments.folder, arguments.floor, arguments.photos, arguments.model, progress=Lines())
    print(f"{len(bench.exam.photos)} held-out photos, {len(bench.exam.probes)} probes, pairs {bench.built.pairs}")
    print(run(bench, subjects, arguments.seeds, arguments.workers, arguments.model, arguments.photos))


if __name__ == "__main__":
    main()
