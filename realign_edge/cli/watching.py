"""`inspect --watch`: photos as they arrive, one line each, until somebody asks for an end."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realign_edge.cli.guard import visible_json
from realign_edge.cli.options import say

if TYPE_CHECKING:
    from realign_edge.station.watching.events import Event, WatchSettings

# Those of `inspect` on a terminal that knows ASCII alone: these lines often go into a log.
_SYMBOLS = {"PASS": "+", "FAIL": "x", "REVIEW": "?"}


def watch_folder(
    folder: Path,
    open_inspector: Callable[["Teller"], Any],
    given: Any,
    pattern: str,
    settings: "WatchSettings",
    as_json: bool,
    quiet: bool,
) -> None:
    """Run the watcher in this process; returns once it was asked to stop.

    Raises:
        MissingError: no folder, or no bundle.
        RealignError: another watcher works for this station, or the results cannot be written.
    """
    from realign_edge.home import home
    from realign_edge.results.store import Results
    from realign_edge.runs.lock import work_lock
    from realign_edge.runs.signals import stop_on_signals
    from realign_edge.station.arriving.about import context_by
    from realign_edge.station.watching.events import Event
    from realign_edge.station.watching.watch import Watcher, check_folder

    check_folder(folder)
    place = home()
    (place / "watch").mkdir(exist_ok=True)
    hint = "stop it first, or give this one a state folder of its own with REALIGN_EDGE_HOME"
    with (
        stop_on_signals() as stopping,
        work_lock(place / "watch" / "lock", f"watching {folder}", hint),
        Results.open(place, given.station) as results,
    ):
        teller = Teller(as_json, quiet)
        about = context_by(given, pattern, lambda said: teller.tell(Event("trouble", words=said)))
        watcher = Watcher(folder, place, open_inspector(teller), results, settings, teller.tell, about)
        say(_greeting(folder, settings), quiet)
        watcher.run(stopping)
        say(f"stopped; {counted(watcher.heart.counts)}", quiet)


def current_inspector(bundle: Path | None, load: Callable[[], Any], teller: "Teller") -> Any:
    """The inspector of the named bundle, or of the active one, which may become another while it is watched.

    Raises:
        MissingError: there is none.
    """
    from realign_edge.bundle.trust import keys_stamp
    from realign_edge.home import home
    from realign_edge.station.find import find_bundle
    from realign_edge.station.watching.current import CurrentInspector
    from realign_edge.station.watching.events import Event

    def changed(folder: Path) -> None:
        teller.tell(Event("bundle", words=f"{folder.name} is the active bundle now"))

    return CurrentInspector(lambda: find_bundle(home(), bundle), load, changed, lambda: keys_stamp(home()))


def watch_settings(
    folder: Path, done: Path | None, quarantine: Path | None, settle_s: float, patience_s: float, every_s: float
) -> "WatchSettings":
    """The options as settings; folders that are not absolute lie in the watched one.

    Raises:
        UsageError: files would be moved to where they are looked for.
    """
    from realign_edge.errors import UsageError
    from realign_edge.station.watching.events import WatchSettings

    places = [(folder / p).resolve() if p is not None else None for p in (done, quarantine)]
    for place in places:
        if place is not None and folder.is_relative_to(place):
            raise UsageError(
                f"files would be moved to {place}, which holds the watched folder", "name a folder inside it or beside"
            )
    return WatchSettings(settle_s, patience_s, every_s, *places)


def counted(counts: Any) -> str:
    """Counts in words."""
    verdicts = ", ".join(f"{counts[v]} {v}" for v in ("PASS", "FAIL", "REVIEW"))
    more = "".join(f", {counts[k]} {words}" for k, words in (("refused", "refused"), ("duplicate", "seen before")))
    return verdicts + more


class Teller:
    """One line a photo on stderr, or one JSON object a line on stdout."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self._json, self._quiet = as_json, quiet

    def tell(self, event: "Event") -> None:
        """Say what happened."""
        if self._json:
            sys.stdout.write(visible_json(json.dumps(plain(event), ensure_ascii=False)) + "\n")
            sys.stdout.flush()
        elif line := spoken(event):
            say(line, self._quiet)


def plain(event: "Event") -> dict[str, Any]:
    """An event as one JSON object, its row included."""
    from realign_edge.files import finite

    found: dict[str, Any] = {"event": event.kind, "name": event.name, "words": event.words, "moved_to": event.moved_to}
    if event.entry is not None:
        found |= {"row": event.entry.number, "hash": event.entry.hash, **finite(asdict(event.entry.content))}
    return found


def spoken(event: "Event") -> str:
    """An event in one line; "" where there is nothing to say."""
    from realign_edge.photos.text import clean
    from realign_edge.results.model import Inspection

    row = f"{event.entry.number:>6}" if event.entry is not None else f"{'':>6}"
    content = event.entry.content if event.entry is not None else None
    if event.kind == "inspected" and isinstance(content, Inspection):
        words = content.description if content.verdict == "PASS" else _why(content)
        return f"{row}  {_SYMBOLS[content.verdict]} {content.verdict:<6}  {event.name}  {_short(clean(words))}"
    if event.kind == "known":
        return f"{row}     known   {event.name}  moved" if event.moved_to else ""
    words = f"{event.name}  {event.words}" if event.name else event.words
    return f"{row}     {event.kind:<8} {words}"


def _why(content: Any) -> str:
    return str(content.reasons[0].sentence if content.reasons else content.description)


def _short(text: str, most: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _greeting(folder: Path, settings: Any) -> str:
    done = f"moved to {settings.done}" if settings.done else "left where they are"
    return f"watching {folder}; photos are {done}; Ctrl-C stops after the current photo"
