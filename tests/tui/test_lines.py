"""Questions line by line: what follows an answer stands on a line of its own, whoever typed it."""

import io
import sys

import pytest

from tui.frame.lines import ask_line


class Terminal(io.StringIO):
    """Input that shows by itself what is typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "answers", "shown"),
    [
        (io.StringIO("a\nb"), ["a", "b", None], "> a\n> b\n> \n"),
        (Terminal("a\n"), ["a", None], "> > \n"),
    ],
)
def test_what_comes_next_begins_a_line(
    typed: io.StringIO,
    answers: list[str | None],
    shown: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", typed)
    assert [ask_line("> ") for _ in answers] == answers
    assert capsys.readouterr().out == shown
