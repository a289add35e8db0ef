"""The parity gate: what it measures, where it says no, and which mix it chooses."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from realign_edge.bundle.contract import GRAPHS
from realign_edge.errors import GateError
from realign_edge.evaluation.pope import Probe
from realign_edge.export.gate import gate
from realign_edge.export.gate.trial import EXACT
from realign_edge.export.parity.parity import Result, failing, fastest, figures_of
from realign_edge.export.parity.sitting import Paper, Sitting
from realign_edge.export.settings import ExportSettings
from realign_edge.export.steps import Steps
from realign_edge.glossary.facts import Facts
from realign_edge.glossary.model import Glossary, Term
from realign_edge.progress import Silent
from realign_edge.station.inspecting.selftest import common

GLOSSARY = Glossary((Term("nut", "part"), Term("rust", "defect"), Term("burr", "defect")))
SETTINGS = ExportSettings()
GOOD = {"vision": 1e-6, "decoder": 1e-6, "cosine": 1.0, "tokens": 1.0, "defects": 1.0, "chair_i": 0.0, "pope": 0.0}


def sitting(texts: tuple[str, ...], answers: tuple[str, ...] = ("Yes.", "No."), shift: float = 0.0) -> Sitting:
    ids = tuple(tuple(map(ord, text)) for text in texts)
    return Sitting(
        features=tuple(np.full((2, 3), 2 + shift, np.float32) for _ in texts),
        embeddings=np.tile(np.array([0.6, 0.8], np.float32), (len(texts), 1)),
        ids=ids,
        logps=tuple(np.full(len(i), -1 + shift, np.float32) for i in ids),
        texts=texts,
        answers=answers,
    )


@pytest.fixture
def paper() -> Paper:
    facts = (Facts("nut", {"rust": ""}, frozenset()), Facts("nut", {}, frozenset()))
    probes = (Probe(0, "rust", True, "random", "?"), Probe(1, "rust", False, "random", "?"))
    photos: Any = (SimpleNamespace(sha256="a"), SimpleNamespace(sha256="b"))
    return Paper(photos, "Describe.", facts, probes)


TRUE = ("A nut. Rust.", "A nut.")


def test_the_same_answers_pass_with_nothing_lost(paper: Paper) -> None:
    figures = figures_of(paper, sitting(TRUE), sitting(TRUE), GLOSSARY)
    assert figures == pytest.approx({**GOOD, "vision": 0.0, "decoder": 0.0})
    assert failing(figures, True, SETTINGS) == ""


def test_figures_by_hand(paper: Paper) -> None:
    found = sitting(("A nut. Burr.", "A nut."), ("Yes.", "Yes."), shift=0.5)
    figures = figures_of(paper, sitting(TRUE), found, GLOSSARY)
    assert figures["vision"] == pytest.approx(0.5 / 2)
    assert figures["defects"] == 0.5
    # "A nut. " is 7 of 12 characters and an end; the second answer is the same.
    assert figures["tokens"] == pytest.approx((7 / 13 + 1) / 2)
    # One of three mentions is wrong where none of three was.
    assert figures["chair_i"] == pytest.approx(1 / 3)
    assert figures["pope"] == pytest.approx(-1 / 2)


def test_other_lengths_are_infinitely_far(paper: Paper) -> None:
    other = sitting(TRUE)
    short = Sitting(**{**vars(other), "features": tuple(f[:1] for f in other.features)})
    figures = figures_of(paper, other, short, GLOSSARY)
    # Infinity is no figure; fp32 must have one.
    assert "vision" not in figures
    assert "the vision graph differs by inf" in failing(figures, True, SETTINGS)


@pytest.mark.parametrize(
    ("change", "exact", "words"),
    [
        ({"vision": 0.01}, True, "the vision graph differs by 1.0e-02"),
        ({"decoder": 0.01}, True, "the decoder graph differs by 1.0e-02 nats"),
        ({"tokens": 0.98}, True, "98.0% of the first tokens are the same, at least 99.0%"),
        ({"tokens": 0.7}, False, "at least 80.0%"),
        ({"defects": 0.9}, False, "other defects are named in 10.0% of the photos"),
        ({"verdicts": 0.8}, False, "80.0% of 40 photos get the same verdict, at least 90.0%"),
        ({"let_through": 0.1}, False, "10.0% of 40 photos pass that did not, at most 3.0%"),
        ({"chair_i": 0.03}, False, "hallucinated mentions rise by 3.0 points"),
        ({"pope": -0.03}, False, "right yes/no answers fall by 3.0 points"),
    ],
)
def test_every_bar_says_why(change: Mapping[str, float], exact: bool, words: str) -> None:
    whole = {} if exact else {"verdicts": 1.0, "let_through": 0.0, "verdicts_n": 40.0}
    assert failing({**GOOD, **whole}, exact, SETTINGS) == ""
    assert words in failing({**GOOD, **whole, **change}, exact, SETTINGS)
    better = {"chair_i": -0.5, "pope": 0.5, "vision": 0.5, "decoder": 0.5, "tokens": 0.9}
    assert failing({**GOOD, **better}, False, SETTINGS) == ""


def result(graph: Any, precision: Any, ms: float, tokens: float = 1.0, reason: str = "") -> Result:
    return Result(graph, precision, {**GOOD, "tokens": tokens}, reason, ms)


def test_a_coarser_precision_must_be_a_tenth_faster() -> None:
    rows = [result("vision_encoder", "fp32", 10), result("vision_encoder", "int8", 9.5)]
    assert fastest(rows, {}, "vision_encoder") == "fp32"
    rows.append(result("vision_encoder", "int4", 8))
    assert fastest(rows, {}, "vision_encoder") == "int4"
    rows[2] = result("vision_encoder", "int4", 1, reason="no")
    assert fastest(rows, {}, "vision_encoder") == "fp32"
    assert fastest(rows, {}, "decoder_model_merged") is None


def test_embeddings_are_the_smallest_that_change_no_token() -> None:
    sizes: Any = {("embed_tokens", "fp32"): 40, ("embed_tokens", "int8"): 10, ("embed_tokens", "int4"): 5}
    tokens: Any = {"fp32": 1.0, "int8": 1.0, "int4": 0.9}
    rows = [result("embed_tokens", p, 1, share) for p, share in tokens.items()]
    assert fastest(rows, sizes, "embed_tokens") == "int8"


def passing(
    monkeypatch: pytest.MonkeyPatch, bad: Any, settings: ExportSettings = SETTINGS, judged: Any = lambda _: "P"
) -> gate.Gate:
    """The gate with figures made up: bad(mix) gives what differs from good ones; coarser is always faster.

    judged(mix): the verdicts of four photos, P, F or R for each, or one for all.
    """
    asked_for: list[Any] = []

    def asked(_trial: Any, _paper: Any, _torch: Any, mix: Any, _progress: Any) -> Any:
        speed = {"fp32": 9.0, "int8": 5.0, "int4": 2.0}
        ms = {"see_ms": speed[mix["vision_encoder"]], "answer_ms": speed[mix["decoder_model_merged"]]}
        return {"figures": {**GOOD, **bad(mix)}, **ms}

    def judging(_trial: Any, mix: Any, counts: Any, _progress: Any) -> Any:
        asked_for.append({g: p for g, p in mix.items() if p != "fp32"})
        names = {"P": "PASS", "F": "FAIL", "R": "REVIEW"}
        verdicts = [names[letter] for letter in judged(mix)]
        return [SimpleNamespace(judged=tuple((verdicts * 4)[:n])) for n in counts]

    monkeypatch.setattr(gate, "_sitting", asked)
    monkeypatch.setattr(gate, "judged_by", judging)
    files = [
        SimpleNamespace(graph=g, precision=p, size=s)
        for g in GRAPHS
        for p, s in (("fp32", 4), ("int8", 2), ("int4", 1))
    ]
    job = SimpleNamespace(settings=settings, calibration_photos=(1, 2, 3, 4))
    trial: Any = SimpleNamespace(job=job, graphs=SimpleNamespace(files=files), asked_for=asked_for)
    nothing: Any = None
    found = gate.pass_gate(trial, nothing, nothing, Silent())
    # Whole verdicts take longest: fp32's are asked for once, and of nothing that is left out anyway.
    assert asked_for.count({}) == 1
    for result in found.results:
        if not result.passed and "verdicts" not in result.figures:
            assert {result.graph: result.precision} not in asked_for
    return found


def test_the_fastest_that_passes_is_used_graph_by_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    found = passing(monkeypatch, lambda m: {"defects": 0.5} if m["decoder_model_merged"] == "int4" else {})
    assert found.mix == {"vision_encoder": "int4", "embed_tokens": "int4", "decoder_model_merged": "int8"}
    assert [(r.graph, r.precision) for r in found.results if not r.passed] == [("decoder_model_merged", "int4")]
    assert len(found.results) == 9


def test_a_mix_that_fails_as_a_whole_gets_its_worst_graph_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(mix: Any) -> Any:
        coarse = sum(p != "fp32" for p in mix.values())
        if coarse > 2:
            return {"pope": -0.5}
        return {"tokens": 0.9} if mix["vision_encoder"] != "fp32" else {}

    found = passing(monkeypatch, bad)
    assert found.mix == {"vision_encoder": "fp32", "embed_tokens": "int4", "decoder_model_merged": "int4"}
    ((turned, reason),) = found.turned_down
    assert turned["vision_encoder"] == "int4"
    assert "yes/no" in reason


def test_other_verdicts_leave_a_precision_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where everything else is the same: grounding, familiarity and thresholds are seen in verdicts alone."""
    found = passing(monkeypatch, lambda _: {}, judged=lambda m: "PRPP" if m["decoder_model_merged"] == "int4" else "P")
    (left_out,) = (r for r in found.results if not r.passed)
    assert (left_out.graph, left_out.precision) == ("decoder_model_merged", "int4")
    assert left_out.reason == "75.0% of 4 photos get the same verdict, at least 90.0%"
    assert (left_out.figures["verdicts"], left_out.figures["verdicts_n"]) == (0.75, 4)
    assert found.mix["decoder_model_merged"] == "int8"
    assert found.figures["verdicts"] == 1


