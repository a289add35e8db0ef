"""`glossary.toml`: the plant's own words, read with every problem reported at once, and written."""

import difflib
import json
import tomllib
from pathlib import Path
from typing import Any, get_args

from realign_edge.errors import UsageError
from realign_edge.glossary.model import Category, Glossary, Term

_KEYS = frozenset(("term", "kind", "en", "ja"))


def load_glossary(path: Path) -> Glossary:
    """Read a glossary.

    Raises:
        UsageError: with every problem of the file.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise UsageError(
            f"{path} cannot be read: {problem}", "correct the file, or remove it to derive one"
        ) from problem
    problems: list[str] = []
    terms: list[Term] = []
    for key, entries in values.items():
        if key == "version":
            if entries != 1:
                problems.append("version must be 1")
        elif key not in get_args(Category):
            problems.append(f"unknown table [[{key}]]{_did_you_mean(key, get_args(Category))}")
        elif not isinstance(entries, list):
            problems.append(f"`{key}` must be a list of tables: [[{key}]]")
        else:
            terms += [t for i, e in enumerate(entries, 1) if (t := _term(key, i, e, problems)) is not None]
    _check_forms(terms, problems)
    if problems:
        raise UsageError(f"{path}: " + "; ".join(problems), "correct the file and start again")
    return Glossary(tuple(terms), path.name)


def _term(category: Any, number: int, entry: Any, problems: list[str]) -> Term | None:
    where = f"[[{category}]] number {number}"
    if not isinstance(entry, dict) or not str(entry.get("term", "")).strip():
        problems.append(f"{where} has no `term`")
        return None
    for key in sorted(entry.keys() - _KEYS):
        problems.append(f"{where}: unknown key `{key}`{_did_you_mean(key, sorted(_KEYS))}")
    lists = {}
    for key in ("en", "ja"):
        value = entry.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            problems.append(f"{where}: `{key}` must be a list of words")
            value = []
        lists[key] = tuple(v.strip() for v in value)
    return Term(str(entry["term"]).strip(), category, str(entry.get("kind", "")), lists["en"], lists["ja"])


def _check_forms(terms: list[Term], problems: list[str]) -> None:
    owners: dict[str, str] = {}
    for term in terms:
        for form in {f.casefold() for f in term.forms}:
            other = owners.setdefault(form, term.term)
            if other != term.term:
                problems.append(f"`{form}` belongs to both `{other}` and `{term.term}`")


def _did_you_mean(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean `{close[0]}`?)" if close else ""


def glossary_toml(glossary: Glossary) -> str:
    """The glossary as the text of a `glossary.toml`."""
    lines = [f"# {glossary.source}" if glossary.source else "# glossary", "version = 1", ""]
    for term in glossary.terms:
        lines += [f"[[{term.category}]]", f"term = {_quoted(term.term)}"]
        lines += [f"kind = {_quoted(term.kind)}"] if term.kind else []
        lines += [
            f"{key} = [{', '.join(map(_quoted, words))}]" for key, words in (("en", term.en), ("ja", term.ja)) if words
        ]
        lines.append("")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
