"""The questions that are asked about a photo, and their answers; one wording everywhere."""

import re
from typing import Literal

Language = Literal["en", "ja"]


def describe_question(language: Language = "en") -> str:
    """Asks for an inspection note."""
    return "Describe the part and its defects." if language == "en" else "部品と欠陥を説明してください。"


def yes_no_question(defect: str, language: Language = "en") -> str:
    """Asks whether a defect is there; the wording needs no article, so it fits every term."""
    return f"Does the photo show {defect}?" if language == "en" else f"この写真に{defect}がありますか？"


def where_question(defect: str, language: Language = "en") -> str:
    """Asks where a defect is."""
    return f"Where is the {defect}?" if language == "en" else f"{defect}はどこにありますか？"


def yes_no_answer(answer: bool, language: Language = "en") -> str:
    """The answer to a yes/no question."""
    if language == "en":
        return "Yes." if answer else "No."
    return "はい。" if answer else "いいえ。"


def where_answer(location: str, language: Language = "en") -> str:
    """The answer to a "where" question."""
    return f"At the {location}." if language == "en" else f"{location}です。"


def parse_yes_no(text: str) -> bool | None:
    """True, False, or None where the answer is neither."""
    found = re.match(r"\W*(yes|no|はい|いいえ|あります|ありません)", text.strip().lower())
    return None if found is None else found.group(1) in ("yes", "はい", "あります")
