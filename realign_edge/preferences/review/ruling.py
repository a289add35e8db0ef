"""What holds for a pair where one person decided, where several agree, and where they differ."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.files import fingerprint
from realign_edge.preferences.review.model import Decision, Verdict
from realign_edge.preferences.review.store import ReviewStore, standing

Held = Verdict | Literal["contested"]


@dataclass(frozen=True, slots=True)
class Ruling:
    """What holds for a pair, and everybody's last decision about it, oldest first.

    held: `contested` where no decision has more than half of the reviewers behind it; such a pair is set aside.
    """

    pair_id: str
    photo: str
    retrieved: str
    held: Held
    chosen: str
    rejected: str
    decisions: tuple[Decision, ...]

    @property
    def reviewers(self) -> tuple[str, ...]:
        """Who decided about it; where it is not contested, those whose decision holds."""
        held = (self.held, self.chosen, self.rejected)
        return tuple(d.reviewer for d in self.decisions if self.held == "contested" or d.effect == held)


def rulings_of(decisions: Iterable[Decision]) -> dict[str, Ruling]:
    """By pair. decisions: those that stand, oldest first.

    The rule: everybody has one voice about a pair, that of the last own decision; what more than half say holds.
    Where nobody has more than half, two people saw the same photos and said different things, so the pair teaches
    nothing that is sure: it is set aside until they agree or a third one decides. A pair less costs little, a false
    pair is learnt.
    """
    voices: dict[str, dict[str, Decision]] = {}
    for decision in decisions:
        of_pair = voices.setdefault(decision.pair_id, {})
        # The last one counts, and stands where it was made.
        of_pair.pop(decision.reviewer, None)
        of_pair[decision.reviewer] = decision
    return {pair_id: _ruling(tuple(of_pair.values())) for pair_id, of_pair in voices.items()}


def _ruling(voices: tuple[Decision, ...]) -> Ruling:
    first = voices[0]
    effect, count = Counter(d.effect for d in voices).most_common(1)[0]
    about = (first.pair_id, first.photo, first.retrieved)
    if 2 * count <= len(voices):
        return Ruling(*about, "contested", "", "", voices)
    held = next(d for d in voices if d.effect == effect)
    return Ruling(*about, held.verdict, held.chosen, held.rejected, voices)


def read_rulings(catalog: Path) -> dict[str, Ruling]:
    """Those of the whole catalog, by pair."""
    return rulings_of(standing(ReviewStore(catalog).rows()))


def rulings_fingerprint(rulings: Mapping[str, Ruling], photos: Collection[str]) -> str:
    """Changes with every ruling that changes what these photos are trained with; "" where none does."""
    told = sorted(
        (r.pair_id, r.held, r.chosen, r.rejected) for r in rulings.values() if r.held != "accept" and r.photo in photos
    )
    return fingerprint(told) if told else ""
