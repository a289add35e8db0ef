"""Record sources: read right, or passed over with a problem that says where and what to do."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realign_edge.photos.records import RecordSet, read_records
from realign_edge.photos.sources import table as rows
from realign_edge.photos.sources.row import MAX_NOTE
from realign_edge.photos.text import clean, is_clean_name, shown

NAMES = [f"p{i}.png" for i in range(6)]


def read(root: Path, names: list[str] = NAMES, refused: Sequence[str] = ()) -> RecordSet:
    return read_records(root, names, refused=refused)


def table(root: Path, text: str, encoding: str = "utf-8") -> RecordSet:
    (root / "records.csv").write_bytes(text.encode(encoding))
    return read(root)


def one(problems: tuple[str, ...], *words: str) -> bool:
    return sum(all(w in p for w in words) for p in problems) == 1


def test_every_column_arrives(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        "Photo,note,part,defects,location,lot,serial,station,inspector,Taken At,camera,lighting,split,finish\n"
        "p0.png,Brass gear,gear,dent;rust,upper left;center,L1,S1,ST1,sato,2026-04-01T08:00,C1,ring,test,brass\n"
        "p1.png,clean,gear,,,,,,,,,,,\n",
    )
    record = found.records["p0.png"]
    assert (record.note, record.part, record.lot, record.serial) == ("Brass gear", "gear", "L1", "S1")
    assert (record.station, record.inspector, record.taken_at) == ("ST1", "sato", "2026-04-01T08:00")
    assert (record.camera, record.lighting, record.source) == ("C1", "ring", "records.csv")
    assert (record.defects, record.locations) == (("dent", "rust"), ("upper left", "center"))
    assert dict(record.attributes) == {"finish": "brass"}
    assert found.splits == {"p0.png": "held_out"}
    assert found.records["p1.png"].known_defects
    assert found.problems == ()


@pytest.mark.parametrize(
    ("defects", "location", "wanted", "told"),
    [
        ("dent;rust", "left;right", (("dent", "rust"), ("left", "right")), False),
        ("dent;rust", "left;", (("dent", "rust"), ("left", "")), False),
        ("dent;rust", ";right", (("dent", "rust"), ("", "right")), False),
        ("dent；rust", "left；right", (("dent", "rust"), ("left", "right")), False),
        ("dent;", "left;", (("dent",), ("left",)), False),
        ("dent;rust", "left", (("dent", "rust"), ("", "")), True),
        ("dent", "a;b;c", (("dent",), ("",)), True),
        ("", "left", ((), ()), True),
        ("dent;rust", "", (("dent", "rust"), ("", "")), False),
    ],
)
def test_defects_and_locations_stay_aligned(
    tmp_path: Path, defects: str, location: str, wanted: tuple[tuple[str, ...], ...], told: bool
) -> None:
    found = table(tmp_path, f"photo,defects,location\np0.png,{defects},{location}\n")
    record = found.records["p0.png"]
    assert (record.defects, record.locations) == wanted
    assert one(found.problems, "another number of locations", "line 2") == told


@pytest.mark.parametrize("cell", ["なし", "無し", "ﾅｼ", "異常なし", "良品"])
def test_a_japanese_none_is_no_defect(tmp_path: Path, cell: str) -> None:
    found = table(tmp_path, f"photo,defects,location\np0.png,{cell},\np1.png,傷；錆,左上；\n")
    assert (found.records["p0.png"].defects, found.records["p0.png"].known_defects) == ((), True)
    assert (found.records["p1.png"].defects, found.records["p1.png"].locations) == (("傷", "錆"), ("左上", ""))


def test_a_bad_row_costs_itself_alone(tmp_path: Path) -> None:
    found = table(
        tmp_path,
        "photo,note,part,split\n"
        'p0.png,"never closed,gear,\n'
        f"p1.png,{'x' * 10_000_000},gear,\n"
        "p2.png,scratch, deep,gear,train\n"
        f"p3.png,{'y' * (MAX_NOTE + 1)},gear,\n"
        ",no photo,gear,\n"
        "gone.png,a,b,\ngone2.png,a,b,\n"
        'p4.png,"two\nlines",gear,banana\n'
        "p4.png,again,gear,\n"
        "p5.png,fine,gear,train\n",
    )
    assert {n: r.note for n, r in found.records.items()} == {"p4.png": "two\nlines", "p5.png": "fine"}
    assert found.splits == {"p5.png": "train"}
    told = found.problems
    assert one(told, "line 2", "not closed", "close it")
    assert one(told, "line 3", "a cell is too long")
    assert one(told, "line 4", "5 cells under 4 columns", "quotation marks")
    assert one(told, "line 5", "longer than 20000 characters")
    assert one(told, "1 rows name no `photo`", "line 6")
    assert one(told, "2 rows name photos that are not there", "gone.png")
    assert one(told, "1 rows name a photo of an earlier row")
    assert one(told, "unknown `split`", "held_out")
    assert len(told) == 8


def test_an_open_quotation_mark_swallows_no_rows(tmp_path: Path) -> None:
    found = table(tmp_path, 'photo,note\np0.png,"open\np1.png,fine\np2.png,"a ""word"", and\n\nmore"\np3.png,5" pipe\n')
    assert {n: r.note for n, r in found.records.items()} == {
        "p1.png": "fine",
        "p2.png": 'a "word", and\n\nmore',
        "p3.png": '5" pipe',
    }
    assert found.problems == (
        "records.csv line 2: a quotation mark is opened and not closed; the row is passed over, close it",
    )


def test_many_bad_rows_are_counted_not_listed(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text("{broken\n" * 5000)
    found = read(tmp_path).problems
    assert len(found) == 21
    assert found[-1] == "records.jsonl: 4980 more rows with problems"


def test_a_table_without_photo_column_is_one_problem(tmp_path: Path) -> None:
    found = table(tmp_path, "image,note\np0.png,a\np1.png,b\n")
    assert found.problems == (
        "records.csv: no column is called `photo`; it begins with `image,note`; name the columns there",
    )
    assert table(tmp_path, "\n\n").problems == ("records.csv: the file is empty; it is passed over",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_spreadsheets_of_both_hemispheres_are_read(tmp_path: Path, encoding: str, delimiter: str, newline: str) -> None:
    rows = ("photo", "note"), ("p0.png", "左上に傷、深い"), ("p1.png", "良品")
    found = table(tmp_path, newline.join(delimiter.join(r) for r in rows), encoding)
    assert [found.records[f"p{i}.png"].note for i in (0, 1)] == ["左上に傷、深い", "良品"]
    assert found.problems == ()


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_bytes(b"photo,note\np0.png,\x81 \xff\n")
    found = read(tmp_path)
    assert "p0.png" in found.records
    assert one(found.problems, "neither UTF-8 nor Shift-JIS")


def test_untrusted_text_is_cleaned() -> None:
    assert clean("Brass\x1b[31m gear\x1b]0;title\x07\x00\x9b\r\n") == "Brass gear"
    assert clean("\u202eevil\u2066") == "evil"
    assert clean("a\ud800b") == "a\ufffdb"
    assert clean(None) == ""
    assert shown("a\x1b[2J\udc8f.jpg") == "a\\x1b[2J\\udc8f.jpg"
    assert is_clean_name("写真/ü 1.jpg")
    assert not is_clean_name("a\nb.jpg")


def test_a_photo_is_found_however_its_path_is_written(tmp_path: Path) -> None:
    names = ["lot1/001.png", "lot2/001.png", "lot2/002.png", "が.png"]
    rows = {
        "lot1\\001.PNG": "backslash and case",
        f"{tmp_path}/lot2/001.png": "absolute",
        "002.png": "file name alone",
        "か\u3099.png": "decomposed",
        "001.png": "two of that name",
        "lot3/002.png": "another folder",
        "../secret.png": "outside",
    }
    lines = [json.dumps({"photo": k, "note": v}) for k, v in rows.items()]
    (tmp_path / "records.jsonl").write_text("\n".join(lines))
    found = read(tmp_path, names)
    assert {n: r.note for n, r in found.records.items()} == dict(
        zip(names, ["backslash and case", "absolute", "file name alone", "decomposed"], strict=True)
    )
    assert one(found.problems, "3 rows name photos that are not there", "`001.png`, line 5")


def test_a_record_of_a_refused_photo_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("photo,note\nbad.png,x\np0.png,y\n")
    assert read(tmp_path, refused=["bad.png"]).problems == ()


def test_the_first_source_wins(tmp_path: Path) -> None:
    (tmp_path / "records.csv").write_text("photo,note\na/ok/1.png,table\n")
    (tmp_path / "records.jsonl").write_text('{"photo": "a/ok/1.png", "note": "lines"}\n{"photo": "2.png", "note": "l"}')
    (tmp_path / "2.txt").write_text("sidecar")
    (tmp_path / "3.png.json").write_text('{"note": "sidecar", "split": "val"}')
    turns = [{"from": "human", "value": "?"}, {"from": "gpt", "value": "an answer"}]
    images = ("3.png", "a/ok/4.png", "gone.png")
    (tmp_path / "llava.json").write_text(json.dumps([{"image": i, "conversations": turns} for i in images]))
    found = read(tmp_path, ["2.png", "3.png", "a/ok/1.png", "a/ok/4.png", "a/ok/5.png"])
    assert {n: r.source for n, r in found.records.items()} == {
        "a/ok/1.png": "records.csv",
        "2.png": "records.jsonl",
        "3.png": "3.png.json",
        "a/ok/4.png": "llava.json",
        "a/ok/5.png": "folder names",
    }
    assert found.records["a/ok/4.png"].note == "an answer"
    assert found.splits == {"3.png": "held_out"}
    assert found.problems == (
        "llava.json: 1 rows name photos that are not there, or are not the only ones of that name; "
        "they are passed over (first: `gone.png`, an entry)",
    )


def test_a_folder_below_has_a_table_of_its_own(tmp_path: Path) -> None:
    names = ["p0.png", "corrections/photos/p0.png", "corrections/photos/p1.png", "other/p2.png"]
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections/records.csv").write_text(
        "photo,note\nphotos/p0.png,corrected\nphotos/p1.png,below\nother/p2.png,elsewhere\n"
    )
    (tmp_path / "records.csv").write_text("photo,note\np0.png,first\ncorrections/photos/p1.png,above\n")
    found = read(tmp_path, names)
    assert {name: record.note for name, record in found.records.items()} == {
        "corrections/photos/p0.png": "corrected",
        "corrections/photos/p1.png": "above",
        "p0.png": "first",
    }
    assert one(found.problems, "corrections/records.csv", "not there", "`other/p2.png`")


def test_files_beside_photos_that_are_no_records(tmp_path: Path) -> None:
    (tmp_path / "p0.txt").write_text("0 0.51 0.33 0.1 0.2\n1 0.2 0.2 1e-1 0.1\n")
    (tmp_path / "p1.json").write_text('{"version": "5.0", "shapes": [], "imageData": "AAAA"}')
    (tmp_path / "p2.json").write_text("{broken")
    (tmp_path / "p2.txt").write_text("still a note")
    (tmp_path / "p3.txt").write_bytes(b"x" * 3_000_000)
    (tmp_path / "p4.txt").symlink_to("/etc/hostname")
    found = read(tmp_path)
    assert {n: r.note for n, r in found.records.items()} == {"p2.png": "still a note"}
    assert one(found.problems, "1 text files beside photos hold numbers only")
    assert one(found.problems, "1 JSON files beside photos have no column")
    assert one(found.problems, "p2.json: not valid JSON")
    assert one(found.problems, "p3.txt: larger than 2 MB")
    assert one(found.problems, "p4.txt: a link to a file outside")


def test_absent_is_not_the_same_as_none_found(tmp_path: Path) -> None:
    rows = [{"photo": "p0.png"}, {"photo": "p1.png", "defects": None}, {"photo": "p2.png", "defects": []}]
    rows += [{"photo": "p3.png", "defects": ["dent", 3]}, {"photo": "p4.png", "note": {"a": 1}}]
    (tmp_path / "records.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = read(tmp_path)
    assert [found.records[f"p{i}.png"].known_defects for i in range(3)] == [False, False, True]
    assert one(found.problems, "line 4", "`defects` is not a list of texts")
    assert one(found.problems, "line 5", "`note` is not text")
    assert not table(tmp_path, "photo,note,defects\np0.png,cut of").records["p0.png"].known_defects


LAYOUTS: list[tuple[str, str, tuple[str, ...]]] = [
    ("bottle/test/broken_large/000.png", "bottle", ("broken large",)),
    ("bottle/train/good/000.png", "bottle", ()),
    ("pcb1/Data/Images/Anomaly/1.JPG", "pcb1", ("anomaly",)),
    ("pcb1/Data/Images/Normal/1.JPG", "pcb1", ()),
    ("valve/normal/a.png", "valve", ()),
    ("valve/abnormal/a.png", "valve", ("anomaly",)),
    ("normal/a.png", "", ()),
]


def test_known_layouts_tell_part_and_defect(tmp_path: Path) -> None:
    found = read(tmp_path, [name for name, _, _ in LAYOUTS]).records
    for name, part, defects in LAYOUTS:
        record = found[name]
        assert (record.part, record.defects, record.known_defects) == (part, defects, True), name


def test_one_category_is_a_photo_folder_too(tmp_path: Path) -> None:
    root = tmp_path / "metal_nut"
    root.mkdir()
    found = read(root, ["test/bent/1.png", "train/good/1.png"]).records
    assert [(r.part, r.defects) for r in found.values()] == [("metal nut", ("bent",)), ("metal nut", ())]


def test_lots_below_test_are_no_defects(tmp_path: Path) -> None:
    assert read(tmp_path, ["line3/test/lot7/1.png", "line3/train/lot8/1.png"]).records == {}


TEXT = st.text(max_size=60)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | st.sampled_from(["note", "photo"]), inner),
    max_leaves=12,
)
COLUMNS = ("photo", "note", "defects", "location", "split", "conversations", "image", "part")
ROWS = st.dictionaries(st.sampled_from(COLUMNS) | TEXT, JSON, max_size=6)
FILES = st.one_of(
    st.binary(max_size=400),
    TEXT.map(lambda t: ("photo,note\np0.png," + t).encode("utf-8", "surrogatepass")),
    st.lists(ROWS | JSON, max_size=4).map(lambda rows: json.dumps(rows).encode()),
    st.lists(ROWS, max_size=4).map(lambda rows: "\n".join(map(json.dumps, rows)).encode()),
    st.integers(1, 100_000).map(lambda n: b'{"photo":"p0.png","x":' + b"[" * n + b"]" * n + b"}"),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=FILES)
def test_no_record_file_breaks_the_reader(tmp_path: Path, data: bytes) -> None:
    for name in ("records.csv", "records.jsonl", "x.json", "p1.json", "p2.txt"):
        (tmp_path / name).write_bytes(data)
    found = read(tmp_path)
    assert found.records.keys() <= set(NAMES)
    for record in found.records.values():
        assert len(record.defects) == len(record.locations)
        text = json.dumps([record.note, record.part, record.defects, dict(record.attributes)], ensure_ascii=False)
        assert "\x1b" not in text
        text.encode("utf-8")
    for problem in found.problems:
        problem.encode("utf-8")
        assert "\x1b" not in problem


@pytest.mark.parametrize("name", ["records.csv", "records.jsonl", "p.json", "p.txt", "all.json"])
def test_record_file_that_links_to_itself_or_elsewhere_is_passed_over(name: str, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    (root / name).symlink_to(name)
    found = read_records(root, ["p.jpg"])
    assert found.records == {} and "circle" in found.problems[0]
    (root / name).unlink()
    (tmp_path / "else").write_text("photo,note\np.jpg,secret\n")
    (root / name).symlink_to(tmp_path / "else")
    found = read_records(root, ["p.jpg"])
    assert found.records == {} and "outside the photo folder" in found.problems[0]


class _Counted(list[str]):
    """Lines that tell how many of them were looked at."""

    looked = 0

    def __iter__(self) -> Iterator[str]:
        for line in super().__iter__():
            _Counted.looked += 1
            yield line


def test_reading_a_table_takes_no_longer_for_its_last_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows were once reached by walking through all before them: 200,000 took ten minutes."""
    real = rows._row
    monkeypatch.setattr(rows, "_row", lambda lines, start, delimiter: real(_Counted(lines[:]), start, delimiter))
    text = "photo,note\n" + "".join(f"{n}.jpg,n\n" for n in range(300))
    assert len(list(rows.csv_rows(text))) == 300
    assert _Counted.looked <= 301 * rows.MAX_ROW_LINES
