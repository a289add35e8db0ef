"""What the model makes of answers about a photo: every turn of a photo behind its one prefix.

In a family where the photo attends to the question, the prefix is that of the question.
"""

from collections.abc import Sequence
from functools import lru_cache

from realign_edge.preferences.questions import Turn
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix, Sight
from realign_edge.vlm.tree import Continuation, continuation_logps


class TurnScorer:
    """log pi_0(answer | photo, question) of the reference model."""

    def __init__(self, vlm: Vlm) -> None:
        self.vlm = vlm
        # The same questions are asked about every photo.
        self._spelled = lru_cache(maxsize=4096)(self._continuation)

    def logps(self, sights: Sequence[Sight], turns: Sequence[Sequence[Turn]]) -> list[dict[Turn, float]]:
        """Nats per turn, EOS included; turns[i]: those of photo i."""
        asked = [(row, group) for row, own in enumerate(turns) for group in self._together(own)]
        prefixes = [self._prefix(sights[row], group[0][0]) for row, group in asked]
        spelled = [[self._spelled(turn) for turn in group] for _, group in asked]
        found = continuation_logps(self.vlm, prefixes, [sights[row] for row, _ in asked], spelled)
        logps: list[dict[Turn, float]] = [{} for _ in turns]
        for (row, group), scores in zip(asked, found, strict=True):
            logps[row] |= {turn: float(s.sum()) for turn, s in zip(group, scores, strict=True)}
        return logps

    def answer(self, turn: Turn) -> tuple[int, ...]:
        """Token ids of a turn's answer, EOS included."""
        spelled = self._spelled(turn)
        return spelled.ids[spelled.start :]

    def _together(self, turns: Sequence[Turn]) -> list[list[Turn]]:
        """Turns that can follow one prefix."""
        if self.vlm.family.shares_photo:
            return [list(turns)] if turns else []
        groups: dict[str, list[Turn]] = {}
        for turn in turns:
            groups.setdefault(turn[0], []).append(turn)
        return list(groups.values())

    def _prefix(self, sight: Sight, question: str) -> Prefix:
        return self.vlm.photo_prefix(sight) if self.vlm.family.shares_photo else self.vlm.prefix(question, sight)

    def _continuation(self, turn: Turn) -> Continuation:
        asked = self.vlm.asked_ids(turn[0]) if self.vlm.family.shares_photo else []
        return Continuation((*asked, *self.vlm.answer_ids(*turn).tolist()), len(asked))
