"""The station's prompts are token for token the workstation's."""

from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import MissingError
from realign_edge.station.profile import read_profile
from realign_edge.station.prompting.prompts import Prompts
from realign_edge.vlm.load import load_vlm

QUESTIONS = (
    "Describe the part and its defects.", "Does the photo show heat mark?", "Where is the scratch?",
    "部品と欠陥を説明してください。", "tabs\tand <b>markup</b> & \"quotes\" {{ 7 * 7 }} {% raw %}", "é́ ﬁ ①",
)  # fmt: skip


@pytest.fixture(scope="module")
def both(station_bundle: Path) -> tuple[Prompts, Any]:
    return Prompts(station_bundle, read_profile(station_bundle)), load_vlm("nano").wording


@pytest.mark.parametrize("question", QUESTIONS)
def test_ids_and_text_are_those_of_the_workstation(both: tuple[Prompts, Any], question: str) -> None:
    ours, theirs = both
    assert ours.text(question) == theirs.prompt(question).read
    assert ours.ends(question) == tuple(map(tuple, theirs.ends(question)))


@pytest.mark.parametrize("answer", ["Yes.", "No.", "Plate, red primer. Dent at the right side.", "はい。"])
def test_answers_are_read_as_on_the_workstation(both: tuple[Prompts, Any], answer: str) -> None:
    ours, theirs = both
    assert ours.answer_ids(QUESTIONS[0], answer) == theirs.answers_ids(QUESTIONS[0], [answer])[0]


def test_answers_are_decoded_as_on_the_workstation(both: tuple[Prompts, Any]) -> None:
    ours, theirs = both
    ids = [1, *theirs.answers_ids(QUESTIONS[0], ["Plate, 欠陥 here."])[0], 2]
    assert ours.decode(ids) == theirs.processor.tokenizer.decode(ids, skip_special_tokens=True).strip()


def test_a_question_cannot_bring_a_photo_of_its_own(both: tuple[Prompts, Any]) -> None:
    with pytest.raises(MissingError, match="2 photos instead of one"):
        both[0].ends("What is <image>?")
