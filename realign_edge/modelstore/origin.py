"""Where a model came from, read from the path it is taken from."""

import re
from pathlib import Path

from realign_edge.modelstore.manifest import Origin
from realign_edge.modelstore.source import CACHED
from realign_edge.vlm.family import Family


def origin_of(path: Path, label: str, family: Family) -> Origin:
    """Hub identifier and revision where the path tells them; else the identifier whose end the folder is called."""
    cached = CACHED.search(path.resolve().as_posix())
    if cached:
        return Origin(str(path.resolve()), f"{cached[1]}/{cached[2]}", cached[3], "hub cache")
    commit = _downloaded(path)
    for checkpoint in family.hub:
        if checkpoint.id.rpartition("/")[2] == label:
            return Origin(str(path.resolve()), checkpoint.id, commit, "name")
    return Origin(str(path.resolve()), revision=commit)


def _downloaded(path: Path) -> str:
    """The commit that `hf download --local-dir` notes beside the files; "" where there is none."""
    try:
        note = (path / ".cache/huggingface/download/config.json.metadata").read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
    first = note.split("\n", 1)[0].strip()
    return first if re.fullmatch(r"[0-9a-f]{40}", first) else ""
