"""What the plant calls its defects and places, in the reader's language: the words of the bundle that inspected."""

from functools import lru_cache
from pathlib import Path

from realign_edge.bundle.contract import GLOSSARY
from realign_edge.errors import RealignError
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.model import Glossary
from realign_edge.language import Language

NO_NAMES = Glossary(())


def names_of(home: Path, bundle_id: str) -> Glossary:
    """Of the bundle itself, else of the one that is active; empty where neither is there."""
    for folder in (home / "bundles" / Path(bundle_id).name, home / "bundles" / "current"):
        path = folder / GLOSSARY
        try:
            return _read(path, path.stat().st_mtime_ns)
        except (RealignError, OSError):
            continue
    return NO_NAMES


# A bundle is never changed where it lies; another one has another folder, but for `current`.
@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Glossary:
    return load_glossary(path)


def meant(names: Glossary, written: str, language: Language) -> str:
    """The term that a person wrote as it is called in the window; what is no such name stays as it is."""
    return next((t.term for t in names.terms if t.called(language) == written), written)
