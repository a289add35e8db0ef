"""Every graph in every precision through the parity gate, one at a time; then the mix that is shipped."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from realign_edge.bundle.contract import GRAPHS, Graph, Precision
from realign_edge.errors import GateError
from realign_edge.export.contents.calibration import Calibration
from realign_edge.export.gate.trial import EXACT, Mix, Trial
from realign_edge.export.gate.verdicts import agreement, judged_by, words_of
from realign_edge.export.graphs.graphs import Graphs
from realign_edge.export.parity.parity import Result, failing, fastest, figures_of
from realign_edge.export.parity.sitting import Paper, Sitting, ask_station
from realign_edge.progress import Progress


@dataclass(frozen=True)
class Gate:
    """What passed, what is used, and the figures of what is used together; turned_down: faster mixes, and why not;
    calibration: of what is used together."""

    results: tuple[Result, ...]
    mix: Mix
    figures: Mapping[str, float]
    turned_down: tuple[tuple[Mix, str], ...]
    calibration: Calibration


def pass_gate(trial: Trial, paper: Paper, torch: Sitting, progress: Progress) -> Gate:
    """Judge every candidate, and find the fastest mix that passes as a whole.

    Raises:
        GateError: the fp32 graphs already answer otherwise than the torch model, or nothing that is allowed passes.
    """
    settings = trial.job.settings
    results = [_result(trial, paper, torch, graph, "fp32", progress) for graph in GRAPHS]
    if results[0].reason:
        raise GateError(
            f"the exported model answers otherwise than the trained one: {results[0].reason}",
            "this is no matter of precision; report it with the run's folder",
        )
    all_photos = len(trial.job.calibration_photos)
    whole, few = judged_by(trial, EXACT, (all_photos, min(all_photos, settings.verdict_photos)), progress)
    for precision in (p for p in settings.precisions if p != "fp32"):
        for graph in GRAPHS:
            found = _result(trial, paper, torch, graph, precision, progress)
            results.append(_with_verdicts(trial, found, few, progress))
    return _as_a_whole(trial, paper, torch, results, whole, progress)


def _with_verdicts(trial: Trial, result: Result, reference: Calibration, progress: Progress) -> Result:
    """The same with whole verdicts, which are asked for only where the rest is near enough: they take longest."""
    if not result.passed:
        return result
    mix: Mix = {**EXACT, result.graph: result.precision}
    found = judged_by(trial, mix, (len(reference.judged),), progress)[0]
    figures = {**result.figures, **agreement(reference.judged, found.judged)}
    return replace(result, figures=figures, reason=failing(figures, False, trial.job.settings))


def _as_a_whole(
    trial: Trial, paper: Paper, torch: Sitting, results: list[Result], reference: Calibration, progress: Progress
) -> Gate:
    """The fastest mix that passes together, with the thresholds that it is shipped with."""
    settings = trial.job.settings
    allowed = [r for r in results if r.precision in settings.precisions]
    mix, turned_down = _fastest(allowed, trial.graphs), list[tuple[Mix, str]]()
    while True:
        figures, found = _figures(trial, paper, torch, mix, progress), reference
        reason = failing(figures, mix == EXACT, settings)
        if not reason and mix != EXACT:
            found = judged_by(trial, mix, (len(reference.judged),), progress)[0]
            figures = {**figures, **agreement(reference.judged, found.judged)}
            reason = failing(figures, False, settings)
        if not reason:
            return Gate(tuple(results), mix, figures, tuple(turned_down), found)
        turned_down.append((mix, reason))
        mix = _finer(mix, allowed, reason)


def sizes_of(graphs: Graphs) -> dict[tuple[Graph, Precision], int]:
    """Bytes of each graph in each precision."""
    return {(f.graph, f.precision): f.size for f in graphs.files}


def _fastest(allowed: list[Result], graphs: Graphs) -> Mix:
    sizes, mix = sizes_of(graphs), {}
    for graph in GRAPHS:
        found = fastest(allowed, sizes, graph)
        if found is None:
            reasons = "; ".join(f"{r.precision}: {r.reason}" for r in allowed if r.graph == graph)
            raise GateError(f"no precision of {graph} is near enough to the trained model ({reasons})", _ALLOW)
        mix[graph] = found
    return mix


_ALLOW = "allow fp32 as well: --precision fp32, or [export] precisions"


def _finer(mix: Mix, allowed: list[Result], reason: str) -> Mix:
    """The mix with its worst graph in fp32."""
    passed = {(r.graph, r.precision): r for r in allowed if r.passed}
    coarse = [g for g in GRAPHS if mix[g] != "fp32" and (g, "fp32") in passed]
    if not coarse:
        raise GateError(f"together the graphs are not near enough to the trained model: {reason}", _ALLOW)
    worst = min(coarse, key=lambda g: [passed[g, mix[g]].figures.get(n, 1.0) for n in ("verdicts", "tokens")])
    return {**mix, worst: "fp32"}


def _result(
    trial: Trial, paper: Paper, torch: Sitting, graph: Graph, precision: Precision, progress: Progress
) -> Result:
    """One graph in one precision, the others in fp32; kept, so that an export that is begun again need not ask."""
    mix: Mix = {**EXACT, graph: precision}
    found = _sitting(trial, paper, torch, mix, progress)
    ms = found["answer_ms"] if graph == "decoder_model_merged" else found["see_ms"]
    reason = failing(found["figures"], precision == "fp32", trial.job.settings)
    return Result(graph, precision, found["figures"], reason, ms)


def _figures(trial: Trial, paper: Paper, torch: Sitting, mix: Mix, progress: Progress) -> Mapping[str, float]:
    found: Mapping[str, float] = _sitting(trial, paper, torch, mix, progress)["figures"]
    return found


def _sitting(trial: Trial, paper: Paper, torch: Sitting, mix: Mix, progress: Progress) -> Any:
    def ask() -> dict[str, Any]:
        task = f"Parity: {words_of(mix)}"
        found = ask_station(trial.model(mix), paper, torch, progress, task)
        figures = figures_of(paper, torch, found, trial.job.glossary)
        return {"figures": figures, "see_ms": found.see_ms, "answer_ms": found.answer_ms}

    return trial.steps.once(json.dumps(mix, sort_keys=True), ask)
