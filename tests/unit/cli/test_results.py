"""Rows on a terminal, and what the command line makes of days and heads."""

import time
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from realign_edge.cli.main import app
from realign_edge.cli.results_view import line, page
from realign_edge.cli.results_words import head_from, query
from realign_edge.cli.watching import plain, spoken
from realign_edge.errors import UsageError
from realign_edge.results.head import Head
from realign_edge.results.model import Entry, Finding, Inspection, Neighbour, Reason
from realign_edge.station.watching.events import Event


@pytest.fixture
def entry() -> Entry:
    """A REVIEW in Japanese, with a name that would colour a terminal."""
    reasons = (Reason("unfamiliar", "調整に使った写真と似ていないので、人の確認が必要です。" * 3),)
    finding = Finding("scratch", "left", "a scratch", float("nan"), 0.5)
    near = Neighbour("a" * 64, "old/1.jpg", 0.9, "a long note " * 12)
    about = ("a" * 64, "evil\x1b[31m.jpg", "2026-04-01T08:00:00+00:00", "REVIEW", reasons, "説明", "bracket")
    return Entry(12, Inspection(*about, (finding,), (near,), 0.9, 0.8, "b1", "m" * 64, 41.0, lot="L7"), "", "f" * 64)  # type: ignore[arg-type]


def test_rows_fit_the_terminal_and_leave_it_as_it_is(entry: Entry) -> None:
    lines = [line(entry, ()), *page(entry, ()).splitlines()]
    assert "\x1b" not in "".join(lines)
    assert cell_len(lines[0]) <= 80
    assert all(cell_len(text) <= 80 for text in lines)
    assert "".join(x[12:] for x in lines).count("人の確認が必要です") == 3
    assert "REVIEW" in lines[0]


def test_an_event_in_one_line_and_as_json(entry: Entry) -> None:
    event = Event("inspected", "evil.jpg", entry)
    assert "\n" not in spoken(event)
    assert "  ? REVIEW" in spoken(event)
    found = plain(event)
    assert (found["row"], found["verdict"], found["findings"][0]["grounding"]) == (12, "REVIEW", None)
    assert spoken(Event("known", "a.jpg", entry)) == ""
    assert "moved" in spoken(Event("known", "a.jpg", entry, moved_to="done/a.jpg"))


def test_days_are_those_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    found: Any = query("pass", "L1", "2026-04-01", "2026-04-01", False, 0)
    monkeypatch.undo()
    time.tzset()
    assert (found.since, found.until) == ("2026-03-31T15:00:00+00:00", "2026-04-01T15:00:00+00:00")
    assert (found.verdict, found.lot) == ("PASS", "L1")
    with pytest.raises(UsageError, match="is no day or time"):
        query("", "", "1st of April", "", False, 0)


@pytest.mark.parametrize("text", ["", "12", "12:", "12:abc", "x:abcdefabcdef", "12:ghijklmnop", "-1:abcdefab"])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no head"):
        head_from(text)
    assert head_from(" 12:ABCDEF01 ") == Head(12, "abcdef01")


@pytest.mark.parametrize(
    "words", [("drift",), *[("results", n) for n in ("list", "show", "decide", "verify", "export", "backup")]]
)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    found = CliRunner().invoke(app, [*words, "--help"])
    assert found.exit_code == 0
    assert "Example:" in found.stdout
    assert "--json" in found.stdout
