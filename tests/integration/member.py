"""One process of a team, or one alone: runs the command in its arguments, watched.

python member.py OUT align ... writes OUT/<rank>.json: what this process worked on. Photos and groups come in
smaller portions than usual, so that a few photos make several rounds, the last with fewer parts than processes.
Every process but the first is refused whatever would change the state folder.
"""

import atexit
import json
import os
import sys
from pathlib import Path
from typing import Any

from realign_edge.cli.main import main
from realign_edge.preferences import build
from realign_edge.vlm import features
from realign_edge.vlm.model import Vlm

RANK = int(os.environ.get("RANK", "0"))
HOME = os.environ["REALIGN_EDGE_HOME"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "sqlite3.connect")
COUNTS = {"photos": 0, "groups": 0, "items": 0, "references": 0}


class WriteRefused(BaseException):
    """No Exception: code that tries and falls back must not hide that it tried."""


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Raise at every change of the state folder."""
    if event == "open":
        path, mode, flags = arguments
        changes = bool(flags & WRITES) or any(c in str(mode or "") for c in "wax+")
    else:
        path, changes = (arguments or ("",))[0], event in CHANGES
    if changes and os.fsdecode(path if isinstance(path, str | bytes | os.PathLike) else "").startswith(HOME):
        raise WriteRefused(f"{event} {arguments}")


def count(name: str, owner: Any, method: str, size: Any = None) -> None:
    """Count the calls of a function, or what `size(*its arguments)` says of each."""
    before = getattr(owner, method)

    def counted(*arguments: Any, **more: Any) -> Any:
        COUNTS[name] += size(*arguments) if size else 1
        return before(*arguments, **more)

    setattr(owner, method, counted)


def watch(out: Path) -> None:
    """Set everything up; the counts are written when the process ends."""
    from realign_edge.alignment import gradient, reference

    features._SHARD, build.GROUP = 5, 4
    count("photos", Vlm, "see")
    count("groups", build, "group_rows")
    count("references", reference, "_of_photo")
    count("items", gradient.Learner, "_accumulated", lambda _, share, *__: len(share))
    atexit.register(lambda: (out / f"{RANK}.json").write_text(json.dumps(COUNTS)))
    if RANK:
        sys.addaudithook(refuse)


if __name__ == "__main__":
    watch(Path(sys.argv.pop(1)))
    main()
