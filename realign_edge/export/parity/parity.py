"""The parity gate: how far exported graphs are from the torch model, and whether that is near enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realign_edge.bundle.contract import Graph, Precision
from realign_edge.evaluation.chair import count_chair
from realign_edge.evaluation.pope import SETTINGS, pope_counts
from realign_edge.export.parity.sitting import Paper, Sitting
from realign_edge.export.settings import ExportSettings
from realign_edge.glossary.findings import find_findings
from realign_edge.glossary.model import Glossary
from realign_edge.station.inspecting.selftest import common

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """One graph in one precision, the others in fp32. reason: "" where it passed; ms: a photo's time in this graph."""

    graph: Graph
    precision: Precision
    figures: Figures
    reason: str
    ms: float

    @property
    def passed(self) -> bool:
        """Is it near enough to the torch model?"""
        return not self.reason


def figures_of(paper: Paper, torch: Sitting, found: Sitting, glossary: Glossary) -> dict[str, float]:
    """What the gate asks; a figure that has nothing to be counted on is left out.

    vision: largest difference of image features, as a share of the largest feature; decoder: of log-probabilities of
    the torch model's answers, in nats; cosine: the least one of retrieval vectors; tokens, defects: shares of what is
    the same (whole verdicts: export/gate/verdicts.py); chair_i: by how much hallucinated mentions changed, pope: right
    yes/no answers, both in shares.
    """
    top = max(float(np.abs(f).max()) for f in torch.features)
    pairs = list(zip(torch.logps, found.logps, strict=True))
    values = {
        "vision": max(_largest(a, b) for a, b in zip(torch.features, found.features, strict=True)) / top,
        "decoder": max(_largest(a, b) for a, b in pairs),
        "cosine": float((torch.embeddings * found.embeddings).sum(axis=1).min()),
        "tokens": float(np.mean([common(a, b) for a, b in zip(torch.ids, found.ids, strict=True)])),
        "defects": _same_defects(torch.texts, found.texts, glossary),
    }
    if paper.facts:
        before, after = (count_chair(s.texts, paper.facts, glossary).ratio("chair_i") for s in (torch, found))
        values["chair_i"] = after - before
        values["pope"] = _right(paper, found) - _right(paper, torch)
    return {name: float(v) for name, v in values.items() if np.isfinite(v)}


def failing(figures: Figures, exact: bool, settings: ExportSettings) -> str:
    """Why it is not near enough, "" where it is; exact: fp32, where only the order of sums differs."""
    least = settings.min_tokens_fp32 if exact else settings.min_tokens
    against = []
    if exact:
        for name, unit in (("vision", "of the largest feature"), ("decoder", "nats")):
            # What is left out of the figures is not finite: outputs of other shapes, or NaN.
            difference = figures.get(name, float("inf"))
            if difference > settings.fp32_difference:
                against.append(f"the {name} graph differs by {difference:.1e} {unit}")
    if figures["tokens"] < least:
        against.append(f"{figures['tokens']:.1%} of the first tokens are the same, at least {least:.1%} is asked for")
    if figures["defects"] < settings.min_defects:
        against.append(f"other defects are named in {1 - figures['defects']:.1%} of the photos")
    against += _verdicts_against(figures, settings)
    if figures.get("chair_i", 0.0) > settings.max_chair_loss:
        against.append(f"hallucinated mentions rise by {100 * figures['chair_i']:.1f} points")
    if figures.get("pope", 0.0) < -settings.max_pope_loss:
        against.append(f"right yes/no answers fall by {-100 * figures['pope']:.1f} points")
    return "; ".join(against)


def _verdicts_against(figures: Figures, settings: ExportSettings) -> list[str]:
    """Of whole verdicts, where they were asked for."""
    if "verdicts" not in figures:
        return []
    against, of = [], f"of {figures['verdicts_n']:.0f} photos"
    if figures["verdicts"] < settings.min_verdicts:
        against.append(f"{figures['verdicts']:.1%} {of} get the same verdict, at least {settings.min_verdicts:.1%}")
    if figures["let_through"] > settings.max_let_through:
        against.append(f"{figures['let_through']:.1%} {of} pass that did not, at most {settings.max_let_through:.1%}")
    return against


def fastest(results: Sequence[Result], sizes: Mapping[tuple[Graph, Precision], int], graph: Graph) -> Precision | None:
    """Of the precisions of a graph that passed, the fastest; None where none did.

    What is less than a tenth faster than a finer precision is not worth its cost. Looking embeddings up takes no
    time that matters, so there the smallest file wins of those that change no token.
    """
    passed = [r for r in results if r.graph == graph and r.passed]
    if not passed:
        return None
    if graph == "embed_tokens":
        most = max(r.figures["tokens"] for r in passed)
        free = [r for r in passed if r.figures["tokens"] == most]
        return min(free, key=lambda r: sizes[graph, r.precision]).precision
    quickest = passed[0]
    for result in passed[1:]:
        if result.ms < 0.9 * quickest.ms:
            quickest = result
    return quickest.precision


def _largest(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    if a.shape != b.shape:
        return float("inf")
    return float(np.abs(a.astype(np.float64) - b).max()) if a.size else 0.0


def _same_defects(a: Sequence[str], b: Sequence[str], glossary: Glossary) -> float:
    """Share of photos about which both name the same defects."""
    sets = [[{f.defect for f in find_findings(text, glossary)} for text in texts] for texts in (a, b)]
    return float(np.mean([x == y for x, y in zip(*sets, strict=True)]))


def _right(paper: Paper, sitting: Sitting) -> float:
    """Share of right yes/no answers over all settings; NaN without questions."""
    counts = [pope_counts(paper.probes, sitting.answers, len(paper.photos), s) for s in SETTINGS]
    asked, right = (sum(c[:, i].sum() for c in counts) for i in (0, 1))
    return float(right / asked) if asked else float("nan")
