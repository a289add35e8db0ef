"""One card holds one training, whoever's state folder it belongs to."""

from pathlib import Path

import pytest

from realign_edge.runs.lock import BusyError, card_holder, card_lock


def test_second_training_on_the_card_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = tmp_path / "gpu.lock"
    lock.touch()
    with card_lock("cuda", "realign-edge align /a", lock):
        with pytest.raises(BusyError, match="realign-edge align /a"), card_lock("cuda", "other", lock):
            pytest.fail("two trainings at once")
        # The processor is no card.
        with card_lock("cpu", "other", lock):
            pass
    with card_lock("cuda", "other", lock):
        pass


def test_machine_without_the_appliance_has_no_such_lock(tmp_path: Path) -> None:
    with card_lock("cuda", "a", tmp_path / "none"), card_lock("cuda", "b", tmp_path / "none"):
        assert not (tmp_path / "none").exists()


def test_who_holds_the_card_is_told_without_taking_it(tmp_path: Path) -> None:
    lock = tmp_path / "gpu.lock"
    assert card_holder(lock) == ""
    lock.touch()
    with card_lock("cuda", "realign-edge align /a", lock):
        assert card_holder(lock).startswith("realign-edge align /a (process ")
    # What it said stays, and nobody holds it.
    assert lock.read_text() and card_holder(lock) == ""


@pytest.mark.parametrize(
    "text",
    ["[1]", "3", '{"what": 1}', "x" * 10_000_000, "\ud800".encode("utf-16-le", "surrogatepass").decode("latin-1")],
)
def test_anything_may_stand_in_a_lock_that_everybody_can_write(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "gpu.lock"
    lock.touch()
    with card_lock("cuda", "a", lock):
        lock.write_text(text, encoding="latin-1")
        with pytest.raises(BusyError, match="another process"), card_lock("cuda", "b", lock):
            pytest.fail("two trainings at once")


def test_pairs_take_the_card_too(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model completes notes on the card: beside a training of another state folder both would run out of memory."""
    from realign_edge.cli import pairs
    from realign_edge.runs import lock as locks

    lock = tmp_path / "gpu.lock"
    lock.touch()
    settings = tmp_path / "run.toml"
    settings.write_text('device = "cuda"\n')
    monkeypatch.setattr(locks.card_lock.__wrapped__, "__defaults__", (lock,))  # type: ignore[attr-defined]
    with card_lock("cuda", "realign-edge align /a", lock), pytest.raises(BusyError, match="align /a"):
        pairs.build(tmp_path, config=settings, model=None, language=None, quiet=True)
    assert home.is_dir()
