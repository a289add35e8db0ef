"""Both languages say everything, with the same places to fill."""

import math
import re
from datetime import datetime
from pathlib import Path
from string import Formatter

import pytest

import realign_edge.reports as room
from realign_edge.reports.figures import share
from realign_edge.reports.language import LANGUAGES, words
from realign_edge.reports.model import Language

_ROOM = Path(room.__file__).parent
_CALLS = re.compile(r"""\b(?:w|words|paper\.words)\(\s*["']([a-z_]+\.[A-Za-z_]+)["']""")
_SCRIPT = re.compile(r"\bW\.([a-z]+)\.([A-Za-z_]+)\b")


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_keys_and_places() -> None:
    en, ja = (words(language).strings for language in LANGUAGES)
    assert {s: sorted(v) for s, v in en.items()} == {s: sorted(v) for s, v in ja.items()}
    for section, strings in en.items():
        for key, text in strings.items():
            assert _places(text) == _places(ja[section][key]), f"{section}.{key}"


def test_every_key_that_is_asked_for_exists() -> None:
    asked = {
        tuple(key.split(".")) for file in _ROOM.rglob("*") if file.suffix in (".py", ".j2")
        for key in _CALLS.findall(file.read_text(encoding="utf-8"))
    }  # fmt: skip
    asked |= set(_SCRIPT.findall((_ROOM / "templates" / "report.js").read_text(encoding="utf-8")))
    assert len(asked) > 150
    strings = words("en").strings
    assert not [key for key in asked if key[1] not in strings[key[0]]]


def test_japanese_is_japanese() -> None:
    """A string without kana or kanji is one that nobody translated, but for names and signs."""
    same = {
        f"{section}.{key}" for section, strings in words("ja").strings.items() for key, text in strings.items()
        if not re.search(r"[\u3040-\u9fff]", text)
    }  # fmt: skip
    assert same == {"heading.none", "adopt.separator", "settings.version"}


@pytest.mark.parametrize(
    ("language", "day", "minute"),
    [("en", "5 Apr 2026", "5 Apr 2026 08:03"), ("ja", "2026年4月5日", "2026年4月5日 08:03")],
)
def test_dates(language: Language, day: str, minute: str) -> None:
    time = datetime(2026, 4, 5, 8, 3)
    assert (words(language).day(time), words(language).minute(time)) == (day, minute)


def test_numbers() -> None:
    en = words("en")
    assert (en.count(12345), en.percent(0.9747), en.percent(math.nan)) == ("12,345", "97.5 %", "–")
    assert (en.points(-0.049), en.points(0.0), en.number(-0.001)) == ("−4.9", "+0.0", "0.00")
    assert en.interval(share(9, 10)) == "59.6 – 98.2 %"  # Wilson's interval of 9 in 10
    assert (en.duration(250), words("ja").duration(3900)) == ("4 min 10 s", "1時間05分")


def test_values_are_never_read_as_formats() -> None:
    assert words("en")("heading.sheet", number="{0} {secret}") == "Report {0} {secret}"


def test_what_runs_say_is_said_there_in_these_words() -> None:
    """A phrase that the sources no longer have would be left in English in a Japanese report."""
    rooms = ("preferences", "retrieval", "photos", "evaluation", "runs")
    source = "\n".join(
        file.read_text(encoding="utf-8") for room in rooms for file in sorted((_ROOM.parent / room).glob("*.py"))
    )
    phrases = {*words("en").strings["said"], *(k for k in words("en").strings["adopt"] if " " in k)}
    assert len(phrases) > 20
    assert not [p for p in phrases if f'"{p}"' not in source and f", {p}" not in source and f"{p};" not in source]


def test_a_phrase_that_is_not_known_stays_as_it_is() -> None:
    assert words("ja").said("by lot") == "ロット単位"
    assert words("ja").said("another finish") == "another finish"
