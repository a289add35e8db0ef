"""Reference values: the same bits whoever else is in the call, kept file by file, and under the right key."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from realign_edge.alignment import reference
from realign_edge.alignment.batches import Item, pair_logps
from realign_edge.alignment.reference import reference_logps
from realign_edge.progress import Silent


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Pairs that went through the model, in order; two photos a file."""
    found: list[str] = []

    def run(vlm: Any, store: Any, items: Sequence[Item], objective: str) -> Any:
        found.extend(i.pair.pair_id for i in items)
        return pair_logps(vlm, store, items, objective)

    monkeypatch.setattr(reference, "pair_logps", run)
    monkeypatch.setattr(reference, "_PHOTOS_A_FILE", 2)
    return found


def values(workbench: Any, items: Sequence[Item], folder: Path) -> dict[str, Tensor]:
    return reference_logps(workbench.vlm, workbench.store, items, folder, 4096, Silent())


def same(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> bool:
    return all(torch.equal(ours[pair], theirs[pair]) for pair in ours.keys() & theirs.keys())


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.safetensors"))


def test_values_do_not_depend_on_what_else_is_in_the_call(workbench: Any, tmp_path: Path) -> None:
    items = workbench.items()
    together = values(workbench, items, tmp_path / "all")
    assert together.keys() == {i.pair.pair_id for i in items}
    for photo in sorted({i.pair.photo for i in items})[:4]:
        own = [i for i in items if i.pair.photo == photo]
        alone = values(workbench, own[::-1], tmp_path / photo)
        assert alone.keys() == {i.pair.pair_id for i in own}
        assert same(alone, together)
    # They are the pair's four log-probabilities; batched with its photo's other pair, hence rounding of 150 nats.
    with torch.no_grad():
        row = torch.stack(tuple(pair_logps(workbench.vlm, workbench.store, [items[3]], "rdpo-symmetric")), dim=1)[0]
    torch.testing.assert_close(together[items[3].pair.pair_id], row, atol=3e-4, rtol=0)
    assert bool((row != 0).all())


def test_an_interrupted_pass_keeps_what_it_has(
    workbench: Any, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = workbench.items()
    whole = values(workbench, items, tmp_path / "whole")
    assert len(computed) == len(items)
    assert len(files(tmp_path / "whole")) == 5
    computed.clear()
    watched = vars(reference)["pair_logps"]

    def interrupted(vlm: Any, store: Any, some: Sequence[Item], objective: str) -> Any:
        if len(computed) >= 10:
            raise KeyboardInterrupt
        return watched(vlm, store, some, objective)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(reference, "pair_logps", interrupted)
        values(workbench, items, tmp_path / "cut")
    # Two files of two photos; the fifth photo's values are lost.
    kept = {path: path.read_bytes() for path in files(tmp_path / "cut")}
    assert len(kept) == 2
    first = set(computed[:8])
    computed.clear()
    again = values(workbench, items, tmp_path / "cut")
    assert set(computed) == {i.pair.pair_id for i in items} - first
    assert len(computed) == len(items) - 8
    assert again.keys() == whole.keys()
    assert same(again, whole)
    assert all(path.read_bytes() == data for path, data in kept.items())
    computed.clear()
    assert same(values(workbench, items, tmp_path / "cut"), whole)
    assert computed == []


@pytest.mark.parametrize("damage", ["cut", "emptied", "removed"])
def test_a_damaged_file_is_computed_again(workbench: Any, tmp_path: Path, computed: list[str], damage: str) -> None:
    items = workbench.items()[:8]
    whole = values(workbench, items, tmp_path)
    path = files(tmp_path)[0]
    data = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"")
    computed.clear()
    again = values(workbench, items, tmp_path)
    assert len(computed) == 4
    assert same(again, whole)
    assert path.read_bytes() == data


def test_another_model_pair_or_grouping_is_another_key(
    workbench: Any, tmp_path: Path, computed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    items = workbench.items()[:4]
    values(workbench, items, tmp_path)
    computed.clear()
    # Another answer of the first photo: its two pairs are computed again, the second photo's are not.
    other = replace(items[0], pair=replace(items[0].pair, chosen="Steel shaft."), chosen=items[1].chosen)
    assert other.pair.pair_id != items[0].pair.pair_id
    found = values(workbench, [other, *items[1:]], tmp_path)
    assert set(computed) == {other.pair.pair_id, items[1].pair.pair_id}
    assert found.keys() == {i.pair.pair_id for i in [other, *items[1:]]}
    computed.clear()
    monkeypatch.setattr(workbench.vlm, "fingerprint", "0123456789abcdef")
    values(workbench, items, tmp_path)
    assert len(computed) == len(items)
    assert {path.parent.name for path in files(tmp_path)} >= {"0123456789abcdef"}
