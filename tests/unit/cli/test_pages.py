"""The commands on the pages are ours: every one parses, with its options, and names presets that there are."""

import re
import shlex
from pathlib import Path

import click
import pytest
import typer

from realign_edge.cli.main import app
from realign_edge.pipeline.config import resolve

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "docs/bundles.md", "docs/models.md", "docs/training.md")


def commands(page: str) -> list[list[str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    ours = [line.split("realign-edge ", 1)[1] for line in lines if re.match(r"(\.venv/bin/)?realign-edge ", line)]
    return [shlex.split(line, comments=True) for line in ours]


@pytest.mark.parametrize(("page", "words"), [(page, words) for page in PAGES for words in commands(page)])
def test_it_parses(page: str, words: list[str]) -> None:
    command: click.Command = typer.main.get_command(app)  # type: ignore[assignment]
    rest = list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    given = command.make_context(words[0], rest).params
    if given.get("preset"):
        assert resolve(None, {"preset": given["preset"]}).preset == given["preset"]


def test_there_are_commands_to_look_at() -> None:
    assert len(commands("docs/models.md")) >= 8
    assert len(commands("README.md")) >= 5
