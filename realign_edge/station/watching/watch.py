"""A folder that photos arrive in: each of them is inspected exactly once, whatever happens in between.

The results are what is known, nothing else is kept: a photo's row is written, and safe on the disk, before the file is
moved. A stop at any point leaves either no row, and the photo is taken again, or a row, and the file is only moved.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PIL import Image

from realign_edge.errors import MissingError
from realign_edge.files import sha256_bytes
from realign_edge.photos.decode import decode
from realign_edge.photos.kinds import kind_of
from realign_edge.photos.regular import Refusal, read_bytes, stays_inside
from realign_edge.results.model import Entry, Inspection, Refused
from realign_edge.results.store import Results
from realign_edge.results.thumbnails import keep_thumbnail
from realign_edge.station.arriving.context import Context
from realign_edge.station.watching.away import Away
from realign_edge.station.watching.events import Event, Inspects, WatchSettings
from realign_edge.station.watching.heartbeat import Heartbeat, now
from realign_edge.station.watching.inhand import InHand
from realign_edge.station.watching.intake import FolderGone, Found, Intake

# Kinds of photo whose end can be seen in the file; the others may look whole while they are still being written.
_ENDED = ("JPEG", "PNG")
# How soon a wish to stop is heard while nothing is to be done.
_NAP_S = 0.2
# A file that is still being written is no trouble yet.
_TROUBLE = 3


def check_folder(folder: Path) -> None:
    """A folder that is not there at the start is a mistake, or a mount that is tried again; later it is waited for.

    Raises:
        MissingError: the folder is not there.
    """
    if not folder.is_dir():
        raise MissingError(f"no folder at {folder}", "name the folder that photos arrive in, or mount it first")


class Watcher:
    """Watches one folder. One thread; several processes may write into the same results."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        inspector: Inspects,
        results: Results,
        settings: WatchSettings,
        tell: Callable[[Event], None],
        context: Callable[[Path, str], Context] = lambda _path, _name: Context(),
    ) -> None:
        """context: what else is known about a photo, by its path and its name below the folder.

        Raises:
            MissingError: the folder is not there.
        """
        check_folder(folder)
        self._home, self._inspector, self._results, self._settings = home, inspector, results, settings
        self._context, self._tell = context, tell
        self._intake = Intake(folder, settings.leave_out(), settings.settle_s)
        self.heart = Heartbeat(home, folder)
        self._away = Away(home, self._intake, tell)
        self._hand = InHand(home)
        self._closed: tuple[str, ...] = ()
        self._gone = False

    def run(self, stopping: Callable[[], bool]) -> None:
        """Watch until somebody asks for an end; the photo in hand is finished first.

        Raises:
            RealignError: the results cannot be written, or the bundle does not work.
        """
        self.heart.beat("watching", 0)
        self._away.clear()
        try:
            while not stopping():
                began = time.monotonic()
                there = self._look(stopping)
                # A folder of very many files is not listed all the time.
                self._rest(stopping, max(self._settings.every_s, 4 * (time.monotonic() - began)) if not there else 0.0)
        except BaseException as failure:
            self.heart.beat("failed", self._intake.waiting, str(failure))
            raise
        self.heart.beat("stopped", self._intake.waiting)

    def _look(self, stopping: Callable[[], bool]) -> bool:
        """One look at the folder and all that is due; was there anything?"""
        try:
            due = self._intake.look()
        except FolderGone as problem:
            self._folder_gone(str(problem))
            return False
        if self._gone:
            self._gone = False
            self._tell(Event("back", words=f"{self._intake.folder} is there again"))
        self._tell_closed()
        taken = self._suspects_last(due)
        for found in taken:
            if stopping():
                break
            self._take(found)
            self.heart.beat("watching", self._intake.waiting)
        self.heart.beat("watching", self._intake.waiting)
        return bool(taken)

    def _suspects_last(self, due: list[Found]) -> list[Found]:
        """A photo that ended the program again and again comes when nothing else waits."""
        suspects = [f for f in due if self._hand.is_suspect(f.name)]
        if suspects and (len(suspects) < len(due) or self._intake.settling):
            return [f for f in due if f not in suspects]
        for found in suspects:
            times = self._hand.times(found.name)
            self._tell(Event("trouble", found.name, words=f"ended the program {times} times, so it is tried last"))
        return due

    def _take(self, found: Found) -> None:
        digest = ""
        try:
            if found.reason:
                raise Refusal(found.reason)
            stays_inside(found.path, self._intake.folder)
            data = read_bytes(found.path)
            digest = sha256_bytes(data)
            if (entry := self._results.inspected(digest)) is not None:
                self._known(found, entry)
                return
            # A decoder in C may end the program as well as a model.
            self._hand.take(found.name)
            image = decode(data)
            if kind_of(data) not in _ENDED and found.watched_s < self._settings.settle_s:
                self._hand.lay_down(found.name)
                self._intake.put_off(found)
                return
            inspection = self._inspector.inspect(data, found.name, self._context(found.path, found.name))
            self._hand.lay_down(found.name)
        except Refusal as refusal:
            self._hand.lay_down(found.name)
            self._refusal(found, digest, refusal)
            return
        self._keep(found, inspection, image)

    def _keep(self, found: Found, inspection: Inspection, image: Image.Image) -> None:
        with suppress(OSError):
            # A report does without a picture; what must not be lost is the row.
            keep_thumbnail(self._home, inspection.sha256, image)
        entry, new = self._results.append_new(inspection)
        if not new:
            self._known(found, entry)
            return
        moved = self._away.put(found, self._settings.done, inspection.sha256)
        self._tell(Event("inspected", found.name, entry, moved_to=moved))
        self.heart.count(inspection.verdict)

    def _known(self, found: Found, entry: Entry) -> None:
        """The same bytes have a row already: from before a stop, or under another name."""
        assert isinstance(entry.content, Inspection)
        stuck = self._away.is_stuck(found)
        moved = self._away.put(found, self._settings.done, entry.content.sha256)
        if stuck and not moved:
            return
        same = entry.content.name == found.name
        words = f"the same photo as {entry.content.name}, row {entry.number}"
        self._tell(Event("known" if same else "duplicate", found.name, entry, "" if same else words, moved))
        self.heart.count("known" if same else "duplicate")

    def _refusal(self, found: Found, digest: str, refusal: Refusal) -> None:
        """It vanished, may become readable, may become whole, or is refused."""
        if not found.path.exists():
            self._intake.forget(found)
            return
        if refusal.passing:
            self._retry(found, refusal)
        elif not found.reason and found.quiet_s < self._settings.patience_s:
            if self._intake.put_off(found) == 1:
                self._tell(Event("waiting", found.name, words=str(refusal)))
        else:
            self._refuse(found, digest, str(refusal))

    def _retry(self, found: Found, refusal: Refusal) -> None:
        """No permission, for instance: tried again and again, told, and put on record when it stays so."""
        if self._intake.put_off(found) == _TROUBLE:
            self._tell(Event("trouble", found.name, words=f"{refusal}; tried again"))
        if found.watched_s >= self._settings.patience_s:
            entry, new = self._results.append_new(Refused(found.name, str(refusal), now()))
            if new:
                self._tell(Event("refused", found.name, entry, f"{refusal}; it stays, and is still tried"))
                self.heart.count("refused")

    def _refuse(self, found: Found, digest: str, reason: str) -> None:
        entry, _ = self._results.append_new(Refused(found.name, reason, now(), digest))
        stuck = self._away.is_stuck(found)
        moved = self._away.put(found, self._settings.quarantine, digest)
        if moved:
            self._away.explain(moved, reason)
        if not stuck:
            self.heart.count("refused")
        if moved or not stuck:
            self._tell(Event("refused", found.name, entry, reason, moved))

    def _folder_gone(self, reason: str) -> None:
        """A network mount may be lost for a while; told once."""
        if not self._gone:
            self._tell(Event("gone", words=f"{self._intake.folder} cannot be listed ({reason}); waiting for it"))
        self._gone = True
        self.heart.beat("waiting for the folder", self._intake.waiting, reason)

    def _tell_closed(self) -> None:
        for folder in set(self._intake.closed) - set(self._closed):
            self._tell(Event("trouble", folder, words="the folder cannot be listed; tried again"))
        self._closed = self._intake.closed

    def _rest(self, stopping: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + seconds
        while not stopping() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _NAP_S))
