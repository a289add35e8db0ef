"""What the model makes of answers about a photo: every turn of a photo behind its one prefix."""

from collections.abc import Sequence
from functools import lru_cache

from torch import Tensor

from realign_edge.preferences.questions import Turn
from realign_edge.vlm.branches import photo_prefix, question_branch
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.tree import Continuation, continuation_logps


class TurnScorer:
    """log pi_0(answer | photo, question) of the reference model."""

    def __init__(self, vlm: Vlm) -> None:
        self.vlm, self.prefix = vlm, photo_prefix(vlm)
        # The same questions are asked about every photo.
        self._spelled = lru_cache(maxsize=4096)(self._continuation)

    def logps(self, image_features: Tensor, turns: Sequence[Sequence[Turn]]) -> list[dict[Turn, float]]:
        """Nats per turn, EOS included; image_features: (photos, tokens, hidden), turns[i]: those of photo i."""
        continuations = [[self._spelled(turn) for turn in asked] for asked in turns]
        asking = [row for row, asked in enumerate(turns) if asked]
        found = continuation_logps(
            self.vlm, self.prefix, image_features[asking], [continuations[row] for row in asking]
        )
        logps: list[dict[Turn, float]] = [{} for _ in turns]
        for row, scores in zip(asking, found, strict=True):
            logps[row] = {turn: float(s.sum()) for turn, s in zip(turns[row], scores, strict=True)}
        return logps

    def answer(self, turn: Turn) -> tuple[int, ...]:
        """Token ids of a turn's answer, EOS included."""
        spelled = self._spelled(turn)
        return spelled.ids[spelled.start :]

    def _continuation(self, turn: Turn) -> Continuation:
        branch = question_branch(self.vlm, self.prefix, *turn)
        return Continuation(tuple(branch.ids.tolist()), branch.answer_start)
