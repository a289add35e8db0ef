"""Which words and tokens of a description claim a defect, and how well the photo founds them."""

from collections.abc import Sequence

import numpy as np
import pytest

from realign_edge.glossary.model import Glossary, Term
from realign_edge.station.evidence.grounding import confidence, grounding
from realign_edge.station.evidence.phrases import phrases

GLOSSARY = Glossary(
    (
        Term("scratch", "defect", ja=("傷",)),
        Term("oil stain", "defect"),
        Term("center", "location", ja=("中央",)),
        Term("left side", "location"),
    )
)


def _pieces(text: str) -> list[str]:
    """Tokens that begin with their space, as in byte-level vocabularies; long words in two parts."""
    found: list[str] = []
    for word in text.replace(" ", "\0 ").split("\0"):
        found += [word[:4], word[4:]] if len(word) > 5 and word.isascii() else [word]
    return found


def _found(text: str) -> list[tuple[str, str, str, str]]:
    pieces = _pieces(text)

    def decode(ids: Sequence[int]) -> str:
        return "".join(pieces[i] for i in ids).strip()

    claims = phrases(range(len(pieces)), decode, GLOSSARY)
    return [(c.finding.defect, c.finding.location, c.text, "".join(pieces[i] for i in c.tokens)) for c in claims]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gear. Scratch at the center.", [("scratch", "center", "Scratch at the center", " Scratch center.")]),
        ("Center: scratch.", [("scratch", "center", "Center: scratch", "Center: scratch.")]),
        ("A scratch. The center is clean.", [("scratch", "", "scratch", " scratch.")]),
        ("No scratch visible at the center.", []),
        (
            "Oil stain at the left side, scratch at the center.",
            [
                ("oil stain", "left side", "Oil stain at the left side", "Oil stain left side,"),
                ("scratch", "center", "scratch at the center", " scratch center."),
            ],
        ),
        ("中央に傷があります。", [("scratch", "center", "中央に傷", "中央に傷があります。")]),
    ],
)
def test_phrases_and_their_tokens(text: str, expected: list[tuple[str, str, str, str]]) -> None:
    assert _found(text) == expected


def test_grounding_is_the_mean_gain_over_the_tokens_of_the_phrase() -> None:
    given, without = np.log(np.array([0.9, 0.5, 0.2], np.float32)), np.log(np.array([0.9, 0.1, 0.4], np.float32))
    assert grounding(given, without, [1, 2]) == pytest.approx((np.log(5) - np.log(2)) / 2, rel=1e-6)
    assert grounding(given, given, [0, 1, 2]) == 0.0
    assert grounding(given, without, []) == 0.0
    assert confidence(given, [1, 2]) == pytest.approx(np.sqrt(0.1), rel=1e-6)
    assert confidence(given, []) == 0.0
