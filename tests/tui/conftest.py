"""Screens as text: what stands where, and in which style, compared with what was looked at and found good.

`REALIGN_EDGE_UPDATE_SCREENS=1 pytest tests/tui` writes them anew; look at each (`screens/NAME.txt`; the SVG of a
screen that differs lies in the test's temporary folder) before they are committed.
"""

import html
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

SIZES = ((80, 24), (120, 40), (200, 50))
SCREENS = Path(__file__).parent / "screens"
README_SCREENS = Path(__file__).parents[2] / "docs" / "screens"
UPDATE = "REALIGN_EDGE_UPDATE_SCREENS"
Check = Callable[[Any, str], None]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No colour setting of whoever runs the tests decides what is drawn."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TEXTUAL_THEME", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")


@pytest.fixture
def check_screen(tmp_path: Path) -> Check:
    """check_screen(app, "name"): the screen is the one that lies in screens/name.txt."""

    def check(app: Any, name: str) -> None:
        same(SCREENS / f"{name}.txt", drawn(app), app, tmp_path)

    return check


@pytest.fixture
def check_picture(tmp_path: Path) -> Check:
    """check_picture(app, "name"): docs/screens/name.svg, which the README shows, is the screen of now."""

    def check(app: Any, name: str) -> None:
        same(README_SCREENS / f"{name}.svg", svg(app), app, tmp_path)

    return check


def same(known: Path, now: str, app: Any, scratch: Path) -> None:
    """Compare, or with the variable set, write."""
    if os.environ.get(UPDATE):
        known.parent.mkdir(parents=True, exist_ok=True)
        known.write_text(now, encoding="utf-8")
        return
    before = known.read_text(encoding="utf-8") if known.exists() else ""
    if before != now:
        shown = scratch / f"{known.stem}.svg"
        shown.write_text(svg(app), encoding="utf-8")
        lines = "\n".join(now.splitlines()[: app.size.height])
        pytest.fail(f"{known} differs from the screen of now ({shown}); {UPDATE}=1 takes it over\n{lines}")


def svg(app: Any) -> str:
    """The screen as a picture; its fonts are those of the machine that shows it."""
    made: str = app.export_screenshot(title="realign-edge")
    # Rich asks a font server for its font; the README's pictures ask nobody.
    made = re.sub(r"@font-face \{.*?\}\s*", "", made, flags=re.DOTALL)
    return re.sub(r'textLength="([\d.]+)"([^>]*)>([^<]*)<', _as_wide_as_its_cells, made)


def _as_wide_as_its_cells(found: re.Match[str]) -> str:
    """Rich counts characters where Japanese ones are two cells wide."""
    text = html.unescape(found[3])
    width = float(found[1]) * cell_len(text) / max(len(text), 1)
    return f'textLength="{width:.1f}"{found[2]}>{found[3]}<'


def drawn(app: Any) -> str:
    """Every line of the screen, then its styles: a letter each, and how many cells each covers."""
    strips = app.screen._compositor.render_strips(app.size)
    names: dict[str, str] = {}
    lines, covered = [], []
    for strip in strips:
        assert strip.cell_length == app.size.width, f"a line of {strip.cell_length} cells: {strip.text!r}"
        lines.append(strip.text)
        covered.append(_runs([(str(s.style or ""), s.cell_length) for s in strip], names))
    legend = [f"{letter} = {_readable(style)}" for style, letter in names.items()]
    return "\n".join([*lines, "", *covered, "", *legend, ""])


def _runs(cells: Sequence[tuple[str, int]], names: dict[str, str]) -> str:
    merged: list[list[Any]] = []
    for given, width in cells:
        style = re.sub(r"\s*(link|meta)\s*\S*", "", given)
        if merged and merged[-1][0] == style:
            merged[-1][1] += width
        else:
            merged.append([style, width])
    return " ".join(f"{names.setdefault(style, _letter(len(names)))}{width}" for style, width in merged)


def _letter(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return letters[number] if number < 26 else letters[number // 26 - 1] + letters[number % 26]


def _readable(style: str) -> str:
    return style or "none"
