"""The licences of everything inside a bundle, as texts and as a table."""

import re
from collections.abc import Sequence
from pathlib import Path

from deploy.wheels import Wheel

TABLE = "LICENCES.tsv"
# Some wheels name this licence and leave its text out; who hands them on must give a copy of it (its section 4).
_APACHE = re.compile(r"\bApache\b", re.IGNORECASE)


def write(folder: Path, wheels: Sequence[Wheel], apache: Path) -> None:
    """Each wheel's licence texts, and a table of what states which licence.

    apache: the text of the Apache License 2.0, for wheels that name it and do not bring it.
    """
    rows = []
    for wheel in wheels:
        texts = wheel.texts
        if not texts and _APACHE.search(wheel.licence):
            texts = {"LICENSE-Apache-2.0 (standard text).txt": apache.read_bytes()}
        for name, text in texts.items():
            path = folder / f"{wheel.name}-{wheel.version}" / name.removeprefix("licenses/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
        rows.append(f"{wheel.name}\t{wheel.version}\t{wheel.licence or '(none stated)'}\t{len(texts)} texts\n")
    folder.mkdir(exist_ok=True)
    (folder / TABLE).write_text("".join(rows), encoding="utf-8")


def unknown(wheels: Sequence[Wheel]) -> list[str]:
    """Those that state no licence and bring no text."""
    return [f"{w.name} {w.version}" for w in wheels if not w.licence and not w.texts]
