"""The appliance's file: what it may say, what holds, and where each value comes from."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from realign_edge.appliance.inspecting import inspecting
from realign_edge.appliance.load import align_values, appliance, effective, written_values
from realign_edge.appliance.settings import ApplianceConfig
from realign_edge.appliance.where import VARIABLE, config_file
from realign_edge.errors import UsageError
from realign_edge.pipeline.config import resolve

EDGE = (sys.executable, "-m", "realign_edge")
EXAMPLE = Path(__file__).parents[3] / "deploy" / "realign-edge.toml"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "realign-edge.toml"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def test_the_example_as_it_stands_changes_nothing() -> None:
    assert appliance(EXAMPLE) == appliance_defaults()
    assert all(s.source in ("default", "preset nano") for s in effective(EXAMPLE))


def test_the_example_names_every_setting_with_its_default(tmp_path: Path) -> None:
    written = re.sub(r"^#(?=[a-z0-9_]+ = )", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path = tmp_path / "all.toml"
    path.write_text(written, encoding="utf-8")
    assert appliance(path) == appliance_defaults()
    # The watched folder has no default to be written down.
    assert {s.key for s in effective(path) if s.source != str(path)} == {"inspect.folder"}


def test_without_a_file_the_defaults_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert config_file() is None and written_values() == {}
    assert appliance() == appliance_defaults()


def test_every_value_tells_where_it_comes_from(file: Path) -> None:
    file.write_text('[site]\nname = "Plant 2"\n[align]\npreset = "paper"\n[align.alignment]\nbeta = 0.2\n')
    found = {s.key: s for s in effective()}
    assert found["site.name"].source == str(file)
    assert (found["align.alignment.beta"].value, found["align.alignment.beta"].source) == (0.2, str(file))
    assert found["align.alignment.learning_rate"].source == "preset paper"
    assert found["inspect.every_s"].source == "default"


def test_file_of_a_run_beats_the_site_and_flags_beat_both(file: Path, tmp_path: Path) -> None:
    file.write_text('[site]\nname = "Plant 2"\n[align.alignment]\nbeta = 0.2\nseed = 3\n')
    run = tmp_path / "run.toml"
    run.write_text("[alignment]\nseed = 4\n")
    config = resolve(run, {"alignment.steps": 5}, align_values())
    assert (config.alignment.beta, config.alignment.seed, config.alignment.steps) == (0.2, 4, 5)
    assert config.export.site == "Plant 2"
    # What was merged is a copy: the site's values are as they were.
    assert align_values()["alignment"] == {"beta": 0.2, "seed": 3}


def test_what_a_run_would_work_with_is_shown_with_where_each_value_stands(file: Path, tmp_path: Path) -> None:
    file.write_text('[site]\nname = "Plant 2"\n[align]\npreset = "paper"\n[align.alignment]\nbeta = 0.2\nseed = 3\n')
    run = tmp_path / "run.toml"
    run.write_text('preset = "workstation"\n[alignment]\nseed = 4\n')
    found = {s.key: (s.value, s.source) for s in effective(None, run)}
    assert found["align.preset"] == ("workstation", str(run))
    assert found["align.alignment.seed"] == (4, str(run))
    assert found["align.alignment.beta"] == (0.2, str(file))
    assert found["align.alignment.quantization"][1] == "preset workstation"
    # The name of the plant stands in bundles, wherever it is written; what is shown is what `align` takes.
    assert found["align.export.site"] == ("Plant 2", "site.name")
    assert appliance().align.export.site == "Plant 2"
    config = resolve(run, {}, align_values())
    assert {s.value for s in effective(None, run) if s.key == "align.alignment.seed"} == {config.alignment.seed}


def test_commands_show_and_check_the_file_of_a_run(file: Path, home: Path, tmp_path: Path) -> None:
    file.write_text("[align.alignment]\nseed = 3\n")
    run = tmp_path / "run.toml"
    run.write_text("[alignment]\nseed = 4\n")
    words = [*EDGE, "config", "show", "--changed", "--config", str(run)]
    shown = subprocess.run(words, capture_output=True, text=True)
    assert shown.stdout.split() == ["align.alignment.seed", "=", "4", "#", "run"]
    assert f"file: {file} (${VARIABLE})" in shown.stderr and f"state: {home} ($REALIGN_EDGE_HOME)" in shown.stderr
    about = json.loads(subprocess.run([*words, "--json"], capture_output=True, text=True).stdout)
    assert (about["file_source"], about["state_source"]) == (f"${VARIABLE}", "$REALIGN_EDGE_HOME")
    assert about["settings"] == [{"key": "align.alignment.seed", "value": 4, "source": str(run)}]
    assert subprocess.run([*EDGE, "config", "check", "--config", str(run)]).returncode == 0
    run.write_text("[alignment]\nsed = 4\nbeta = true\n[inspect]\n")
    told = subprocess.run([*EDGE, "config", "check", "--config", str(run)], capture_output=True, text=True)
    assert told.returncode == 2 and f"{run}: 3 problems" in told.stderr and "did you mean `seed`" in told.stderr


def test_every_problem_is_named_at_once(file: Path) -> None:
    file.write_text("[inspect]\nthreds = 2\nevery_s = 0.01\n[maintain]\nkeep_backups = 0\n[aling]\n")
    with pytest.raises(UsageError) as caught:
        written_values()
    for words in ("did you mean `threads`", "every_s must be at least 0.1", "one backup is always kept", "`aling`"):
        assert words in caught.value.message
    assert str(file) in caught.value.message


def test_unknown_preset_is_told_before_any_work(file: Path) -> None:
    file.write_text('[align]\npreset = "gpu-13gb"\n')
    with pytest.raises(UsageError, match="unknown preset"):
        written_values()


def test_typed_options_beat_the_file_of_the_station(file: Path) -> None:
    file.write_text('[site]\nstation = "S1"\n[inspect]\nfolder = "/srv/in"\nquarantine = ""\nthreads = 3\n')
    how = inspecting(station=None, threads=1)
    assert (how.station, how.threads, how.folder, how.quarantine) == ("S1", 1, Path("/srv/in"), None)


def test_commands_show_and_check_the_file(file: Path) -> None:
    file.write_text('[site]\nname = "工場 2"\n')
    shown = subprocess.run([*EDGE, "config", "show", "--changed"], capture_output=True, text=True)
    assert (shown.returncode, shown.stdout.splitlines()[0].split()) == (
        0,
        ["site.name", "=", '"工場', '2"', "#", "file"],
    )
    told = subprocess.run([*EDGE, "config", "show", "--json"], capture_output=True, text=True)
    assert {"key": "site.name", "value": "工場 2", "source": str(file)} in json.loads(told.stdout)["settings"]
    assert subprocess.run([*EDGE, "config", "check"]).returncode == 0
    file.write_text("[align]\npreset = 'paper'\n")
    lines = subprocess.run([*EDGE, "config", "show", "--changed"], capture_output=True, text=True).stdout.splitlines()
    assert lines[0].split()[0] == "align.preset" and any("# preset paper" in line for line in lines)
    assert not any("align.alignment.explosion" in line for line in lines)
    file.write_text("[site]\nnam = 1\n")
    checked = subprocess.run([*EDGE, "config", "check"], capture_output=True, text=True)
    assert checked.returncode == 2 and "did you mean `name`" in checked.stderr and "Traceback" not in checked.stderr


def appliance_defaults() -> ApplianceConfig:
    return ApplianceConfig(align=resolve(None, {}))
