"""Decisions are kept, taken back and never lost, whoever else decides at the same time."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from realign_edge.errors import UsageError
from realign_edge.preferences.review.model import Decision, decision_about
from realign_edge.preferences.review.ruling import read_rulings, rulings_fingerprint, rulings_of
from realign_edge.preferences.review.session import ReviewSession
from realign_edge.preferences.review.store import ReviewStore, standing

from .conftest import pair_of

Sit = Callable[[str], ReviewSession]
# Decides the same pairs as every other process, a hundred times, as fast as it can.
BUSY = """
import sys
from pathlib import Path
from realign_edge.preferences.review.model import Decision
from realign_edge.preferences.review.store import ReviewStore
store, name = ReviewStore(Path(sys.argv[1])), sys.argv[2]
for n in range(50):
    store.append(Decision(f"pair-{n}", "p", "r", "accept", name, "2026-04-01"))
    if n % 10 == 9:
        assert store.take_back(name, {f"pair-{n}"}, "2026-04-01").pair_id == f"pair-{n}"
"""


def test_two_processes_at_once_lose_nothing_of_each_other(catalog: Path) -> None:
    people = ["mori", "sato", "ito"]
    running = [subprocess.Popen([sys.executable, "-c", BUSY, str(catalog), name]) for name in people]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    rows = ReviewStore(catalog).rows()
    assert len(rows) == 3 * 55
    held = standing(rows)
    for name in people:
        kept = [d.pair_id for d in held if d.reviewer == name]
        assert kept == [f"pair-{n}" for n in range(50) if n % 10 != 9]


def test_a_group_can_share_a_catalog_where_the_umask_lets_it(tmp_path: Path) -> None:
    before = os.umask(0o007)
    try:
        ReviewStore(tmp_path / "catalog.sqlite").append(Decision("p", "a", "b", "accept", "mori", "2026-04-01"))
    finally:
        os.umask(before)
    assert (tmp_path / "catalog.sqlite").stat().st_mode & 0o777 == 0o660


def test_the_log_can_only_grow(catalog: Path) -> None:
    store = ReviewStore(catalog)
    store.append(Decision("p", "a", "b", "accept", "mori", "2026-04-01"))
    with sqlite3.connect(catalog) as db:
        for statement in ("DELETE FROM review_log", "UPDATE review_log SET verdict = 'discard'"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                db.execute(statement)
    db.close()
    assert [row.decision.verdict for row in store.rows()] == ["accept"]


def test_undo_brings_the_decision_before_it_back(session: Sit) -> None:
    mori = session("mori")
    item = mori.current()
    assert item is not None
    mori.decide(item.pair.pair_id, "accept")
    mori.decide(item.pair.pair_id, "discard")
    assert mori.undo() is not None
    assert read_rulings(mori.stock.catalog)[item.pair.pair_id].held == "accept"
    assert mori.undo() is not None and mori.undo() is None
    assert read_rulings(mori.stock.catalog) == {}
    again = mori.current()
    assert again is not None and again.pair == item.pair and again.why == "taken_back"


def test_undo_takes_only_own_decisions_back_and_only_those_of_this_folder(session: Sit) -> None:
    mori, sato = session("mori"), session("sato")
    item = mori.current()
    assert item is not None
    mori.decide(item.pair.pair_id, "discard")
    mori.store.append(Decision("of another folder", "x", "", "discard", "sato", "2026-04-01"))
    assert sato.undo() is None
    assert len(read_rulings(mori.stock.catalog)) == 2


def decided(*said: tuple[str, str]) -> list[Decision]:
    return [Decision("p", "a", "b", v, who, "2026-04-01", number=n) for n, (who, v) in enumerate(said, 1)]  # type: ignore[arg-type]


def test_more_than_half_of_the_voices_hold_and_else_the_pair_is_set_aside() -> None:
    cases = [
        ([("mori", "swap")], "swap"),
        ([("mori", "swap"), ("sato", "accept")], "contested"),
        ([("mori", "swap"), ("sato", "accept"), ("ito", "accept")], "accept"),
        ([("mori", "swap"), ("sato", "accept"), ("mori", "accept")], "accept"),
        ([("mori", "swap"), ("sato", "accept"), ("ito", "discard")], "contested"),
    ]
    for said, held in cases:
        assert rulings_of(decided(*said))["p"].held == held, said


def test_edits_agree_where_their_texts_do() -> None:
    one = Decision("p", "a", "b", "edit", "mori", "", "x", "y")
    same = Decision("p", "a", "b", "edit", "sato", "", "x", "y")
    other = Decision("p", "a", "b", "edit", "sato", "", "x", "z")
    assert rulings_of([one, same])["p"].reviewers == ("mori", "sato")
    assert rulings_of([one, other])["p"].held == "contested"


def test_only_what_changes_training_changes_the_fingerprint() -> None:
    accepted, swapped = (rulings_of(decided(("mori", verdict))) for verdict in ("accept", "swap"))
    assert rulings_fingerprint(accepted, {"a"}) == rulings_fingerprint(swapped, {"another"}) == ""
    assert rulings_fingerprint(swapped, {"a"}) != ""
    assert rulings_fingerprint(swapped, {"a"}) != rulings_fingerprint(rulings_of(decided(("mori", "discard"))), {"a"})


@pytest.mark.parametrize(
    ("verdict", "texts", "words"),
    [
        ("edit", ("", ""), "nothing was changed"),
        ("edit", ("x" * 5000, ""), "longer than"),
        ("edit", ("same", "same"), "the same now"),
        ("keep", ("", ""), "no such verdict"),
    ],
)
def test_what_makes_no_sense_is_not_stored(verdict: str, texts: tuple[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        decision_about(pair_of(1, 2), verdict, "mori", "", *texts)  # type: ignore[arg-type]


def test_names_and_texts_are_cleaned(catalog: Path) -> None:
    made = decision_about(pair_of(1, 2), "edit", " mo\x1b[31mri ", "", "Gear.\n  Dent\x07 left.", "", "why\x00")
    assert (made.reviewer, made.chosen, made.note) == ("mo[31mri", "Gear. Dent left.", "why")
    with pytest.raises(UsageError, match="nobody"):
        decision_about(pair_of(1, 2), "accept", " \n", "")
