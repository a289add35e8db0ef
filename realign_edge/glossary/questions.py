"""The questions that are asked about a photo, and their answers; one wording everywhere."""

import re
from typing import Literal

from realign_edge.glossary.script import normalise

Language = Literal["en", "ja"]
_FIRST = re.compile(r"\W*(yes|no|はい|ええ|いいえ|いえ|あります|ありません)")
# Japanese says yes or no with the verb, which comes last: 左上に傷が見られます。傷は認められない。
_LAST_NO = re.compile(
    r"(?:(?<!く)ありません|(?<!あり)ません|(?<!少)(?<!く)ない|なし|無し|無い|(?<!有)無|ず|違います|ちがいます)(?:でした|です)?$"
)
_LAST_YES = re.compile(
    r"(?:あり|あります|ありました|ある|有り|有|(?:見ら|認めら|見受けら|確認さ|検出さ)れ(?:る|ます|ました|た)|確認でき(?:る|ます)|"
    r"存在(?:する|します)|て(?:いる|います)|そうです|その通りです)$"
)
_SENTENCE_END = re.compile(r"[。！？!?\n]")


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
    """True, False, or None where the answer is neither.

    The first word counts, and in Japanese, where there is no such word, how the first sentence ends.
    """
    plain = normalise(text).strip().lower()
    found = _FIRST.match(plain)
    if found is not None:
        return found.group(1) in ("yes", "はい", "ええ", "あります")
    sentence = _SENTENCE_END.split(plain, maxsplit=1)[0].rstrip(" .、」)")
    if _LAST_NO.search(sentence):
        return False
    return True if _LAST_YES.search(sentence) else None
