"""One card holds one training, whoever's state folder it belongs to."""

from pathlib import Path

import pytest

from realign_edge.runs.lock import BusyError, card_lock


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
