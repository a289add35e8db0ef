"""Strategic masking: which words of a note name what the photo shows."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realign_edge.glossary.mentions import find_mentions, normalise
from realign_edge.glossary.model import Glossary
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix, Sight
from realign_edge.vlm.tree import Continuation, continuation_logps

MASK = "[MASK]"
_ASK = (
    "Replace every word that names an object, an attribute or a relation visible in the photo by [MASK] "
    "and repeat the rest unchanged: {note}"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a note: kept text, or a slot. `category` is the glossary's where it is known."""

    text: str
    slot: bool = False
    category: str = ""


def masked_text(segments: Sequence[Segment]) -> str:
    """The note with [MASK] in its slots."""
    return "".join(MASK if s.slot else s.text for s in segments)


def mask_by_glossary(note: str, glossary: Glossary) -> tuple[Segment, ...]:
    """Slots are the glossary's terms that the note claims; a negated mention stays."""
    plain = normalise(note)
    spans = [(m.start, m.end, m.category) for m in find_mentions(note, glossary) if not m.negated]
    return _segments(plain, spans)


def mask_by_grounding(
    vlm: Vlm, question: str, notes: Sequence[str], sights: Sequence[Sight], blank: Tensor, min_drop: float
) -> list[tuple[Segment, ...]]:
    """Slots are the words whose likelihood drops by `min_drop` nats or more when the photo is taken away.

    sights: one per note; blank: (1 + k, hidden), the row that stands for "no photo" wherever the photo has one.
    It needs no word list and works in any language that the tokenizer knows.
    """
    spelled = [Continuation(tuple(ids)) for ids in vlm.wording.answers_ids(question, notes)]
    prefixes = [vlm.prefix(question, sight) for sight in sights]
    seen = continuation_logps(vlm, prefixes, sights, [[c] for c in spelled])
    unseen = _without_photos(vlm, prefixes, sights, spelled, blank)
    masked = []
    for note, c, with_photo, without in zip(notes, spelled, seen, unseen, strict=True):
        drops = _word_drops(vlm, note, list(c.ids), (with_photo[0] - without).tolist())
        spans = [(start, end, "") for start, end, drop in drops if drop >= min_drop]
        masked.append(_segments(note, _merged(note, spans)))
    return masked


def _without_photos(
    vlm: Vlm, prefixes: Sequence[Prefix], sights: Sequence[Sight], spelled: Sequence[Continuation], blank: Tensor
) -> list[NDArray[np.float64]]:
    """Log-probability of each note's tokens with no photo; photos that stand alike in a prompt share a pass."""
    alike: dict[object, list[int]] = {}
    for note, sight in enumerate(sights):
        alike.setdefault(sight.key, []).append(note)
    first = [rows[0] for rows in alike.values()]
    found = continuation_logps(
        vlm,
        [prefixes[row] for row in first],
        [sights[row].blank(blank) for row in first],
        [[spelled[note] for note in rows] for rows in alike.values()],
    )
    notes = [note for rows in alike.values() for note in rows]
    own = dict(zip(notes, (logps for group in found for logps in group), strict=True))
    return [own[note] for note in range(len(sights))]


def mask_by_model(vlm: Vlm, notes: Sequence[str], sights: Sequence[Sight]) -> list[tuple[Segment, ...]]:
    """Ask the model itself, as the paper does; () where its answer is not the note with words masked."""
    answers = generate(vlm, sights, [_ASK.format(note=note) for note in notes], max_new_tokens=160)
    return [_masked_as(note, answer) for note, answer in zip(notes, answers, strict=True)]


def _masked_as(note: str, answer: str) -> tuple[Segment, ...]:
    """Slots where `answer` repeats the note with [MASK] for words of it; () where it says something else."""
    words = [(m.start(), m.end()) for m in re.finditer(r"\S+", note)]
    said = re.findall(r"\[MASK\]|[^\s\[]+", answer)
    spans: list[tuple[int, int, str]] = []
    matcher = difflib.SequenceMatcher(None, [note[a:b] for a, b in words], said, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        if kind != "replace" or any(MASK not in word for word in said[c:d]):
            return ()
        spans.append((words[a][0], words[b - 1][1], ""))
    return _segments(note, spans) if spans else ()


def _segments(text: str, spans: Sequence[tuple[int, int, str]]) -> tuple[Segment, ...]:
    out, at = [], 0
    for start, end, category in spans:
        if start > at:
            out.append(Segment(text[at:start]))
        out.append(Segment(text[start:end], True, category))
        at = end
    return tuple(out) + ((Segment(text[at:]),) if at < len(text) else ())


def _word_drops(vlm: Vlm, note: str, ids: list[int], drops: list[float]) -> list[tuple[int, int, float]]:
    """Sum the tokens' drops over words: (start, end, nats). A word begins where the decoded text shows a space."""
    ends, text = [], ""
    for count in range(1, len(ids) + 1):
        text = vlm.processor.tokenizer.decode(ids[:count]).lstrip()
        ends.append(len(text))
    words = [(m.start(), m.end()) for m in re.finditer(r"[^\s.,;:!?。、：；]+", note)]
    found = []
    for start, end in words:
        total = sum(d for d, e, b in zip(drops, ends, [0, *ends], strict=False) if b < end and e > start)
        found.append((start, end, total))
    return found


def _merged(note: str, spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Neighbouring words make one slot."""
    out: list[tuple[int, int, str]] = []
    for start, end, category in spans:
        if out and note[out[-1][1] : start] == " ":
            out[-1] = (out[-1][0], end, category)
        else:
            out.append((start, end, category))
    return out
