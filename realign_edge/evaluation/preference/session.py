"""One person before the answers of a run. It knows no screen; every choice is stored before the call returns."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from realign_edge.errors import UsageError
from realign_edge.evaluation.preference.answers import AnswerPair, read_answers
from realign_edge.evaluation.preference.choices import (
    Choice,
    Preferred,
    Side,
    keep_choice,
    standing_choices,
    take_back,
)
from realign_edge.evaluation.preference.result import PreferenceResult, result_of
from realign_edge.files import sha256_bytes, write_json
from realign_edge.runs.run import Run

RESULT_FILE = "preference_test.json"
Answer = Literal["left", "right", "tie", "bad"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is shown: a photo and two answers. number counts from 1 among `total`."""

    photo: str
    path: Path
    name: str
    asked: str
    left: str
    right: str
    number: int
    total: int


def shuffled(answers: Sequence[AnswerPair], person: str, seed: int) -> list[tuple[AnswerPair, Side]]:
    """The photos to ask about, in this person's order, and the side on which the answer after alignment stands.

    Order and sides follow from seed and name, so that a test that was left goes on as it was. Sides are balanced:
    after is on the left for half of the photos (rounded down), so that a habit of choosing one side, however strong,
    prefers neither model.
    """
    chosen = [a for a in answers if not a.identical]
    by_side = sorted(chosen, key=lambda a: _drawn(f"{seed}:side:{person}:{a.photo}"))
    left = {a.photo for a in by_side[: len(chosen) // 2]}
    order = sorted(chosen, key=lambda a: _drawn(f"{seed}:order:{person}:{a.photo}"))
    return [(a, "left" if a.photo in left else "right") for a in order]


def _drawn(text: str) -> str:
    return sha256_bytes(text.encode())


class BlindSession:
    """Safe to be called from several threads, one call after the other.

    Nobody is told a result before the end: who sees that the new model leads chooses otherwise.
    """

    def __init__(self, run: Run, person: str, seed: int = 0) -> None:
        """person: whose choices these are; seed: of `shuffled`.

        Raises:
            MissingError: the run keeps no answers.
            UsageError: nobody is named.
        """
        self.person = " ".join(person.split())
        if not self.person or len(self.person) > 80:
            raise UsageError("nobody is named who chooses", "add --person NAME, of at most 80 characters")
        self.run, self.seed = run, seed
        self._held = read_answers(run.folder)
        self._asked = shuffled(self._held.pairs, self.person, seed)
        self._root = Path(str(run.about.get("photos", "")))
        self._skipped: dict[str, None] = {}
        self._lock = threading.RLock()
        self._own = {c.photo: c for c in standing_choices(run.folder, self._held.pairs) if c.person == self.person}

    @property
    def total(self) -> int:
        """Photos that this person is asked about."""
        return len(self._asked)

    @property
    def answered(self) -> int:
        """Those of them that are chosen about."""
        return sum(a.photo in self._own for a, _ in self._asked)

    @property
    def identical(self) -> int:
        """Photos with the same answer twice, which nobody is asked about."""
        return sum(a.identical for a in self._held.pairs)

    def current(self) -> Question | None:
        """The photo to choose about now, skipped ones last; None at the end."""
        with self._lock:
            left = [n for n, (a, _) in enumerate(self._asked) if a.photo not in self._own]
            left.sort(key=lambda n: self._late(self._asked[n][0].photo))
            if not left:
                return None
            found, side = self._asked[left[0]]
            texts = (found.after, found.before) if side == "left" else (found.before, found.after)
            path = self._root / found.name
            number = self.answered + 1
            return Question(found.photo, path, found.name, self._held.question, *texts, number, self.total)

    def choose(self, photo: str, answer: Answer) -> Preferred:
        """Store what was chosen about the photo that was shown; returns which model that is, which nobody is to see.

        Raises:
            OSError: it could not be written, and nothing of it stays.
        """
        with self._lock:
            found, side = next((a, s) for a, s in self._asked if a.photo == photo)
            choice = Choice(self.person, photo, found.key, _preferred(answer, side), side)
            keep_choice(self.run.folder, choice, self.seed)
            self._own.pop(photo, None)
            self._own[photo] = choice
            self._skipped.pop(photo, None)
            return choice.preferred

    def skip(self, photo: str) -> None:
        """Show it again at the end; nothing is stored."""
        with self._lock:
            self._skipped.pop(photo, None)
            self._skipped[photo] = None

    def undo(self) -> bool:
        """Take the last own choice back, also one of an earlier session; its photo comes next. False without one."""
        with self._lock:
            asked = {a.photo for a, _ in self._asked}
            last = next((photo for photo in reversed(self._own) if photo in asked), None)
            if last is None:
                return False
            take_back(self.run.folder, self.person, last)
            standing = standing_choices(self.run.folder, self._held.pairs)
            self._own = {c.photo: c for c in standing if c.person == self.person}
            # First again, before those that were never shown.
            self._asked.sort(key=lambda pair: pair[0].photo != last)
            self._skipped.pop(last, None)
            return True

    def result(self) -> PreferenceResult:
        """Of everybody's choices so far."""
        return result_of(self._held.pairs, standing_choices(self.run.folder, self._held.pairs))

    def leave(self) -> PreferenceResult:
        """Keep the result in the run as preference_test.json, where anybody has chosen, and return it."""
        found = self.result()
        if found.choices:
            write_json(self.run.folder / RESULT_FILE, found.to_json())
        return found

    def _late(self, photo: str) -> int:
        """0 for a photo that was not skipped, else its place among those that were."""
        return 1 + list(self._skipped).index(photo) if photo in self._skipped else 0


def _preferred(answer: Answer, after_on: Side) -> Preferred:
    neither: dict[Answer, Preferred] = {"tie": "tie", "bad": "bad"}
    return neither.get(answer) or ("after" if answer == after_on else "before")
