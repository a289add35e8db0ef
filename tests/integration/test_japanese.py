"""A Japanese shop floor through the real command: prompts, notes, pairs and figures are Japanese."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.evaluation.chair import count_chair
from realign_edge.glossary.facts import facts_of
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.script import is_japanese
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.pipeline.align import Pipeline
from realign_edge.pipeline.config import resolve
from realign_edge.pipeline.exam import exam_for
from realign_edge.progress import Silent

Command = Callable[..., subprocess.CompletedProcess[str]]
SETTINGS = """[pairs]
masking = "{masking}"
min_reference_gap = -1e9
yes_no_questions = 1
[retrieval]
max_similarity = 1.0
[alignment]
steps = 1
batch_pairs = 2
lora_rank = 2
[evaluation]
resamples = 200
habit_photos = 2
max_photos = 4
[export]
precisions = ["fp32"]
parity_photos = 2
calibration_photos = 4
golden_photos = 1
"""
PHOTOS = 24


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from realign_edge.shopfloor.floor import write_floor

    folder = tmp_path_factory.mktemp("japanese") / "floor"
    write_floor(folder, PHOTOS, seed=3, size=128, language="ja", progress=Silent())
    return folder


def run_of(home: Path) -> tuple[dict[str, Any], dict[str, Any], Path]:
    """run.json, config.toml and folder of the newest run."""
    folder = max(home.glob("runs/2*"), key=lambda p: p.stat().st_mtime_ns)
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return about, tomllib.loads((folder / "config.toml").read_text(encoding="utf-8")), folder


@pytest.mark.parametrize("masking", ["glossary", "grounding"])
def test_japanese_records_go_end_to_end(
    command: Command, home: Path, tmp_path: Path, floor: Path, masking: str
) -> None:
    settings = tmp_path / "align.toml"
    settings.write_text(SETTINGS.format(masking=masking), encoding="utf-8")
    found = command("align", floor, "--config", settings, "--json")
    assert found.returncode in (0, 4), found.stderr
    told = json.loads(found.stdout)
    assert told["language"] == {"prompts": "ja", "why": f"all of {PHOTOS} notes are in Japanese"}
    assert found.stderr.count("paraphrase-multilingual-MiniLM-L12-v2") == 1
    about, config, folder = run_of(home)
    assert config["language"] == about["inputs"]["setting language"] == "ja"
    assert about["language"] == f"Japanese (all of {PHOTOS} notes are in Japanese)"

    listed = all_pairs(command, floor)
    assert {pair["kind"] for pair in listed} == {"note", "where", "yes_no"}
    for pair in listed:
        assert is_japanese(pair["prompt"])
        assert is_japanese(pair["chosen"])
        assert "\ufffd" not in pair["rejected"] + pair["provenance"]["masked"]
        assert pair["rejected"] != pair["chosen"]
        assert pair["kind"] == "note" or not re.search("[a-z]", pair["prompt"] + pair["chosen"] + pair["rejected"])
    for pair in (p for p in listed if p["kind"] == "note"):
        assert pair["provenance"]["masking"] == masking
        kept = [text for text in pair["provenance"]["masked"].split("[MASK]") if text]
        assert len(kept) < len(pair["chosen"])
        assert in_order(kept, pair["chosen"])
        assert in_order(kept, pair["rejected"])
        assert masking == "grounding" or not re.search("[a-z]", pair["rejected"])

    evaluated = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    assert evaluated["photos"] == 4
    assert evaluated["figures"]["pope_random"]["before"]["value"] is not None

    if masking == "grounding":
        return
    again = command("align", floor, "--config", settings, "--language", "ja", "--json")
    assert json.loads(again.stdout)["run"] == told["run"]
    assert set(json.loads(again.stdout)["skipped"]) == {"vision features", "training", "evaluation", "export"}
    assert json.loads(again.stdout)["language"]["why"] == "as set"


def all_pairs(command: Command, floor: Path) -> list[dict[str, Any]]:
    return list(json.loads(command("pairs", "list", floor, "-n", "1000", "--kind", "", "--json").stdout)["pairs"])


def in_order(kept: list[str], text: str) -> bool:
    at = 0
    for piece in kept:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def test_the_exam_asks_in_japanese_and_counts_japanese_mentions(home: Path, floor: Path) -> None:
    from realign_edge.evaluation.settings import EvaluationSettings
    from realign_edge.vlm.features import FeatureStore
    from realign_edge.vlm.load import load_vlm

    glossary = load_glossary(floor / "glossary.toml")
    with Catalog(home / "catalog.sqlite") as catalog:
        collection = open_collection(catalog, floor, PhotoSettings(), Silent())
    vlm = load_vlm("nano")
    store = FeatureStore(home / "features", vlm)
    store.ensure(collection.photos, Silent())
    exam = exam_for(EvaluationSettings(habit_photos=1), "ja", collection, glossary, vlm, store)
    assert exam.probes
    assert all(re.fullmatch("この写真に[^a-z]+がありますか？", p.question) for p in exam.probes)
    notes = [p.record.note for p in exam.photos if p.record is not None]
    true = count_chair(notes, exam.facts, glossary)
    measured = ("chair_i", "recall", "location", "attribute", "exact")
    assert [true.ratio(m) for m in measured] == [0, 1, 1, 1, 1]
    wrong = count_chair([*notes[1:], notes[0]], exam.facts, glossary)
    assert wrong.ratio("chair_i") > 0.3
    assert all(facts_of(p.record, glossary) is not None for p in collection.photos)


def test_pairs_build_decides_the_same_and_a_flag_beats_it(
    command: Command, home: Path, tmp_path: Path, floor: Path, tiny_model: Path
) -> None:
    settings = tmp_path / "pairs.toml"
    settings.write_text(SETTINGS.format(masking="glossary"), encoding="utf-8")
    for wanted, expected in (("auto", "ja"), ("en", "en"), ("ja", "ja")):
        typed = {"model": str(tiny_model), "language": wanted}
        outcome = Pipeline(resolve(settings, typed), home, Silent(), lambda: False).run(floor, "index")
        assert outcome.language.language == expected
        assert tomllib.loads((outcome.run.folder / "config.toml").read_text())["language"] == expected
    assert len(list(home.glob("runs/2*"))) == 2
    told = command("pairs", "build", floor, "--config", settings, "--model", tiny_model, "--language", "en")
    assert "Language    English (as set)" in told.stdout
    prompts = {p["prompt"] for p in all_pairs(command, floor) if p["kind"] == "note"}
    assert prompts == {"Describe the part and its defects."}
    other = command("pairs", "build", floor, "--language", "jp")
    assert other.returncode == 2
    assert "must be one of auto, en, ja" in other.stderr
