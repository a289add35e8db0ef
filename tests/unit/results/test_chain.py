"""Any single change to the rows is found, whatever it is."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realign_edge.files import sha256_bytes
from realign_edge.results.chain import Problem, Stored, chain_problems, in_short, row_hash
from realign_edge.results.content import canonical, kind_of, parse
from realign_edge.results.head import Head
from realign_edge.results.model import Disposition, Finding, Inspection, Refused
from realign_edge.results.store import Results

texts = st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
findings = st.builds(Finding, texts, texts, texts, numbers, numbers)
inspections = st.builds(
    Inspection,
    sha256=texts,
    name=texts,
    inspected_at=texts,
    verdict=st.sampled_from(["PASS", "FAIL", "REVIEW"]),
    reasons=st.just(()),
    description=texts,
    part=texts,
    findings=st.lists(findings, max_size=2).map(tuple),
    neighbours=st.just(()),
    familiarity=numbers,
    confidence=numbers,
    bundle_id=texts,
    model_sha256=texts,
    latency_ms=numbers,
)
refusals = st.builds(Refused, texts, texts, texts)
decisions = st.builds(
    Disposition,
    st.integers(1, 9),
    texts,
    st.sampled_from(["agree", "overrule", "retake"]),
    texts,
    texts,
    defects=st.lists(texts, max_size=2).map(tuple),
)
contents = st.one_of(inspections, refusals, decisions)


def chained(said: list[Any]) -> list[Stored]:
    rows, previous = list[Stored](), ""
    for number, content in enumerate(said, 1):
        kind, text = kind_of(content), canonical(content)
        rows.append(Stored(number, kind, text, previous, row_hash(number, kind, text, previous)))
        previous = rows[-1].hash
    return rows


@given(contents)
def test_a_content_comes_back_as_it_was(content: Any) -> None:
    text = canonical(content)
    assert parse(kind_of(content), text) == content
    assert canonical(parse(kind_of(content), text)) == text
    assert "\n" not in text


@given(st.lists(contents, max_size=4))
@settings(max_examples=40)
def test_a_chain_as_it_was_written_has_no_problems(said: list[Any]) -> None:
    assert not list(chain_problems(chained(said)))


@given(st.lists(st.one_of(refusals, decisions), min_size=2, max_size=5), st.data())
@settings(max_examples=150)
def test_any_single_change_is_found(said: list[Any], data: st.DataObject) -> None:
    rows = chained(said)
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    what = data.draw(
        st.sampled_from(["content", "kind", "previous", "hash", "number", "delete", "insert", "swap", "rehash"])
    )
    values = {name: getattr(row, name) for name in Stored.__slots__}
    if what in ("content", "previous", "hash"):
        text = values[what] or "x"
        place = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[place]))
        changed = [Stored(**{**values, what: text[:place] + other + text[place + 1 :]})]
    elif what == "kind":
        kinds = {"inspection", "refused", "disposition"} - {row.kind}
        changed = [Stored(**{**values, "kind": data.draw(st.sampled_from(sorted(kinds)))})]
    elif what == "number":
        changed = [Stored(**{**values, "number": data.draw(st.integers(-3, 20).filter(lambda n: n != row.number))})]
    elif what == "rehash":
        # Somebody who knows the formula edits one row and gives it the right hash.
        text = canonical(Refused("forged", "forged", "forged"))
        changed = [
            Stored(row.number, "refused", text, row.previous, row_hash(row.number, "refused", text, row.previous))
        ]
    elif what == "insert":
        forged = Stored(row.number, row.kind, row.content, row.previous, row.hash)
        changed = [forged, row]
    else:
        changed = []
    if what == "swap":
        other_at = data.draw(st.integers(0, len(rows) - 1).filter(lambda i: i != at))
        rows[at], rows[other_at] = rows[other_at], rows[at]
    else:
        rows[at : at + 1] = changed
    found = list(chain_problems(rows))
    # A last row that is gone, or whose successor is not there to miss it, is for the head to tell.
    if what in ("delete", "rehash") and at == len(said) - 1:
        assert not found
    else:
        assert found


def test_a_chain_that_begins_later_is_no_whole_chain() -> None:
    """Rows taken from the beginning, and all others linked anew."""
    text = canonical(Refused("a", "b", "c"))
    (problem,) = chain_problems([Stored(3, "refused", text, "", row_hash(3, "refused", text, ""))])
    assert problem.what == "comes too early: rows 1 to 2 are missing"


def test_the_formula_is_the_documented_one() -> None:
    written = sha256_bytes('ab\n2\nrefused\n{"name":"é"}'.encode())
    assert row_hash(2, "refused", '{"name":"é"}', "ab") == written


FREE = "DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go; DROP TRIGGER entries_only_follow;"
CHANGES = {
    "an edit": ("UPDATE entries SET content = replace(content, 'bracket', 'brackets') WHERE number = 2", "row 2"),
    "an edited verdict": ("UPDATE entries SET content = replace(content, 'FAIL', 'PASS') WHERE number = 2", "row 2"),
    "another kind": ("UPDATE entries SET kind = 'refused' WHERE number = 3", "row 3"),
    "a deletion": ("DELETE FROM entries WHERE number = 3", "row 4"),
    "a deleted first row": ("DELETE FROM entries WHERE number = 1", "row 2"),
    "a cut tail": ("DELETE FROM entries WHERE number >= 5", "row 5"),
    "no row left": ("DELETE FROM entries", "row 1"),
    "a row put in": (
        "INSERT INTO entries SELECT 7, kind, content, hash, 'forged' FROM entries WHERE number = 6",
        "row 7",
    ),
    "rows that changed places": (
        "UPDATE entries SET number = -1 WHERE number = 2; UPDATE entries SET number = 2 WHERE number = 3;"
        "UPDATE entries SET number = 3 WHERE number = -1",
        "row 2",
    ),
    "renumbered rows": ("UPDATE entries SET number = number + 100", "row 101"),
    "an edited hash": ("UPDATE entries SET hash = 'x' || hash WHERE number = 6", "row 6"),
}


def shown(home: Path, expect: Head | None = None) -> str:
    with Results.read(home) as results:
        return "\n".join(f"row {p.number} {p.what}" for p in results.verify(expect))


@pytest.mark.parametrize("change", CHANGES)
def test_verify_names_the_row(filled: Path, change: str) -> None:
    statements, row = CHANGES[change]
    assert shown(filled) == ""
    with closing(sqlite3.connect(filled / "results.sqlite")) as db:
        triggers = [r[0] for r in db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'")]
        db.executescript(FREE + statements + ";")
        for trigger in triggers:
            db.execute(trigger)
        db.commit()
    assert f"{row} " in shown(filled)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET kind = 'refused'",
        "UPDATE OR REPLACE entries SET number = 1 WHERE number = 2",
        "DELETE FROM entries WHERE number = 6",
        "INSERT OR REPLACE INTO entries SELECT number, 'refused', content, previous, 'x' FROM entries WHERE number = 6",
        "INSERT INTO entries VALUES (9, 'refused', '{}', '', 'x')",
        "INSERT INTO entries VALUES (7, 'refused', '{}', 'wrong', 'x')",
    ],
)
def test_the_file_itself_refuses_to_change(filled: Path, statement: str) -> None:
    with closing(sqlite3.connect(filled / "results.sqlite")) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)
    assert shown(filled) == ""


def test_missing_protection_is_told(filled: Path) -> None:
    with closing(sqlite3.connect(filled / "results.sqlite")) as db:
        db.executescript("DROP TRIGGER entries_never_go")
    assert "`entries_never_go`" in shown(filled)


def test_a_tail_rewritten_with_right_hashes_is_found_by_the_head(filled: Path, inspection: Callable[..., Any]) -> None:
    with closing(sqlite3.connect(filled / "results.sqlite")) as db:
        previous = db.execute("SELECT hash FROM entries WHERE number = 5").fetchone()[0]
        text = canonical(inspection(1))
        values = (text, row_hash(6, "inspection", text, previous))
        db.executescript(FREE)
        db.execute("UPDATE entries SET kind = 'inspection', content = ?, hash = ? WHERE number = 6", values)
        db.commit()
    assert "row 6 is not the row that results.head knows" in shown(filled)


def test_a_rewritten_file_with_its_head_is_found_by_a_head_kept_elsewhere(
    filled: Path, tmp_path: Path, inspection: Callable[..., Any]
) -> None:
    with Results.read(filled) as results:
        kept = results.head()
    other = tmp_path / "other"
    other.mkdir()
    with Results.open(other) as results:
        for i in range(6):
            results.append(inspection(i + 1))
    for file in ("results.sqlite", "results.head"):
        shutil.copy(other / file, filled / file)
    assert shown(filled) == ""
    assert "which was kept elsewhere" in shown(filled, kept)
    assert "is missing; a head that was kept elsewhere" in shown(filled, Head(9, "ab"))


def test_a_lost_head_is_told(filled: Path) -> None:
    (filled / "results.head").unlink()
    assert "results.head is missing" in shown(filled)
    (filled / "results.head").write_text("{")
    assert "results.head is damaged" in shown(filled)


def test_flipped_bytes_are_found_or_do_not_matter(filled: Path, tmp_path: Path) -> None:
    """What SQLite stores of every row is read back either as it was, or as a problem."""
    import random

    with Results.read(filled) as results:
        wanted = [(e.hash, canonical(e.content)) for e in results.entries()]
    whole, rng = (filled / "results.sqlite").read_bytes(), random.Random(4)
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(filled / "results.head", copy)
    for _ in range(80):
        at = rng.randrange(len(whole))
        (copy / "results.sqlite").write_bytes(
            whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :]
        )
        try:
            with Results.read(copy) as results:
                if not results.verify():
                    assert [(e.hash, canonical(e.content)) for e in results.entries()] == wanted
        except Exception as problem:
            assert type(problem).__name__ in ("MissingError", "RealignError"), problem
        for file in copy.glob("results.sqlite-*"):
            file.unlink()


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("verdict", "MAYBE", "`verdict` is 'MAYBE'"),
        ("name", 5, "`name` is no text"),
        ("familiarity", "high", "`familiarity` is no number"),
        ("latency_ms", True, "`latency_ms` is no number"),
        ("findings", [{"defect": 1, "location": "", "phrase": "", "grounding": 0, "confidence": 0}], "`defect`"),
    ],
)
def test_a_row_of_other_kinds_of_values_is_told_of_and_not_reported(
    key: str, value: Any, why: str, inspection: Callable[..., Inspection]
) -> None:
    """Whoever makes a whole file of their own also makes good hashes."""
    text = json.dumps({**json.loads(canonical(inspection(1))), key: value}, sort_keys=True)
    with pytest.raises(ValueError, match=why):
        parse("inspection", text)
    row = Stored(1, "inspection", text, "", row_hash(1, "inspection", text, ""))
    assert [why.split(maxsplit=1)[0] in p.what for p in chain_problems([row])] == [True]


def test_a_problem_of_the_whole_file_names_no_row() -> None:
    whole, one = Problem(0, "results.head is missing"), Problem(7, "is not as it was written")
    assert in_short([whole]) == "results.head is missing"
    assert in_short([one, whole, one]) == "row 7 is not as it was written (and 2 more)"
