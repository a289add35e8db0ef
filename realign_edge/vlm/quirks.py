"""The few things about a family that are no data; a profile names them (`prompt_function`)."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Prompt(NamedTuple):
    """A prompt with one placeholder. given: as the processor takes it; read: as the tokenizer then reads it.

    special: does the tokenizer add its own special tokens to it?
    """

    given: str
    read: str
    special: bool


def chat(processor: Any, question: str) -> Prompt:
    """By the chat template of the checkpoint; one that writes BOS itself gets no second one."""
    content = [{"type": "image"}, {"type": "text", "text": question}]
    messages = [{"role": "user", "content": content}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    bos = processor.tokenizer.bos_token
    return Prompt(text, text, not (bos and text.startswith(bos)))


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
