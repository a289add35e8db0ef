"""Pausing, and what a run is told apart by."""

import importlib.metadata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from realign_edge.alignment.checkpoints import newest_checkpoint, read_checkpoint
from realign_edge.errors import UsageError


def test_before_a_pause_is_waited_out_its_step_is_on_disk(workbench: Any, new_run: Any) -> None:
    """Steps 1 and 3 are not due for a checkpoint; each wait finds the one of exactly that step."""
    run = workbench.train(new_run.folder, wishes=("pause", "go", "pause"))
    newest = [max(name for name in names if name.endswith(".json")) for names in run.waits]
    assert newest == ["step-0000001.json", "step-0000003.json"]
    assert all(name.replace(".json", ".safetensors") in names for name, names in zip(newest, run.waits, strict=True))
    assert run.result is not None
    assert run.result.steps == 4


def test_a_pause_does_not_change_the_adapter(workbench: Any, tmp_path: Path) -> None:
    paused = workbench.train(tmp_path / "a", wishes=("pause",))
    straight = workbench.train(tmp_path / "b")
    assert paused.adapter.read_bytes() == straight.adapter.read_bytes()


@pytest.fixture
def begun(workbench: Any, new_run: Any) -> Any:
    return workbench.train(new_run.folder, replace(workbench.settings, steps=1))


def refusal(workbench: Any, run: Any, **more: Any) -> str:
    settings = more.pop("settings", replace(workbench.settings, steps=1))
    with pytest.raises(UsageError) as caught:
        workbench.train(run.folder, settings, **more)
    assert "start a new run" in caught.value.hint
    return caught.value.message


def test_what_changed_is_named(workbench: Any, begun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    same = replace(workbench.settings, steps=1)
    before = newest_checkpoint(begun.checkpoints)
    start = "the run cannot go on from step 1, changed since then: "
    found = refusal(workbench, begun, pairs=workbench.pairs[:-1])
    assert found.startswith(f"{start}pairs (")
    assert found.count(" before, ") == 1
    assert refusal(workbench, begun, settings=replace(same, objective="rdpo")) == (
        f"{start}objective (rdpo-anchored before, rdpo now)"
    )
    assert refusal(workbench, begun, settings=replace(same, lora_rank=8, beta=0.3)) == (
        f"{start}setting beta (0.1 before, 0.3 now), setting lora_rank (4 before, 8 now)"
    )
    with monkeypatch.context() as patch:
        patch.setattr(workbench.vlm, "fingerprint", "0123456789abcdef")
        assert refusal(workbench, begun).startswith(f"{start}base model (")
    with monkeypatch.context() as patch:
        version = importlib.metadata.version
        patch.setattr(importlib.metadata, "version", lambda name: "99.0" if name == "transformers" else version(name))
        found = refusal(workbench, begun)
        assert found == f"{start}version of transformers ({version('transformers')} before, 99.0 now)"
    # Refusing leaves everything as it was.
    after = newest_checkpoint(begun.checkpoints)
    assert before is not None
    assert after is not None
    assert after.identity == before.identity
    assert read_checkpoint(begun.checkpoints, 1) is not None
