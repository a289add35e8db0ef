"""The split: deterministic, whole groups, what a person asks for wins."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realign_edge.photos.model import InspectionRecord, Split
from realign_edge.photos.split import assign_splits

Records = dict[str, InspectionRecord | None]


def held_out(splits: Mapping[str, Split]) -> list[str]:
    return [n for n, s in splits.items() if s == "held_out"]


def floor(photos: int, per_serial: int = 3, per_lot: int = 12) -> Records:
    return {f"{i:04d}": InspectionRecord(serial=f"S{i // per_serial}", lot=f"L{i // per_lot}") for i in range(photos)}


def test_lots_stay_whole_and_the_seed_decides() -> None:
    records = floor(240)
    splits, how = assign_splits(records, {}, 0.3, seed=1)
    assert how == "by lot"
    for i in range(20):
        assert len({splits[f"{k:04d}"] for k in range(12 * i, 12 * i + 12)}) == 1
    assert 0.2 < len(held_out(splits)) / 240 < 0.4
    assert assign_splits(dict(reversed(records.items())), {}, 0.3, seed=1)[0] == splits
    assert assign_splits(records, {}, 0.3, seed=2)[0] != splits


def test_few_lots_split_by_serial_and_no_records_photo_by_photo() -> None:
    splits, how = assign_splits(floor(60), {}, 0.3, seed=0)
    assert how == "by serial"
    assert all(len({splits[f"{3 * i + k:04d}"] for k in range(3)}) == 1 for i in range(20))
    bare: Records = {str(i): None for i in range(10)}
    assert assign_splits(bare, {}, 0.3, seed=0)[1] == "photo by photo"
    assert len(held_out(assign_splits(bare, {}, 0.3, seed=0)[0])) == 3


def test_a_serial_in_two_lots_keeps_them_together() -> None:
    records: Records = {f"{i:03d}": InspectionRecord(serial=f"S{i % 60}", lot=f"L{i // 10}") for i in range(120)}
    splits, _ = assign_splits(records, {}, 0.3, seed=0)
    assert all(splits[f"{i:03d}"] == splits[f"{i + 60:03d}"] for i in range(60))


def test_serials_that_start_again_in_every_lot_do_not_glue_all_lots_together() -> None:
    records: Records = {f"{i:03d}": InspectionRecord(serial=str(i % 12), lot=f"L{i // 12}") for i in range(240)}
    splits, how = assign_splits(records, {}, 0.3, seed=0)
    assert how == "by lot, serials counted within each lot"
    assert 0.2 < len(held_out(splits)) / 240 < 0.4


def test_one_large_lot_does_not_leave_nothing_held_out() -> None:
    records: Records = {f"{i:03d}": InspectionRecord(serial="A" if i < 95 else f"S{i}") for i in range(100)}
    for seed in range(20):
        splits, _ = assign_splits(records, {}, 0.3, seed)
        assert 1 <= len(held_out(splits)) <= 5


def test_what_belongs_together_is_never_torn_even_if_nothing_can_be_held_out() -> None:
    splits, how = assign_splits({str(i): InspectionRecord(serial="S") for i in range(9)}, {}, 0.5, 0)
    assert set(splits.values()) == {"train"}
    assert how == "by serial, nothing held out: all photos belong together"
    assert held_out(assign_splits({"a": None}, {}, 0.5, 0)[0]) == []


def test_the_split_column_wins_and_the_rest_follows_its_group() -> None:
    records = floor(60)
    asked: dict[str, Split] = {"0000": "held_out", "0003": "train"}
    splits, how = assign_splits(records, asked, 0.3, seed=0)
    assert how == "by serial, 2 photos by the split column"
    assert [splits[f"{i:04d}"] for i in range(6)] == ["held_out"] * 3 + ["train"] * 3
    assert 0.2 < len(held_out(splits)) / 60 < 0.4
    torn: dict[str, Split] = {"0000": "held_out", "0001": "train"}
    splits, how = assign_splits(records, torn, 0.3, seed=0)
    assert [splits[f"{i:04d}"] for i in range(3)] == ["held_out", "train", "held_out"]
    assert how.endswith("the split column tears 1 lots or serials apart")
    everything: dict[str, Split] = {n: "train" if n < "0031" else "held_out" for n in records}
    splits, how = assign_splits(records, everything, 0.3, seed=0)
    assert splits == everything
    assert how == "by the split column; the split column tears 1 lots or serials apart"


@pytest.mark.parametrize("photos", [20_000])
def test_it_is_quick(photos: int) -> None:
    splits, _ = assign_splits({str(i): None for i in range(photos)}, {}, 0.3, seed=0)
    assert len(held_out(splits)) == 0.3 * photos


NAMES = st.sampled_from(["", "a", "b", "c", "d", "e"])
RECORDS = st.lists(st.none() | st.builds(InspectionRecord, lot=NAMES, serial=NAMES), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None)
@given(items=RECORDS, share=st.floats(0.01, 0.5), seed=st.integers(0, 5))
def test_a_specimen_never_straddles(items: list[InspectionRecord | None], share: float, seed: int) -> None:
    records: Records = {str(i): item for i, item in enumerate(items)}
    splits, _ = assign_splits(records, {}, share, seed)
    sides: dict[tuple[str, str], set[Split]] = {}
    for name, record in records.items():
        if record is not None and record.serial:
            sides.setdefault((record.lot, record.serial), set()).add(splits[name])
    assert all(len(s) == 1 for s in sides.values())
    assert "train" in splits.values()
