"""What the window shows of a station, read in a thread: rows as they come, the watcher's pulse, one row in full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from realign_edge.glossary.model import Glossary
from realign_edge.results.chain import Problem
from realign_edge.results.follow import Follower, Row
from realign_edge.results.model import Disposition, Entry, Inspection, Refused
from realign_edge.results.store import FILE, Results
from realign_edge.station.watching.pulse import WatcherPulse, watcher_pulse
from realign_edge.station.watching.whereabouts import Whereabouts, past_thumbnail, photo_of
from tui.context import Context
from tui.inspections.names import NO_NAMES, names_of

# Rows that a long list begins with.
_FIRST = 300
# Nearest past photos of which pictures are looked for.
_NEAR = 3


@dataclass(frozen=True)
class Opened:
    """One row in full. near: a picture for each of the nearest past photos, None where there is none; names: the
    vocabulary of the bundle."""

    entry: Entry
    decisions: tuple[Entry, ...]
    photo: Whereabouts
    near: tuple[Path | None, ...]
    names: Glossary = NO_NAMES

    @property
    def said(self) -> Disposition | None:
        """The newest decision of a person, the one that counts."""
        newest = self.decisions[-1].content if self.decisions else None
        return newest if isinstance(newest, Disposition) else None


@dataclass(frozen=True)
class Checked:
    """What the chain's check found. last: the newest row then; at: when, seconds since the epoch."""

    problems: tuple[Problem, ...]
    last: int
    at: float


class Feed:
    """Follows the results of a station. One thread at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.path = results_file(context)
        self._follower: Follower | None = None
        self._day = ""
        self._begun = False

    def look(self, all_days: bool) -> tuple[tuple[Row, ...], int, bool] | None:
        """All rows, the number of the file's newest row, and whether older ones are left out; None where nothing is
        new. At midnight, and when all days are asked for, the list begins anew: with the newest rows, which are there
        at once, and at the next look with all of them.

        Raises:
            RealignError: see results/follow.py.
        """
        day = "" if all_days else midnight(self._context.now())
        if self._follower is None or day != self._day:
            self._follower, self._day, self._begun = Follower(self.path, day, _FIRST), day, True
        elif self._begun and self._follower.cut:
            self._follower, self._begun = Follower(self.path, day), False
        try:
            changed = self._follower.look()
        except Exception:
            # What comes next may be another file.
            self._follower = None
            raise
        return (self._follower.rows, self._follower.last, self._follower.cut) if changed else None

    def pulse(self) -> WatcherPulse | None:
        """Of the watcher of this station."""
        return watcher_pulse(self.path.parent, self._context.now())


def results_file(context: Context) -> Path:
    """The one that was named, else the station's."""
    named = context.results or context.home
    return named / FILE if named.is_dir() or named == context.home else named


def midnight(now: float) -> str:
    """The beginning of this machine's day, as the rows have their times."""
    day = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return day.astimezone(UTC).isoformat(timespec="seconds")


def open_row(context: Context, number: int, folders: Sequence[Path]) -> Opened | None:
    """None where there is no such row. folders: where photos may lie.

    Raises:
        RealignError: the results cannot be read.
    """
    path = results_file(context)
    with Results.read(path) as results:
        entry = results.entry(number)
        said = results.decisions(number)
    if entry is None or not isinstance(entry.content, Inspection | Refused):
        return None
    content, home = entry.content, station_home(context)
    photo = photo_of(home, content.sha256, content.name, folders)
    if isinstance(content, Refused):
        return Opened(entry, said, photo, ())
    near = [past_thumbnail(home, content.bundle_id, n.sha256) for n in content.neighbours[:_NEAR]]
    return Opened(entry, said, photo, tuple(near), names_of(home, content.bundle_id))


def station_home(context: Context) -> Path:
    """Where thumbnails and bundles lie: beside the results, or for a copy of them, in the state folder."""
    beside = results_file(context).parent
    return beside if (beside / "thumbnails").is_dir() else context.home


def photo_folders(context: Context, pulse: WatcherPulse | None) -> tuple[Path, ...]:
    """Where inspected photos may lie: the folder that was named, and the one that is watched."""
    named = [context.photos] if context.photos else []
    return (*named, *([Path(pulse.folder)] if pulse and pulse.folder else []))


_checked: dict[tuple[str, int], Checked] = {}


def known_check(path: Path) -> Checked | None:
    """The last check of this file in this program, unless the file is another one since."""
    return _checked.get(_key(path))


def check_chain(path: Path, now: float) -> Checked:
    """Verify all of it, and remember the result.

    Raises:
        RealignError: the results cannot be read.
    """
    with Results.read(path) as results:
        last = results.head().entries
        found = Checked(tuple(results.verify()), last, now)
    _checked[_key(path)] = found
    return found


def _key(path: Path) -> tuple[str, int]:
    try:
        inode = path.stat().st_ino
    except OSError:
        inode = 0
    return str(path.resolve()), inode
