"""What a row says, as canonical JSON and back."""

import functools
import json
import re
from dataclasses import asdict, fields
from typing import Any, Literal, TypeAlias

from realign_edge.files import finite, from_json
from realign_edge.results.model import Disposition, Finding, Inspection, Neighbour, Reason, Refused

Content: TypeAlias = Inspection | Refused | Disposition
Kind = Literal["inspection", "refused", "disposition"]
KINDS: dict[str, type[Content]] = {"inspection": Inspection, "refused": Refused, "disposition": Disposition}
# Fields that are lists of objects, and fields that are lists of texts; JSON knows neither from the other.
_OBJECTS: dict[str, type[Reason | Finding | Neighbour]] = {
    "reasons": Reason,
    "findings": Finding,
    "neighbours": Neighbour,
}
_TEXTS = ("defects", "locations")
# Numbers that may be NaN, which JSON writes as null.
_NUMBERS = ("familiarity", "confidence", "grounding", "similarity", "latency_ms")
CHOICES = {
    "verdict": ("PASS", "FAIL", "REVIEW", ""),
    "decision": ("agree", "overrule", "retake"),
}
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def kind_of(content: Content) -> Kind:
    """Which kind of row says this."""
    return {Inspection: "inspection", Refused: "refused", Disposition: "disposition"}[type(content)]  # type: ignore[return-value]


def canonical(content: Content) -> str:
    """The one way in which a content is written: keys sorted, no blanks, not escaped, NaN as null.

    Halves of surrogate pairs, which UTF-8 cannot hold, become U+FFFD.
    """
    text = json.dumps(
        finite(asdict(content)), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return _SURROGATE.sub("\ufffd", text)


def parse(kind: str, text: str) -> Content:
    """The inverse of `canonical`.

    Raises:
        ValueError: the text is not what a row of this kind says.
    """
    try:
        content = KINDS[kind](**_fields(from_json(text)))
        _check(content)
        return content
    except (KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise ValueError(f"not the content of a row of kind `{kind}` ({problem})") from problem


def _check(content: Any) -> None:
    """Is every value of its field's kind? A file that somebody hands over may hold anything, with good hashes."""
    for name, hint in _hints(type(content)).items():  # type: ignore[arg-type]
        value = getattr(content, name)
        if hint in ("str", "int", "float"):
            _check_plain(name, value, hint)
        elif name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f"`{name}` is {value!r}")
        elif name in _OBJECTS:
            for item in value:
                _check(item)
        elif name in _TEXTS and not all(isinstance(item, str) for item in value):
            raise ValueError(f"`{name}` must be texts")


def _check_plain(name: str, value: Any, hint: str) -> None:
    kinds: dict[str, Any] = {"str": str, "int": int, "float": int | float}
    if not isinstance(value, kinds[hint]) or isinstance(value, bool):
        raise ValueError(f"`{name}` is no {'text' if hint == 'str' else 'number'}")


@functools.cache
def _hints(kind: Any) -> dict[str, str]:
    return {f.name: getattr(f.type, "__name__", "") for f in fields(kind)}


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    found = dict(values)
    for name, value in values.items():
        if name in _OBJECTS:
            found[name] = tuple(_OBJECTS[name](**_fields(v)) for v in value)
        elif name in _TEXTS:
            found[name] = tuple(value)
        elif name in _NUMBERS and value is None:
            found[name] = float("nan")
    return found
