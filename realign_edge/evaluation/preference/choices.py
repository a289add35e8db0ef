"""What people chose, append-only in the run as preference_test.jsonl: a line a choice, on the disk before the next."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from realign_edge.evaluation.preference.answers import AnswerPair
from realign_edge.runs.events import read_events
from realign_edge.runs.journal import append_line

FILE = "preference_test.jsonl"
Preferred = Literal["before", "after", "tie", "bad"]
PREFERRED: tuple[Preferred, ...] = get_args(Preferred)
Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Choice:
    """person preferred one answer to a photo, or neither (`tie`: equally good, `bad`: both bad).

    key: of the answers (`AnswerPair.key`); after_on: the side on which the answer after alignment stood.
    """

    person: str
    photo: str
    key: str
    preferred: Preferred
    after_on: Side


def keep_choice(run: Path, choice: Choice, seed: int) -> None:
    """Store a choice; once this returns, a power cut does not lose it.

    Raises:
        OSError: it could not be written, and nothing of it stays.
    """
    about = {"person": choice.person, "photo": choice.photo, "answers": choice.key}
    what = {"preferred": choice.preferred, "after_on": choice.after_on, "seed": seed}
    append_line(run / FILE, {"type": "choice", **about, **what})


def take_back(run: Path, person: str, photo: str) -> None:
    """Take a person's last choice about a photo back; it stays in the file."""
    append_line(run / FILE, {"type": "undo", "person": person, "photo": photo})


def standing_choices(run: Path, answers: Iterable[AnswerPair]) -> tuple[Choice, ...]:
    """Everybody's last choice about each photo, oldest first; those about other answers than these do not count."""
    keys = {a.photo: a.key for a in answers}
    kept: dict[tuple[str, str], list[Choice]] = {}
    for kind, choice in _rows(run / FILE, keys):
        own = kept.setdefault((choice.person, choice.photo), [])
        if kind == "undo":
            own[-1:] = []
        else:
            # The last one stands where it was made, so that it is the first to be taken back.
            kept.pop((choice.person, choice.photo))
            kept[(choice.person, choice.photo)] = [*own, choice]
    return tuple(own[-1] for own in kept.values() if own)


def count_choices(run: Path) -> int:
    """How many choices of people stand in a run's folder, whatever became of the answers: what is lost with it."""
    standing = Counter[tuple[str, str]]()
    for row in read_events(run / FILE):
        key, kind = (str(row.get("person")), str(row.get("photo"))), row.get("type")
        standing[key] = max(0, standing[key] + (kind == "choice") - (kind == "undo"))
    return sum(times > 0 for times in standing.values())


def choices_words(choices: int) -> str:
    """`with 12 choices of people in blind tests`; "" for none."""
    return f"with {choices} {'choice' if choices == 1 else 'choices'} of people in blind tests" if choices else ""


def _rows(path: Path, keys: dict[str, str]) -> Iterator[tuple[str, Choice]]:
    """(kind, choice); a line that is none of ours is passed over."""
    for row in read_events(path):
        person, photo = row.get("person"), row.get("photo")
        if not isinstance(person, str) or not isinstance(photo, str) or photo not in keys:
            continue
        if row.get("type") == "undo":
            yield "undo", Choice(person, photo, "", "tie", "left")
        elif row.get("type") == "choice" and row.get("answers") == keys[photo]:
            found = _choice(row, person, photo)
            if found is not None:
                yield "choice", found


def _choice(row: dict[str, Any], person: str, photo: str) -> Choice | None:
    preferred = next((p for p in PREFERRED if p == row.get("preferred")), None)
    side: Side = "left" if row.get("after_on") == "left" else "right"
    return None if preferred is None else Choice(person, photo, str(row["answers"]), preferred, side)
