"""Two people at one results file."""

from collections.abc import Callable
from pathlib import Path

import pytest

from realign_edge.errors import MissingError, UsageError
from realign_edge.results.deciding import DecidedMeanwhile, write_decision
from realign_edge.results.model import Disposition
from realign_edge.results.store import FILE, Results

Decide = Callable[..., Disposition]


def test_a_decision_is_a_row(filled: Path, decided: Decide) -> None:
    assert write_decision(filled, decided(3, "agree", verdict="PASS")).number == 7
    with Results.read(filled) as results:
        assert len(results.decisions(3)) == 1 and not results.verify()


def test_who_decides_after_somebody_else_is_asked_again_and_both_stay(filled: Path, decided: Decide) -> None:
    first = decided(3, "agree", verdict="PASS", operator="Ito")
    second = decided(3, "agree", verdict="FAIL", operator="Mori")
    write_decision(filled, first)
    with pytest.raises(DecidedMeanwhile, match="Ito decided about it meanwhile: agree PASS") as met:
        write_decision(filled, second)
    with Results.read(filled) as results:
        assert len(results.decisions(3)) == 1
    write_decision(filled, second, seen=met.value.entry.number)
    with Results.read(filled) as results:
        assert [d.content for d in results.decisions(3)] == [first, second]


def test_a_copy_is_not_decided_on(filled: Path, tmp_path: Path, decided: Decide) -> None:
    with Results.read(filled) as results:
        results.backup(tmp_path / "copy.sqlite")
    with pytest.raises(UsageError, match="is a copy"):
        write_decision(tmp_path / "copy.sqlite", decided(3, "retake"))


def test_no_file_is_made_by_deciding(tmp_path: Path, decided: Decide) -> None:
    with pytest.raises(MissingError, match="no results"):
        write_decision(tmp_path, decided(1, "retake"))
    assert not (tmp_path / FILE).exists()
