"""What a watcher is told, what it tells, and what it needs of an inspector."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from realign_edge.results.model import Entry, Inspection
from realign_edge.station.arriving.context import Context

Kind = Literal["inspected", "known", "duplicate", "refused", "waiting", "trouble", "gone", "back", "bundle"]


class Inspects(Protocol):
    """What a watcher needs of an inspector; station/inspecting/inspector.py is one."""

    def inspect(self, photo: bytes, name: str = "", context: Context | None = None) -> Inspection:
        """Raises Refusal for what is no photo."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. name: of the file, "" for the folder; entry: its row; words: why, for people."""

    kind: Kind
    name: str = ""
    entry: Entry | None = None
    words: str = ""
    moved_to: str = ""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """settle_s: how long a file must be left alone; patience_s: for how long, unchanged, a file that cannot be read is
    given the chance to become whole; every_s: pause between two looks; done, quarantine: where inspected and refused
    files are moved, None: they stay.
    """

    settle_s: float = 1.0
    patience_s: float = 30.0
    every_s: float = 1.0
    done: Path | None = None
    quarantine: Path | None = None

    def leave_out(self) -> tuple[Path, ...]:
        """Folders that may lie in the watched one and are not looked into."""
        return tuple(p for p in (self.done, self.quarantine) if p is not None)
