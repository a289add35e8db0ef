"""What a description says in words that nobody uses of good parts is not taken for nothing."""

import numpy as np
import pytest

from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.station.evidence.strange import sound_words, strange_words

NOTES = [
    f"Gear, {colour}, on the {place}. No defects found. S/N {i}."
    for i in range(10)
    for colour, place in (("red", "tray"), ("dull", "mat"))
]
JAPANESE = ["赤い歯車、白いトレイ。異常なし。", "青い歯車、作業台。欠陥は見られません。"] * 10


@pytest.mark.parametrize(
    ("notes", "text", "found"),
    [
        (NOTES, "Dull gear on the red mat, no defects found.", ()),
        (NOTES, "Gear, red, on the tray. Smeared with grease.", ("Smeared", "with", "grease")),
        (NOTES, "Zahnrad mit Riss am Rand.", ("Zahnrad", "mit", "Riss", "am", "Rand")),
        (NOTES, "Gear, red, on the tray. Scratch. S/N 99-a.", ()),
        (JAPANESE, "赤い歯車、作業台。異常なし。", ()),
        (JAPANESE, "赤い歯車、作業台。グリース付着。", ("グリース", "付着")),
    ],
)
def test_words_that_nobody_uses_of_good_parts(notes: list[str], text: str, found: tuple[str, ...]) -> None:
    sound = sound_words(notes, GLOSSARY)
    assert sound is not None
    assert strange_words(text, GLOSSARY, sound) == found


def test_few_notes_and_notes_of_ever_new_words_tell_nothing() -> None:
    assert sound_words(NOTES[:19], GLOSSARY) is None
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert sound_words([f"Gear {letters[i] * 5}." for i in range(26)], GLOSSARY) is None
    assert sound_words([], GLOSSARY) is None
    assert strange_words("Smeared with grease.", GLOSSARY, None) == ()


def test_a_good_part_of_the_floor_is_hardly_ever_strange() -> None:
    rng = np.random.default_rng(4)
    scenes = [sample_scene(rng, CoOccurrence.unbiased()) for _ in range(2000)]
    notes = [write_note(s, rng) for s in scenes if not s.defects]
    sound = sound_words(notes[:150], GLOSSARY)
    assert sound is not None
    assert sum(bool(strange_words(n, GLOSSARY, sound)) for n in notes[150:]) <= 0.02 * len(notes[150:])
