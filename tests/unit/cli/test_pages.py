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
GUIDES = ("docs/operations.md", "docs/operations.ja.md")
PAGES = ("README.md", "docs/bundles.md", "docs/models.md", "docs/training.md", *GUIDES)
BLOCK = re.compile(r"```sh\n(.*?)```", re.S)
APP: click.Command = typer.main.get_command(app)  # type: ignore[assignment]


def commands(page: str) -> list[list[str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in BLOCK.findall(text) for whole in block.splitlines() for line in whole.split(" && ")]
    ours = [line.split("realign-edge ", 1)[1] for line in lines if re.match(r"(\.venv/bin/)?realign-edge ", line)]
    return [shlex.split(line, comments=True) for line in [*ours, *(in_sentences(text) if page in GUIDES else ())]]


def in_sentences(text: str) -> list[str]:
    """`realign-edge drift`, and `bundle rollback`, of which the reader knows whose command it is."""
    quoted = re.findall(r"`(realign-edge )?([a-z][^`…]*)`", BLOCK.sub("", text))
    return [words for named, words in quoted if (named or " " in words) and words.split()[0] in APP.commands]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("page", "words"), [(page, words) for page in PAGES for words in commands(page)])
def test_it_parses(page: str, words: list[str]) -> None:
    command, rest = APP, list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    if not rest and page in GUIDES:
        # What it is to be done with stands before it.
        return
    given = command.make_context(words[0], rest).params
    if given.get("preset"):
        assert resolve(None, {"preset": given["preset"]}).preset == given["preset"]


def test_there_are_commands_to_look_at() -> None:
    assert len(commands("docs/models.md")) >= 8
    assert len(commands("README.md")) >= 5
    assert sorted(commands(GUIDES[0])) == sorted(
        [w for w in c if w not in ("--lang", "ja")] for c in commands(GUIDES[1])
    )
    assert len(commands(GUIDES[0])) >= 30
