"""The alignment report as JSON and CSV (docs/reports.md)."""

import math
from collections.abc import Sequence
from typing import Any

from realign_edge.files import finite
from realign_edge.reports import run_rows
from realign_edge.reports.alignment_model import AlignmentReport, Marked, PairExample
from realign_edge.reports.language import Words
from realign_edge.reports.plain import dump, plain
from realign_edge.reports.sheet import Value, sheet

ALIGNMENT_SCHEMA = "realign-edge/alignment-report/1"


def alignment_json(report: AlignmentReport) -> str:
    """The file's text."""
    return dump(alignment_plain(report))


def alignment_plain(report: AlignmentReport) -> dict[str, Any]:
    """The report as plain values, keys in a fixed order."""
    names = ("number", "title", "site", "run_id", "created", "state", "model", "version")
    training, result = report.training, report.result
    return {
        "schema": ALIGNMENT_SCHEMA,
        **{name: getattr(report, name) for name in names},
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "data": plain(report.data),
        "pairs": {
            "counts": dict(report.pairs.counts),
            "without": dict(report.pairs.without),
            "passed_over": dict(report.pairs.passed_over),
            "changed_by_review": dict(report.changed_by_review),
            "examples": [_example(e) for e in report.pairs.examples],
        },
        "training": {
            "steps": training.steps,
            "best_step": training.best_step,
            "ended_early": training.ended_early,
            "seconds": training.seconds,
            "curves": {name: plain(curve) for name, curve in training.curves.items()},
        },
        "result": None if result is None else {
            "photos": result.photos,
            "adopt": result.adopt,
            "sentence": result.sentence,
            "reasons": list(result.reasons),
            "figures": [{**plain(f), "outcome": f.outcome} for f in result.figures],
            "mcnemar": dict(result.mcnemar),
            "answers": [
                {"photo": a.photo, "record": a.record, "before": text(a.before), "after": text(a.after)}
                for a in result.answers
            ],
        },
        "preference_test": None if report.preference is None else finite(report.preference.to_json()),
        "settings": dict(report.settings),
        "libraries": dict(report.libraries),
        "hashes": dict(report.hashes),
    }  # fmt: skip


def _example(found: PairExample) -> dict[str, Any]:
    names = ("kind", "photo", "photo_sha256", "neighbour", "neighbour_sha256", "similarity", "prompt", "masked")
    texts = {"chosen": text(found.chosen), "rejected": text(found.rejected)}
    return {**{name: getattr(found, name) for name in names}, **texts}


def text(found: Marked) -> str:
    """The text without its marks."""
    return "".join(piece for piece, _ in found)


def alignment_csv(report: AlignmentReport, words: Words) -> str:
    """One line per figure, shares as numbers in [0, 1]; a comparison that was not made has no lines."""
    limits = ("95 % ≥", "95 % ≤")
    head = [words("settings.run"), words("result.metric")]
    for name in ("before", "after", "change"):
        head += [words(f"result.{name}"), *(f"{words(f'result.{name}')} {limit}" for limit in limits)]
    head += ["n", ""]
    return sheet(head, _figures(report, words))


def _figures(report: AlignmentReport, words: Words) -> Sequence[Sequence[Value]]:
    if report.result is None:
        return []
    rows: list[list[Value]] = []
    for figure in report.result.figures:
        row: list[Value] = [report.run_id, words(f"metric.{figure.metric}")]
        for part in (figure.before, figure.after, figure.difference):
            row += ["" if math.isnan(v) else round(v, 6) for v in (part.value, part.low, part.high)]
        rows.append([*row, report.result.photos, words(f"result.{figure.outcome}")])
    if report.preference is not None and report.preference.decided:
        rate = report.preference.win_rate
        share: list[Value] = [round(v, 6) for v in (rate.value, rate.low, rate.high)]
        name = words("result.preference_metric")
        outcome = words(f"result.{run_rows.against_half(rate.low, rate.high)}")
        rows.append([report.run_id, name, "", "", "", *share, "", "", "", rate.n, outcome])
    return rows
