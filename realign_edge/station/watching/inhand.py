"""The photo in hand, remembered across a crash: one that ends the program must not keep all others from their turn."""

import json
from contextlib import suppress
from pathlib import Path

from realign_edge.files import from_json

# One crash may be anybody's fault, and so may two.
MANY = 3


class InHand:
    """watch/in-hand.json: the name of the photo that is being inspected, and how often that ended the program.

    Nothing is lost by it: a photo that was in hand too often is only tried last, when nothing else waits.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "watch" / "in-hand.json"
        self._ended: dict[str, int] = {}
        with suppress(OSError, ValueError, AttributeError, TypeError):
            value = from_json(self._path.read_text(encoding="utf-8"))
            self._ended = {str(name): int(times) for name, times in value["ended"].items()}
            if name := value["name"]:
                self._ended[str(name)] = self._ended.get(str(name), 0) + 1

    def times(self, name: str) -> int:
        """How often the program ended with this photo in hand."""
        return self._ended.get(name, 0)

    def is_suspect(self, name: str) -> bool:
        """Has it ended the program too often to be taken in its turn?"""
        return self.times(name) >= MANY

    def take(self, name: str) -> None:
        """It is in hand now."""
        self._write(name)

    def lay_down(self, name: str) -> None:
        """It went well."""
        self._ended.pop(name, None)
        self._write("")

    def _write(self, name: str) -> None:
        # Not made safe on the disk: it is for crashes of the program, and a torn one is as good as none.
        with suppress(OSError):
            self._path.write_text(json.dumps({"name": name, "ended": self._ended}), encoding="utf-8")
