"""The few things about a family that are no data; a profile names them (`prompt_function`)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from realign_edge.errors import MissingError, RealignError
from realign_edge.station.prompting.template import ChatTemplate


class Prompt(NamedTuple):
    """A prompt with one placeholder. given: as the processor takes it; read: as the tokenizer then reads it.

    special: does the tokenizer add its own special tokens to it?
    """

    given: str
    read: str
    special: bool


def chat(processor: Any, question: str) -> Prompt:
    """By the chat template of the checkpoint; one that writes BOS itself gets no second one.

    Rendered as stations do, in bounds: transformers' own renderer waits for ever for a template that loops.

    Raises:
        MissingError: there is none, it fails, or does not come to an end within bounds.
    """
    named = processor.chat_template
    source = named.get("default") if isinstance(named, Mapping) else named
    if not source:
        raise MissingError("the model has no chat template", "take the checkpoint that is tuned for instructions")
    special = {k: str(v) for k, v in processor.tokenizer.special_tokens_map.items() if not isinstance(v, list)}
    try:
        text = _template(str(source), tuple(sorted(special.items()))).ask(question)
    except RealignError as problem:
        raise MissingError(
            problem.message, "take another copy of the model: no prompt can be made with it"
        ) from problem
    bos = processor.tokenizer.bos_token
    return Prompt(text, text, not (bos and text.startswith(bos)))


@lru_cache(maxsize=8)
def _template(source: str, special: tuple[tuple[str, str], ...]) -> ChatTemplate:
    return ChatTemplate(source, dict(special))


def paligemma(processor: Any, question: str) -> Prompt:
    """There is no chat: photo, BOS, question, newline, which the processor puts together itself."""
    tokenizer = processor.tokenizer
    image = getattr(tokenizer, "image_token", None) or "<image>"
    return Prompt(f"{image}{question}", f"{image}{tokenizer.bos_token}{question}\n", False)


# What the station renders where a checkpoint has no chat template: the prompt as the tokenizer reads it.
TEMPLATES: Mapping[str, str] = {
    "paligemma": "<image>{{ bos_token }}{{ messages[0]['content'][1]['text'] }}{{ '\\n' }}",
}

PROMPTS: Mapping[str, Callable[[Any, str], Prompt]] = {"chat": chat, "paligemma": paligemma}
