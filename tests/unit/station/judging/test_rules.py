"""The rules: what they decide, what they say, and what a rule file may not say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from realign_edge.errors import MissingError, UsageError
from realign_edge.results.model import Finding, Neighbour
from realign_edge.station.evidence.evidence import Evidence, Probe
from realign_edge.station.judging.causes import CONDITIONS
from realign_edge.station.judging.rules import DEFAULT, Rule, Rules, judge, load_rules
from realign_edge.station.profile import FIELDS, read_profile

NAN = float("nan")
THRESHOLDS = {"familiarity": 0.5, "confidence": 0.6, "grounding": 0.4, "denied": 0.3, "suspected": 0.8, "same": 0.99}
SCRATCH = Finding("scratch", "center", "scratch at the center", 2.0, 0.9)
PAST = Neighbour("0" * 64, "past.jpg", 0.9, part="gear", defects=("scratch",), locations=("center",))
CLEAN = Evidence("Gear. No defects found.", "gear", True, True, 0.9, 0.8, (), (), (), (PAST,), (True,))
DAMAGED = replace(
    CLEAN, description="Gear. Scratch at the center.", findings=(SCRATCH,), confirmed=(Probe("scratch", 0.9),)
)
DOUBTED = {
    "unfamiliar": replace(DAMAGED, familiarity=0.49),
    "unfinished": replace(CLEAN, finished=False),
    "unknown part": replace(CLEAN, part=""),
    "other part": replace(CLEAN, part="bolt"),
    "contradicted": replace(CLEAN, neighbours=(replace(PAST, similarity=0.995),)),
    "unsure": replace(CLEAN, confidence=0.59),
    "weakly grounded": replace(DAMAGED, findings=(SCRATCH, replace(SCRATCH, defect="dent", grounding=0.39))),
    "denied": replace(DAMAGED, confirmed=(Probe("scratch", 0.29),)),
    "unread": replace(CLEAN, strange=("smeared", "grease")),
    "suspected": replace(CLEAN, suspected=(Probe("rust", 0.1), Probe("crack", 0.8))),
}


def rules() -> Rules:
    return load_rules(DEFAULT)


def test_a_clean_part_passes_and_a_damaged_one_fails() -> None:
    assert judge(CLEAN, rules(), THRESHOLDS, "en")[0] == "PASS"
    verdict, reasons = judge(DAMAGED, rules(), THRESHOLDS, "en")
    assert (verdict, [r.sentence for r in reasons]) == ("FAIL", ["Defect: scratch at the center."])


@pytest.mark.parametrize("name", DOUBTED)
def test_every_doubt_goes_to_a_person(name: str) -> None:
    for language in ("en", "ja"):
        verdict, reasons = judge(DOUBTED[name], rules(), THRESHOLDS, language)
        assert (verdict, reasons[0].rule) == ("REVIEW", name)
        assert "{" not in reasons[0].sentence


@pytest.mark.parametrize(
    "evidence",
    [
        replace(CLEAN, familiarity=NAN),
        replace(CLEAN, confidence=NAN),
        replace(CLEAN, suspected=(Probe("rust", NAN),)),
        replace(DAMAGED, findings=(replace(SCRATCH, grounding=NAN),)),
        replace(DAMAGED, confirmed=(Probe("scratch", NAN),)),
    ],
)
def test_what_is_no_number_speaks_for_nothing(evidence: Evidence) -> None:
    assert judge(evidence, rules(), THRESHOLDS, "en")[0] == "REVIEW"


@pytest.mark.parametrize("value", [NAN, float("inf"), True, "0.5", None])
def test_a_bundle_whose_thresholds_are_no_numbers_is_not_loaded(value: object, tmp_path: Path) -> None:
    profile = dict.fromkeys(FIELDS, 1) | {"thresholds": {"familiarity": value}, "eos_token_ids": [], "precisions": {}}
    (tmp_path / "station.json").write_text(json.dumps(profile), encoding="utf-8")
    with pytest.raises(MissingError, match="`thresholds` must be finite numbers"):
        read_profile(tmp_path)


def test_every_rule_of_the_file_can_decide() -> None:
    assert {r.name for r in rules().rule} == {*DOUBTED, "defect", "no defect"}


def test_all_reasons_are_told() -> None:
    worst = replace(DAMAGED, familiarity=0.1, confidence=0.2)
    assert [r.rule for r in judge(worst, rules(), THRESHOLDS, "en")[1]] == ["unfamiliar", "unsure", "defect"]


def test_terms_are_called_what_the_language_calls_them() -> None:
    names = {"crack": "割れ", "scratch": "傷"}
    assert "「割れ」" in judge(DOUBTED["suspected"], rules(), THRESHOLDS, "ja", names)[1][0].sentence
    assert judge(DOUBTED["contradicted"], rules(), THRESHOLDS, "ja", names)[1][0].sentence.endswith("傷。")


def test_a_record_that_says_nothing_contradicts_nothing() -> None:
    silent = replace(DOUBTED["contradicted"], known=(False,))
    assert judge(silent, rules(), THRESHOLDS, "en")[0] == "PASS"


def test_a_plant_without_parts_in_its_glossary_is_not_asked_for_them() -> None:
    assert judge(replace(CLEAN, part="", parts_known=False), rules(), THRESHOLDS, "en")[0] == "PASS"


def test_a_rule_of_the_plant_for_some_parts_and_defects() -> None:
    harmless = Rule("oil may stay", "defect", "REVIEW", "{defect}", "{defect}", defects=("oil",), parts=("gear",))
    ours = Rules((harmless, *rules().rule))
    oil = replace(DAMAGED, findings=(replace(SCRATCH, defect="oil"),))
    assert judge(oil, ours, THRESHOLDS, "en")[0] == "REVIEW"
    assert judge(replace(oil, part="bolt", neighbours=()), ours, THRESHOLDS, "en")[0] == "FAIL"
    assert judge(DAMAGED, ours, THRESHOLDS, "en")[0] == "FAIL"


def test_the_threshold_of_a_rule_beats_the_calibrated_one() -> None:
    strict = Rules(tuple(replace(r, at=0.95) if r.name == "unfamiliar" else r for r in rules().rule))
    assert judge(CLEAN, strict, THRESHOLDS, "en")[0] == "REVIEW"


def test_thresholds_must_be_there() -> None:
    with pytest.raises(MissingError, match="grounding"):
        rules().check_thresholds({n: v for n, v in THRESHOLDS.items() if n != "grounding"})
    rules().check_thresholds(THRESHOLDS)


_HEAD = DEFAULT.read_text(encoding="utf-8")
_BAD = {
    "an unknown key": (_HEAD.replace("when =", "if =", 1), "unknown key"),
    "an unknown condition": (_HEAD.replace('when = "unsure"', 'when = "unsuer"'), "did you mean `unsure`"),
    "a value of another condition": (_HEAD.replace("{phrase}", "{photo}", 1), "no value of"),
    "an attribute": (_HEAD.replace("{phrase}", "{phrase.__class__}", 1), "no value of"),
    "a width": (_HEAD.replace("{phrase}", "{phrase:>99999999}", 1), "no value of"),
    "passing too early": (_HEAD.replace('verdict = "REVIEW"', 'verdict = "PASS"', 1), "only the last rule may"),
    "no last rule": (_HEAD.replace('when = "always"', 'when = "defect"'), "the last rule must be `always`"),
    "no rule for unfamiliar photos": (_HEAD.replace('when = "unfamiliar"', 'when = "unsure"'), "photos pass unseen"),
    "the same name twice": (_HEAD.replace('name = "unsure"', 'name = "denied"'), "the same name"),
    "a threshold that no photo falls below": (
        _HEAD.replace('when = "unfamiliar"', 'when = "unfamiliar"\nat = -5'), "between -1 and 1"
    ),
    "a threshold that is no number": (_HEAD.replace('when = "unsure"', 'when = "unsure"\nat = nan'), "finite"),
    "a threshold where there is none": (_HEAD.replace('when = "defect"', 'when = "defect"\nat = 0.5'), "no threshold"),
}  # fmt: skip


@pytest.mark.parametrize("name", _BAD)
def test_what_a_rule_file_may_not_say(name: str, tmp_path: Path) -> None:
    text, why = _BAD[name]
    assert text != _HEAD
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=why):
        load_rules(tmp_path / "rules.toml")


def test_a_sentence_may_use_every_value_of_its_condition() -> None:
    for evidence, when in [*((e, n.replace(" ", "_")) for n, e in DOUBTED.items()), (DAMAGED, "defect")]:
        condition = CONDITIONS[when]  # type: ignore[index]
        for values in condition.ask(evidence, THRESHOLDS.get(condition.threshold, 0.0)):
            assert set(values) == set(condition.values)
