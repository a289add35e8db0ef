"""The chat template, rendered in a sandbox: it comes from a model file, and is bounded in time and in length.

Jinja's immutable sandbox keeps a template from the interpreter's insides. It does not keep it from looping for
hours or from doubling a text until memory ends, so here whatever it makes is measured (a text, a list, a part of one),
lists in lists are counted through, only harmless methods and filters are there, and the steps are counted.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, operators
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from realign_edge.errors import RealignError

MOST_TEXT = 100_000
MOST_STEPS = 200_000
# Characters and list entries that one rendering may make in all, also those that it throws away.
MOST_MADE = 2_000_000
# Values in a list in lists, each counted as often as one comes to it.
MOST_NESTED = 10_000
_LARGEST = 2**63
_SCALARS = (str, int, float, type(None), jinja2.Undefined)
_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        ("strip", "lstrip", "rstrip", "split", "startswith", "endswith", "upper", "lower", "title", "capitalize")
    ),
    dict: frozenset(("items", "keys", "values", "get")),
    list: frozenset(("index", "count")),
}
_FILTERS = (
    "trim", "length", "count", "upper", "lower", "default", "first", "last", "list", "string", "int", "items",
    "selectattr", "rejectattr", "select", "reject", "map", "reverse", "capitalize",
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
        self._environment = _Environment()
        try:
            self._template = self._environment.from_string(source)
        except Exception as problem:  # a template can fail in as many ways as Python
            raise _unusable(problem) from problem

    def ask(self, question: str) -> str:
        """The prompt for one question about one photo, up to where the answer begins.

        Raises:
            RealignError: the template fails, or does not come to an end within bounds.
        """
        content = [{"type": "image"}, {"type": "text", "text": question}]
        values = {"messages": [{"role": "user", "content": content}], "add_generation_prompt": True, **self._special}
        self._environment.left = MOST_MADE
        try:
            return _counted(lambda: self._template.render(values))
        except Exception as problem:
            raise _unusable(problem) from problem


def _unusable(problem: Exception) -> RealignError:
    said = f"{type(problem).__name__}: {problem}".splitlines()[0][:200]
    return RealignError(f"the chat template cannot be used ({said})", "export the bundle again")


class _TooMuchError(Exception):
    """A bound was reached."""


def _shown(value: Any) -> Any:
    """What may become text: never a list, whose text can be endless where its parts are shared."""
    if not isinstance(value, _SCALARS):
        raise _TooMuchError("it writes what is no text")
    return value


def _nested(value: Any) -> Any:
    """The same list, tuple or table, counted through."""
    left, open_ = MOST_NESTED, [value]
    while open_:
        found = open_.pop()
        left -= len(found) if isinstance(found, list | tuple | dict) else 1
        if left < 0:
            raise _TooMuchError("its lists in lists are endless")
        if isinstance(found, dict):
            open_ += [*found, *found.values()]
        elif isinstance(found, list | tuple):
            open_ += found
        elif not isinstance(found, _SCALARS):
            raise _TooMuchError("it keeps what is no text in a list")
    return value


def _concat(parts: Iterable[Any]) -> str:
    """Joins like str.join, measuring before it does."""
    found = [p if isinstance(p, str) else str(_shown(p)) for p in parts]
    if sum(map(len, found)) > MOST_TEXT:
        raise _TooMuchError("it makes an endless text")
    return "".join(found)


class _Code(CodeGenerator):
    """Compiles what makes texts and lists without a call into calls that measure."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 - Jinja's names
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self._through("nested", super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self._through("nested", super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx == "load":
            self._through("nested", super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802
        self._through("made", super().visit_Getitem, node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        # `in` and `==` go through all that stands on their right.
        self.write("(")
        self.visit(node.expr, frame)
        for operand in node.ops:
            self.write(f" {operators[operand.op]} ")
            self._through("nested", self.visit, operand.expr, frame)
        self.write(")")

    def _through(self, measure: str, write: Callable[[Any, Frame], Any], node: nodes.Node, frame: Frame) -> None:
        self.write(f"environment.{measure}(")
        write(node, frame)
        self.write(")")


class _Environment(ImmutableSandboxedEnvironment):
    """left: of MOST_MADE."""

    code_generator_class = _Code
    intercepted_binops = frozenset(("+", "*", "**", "%", "//", "-", "/"))
    concat = staticmethod(_concat)

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols], cache_size=0, finalize=_shown)
        self.left = MOST_MADE
        filters = {name: self.filters[name] for name in _FILTERS}
        filters["string"] = lambda value: str(_shown(value))
        filters["tojson"] = _tojson
        filters["join"] = lambda values, between="": _concat(_between(values, str(_shown(between))))
        self.filters = {name: self._measured(found) for name, found in filters.items()}
        self.globals = {"raise_exception": _raise, "range": _range, "namespace": self.globals["namespace"]}

    def made(self, value: Any) -> Any:
        """The same value, counted as made or gone through."""
        if isinstance(value, str | list | tuple | dict):
            self.left -= len(value)
            if len(value) > MOST_TEXT or self.left < 0:
                raise _TooMuchError("it makes an endless text")
        return value

    def nested(self, value: Any) -> Any:
        """The same value, its lists in lists counted through."""
        return self.made(_nested(value) if isinstance(value, list | tuple | dict) else value)

    def joined(self, parts: Iterable[Any]) -> Any:
        """`a ~ b`."""
        return self.made(_concat(parts))

    def _measured(self, found: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(found)
        def measured(*given: Any, **named: Any) -> Any:
            return self.made(found(*given, **named))

        return measured

    def call(self, context: Any, called: Any, *given: Any, **named: Any) -> Any:
        """A method or a macro: what it goes through and what it makes."""
        self.made(getattr(called, "__self__", None))
        return self.made(super().call(context, called, *given, **named))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        numbers = [v for v in (left, right) if isinstance(v, int | float)]
        if operator != "+" and len(numbers) < 2:
            raise _TooMuchError(f"`{operator}` is for numbers")
        if any(abs(v) > _LARGEST for v in numbers):
            raise _TooMuchError("its numbers are endless")
        if operator in ("*", "**") and max(map(abs, numbers)) > MOST_TEXT:
            raise _TooMuchError("its numbers are endless")
        if operator == "**" and abs(right) > 16:
            raise _TooMuchError("its numbers are endless")
        return self.nested(super().call_binop(context, operator, left, right))

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
        yield str(_shown(value))


def _tojson(value: Any, indent: int | None = None) -> str:
    # Jinja's own writes for HTML; a prompt wants the characters themselves.
    return json.dumps(_nested(value), ensure_ascii=False, indent=min(indent or 0, 8) or None)


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
