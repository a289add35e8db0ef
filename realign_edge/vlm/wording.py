"""Prompts and answers as token ids, with the place where a photo goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from PIL import Image

from realign_edge.vlm.family import Family
from realign_edge.vlm.quirks import PROMPTS, Prompt

# A question that says nothing.
PROBE = "x"


class Ends(NamedTuple):
    """Token ids of a prompt before and after its photo."""

    head: list[int]
    tail: list[int]


@dataclass
class Wording:
    """The texts of one model. `processor`: transformers' own."""

    processor: Any
    family: Family
    name: str

    def __post_init__(self) -> None:
        # The same questions are asked about every photo.
        self.ends = lru_cache(maxsize=4096)(self._ends)

    def prompt(self, question: str) -> Prompt:
        """The prompt with one placeholder for the photo, up to where the answer begins."""
        return PROMPTS[self.family.prompt_function](self.processor, question)

    def processed(self, question: str, image: Image.Image) -> dict[str, Any]:
        """What the processor makes of a prompt and an RGB photo: a batch of one."""
        prompt = self.prompt(question)
        # A processor that composes the text itself knows about its special tokens as well.
        more = {} if prompt.given != prompt.read else {"add_special_tokens": prompt.special}
        limits = self.family.limits.as_arguments()
        return dict(self.processor(text=[prompt.given], images=[image], return_tensors="pt", **more, **limits))

    def _ends(self, question: str) -> Ends:
        """What stands around the photo.

        Raises:
            ValueError: the tokenizer merges the placeholder with the question.
        """
        ids, at = self._plain(question)
        before, after, gone = self.margins
        if ids[at - before : at + 1 + after] != gone:
            raise ValueError(f"{self.name}: the tokenizer merges the photo with the question {question[:40]!r}")
        return Ends(ids[: at - before], ids[at + 1 + after :])

    def photo_tokens(self, question: str, expanded: Sequence[int]) -> list[int]:
        """The ids that stand for the photo in `expanded`, the processor's ids of a prompt with a photo.

        Raises:
            ValueError: the processor's prompt is not ours.
        """
        head, tail = self.ends(question)
        ids = list(expanded)
        end = len(ids) - len(tail)
        if ids[: len(head)] != head or ids[end:] != tail:
            raise ValueError(f"{self.name}: the processor does not read the prompt as its tokenizer does")
        return ids[len(head) : end]

    def answers_ids(self, question: str, answers: Sequence[str]) -> list[list[int]]:
        """Token ids of each answer to one question, without EOS.

        Tokenised together with the prompt, so that a tokenizer that treats the start of a text
        specially gives the tokens that the model will see.

        Raises:
            ValueError: the tokenizer merges the prompt's end with an answer's start.
        """
        prompt = self.prompt(question)
        texts = [prompt.read, *(prompt.read + self.family.answer_prefix + answer for answer in answers)]
        before, *whole = self.processor.tokenizer(texts, add_special_tokens=prompt.special)["input_ids"]
        for ids, answer in zip(whole, answers, strict=True):
            if ids[: len(before)] != before:
                raise ValueError(f"{self.name}: the tokenizer merges the prompt with the answer {answer[:40]!r}")
        return [ids[len(before) :] for ids in whole]

    @cached_property
    def placeholder_id(self) -> int:
        """The token that stands for a photo in a prompt that the processor has not seen yet."""
        token = getattr(self.processor, self.family.placeholder, None)
        return int(self.processor.tokenizer.convert_tokens_to_ids(str(token or "<image>")))

    def _plain(self, question: str) -> tuple[list[int], int]:
        prompt = self.prompt(question)
        ids: list[int] = self.processor.tokenizer(prompt.read, add_special_tokens=prompt.special)["input_ids"]
        return ids, ids.index(self.placeholder_id)

    @cached_property
    def margins(self) -> tuple[int, int, list[int]]:
        """How many tokens before and after the placeholder a photo changes, and those tokens with it.

        A family that puts line breaks around a photo makes the tokenizer spell the text beside it otherwise.
        """
        ids, at = self._plain(PROBE)
        expanded = self.processed(PROBE, Image.new("RGB", (224, 224)))["input_ids"][0].tolist()
        same = next((i for i, (a, b) in enumerate(zip(ids[:at], expanded, strict=False)) if a != b), at)
        behind = list(zip(reversed(ids[at + 1 :]), reversed(expanded), strict=False))
        equal = next((i for i, (a, b) in enumerate(behind) if a != b), len(behind))
        before, after = at - same, len(ids) - at - 1 - equal
        return before, after, ids[same : at + 1 + after]
