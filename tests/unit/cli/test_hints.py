"""A command that the program tells somebody to use is one that it has."""

import ast
import re
from collections.abc import Iterator

import click
import pytest
import typer

from realign_edge.cli.main import app
from tests.unit.printed import PROGRAM, parsed

# `realign-edge bundle list`, or `look at: realign-edge bundle list`; in prose the name stands without either.
COMMAND = re.compile(r"(?:`|[:：] ?)realign-edge ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)")


def told() -> Iterator[str]:
    for path in sorted(PROGRAM.rglob("*.py")):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from COMMAND.findall(node.value)
    for path in sorted(PROGRAM.rglob("*.toml")):
        yield from COMMAND.findall(path.read_text(encoding="utf-8"))


TOLD = sorted(set(told()))


def test_there_are_hints_to_look_at() -> None:
    assert {"maintain restore", "bundle install", "results verify", "align"} <= {*TOLD}


@pytest.mark.parametrize("words", TOLD)
def test_it_is_a_command(words: str) -> None:
    command: click.Command = typer.main.get_command(app)  # type: ignore[assignment]
    for word in words.split():
        if not hasattr(command, "commands"):
            # What follows is an argument.
            return
        assert word in command.commands
        command = command.commands[word]
