"""The batched infill against one sequence at a time, scored from scratch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.preferences.infill import infill, slot_phrases
from realign_edge.preferences.masking import Segment, mask_by_glossary
from realign_edge.shopfloor.notes import write_note
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.shopfloor.vocabulary import GLOSSARY
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.sight import Sight
from realign_edge.vlm.tree import TokenTree

DESCRIBE = "Describe the part and its defects."
PHRASES = slot_phrases(GLOSSARY, "en")
KINDS = {form.lower(): f"{t.category}:{t.kind}" for t in GLOSSARY.terms if t.kind for form in t.forms}


@pytest.fixture(params=["tiny", "nano"])
def vlm(request: pytest.FixtureRequest) -> Any:
    return load_vlm("nano") if request.param == "nano" else request.getfixturevalue("tiny_vlm")


def photos(vlm: Any, count: int) -> list[Sight]:
    """What the tower makes of noise."""
    pixels = np.random.default_rng(count).integers(0, 255, (count, 128, 128, 3), dtype=np.uint8)
    return vlm.sights([Image.fromarray(p) for p in pixels])  # type: ignore[no-any-return]


def tree_of(vlm: Any, sights: Sequence[Sight]) -> TokenTree:
    return TokenTree(vlm, [vlm.prefix(DESCRIBE, sight) for sight in sights], sights)


@torch.no_grad()
def one_by_one(vlm: Any, segments: Sequence[Segment], sight: Sight) -> str:
    """Every phrase of every slot in a sequence of its own, without a cache."""
    prompt, text = vlm.prefix(DESCRIBE, sight), ""
    used: set[tuple[str, str]] = set()
    for segment in segments:
        if not segment.slot:
            text += segment.text
            continue
        key = KINDS.get(segment.text.lower(), segment.category)
        offered = [p for p in PHRASES.get(key, ()) if (key, p) not in used]
        if not offered:
            text += freely(vlm, text, segment.text, sight)
            continue
        upper = segment.text[0].isupper()
        spelled = [p[0].upper() + p[1:] if upper else p for p in offered]
        branches = [Branch(vlm.answer_ids(DESCRIBE, text + p, end=False)) for p in spelled]
        scores = [float(branch_logps(vlm, pack([prompt], [[b]]), [sight])) for b in branches]
        best = int(np.argmax(scores))
        used.add((key, offered[best]))
        text += spelled[best]
    return text


def freely(vlm: Any, text: str, original: str, sight: Sight) -> str:
    """Greedy writing, the whole sequence anew for every token."""
    before = vlm.answer_ids(DESCRIBE, text, end=False).tolist() if text else []
    limit = len(vlm.answer_ids(DESCRIBE, text + original, end=False)) - len(before) + 2
    ids = list(before)
    for _ in range(max(1, limit)):
        whole = torch.cat([vlm.prefix(DESCRIBE, sight).ids, torch.tensor(ids, dtype=torch.int64)])
        token = int(vlm.lm_head(vlm.language(vlm.embed(whole[None], [sight]))[0, -1]).argmax())
        if token == vlm.eos_token_id:
            break
        ids.append(token)
    # Untrained weights write bytes that are no character; such have no place in an answer to train on.
    written = vlm.processor.tokenizer.decode(ids).lstrip()[len(text) :].replace("\ufffd", "")
    space = " " if written.startswith(" ") and not text.endswith(" ") else ""
    return space + " ".join(written.split()[: len(original.split())])


def test_it_writes_what_one_sequence_at_a_time_gives(vlm: Any) -> None:
    rng = np.random.default_rng(5)
    notes = [write_note(sample_scene(rng, CoOccurrence.unbiased()), rng) for _ in range(8)]
    masked = [mask_by_glossary(note, GLOSSARY) for note in notes]
    assert len({sum(s.slot for s in segments) for segments in masked}) > 1
    sights = photos(vlm, len(notes))
    tree = tree_of(vlm, sights)
    expected = [one_by_one(vlm, *each) for each in zip(masked, sights, strict=True)]
    assert infill(tree, DESCRIBE, masked, [PHRASES] * len(masked), KINDS) == expected


def test_free_slots_are_written_greedily_beside_chosen_ones(vlm: Any) -> None:
    free, known = Segment("silvery brackets", True), Segment("Brass", True, "attribute")
    masked = [
        (Segment("Seen: "), free, Segment(" on the "), Segment("white tray", True, "attribute"), Segment(".")),
        (known, Segment(" gear, "), free, Segment(" and "), Segment("scratch", True, "defect")),
        (Segment("Silvery", True), Segment(" gear.")),
    ]
    sights = photos(vlm, len(masked))
    tree = tree_of(vlm, sights)
    expected = [one_by_one(vlm, *each) for each in zip(masked, sights, strict=True)]
    assert infill(tree, DESCRIBE, masked, [PHRASES] * len(masked), KINDS) == expected


def test_a_phrase_that_changes_the_tokens_before_it_is_scored_as_it_is_spelled(vlm: Any) -> None:
    """ "S" and "cratch" are one token together; the tree holds both spellings."""
    phrases = {"odd": ("cratch", "hiny", "ent", "urface")}
    masked = [(Segment("Gear. S"), Segment("cratch", True, "odd"), Segment(" at the "), Segment("ent", True, "odd"))]
    sights = photos(vlm, 1)
    whole = [vlm.answer_ids(DESCRIBE, f"Gear. S{p}", end=False).tolist() for p in phrases["odd"]]
    start = vlm.answer_ids(DESCRIBE, "Gear. S", end=False).tolist()
    assert any(ids[: len(start)] != start for ids in whole)
    with torch.no_grad():
        prompt = vlm.prefix(DESCRIBE, sights[0])
        scores = [float(branch_logps(vlm, pack([prompt], [[Branch(torch.tensor(w))]]), sights)) for w in whole]
    tree = tree_of(vlm, sights)
    written = infill(tree, DESCRIBE, masked, [phrases] * len(masked), {})[0]
    assert written.startswith("Gear. S" + phrases["odd"][int(np.argmax(scores))] + " at the ")
