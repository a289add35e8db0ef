"""Japanese for what the library says: nothing stale, and nothing that a window shows is missing."""

import ast
import errno
import os
import re
import string
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path
from typing import get_args

import pytest

from realign_edge.bundle.errors import Kind
from realign_edge.errors import explain
from realign_edge.sentences.translate import sentences, spoken

ROOT = Path(__file__).parents[2] / "realign_edge"
# What no window says: commands that have none, or what is told before a window opens.
COMMANDS = (
    "appliance/",  # doctor, maintain
    "bundle/admission.py",
    "bundle/copying.py",
    "bundle/install.py",
    "bundle/sources.py",
    "bundle/trust.py",
    "carry/guarded.py",  # bundle install, models add
    "carry/members.py",
    "carry/reading.py",
    "cli/",
    "modelstore/archive.py",
    "modelstore/checksums.py",
    "modelstore/copy.py",
    "modelstore/intake.py",
    "modelstore/store.py",
    "nano/",
    "reports/inspection.py",  # what is asked for with options
    "results/backup.py",
    "results/records.py",
    "runs/detach.py",
    "shopfloor/",
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
    *(f"{kind}: {{}}{about}" for kind in get_args(Kind) for about in ("", " ({})")),
    "of {} photos",
    "truncated",
    "damaged",
}
OURS = {
    "BundleError", "BusyError", "GateError", "HeaderError", "MemberLostError", "MissingError", "OutOfMemoryError",
    "Problem", "RealignError", "Refusal", "RowError", "UntrustedKeyError", "UsageError",
}  # fmt: skip
# Methods that are handed words for a person; the last three only where lists of problems are made.
TELLING, LISTING = {"warn"}, {"add", "append", "count"}
LISTS = ("export/parity/parity.py", "glossary/load.py", "photos/", "alignment/memory.py")
# Two words of its own at least; the rest are names, kinds, and what only puts other words together.
SENTENCE = re.compile(r"\w[\w`']* [\w`]")


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


@cache
def constants(path: Path, imported: bool = True) -> dict[str, str]:
    """Texts that a module keeps under a name, or imports under one."""
    found: dict[str, str] = {}
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and (text := said(node.value)) is not None:
            found |= {target.id: text for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and imported and (node.module or "").startswith("realign_edge."):
            other = (ROOT.parent / str(node.module).replace(".", "/")).with_suffix(".py")
            known = constants(other, imported=False) if other.exists() else {}
            found |= {name.name: known[name.name] for name in node.names if name.name in known}
    return found


def raised(path: Path, methods: Set[str] = frozenset()) -> Iterator[str]:
    """What its errors, refusals and findings say, as far as it stands in the call or in a constant."""
    known = constants(path)
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        ours = isinstance(node.func, ast.Name) and node.func.id in OURS
        if ours or (isinstance(node.func, ast.Attribute) and node.func.attr in methods):
            for argument in node.args:
                text = known.get(argument.id) if isinstance(argument, ast.Name) else said(argument)
                if text is not None and SENTENCE.search(text.replace("{}", "")):
                    yield text


def shown() -> list[str]:
    """Modules whose words a window may come to show."""
    names = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))
    return [name for name in names if not name.startswith(COMMANDS)]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_both_languages_have_the_same_values() -> None:
    for en, ja in sentences().items():
        values = [{name for _, name, *_ in string.Formatter().parse(text) if name is not None} for text in (en, ja)]
        assert values[0] == values[1] and "" not in values[0], en


def test_every_sentence_is_one_that_the_library_says() -> None:
    written = {text for path in ROOT.rglob("*.py") for text in texts(parsed(path))}
    # Lines below each other, and problems behind each other, are looked up one by one.
    known = {piece.strip() for text in written for piece in (text, *text.split("; "))} | written
    system = {os.strerror(number) for number in errno.errorcode}
    known |= FOREIGN | system | {f"{text}: {{}}" for text in system}
    stale = [en for en in sentences() if shape(en) not in known]
    assert not stale, "the source says it otherwise now"


def test_all_that_a_window_may_say_has_its_words() -> None:
    missing = {}
    for module in shown():
        methods = TELLING | LISTING if module.startswith(LISTS) else TELLING
        found = {text.replace("{}", "7") for text in raised(ROOT / module, methods)}
        if without := [text for text in sorted(found) if spoken(text, "ja") == text]:
            missing[module] = without
    assert not missing, "to be translated in realign_edge/sentences/ja"


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


@pytest.mark.parametrize(
    ("en", "ja"),
    [
        # Problems below each other.
        (
            "/media/bundle: 2 files are not as signed, and nothing was loaded\n  changed: glossary.toml (other content)"
            "\n  missing: onnx/embed_tokens.onnx\n  and 4 more",
            "/media/bundle：ファイル 2 個が署名時と異なるため、何も読み込んでいません\n"
            "  変更：glossary.toml（内容の相違）\n  欠落：onnx/embed_tokens.onnx\n  ほか 4 件",
        ),
        # Behind each other, and with the file before them.
        (
            "/p/glossary.toml: version must be 1; [[defect]] number 3: unknown key `jp` (did you mean `ja`?)",
            "/p/glossary.toml：version は 1 でなければなりません；[[defect]] の 3 番目：`jp` という項目はありません"
            "（`ja` のことですか？）",
        ),
        (
            "records.csv line 7: `note` is longer than 4000 characters; the row is passed over, shorten or correct it",
            "records.csv 7 行目：`note` が 4000 文字を超えています；この行は読み飛ばします。短くするか直してください",
        ),
        (
            "records.csv: 3 rows name no `photo`; they are passed over (first: line 9)",
            "records.csv：`photo` のない行は読み飛ばします（3 件、最初は 9 行目）",
        ),
        (
            "vision_encoder in int8 is left out: 97.0% of the first tokens are the same, at least 99.0% is asked for",
            "vision_encoder の int8 版は使いません：最初のトークンの一致が 97.0% です（99.0% 以上が必要）",
        ),
        (
            'set alignment.quantization = "nf4" (9.1 GiB); or set alignment.gradient_checkpointing = true (7.0 GiB)',
            'alignment.quantization = "nf4" にする（9.1 GiB）、または'
            "alignment.gradient_checkpointing = true にする（7.0 GiB）",
        ),
        ("one; two", "one; two"),
        ("one\ntwo", "one\ntwo"),
    ],
)
def test_problems_that_are_told_together_are_found_one_by_one(en: str, ja: str) -> None:
    assert spoken(en, "ja") == ja
