import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.photos import scan as scan_module
from realign_edge.photos.catalog import Catalog, content_fingerprint
from realign_edge.photos.collection import Collection, PhotoSettings, open_collection
from realign_edge.photos.migrations import MIGRATIONS
from realign_edge.photos.model import InspectionRecord
from realign_edge.photos.records import read_records
from realign_edge.photos.split import assign_splits
from realign_edge.progress import Silent


def photo(path: Path, shade: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (shade, 255 - shade, 7)).save(path)


def opened(root: Path) -> Collection:
    with Catalog(root.parent / "catalog.sqlite") as catalog:
        return open_collection(catalog, root, PhotoSettings(), Silent())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for i in range(6):
        photo(folder / f"p{i}.png", 20 * i)
    return folder


def test_identity_is_the_content(root: Path) -> None:
    (root / "copy.png").write_bytes((root / "p0.png").read_bytes())
    found = opened(root)
    assert (len(found.photos), found.duplicates) == (6, 1)
    assert found.photos[0].name == "copy.png"


def test_a_second_scan_opens_no_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(root)

    def forbidden(path: Path) -> bytes:
        raise AssertionError(f"{path} was opened")

    monkeypatch.setattr(scan_module, "read_bytes", forbidden)
    assert opened(root).photos == first.photos
    photo(root / "new.png", 200)
    with pytest.raises(AssertionError, match=r"new\.png was opened"):
        opened(root)


def test_a_missing_or_unreadable_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no photo folder"):
        opened(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingError, match="no photos in"):
        opened(tmp_path / "empty")
    (tmp_path / "empty" / "a.jpg").write_bytes(b"no")
    with pytest.raises(MissingError, match="none of the 1 photos"):
        opened(tmp_path / "empty")


def test_records_csv_with_every_oddity(root: Path) -> None:
    text = (
        "photo,note,part,defects,location,lot,finish,split\n"
        "p0.png,Brass\x1b[31m gear,gear,dent;rust,upper left;center,L1,brass,train\n"
        "p1.png,clean,gear,,,L1,brass,test\n"
        "nowhere.png,x,,,,,,\n,no photo,,,,,,\np2.png,a,gear,dent,a;b;c,,,\n"
    )
    (root / "records.csv").write_text(text, encoding="utf-8-sig")
    found = read_records(root, [f"p{i}.png" for i in range(6)])
    first = found.records["p0.png"]
    assert (first.note, first.defects, first.locations) == (
        "Brass[31m gear",
        ("dent", "rust"),
        ("upper left", "center"),
    )
    assert dict(first.attributes) == {"finish": "brass"}
    assert (found.records["p1.png"].defects, found.records["p1.png"].known_defects) == ((), True)
    assert found.records["p2.png"].locations == ("",)
    assert found.splits == {"p0.png": "train", "p1.png": "test"}
    assert any("line 5: no `photo`" in p for p in found.problems)
    assert any("1 rows name photos that were not read" in p for p in found.problems)


def test_japanese_spreadsheets_are_read(root: Path) -> None:
    (root / "records.csv").write_bytes("photo,note\np0.png,左上に傷\n".encode("cp932"))
    assert read_records(root, ["p0.png"]).records["p0.png"].note == "左上に傷"


@pytest.mark.parametrize(
    ("name", "part", "defects"),
    [
        ("bottle/test/broken_large/000.png", "bottle", ("broken large",)),
        ("bottle/train/good/000.png", "bottle", ()),
        ("pcb1/Data/Images/Anomaly/1.JPG", "pcb1", ("anomaly",)),
        ("pcb1/Data/Images/Normal/1.JPG", "pcb1", ()),
        ("valve/normal/a.png", "valve", ()),
        ("valve/abnormal/a.png", "valve", ("anomaly",)),
    ],
)
def test_known_layouts_tell_part_and_defect(tmp_path: Path, name: str, part: str, defects: tuple[str, ...]) -> None:
    record = read_records(tmp_path, [name]).records[name]
    assert (record.part, record.defects, record.known_defects) == (part, defects, True)


def test_sidecars_and_conversations(root: Path) -> None:
    (root / "p0.txt").write_text("a note")
    (root / "p1.json").write_text('{"note": "n", "defects": ["dent"], "location": ["center"]}')
    (root / "p2.json").write_text("{broken")
    turns = [{"from": "human", "value": "?"}, {"from": "gpt", "value": "an answer"}]
    (root / "llava.json").write_text(json.dumps([{"image": "p3.png", "conversations": turns}, {"image": 3}, "x"]))
    found = read_records(root, [f"p{i}.png" for i in range(5)])
    assert found.records["p0.png"].note == "a note"
    assert found.records["p1.png"].defects == ("dent",)
    assert found.records["p3.png"].note == "an answer"
    assert any("p2.json" in p for p in found.problems)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda t: ("photo,note\n" + t).encode())))
def test_no_record_file_breaks_the_reader(tmp_path: Path, data: bytes) -> None:
    for name in ("records.csv", "records.jsonl", "x.json"):
        (tmp_path / name).write_bytes(data)
    found = read_records(tmp_path, ["a.png"])
    assert all("\x1b" not in r.note for r in found.records.values())


def test_repeat_shots_never_straddle_the_split() -> None:
    records: dict[str, InspectionRecord | None] = {
        f"{i:03d}": InspectionRecord(serial=f"S{i // 3}", lot=f"L{i // 12}") for i in range(240)
    }
    splits, how = assign_splits(records, {}, 0.3, seed=1)
    assert how == "by lot"
    by_lot: dict[str, set[str]] = {}
    for name, record in records.items():
        by_lot.setdefault(record.lot if record else "", set()).add(splits[name])
    assert max(map(len, by_lot.values())) == 1
    assert 0.2 < list(splits.values()).count("held_out") / 240 < 0.4
    assert assign_splits(records, {}, 0.3, seed=1)[0] == splits
    assert assign_splits(records, {}, 0.3, seed=2)[0] != splits


def test_a_serial_that_spans_two_lots_keeps_them_together() -> None:
    records: dict[str, InspectionRecord | None] = {
        f"{i:03d}": InspectionRecord(serial=f"S{i % 60}", lot=f"L{i // 10}") for i in range(120)
    }
    splits, _ = assign_splits(records, {}, 0.3, seed=0)
    assert all(splits[f"{i:03d}"] == splits[f"{i + 60:03d}"] for i in range(60))


def test_the_catalog_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").write_bytes(b"this is not a database, but it is long enough to be read as one" * 20)
    with pytest.raises(MissingError, match="cannot be used as the catalog"):
        Catalog(tmp_path / "no.sqlite")
    newer = sqlite3.connect(tmp_path / "newer.sqlite")
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    with pytest.raises(MissingError, match="newer version"):
        Catalog(tmp_path / "newer.sqlite")


def test_the_content_fingerprint_follows_photos_and_records(root: Path) -> None:
    before = content_fingerprint(opened(root).photos)
    assert content_fingerprint(opened(root).photos) == before
    (root / "p0.txt").write_text("now with a note")
    assert content_fingerprint(opened(root).photos) != before


def test_pairs_and_attempts_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    with Catalog(tmp_path / "c.sqlite") as catalog:
        row = {"pair_id": "x", "kind": "note"}
        catalog.store_attempts(tmp_path, "s", [("a", {"tried": 1}, [row])])
        with pytest.raises(KeyError):
            catalog.store_attempts(tmp_path, "s", [("b", {}, [row]), ("c", {}, [{}])])
        assert set(catalog.attempted(tmp_path, "s")) == {"a"}
        assert catalog.pairs(tmp_path, "s") == [row]
