"""Sentences in both languages, and how durations and figures are written in them."""

import math
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from time import localtime, strftime

from realign_edge.language import LANGUAGES, Language
from realign_edge.monitoring.model import Curve, Told, Unit
from realign_edge.sentences.translate import spoken

Sections = Mapping[str, Mapping[str, str]]


@cache
def sections(language: Language) -> Sections:
    """strings/<language>.toml."""
    path = Path(__file__).parent / "strings" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def told(name: str, /, **values: object) -> Told:
    """The words behind `section.key` with `{values}` put in, a `Told` among them in the same language.

    Raises:
        KeyError: there are none of that name, or a value is missing.
    """
    section, key = name.split(".", 1)
    en, ja = (_filled(sections(language)[section][key], values, language) for language in LANGUAGES)
    return Told(en, ja)


def _filled(text: str, values: Mapping[str, object], language: Language) -> str:
    return text.format(**{k: v.of(language) if isinstance(v, Told) else v for k, v in values.items()})


def known(section: str, text: str) -> Told:
    """What a run's files say in English, translated where it is one of the usual phrases; as it is elsewhere."""
    en, ja = (sections(language)[section].get(text, text) for language in LANGUAGES)
    return Told(en, ja)


def sentence(text: str) -> Told:
    """What another room said in English, such as why a run failed."""
    return Told(text, spoken(text, "ja"))


def joined(parts: "list[Told] | tuple[Told, ...]", separator: str = "plain.separator") -> Told:
    """One after another."""
    mark = told(separator)
    return Told(mark.en.join(p.en for p in parts), mark.ja.join(p.ja for p in parts))


def duration(seconds: float) -> Told:
    """`40 s`, `5 min 07 s`, `3 h 05 min`, `2 d 4 h`."""
    whole = max(round(seconds), 0)
    minutes, s = divmod(whole, 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    name = "days" if days else "hours" if hours else "minutes" if minutes else "seconds"
    return told(f"time.{name}", d=days, h=h, m=m, s=s)


def clock_time(moment: float) -> str:
    """The local time of day, `14:05`."""
    return strftime("%H:%M", localtime(moment))


def percent(share: float) -> str:
    """A share in [0, 1] as `84 %`; a dash where it is not known."""
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def written(value: float, unit: Unit) -> str:
    """A figure of a curve as people read it: `84 %`, `+0.251`, `12.3`."""
    if unit == "share":
        return percent(value)
    if unit == "nats":
        return f"{round(value, 3) + 0.0:+.3f}"  # + 0.0: never "-0.000"
    return f"{value:.3f}" if unit == "none" else f"{value:.1f}"


def last_value(curve: Curve) -> str:
    """Its newest value, a dash where there is none."""
    return "–" if curve.last is None else written(curve.last, curve.unit)