def test_a_mix_with_other_verdicts_gets_its_worst_graph_in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    lax = ExportSettings(min_verdicts=0.75, max_let_through=1.0)

    def judged(mix: Any) -> str:
        coarse = sum(p != "fp32" for p in mix.values())
        return "RRPP" if coarse > 2 else "RPPP" if mix["decoder_model_merged"] != "fp32" else "P"

    found = passing(monkeypatch, lambda _: {}, lax, judged)
    assert found.mix == {"vision_encoder": "int4", "embed_tokens": "int4", "decoder_model_merged": "fp32"}
    ((_, reason),) = found.turned_down
    assert "50.0% of 4 photos get the same verdict" in reason


def test_what_fp32_would_not_pass_must_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    lax = ExportSettings(min_verdicts=0.0, precisions=("fp32", "int8"))
    found = passing(monkeypatch, lambda _: {}, lax, lambda m: "FP" if set(m.values()) == {"fp32"} else "PP")
    assert found.mix == EXACT
    assert {r.reason for r in found.results if r.precision == "int8"} == {
        "50.0% of 4 photos pass that did not, at most 3.0%"
    }
    # The other way round costs a person's time, and nothing worse.
    found = passing(monkeypatch, lambda _: {}, lax, lambda m: "PP" if set(m.values()) == {"fp32"} else "RP")
    assert set(found.mix.values()) == {"int8"}


