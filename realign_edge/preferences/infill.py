"""Completing a masked note while looking at the wrong photo, so that every unmasked word stays."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from realign_edge.glossary.model import Glossary
from realign_edge.preferences.masking import Segment, masked_text
from realign_edge.vlm.generate import generate
from realign_edge.vlm.model import Vlm

_ASK = "Complete the sentence by filling in every [MASK] with what the photo shows: {masked}"
_FREE_SLACK = 2


def slot_phrases(glossary: Glossary, japanese: bool) -> dict[str, tuple[str, ...]]:
    """Per category, the phrases that may stand in a slot: canonical terms, or the first Japanese form."""
    phrases: dict[str, tuple[str, ...]] = {}
    for term in glossary.terms:
        for key in (term.category, f"{term.category}:{term.kind}"):
            word = term.ja[0] if japanese and term.ja else term.term
            phrases[key] = (*phrases.get(key, ()), word)
    return phrases


def infill(
    vlm: Vlm,
    question: str,
    segments: Sequence[Segment],
    features: Tensor,
    phrases: Mapping[str, Sequence[str]],
    kinds: Mapping[str, str],
) -> str:
    """Fill slots from left to right, each with the phrase most likely given the photo and the text so far.

    features: (tokens, hidden) of the photo looked at. A slot whose category has phrases chooses among
    them; another one is written greedily. `kinds` narrows an attribute slot to its own kind (finish,
    background). A phrase is not used twice for a category, nor is the text after a slot looked at.
    """
    writer = _Writer(vlm, question, features)
    used: dict[str, set[str]] = {}
    for segment in segments:
        if not segment.slot:
            writer.write(segment.text)
            continue
        key = kinds.get(segment.text.lower(), segment.category)
        offered = [p for p in phrases.get(key, ()) if p not in used.get(key, ())]
        if offered:
            chosen = writer.choose([_as_written(p, segment.text) for p in offered])
            used.setdefault(key, set()).add(offered[chosen[0]])
            writer.write(chosen[1])
        else:
            writer.write(writer.free(segment.text))
    return writer.text


def complete_by_prompt(vlm: Vlm, segments: Sequence[Segment], features: Tensor) -> str:
    """The paper's way: show the masked note and ask; features: (tokens, hidden) of the retrieved photo."""
    question = _ASK.format(masked=masked_text(segments))
    return generate(vlm, features.unsqueeze(0), [question], max_new_tokens=160)[0]


def _as_written(phrase: str, original: str) -> str:
    """Capitalised where the slot's own words were."""
    return phrase[0].upper() + phrase[1:] if original[:1].isupper() else phrase


class _Writer:
    """Text so far, as tokens in a key/value cache; one photo at a time, so results do not depend on a batch."""

    def __init__(self, vlm: Vlm, question: str, features: Tensor) -> None:
        from transformers import DynamicCache

        self.vlm, self.question, self.text = vlm, question, ""
        self.cache: Any = DynamicCache(config=vlm.model.config.get_text_config())
        self.ids: list[int] = []
        self.last = self._run(vlm.embed(vlm.prompt_ids(question).unsqueeze(0), features.unsqueeze(0)))

    def write(self, text: str) -> None:
        """Append text; only tokens that changed are run."""
        self.text += text
        self._sync(self._tokens(self.text))

    def choose(self, phrases: Sequence[str]) -> tuple[int, str]:
        """The most likely of `phrases` after the text so far: its number and itself."""
        spelled = [self._tokens(self.text + p) for p in phrases]
        common = min(self._shared(ids) for ids in spelled)
        self._sync(self.ids[:common])
        rests = [ids[common:] for ids in spelled]
        scores = self._scores(rests)
        best = max(range(len(phrases)), key=lambda i: (scores[i], -i))
        return best, phrases[best]

    def free(self, original: str) -> str:
        """Write greedily, about as many tokens as the slot's own words have."""
        limit = len(self._tokens(self.text + original)) - len(self.ids) + _FREE_SLACK
        start, ids = self.text, list(self.ids)
        words = len(original.split())
        for _ in range(max(1, limit)):
            token = int(self.vlm.lm_head(self.last).argmax())
            if token == self.vlm.eos_token_id:
                break
            ids.append(token)
            self._sync(ids)
        written = self.vlm.processor.tokenizer.decode(ids).lstrip()[len(start) :]
        return (" " if written.startswith(" ") and not start.endswith(" ") else "") + " ".join(written.split()[:words])

    @torch.no_grad()
    def _scores(self, rests: Sequence[Sequence[int]]) -> list[float]:
        """Summed log-probability of each continuation; they share the cache as the rows of a batch."""
        longest = max(map(len, rests))
        ids = torch.tensor([[*r, *[0] * (longest - len(r))] for r in rests])
        scores = self.vlm.lm_head(self.last).float().log_softmax(-1).squeeze(0)[ids[:, 0].to(self.last.device)]
        if longest > 1:
            cache = copy.deepcopy(self.cache)
            cache.batch_repeat_interleave(len(rests))
            logps = (
                self.vlm.lm_head(self.vlm.language(self.vlm.embed(ids[:, :-1]), cache=cache)).float().log_softmax(-1)
            )
            following = logps.gather(2, ids[:, 1:, None].to(logps.device)).squeeze(2)
            counted = torch.arange(longest - 1) < torch.tensor([len(r) - 1 for r in rests]).unsqueeze(1)
            scores = scores + (following * counted.to(logps.device)).sum(dim=1)
        return [round(float(s), 4) for s in scores]

    def _tokens(self, text: str) -> list[int]:
        return self.vlm.answer_ids(self.question, text, end=False).tolist() if text else []

    def _shared(self, ids: Sequence[int]) -> int:
        count = 0
        for a, b in zip(self.ids, ids, strict=False):
            if a != b:
                break
            count += 1
        return count

    def _sync(self, ids: list[int]) -> None:
        """Make the cache hold exactly `ids` after the prompt."""
        keep = self._shared(ids)
        if keep == len(self.ids) == len(ids):
            return None
        if keep == len(ids) or keep < len(self.ids):
            keep = min(keep, len(ids) - 1) if ids else 0
            if not ids:
                return self._restart()
            self._drop(len(self.ids) - keep)
        self.ids = ids
        self.last = self._run(self.vlm.embed(torch.tensor([ids[keep:]])))
        return None

    def _restart(self) -> None:
        """Nothing but the prompt is left: its last token is run again."""
        self._drop(len(self.ids) + 1)
        prompt = self.vlm.prompt_ids(self.question)
        self.ids = []
        self.last = self._run(self.vlm.embed(prompt[-1:].unsqueeze(0)))

    def _drop(self, tokens: int) -> None:
        """Forget the last tokens of the cache (0 would mean all of them)."""
        if tokens:
            self.cache.crop(-tokens)

    @torch.no_grad()
    def _run(self, embeddings: Tensor) -> Tensor:
        """Append to the cache; the last hidden state, (1, hidden)."""
        return self.vlm.language(embeddings, cache=self.cache)[:, -1]
