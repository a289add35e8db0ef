import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from realign_edge.errors import UsageError
from realign_edge.files import sha256_file
from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.script import is_japanese
from realign_edge.progress import Silent
from realign_edge.shopfloor.floor import plan_floor, write_floor
from realign_edge.shopfloor.scene import CoOccurrence
from realign_edge.shopfloor.vocabulary import GLOSSARY, RARE_PART


def test_a_floor_is_the_same_bytes_whatever_the_workers(tmp_path: Path) -> None:
    for name, workers in (("a", 1), ("b", 2)):
        write_floor(tmp_path / name, 6, seed=1, size=64, workers=workers, progress=Silent())
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) == 8
    assert all(sha256_file(tmp_path / "a" / f) == sha256_file(tmp_path / "b" / f) for f in files)


def test_photos_carry_camera_and_time_and_records_name_them(small_floor: Path) -> None:
    rows = list(csv.DictReader((small_floor / "records.csv").open(encoding="utf-8")))
    assert len(rows) == 40
    exif = Image.open(small_floor / rows[0]["photo"]).getexif()
    assert exif[0x0110] == rows[0]["camera"]
    assert exif[0x0132].replace(":", "-", 2).replace(" ", "T") == rows[0]["taken_at"]
    assert all(r["defects"].count(";") == r["location"].count(";") for r in rows)


def test_repeat_shots_stay_in_one_lot_and_the_rare_part_is_rare() -> None:
    shots = plan_floor(800, seed=0, world=CoOccurrence.unbiased())
    lots: dict[str, set[str]] = {}
    for shot in shots:
        lots.setdefault(shot.serial, set()).add(shot.lot)
    assert max(map(len, lots.values())) == 1
    assert len(shots) - len(lots) > 80
    parts = Counter(s.scene.part for s in shots)
    assert 0 < parts[RARE_PART] < min(n for p, n in parts.items() if p != RARE_PART) / 2


def test_the_glossary_it_writes_is_its_vocabulary(small_floor: Path) -> None:
    assert load_glossary(small_floor / "glossary.toml").terms == GLOSSARY.terms


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(UsageError, match="not a shop floor"):
        write_floor(tmp_path, 4, progress=Silent())
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.txt"]


def test_in_japanese_the_notes_alone_are_others(tmp_path: Path) -> None:
    for language in ("en", "ja"):
        write_floor(tmp_path / language, 6, seed=1, size=64, language=language, progress=Silent())
    differing = [
        path.name
        for path in sorted((tmp_path / "en").rglob("*"))
        if path.is_file() and sha256_file(path) != sha256_file(tmp_path / "ja" / path.relative_to(tmp_path / "en"))
    ]
    assert differing == ["records.csv"]
    english, japanese = (
        list(csv.DictReader((tmp_path / name / "records.csv").open(encoding="utf-8"))) for name in ("en", "ja")
    )
    for one, other in zip(english, japanese, strict=True):
        assert is_japanese(other["note"])
        assert not re.search("[A-Za-z]", other["note"])
        assert {**one, "note": ""} == {**other, "note": ""}


def test_every_japanese_note_reads_back_as_its_scene() -> None:
    for shot in plan_floor(400, 2, CoOccurrence.unbiased(), "ja"):
        said = {(f.defect, f.location) for f in find_findings(shot.note, GLOSSARY)}
        assert said == {(d.kind, d.place) for d in shot.scene.defects}, shot.note
        assert find_terms(shot.note, GLOSSARY, "part") == (shot.scene.part,), shot.note
        seen = set(find_terms(shot.note, GLOSSARY, "attribute"))
        assert seen == {shot.scene.finish, shot.scene.background}, shot.note
