"""Whole verdicts: how far two sets agree, and what is kept of them in an export that goes on later."""

import json
import math
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from realign_edge.bundle.contract import GRAPHS
from realign_edge.export.gate import verdicts
from realign_edge.export.gate.verdicts import agreement, judged_by, words_of
from realign_edge.export.steps import Steps
from realign_edge.intervals import wilson_interval
from realign_edge.progress import Silent
from realign_edge.station.evidence.evidence import Evidence
from realign_edge.station.judging.rules import DEFAULT, load_rules


def test_agreement_by_hand() -> None:
    found = agreement(["PASS", "PASS", "FAIL", "REVIEW", "REVIEW"], ["PASS", "REVIEW", "FAIL", "PASS", "REVIEW"])
    share = wilson_interval(3, 5)
    assert found == pytest.approx({
        "verdicts": 0.6, "verdicts_low": share.low, "verdicts_high": share.high, "verdicts_n": 5.0, "let_through": 0.2,
    })  # fmt: skip
    with pytest.raises(ValueError, match="longer"):
        agreement(["PASS"], ["PASS", "PASS"])


def test_a_mix_in_words() -> None:
    mix: Any = dict.fromkeys(GRAPHS, "fp32")
    assert words_of(mix) == "fp32"
    assert words_of({**mix, "vision_encoder": "int8", "decoder_model_merged": "int4"}) == "vision int8, decoder int4"


def seen(familiarity: float) -> Evidence:
    return Evidence("A nut.", "nut", True, True, 0.9, familiarity, (), (), (), (), ())


def plain(calibration: Any) -> str:
    return json.dumps(asdict(calibration), sort_keys=True)


@pytest.fixture
def trial(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ten photos whose familiarity is their number."""
    photos = tuple(SimpleNamespace(path=n, sha256=str(n), record=None) for n in range(10))
    calls: list[str] = []

    def inspector(_trial: Any, mix: Any, _progress: Any) -> Any:
        calls.append(mix["vision_encoder"])
        shift = 0.0 if mix["vision_encoder"] == "fp32" else 100.0
        return SimpleNamespace(
            rules=load_rules(DEFAULT), language="en", glossary=None, examine=lambda rgb, without: seen(int(rgb) + shift)
        )

    monkeypatch.setattr(verdicts, "_inspector", inspector)
    monkeypatch.setattr("realign_edge.export.contents.calibration.read_same", lambda photo: photo.path)
    monkeypatch.setattr("realign_edge.export.contents.calibration.facts_of", lambda record, glossary: None)
    job = SimpleNamespace(calibration_photos=photos)
    return SimpleNamespace(job=job, steps=Steps(tmp_path / "w", "a"), calls=calls, folder=tmp_path / "w")


def test_thresholds_belong_to_the_precision_that_is_judged(trial: Any) -> None:
    """Another graph's similarities lie elsewhere; by fp32's threshold no photo of it would be familiar, or each."""
    mix: Any = dict.fromkeys(GRAPHS, "fp32")
    (exact,) = judged_by(trial, mix, (10,), Silent())
    (other,) = judged_by(trial, {**mix, "vision_encoder": "int8"}, (10,), Silent())
    assert exact.judged == other.judged
    assert exact.judged.count("REVIEW") == 1
    assert other.values["familiarity"] == pytest.approx(100 + exact.values["familiarity"])


def test_the_first_few_are_calibrated_by_themselves_and_all_is_kept(trial: Any) -> None:
    mix: Any = dict.fromkeys(GRAPHS, "fp32")
    whole, few = judged_by(trial, mix, (10, 4), Silent())
    assert (len(whole.judged), len(few.judged)) == (10, 4)
    assert whole.values["familiarity"] > few.values["familiarity"]
    assert sum(few.baseline.verdicts.values()) == 4
    # Killed and begun again: read from the disk, where a share of nothing is null.
    trial.steps = Steps(trial.folder, "a")
    again = judged_by(trial, mix, (10, 4), Silent())
    assert trial.calls == ["fp32"]
    assert math.isnan(again[0].thresholds["confidence"].wrong_caught)
    assert [plain(c) for c in again] == [plain(c) for c in (whole, few)]
