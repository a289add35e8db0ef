"""The command, and something that happens to a file at a certain moment: `python meddle.py WHERE WHAT FILE WORDS...`

WHERE: `module:Class.method` or `module:function`; just before it runs for the first time, FILE is deleted (`delete`),
or becomes a photo of other bytes (`replace`); `clock` sets the clock back by FILE seconds instead.
"""

import datetime as dates
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

DATETIME = dates.datetime


def happen(what: str, file: str) -> None:
    if what == "delete":
        Path(file).unlink()
    elif what == "replace":
        Image.new("RGB", (96, 96), (200, 30, 30)).save(file)
    else:
        set_back(float(file))


def set_back(seconds: float) -> None:
    """Every clock that our modules look at; the kernel's, which times files, stays."""
    real = time.time

    class Earlier(DATETIME):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return DATETIME.now(tz) - dates.timedelta(seconds=seconds)

    time.time = lambda: real() - seconds
    for name, module in list(sys.modules.items()):
        if name.startswith("realign_edge") and getattr(module, "datetime", None) is DATETIME:
            module.datetime = Earlier  # type: ignore[attr-defined]


def meddle(where: str, what: str, file: str) -> None:
    module, _, inner = where.partition(":")
    holder: Any = importlib.import_module(module)
    *outer, name = inner.split(".")
    for part in outer:
        holder = getattr(holder, part)
    usual: Callable[..., Any] = getattr(holder, name)
    done: list[bool] = []

    def meddled(*arguments: Any, **more: Any) -> Any:
        if not done:
            done.append(True)
            happen(what, file)
        return usual(*arguments, **more)

    setattr(holder, name, meddled)


if __name__ == "__main__":
    meddle(*sys.argv[1:4])
    sys.argv[:4] = ["realign-edge"]
    from realign_edge.cli.main import main

    main()
