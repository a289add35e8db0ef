"""The inspector of whichever bundle is active: a station that watches all day takes up a new one by itself."""

from collections.abc import Callable
from pathlib import Path

from realign_edge.results.model import Inspection
from realign_edge.station.arriving.context import Context
from realign_edge.station.watching.events import Inspects


class CurrentInspector:
    """Looks before each photo whether another bundle was installed, the one before brought back, or a key revoked."""

    def __init__(
        self,
        where: Callable[[], Path],
        load: Callable[[], Inspects],
        tell: Callable[[Path], None] = lambda _folder: None,
        trusted: Callable[[], object] = lambda: None,
    ) -> None:
        """where: the folder of the active bundle; load: verifies and loads it; tell: of a change; trusted: another
        value wherever other keys are trusted, so that a bundle whose key was revoked is not gone on with.

        Raises:
            RealignError: there is none, or it cannot be used; `inspect` may raise it, too.
        """
        self._where, self._load, self._tell, self._trusted = where, load, tell, trusted
        self._keys = trusted()
        self._folder, self._inspector = where(), load()

    def inspect(self, photo: bytes, name: str = "", context: Context | None = None) -> Inspection:
        """As station/inspecting/inspector.py does."""
        folder, keys = self._where(), self._trusted()
        if (folder, keys) != (self._folder, self._keys):
            before, self._folder, self._keys = self._folder, folder, keys
            # The old one first: two models at once may be more than the machine holds.
            del self._inspector
            self._inspector = self._load()
            if folder != before:
                self._tell(folder)
        return self._inspector.inspect(photo, name, context)
