"""The judge of the kill storm complains, on made-up state and without a storm; the planted mistakes fit the product."""

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.appliance_storm.at_once import problems_now, strays
from benchmarks.appliance_storm.judge import differences, outcome
from benchmarks.appliance_storm.planted import failures
from benchmarks.appliance_storm.plants import NAMED, PLANTS, Plant, plant
from benchmarks.appliance_storm.stages import Place, stages
from realign_edge.files import sha256_bytes, write_json
from realign_edge.photos.catalog import Catalog
from realign_edge.results.model import Inspection
from realign_edge.results.store import Results

ROOT = Path(__file__).resolve().parents[3]
PHOTOS = {f"{n}.jpg": b"photo %d" % n for n in (1, 2, 3)}


@pytest.fixture
def place(tmp_path: Path, inspection: Callable[..., Inspection]) -> Place:
    """A state as a day leaves it: a run with an adapter and a checkpoint, pairs, three verdicts, a report, a backup."""
    place = Place(tmp_path / "root", tmp_path / "floor", tmp_path / "config.toml", tmp_path / "appliance.toml")
    run = place.home / "runs" / "20260101-000000-abcd"
    for folder in (run / "adapter", run / "checkpoints", place.incoming / "done", place.reports):
        folder.mkdir(parents=True)
    write_json(run / "run.json", {"identity": "abcd"})
    write_json(run / "stages.json", {"train": {"inputs": "x", "outputs": {}}})
    (run / "adapter" / "adapter_model.safetensors").write_bytes(weights(1.0))
    write_json(run / "adapter" / "adapter_config.json", {})
    (run / "checkpoints" / "step-0000002.safetensors").write_bytes(weights(0.5))
    write_json(run / "checkpoints" / "step-0000002.json", {"sha256": sha256_bytes(weights(0.5))})
    with Catalog(place.home / "catalog.sqlite") as catalog:
        pair = {"pair_id": "p", "kind": "note"}
        catalog.store_attempts(place.floor, "s", [("a" * 64, {}, [pair, pair]), ("b" * 64, {}, [pair])])
    with Results.open(place.home) as results:
        for number, (name, data) in enumerate(PHOTOS.items(), 1):
            results.append(inspection(number, name=name, sha256=sha256_bytes(data)))
            (place.incoming / "done" / name).write_bytes(data)
    (place.reports / "r.html").write_text("<html></html>\n")
    backup = place.home / "backups" / "20260101T000000Z"
    backup.mkdir(parents=True)
    (backup / "catalog.sqlite").write_bytes(b"rows")
    write_json(backup / "manifest.json", {"files": {"catalog.sqlite": sha256_bytes(b"rows")}})
    return place


def weights(value: float) -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + struct.pack("f", value)


def test_a_whole_state_is_not_complained_about(place: Place) -> None:
    assert problems_now(place) == []
    assert strays(place) == []
    for stage in ("pairs", "training", "inspect"):
        assert differences(stage, place, outcome(stage, place)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("home/runs/20260101-000000-abcd/run.json", "run.json is torn"),
        ("home/results.head", "results.head is torn"),
        ("home/runs/20260101-000000-abcd/adapter/adapter_model.safetensors", "adapter_model.safetensors is torn"),
        ("home/runs/20260101-000000-abcd/checkpoints/step-0000002.safetensors", "is of another step-0000002"),
        ("home/backups/20260101T000000Z/catalog.sqlite", "is no whole backup"),
        ("reports/r.html", "r.html is torn"),
    ],
)
def test_a_torn_file_is_told_of_at_once(place: Place, name: str, words: str) -> None:
    path = place.root / name
    path.write_bytes(path.read_bytes()[: -12 if name.endswith("html") else -3])
    assert any(words in problem for problem in problems_now(place))


def test_a_damaged_database_is_told_of_at_once(place: Place) -> None:
    for name in ("catalog.sqlite", "results.sqlite"):
        path = place.home / name
        path.write_bytes(path.read_bytes()[:5000])
    told = " ".join(problems_now(place))
    assert "databases" in told or ("catalog.sqlite:" in told and "results.sqlite:" in told)


