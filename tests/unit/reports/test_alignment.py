"""The alignment report of a run folder, without a model: the files are written as a run writes them."""

import csv
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest
from PIL import Image

from realign_edge.evaluation.preference.answers import AnswerPair, write_answers
from realign_edge.evaluation.preference.choices import Choice, keep_choice
from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog, FolderState, content_fingerprint
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.preferences.review.model import decision_about
from realign_edge.preferences.review.store import ReviewStore
from realign_edge.reports.alignment import About, alignment_report, thinned
from realign_edge.reports.alignment_model import AlignmentReport
from realign_edge.reports.language import LANGUAGES, words
from realign_edge.reports.model import Language
from realign_edge.reports.pdf.alignment import alignment_pdf
from realign_edge.reports.run_html import alignment_html
from realign_edge.reports.run_plain import alignment_csv, alignment_json
from realign_edge.reports.run_rows import preference, verdict
from realign_edge.runs.events import EventLog
from realign_edge.runs.run import Run, create_run

_ABOUT = About(datetime(2026, 11, 25, 12, tzinfo=UTC), site="Plant 2")
_HARM = "<img src=x onerror=alert(1)> =1+1 \x1b[31m\u202e"


def _part(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 20, "confidence": 0.95}


def _evaluation(adopt: bool = True) -> dict[str, Any]:
    chair = {"before": _part(0.2, 0.1, 0.3), "after": _part(0.1, 0.05, 0.2), "difference": _part(-0.1, -0.2, -0.02)}
    empty = {"value": None, "low": None, "high": None, "n": 20, "confidence": 0.95}
    return {
        "photos": 20,
        "figures": {"chair_i": chair, "attribute": {"before": empty, "after": empty, "difference": empty}},
        "mcnemar_p": {"random": 0.0004},
        "examples": [{"photo": "a.jpg", "record": "Rust at the top.", "before": "Burr here.", "after": "Rust here."}],
        "decision": {
            "adopt": adopt,
            "sentence": "Adopt: it is better." if adopt else "Do not adopt yet: fewer real defects are named.",
            "reasons": [] if adopt else ["fewer real defects are named"],
        },
    }


def _photo(root: Path, i: int) -> Photo:
    path = root / f"p{i}.jpg"
    Image.new("RGB", (40, 30), (i * 40, 90, 90)).save(path)
    record = InspectionRecord(note="Rust at the top.", lot=f"L{i % 2}")
    return Photo(sha256_file(path), path, f"p{i}.jpg", 40, 30, "train" if i < 3 else "held_out", record)


@pytest.fixture
def home_with_run(tmp_path: Path) -> Callable[..., tuple[Path, Run]]:
    """A home, and a run in it that came as far as `until`; `text` is what its pairs say."""

    def made(until: str = "evaluate", text: str = "Rust at the top.", adopt: bool = True) -> tuple[Path, Run]:
        home, root = tmp_path / "home", tmp_path / "photos"
        root.mkdir()
        photos = [_photo(root, i) for i in range(4)]
        inputs = {
            "photos or records": content_fingerprint(photos), "glossary": "g1", "setting alignment.seed": "7",
        }  # fmt: skip
        about = {
            "photos": str(root), "model": "nano", "version": "0.1.0", "libraries": {"torch": "2.13.0"},
            "inputs": inputs,
        }  # fmt: skip
        run = create_run(home / "runs", "abcd" * 4, about, "model = 'nano'\n", datetime(2026, 11, 25, 8))
        with Catalog(home / "catalog.sqlite") as catalog:
            catalog.store_scan(root, [], photos, FolderState("x", (), "by lot", 0))
            how = Provenance("record", masked=text.replace("Rust", "[MASK]"), photo_similarity=0.8)
            pair = PreferencePair(
                photos[0].sha256, photos[1].sha256, "Describe.", text, "Burr at the top.", "note", how
            )
            catalog.store_attempts(
                root, "s1", [(photos[0].sha256, {"neighbour: the same specimen": 2}, [pair.to_json()])]
            )
        _events(run, until)
        if until == "evaluate":
            run.finish_stage("train", "x", {"seconds": 90.0, "chosen_change": 0.1})
            run.finish_stage("evaluate", "x", _evaluation(adopt))
            run.heartbeat(state="finished", stage="evaluate")
        return home, run

    return made


