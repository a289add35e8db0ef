"""Both languages say everything, with the same places to fill; and which one is spoken."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import realign_edge
from realign_edge.errors import UsageError
from realign_edge.language import LANGUAGES, spoken_language
from realign_edge.monitoring.condition import ENDED, PAUSED, TROUBLES, WELL
from realign_edge.monitoring.model import Told
from realign_edge.monitoring.words import duration, joined, sections, told, written

ROOT = Path(realign_edge.__file__).parent


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_and_places() -> None:
    en, ja = (sections(language) for language in LANGUAGES)
    assert {s: sorted(v) for s, v in en.items()} == {s: sorted(v) for s, v in ja.items()}
    for section, strings in en.items():
        for key, text in strings.items():
            assert places(text) == places(ja[section][key]), f"{section}.{key}"


def test_japanese_is_japanese() -> None:
    """A string without kana or kanji is one that nobody translated, but for units and signs."""
    same = {
        f"{section}.{key}"
        for section, strings in sections("ja").items()
        for key, text in strings.items()
        if not re.search(r"[\u3040-\u9fff]", text)
    }
    assert same == {"unit.MiB", "why.separator", "plain.separator", "plain.degrees", "plain.watts", "plain.cpu",
                    "plain.figure", "plain.stage_bare", "plain.stage_open", "condition.failed_do"}  # fmt: skip


def test_every_key_that_is_asked_for_exists() -> None:
    calls = re.compile(r'told\(\s*f?"([a-z_]+)\.([a-z_]+)"')
    source = "\n".join(f.read_text(encoding="utf-8") for f in (ROOT / "monitoring").glob("*.py"))
    asked = calls.findall(source)
    assert len(asked) > 40
    assert not [(s, k) for s, k in asked if k not in sections("en")[s]]


def test_every_rule_has_a_sentence() -> None:
    names = {r.name for r in (*ENDED, *TROUBLES, PAUSED, *WELL)}
    sentences = sections("en")["condition"]
    assert names | {"failed_silently"} == {k.removesuffix("_do") for k in sentences}
    assert names <= set(sentences)


def test_every_task_of_a_run_has_a_name_in_both_languages() -> None:
    """Tasks are named where they are done, in English; a new one must be added to the strings."""
    rooms = ("alignment", "evaluation", "export", "preferences", "retrieval", "vlm")
    files = [f for room in rooms for f in (ROOT / room).rglob("*.py")] + [ROOT / "pipeline" / "teacher.py"]
    tasks, units = set(), set()
    for file in files:
        for call in (n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)):
            named = isinstance(call.func, ast.Attribute) and call.func.attr == "start" and len(call.args) > 1
            if named and isinstance(call.args[0], ast.Constant):
                tasks.add(call.args[0].value)
                units |= {a.value for a in call.args[2:] if isinstance(a, ast.Constant)}
    assert len(tasks) > 7
    assert tasks <= set(sections("en")["task"])
    assert units <= set(sections("en")["unit"])


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"LC_MESSAGES": "ja_JP", "LANG": "en_US.UTF-8"}, "ja"),
        ({"LC_ALL": "", "LC_MESSAGES": "", "LANG": "ja"}, "ja"),
    ],
)
def test_the_locale_chooses_and_a_word_overrules_it(environment: dict[str, str], language: str) -> None:
    assert spoken_language(None, environment) == language
    assert spoken_language("en", environment) == "en"
    with pytest.raises(UsageError, match="unknown language"):
        spoken_language("fr", environment)


def test_figures_and_durations() -> None:
    assert [duration(s).en for s in (0.4, 41, 187, 11100, 190000)] == [
        "0 s", "41 s", "3 min 07 s", "3 h 05 min", "2 d 4 h",
    ]  # fmt: skip
    assert duration(187).ja == "3分07秒"
    assert [written(0.8449, "share"), written(-0.0001, "nats"), written(1.5, "none")] == ["84 %", "+0.000", "1.500"]
    assert joined((Told("a", "あ"), Told("b", "い"))) == Told("a, b", "あ、い")


def test_what_is_put_in_is_never_read_as_a_format() -> None:
    assert told("condition.failed", error="{0} {secret}").en.endswith("{0} {secret}")
