"""Where commands open a window, or ask the same line by line: the only place that knows the windows' code."""

import getpass
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from realign_edge.errors import MissingError, UsageError

if TYPE_CHECKING:
    from tui.context import Context

Lang = Annotated[str | None, typer.Option("--lang", help="Of the window: en or ja [default: the locale's].")]
Plain = Annotated[bool, typer.Option("--plain", help="Lines instead of a window; chosen by itself where TERM is dumb.")]
ImageMode = Annotated[
    str, typer.Option(help="Photos as: auto, kitty, sixel, half (two pixels a cell), none (their names).")
]
_IMAGE_MODES = ("auto", "kitty", "sixel", "half", "none")


def plain_wanted(plain: bool) -> bool:
    """Lines instead of a window: asked for, or all that this terminal can."""
    return plain or os.environ.get("TERM", "dumb") == "dumb"


def context_for(lang: str | None, image_mode: str, person: str | None, **more: Any) -> "Context":
    """What a window is opened on.

    Raises:
        UsageError: the language, the image mode or the person makes no sense.
    """
    from realign_edge.home import home
    from realign_edge.language import spoken_language
    from tui.context import Context, WindowOptions

    if image_mode not in _IMAGE_MODES:
        raise UsageError(f"unknown image mode `{image_mode}`", f"modes: {', '.join(_IMAGE_MODES)}")
    name = (person or whoever()).strip()
    if not name:
        raise UsageError("nobody is named", "name yourself with an option of this command (see its --help)")
    options = WindowOptions(spoken_language(lang), image_mode=image_mode, person=name)  # type: ignore[arg-type]
    return Context(home(), options=options, **more)


def whoever() -> str:
    """The user of the operating system; "" where it knows none, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def need_terminal(otherwise: str) -> None:
    """A window needs somebody before it. otherwise: what to do elsewhere.

    Raises:
        UsageError: stdin or stdout is not a terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("this opens a window, and this is not a terminal", otherwise)


def show_window(context: "Context", room: Any) -> None:
    """Open a window and return when the person leaves it.

    Raises:
        MissingError: Textual is not installed.
    """
    try:
        from tui.open import open_window
    except ModuleNotFoundError as problem:
        if problem.name not in ("textual", "textual_image"):
            raise
        raise MissingError(
            "windows need the package `textual`, which is not installed",
            "install realign-edge[tui], or add --plain to be asked line by line",
        ) from problem
    open_window(context, room)
