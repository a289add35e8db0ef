"""TOML to nested frozen dataclasses and back. Defaults live in the dataclasses alone."""

import dataclasses
import difflib
import json
import math
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from realign_edge.errors import UsageError

T = TypeVar("T")


def load_config(
    kind: type[T],
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    below: Mapping[str, Any] | None = None,
) -> T:
    """Read `path` (or nothing) into `kind`; `overrides` ("alignment.seed" to value) beat the file.

    below: values, as a file would hold them, that the file beats.

    Raises:
        UsageError: with every problem of file and overrides.
    """
    where = "command line" if path is None else str(path)
    values = over(below or {}, {} if path is None else read_toml(path))
    for key, value in (overrides or {}).items():
        _put(values, key.split("."), value)
    return from_values(kind, values, where)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as it stands.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        # Windows' editors put a byte order mark before the text.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise UsageError(f"{path} cannot be read: {problem.strerror}", "name a TOML file") from problem
    except UnicodeDecodeError as problem:
        raise UsageError(f"{path} cannot be read: it is not UTF-8", "save it as UTF-8") from problem
    except (ValueError, RecursionError) as problem:  # also of a number with thousands of digits
        raise UsageError(f"{path} cannot be read: {problem}", "correct the file") from problem


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table of both, table by table; where both have a value, that of `above`."""
    merged = dict(below)
    for key, value in above.items():
        known = merged.get(key)
        merged[key] = over(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged


def from_values(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build `kind` from plain values.

    Raises:
        UsageError: with every problem.
    """
    problems: list[str] = []
    built = _build(kind, values, "", problems, _known(kind))
    if problems:
        several = f"{len(problems)} problems\n  " if len(problems) > 1 else ""
        raise UsageError(f"{where}: {several}" + "\n  ".join(problems), "correct the settings and start again")
    return built  # type: ignore[no-any-return]


def to_toml(config: Any) -> str:
    """The resolved configuration, one table per section; `load_config` reads it back."""
    lines: list[str] = []
    _lines(config, "", lines)
    return "\n".join(lines).strip() + "\n"


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = values.get(key, {})
        if not isinstance(inner, dict):
            # A value where a table belongs is told of when the dataclass is built.
            return
        # A copy: the table may be somebody else's.
        values[key] = dict(inner)
        values = values[key]
    values[keys[-1]] = value


def _known(kind: Any, at: str = "") -> list[str]:
    """Every key there is, written out: `model`, `alignment`, `alignment.seed`."""
    keys = []
    for name, hint in get_type_hints(kind).items():
        keys.append(f"{at}{name}")
        if dataclasses.is_dataclass(hint):
            keys += _known(hint, f"{at}{name}.")
    return keys


def _build(kind: Any, values: Any, at: str, problems: list[str], known: list[str]) -> Any:
    if not isinstance(values, Mapping):
        problems.append(f"`{at.removesuffix('.')}` must be a table, not {values!r}")
        return None
    hints, fields = get_type_hints(kind), {f.name: f for f in dataclasses.fields(kind)}
    for key in sorted(values.keys() - fields.keys()):
        problems.append(f"unknown key `{at}{key}`" + _meant(key, list(fields), known))
    built = {}
    for key, value in values.items():
        if key in fields:
            before = len(problems)
            result = _value(hints[key], value, f"{at}{key}", problems, known)
            if len(problems) == before:
                built[key] = result
    return _construct(kind, built, values, at, problems)


def _construct(kind: Any, built: dict[str, Any], values: Mapping[str, Any], at: str, problems: list[str]) -> Any:
    """The dataclass; ranges are checked even where another value of the table is wrong, to tell all at once."""
    optional = dataclasses.MISSING
    needed = [f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is optional]
    problems += [f"`{at}{name}` is missing" for name in needed if name not in values]
    if any(name not in built for name in needed):
        return None
    try:
        return kind(**built)
    except ValueError as problem:
        problems.append(f"{at.removesuffix('.')}: {problem}" if at else str(problem))
        return None


def _meant(key: str, here: list[str], known: list[str]) -> str:
    """The nearest key of the same table, else the same or nearest name in another one."""
    close = difflib.get_close_matches(key, here, n=1)
    if not close:
        elsewhere = {k.rpartition(".")[2]: k for k in reversed(known)}
        close = [elsewhere[n] for n in difflib.get_close_matches(key, elsewhere, n=1, cutoff=0.8)]
    return f" (did you mean `{close[0]}`?)" if close else ""


def _value(hint: Any, value: Any, at: str, problems: list[str], known: list[str]) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, f"{at}.", problems, known)
    origin = get_origin(hint)
    if origin is Literal:
        return _choice(get_args(hint), value, at, problems)
    if origin is tuple:
        return _tuple(get_args(hint), value, at, problems, known)
    if origin is Mapping:
        return _mapping(get_args(hint), value, at, problems, known)
    if origin in (Union, types.UnionType):
        plain = [a for a in get_args(hint) if a is not type(None)]
        return None if value is None else _value(plain[0], value, at, problems, known)
    return _plain(hint, value, at, problems)


def _choice(choices: tuple[Any, ...], value: Any, at: str, problems: list[str]) -> Any:
    if not any(value == c and type(value) is type(c) for c in choices):
        close = difflib.get_close_matches(str(value), [str(c) for c in choices], n=1)
        wanted = ", ".join(map(str, choices))
        problems.append(f"`{at}` must be one of {wanted}" + (f" (did you mean `{close[0]}`?)" if close else ""))
    return value


def _tuple(hints: tuple[Any, ...], value: Any, at: str, problems: list[str], known: list[str]) -> tuple[Any, ...]:
    """`tuple[X, ...]` takes any number, `tuple[X, Y]` exactly those."""
    if not isinstance(value, list | tuple):
        problems.append(f"`{at}` must be a list, not {value!r}")
        return ()
    if hints[-1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        problems.append(f"`{at}` must have {len(hints)} items, not {len(value)}")
        return ()
    pairs = enumerate(zip(hints, value, strict=True), 1)
    return tuple(_value(h, v, f"{at}[{i}]", problems, known) for i, (h, v) in pairs)


def _mapping(hints: tuple[Any, ...], value: Any, at: str, problems: list[str], known: list[str]) -> Mapping[Any, Any]:
    """Keys and values of the given kinds, any number."""
    if not isinstance(value, Mapping):
        problems.append(f"`{at}` must be a table, not {value!r}")
        return {}
    keys = [_value(hints[0], k, at, problems, known) for k in value]
    return {k: _value(hints[1], v, f"{at}.{k}", problems, known) for k, v in zip(keys, value.values(), strict=True)}


def _plain(hint: Any, value: Any, at: str, problems: list[str]) -> Any:
    if hint is Any:
        return value
    if hint is Path and isinstance(value, str) and "\0" not in value:
        return Path(value).expanduser()
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        problems.append(f"`{at}` must be {_NAMES.get(hint, hint.__name__)}, not {value!r}")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        problems.append(f"`{at}` must be a whole number of at most 64 bits")
    elif isinstance(value, float) and not math.isfinite(value):
        problems.append(f"`{at}` must be a finite number, not {value}")
    return value


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def _lines(config: Any, at: str, lines: list[str]) -> None:
    inner = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            inner.append((field.name, value))
        elif value is not None:
            lines.append(f"{field.name} = {written(value)}")
    for name, value in inner:
        lines += ["", f"[{at}{name}]"]
        _lines(value, f"{at}{name}.", lines)


def written(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    text = json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
    # The one character that JSON leaves as it is and TOML wants written out.
    return text.replace("\x7f", "\\u007f")
