"""What a model said about the held-out photos before and after, kept in the run as answers.json."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.errors import MissingError
from realign_edge.files import fingerprint, from_json, write_json

FILE = "answers.json"
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """The two answers to one held-out photo; name: below the photo folder."""

    photo: str
    name: str
    before: str
    after: str

    @property
    def identical(self) -> bool:
        """Do both say the same, word for word? There is nothing to choose then."""
        return self.before.split() == self.after.split()

    @property
    def key(self) -> str:
        """Changes when the photo or one of the answers changes: a choice between other answers says nothing here."""
        return fingerprint(self.photo, self.before, self.after)


@dataclass(frozen=True)
class HeldAnswers:
    """question: what both were asked, of every photo."""

    question: str
    pairs: tuple[AnswerPair, ...]


def write_answers(run: Path, question: str, pairs: Sequence[AnswerPair]) -> None:
    """Keep them in the folder of a run."""
    rows = [{"photo": p.photo, "name": p.name, "before": p.before, "after": p.after} for p in pairs]
    write_json(run / FILE, {"question": question, "answers": rows})


def has_answers(run: Path) -> bool:
    """Were they kept? Runs of earlier versions did not."""
    return (run / FILE).is_file()


def read_answers(run: Path) -> HeldAnswers:
    """Those of a run's folder.

    Raises:
        MissingError: there are none, or the file is damaged.
    """
    path = run / FILE
    if not path.is_file():
        raise MissingError(
            f"run {run.name} keeps no answers: it was not evaluated, or by an earlier version",
            "align the same photos again: it goes on where it was, and evaluates",
        )
    try:
        value = from_json(path.read_text(encoding="utf-8"))
        return HeldAnswers(str(value["question"]), tuple(map(_pair, value["answers"])))
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise MissingError(f"{path} is damaged: {problem}", "remove it and align the same photos again") from problem


def _pair(row: dict[str, Any]) -> AnswerPair:
    found = AnswerPair(*(str(row[k]) for k in ("photo", "name", "before", "after")))
    if max(map(len, (found.name, found.before, found.after))) > _LONGEST:
        raise ValueError(f"a text is longer than {_LONGEST} characters")
    return found
