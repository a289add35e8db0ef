"""What a person sees, rendered 80 columns wide."""

import io

import pytest
from rich.console import Console

from realign_edge.cli.progress import Bars, Lines
from realign_edge.meter import Meter


def terminal() -> tuple[Bars, Console]:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, highlight=False, color_system=None)
    return Bars(console), console


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_longest_bar_fits_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Meter, "rate", 1234.5)
    bars, console = terminal()
    bars.start("Asking the model before", 99_999, "answers")
    bars.advance(10_000)
    assert bars._bar is not None
    bars._bar.refresh()
    bars.close()
    assert "10000/99999 answers  1234.5/s  0:01:13 left" in shown(console)
    assert "…" not in shown(console)


def test_a_finished_task_leaves_one_line_and_a_long_note_wraps_under_itself() -> None:
    bars, console = terminal()
    bars.start("Reading photos", 12)
    bars.advance(12)
    bars.finish("11 read, " + "1 refused because its end is missing; " * 2)
    left = [
        line.rstrip() for line in shown(console).split("\x1b[2K")[-1].splitlines() if "0.0 s" in line or "its" in line
    ]
    assert left[0].startswith("    ok  Reading photos              0.0 s  11 read, 1 refused")
    assert all(len(line) <= 80 for line in left)
    assert left[1].startswith(" " * 43)


@pytest.mark.parametrize("name", ["[/x].jpg", "[red]part[1].jpg", "写真[/].jpg"])
def test_a_file_name_is_never_read_as_markup(name: str) -> None:
    bars, console = terminal()
    bars.start(name, 1)
    bars.warn(f"refused {name}")
    bars.finish(name)
    assert shown(console).count(name) >= 2


def test_the_cursor_comes_back_when_work_ends_in_the_middle() -> None:
    bars, console = terminal()
    bars.start("Training", 10)
    bars.close()
    bars.close()
    assert shown(console).rindex("\x1b[?25h") > shown(console).rindex("\x1b[?25l")


def test_lines_come_a_few_seconds_apart(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    monkeypatch.setattr("realign_edge.cli.progress.time.monotonic", lambda: now)
    lines = Lines()
    lines.start("Training", 20, "steps")
    for step in range(1, 21):
        now += 1
        lines.advance(step)
    lines.finish()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "Training: 5/20 steps  1.0/s  0:00:15 left",
        "Training: 10/20 steps  1.0/s  0:00:10 left",
        "Training: 15/20 steps  1.0/s  0:00:05 left",
        "Training: 20/20 steps  1.0/s  0:00:00 left",
        "Training: 20 steps in 20.0 s",
    ]
