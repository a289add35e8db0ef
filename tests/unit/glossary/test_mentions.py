import re
import sys
from typing import Any

import numpy as np
import pytest

from realign_edge.glossary.findings import find_findings, find_terms
from realign_edge.glossary.mentions import find_mentions
from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.shopfloor.vocabulary import GLOSSARY

NEGATED = (
    "no scratch is visible", "No dents or cracks found.", "without rust", "free of burrs", "free from corrosion",
    "it does not show a chip",
    "scratch: none", "Scratch - no", "neither rust nor dents",
    "No scratches, dents or cracks.",
    "there is no crack at the left", "rust is absent", "dent not found", "the photo doesn't show pitting",
    "never any rust", "absence of cracks", "No visible scratch", "cracks were not detected", "lacks any dent",
    "傷なし", "傷は見られない", "錆はありません", "傷や錆はない", "割れは認められない",
    "バリは無し",
    "油染み無し", "へこみは見当たらない",
    "ｷｽﾞではなく傷なし", "a scratch is not visible", "The dent is not clearly visible.", "Rust has not been found",
    "scratches are not present", "a crack could not be seen", "dents were never observed", "rust is not, dents are not",
)  # fmt: skip
CLAIMED = (
    "a scratch at the upper left", "no defects other than a scratch", "No rust. Dent at the center",
    "no rust but a dent",
    "not only scratch",
    "Scratches", "OIL-STAIN", "oil  stain", "Surface not clean: rust", "左上に傷", "傷（左上）",
    "Without doubt a scratch at the left.", "There is no question that a scratch is visible",
    "The scratch is not small.",
    "a dent that cannot be overlooked", "a crack cannot be ruled out", "not just a scratch", "the dent is not deep",
    "傷がないとは言えない", "傷がなくはない", "傷がないわけではない",
    "傷があるが、錆はない", "錆が見られる", "ｻﾋﾞではなく割れ",
)  # fmt: skip


@pytest.mark.parametrize("text", NEGATED)
def test_a_denied_defect_is_not_claimed(text: str) -> None:
    mentions = [m for m in find_mentions(text, GLOSSARY) if m.category == "defect"]
    assert mentions
    assert all(m.negated for m in mentions)
    assert find_findings(text, GLOSSARY) == ()


@pytest.mark.parametrize("text", CLAIMED)
def test_a_claimed_defect_is_found(text: str) -> None:
    assert find_findings(text, GLOSSARY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a dent and a scratch at the center", {"dent": "center", "scratch": "center"}),
        ("scratch upper left, rust lower edge", {"scratch": "upper left", "rust": "lower edge"}),
        ("at the lower edge a dent", {"dent": "lower edge"}),
        ("upper left: scratch, lower right: dent", {"scratch": "upper left", "dent": "lower right"}),
        ("Rust on the bottom. Scratch at the top left corner.", {"rust": "lower edge", "scratch": "upper left"}),
        ("no rust, scratch at the upper left", {"scratch": "upper left"}),
        ("左上に傷、右下に錆", {"scratch": "upper left", "rust": "lower right"}),
        ("a clean part", {}),
    ],
)
def test_places_go_with_their_defects(text: str, expected: dict[str, str]) -> None:
    assert {f.defect: f.location for f in find_findings(text, GLOSSARY)} == expected


def test_every_note_of_the_floor_reads_back_as_its_scene() -> None:
    rng = np.random.default_rng(1)
    for _ in range(400):
        scene = sample_scene(rng, CoOccurrence.unbiased())
        note = write_note(scene, rng)
        said = {(f.defect, f.location) for f in find_findings(note, GLOSSARY)}
        assert said == {(d.kind, d.place) for d in scene.defects}, note
        assert find_terms(note, GLOSSARY, "part") == (scene.part,), note
        assert set(find_terms(note, GLOSSARY, "attribute")) == {scene.finish, scene.background}, note


@pytest.mark.parametrize("text", ["scratch ", "dent, ", "no scratch, ", "傷、", "傷や", "dent at the left, ", "not "])
def test_the_time_grows_with_the_length_of_a_note_and_not_with_its_square(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in lines that are run and characters that patterns may look at, since a clock tells of the machine."""
    from realign_edge.glossary import findings, mentions

    def work(length: int) -> int:
        looked: list[int] = []

        class Counted:
            def __init__(self, pattern: Any) -> None:
                self.pattern = pattern

            def __getattr__(self, name: str) -> Any:
                def call(given: str, *at: int) -> Any:
                    end = at[1] if len(at) > 1 else len(given)
                    looked.append(end - (at[0] if at else 0) if name != "match" else 1)
                    return getattr(self.pattern, name)(given, *at)

                return call

        with monkeypatch.context() as patch:
            for module in (mentions, findings):
                for key, value in vars(module).copy().items():
                    if isinstance(value, re.Pattern):
                        patch.setattr(module, key, Counted(value))
            before = sys.gettrace()
            sys.settrace(lambda *_: lambda *_: looked.append(1))
            try:
                find_findings((text * length)[:length], GLOSSARY)
            finally:
                sys.settrace(before)
        return sum(looked)

    assert work(8000) < 2.6 * work(4000)