def test_a_doubled_row_is_told_of_at_once_and_in_the_end(place: Place, inspection: Callable[..., Inspection]) -> None:
    wanted = outcome("inspect", place)
    with Results.open(place.home) as results:
        results.append(inspection(1, name="1.jpg", sha256=sha256_bytes(PHOTOS["1.jpg"])))
    assert problems_now(place) == ["1 photos have a row more than one"]
    assert "doubled is not as undisturbed: 1 for 0" in differences("inspect", place, wanted)


def test_a_photo_that_was_moved_and_has_no_row_is_told_of(place: Place) -> None:
    wanted = outcome("inspect", place)
    (place.incoming / "done" / "4.jpg").write_bytes(b"photo 4")
    assert problems_now(place) == ["1 photos were moved and have no row"]
    assert any("moved is not as undisturbed" in problem for problem in differences("inspect", place, wanted))


def test_rows_without_the_head_that_speaks_of_them_are_told_of(
    place: Place, inspection: Callable[..., Inspection]
) -> None:
    with Results.open(place.home) as results:
        for number in range(10, 20):
            results.append(inspection(number))
    assert problems_now(place) == []
    (place.home / "results.head").unlink()
    assert problems_now(place) == ["there are 13 rows, and results.head knows of 0"]


def test_a_missing_pair_and_another_adapter_are_told_of_in_the_end(place: Place) -> None:
    wanted = outcome("training", place)
    with Catalog(place.home / "catalog.sqlite") as catalog:
        catalog.store_attempts(place.floor, "s", [("b" * 64, {}, [])])
    (place.home / "runs/20260101-000000-abcd/adapter/adapter_model.safetensors").write_bytes(weights(1.5))
    told = differences("training", place, wanted)
    assert [problem.split(" is ")[0] for problem in told] == ["pairs", "adapter"]


def test_what_is_gone_is_told_of_and_no_crash_of_the_judge(place: Place) -> None:
    wanted = outcome("training", place)
    shutil.rmtree(place.home / "runs" / "20260101-000000-abcd" / "adapter")
    assert "what came out cannot be judged: FileNotFoundError" in differences("training", place, wanted)[0]
    assert any("is further than its files: adapter/" in problem for problem in problems_now(place))


def test_half_folders_under_last_names_and_leftovers_are_told_of(place: Place) -> None:
    (place.home / "backups" / "20260102T000000Z").mkdir()
    (place.home / "runs" / "20260102-000000-abcd").mkdir()
    (place.home / "bundles" / "0123456789abcdef").mkdir(parents=True)
    told = " ".join(problems_now(place))
    for words in ("is no whole backup: it has no manifest", "is no run", "is no whole bundle"):
        assert words in told
    restored = place.home / "runs" / "20260103-000000-abcd"
    restored.mkdir()
    (restored / "preference_test.jsonl").touch()
    assert restored.name not in " ".join(problems_now(place))
    (place.home / ".x.1.tmp").touch()
    assert strays(place) == ["home/.x.1.tmp"]


@pytest.mark.parametrize("one", PLANTS, ids=lambda p: p.name)
def test_each_plant_changes_what_the_product_says_and_leaves_python(one: Plant, tmp_path: Path, place: Place) -> None:
    for name in {edit[0] for edit in one.edits}:
        (tmp_path / "realign_edge" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "realign_edge" / name, tmp_path / "realign_edge" / name)
    plant(tmp_path, one)
    for name in {edit[0] for edit in one.edits}:
        text = (tmp_path / "realign_edge" / name).read_text(encoding="utf-8")
        compile(text, name, "exec")
        assert text != (ROOT / "realign_edge" / name).read_text(encoding="utf-8")
    assert one.stage in {stage.name for stage in stages(place)}


def test_a_plant_that_the_product_has_outgrown_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "realign_edge" / "files.py"
    path.parent.mkdir()
    path.write_text("def write_atomic(): ...\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"no-sync: files.py has 0 times"):
        plant(tmp_path, NAMED["no-sync"])


def test_a_plant_is_no_proof_where_it_shows_without_a_kill_or_not_at_all() -> None:
    def found(plant: str, **more: Any) -> dict[str, Any]:
        return {"plant": plant, "calm": [], "complaint": "", "unseen": "", **more}

    seen, blind = found("seen", complaint="torn"), found("blind", unseen="no power cut")
    wrong = [found("calm", calm=["x"], complaint="torn"), found("missed"), found("odd", complaint="x", unseen="y")]
    assert failures([seen, blind, *wrong]) == ["calm", "missed", "odd"]
