"""What the program prints, read from its sources: for tests that hold pages and translations to it."""

import ast
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "realign_edge"


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def shape(text: str) -> str:
    """`no results at {file}` as `no results at {}`."""
    return "".join(literal + ("{}" if name is not None else "") for literal, name, *_ in string.Formatter().parse(text))


def said(node: ast.expr) -> str | None:
    """The shape of a text in the source; None where it is put together elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = said(node.left), said(node.right)
        return "".join(side or "{}" for side in sides) if any(sides) else None
    return None


def calls(*rooms: str, of: tuple[str, ...]) -> Iterator[tuple[ast.Call, ast.Module]]:
    """Calls of these functions, methods or classes, each with its module; rooms: files and folders of the program."""
    for place in map(PROGRAM.joinpath, rooms):
        for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
            for node in ast.walk(parsed(path)):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in of:
                    yield node, parsed(path)


def may_say(node: ast.expr, module: ast.Module) -> Iterator[str]:
    """Every shape that an argument may have, through `if`, names of the module and what its helpers return."""
    text = said(node)
    if text is not None:
        yield text
    elif isinstance(node, ast.IfExp):
        yield from may_say(node.body, module)
        yield from may_say(node.orelse, module)
    elif isinstance(node, ast.Name):
        for value in _given(node.id, module):
            yield from may_say(value, module)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        for inner in (*_returned(node.func.id, module), *node.args):
            yield from may_say(inner, module)


def _given(name: str, module: ast.Module) -> Iterator[ast.expr]:
    """What is assigned to a name anywhere in the module."""
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            yield node.value


def _returned(name: str, module: ast.Module) -> Iterator[ast.expr]:
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef) and function.name == name:
            yield from (n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None)
