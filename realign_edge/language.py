"""The language that people are spoken to in: what they asked for, else that of their locale, else English."""

import os
from collections.abc import Mapping
from typing import Literal, get_args

from realign_edge.errors import UsageError

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
# In this order, as POSIX has it; the first one that is set decides.
_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def spoken_language(asked: str | None = None, environment: Mapping[str, str] | None = None) -> Language:
    """`asked` (--lang) where it is given, else the locale's.

    Raises:
        UsageError: it is none that we speak.
    """
    if asked is None:
        found = os.environ if environment is None else environment
        locale = next((found[name] for name in _VARIABLES if found.get(name)), "")
        return "ja" if locale.lower().startswith("ja") else "en"
    for language in LANGUAGES:
        if asked == language:
            return language
    raise UsageError(f"unknown language `{asked}`", f"languages: {', '.join(LANGUAGES)}")
