"""The inspector of whichever bundle is active: a station that watches all day takes up a new one by itself."""

from collections.abc import Callable
from pathlib import Path

from realign_edge.results.model import Inspection
from realign_edge.station.arriving.context import Context
from realign_edge.station.watching.events import Inspects


class CurrentInspector:
    """Looks before each photo whether another bundle was installed, or the one before brought back."""

    def __init__(
        self,
        where: Callable[[], Path],
        load: Callable[[], Inspects],
        tell: Callable[[Path], None] = lambda _folder: None,
    ) -> None:
        """where: the folder of the active bundle; load: verifies and loads it; tell: of a change.

        Raises:
            RealignError: there is none, or it cannot be used; `inspect` may raise it, too.
        """
        self._where, self._load, self._tell = where, load, tell
        self._folder, self._inspector = where(), load()

    def inspect(self, photo: bytes, name: str = "", context: Context | None = None) -> Inspection:
        """As station/inspecting/inspector.py does."""
        if (folder := self._where()) != self._folder:
            # The old one first: two models at once may be more than the machine holds.
            del self._inspector
            self._folder, self._inspector = folder, self._load()
            self._tell(folder)
        return self._inspector.inspect(photo, name, context)
