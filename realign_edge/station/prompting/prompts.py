"""Prompts and answers as token ids, the same as the workstation's (realign_edge/vlm/wording.py)."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from realign_edge.bundle.contract import StationProfile
from realign_edge.errors import MissingError, RealignError
from realign_edge.files import from_json
from realign_edge.station.prompting.template import ChatTemplate
from realign_edge.station.prompting.tokens import panics, read_tokenizer
from realign_edge.station.seeing.layout import read_layout

TOKENIZER, TOKENIZER_CONFIG, TEMPLATE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
_SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


class Ends(NamedTuple):
    """Token ids of a prompt before and after its photo."""

    head: tuple[int, ...]
    tail: tuple[int, ...]


class Prompts:
    """The texts of one bundle. Every question is rendered and tokenised once."""

    def __init__(self, folder: Path, profile: StationProfile) -> None:
        """Read tokenizer and chat template.

        Raises:
            MissingError: a file is missing or damaged.
        """
        self.profile = profile
        try:
            self.layout = read_layout(profile.layout, profile.image_token_id)
            self.tokenizer = read_tokenizer(folder / TOKENIZER)
            template = (folder / TEMPLATE).read_text(encoding="utf-8")
            config = from_json((folder / TOKENIZER_CONFIG).read_text(encoding="utf-8"))
        except RealignError:
            raise
        except Exception as problem:  # tokenizers raises plain exceptions
            raise MissingError(
                f"{folder}: tokenizer and chat template cannot be read: {problem}", "install the bundle again"
            ) from problem
        # Files may ask for a batch to be padded or cut; a prompt never is.
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        special = {name: _text(config.get(name)) for name in _SPECIAL if config.get(name)}
        self._template = ChatTemplate(template, special)
        self.text = lru_cache(maxsize=1024)(self._template.ask)
        self.ends = lru_cache(maxsize=1024)(self._ends)

    def _ends(self, question: str) -> Ends:
        """What stands around the photo.

        Raises:
            MissingError: the prompt does not hold the photo exactly once.
        """
        ids, photo = self._encode(self.text(question)), self.layout
        if ids.count(photo.token) != 1:
            raise MissingError(
                f"the prompt of {question[:60]!r} holds {ids.count(photo.token)} photos instead of one",
                f"leave {self.tokenizer.id_to_token(photo.token)} out of the question",
            )
        start = ids.index(photo.token) - photo.placeholder
        end = start + len(photo.replaced)
        if start < 0 or tuple(ids[start:end]) != photo.replaced:
            raise MissingError(f"the tokenizer merges the photo with the question {question[:60]!r}", "ask otherwise")
        return Ends(tuple(ids[:start]), tuple(ids[end:]))

    def answer_ids(self, question: str, answer: str) -> list[int]:
        """Token ids of `answer` as it continues the prompt, with the family's answer prefix, without EOS.

        Raises:
            ValueError: the tokenizer merges the prompt's end with the answer's start.
        """
        prompt = self.text(question)
        before, whole = self._encode(prompt), self._encode(prompt + self.profile.answer_prefix + answer)
        if whole[: len(before)] != before:
            raise ValueError(f"the tokenizer merges the prompt with the answer {answer[:40]!r}")
        return whole[len(before) :]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of answer token ids, special tokens left out, outer white space stripped."""
        with panics(TOKENIZER):
            return str(self.tokenizer.decode(list(ids), skip_special_tokens=True)).strip()

    def _encode(self, text: str) -> list[int]:
        with panics(TOKENIZER):
            return list(self.tokenizer.encode(text, add_special_tokens=self.profile.add_bos).ids)


def _text(token: object) -> str:
    """Tokens are written as text, or as an object with their `content`."""
    return str(token.get("content", "")) if isinstance(token, dict) else str(token)
