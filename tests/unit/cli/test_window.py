"""When a window opens, when lines are printed instead, and what is said when a window has been left."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import typer

from realign_edge.cli import attach, window
from realign_edge.cli.window import Look, has_windows, is_terminal, look_of
from realign_edge.errors import UsageError
from realign_edge.runs.detach import Detached
from realign_edge.runs.run import Run, create_run


@pytest.mark.parametrize(
    ("term", "streams", "able"),
    [
        ("xterm-256color", (True, True, True), True),
        ("dumb", (True, True, True), False),
        (None, (True, True, True), False),
        ("xterm", (False, True, True), False),
        ("xterm", (True, False, True), False),
        ("xterm", (True, True, False), False),
    ],
)
def test_a_window_needs_a_terminal_that_can_draw_and_keys(
    monkeypatch: pytest.MonkeyPatch, term: str | None, streams: tuple[bool, bool, bool], able: bool
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    if term is not None:
        monkeypatch.setenv("TERM", term)
    for name, tty in zip(("stdin", "stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda tty=tty: tty)
    assert is_terminal() is able


def test_what_is_typed_is_checked_before_anything_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    assert look_of(None, "dark", "half") == Look("ja", "dark", "half")
    assert look_of("en", "contrast", "none") == Look("en", "contrast", "none")
    for wrong in (("fr", "dark", "auto"), ("en", "pink", "auto"), ("en", "dark", "3d")):
        with pytest.raises(UsageError, match="unknown"):
            look_of(*wrong)


def test_the_words_are_those_of_the_windows() -> None:
    """Kept here as well, since a command that is only asked for help must not load them."""
    from typing import get_args

    from tui.context import ImageMode, ThemeName

    assert set(window.THEMES) == set(get_args(ThemeName))
    assert set(window.IMAGE_MODES) == set(get_args(ImageMode))


def test_without_the_windows_one_line_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert has_windows()
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "textual", None)
    assert not has_windows()
    assert capsys.readouterr().err.count("\n") == 1


@pytest.fixture
def run(home: Path) -> Run:
    return create_run(home / "runs", "aaaa", {"photos": "/p"}, "", datetime(2026, 1, 1))


Left = Callable[[int | None], int]


@pytest.fixture
def leave(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Left:
    """Open a window that is left at once, on a run whose process ends with this code; gives the command's code."""
    opened: list[str] = []

    def look(code: int | None) -> int:
        monkeypatch.setattr(attach, "open_dashboard", lambda home, name, look: opened.append(name))
        try:
            attach.attach(Detached(run, 1, tmp_path / "log", lambda seconds: code), Look("en", "dark", "auto"))
        except typer.Exit as end:
            return end.exit_code
        finally:
            assert opened == [run.run_id]
        return 0

    return look


def test_a_run_that_goes_on_is_told_with_how_to_look_again(
    run: Run, leave: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    run.heartbeat(state="running", stage="train")
    assert leave(None) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        f"run {run.run_id} goes on by itself; this terminal can be closed",
        f"look at it again with: realign-edge watch {run.run_id}",
    ]


def test_a_run_that_finished_meanwhile_is_summed_up_with_its_own_code(
    run: Run, leave: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    run.heartbeat(state="finished", stage="export")
    part = {
        side: {"value": v, "low": v - 0.1, "high": v + 0.1, "n": 9} for side, v in (("before", 0.3), ("after", 0.1))
    }
    part["difference"] = {"value": -0.2, "low": -0.3, "high": -0.1, "n": 9}
    decision = {"adopt": False, "sentence": "Do not adopt yet: x.", "reasons": ["x"]}
    (run.folder / "evaluation.json").write_text(
        json.dumps({"photos": 9, "figures": {"chair_i": part}, "decision": decision})
    )
    assert leave(4) == 4
    out = capsys.readouterr().out
    for words in ("Do not adopt yet: x.", "hallucinated", "30.0 (20-40)", f"{run.run_id} finished"):
        assert words in out
    assert max(map(len, out.splitlines())) <= 100


def test_a_run_that_failed_meanwhile_fails_in_its_own_words(
    run: Run, leave: Left, capsys: pytest.CaptureFixture[str]
) -> None:
    run.heartbeat(state="failed", stage="train", error="No space left", hint="free some space")
    assert leave(1) == 1
    said = capsys.readouterr()
    assert said.err == "error: No space left\nhint: free some space\n"
    assert "failed" in said.out


def test_a_run_that_was_killed_ends_as_a_shell_tells_it(run: Run, leave: Left) -> None:
    run.heartbeat(state="stopped", stage="train")
    assert leave(-9) == 137


def test_what_was_not_typed_comes_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from realign_edge.appliance.where import VARIABLE
    from realign_edge.cli.window import named_person

    file = tmp_path / "c.toml"
    file.write_text('[site]\nlanguage = "ja"\noperator = "Sato"\n[window]\ntheme = "light"\nimages = "half"\n')
    monkeypatch.setenv(VARIABLE, str(file))
    assert look_of(None, None, None) == Look("ja", "light", "half")
    assert look_of("en", "dark", "none") == Look("en", "dark", "none")
    assert (named_person(None, "--person"), named_person("Ito", "--person")) == ("Sato", "Ito")