def _events(run: Run, until: str) -> None:
    log = EventLog(run.folder / "events.jsonl")
    log.append({"type": "started", "photos": 4, "refused": 1})
    log.append({"type": "pairs", "pairs": {"note": 1}, "without_note": {"no neighbour": 2}})
    # Steps 2 and 3 were done twice: the run was interrupted.
    for step in (1, 2, 3, 2, 3, 4) if until == "evaluate" else ():
        log.append({"type": "step", "step": step, "loss": float(step), "text_margin": math.nan, "chosen_change": 0.1})
    if until == "evaluate":
        log.append({"type": "held_out", "step": 2, "loss": 2.5})
        log.append({"type": "best", "step": 2, "ended_early": True})
    log.close()


def _forms(report: AlignmentReport, language: Language) -> tuple[str, bytes, str, str]:
    w = words(language)
    return alignment_html(report, w), alignment_pdf(report, w), alignment_csv(report, w), alignment_json(report)


def test_what_the_run_and_the_catalog_know(home_with_run: Callable[..., tuple[Path, Run]]) -> None:
    home, run = home_with_run()
    report = alignment_report(run, home, _ABOUT)
    assert report.number == f"AR-{run.run_id}"
    assert (report.data.photos, report.data.train, report.data.held_out, report.data.lots) == (4, 3, 1, 2)
    assert report.pairs.counts == {"note": 1} and report.pairs.passed_over == {"the same specimen": 2}
    assert report.pairs.examples[0].neighbour == "p1.jpg"
    assert [t for t, differs in report.pairs.examples[0].chosen if differs] == ["Rust"]
    assert report.training.curves["loss"].train == ((1, 1), (2, 2), (3, 3), (4, 4))
    assert "text_margin" not in report.training.curves  # NaN is null in events.jsonl: nothing was measured
    assert (report.training.best_step, report.training.ended_early, report.training.seconds) == (2, True, 90.0)
    assert report.result is not None and report.result.figures[0].outcome == "better"
    assert report.settings == {"alignment.seed": "7"} and len(report.hashes["config"]) == 64


def _judged(run: Run, after: int, before: int) -> None:
    """The blind test of a run: people preferred so many answers after and before; one was the same twice."""
    answers = [AnswerPair(f"{n:064x}", f"{n}.jpg", "Burr.", f"Rust {n}.") for n in range(after + before)]
    write_answers(run.folder, "Describe.", [*answers, AnswerPair("f" * 64, "x.jpg", "Rust.", "Rust.")])
    for n, a in enumerate(answers):
        keep_choice(run.folder, Choice("mori", a.photo, a.key, "after" if n < after else "before", "left"), 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_preferred_is_in_every_form(
    home_with_run: Callable[..., tuple[Path, Run]], language: Language
) -> None:
    home, run = home_with_run()
    assert alignment_report(run, home, _ABOUT).preference is None
    _judged(run, 9, 1)
    report, w = alignment_report(run, home, _ABOUT), words(language)
    page, pdf, sheet, text = _forms(report, language)
    printed = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    for form in (page, printed):
        assert w("result.preference") in form and "90 %" in form and "60 – 98 %" in form and "0.021" in form
        assert w("result.preference_better").strip() in form.replace("\n", " ") or language == "ja"
    assert json.loads(text)["preference_test"]["win_rate"]["value"] == 0.9
    row = next(r for r in csv.reader(io.StringIO(sheet.lstrip("\ufeff"))) if w("result.preference_metric") in r)
    assert row[-2:] == ["10", w("result.better")]
    assert len(report.hashes["choices"]) == 64


@pytest.mark.parametrize(("after", "before", "said"), [(1, 9, "worse"), (5, 5, "same"), (0, 0, "none")])
def test_what_people_preferred_is_not_made_more_of(
    home_with_run: Callable[..., tuple[Path, Run]], after: int, before: int, said: str
) -> None:
    home, run = home_with_run()
    _judged(run, after, before)
    if not after + before:
        keep_choice(
            run.folder, Choice("mori", "f" * 64, AnswerPair("f" * 64, "", "Rust.", "Rust.").key, "tie", "left"), 0
        )
    w = words("en")
    first = preference(alignment_report(run, home, _ABOUT), w)[0]
    assert first.endswith(w(f"result.preference_{said}"))


def test_what_people_changed_is_told_and_no_example_of_it_is_shown(
    home_with_run: Callable[..., tuple[Path, Run]],
) -> None:
    home, run = home_with_run()
    log = EventLog(run.folder / "events.jsonl")
    told = {"type": "pairs", "pairs": {"note": 1}, "without_note": {}, "changed_by_review": {"swapped": 1}}
    log.append(told)
    log.close()
    with Catalog(home / "catalog.sqlite") as catalog:
        pair = PreferencePair.from_json(catalog.pairs(tmp := catalog.roots()[0], catalog.pair_settings(tmp)[-1])[0])
    ReviewStore(home / "catalog.sqlite").append(decision_about(pair, "swap", "mori", "2026-11-25"))
    report = alignment_report(run, home, _ABOUT)
    assert report.pairs.examples == ()
    for language in LANGUAGES:
        page, pdf, _, text = _forms(report, language)
        printed = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)
        assert words(language)("reviewed.section") in page and words(language)("reviewed.section") in printed
        assert json.loads(text)["pairs"]["changed_by_review"] == {"swapped": 1}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("until", ["index", "evaluate"])
