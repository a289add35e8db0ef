"""Question pairs from the records: yes/no and "where", the true answer over the false one."""

from collections.abc import Callable, Mapping, Sequence

from realign_edge.glossary.facts import Facts
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import (
    Language,
    where_answer,
    where_question,
    yes_no_answer,
    yes_no_question,
)
from realign_edge.preferences.model import PairKind, PreferencePair, Provenance

# A question and an answer to it.
Turn = tuple[str, str]
# A photo (identity, similarity) among the nearest for which a predicate over its facts holds.
FindReference = Callable[[Callable[[Facts], bool]], tuple[str, float]]


class QuestionMaker:
    """Makes question pairs; the false answers are the ones the model itself finds most likely."""

    def __init__(self, glossary: Glossary, language: Language, yes_no: int, where: int) -> None:
        """yes_no, where: how many pairs of each kind a photo gets at most."""
        self.defects, self.places = tuple(glossary.names("defect")), tuple(glossary.names("location"))
        self.glossary, self.language = glossary, language
        self.yes_no, self.where = yes_no, where

    def turns(self, facts: Facts) -> list[Turn]:
        """The false turns whose likelihood under the photo decides what `pairs` asks."""
        present, absent = self._split(facts)
        doubted = [*self._false(absent, False), *self._false(present, True)] if self.yes_no and absent else []
        return doubted + [turn for defect in self._located(facts) for turn in self._misplaced(defect, facts)]

    def pairs(
        self, photo: str, facts: Facts, logps: Mapping[Turn, float], find: FindReference, made_by: str
    ) -> list[PreferencePair]:
        """Up to `yes_no` and `where` pairs for one photo; logps: log pi_0(answer | photo, question) of its turns.

        Half of the yes/no questions are about defects that are there. The others are about those that
        the model is readiest to claim though they are not. The retrieved photo is the nearest one whose
        record contradicts the true answer, so that "prefer y_w under v over v_l" is true.
        """
        present, absent = self._split(facts)
        asked: list[tuple[str, bool]] = []
        if self.yes_no and absent:
            missed = _most_likely(self._false(present, True), logps)[: self.yes_no // 2]
            doubtful = _most_likely(self._false(absent, False), logps)[: max(1, self.yes_no // 2)]
            asked = [*[(present[i], True) for i in missed], *[(absent[i], False) for i in doubtful]]
        found = [self._yes_no_pair(photo, d, truth, find, made_by) for d, truth in asked]
        for defect in self._located(facts):
            turns = self._misplaced(defect, facts)
            found.append(self._where_pair(photo, defect, facts, turns[_most_likely(turns, logps)[0]], find, made_by))
        return found

    def _split(self, facts: Facts) -> tuple[list[str], list[str]]:
        """The defects that are there and those that are not."""
        present = [d for d in self.defects if d in facts.defects]
        return present, [d for d in self.defects if d not in facts.defects]

    def _located(self, facts: Facts) -> list[str]:
        """The defects of known place that are asked about; there must be another place to name instead."""
        placed = [d for d in self.defects if facts.defects.get(d) and {*self.places} - {facts.defects[d]}]
        return placed[: self.where]

    def _false(self, defects: Sequence[str], truth: bool) -> list[Turn]:
        """The wrong answer about each of these defects, which are there (or not)."""
        return [(self._whether(d), yes_no_answer(not truth, self.language)) for d in defects]

    def _misplaced(self, defect: str, facts: Facts) -> list[Turn]:
        """The defect said to be in every other place."""
        wrong = [p for p in self.places if p != facts.defects[defect]]
        return [(self._where(defect), self._there(p)) for p in wrong]

    def _whether(self, defect: str) -> str:
        return yes_no_question(self.glossary.called(defect, self.language), self.language)

    def _where(self, defect: str) -> str:
        return where_question(self.glossary.called(defect, self.language), self.language)

    def _there(self, place: str) -> str:
        return where_answer(self.glossary.called(place, self.language), self.language)

    def _yes_no_pair(self, photo: str, defect: str, truth: bool, find: FindReference, made_by: str) -> PreferencePair:
        retrieved = find(lambda other: (defect in other.defects) is not truth)
        answers = yes_no_answer(truth, self.language), yes_no_answer(not truth, self.language)
        return _pair(photo, retrieved, self._whether(defect), *answers, "yes_no", made_by)

    def _where_pair(
        self, photo: str, defect: str, facts: Facts, false: Turn, find: FindReference, made_by: str
    ) -> PreferencePair:
        place = facts.defects[defect]
        retrieved = find(lambda other: other.defects.get(defect, "") != place)
        question, rejected = false
        return _pair(photo, retrieved, question, self._there(place), rejected, "where", made_by)


def _most_likely(turns: Sequence[Turn], logps: Mapping[Turn, float]) -> list[int]:
    """Numbers of the turns by falling likelihood of the answer; ties by number."""
    return sorted(range(len(turns)), key=lambda i: (-round(logps[turns[i]], 4), i))


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
