"""Memory that runs out in the middle of a run, and losses that are out of bounds."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from realign_edge.alignment import gradient
from realign_edge.alignment.batches import Item, padded_tokens, pair_logps
from realign_edge.alignment.checkpoints import newest_checkpoint
from realign_edge.alignment.gradient import OutOfMemoryError
from realign_edge.errors import Interrupted, RealignError
from realign_edge.files import sha256_file

OBJECTIVE = "rdpo-anchored"
# torch's own words on a CPU.
WORDS = "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"


def cpu() -> BaseException:
    return RuntimeError(WORDS)


def gpu() -> BaseException:
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def limited(most: int, failure: Callable[[], BaseException], calls: list[int]) -> Any:
    """`pair_logps` of a machine whose memory takes `most` padded tokens."""

    def run(vlm: Any, store: Any, items: Sequence[Item], objective: str) -> Any:
        tokens = padded_tokens([i.lengths(objective) for i in items])
        calls.append(tokens)
        if tokens > most:
            raise failure()
        return pair_logps(vlm, store, items, objective)

    return run


@pytest.mark.parametrize("failure", [cpu, gpu, MemoryError])
def test_a_step_that_does_not_fit_is_done_in_smaller_groups(
    workbench: Any, monkeypatch: pytest.MonkeyPatch, failure: Any
) -> None:
    learner = workbench.learner(budget=2000)
    everything = range(len(learner.items))
    table = learner.gradient(everything, OBJECTIVE)
    undisturbed = workbench.gradients()
    calls: list[int] = []
    monkeypatch.setattr(gradient, "pair_logps", limited(600, failure, calls))
    again = learner.gradient(everything, OBJECTIVE)
    assert max(calls) > 1000
    assert learner.budget == 500
    assert len(learner.progress.warnings) == 2
    assert all("memory ran out" in text for text in learner.progress.warnings)
    # Every pair once, and nothing of the attempt that failed: sums of float32 in another order.
    assert len(again) == len(table) == len(learner.items)
    assert float(again[:, 0].sum()) == pytest.approx(float(table[:, 0].sum()), abs=1e-4)
    for name, value in workbench.gradients().items():
        torch.testing.assert_close(value, undisturbed[name], atol=1e-5, rtol=1e-4)


def test_one_pair_alone_that_does_not_fit_is_said_in_words(workbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = workbench.learner(budget=1000)
    longest = max(padded_tokens([i.lengths(OBJECTIVE)]) for i in learner.items)
    monkeypatch.setattr(gradient, "pair_logps", limited(longest - 1, cpu, []))
    with pytest.raises(OutOfMemoryError, match=f"one pair of {longest} tokens does not fit") as caught:
        learner.gradient(range(len(learner.items)), OBJECTIVE)
    assert "gradient_checkpointing" in caught.value.hint


def test_another_error_is_not_taken_for_it(workbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = workbench.learner()
    monkeypatch.setattr(gradient, "pair_logps", limited(0, lambda: RuntimeError("shapes do not agree"), []))
    with pytest.raises(RuntimeError, match="shapes do not agree"):
        learner.gradient([0, 1], OBJECTIVE)
    assert learner.budget == 4096
    assert learner.progress.warnings == []


def test_the_smaller_budget_is_kept_and_used_when_the_run_goes_on(
    workbench: Any, tmp_path: Path, new_run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eight pairs a step, four of them questions of about 190 tokens, which go together.
    settings = replace(workbench.settings, micro_tokens=1000, batch_pairs=8)
    calls: list[int] = []
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(gradient, "pair_logps", limited(600, cpu, calls))
        workbench.train(new_run.folder, settings, ("go", "stop"), into=new_run)
    assert [e["micro_tokens"] for e in new_run.of("step")] == [500, 500]
    assert len(new_run.progress.warnings) == 1
    found = newest_checkpoint(new_run.checkpoints)
    assert found is not None
    assert (found.step, found.budget) == (2, 500)
    # Memory has come back; the run remembers all the same, so its steps are those of a run that did not stop.
    resumed = workbench.train(new_run.folder, settings)
    assert [e["micro_tokens"] for e in resumed.of("step")] == [500, 500]
    monkeypatch.setattr(gradient, "pair_logps", limited(600, cpu, calls))
    whole = workbench.train(tmp_path / "whole", settings)
    assert sha256_file(whole.adapter) == sha256_file(resumed.adapter)


def test_a_process_that_may_not_have_more_memory_goes_on_with_less(tmp_path: Path, tiny_model: Path) -> None:
    """No pretence: the address space of the process is limited to a little more than what one pair takes."""
    worker = Path(__file__).with_name("limit_worker.py")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(worker), str(tiny_model)], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    budget, difference, warnings = done.stdout.split()
    assert int(budget) < 30_000
    assert int(warnings) >= 1
    # Sums of float32 in another order, relative to the largest element.
    assert float(difference) < 1e-4


def test_a_loss_that_is_not_a_number_names_its_pair(workbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = workbench.learner()
    bad = learner.items[3]

    def run(vlm: Any, store: Any, items: Sequence[Item], objective: str) -> Any:
        found = pair_logps(vlm, store, items, objective)
        factor = torch.tensor([float("nan") if i.pair.pair_id == bad.pair.pair_id else 1.0 for i in items])
        return found._replace(chosen=found.chosen * factor)

    monkeypatch.setattr(gradient, "pair_logps", run)
    words = re.escape(f"the loss of pair {bad.pair.pair_id} (photo {bad.pair.photo[:12]}) is not a number")
    with pytest.raises(RealignError, match=words):
        learner.gradient(range(len(learner.items)), OBJECTIVE)