def test_every_form_of_every_state(
    home_with_run: Callable[..., tuple[Path, Run]], language: Language, until: str
) -> None:
    home, run = home_with_run(until)
    page, pdf, sheet, text = _forms(alignment_report(run, home, _ABOUT), language)
    w = words(language)
    for title in (w("title.alignment"), w("limits.section"), w("pairs.chosen"), w("training.section")):
        assert title in page
    drawn = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert w("limits.section") in drawn and w("sign.approved") in drawn
    assert json.loads(text)["schema"] == "realign-edge/alignment-report/1"
    rows = list(csv.reader(io.StringIO(sheet.removeprefix("\ufeff"))))
    assert len(rows) == (3 if until == "evaluate" else 1)
    assert page.count("data:image/jpeg") == 2


def test_the_adoption_sentence_in_both_languages(home_with_run: Callable[..., tuple[Path, Run]]) -> None:
    home, run = home_with_run(adopt=False)
    report = alignment_report(run, home, _ABOUT)
    assert verdict(report, words("en"))[2] == "Do not adopt yet: fewer real defects are named."
    state, _, sentence = verdict(report, words("ja"))
    assert state == "no"
    assert sentence == (
        "採用はまだ推奨しません。理由：実際の不良の記述が減った。写真にない記述は 20.0 % から 10.0 % になりました"
        "（差 −10.0 ポイント、95 % 信頼区間 −20.0 ～ −2.0、写真 20 枚）。"
    )


def test_photos_that_changed_since_are_not_passed_off_as_the_runs(
    home_with_run: Callable[..., tuple[Path, Run]], tmp_path: Path
) -> None:
    home, run = home_with_run()
    with Catalog(home / "catalog.sqlite") as catalog:
        root = catalog.roots()[0]
        catalog.store_scan(root, [], catalog.photos(root)[:2])
    report = alignment_report(run, home, _ABOUT)
    assert report.data.train is None and report.pairs.examples == () and report.pairs.counts == {"note": 1}
    assert words("en")("data.gone") in alignment_html(report, words("en"))


def test_untrusted_text_does_nothing(home_with_run: Callable[..., tuple[Path, Run]]) -> None:
    home, run = home_with_run(text=_HARM)
    page, pdf, _, text = _forms(alignment_report(run, home, _ABOUT), "en")
    assert "<img" not in page and "&lt;img src=x" in page.replace("<mark>", "").replace("</mark>", "")
    for form in (page, text):
        assert "\x1b" not in form and "\u202e" not in form
    assert "onerror" in "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_a_damaged_run_still_gives_a_report(home_with_run: Callable[..., tuple[Path, Run]]) -> None:
    home, run = home_with_run()
    (run.folder / "stages.json").write_text("{")
    (run.folder / "events.jsonl").write_bytes(b'\xff\xfe{"type": 3}\n[]\n{"type": "step"}\n')
    (home / "catalog.sqlite").unlink()
    report = alignment_report(run, home, _ABOUT)
    assert report.result is None and report.training.steps == 0
    assert words("en")("result.none") in alignment_html(report, words("en"))


def test_long_curves_are_thinned_to_means() -> None:
    points = tuple((float(i), float(i % 2)) for i in range(1, 100_001))
    found = thinned(points, 300)
    assert len(found) == 300
    assert all(0.4 < y < 0.6 for _, y in found)
    assert thinned(points[:300], 300) == points[:300]
