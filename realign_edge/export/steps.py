"""What an export has finished so far, in its working folder: begun again for the same inputs, it goes on from there."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from realign_edge.files import from_json, write_json

_FILE = "steps.json"


class Steps:
    """Results of finished steps, kept as plain values in `folder`; for other inputs the folder is emptied."""

    def __init__(self, folder: Path, inputs: str) -> None:
        self.folder = folder
        self._done = _read(folder / _FILE)
        if self._done.get("inputs") != inputs:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._done = {"inputs": inputs, "steps": {}}

    def once(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of a step, worked out where it is not there yet."""
        if name not in self._done["steps"]:
            self._done["steps"][name] = work()
            write_json(self.folder / _FILE, self._done)
        return self._done["steps"][name]


def _read(path: Path) -> dict[str, Any]:
    try:
        value = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) and isinstance(value.get("steps"), dict) else {}
