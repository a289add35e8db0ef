"""The words of a report in its language, and how numbers and dates are written there."""

import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from realign_edge.reports.model import Language, Share

LANGUAGES: tuple[Language, ...] = ("en", "ja")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MINUS = "−"


@dataclass(frozen=True)
class Words:
    """Strings by section and key, and the formats of one language."""

    language: Language
    strings: Mapping[str, Mapping[str, str]]

    def __call__(self, key: str, **values: object) -> str:
        """The string `section.key`, with its places filled; values are put in as they are, never read as formats."""
        section, name = key.split(".", 1)
        text = self.strings[section][name]
        return text.format(**values) if values else text

    def said(self, text: str) -> str:
        """What a run's files say in English, in this language where it is one of the usual phrases."""
        return self.strings["said"].get(text, text)

    def count(self, number: int) -> str:
        """12,345 in both languages."""
        return f"{number:,}"

    def percent(self, share: float, digits: int = 1) -> str:
        """A share in [0, 1]; a dash for NaN."""
        return "–" if math.isnan(share) else f"{100 * share:.{digits}f} %"

    def interval(self, share: Share) -> str:
        """Its interval without the word: 97.1 – 98.4 %."""
        if math.isnan(share.low):
            return "–"
        return f"{100 * share.low:.1f} – {100 * share.high:.1f} %"

    def points(self, change: float) -> str:
        """A signed difference of two shares, in points."""
        return "–" if math.isnan(change) else f"{100 * change:+.1f}".replace("-", _MINUS)

    def number(self, value: float, digits: int = 2) -> str:
        """With a true minus sign, never minus zero."""
        return "–" if not math.isfinite(value) else f"{round(value, digits) + 0.0:.{digits}f}".replace("-", _MINUS)

    def day(self, time: datetime) -> str:
        """25 Nov 2026, or 2026年11月25日."""
        if self.language == "ja":
            return f"{time.year}年{time.month}月{time.day}日"
        return f"{time.day} {_MONTHS[time.month - 1]} {time.year}"

    def minute(self, time: datetime) -> str:
        """The day and the time."""
        return f"{self.day(time)} {time:%H:%M}"

    def short(self, time: datetime) -> str:
        """For tables: 2026-11-25 21:59, with slashes in Japanese."""
        return f"{time:%Y/%m/%d %H:%M}" if self.language == "ja" else f"{time:%Y-%m-%d %H:%M}"

    def duration(self, seconds: float) -> str:
        """1 h 05 min, 4 min 10 s."""
        hours, minutes, rest = int(seconds // 3600), int(seconds % 3600 // 60), int(seconds % 60)
        ja = self.language == "ja"
        if hours:
            return f"{hours}時間{minutes:02d}分" if ja else f"{hours} h {minutes:02d} min"
        return f"{minutes}分{rest:02d}秒" if ja else f"{minutes} min {rest:02d} s"


@functools.cache
def words(language: Language) -> Words:
    """Read from strings/<language>.toml."""
    path = Path(__file__).parent / "strings" / f"{language}.toml"
    return Words(language, tomllib.loads(path.read_text(encoding="utf-8")))
