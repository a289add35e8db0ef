"""A workbench for training tests on the tiny model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from realign_edge.vlm.load import load_vlm
from tests.unit.alignment.workbench import Run, Workbench, workbench_of


@pytest.fixture(scope="session")
def _workbench(tiny_model: Path, small_floor: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return workbench_of(load_vlm(str(tiny_model)), small_floor, tmp_path_factory.mktemp("workbench"))


@pytest.fixture
def workbench(_workbench: Workbench) -> Iterator[Workbench]:
    """The same for all; a test that fails half-way must not leave its adapter to the next."""
    yield _workbench
    if any("lora_" in name for name, _ in _workbench.vlm.model.named_parameters()):
        _workbench.release()


@pytest.fixture
def new_run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")
