"""The blind test: order and sides, choices that last, and what they add up to."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from realign_edge.errors import MissingError, UsageError
from realign_edge.evaluation.preference.answers import AnswerPair, read_answers, write_answers
from realign_edge.evaluation.preference.choices import FILE, Choice, keep_choice, standing_choices, take_back
from realign_edge.evaluation.preference.result import result_of, run_result
from realign_edge.evaluation.preference.session import RESULT_FILE, BlindSession, shuffled
from realign_edge.intervals import sign_test
from realign_edge.runs.journal import append_line
from realign_edge.runs.run import Run, create_run

ANSWERS = [AnswerPair(f"{n:064x}", f"{n}.png", f"Gear, dent {n}.", f"Gear, no dent {n}.") for n in range(10)]
SAME = AnswerPair("f" * 64, "same.png", "Gear.  No defects.", "Gear. No defects.")
BUSY = """
import sys
from pathlib import Path
from realign_edge.evaluation.preference.choices import Choice, keep_choice
for n in range(100):
    keep_choice(Path(sys.argv[1]), Choice(sys.argv[2], f"{n % 10:064x}", "k" * n, "tie", "left"), 0)
"""


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "runs").mkdir()
    made = create_run(tmp_path / "runs", "abcd" * 4, {"photos": str(tmp_path)}, "", datetime(2026, 11, 25, 8))
    write_answers(made.folder, "Describe it.", [*ANSWERS, SAME])
    return made


def choice(person: str, photo: int, preferred: str) -> Choice:
    return Choice(person, ANSWERS[photo].photo, ANSWERS[photo].key, preferred, "left")  # type: ignore[arg-type]


@given(st.integers(0, 30), st.integers(0, 5), st.text(min_size=1, max_size=5))
def test_sides_are_balanced_and_order_follows_from_seed_and_name(n: int, seed: int, person: str) -> None:
    answers = [AnswerPair(f"{i:064x}", f"{i}.png", "a", f"b{i}") for i in range(n)]
    asked = shuffled([*answers, SAME], person, seed)
    assert SAME.photo not in {a.photo for a, _ in asked}
    assert len(asked) == len({a.photo for a, _ in asked}) == n
    assert sum(side == "left" for _, side in asked) == len(asked) // 2
    assert asked == shuffled([SAME, *reversed(answers)], person, seed)


def test_another_person_sees_another_order() -> None:
    assert shuffled(ANSWERS, "mori", 0) != shuffled(ANSWERS, "sato", 0) != shuffled(ANSWERS, "sato", 1)


def test_who_always_takes_the_left_prefers_neither_model(run: Run) -> None:
    mori = BlindSession(run, "mori")
    while (asked := mori.current()) is not None:
        mori.choose(asked.photo, "left")
    found = mori.leave()
    assert (found.after, found.before, found.identical, found.photos) == (5, 5, 1, 11) and found.complete
    assert json.loads((run.folder / RESULT_FILE).read_text())["sign_test_p"] == 1


def test_a_choice_names_the_model_that_stood_there(run: Run) -> None:
    mori = BlindSession(run, "mori")
    for answer in ("left", "right") * 5:
        asked = mori.current()
        assert asked is not None
        text = asked.left if answer == "left" else asked.right
        of = next(a for a in ANSWERS if a.photo == asked.photo)
        assert mori.choose(asked.photo, answer) == ("after" if text == of.after else "before")
    assert mori.current() is None


def test_a_test_goes_on_where_it_was_left(run: Run) -> None:
    first = BlindSession(run, "mori")
    seen = []
    for _ in range(4):
        asked = first.current()
        assert asked is not None
        seen.append(asked.photo)
        first.choose(asked.photo, "tie")
    again = BlindSession(run, "mori")
    assert (again.answered, again.total) == (4, 10)
    while (asked := again.current()) is not None:
        assert asked.number == len(seen) + 1
        seen.append(asked.photo)
        again.choose(asked.photo, "bad")
    assert sorted(seen) == [a.photo for a in ANSWERS]
    assert seen == [a.photo for a, _ in shuffled(ANSWERS, "mori", 0)]
    assert (again.result().tie, again.result().bad) == (4, 6)


def test_undo_shows_the_photo_again_and_skip_shows_it_last(run: Run) -> None:
    mori = BlindSession(run, "mori")
    first = mori.current()
    assert first is not None and not mori.undo()
    mori.choose(first.photo, "left")
    mori.choose(mori.current().photo, "right")  # type: ignore[union-attr]
    assert mori.undo() and mori.undo() and not mori.undo()
    again = mori.current()
    assert again is not None and again.photo == first.photo and (again.left, again.right) == (first.left, first.right)
    mori.skip(first.photo)
    shown = []
    while (asked := mori.current()) is not None:
        shown.append(asked.photo)
        mori.choose(asked.photo, "tie")
    assert shown[-1] == first.photo
    assert len((run.folder / FILE).read_text().splitlines()) == 14


def test_undo_reaches_into_an_earlier_session(run: Run) -> None:
    first = BlindSession(run, "mori")
    asked = first.current()
    assert asked is not None
    first.choose(asked.photo, "left")
    assert not BlindSession(run, "sato").undo()
    assert BlindSession(run, "mori").undo()
    assert standing_choices(run.folder, ANSWERS) == ()


def test_processes_at_once_tear_no_line(run: Run) -> None:
    running = [subprocess.Popen([sys.executable, "-c", BUSY, str(run.folder), name]) for name in ("mori", "sato")]
    assert [process.wait(timeout=120) for process in running] == [0, 0]
    rows = [json.loads(line) for line in (run.folder / FILE).read_text().splitlines()]
    for name in ("mori", "sato"):
        assert [len(r["answers"]) for r in rows if r["person"] == name] == list(range(100))


def test_a_torn_line_is_cut_off_and_the_rest_counts(run: Run) -> None:
    keep_choice(run.folder, choice("mori", 0, "after"), 0)
    with (run.folder / FILE).open("a") as file:
        file.write('{"type": "choice", "per')
    assert len(standing_choices(run.folder, ANSWERS)) == 1
    keep_choice(run.folder, choice("mori", 1, "after"), 0)
    assert [c.photo for c in standing_choices(run.folder, ANSWERS)] == [ANSWERS[0].photo, ANSWERS[1].photo]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append_line(tmp_path / "j", {"n": 1})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        append_line(tmp_path / "j", {"n": 2})
    assert caught.value.filename == str(tmp_path / "j")
    assert [json.loads(line)["n"] for line in (tmp_path / "j").read_text().splitlines()] == [1]


def test_choices_between_other_answers_do_not_count(run: Run) -> None:
    keep_choice(run.folder, choice("mori", 0, "after"), 0)
    keep_choice(run.folder, choice("mori", 1, "after"), 0)
    changed = [AnswerPair(ANSWERS[0].photo, "0.png", "Gear, dent 0.", "Gear, two dents."), *ANSWERS[1:]]
    write_answers(run.folder, "Describe it.", changed)
    found = run_result(run.folder)
    assert found is not None and found.judged == found.after == 1


def test_lines_that_are_none_of_ours_are_passed_over(run: Run) -> None:
    own = {"person": "mori", "photo": ANSWERS[0].photo, "answers": ANSWERS[0].key}
    for row in ({}, {"person": 3}, {"type": "choice", **own, "preferred": "best"}, {"type": "undo", **own}):
        append_line(run.folder / FILE, row)
    assert standing_choices(run.folder, ANSWERS) == ()
    take_back(run.folder, "mori", ANSWERS[0].photo)
    assert run_result(run.folder) is None


def test_photos_are_counted_and_the_majority_of_people_decides() -> None:
    said = [
        choice("mori", 0, "after"), choice("sato", 0, "after"),
        choice("mori", 1, "after"), choice("sato", 1, "before"),
        choice("mori", 2, "bad"), choice("sato", 2, "bad"), choice("ito", 2, "tie"),
        choice("mori", 3, "before"), choice("sato", 3, "tie"),
    ]  # fmt: skip
    found = result_of([*ANSWERS, SAME], said)
    assert (found.after, found.before, found.tie, found.bad) == (1, 1, 1, 1)
    assert (found.judged, found.people, found.choices, found.shared, found.agreed) == (4, 3, 9, 4, 1)
    assert not found.complete and found.decided == 2


@pytest.mark.parametrize(("after", "before"), [(0, 0), (1, 0), (7, 3), (3, 7), (60, 40), (250, 251)])
def test_rate_and_test_are_those_of_scipy(after: int, before: int) -> None:
    answers = [AnswerPair(f"{n:064x}", "x", "a", "b") for n in range(after + before)]
    chosen = [Choice("mori", a.photo, a.key, "after" if n < after else "before", "left") for n, a in enumerate(answers)]
    found = result_of(answers, chosen)
    if not after + before:
        assert found.p == 1 and found.win_rate.n == 0
        return
    theirs = binomtest(after, after + before)
    interval = theirs.proportion_ci(method="wilson")
    assert found.p == sign_test(after, before) == pytest.approx(theirs.pvalue, rel=1e-12)
    assert (found.win_rate.low, found.win_rate.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_without_answers_or_a_name_there_is_a_way_out(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody is named"):
        BlindSession(run, " \n")
    (run.folder / "answers.json").write_text('{"question": "x", "answers": [{}]}')
    with pytest.raises(MissingError, match="damaged"):
        read_answers(run.folder)
    (run.folder / "answers.json").unlink()
    with pytest.raises(MissingError, match="keeps no answers"):
        BlindSession(run, "mori")
    assert run_result(run.folder) is None
