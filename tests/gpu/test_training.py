"""Training on a GPU: repeatable to the byte, resumable, in 4 bit, and with less memory than it would like."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import Interrupted
from realign_edge.vlm.load import load_vlm
from tests.unit.alignment.workbench import SETTINGS, Run, Workbench, workbench_of

OBJECTIVE = "rdpo-anchored"
WAYS = {
    "bfloat16": SETTINGS,
    "4 bit": replace(SETTINGS, quantization="nf4"),
    "4 bit, checkpointing, dropout": replace(
        SETTINGS, quantization="nf4", gradient_checkpointing=True, lora_dropout=0.1
    ),
}


def bench(model: Path, floor: Path, folder: Path, settings: AlignmentSettings) -> Workbench:
    """As `align` has it: features first, the tower parked then."""
    vlm = load_vlm(str(model), device="cuda", quantization=settings.quantization)
    made = workbench_of(vlm, floor, folder, settings)
    vlm.park_tower()
    return made


@pytest.fixture(scope="module", params=WAYS)
def workbench(
    request: pytest.FixtureRequest, tiny_model: Path, small_floor: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workbench:
    return bench(tiny_model, small_floor, tmp_path_factory.mktemp("gpu"), WAYS[request.param])


def test_the_same_run_gives_the_same_bytes(workbench: Workbench, tmp_path: Path) -> None:
    runs = [workbench.train(tmp_path / name, workbench.settings) for name in ("a", "b")]
    assert runs[0].adapter.read_bytes() == runs[1].adapter.read_bytes()
    assert [e["loss"] for e in runs[0].of("step")] == [e["loss"] for e in runs[1].of("step")]


def test_a_run_that_was_stopped_and_continued_ends_in_the_same_bytes(workbench: Workbench, tmp_path: Path) -> None:
    whole = workbench.train(tmp_path / "whole", workbench.settings)
    stopped = Run(tmp_path / "stopped")
    with pytest.raises(Interrupted):
        workbench.train(stopped.folder, workbench.settings, ("go", "stop"), into=stopped)
    resumed = workbench.train(stopped.folder, workbench.settings)
    assert [e["step"] for e in resumed.of("step")] == [3, 4]
    assert resumed.adapter.read_bytes() == whole.adapter.read_bytes()


def test_it_learns(workbench: Workbench, tmp_path: Path) -> None:
    run = workbench.train(tmp_path / "run", replace(workbench.settings, steps=12))
    losses = [e["loss"] for e in run.of("step")]
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])
    assert all(e["memory_gib"] > 0 for e in run.of("step"))


@pytest.fixture
def limit() -> Iterator[Any]:
    """Let this process have so many bytes of the card; none: all of it."""

    def set_to(size: int | None) -> None:
        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(1.0 if size is None else size / total)

    yield set_to
    set_to(None)


def test_a_step_that_does_not_fit_is_done_in_smaller_groups(
    tiny_model: Path, small_floor: Path, tmp_path: Path, limit: Any
) -> None:
    """No pretence: the card gives this process half-way between what the whole step takes and what its parts do."""
    made = bench(tiny_model, small_floor, tmp_path, SETTINGS)
    learner = made.learner(budget=60_000)
    # Two hundred pairs: the twenty of the workbench, again and again.
    everything = list(range(len(learner.items))) * 10

    def reserved(budget: int) -> int:
        learner.budget = budget
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        learner.gradient(everything, OBJECTIVE)
        return torch.cuda.max_memory_reserved()

    most, least = reserved(60_000), reserved(4_000)
    assert most > 1.5 * least
    undisturbed = made.gradients()
    torch.cuda.empty_cache()
    limit((most + least) // 2)
    learner.budget = 60_000
    table = learner.gradient(everything, OBJECTIVE)
    assert learner.budget < 60_000
    assert any("memory ran out" in text for text in learner.progress.warnings)  # type: ignore[attr-defined]
    assert len(table) == len(everything)
    ours, theirs = (torch.cat([g.float().flatten() for g in x.values()]) for x in (made.gradients(), undisturbed))
    # bfloat16 activations; the sums are in another order.
    assert float((ours - theirs).norm() / theirs.norm()) < 0.02
    made.release()
