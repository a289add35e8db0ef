"""Where the command line opens a window of the terminal dashboard: the one place that knows of it."""

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from realign_edge.language import Language, spoken_language

if TYPE_CHECKING:
    from realign_edge.appliance.settings import ApplianceConfig
    from tui.context import ImageMode, ThemeName, WindowOptions
    from tui.rooms import RoomName

THEMES = ("dark", "light", "contrast")
IMAGE_MODES = ("auto", "kitty", "sixel", "half", "none")
Plain = Annotated[bool, typer.Option("--plain", help="Lines in the place of a window; so it is without a terminal.")]
# Of a command that asks: without a terminal it would wait for nobody.
AskedInLines = Annotated[
    bool, typer.Option("--plain", help="Ask line by line in the place of a window; so it is where TERM is dumb.")
]
Lang = Annotated[str | None, typer.Option(help="Of the window: en or ja [default: configured, else the locale's].")]
Theme = Annotated[
    str | None, typer.Option(help="Of the window: dark, light, contrast [default: configured, else dark].")
]
Images = Annotated[
    str | None,
    typer.Option("--image-mode", help="Photos: auto, kitty, sixel, half, none [default: configured, else auto]."),
]
Decides = Annotated[str | None, typer.Option(help="Who decides [default: your user name].")]


@dataclass(frozen=True)
class Look:
    """How a window is to look."""

    language: Language
    theme: str
    image_mode: str

    def options(self, person: str = "") -> "WindowOptions":
        """The same for a window. person: who sits before it."""
        from tui.context import WindowOptions

        theme, images = cast("ThemeName", self.theme), cast("ImageMode", self.image_mode)
        return WindowOptions(self.language, theme, images, person)


def look_of(lang: str | None, theme: str | None, image_mode: str | None) -> Look:
    """What was typed, else what [window] and [site] of the configuration say, checked before anything begins.

    Raises:
        UsageError: it is none that we have, or the configuration has problems.
    """
    from realign_edge.errors import UsageError

    configured = _configured()
    if configured is not None:
        theme, image_mode = theme or configured.window.theme, image_mode or configured.window.images
        if lang is None and configured.site.language != "auto":
            lang = configured.site.language
    theme, image_mode = theme or THEMES[0], image_mode or IMAGE_MODES[0]
    for what, word, words in (("theme", theme, THEMES), ("image mode", image_mode, IMAGE_MODES)):
        if word not in words:
            raise UsageError(f"unknown {what} `{word}`", f"there are: {', '.join(words)}")
    return Look(spoken_language(lang), theme, image_mode)


def _configured() -> "ApplianceConfig | None":
    """The configuration, where there is a file of it: without one, a window opens sooner."""
    from realign_edge.appliance.where import config_file

    if config_file() is None:
        return None
    from realign_edge.appliance.load import appliance

    return appliance()


def is_terminal() -> bool:
    """Can a window be drawn here, and keys be read?"""
    able = os.environ.get("TERM", "dumb") != "dumb"
    return able and sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()


def has_windows() -> bool:
    """Are windows installed? Where they are not, one line says how they would be."""
    if find_spec("textual") is not None and find_spec("textual_image") is not None:
        return True
    from realign_edge.cli.options import say

    say("plain lines, since the dashboard is not installed: pip install 'realign-edge[tui]'")
    return False


def open_dashboard(home: Path, run: str, look: Look, speed: float | None = None) -> None:
    """Show a run until the person leaves; what runs goes on."""
    from tui.context import Context
    from tui.open import open_window

    open_window(Context(home, run, speed=speed, options=look.options()), "dashboard")


def window_wanted(plain: bool, otherwise: str) -> bool:
    """A window that asks, or lines in its place: where they are asked for, or all that this terminal or this
    installation can. otherwise: what to do where nobody is before it.

    Raises:
        UsageError: a window is wanted, and stdin, stdout or stderr is not a terminal.
    """
    from realign_edge.errors import UsageError

    if plain or os.environ.get("TERM", "dumb") == "dumb" or not has_windows():
        return False
    if not is_terminal():
        raise UsageError("this opens a window, and this is not a terminal", otherwise)
    return True


def named_person(name: str | None, option: str) -> str:
    """Who sits here: as typed, else the configured operator, else the user of the operating system.

    Raises:
        UsageError: neither is known, as in some containers.
    """
    import getpass

    from realign_edge.errors import UsageError

    configured = _configured() if name is None else None
    found = name if configured is None else configured.site.operator or None
    if found is None:
        try:
            found = getpass.getuser()
        except (KeyError, OSError):
            found = ""
    if not found.strip():
        raise UsageError("nobody is named", f"add {option} NAME")
    return found.strip()


def open_room(
    home: Path,
    room: "RoomName",
    look: Look,
    person: str,
    run: str = "latest",
    photos: Path | None = None,
    results: Path | None = None,
) -> None:
    """Show one of the windows in which a person decides, until it is left."""
    from tui.context import Context
    from tui.open import open_window

    open_window(Context(home, run, photos, results, options=look.options(person)), room)
