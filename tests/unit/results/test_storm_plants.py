"""What `make storm-planted` changes is still there to be changed, and is a program afterwards."""

import shutil
from pathlib import Path

import pytest

from benchmarks.appliance_storm.plants import PLANTS, Plant, plant
from benchmarks.appliance_storm.stages import Place, stages

_PACKAGE = Path(__file__).parents[3] / "realign_edge"


@pytest.mark.parametrize("planted", PLANTS, ids=lambda planted: planted.name)
def test_a_mistake_can_be_planted(planted: Plant, tmp_path: Path) -> None:
    for name in {edit[0] for edit in planted.edits}:
        (tmp_path / "realign_edge" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_PACKAGE / name, tmp_path / "realign_edge" / name)
    plant(tmp_path, planted)
    for path in tmp_path.rglob("*.py"):
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    assert planted.stage in {s.name for s in stages(Place(tmp_path, tmp_path, tmp_path, tmp_path))}
