"""The chat template, rendered in a sandbox: it comes from a model file, and is bounded in time and in length.

Jinja's immutable sandbox keeps a template from the interpreter's insides. It does not keep it from looping for
hours or from doubling a text until memory ends, so here every way to lengthen a text is measured, only harmless
methods and filters are there, and the steps are counted.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from realign_edge.errors import RealignError

MOST_TEXT = 100_000
MOST_STEPS = 200_000
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        ("strip", "lstrip", "rstrip", "split", "startswith", "endswith", "upper", "lower", "title", "capitalize")
    ),
    dict: frozenset(("items", "keys", "values", "get")),
    list: frozenset(("index", "count")),
}
_FILTERS = (
    "trim", "length", "count", "upper", "lower", "default", "first", "last", "list", "string", "int", "items",
    "selectattr", "rejectattr", "select", "reject", "map", "reverse", "sort", "unique", "capitalize",
)  # fmt: skip


class ChatTemplate:
    """A compiled template. special: `bos_token` and the like, which templates name."""

    def __init__(self, source: str, special: Mapping[str, str]) -> None:
        """Compile.

        Raises:
            RealignError: it is no template, or names something that does not exist here.
        """
        self._special = dict(special)
        if len(source) > MOST_TEXT:
            raise RealignError("the chat template is longer than any known one", "export the bundle again")
        try:
            self._template = _Environment().from_string(source)
        except Exception as problem:  # a template can fail in as many ways as Python
            raise _unusable(problem) from problem

    def ask(self, question: str) -> str:
        """The prompt for one question about one photo, up to where the answer begins.

        Raises:
            RealignError: the template fails, or does not come to an end within bounds.
        """
        content = [{"type": "image"}, {"type": "text", "text": question}]
        values = {"messages": [{"role": "user", "content": content}], "add_generation_prompt": True, **self._special}
        try:
            return _counted(lambda: self._template.render(values))
        except Exception as problem:
            raise _unusable(problem) from problem


def _unusable(problem: Exception) -> RealignError:
    said = f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
    return RealignError(f"the chat template cannot be used ({said})", "export the bundle again")


class _TooMuchError(Exception):
    """A bound was reached."""


def _bounded(text: Any) -> Any:
    if isinstance(text, str | list | tuple) and len(text) > MOST_TEXT:
        raise _TooMuchError("it makes an endless text")
    return text


def _concat(parts: Iterable[Any]) -> str:
    """Joins like str.join, measuring before it does."""
    found = [p if isinstance(p, str) else str(p) for p in parts]
    if sum(map(len, found)) > MOST_TEXT:
        raise _TooMuchError("it makes an endless text")
    return "".join(found)


class _Code(CodeGenerator):
    """Compiles `a ~ b` to a join that measures."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's name
        self.write("environment.concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class _Environment(ImmutableSandboxedEnvironment):
    code_generator_class = _Code
    intercepted_binops = frozenset(("+", "*", "**", "%", "//", "-", "/"))
    concat = staticmethod(_concat)

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], cache_size=0)
        self.filters = {name: self.filters[name] for name in _FILTERS}
        self.filters["tojson"] = _tojson
        self.filters["join"] = lambda values, between="": _concat(_between(values, str(between)))
        self.globals = {"raise_exception": _raise, "range": _range, "namespace": self.globals["namespace"]}

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in ("*", "**", "%") and not all(isinstance(v, int | float) for v in (left, right)):
            raise _TooMuchError(f"`{operator}` is for numbers")
        if operator in ("*", "**") and max(abs(left), abs(right)) > MOST_TEXT:
            raise _TooMuchError("its numbers are endless")
        if operator == "**" and abs(right) > 16:
            raise _TooMuchError("its numbers are endless")
        return _bounded(super().call_binop(context, operator, left, right))

    def wrap_str_format(self, value: Any) -> Any:  # noqa: ARG002
        """No `format`: its widths are texts of any length. (Jinja would let a guarded one through.)"""
        return None

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, allowed in _METHODS.items():
            if isinstance(obj, kind) and callable(value):
                return attr in allowed
        return bool(super().is_safe_attribute(obj, attr, value))


def _between(values: Iterable[Any], between: str) -> Iterable[str]:
    for number, value in enumerate(values):
        if number:
            yield between
        yield str(value)


def _tojson(value: Any, indent: int | None = None) -> str:
    # Jinja's own writes for HTML; a prompt wants the characters themselves.
    return str(_bounded(json.dumps(value, ensure_ascii=False, indent=min(indent or 0, 8) or None)))


def _range(*bounds: int) -> range:
    found = range(*bounds)
    if len(found) > MOST_STEPS:
        raise _TooMuchError("it counts without end")
    return found


def _raise(message: str) -> None:
    raise jinja2.exceptions.TemplateError(message)


def _counted(work: Callable[[], str]) -> str:
    """Run `work` in at most MOST_STEPS lines of Python; a loop of a template is a loop of lines."""
    left = MOST_STEPS

    def step(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _TooMuchError("it does not come to an end")
        return step

    before = sys.gettrace()
    sys.settrace(step)
    try:
        return work()
    finally:
        sys.settrace(before)
