"""TOML to nested frozen dataclasses and back. Defaults live in the dataclasses alone."""

import dataclasses
import difflib
import json
import tomllib
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from realign_edge.errors import UsageError

T = TypeVar("T")


def load_config(kind: type[T], path: Path | None, overrides: Mapping[str, Any] | None = None) -> T:
    """Read `path` (or nothing) into `kind`; `overrides` ("alignment.seed" to value) beat the file.

    Raises:
        UsageError: with every problem of file and overrides.
    """
    values: dict[str, Any] = {}
    where = "command line"
    if path is not None:
        where = str(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            raise UsageError(f"{path} cannot be read: {problem}", "correct the file") from problem
    for key, value in (overrides or {}).items():
        _put(values, key.split("."), value)
    return from_values(kind, values, where)


def from_values(kind: type[T], values: Mapping[str, Any], where: str) -> T:
    """Build `kind` from plain values.

    Raises:
        UsageError: with every problem.
    """
    problems: list[str] = []
    built = _build(kind, values, "", problems)
    if problems:
        raise UsageError(f"{where}: " + "; ".join(problems), "correct the settings and start again")
    return built  # type: ignore[no-any-return]


def to_toml(config: Any) -> str:
    """The resolved configuration, one table per section; `load_config` reads it back."""
    lines: list[str] = []
    _lines(config, "", lines)
    return "\n".join(lines).strip() + "\n"


def _put(values: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = values.setdefault(key, {})
        values = inner if isinstance(inner, dict) else {}
    values[keys[-1]] = value


def _build(kind: Any, values: Any, at: str, problems: list[str]) -> Any:
    if not isinstance(values, Mapping):
        problems.append(f"`{at}` must be a table")
        return None
    hints, fields = get_type_hints(kind), {f.name for f in dataclasses.fields(kind)}
    for key in sorted(values.keys() - fields):
        close = difflib.get_close_matches(key, fields, n=1)
        problems.append(f"unknown key `{at}{key}`" + (f" (did you mean `{close[0]}`?)" if close else ""))
    before = len(problems)
    built = {k: _value(hints[k], v, f"{at}{k}", problems) for k, v in values.items() if k in fields}
    if len(problems) > before:
        return None
    try:
        return kind(**built)
    except ValueError as problem:
        problems.append(f"{at}: {problem}" if at else str(problem))
        return None


def _value(hint: Any, value: Any, at: str, problems: list[str]) -> Any:
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, f"{at}.", problems)
    origin = get_origin(hint)
    if origin is Literal:
        if value not in get_args(hint):
            close = difflib.get_close_matches(str(value), [str(a) for a in get_args(hint)], n=1)
            wanted = ", ".join(map(str, get_args(hint)))
            problems.append(f"`{at}` must be one of {wanted}" + (f" (did you mean `{close[0]}`?)" if close else ""))
        return value
    if origin is tuple:
        inner = get_args(hint)[0]
        if not isinstance(value, list | tuple):
            problems.append(f"`{at}` must be a list")
            return ()
        return tuple(_value(inner, v, at, problems) for v in value)
    if origin in (Union, types.UnionType):
        plain = [a for a in get_args(hint) if a is not type(None)]
        return None if value is None else _value(plain[0], value, at, problems)
    return _plain(hint, value, at, problems)


def _plain(hint: Any, value: Any, at: str, problems: list[str]) -> Any:
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        problems.append(f"`{at}` must be {_NAMES.get(hint, hint.__name__)}, not {value!r}")
    return value


_NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", Path: "a path"}


def _lines(config: Any, at: str, lines: list[str]) -> None:
    inner = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            inner.append((field.name, value))
        elif value is not None:
            lines.append(f"{field.name} = {_toml(value)}")
    for name, value in inner:
        lines += ["", f"[{at}{name}]"]
        _lines(value, f"{at}{name}.", lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
