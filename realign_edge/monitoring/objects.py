"""One look as a JSON object, its words in one language."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from realign_edge.language import Language
from realign_edge.monitoring.model import RunView, Told


def as_object(view: RunView, language: Language) -> dict[str, Any]:
    """Field names as in `RunView`."""
    found: dict[str, Any] = _plain(view, language)
    return found


def _plain(value: Any, language: Language) -> Any:
    if isinstance(value, Told):
        return value.of(language)
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name), language) for f in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item, language) for item in value]
    return str(value) if isinstance(value, Path) else value
