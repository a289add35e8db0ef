"""Python, packages, fonts, the terminal's encoding."""

import importlib.metadata
import importlib.util
import locale
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from realign_edge import reports
from realign_edge.appliance.doctor.model import Check, Name, Patient

GROUP = "software"
_NAME = "realign-edge"
_SHOWN = {
    "": ("onnxruntime", "numpy", "pillow"),
    "workstation": ("torch", "transformers", "peft"),
    "tui": ("textual", "textual-image"),
}
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")


def look(patient: Patient) -> Iterator[Check]:
    """Every check of this group."""
    yield _python()
    yield from _packages(patient)
    yield _fonts()
    yield _encoding()


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 12):
        return Check(GROUP, "Python", "ok", f"{version} in {sys.prefix}")
    return Check(GROUP, "Python", "broken", version, "install realign-edge with Python 3.11 or 3.12")


def _packages(patient: Patient) -> Iterator[Check]:
    wanted: dict[Name, str] = {"base install": "", "workstation": "workstation", "terminal windows": "tui"}
    for title, extra in wanted.items():
        missing, count = _missing(extra)
        needed = extra == "" or (extra == "workstation" and patient.role == "workstation")
        install = f"pip install '{_NAME}[{extra}]'" if extra else f"pip install {_NAME}"
        if not missing:
            yield Check(GROUP, title, "ok", _versions(extra) or f"all {count} packages")
        elif needed:
            yield Check(GROUP, title, "broken", f"{', '.join(missing)} cannot be found", install)
        else:
            why = "not installed; `watch` and reviews work line by line" if extra == "tui" else "not installed"
            yield Check(GROUP, title, "absent", why, install if extra == "tui" else "")


def _missing(extra: str) -> tuple[list[str], int]:
    """Names of the packages that are asked for and not installed, and how many are asked for."""
    try:
        asked = importlib.metadata.requires(_NAME) or []
    except importlib.metadata.PackageNotFoundError:
        return [_NAME], 1
    names = [re.split(r"[\s<>=!~;\[]", line, maxsplit=1)[0] for line in asked if _extra_of(line) == extra]
    return [name for name in names if not _installed(name)], len(names)


def _extra_of(line: str) -> str:
    found = _EXTRA.search(line)
    return found["extra"] if found else ""


def _installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _versions(extra: str) -> str:
    """Those that decide what a model says."""
    shown = _SHOWN.get(extra, ())
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in shown if _installed(name))


def _fonts() -> Check:
    folder = Path(reports.__file__).parent / "fonts"
    missing = [name for name in ("NotoSansJP-Regular.woff", "NotoSansJP-Bold.woff") if not (folder / name).is_file()]
    if missing:
        return Check(GROUP, "fonts", "broken", f"{', '.join(missing)} not in {folder}", "install realign-edge again")
    return Check(GROUP, "fonts", "ok", "Noto Sans JP, for reports in both languages")


def _encoding() -> Check:
    encoding = locale.getpreferredencoding(False)
    if encoding.lower().replace("-", "") == "utf8":
        return Check(GROUP, "terminal", "ok", f"{encoding}")
    return Check(GROUP, "terminal", "warn", f"{encoding} cannot show Japanese", "export LANG=C.UTF-8, or ja_JP.UTF-8")
