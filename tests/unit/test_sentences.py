"""Japanese for what the library says: nothing stale, and nothing that a window shows is missing."""

import ast
import errno
import os
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from realign_edge.errors import explain
from realign_edge.sentences.translate import sentences, spoken

ROOT = Path(__file__).parents[2] / "realign_edge"
# Whose errors a window shows whatever it is opened on.
SHOWN = (
    "evaluation/preference/answers.py",
    "evaluation/preference/session.py",
    "photos/database.py",
    "photos/decode.py",
    "photos/migrations.py",
    "photos/regular.py",
    "preferences/review/stock.py",
    "reports/write.py",
    "reports/zone.py",
    "results/chain.py",
    "results/decide.py",
    "results/deciding.py",
    "results/follow.py",
    "results/head.py",
    "results/store.py",
    "results/verify.py",
    "runs/lock.py",
    "runs/run.py",
    "station/find.py",
    "station/watching/watch.py",
)
# Written by SQLite; put together from pieces.
FOREIGN = {
    "file is not a database",
    "database disk image is malformed",
    "database is locked",
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    "unable to open database file",
    "damaged {} {}",
    "damaged {} {} ({})",
    "cannot be opened ({})",
    "cannot be read ({})",
}
OURS = ("RealignError", "UsageError", "MissingError", "BusyError", "Refusal", "Problem")


def shape(text: str) -> str:
    """`no results at {file}` as `no results at {}`."""
    return "".join(literal + ("{}" if name is not None else "") for literal, name, *_ in string.Formatter().parse(text))


def said(node: ast.expr) -> str | None:
    """The shape of a text in the source; None where it is put together elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = said(node.left), said(node.right)
        return "".join(side or "{}" for side in sides) if any(sides) else None
    return None


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.expr) and (text := said(node)) is not None:
            yield text


def raised(tree: ast.Module) -> Iterator[str]:
    """What its errors, refusals and findings say, as far as it stands in the call or in a constant of the module."""
    constants = {
        target.id: text
        for node in tree.body
        if isinstance(node, ast.Assign) and (text := said(node.value)) is not None
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OURS:
            for argument in node.args:
                text = constants.get(argument.id) if isinstance(argument, ast.Name) else said(argument)
                if text is not None:
                    yield text


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_both_languages_have_the_same_values() -> None:
    for en, ja in sentences().items():
        values = [{name for _, name, *_ in string.Formatter().parse(text) if name is not None} for text in (en, ja)]
        assert values[0] == values[1] and "" not in values[0], en


def test_every_sentence_is_one_that_the_library_says() -> None:
    known = {text for path in ROOT.rglob("*.py") for text in texts(parsed(path))}
    system = {os.strerror(number) for number in errno.errorcode}
    known |= FOREIGN | system | {f"{text}: {{}}" for text in system}
    stale = [en for en in sentences() if shape(en) not in known]
    assert not stale, "the source says it otherwise now"


@pytest.mark.parametrize("module", SHOWN)
def test_every_error_of_what_windows_read_has_its_words(module: str) -> None:
    found = {text.replace("{}", "7") for text in raised(parsed(ROOT / module))}
    assert found, "where a module raises nothing, it need not be named"
    missing = [text for text in sorted(found) if spoken(text, "ja") == text]
    assert not missing, "to be translated in realign_edge/sentences/ja.toml"


def test_every_error_of_the_system_has_its_words(tmp_path: Path) -> None:
    from realign_edge import errors

    for number in errors._SYSTEM:
        for place in (None, str(tmp_path)):
            told = explain(OSError(number, os.strerror(number), place))
            assert told is not None
            for sentence in told:
                assert spoken(sentence, "ja") != sentence, sentence


@pytest.mark.parametrize(
    ("en", "ja"),
    [
        ("no results at /data/results.sqlite", "検査結果がありません：/data/results.sqlite"),
        ("/a/b: c.sqlite is damaged: it is empty", "/a/b: c.sqlite が壊れています：it is empty"),
        ("row 7 is not there", "7 行目はありません"),
        ("comes too early: rows 4 to 6 are missing", "早すぎます：4 から 6 行目が抜けています"),
        # What stands for a value is a sentence of its own.
        (
            "/r.sqlite cannot be used as the results of a station: file is not a database",
            "/r.sqlite はステーションの検査結果として使えません：データベースではありません",
        ),
        (
            "a PDF document; JPEG, PNG, WebP, TIFF, BMP are read",
            "PDF 文書です。読めるのは JPEG、PNG、WebP、TIFF、BMP です",
        ),
        ("no results at {0} {x}", "検査結果がありません：{0} {x}"),
        ("something that nobody has translated", "something that nobody has translated"),
        ("", ""),
    ],
)
def test_a_sentence_is_found_by_its_english_form(en: str, ja: str) -> None:
    assert spoken(en, "ja") == ja and spoken(en, "en") == en


def test_a_hostile_sentence_costs_no_time_and_stays_as_it_is() -> None:
    for text in ("is " * 600, " cannot be used as " * 100 + "\n", "x" * 100_000, "{path} is {" * 100):
        assert spoken(text, "ja")
