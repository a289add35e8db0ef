"""What people decided comes back to the next `align` as records, by the reader that `align` has."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.errors import UsageError
from realign_edge.files import sha256_file
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.progress import Silent
from realign_edge.results.records import Decided, decided, export
from realign_edge.results.store import Results


@pytest.fixture
def photos(tmp_path: Path) -> dict[int, Path]:
    """Four photos where a watcher moved them, one of them under a name with a mark."""
    folder = tmp_path / "done" / "line1"
    folder.mkdir(parents=True)
    found = {}
    for i in range(1, 5):
        found[i] = folder / f"{i:03d}.jpg"
        Image.new("RGB", (32, 24), (40 * i, 90, 200 - 30 * i)).save(found[i])
    marked = found[4].with_name(f"004-{sha256_file(found[4])[:8]}.jpg")
    found[4].rename(marked)
    Image.new("RGB", (32, 24), "white").save(found[4])
    return {**found, 4: marked}


@pytest.fixture
def rows(home: Path, photos: dict[int, Path], inspection: Callable[..., Any], decided: Callable[..., Any]) -> Any:
    """What stands against PASS, FAIL, REVIEW and PASS."""
    texts: dict[int, dict[str, Any]] = {
        1: {"verdict": "FAIL", "reason": "missed", "defects": ("dent", "rust; deep"), "locations": ("top",)},
        2: {"verdict": "PASS", "reason": "a shadow", "note": '=A "clean" bracket,\nno defect. 傷なし'},
        3: {"decision": "agree", "verdict": "FAIL"},
        4: {"verdict": "FAIL", "reason": "see note", "note": "Something is bent.", "part": "lever"},
    }
    with Results.open(home, station="S1") as results:
        for i, verdict in enumerate(("PASS", "FAIL", "REVIEW", "PASS"), 1):
            results.append(inspection(i, verdict, sha256=sha256_file(photos[i]), serial=f"N{i}"))
        results.append(replace(decided(1, "agree"), sha256=sha256_file(photos[1])))
        for i, more in texts.items():
            results.append(replace(decided(i), **{"sha256": sha256_file(photos[i]), **more}))
        return list(results.entries())


def test_align_takes_what_people_decided(rows: Any, photos: dict[int, Path], tmp_path: Path) -> None:
    target = tmp_path / "corrections"
    done = export(decided(rows), target, photos[1].parent.parent)
    assert (done.records, done.rows, done.missing) == (target / "records.csv", 4, ())
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        found = open_collection(catalog, target, PhotoSettings(), Silent())
    assert found.problems == ()
    records = {p.sha256: p.record for p in found.photos}
    assert set(records) == {sha256_file(p) for p in photos.values()}
    one, two, three, four = (records[sha256_file(photos[i])] for i in (1, 2, 3, 4))
    assert one is not None and two is not None and three is not None and four is not None
    assert (one.defects, one.locations, one.known_defects) == (("dent", "rust, deep"), ("top", ""), True)
    assert (two.note, two.defects, two.known_defects) == ('=A "clean" bracket,\nno defect. 傷なし', (), True)
    assert (three.defects, three.locations, three.known_defects) == (("scratch",), ("left",), True)
    assert (four.part, four.known_defects, four.note) == ("lever", False, "Something is bent.")
    assert (one.lot, one.serial, one.station, one.inspector, one.part) == ("L1", "N1", "S1", "Sato", "bracket")
    assert all(r is not None and not r.attributes for r in records.values())


def test_the_last_decision_about_a_photo_counts(rows: Any, decided: Callable[..., Any]) -> None:
    from realign_edge.results.records import decided as standing

    assert [d.said.decision for d in standing(rows)] == ["overrule", "overrule", "agree", "overrule"]
    retake = replace(rows[-1], number=10, content=replace(rows[-1].content, decision="retake", verdict=""))
    assert len(standing([*rows, retake])) == 3
    agreed = replace(rows[-1], number=10, content=replace(rows[-1].content, decision="agree", verdict=""))
    assert (len(standing([*rows, agreed])), len(standing([*rows, agreed], agreed=True))) == (3, 4)
    assert all(isinstance(d, Decided) for d in standing(rows))


def test_without_photos_they_are_named(rows: Any, tmp_path: Path) -> None:
    done = export(decided(rows), tmp_path / "out" / "corrections.csv")
    lines = done.records.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "photo,note,part,lot,serial,station,inspector,taken_at,defects,location"
    assert lines[1].startswith("line1/001.jpg,")


def test_a_name_that_two_photos_had_names_neither(
    rows: Any, photos: dict[int, Path], inspection: Callable[..., Any], decided: Callable[..., Any], tmp_path: Path
) -> None:
    """A camera that counts from 1 every day: the record of one photo must not become that of the other."""
    from realign_edge.results.model import Entry
    from realign_edge.results.records import decided as standing

    another = inspection(9, "PASS", name="LINE1/001.jpg")
    other = Entry(20, another, "", "")
    said = Entry(21, replace(decided(20, verdict="FAIL", reason="x", note="y"), sha256=another.sha256), "", "")
    done = export(standing([*rows, other, said]), tmp_path / "named")
    assert (done.rows, done.missing) == (3, ("LINE1/001.jpg", "line1/001.jpg"))
    assert "001.jpg" not in done.records.read_text(encoding="utf-8")
    # Also where nobody has said anything about the other one.
    assert export(standing([*rows, other]), tmp_path / "again").missing == ("line1/001.jpg",)
    assert export(standing([*rows, other]), tmp_path / "copied", photos[1].parent).missing == ()


def test_nothing_is_written_over_and_missing_photos_are_named(
    rows: Any, photos: dict[int, Path], tmp_path: Path
) -> None:
    photos[2].unlink()
    done = export(decided(rows), tmp_path / "a", photos[1].parent.parent)
    assert (done.rows, done.missing) == (3, ("line1/002.jpg",))
    for target in (tmp_path / "a", tmp_path / "a" / "records.csv"):
        with pytest.raises(UsageError, match="is there already"):
            export(decided(rows), target)
    with pytest.raises(UsageError, match="is no folder"):
        export(decided(rows), tmp_path / "b", tmp_path / "nowhere")
