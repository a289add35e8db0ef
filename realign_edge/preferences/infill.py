"""Completing a masked note while looking at the wrong photo, so that every unmasked word stays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from realign_edge.glossary.model import Glossary
from realign_edge.glossary.questions import Language
from realign_edge.glossary.script import is_japanese, normalise, words
from realign_edge.preferences.masking import BROKEN, Segment, masked_text
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Sight
from realign_edge.vlm.tree import Continuation, TokenTree, shared

ASK: dict[Language, str] = {
    "en": "Complete the sentence by filling in every [MASK] with what the photo shows: {masked}",
    "ja": "次の文の[MASK]をすべて、写真に写っている内容で埋めて完成させてください：{masked}",
}
_FREE_SLACK = 2


def slot_phrases(glossary: Glossary, language: Language) -> dict[str, tuple[str, ...]]:
    """Per category, the phrases that may stand in a slot: the terms' names in the language."""
    phrases: dict[str, tuple[str, ...]] = {}
    for term in glossary.terms:
        for key in (term.category, f"{term.category}:{term.kind}"):
            phrases[key] = (*phrases.get(key, ()), term.called(language))
    return phrases


def slot_key(slot: Segment, kinds: Mapping[str, str]) -> str:
    """What kind of phrase a slot takes; kinds: the slot's text, normalised and in lower case, to "category:kind"."""
    return kinds.get(normalise(slot.text).lower(), slot.category)


def infill(
    tree: TokenTree,
    question: str,
    notes: Sequence[Sequence[Segment]],
    phrases: Sequence[Mapping[str, Sequence[str]]],
    kinds: Mapping[str, str],
) -> list[str]:
    """Fill slots from left to right, each with the phrase most likely given the photo and the text so far.

    tree: one row per note, with the photo looked at and the prompt of `question`. Rows go on in lockstep, slot
    by slot. A slot whose category has phrases (those of its note) chooses among them; another one is written
    greedily. `kinds` narrows an attribute slot to its own kind (finish, background). A phrase is not used twice
    for a category, nor is the text after a slot looked at.
    """
    drafts = [_Draft(note) for note in notes]
    while slots := {row: slot for row, draft in enumerate(drafts) if (slot := draft.next_slot()) is not None}:
        keys = {row: slot_key(slot, kinds) for row, slot in slots.items()}
        offered = {row: drafts[row].unused(key, phrases[row].get(key, ())) for row, key in keys.items()}
        choices = {row: [_as_written(p, slots[row].text) for p in of] for row, of in offered.items() if of}
        for row, number in _choose(tree, question, drafts, choices).items():
            drafts[row].used.add((keys[row], offered[row][number]))
            drafts[row].text += choices[row][number]
        originals = {row: slot.text for row, slot in slots.items() if row not in choices}
        for row, written in _free(tree, question, drafts, originals).items():
            drafts[row].text += written
    return [draft.text for draft in drafts]


def complete_by_prompt(
    vlm: Vlm, notes: Sequence[Sequence[Segment]], sights: Sequence[Sight], language: Language = "en"
) -> list[str]:
    """The paper's way: show the masked notes and ask; sights: of the retrieved photos."""
    questions = [ASK[language].format(masked=masked_text(segments)) for segments in notes]
    return [text.replace(BROKEN, "") for text in generate(vlm, sights, questions, max_new_tokens=160)]


def _as_written(phrase: str, original: str) -> str:
    """Capitalised where the slot's own words were."""
    return phrase[0].upper() + phrase[1:] if original[:1].isupper() else phrase


@dataclass
class _Draft:
    """A note being written: the text so far, the number of segments in it, and (key, phrase) of what was used."""

    segments: Sequence[Segment]
    text: str = ""
    done: int = 0
    used: set[tuple[str, str]] = field(default_factory=set)

    def next_slot(self) -> Segment | None:
        """Write kept text up to the next slot, and take that slot; None where there is no more."""
        while self.done < len(self.segments):
            segment = self.segments[self.done]
            self.done += 1
            if segment.slot:
                return segment
            self.text += segment.text
        return None

    def unused(self, key: str, phrases: Sequence[str]) -> list[str]:
        """The phrases that this note has not used for `key`."""
        return [p for p in phrases if (key, p) not in self.used]


def _choose(
    tree: TokenTree, question: str, drafts: Sequence[_Draft], choices: Mapping[int, Sequence[str]]
) -> dict[int, int]:
    """Per row the number of the phrase that is most likely after the text so far; one forward pass.

    A phrase may change how the text before it is spelled, so the whole texts are tokenised, and what all
    of a row's texts have in common is not scored.
    """
    texts = [drafts[row].text + phrase for row, phrases in choices.items() for phrase in phrases]
    spelled = iter(_tokens(tree.vlm, question, texts))
    continuations: list[list[Continuation]] = [[] for _ in drafts]
    for row, phrases in choices.items():
        ids = [next(spelled) for _ in phrases]
        common = min(*(shared(ids[0], other) for other in ids), *(len(i) - 1 for i in ids))
        continuations[row] = [Continuation(i, common) for i in ids]
    scores = [[round(s, 4) for s in row] for row in tree.logps(continuations)]
    return {row: scores[row].index(max(scores[row])) for row in choices}


def _free(tree: TokenTree, question: str, drafts: Sequence[_Draft], originals: Mapping[int, str]) -> dict[int, str]:
    """Write greedily, about as many tokens as the slots' own words (`originals`) have, and no more words."""
    texts = {row: drafts[row].text for row in originals}
    before = _tokens(tree.vlm, question, list(texts.values()))
    whole = _tokens(tree.vlm, question, [texts[row] + original for row, original in originals.items()])
    paths = {row: list(ids) for row, ids in zip(originals, before, strict=True)}
    limits = {row: max(len(b) + 1, len(w) + _FREE_SLACK) for row, b, w in zip(originals, before, whole, strict=True)}
    growing = set(originals)
    while growing:
        for row, token in tree.most_likely({row: paths[row] for row in sorted(growing)}).items():
            if token != tree.vlm.eos_token_id:
                paths[row].append(token)
            if token == tree.vlm.eos_token_id or len(paths[row]) >= limits[row]:
                growing.remove(row)
    return {row: _written(tree.vlm, paths[row], texts[row], originals[row]) for row in originals}


def _written(vlm: Vlm, ids: Sequence[int], before: str, original: str) -> str:
    """What the tokens say behind `before`: as many words as `original` has, and no broken character.

    In English with the space that leads to them; Japanese has none.
    """
    text = vlm.processor.tokenizer.decode(ids).lstrip()[len(before) :].replace(BROKEN, "")
    if is_japanese(before + original):
        return _first_words(text.strip(), len(words(original)))
    space = " " if text.startswith(" ") and not before.endswith(" ") else ""
    return space + " ".join(text.split()[: len(original.split())])


def _first_words(text: str, count: int) -> str:
    """The start of a text up to the end of its word number `count`."""
    ends = [end for _, end in words(text)][:count]
    return text[: ends[-1]] if ends else ""


def _tokens(vlm: Vlm, question: str, texts: Sequence[str]) -> list[tuple[int, ...]]:
    """Token ids of answers; no text has no tokens, though the answer's leading space would be one."""
    spelled = vlm.wording.answers_ids(question, texts) if texts else []
    return [tuple(ids) if text else () for ids, text in zip(spelled, texts, strict=True)]