def test_nothing_worse_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GateError, match="answers otherwise than the trained one: the decoder graph differs"):
        passing(monkeypatch, lambda _: {"decoder": 1.0})
    coarse = ExportSettings(precisions=("int4",))
    with pytest.raises(GateError, match="no precision of vision_encoder is near enough") as refused:
        passing(monkeypatch, lambda m: {"tokens": 0.1} if "int4" in m.values() else {}, coarse)
    assert refused.value.exit_code == 4
    assert "--precision fp32" in refused.value.hint
    with pytest.raises(GateError, match="together the graphs are not near enough"):
        passing(monkeypatch, lambda m: {"tokens": 0.1} if [*m.values()].count("int4") > 1 else {}, coarse)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"precisions": ()}, "at least one"),
        ({"precisions": ("fp32", "fp32")}, "each once"),
        ({"golden_photos": 0}, "at least 1"),
        ({"verdict_photos": 0}, "at least 1"),
        ({"max_let_through": -0.1}, "shares"),
        ({"min_tokens": 1.5}, "shares"),
        ({"fp32_difference": 0.0}, "shares"),
    ],
)
def test_settings_make_sense(settings: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ExportSettings(**settings)


def test_steps_are_done_once_for_the_same_inputs(tmp_path: Path) -> None:
    calls: list[str] = []

    def work() -> str:
        calls.append("x")
        return "done"

    assert Steps(tmp_path / "w", "a").once("graphs", work) == "done"
    (tmp_path / "w" / "kept").touch()
    assert Steps(tmp_path / "w", "a").once("graphs", work) == "done"
    assert (len(calls), (tmp_path / "w" / "kept").exists()) == (1, True)
    assert Steps(tmp_path / "w", "b").once("graphs", work) == "done"
    assert (len(calls), (tmp_path / "w" / "kept").exists()) == (2, False)
    (tmp_path / "w" / "steps.json").write_text("{torn")
    Steps(tmp_path / "w", "b").once("graphs", work)
    assert len(calls) == 3


def test_common() -> None:
    assert common((1, 2, 3), (1, 2, 3)) == 1
    assert common((1, 2, 3), (1, 2)) == 2 / 4
    assert common((1, 2), (1, 2, 3)) == 2 / 3
    assert common((), ()) == 1
    assert common((1,), (2,)) == 0
