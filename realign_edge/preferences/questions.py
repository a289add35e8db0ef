"""Question pairs from the records: yes/no and "where", the true answer over the false one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.questions import (
    Language,
    where_answer,
    where_question,
    yes_no_answer,
    yes_no_question,
)
from realign_edge.preferences.model import PairKind, PreferencePair, Provenance
from realign_edge.vlm.branches import branch_logps, pack, photo_prefix, question_branch
from realign_edge.vlm.model import Vlm

# A photo (identity, similarity) among the nearest for which a predicate over its facts holds.
FindReference = Callable[[Callable[[Facts], bool]], tuple[str, float]]


class QuestionMaker:
    """Makes question pairs; the false answers are the ones the model itself finds most likely."""

    def __init__(self, vlm: Vlm, defects: Sequence[str], places: Sequence[str], language: Language) -> None:
        self.vlm, self.defects, self.places, self.language = vlm, tuple(defects), tuple(places), language
        self.prefix = photo_prefix(vlm)

    def pairs(
        self,
        photo: str,
        facts: Facts,
        features: Tensor,
        find: FindReference,
        yes_no: int,
        where: int,
        made_by: str,
    ) -> list[PreferencePair]:
        """Up to `yes_no` and `where` pairs for one photo; features: (tokens, hidden).

        Half of the yes/no questions are about defects that are there. The others are about those that
        the model is readiest to claim though they are not. The retrieved photo is the nearest one whose
        record contradicts the true answer, so that "prefer y_w under v over v_l" is true.
        """
        present = [d for d in self.defects if d in facts.defects]
        absent = [d for d in self.defects if d not in facts.defects]
        asked: list[tuple[str, bool]] = []
        if yes_no and absent:
            doubtful = self._most_likely(
                features, [(yes_no_question(d, self.language), self._yes(True)) for d in absent]
            )
            missed = self._most_likely(
                features, [(yes_no_question(d, self.language), self._yes(False)) for d in present]
            )
            negatives = [(absent[i], False) for i in doubtful[: max(1, yes_no // 2)]]
            asked = [*[(present[i], True) for i in missed[: yes_no // 2]], *negatives]
        found = [self._yes_no(photo, d, truth, find, made_by) for d, truth in asked]
        located = [d for d in present if facts.defects[d]]
        for defect in located[:where]:
            found.append(self._where(photo, defect, facts.defects[defect], features, find, made_by))
        return found

    def _yes(self, answer: bool) -> str:
        return yes_no_answer(answer, self.language)

    def _yes_no(self, photo: str, defect: str, truth: bool, find: FindReference, made_by: str) -> PreferencePair:
        retrieved = find(lambda other: (defect in other.defects) is not truth)
        question = yes_no_question(defect, self.language)
        return _pair(photo, retrieved, question, self._yes(truth), self._yes(not truth), "yes_no", made_by)

    def _where(
        self, photo: str, defect: str, place: str, features: Tensor, find: FindReference, made_by: str
    ) -> PreferencePair:
        question, wrong = where_question(defect, self.language), [p for p in self.places if p != place]
        answers = [where_answer(p, self.language) for p in wrong]
        worst = self._most_likely(features, [(question, a) for a in answers])[0]
        retrieved = find(lambda other: other.defects.get(defect, "") != place)
        return _pair(photo, retrieved, question, where_answer(place, self.language), answers[worst], "where", made_by)

    @torch.no_grad()
    def _most_likely(self, features: Tensor, turns: Sequence[tuple[str, str]]) -> list[int]:
        """Numbers of the turns by falling likelihood of the answer, in one forward pass."""
        if not turns:
            return []
        branches = [question_branch(self.vlm, self.prefix, *turn) for turn in turns]
        logps = branch_logps(self.vlm, pack([self.prefix], [branches]), features.unsqueeze(0))
        rounded = [round(float(x), 4) for x in logps]
        return sorted(range(len(turns)), key=lambda i: (-rounded[i], i))


def _pair(
    photo: str,
    retrieved: tuple[str, float],
    question: str,
    chosen: str,
    rejected: str,
    kind: PairKind,
    made_by: str,
) -> PreferencePair:
    other, similarity = retrieved
    provenance = Provenance("record", completion="record", photo_similarity=similarity, model=made_by)
    return PreferencePair(photo, other, question, chosen, rejected, kind, provenance)
