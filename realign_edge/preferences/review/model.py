"""A person's decision about a pair."""

import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from realign_edge.errors import UsageError
from realign_edge.preferences.model import PreferencePair

Verdict = Literal["accept", "swap", "edit", "also_fits", "discard"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
LONGEST_TEXT, LONGEST_NOTE, LONGEST_NAME = 4000, 1000, 80


Refused = Literal["nobody", "unknown", "no_retrieved", "too_long", "same_texts", "unchanged"]
_REFUSALS: dict[Refused, tuple[str, str]] = {
    "nobody": ("nobody is named who decides", f"add --reviewer NAME, of at most {LONGEST_NAME} characters"),
    "unknown": ("there is no such verdict", f"verdicts: {', '.join(VERDICTS)}"),
    "no_retrieved": ("this pair has no retrieved photo", "accept it, swap it, edit it or discard it"),
    "too_long": (f"a text is longer than {LONGEST_TEXT} characters", "shorten it"),
    "same_texts": ("both texts are the same now", "a pair needs two answers that differ; or discard it"),
    "unchanged": ("nothing was changed", "accept the pair instead"),
}


class RefusedDecision(UsageError):  # noqa: N818 - it is the person's to put right
    """A decision that makes no sense for its pair; why: so that windows can say it in the reader's language."""

    def __init__(self, why: Refused) -> None:
        super().__init__(*_REFUSALS[why])
        self.why = why


@dataclass(frozen=True, slots=True)
class Decision:
    """What a reviewer decided about one pair; number: its row in the log, 0 before it is stored.

    chosen, rejected: the whole new texts of an `edit`, "" for every other verdict; note: in the reviewer's own
    words; decided_at: ISO 8601, for people only. `retrieved` is the pair's retrieved photo when it was looked at.
    """

    pair_id: str
    photo: str
    retrieved: str
    verdict: Verdict
    reviewer: str
    decided_at: str
    chosen: str = ""
    rejected: str = ""
    note: str = ""
    number: int = 0

    @property
    def effect(self) -> tuple[str, str, str]:
        """What it makes of the pair; two decisions with the same effect agree."""
        return self.verdict, self.chosen, self.rejected


def tidy_text(text: str) -> str:
    """One line without control characters and without space at its ends, as notes are."""
    kept = "".join(" " if c in "\n\r\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c)[0] != "C")
    return " ".join(part for part in kept.split(" ") if part)


def decision_about(
    pair: PreferencePair,
    verdict: Verdict,
    reviewer: str,
    decided_at: str,
    chosen: str = "",
    rejected: str = "",
    note: str = "",
) -> Decision:
    """A decision, checked against its pair.

    Raises:
        RefusedDecision: it makes no sense for this pair.
    """
    name = tidy_text(reviewer)
    if not name or len(name) > LONGEST_NAME:
        raise RefusedDecision("nobody")
    if verdict not in VERDICTS:
        raise RefusedDecision("unknown")
    if verdict == "also_fits" and not pair.retrieved:
        raise RefusedDecision("no_retrieved")
    texts = _edited(pair, chosen, rejected) if verdict == "edit" else ("", "")
    remark = tidy_text(note)[:LONGEST_NOTE]
    return Decision(pair.pair_id, pair.photo, pair.retrieved, verdict, name, decided_at, *texts, remark)


def _edited(pair: PreferencePair, chosen: str, rejected: str) -> tuple[str, str]:
    """Both texts of an edit; one that is not given stays as it is."""
    texts = tidy_text(chosen) or pair.chosen, tidy_text(rejected) or pair.rejected
    if max(map(len, texts)) > LONGEST_TEXT:
        raise RefusedDecision("too_long")
    if texts[0] == texts[1]:
        raise RefusedDecision("same_texts")
    if texts == (pair.chosen, pair.rejected):
        raise RefusedDecision("unchanged")
    return texts
