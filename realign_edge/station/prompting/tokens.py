"""A tokenizer file from outside: what it may make of a text is bounded before it is loaded.

The library (in Rust) ends the whole process where memory does not suffice, and its panics are no `Exception`. Rules
that replace a short text by a long one, one after another, make memory end with a few letters.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# The largest known file, of a vocabulary of 262,144, has 33 MB.
MOST_BYTES = 128 * 2**20
# How many times longer a text may become. Known rules replace a blank by one character.
MOST_GROWTH = 64
_AGAIN = "take the checkpoint from where it was published, and export the bundle again"


def check_tokenizer(data: bytes, where: str) -> None:
    """Is this a tokenizer that answers with as much as it was asked?

    Raises:
        MissingError: it is no JSON object, or its rules make a text endless.
    """
    try:
        value = from_json(data)
        growth = 1.0
        for rule in _replacements(value):
            pattern = rule.get("pattern")
            # A regular expression may stand for the empty text between two letters.
            text = pattern.get("String") if isinstance(pattern, dict) else None
            growth *= max(1.0, (len(str(rule.get("content", ""))) + (not text)) / max(1, len(str(text or ""))))
    except (ValueError, RecursionError) as problem:
        raise MissingError(f"{where} is damaged: {problem}", _AGAIN) from problem
    if not isinstance(value, dict):
        raise MissingError(f"{where} is damaged: it holds no object", _AGAIN)
    if growth > MOST_GROWTH:
        raise MissingError(f"{where} makes a text more than {MOST_GROWTH} times as long", _AGAIN)


def _replacements(value: Any) -> Iterator[dict[str, Any]]:
    """Every rule that replaces; what holds words (vocabularies) is not gone through."""
    open_ = [value.get(part) for part in ("normalizer", "pre_tokenizer", "decoder")] if isinstance(value, dict) else []
    while open_:
        found = open_.pop()
        if isinstance(found, dict):
            if found.get("type") == "Replace":
                yield found
            open_ += [v for v in found.values() if isinstance(v, dict | list)]
        elif isinstance(found, list):
            open_ += [v for v in found if isinstance(v, dict | list)]


def read_tokenizer(path: Path) -> "Tokenizer":
    """The tokenizer of a bundle.

    Raises:
        MissingError: it is not there, damaged, or makes texts endless.
        Exception: what the library says of it.
    """
    from tokenizers import Tokenizer

    size = path.stat().st_size
    if size > MOST_BYTES:
        raise MissingError(f"{path} has {size:,} bytes; no known tokenizer has", _AGAIN)
    data = path.read_bytes()
    check_tokenizer(data, str(path))
    with panics(str(path)):
        return Tokenizer.from_str(data.decode("utf-8"))


class panics:  # noqa: N801 - used as a verb
    """A panic of the library, which is no `Exception`, becomes a refusal of the tokenizer.

    Raises:
        RealignError: in place of the panic.
    """

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, _trace: object) -> None:
        if kind is not None and kind.__name__ == "PanicException":
            said = str(problem).splitlines()[0][:200]
            raise RealignError(f"the tokenizer {self._where} cannot be used ({said})", _AGAIN) from problem
