"""What the choices add up to: how often the answer after alignment was preferred, and whether that can be chance."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from realign_edge.evaluation.preference.answers import AnswerPair, has_answers, read_answers
from realign_edge.evaluation.preference.choices import Choice, Preferred, standing_choices
from realign_edge.intervals import Interval, sign_test, wilson_interval


@dataclass(frozen=True, slots=True)
class PreferenceResult:
    """Counted by photo, since several people's choices about one photo are no independent ones.

    photos: held-out photos with two answers; identical: those whose answers are the same word for word, which nobody
    is asked about and which count as ties; judged: those that somebody chose about; after, before, tie, bad: what was
    preferred about them; people; choices: all of them; shared, agreed: photos that several people judged, and those of
    them on which all said the same.
    """

    photos: int
    identical: int
    judged: int
    after: int
    before: int
    tie: int
    bad: int
    people: int
    choices: int
    shared: int
    agreed: int

    @property
    def decided(self) -> int:
        """Photos about which one of the two answers was preferred: the n of the win rate and of the test."""
        return self.after + self.before

    @property
    def win_rate(self) -> Interval:
        """Share of `decided` photos in which the answer after alignment was preferred, with Wilson's interval."""
        return wilson_interval(self.after, self.decided)

    @property
    def p(self) -> float:
        """Of the exact two-sided sign test (Dixon and Mood 1946), without the ties; 1 for no decided photo."""
        return sign_test(self.after, self.before)

    @property
    def complete(self) -> bool:
        """Was every photo judged that there is something to choose about?"""
        return self.judged + self.identical == self.photos

    def to_json(self) -> dict[str, Any]:
        """For preference_test.json; NaN where nothing was decided."""
        return {**asdict(self), "decided": self.decided, "win_rate": asdict(self.win_rate), "sign_test_p": self.p}


def result_of(answers: Sequence[AnswerPair], choices: Iterable[Choice]) -> PreferenceResult:
    """answers: of every held-out photo; choices: everybody's standing one about each photo."""
    voices: dict[str, list[Choice]] = defaultdict(list)
    for choice in choices:
        voices[choice.photo].append(choice)
    counts = Counter(_verdict([c.preferred for c in own]) for own in voices.values())
    shared = [{c.preferred for c in own} for own in voices.values() if len(own) > 1]
    return PreferenceResult(
        photos=len(answers),
        identical=sum(a.identical for a in answers),
        judged=len(voices),
        after=counts["after"],
        before=counts["before"],
        tie=counts["tie"],
        bad=counts["bad"],
        people=len({c.person for own in voices.values() for c in own}),
        choices=sum(map(len, voices.values())),
        shared=len(shared),
        agreed=sum(len(said) == 1 for said in shared),
    )


def _verdict(said: Sequence[Preferred]) -> Preferred:
    """Of one photo: the answer that more people preferred; where as many preferred each, a tie, or both bad."""
    count = Counter(said)
    if count["after"] != count["before"]:
        return "after" if count["after"] > count["before"] else "before"
    return "bad" if count["bad"] > count["tie"] else "tie"


def run_result(run: Path) -> PreferenceResult | None:
    """That of a run's folder; None where nobody has chosen anything yet."""
    if not has_answers(run):
        return None
    answers = read_answers(run).pairs
    choices = standing_choices(run, answers)
    return result_of(answers, choices) if choices else None
