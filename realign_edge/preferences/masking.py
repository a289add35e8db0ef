"""Strategic masking: which words of a note name what the photo shows."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from realign_edge.glossary.mentions import find_mentions
from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language
from realign_edge.glossary.script import is_japanese, origins, words
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Prefix, Sight
from realign_edge.vlm.tree import Continuation, continuation_logps

MASK = "[MASK]"
# What a decoder writes for bytes that are no character.
BROKEN = "\ufffd"
_ASK: dict[Language, str] = {
    "en": "Replace every word that names an object, an attribute or a relation visible in the photo by [MASK] "
    "and repeat the rest unchanged: {note}",
    "ja": "写真に写っている物・特徴・関係を表す語をすべて[MASK]に置き換え、残りはそのまま繰り返してください：{note}",
}


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
    """Slots are the glossary's terms that the note claims; a negated mention stays. Segments are its own text."""
    at = origins(note)
    spans = [(m.start, m.end, m.category) for m in find_mentions(note, glossary) if not m.negated]
    # A character such as ㎜ is read as two; a term that ends within it takes it whole.
    whole = [(at[start], next(x for x in at[end:] if x > at[end - 1]), what) for start, end, what in spans]
    return _segments(note, whole)


def mask_by_grounding(
    vlm: Vlm, question: str, notes: Sequence[str], sights: Sequence[Sight], blank: Tensor, min_drop: float
) -> list[tuple[Segment, ...]]:
    """Slots are the words whose likelihood drops by `min_drop` nats or more when the photo is taken away.

    sights: one per note; blank: (1 + k, hidden), the row that stands for "no photo" wherever the photo has one.
    It needs no word list. Words are those of `glossary.script.words`, also in a Japanese note without spaces:
    tokens would do worse there, since the second token of a word follows from its first and loses nothing.
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


def mask_by_model(
    vlm: Vlm, notes: Sequence[str], sights: Sequence[Sight], language: Language = "en"
) -> list[tuple[Segment, ...]]:
    """Ask the model itself, as the paper does; () where its answer is not the note with words masked."""
    answers = generate(vlm, sights, [_ASK[language].format(note=note) for note in notes], max_new_tokens=160)
    return [_masked_as(note, answer) for note, answer in zip(notes, answers, strict=True)]


def _masked_as(note: str, answer: str) -> tuple[Segment, ...]:
    """Slots where `answer` repeats the note with [MASK] for words of it; () where it says something else.

    Compared word by word, or character by character in Japanese, where a mask has no spaces around it.
    """
    piece = r"\S" if is_japanese(note) else r"\S+"
    units = [(m.start(), m.end()) for m in re.finditer(piece, note)]
    said = re.findall(r"\[MASK\]|" + piece.replace(r"\S", r"[^\s\[]"), answer)
    spans: list[tuple[int, int, str]] = []
    matcher = difflib.SequenceMatcher(None, [note[a:b] for a, b in units], said, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            continue
        if kind != "replace" or any(MASK not in word for word in said[c:d]):
            return ()
        spans.append((units[a][0], units[b - 1][1], ""))
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
    """Sum the tokens' drops over words: (start, end, nats)."""
    spans = _token_spans(vlm, ids)
    found = []
    for start, end in words(note):
        total = sum(d for d, (a, b) in zip(drops, spans, strict=True) if a < end and b > start)
        found.append((start, end, total))
    return found


def _token_spans(vlm: Vlm, ids: Sequence[int]) -> list[tuple[int, int]]:
    """The characters [start, end) that each token stands for; one that is a part of a character, that character."""
    spans, start = [], 0
    for count in range(1, len(ids) + 1):
        text = vlm.processor.tokenizer.decode(ids[:count]).lstrip()
        # What is not a whole character yet is decoded as one or more of these.
        whole = len(text.rstrip(BROKEN))
        spans.append((start, whole + (whole < len(text))))
        start = whole
    return spans


def _merged(note: str, spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Neighbouring words make one slot."""
    out: list[tuple[int, int, str]] = []
    for start, end, category in spans:
        if out and note[out[-1][1] : start] in ("", " ", "\u3000"):
            out[-1] = (out[-1][0], end, category)
        else:
            out.append((start, end, category))
    return out
