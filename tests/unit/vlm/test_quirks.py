"""The chat template of a model from outside, on the machine that trains: bounded like on a station."""

from types import SimpleNamespace
from typing import Any

import pytest

from realign_edge.errors import MissingError
from realign_edge.vlm.quirks import chat

USUAL = (
    "{{ bos_token }}{% for part in messages[0]['content'] %}"
    "{{ part['text'] if 'text' in part else '<image>' }}{% endfor %}"
)


def processor(template: Any) -> SimpleNamespace:
    special = {"bos_token": "<s>", "additional_special_tokens": ["<a>", "<b>"]}
    return SimpleNamespace(
        chat_template=template, tokenizer=SimpleNamespace(bos_token="<s>", special_tokens_map=special)
    )


@pytest.mark.parametrize("template", [USUAL, {"default": USUAL, "tool_use": "{{ 1/0 }}"}])
def test_a_template_is_rendered_with_the_tokens_of_its_tokenizer(template: Any) -> None:
    assert chat(processor(template), "is it?") == ("<s><image>is it?", "<s><image>is it?", False)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='aaaa') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}",
        # What only transformers' own renderer has gives no way round.
        "{% if strftime_now is defined %}{% for a in range(99999) %}{% endfor %}{% endif %}{{ strftime_now('%Y') }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os.system('id') }}",
        "{{ messages.__class__.__mro__ }}{{ ''.__class__ }}",
        "{{ 1",
        None,
        {"tool_use": USUAL},
    ],
)
def test_a_template_that_loops_grows_or_reaches_out_is_refused(template: Any) -> None:
    with pytest.raises(MissingError, match="chat template"):
        chat(processor(template), "x")
