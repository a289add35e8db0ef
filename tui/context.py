"""What a window is opened on, and how it is to look."""

import getpass
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Language = Literal["en", "ja"]
ImageMode = Literal["auto", "kitty", "sixel", "half", "none"]
ThemeName = Literal["dark", "light", "contrast"]


@dataclass(frozen=True)
class WindowOptions:
    """How windows look and who sits before them.

    image_mode: `auto` asks the terminal; `half` draws two pixels a cell; `none` names the photo instead.
    person: whose decisions these are.
    """

    language: Language = "en"
    theme: ThemeName = "dark"
    image_mode: ImageMode = "auto"
    person: str = field(default_factory=getpass.getuser)


@dataclass(frozen=True)
class Context:
    """What every window knows.

    home: the state folder; run: name of a run, or `latest`; photos: the folder whose pairs are reviewed (None: that
    of the run); results: results.sqlite (None: the one in the state folder); speed: how fast a finished run is
    played (None: as it is); now: seconds since the epoch, replaced in tests.
    """

    home: Path
    run: str = "latest"
    photos: Path | None = None
    results: Path | None = None
    speed: float | None = None
    options: WindowOptions = field(default_factory=WindowOptions)
    now: Callable[[], float] = time.time
