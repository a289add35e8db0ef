"""Chat templates are rendered in a sandbox that ends in time and in length."""

import resource
import sys
import time

import pytest

from realign_edge.errors import RealignError
from realign_edge.station.prompting.template import ChatTemplate

_GROWING = "{{% set ns = namespace(x='ab') %}}{{% for i in range(60) %}}{}{{% endfor %}}{{{{ ns.x }}}}"
_ENDLESS = {
    "nested loops": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "a long loop": "{% for a in range(9999999999) %}x{% endfor %}",
    "a repeated text": "{{ 'a' * 1000000000 }}",
    "a power": "{{ 9 ** 9 ** 9 ** 9 }}",
    "doubling by +": _GROWING.format("{% set ns.x = ns.x + ns.x %}"),
    "doubling by ~": _GROWING.format("{% set ns.x = ns.x ~ ns.x %}"),
    "doubling by join": _GROWING.format("{% set ns.x = [ns.x, ns.x] | join('') %}"),
    "doubling by a block": _GROWING.format("{% set q %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = q %}"),
    "doubling a list": _GROWING.replace("'ab'", "['a']").format("{% set ns.x = ns.x + ns.x %}"),
    "a macro in itself": "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}",
    "a wide format": "{{ '{:>99999999}'.format(1) }}",
    "a wide percent": "{{ '%99999999d' % 1 }}",
    "a wide field": "{{ 'a' | center(99999999) }}",
    "a justified text": "{{ 'a'.ljust(99999999) }}",
    "lists that are kept": _GROWING.replace("range(60)", "range(20000)").format(
        "{% set ns.x = [ns.x, range(90000) | list] %}"
    ),
    "lists that are thrown away": "{% for i in range(20000) %}{% set q = range(90000) | list %}{% endfor %}",
    "lists in lists as text": _GROWING.format("{% set ns.x = [ns.x, ns.x] %}"),
    "lists in lists as a string": _GROWING.replace("ns.x }}", "ns.x | string }}").format(
        "{% set ns.x = [ns.x, ns.x] %}"
    ),
    "lists in lists as JSON": _GROWING.replace("ns.x }}", "ns.x | tojson }}").format("{% set ns.x = [ns.x, ns.x] %}"),
    "tables in tables": _GROWING.format("{% set ns.x = {'a': ns.x, 'b': ns.x} %}"),
    "pairs in pairs": _GROWING.format("{% set ns.x = (ns.x, ns.x) %}"),
    "parts of a text": "{% set s = range(20000) | join %}{% for i in range(20000) %}{% set q = s[1:] %}{% endfor %}",
    "words of a text": "{% set s = range(9999) | join %}{% for i in range(9999) %}{% set q = s.split() %}{% endfor %}",
    "looking in a list": "{% set s = range(9000) | list %}{% for i in range(9999) %}{{ -1 in s }}{% endfor %}",
    "counting in a list": "{% set s = range(90000) | list %}{% for i in range(20000) %}{{ s.count(-1) }}{% endfor %}",
    "a long number": "{% set ns = namespace(x=9) %}{% for i in range(60000) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "a long hexadecimal": "{{ (range(20000) | join) | int(base=16) // 3 }}",
}
_ESCAPES = {
    "classes": "{{ ''.__class__.__mro__ }}",
    "globals": "{{ raise_exception.__globals__['sys'] }}",
    "namespace": "{{ namespace.__init__.__globals__ }}",
    "changing what it was given": "{{ messages.append(1) }}",
    "other files": "{% include '/etc/passwd' %}",
}


@pytest.mark.parametrize("name", [*_ENDLESS, *_ESCAPES])
def test_what_explodes_or_escapes_is_refused_at_once(name: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RealignError, match="the chat template cannot be used"):
        ChatTemplate((_ENDLESS | _ESCAPES)[name], {}).ask("a question")
    # Seconds at most, where the work asked for would take hours, and little of the memory.
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_it_can_refuse_by_itself() -> None:
    with pytest.raises(RealignError, match="only one photo"):
        ChatTemplate("{{ raise_exception('only one photo') }}", {}).ask("q")


def test_a_template_of_the_usual_kind_is_rendered() -> None:
    source = (
        "{{ bos_token }}{% for m in messages %}<|im_start|>{{ m['role'] ~ '\n' }}"
        "{% for c in m.content if c.type == 'image' %}<image>{% endfor %}"
        "{% for c in m.content if c['type'] == 'text' %}{{ c.text | trim }}{% endfor %}<|im_end|>\n{% endfor %}"
        "{%- if add_generation_prompt -%}<|im_start|>assistant\n{%- endif %}"
    )
    text = ChatTemplate(source, {"bos_token": "<s>"}).ask(" where? <b> ")
    assert text == "<s><|im_start|>user\n<image>where? <b><|im_end|>\n<|im_start|>assistant"


def test_json_is_written_as_characters() -> None:
    assert ChatTemplate("{{ messages[0].content[1] | tojson }}", {}).ask("<傷>") == '{"type": "text", "text": "<傷>"}'


def test_counting_steps_leaves_the_tracer_as_it_was() -> None:
    before = sys.gettrace()
    ChatTemplate("{{ messages | length }}", {}).ask("q")
    with pytest.raises(RealignError):
        ChatTemplate(_ENDLESS["nested loops"], {}).ask("q")
    assert sys.gettrace() is before
