"""The held-out slice: who is in it, and that the best look's weights are what is saved."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from realign_edge.alignment import gradient
from realign_edge.alignment.batches import Item, pair_logps
from realign_edge.alignment.checkpoints import newest_checkpoint, read_checkpoint
from realign_edge.alignment.holdout import MIN_HELD_PAIRS, Looks, split
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import Interrupted
from realign_edge.preferences.model import PreferencePair

SHARE = 0.4


@pytest.fixture
def contrary(workbench: Any) -> tuple[AlignmentSettings, list[PreferencePair]]:
    """Held-out pairs that want the opposite of what is learned, so that their loss rises with every step."""
    items = workbench.items()
    held = set(split(items, SHARE, workbench.settings.seed)[1])
    pairs = [
        replace(p, chosen=p.rejected, rejected=p.chosen) if i in held else p for i, p in enumerate(workbench.pairs)
    ]
    settings = replace(workbench.settings, steps=14, holdout_share=SHARE, patience=2, learning_rate=2e-2)
    return settings, pairs


def test_all_pairs_of_a_photo_are_on_one_side(workbench: Any) -> None:
    items = workbench.items()
    kept, held = split(items, SHARE, seed=0)
    assert sorted(kept + held) == list(range(len(items)))
    photos = [{items[i].pair.photo for i in side} for side in (kept, held)]
    assert not photos[0] & photos[1]
    assert len(photos[1]) == round(SHARE * 10)
    assert split(items, SHARE, seed=0) == (kept, held)
    assert split(items, SHARE, seed=1)[1] != held
    # The order that pairs come in does not matter.
    turned = items[::-1]
    assert {turned[i].pair.pair_id for i in split(turned, SHARE, seed=0)[1]} == {items[i].pair.pair_id for i in held}


def test_too_few_pairs_hold_nothing_out(workbench: Any, tmp_path: Path) -> None:
    items = workbench.items()
    # Two pairs a photo: three photos are six pairs, four are eight.
    assert len(split(items, 0.4, 0)[1]) == MIN_HELD_PAIRS
    assert split(items, 0.3, 0) == (list(range(len(items))), [])
    assert split(items, 0.0, 0)[1] == []
    run = workbench.train(tmp_path / "run", replace(workbench.settings, holdout_share=0.3, steps=2))
    assert run.of("held_out") == []
    assert run.result.best_step == 2


def test_held_out_pairs_are_never_trained_on(workbench: Any, new_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[bool, set[str]] = {True: set(), False: set()}

    def run(vlm: Any, store: Any, items: Sequence[Item], objective: str) -> Any:
        seen[torch.is_grad_enabled()] |= {i.pair.photo for i in items}
        return pair_logps(vlm, store, items, objective)

    monkeypatch.setattr(gradient, "pair_logps", run)
    settings = replace(workbench.settings, holdout_share=SHARE, steps=6)
    done = workbench.train(new_run.folder, settings)
    items = workbench.items()
    kept, held = split(items, SHARE, settings.seed)
    # Six steps of four go through all twelve of the others.
    assert seen[True] == {items[i].pair.photo for i in kept}
    assert seen[False] == {items[i].pair.photo for i in held}
    assert [e["step"] for e in done.of("held_out")] == [2, 4, 6]
    assert {e["pairs"] for e in done.of("held_out")} == {len(held)}


def test_training_ends_early_and_the_best_weights_are_saved(workbench: Any, new_run: Any, contrary: Any) -> None:
    settings, pairs = contrary
    run = workbench.train(new_run.folder, settings, pairs=pairs)
    losses = [e["loss"] for e in run.of("held_out")]
    assert [e["step"] for e in run.of("held_out")] == [2, 4, 6]
    assert losses[0] < min(losses[1:])
    # Two looks behind the best one, then the end.
    assert (run.result.best_step, run.result.steps, run.result.planned) == (2, 6, 14)
    said = "ended after 6 of 14 steps, held-out pairs gained no more; best after 2; true answer preferred in "
    assert run.progress.finished[-1].startswith(said)
    (best,) = [e for e in run.events if e["type"] == "best"]
    assert (best["step"], best["done"], best["ended_early"]) == (2, 6, True)
    pairs = run.of("held_out")[0]["pairs"]
    told = f"{said}{round(best['text_accuracy'] * pairs)} of {pairs} held-out pairs"
    assert run.progress.finished[-1] == told
    best, last = read_checkpoint(run.checkpoints, 2), newest_checkpoint(run.checkpoints)
    assert best is not None
    assert last is not None
    assert last.step == 6
    # peft leaves the adapter's name out of the file.
    saved = {n.removeprefix("base_model.model."): t for n, t in load_file(run.adapter).items()}
    assert saved.keys() == {n.replace(".default", "") for n in best.weights}
    assert all(torch.equal(t, saved[n.replace(".default", "")]) for n, t in best.weights.items())
    assert not any(torch.equal(t, saved[n.replace(".default", "")]) for n, t in last.weights.items())
    # The same weights and pairs, looked at a second time.
    assert run.result.chosen_change == run.of("held_out")[0]["chosen_change"]


def test_without_patience_every_step_is_taken(workbench: Any, new_run: Any, contrary: Any) -> None:
    settings, pairs = contrary
    run = workbench.train(new_run.folder, replace(settings, patience=0, steps=8), pairs=pairs)
    losses = {e["step"]: e["loss"] for e in run.of("held_out")}
    assert list(losses) == [2, 4, 6, 8]
    assert run.result.steps == 8
    # Two looks in vain would have ended it.
    assert run.result.best_step == min(losses, key=lambda step: losses[step]) < 6


@pytest.mark.parametrize("damaged", [False, True])
def test_a_run_that_goes_on_has_the_same_looks_and_bytes(
    workbench: Any, tmp_path: Path, new_run: Any, contrary: Any, damaged: bool
) -> None:
    """Stopped behind the best look, so that what is saved comes from before; from a damaged one nothing is taken."""
    settings, pairs = contrary
    whole = workbench.train(tmp_path / "whole", settings, pairs=pairs)
    with pytest.raises(Interrupted):
        workbench.train(new_run.folder, settings, ("go", "go", "go", "go", "stop"), pairs, into=new_run)
    looks = new_run.of("held_out")
    assert [e["step"] for e in looks] == [2, 4]
    if damaged:
        best = new_run.checkpoints / "step-0000002.safetensors"
        data = bytearray(best.read_bytes())
        data[-5] ^= 1
        best.write_bytes(data)
        # Checkpoints 4 and 5 are whole, but what they would end with is not.
        assert read_checkpoint(new_run.checkpoints, 5) is not None
        assert newest_checkpoint(new_run.checkpoints) is None
        looks = []
    resumed = workbench.train(new_run.folder, settings, pairs=pairs)
    assert [e["step"] for e in resumed.of("resumed")] == ([] if damaged else [5])
    assert looks + resumed.of("held_out") == whole.of("held_out")
    assert resumed.adapter.read_bytes() == whole.adapter.read_bytes()
    assert (resumed.result.best_step, resumed.result.steps) == (2, 6)


def test_the_earlier_of_two_equal_looks_is_the_best() -> None:
    looks = Looks(2, [(2, 0.5), (4, 0.5)])
    assert looks.best == (2, 0.5)
    assert not looks.enough
    looks.add(6, 0.6)
    assert looks.enough
    assert not Looks(0, looks.seen).enough
    assert not Looks(2, []).enough
