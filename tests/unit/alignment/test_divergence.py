"""A run that goes out of bounds ends with words, and with the last good weights on disk."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch

from realign_edge.alignment import gradient
from realign_edge.alignment.batches import Item, pair_logps
from realign_edge.alignment.checkpoints import newest_checkpoint, read_checkpoint
from realign_edge.alignment.lora import trainable
from realign_edge.alignment.monitor import Explosion
from realign_edge.errors import RealignError


def spoiled(bad: str, factor: float, after: int) -> Any:
    """`pair_logps` in which the log-probabilities of one pair are multiplied, once `after` steps are done."""
    taken = [0]

    def run(vlm: Any, store: Any, items: Sequence[Item], objective: str) -> Any:
        found = pair_logps(vlm, store, items, objective)
        taken[0] += len(items)
        if taken[0] <= after * 4:
            return found
        factors = torch.tensor([factor if i.pair.pair_id == bad else 1.0 for i in items])
        # The value stays; the slope is multiplied. A factor that is not a number spoils the value too.
        chosen = found.chosen.detach() + factors * (found.chosen - found.chosen.detach())
        return found._replace(chosen=chosen if math.isfinite(factor) else found.chosen * factors)

    return run


def in_step(workbench: Any, settings: Any, number: int) -> Sequence[str]:
    """The pairs that a step takes."""
    from realign_edge.alignment.schedule import schedule

    order = schedule(workbench.items(), settings.steps, settings.batch_pairs, settings.question_share, settings.seed)
    return [workbench.pairs[i].pair_id for i in order[number - 1]]


def test_a_loss_that_is_not_a_number_leaves_the_last_checkpoint(
    workbench: Any, new_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = in_step(workbench, workbench.settings, 4)[2]
    monkeypatch.setattr(gradient, "pair_logps", spoiled(bad, math.nan, after=3))
    with pytest.raises(RealignError, match=f"training diverged: the loss of pair {bad} ") as caught:
        workbench.train(new_run.folder, into=new_run)
    assert "learning_rate" in caught.value.hint
    found = newest_checkpoint(new_run.checkpoints)
    assert found is not None
    assert found.step == 2
    assert all(bool(torch.isfinite(t).all()) for t in found.weights.values())
    assert not (new_run.folder / "adapter").exists()
    # The model is given back without the adapter that failed.
    assert trainable(workbench.vlm) == {}
    # And the checkpoint is that of a run that nothing happened to.
    monkeypatch.setattr(gradient, "pair_logps", pair_logps)
    straight = workbench.train(new_run.folder.with_name("straight"))
    same = read_checkpoint(straight.checkpoints, 2)
    assert same is not None
    assert all(torch.equal(t, found.weights[n]) for n, t in same.weights.items())


def test_an_exploding_gradient_names_the_pair_and_keeps_the_last_good_weights(
    workbench: Any, new_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(workbench.settings, steps=8, checkpoint_every=100, explosion=100.0)
    bad = in_step(workbench, settings, 7)[1]
    monkeypatch.setattr(gradient, "pair_logps", spoiled(bad, 1e5, after=6))
    words = rf"the gradient of step 7 has norm [0-9.e+]+, and [0-9.e-]+ is usual; pair {bad} \(photo"
    with pytest.raises(RealignError, match=words):
        workbench.train(new_run.folder, settings, into=new_run)
    assert [e["step"] for e in new_run.of("step")] == [1, 2, 3, 4, 5, 6]
    found = newest_checkpoint(new_run.checkpoints)
    assert found is not None
    assert found.step == 6
    monkeypatch.setattr(gradient, "pair_logps", pair_logps)
    straight = workbench.train(new_run.folder.with_name("straight"), replace(settings, checkpoint_every=6))
    same = read_checkpoint(straight.checkpoints, 6)
    assert same is not None
    assert all(torch.equal(t, found.weights[n]) for n, t in same.weights.items())
    assert all(torch.equal(t, found.second[n]) for n, t in same.second.items())
    # What was wrong is mended: the run goes on from there to the same end.
    mended = workbench.train(new_run.folder, settings)
    assert mended.of("resumed") == [{"type": "resumed", "step": 6}]
    assert [e["step"] for e in mended.of("step")] == [7, 8]


def test_the_largest_contribution_is_found_and_one_that_is_not_a_number_first(
    workbench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    learner = workbench.learner()
    for factor in (50.0, math.nan):
        bad = learner.items[5].pair.pair_id
        monkeypatch.setattr(gradient, "pair_logps", spoiled(bad, factor, after=0))
        assert learner.largest(range(8), "rdpo-anchored").pair.pair_id == bad


def test_an_explosion_is_out_of_proportion_to_the_steps_before() -> None:
    explosion = Explosion(10.0)
    # The first five say what is usual.
    assert [explosion.at(norm) for norm in (1e6, 1.0, 2.0, 3.0, 2.0)] == [""] * 5
    assert explosion.at(19.0) == ""
    assert re.fullmatch(r"has norm 100, and 2\.5 is usual", explosion.at(100.0))
    # What was out of bounds does not become usual.
    assert explosion.at(100.0)
    assert explosion.at(math.inf) == explosion.at(math.nan) == "is not a number"
