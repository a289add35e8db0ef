"""What `runs show` prints of a run: all of its last step that is known, within 80 columns."""

import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from realign_edge.cli.run_view import print_run
from realign_edge.runs.events import EventLog
from realign_edge.runs.figures import look_at
from realign_edge.runs.run import Run, create_run

STEP: dict[str, Any] = {
    "type": "step", "step": 17, "steps": 60, "learning_rate": 8.3e-4, "grad_norm": 1.234, "loss": 0.5123,
    "text_margin": 1.25, "text_accuracy": 0.84, "reward_chosen": 0.1234, "reward_rejected": -1.12,
    "reward_retrieved": -0.4, "visual_margin": 0.55, "visual_accuracy": 0.5, "chosen_change": -0.21,
    "pairs_per_s": 12.3, "tokens_per_s": 1500.2, "memory_gib": 2.41, "seconds_left": 1234.0,
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "80")
    made = create_run(tmp_path, "aaaa", {"model": "nano", "photos": "/p" * 60}, "", datetime(2026, 1, 1))
    made.heartbeat(state="running", stage="train", done=17, total=60)
    (made.folder / "checkpoints").mkdir()
    return made


def shown(run: Run, step: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    log = EventLog(run.folder / "events.jsonl")
    log.append(step)
    log.append({"type": "checkpoint", "step": step["step"]})
    log.close()
    print_run(run, look_at(run))
    return capsys.readouterr().out


def test_a_live_run_shows_all_of_its_last_step(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = run.folder / "checkpoints" / "step-0000010.json"
    manifest.write_text("{}")
    os.utime(manifest, (time.time() - 300, time.time() - 300))
    text = shown(run, STEP, capsys)
    for words in (
        "running in training", "step 17 of 60, 0:20:34 left", "step 10, 5 min ago", "0.5123", "1.23", "8.30e-04",
        "+1.250", "+0.550", "-0.210", "84 %", "50 %", "+0.123", "-1.120", "-0.400", "12.3/s", "1,500/s", "2.4 GiB",
    ):  # fmt: skip
        assert words in text
    assert max(map(len, text.splitlines())) <= 80


def test_what_an_event_lacks_is_not_shown(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(
        run, {"type": "step", "step": 1, "steps": 2, "loss": None, "text_accuracy": 0.5, "text_margin": -1e-9}, capsys
    )
    assert "+0.000" in text
    assert "text accuracy" in text
    for words in ("loss", "memory", "left", "visual", "Checkpoint", "reward chosen"):
        assert words not in text


def test_a_failed_run_says_why_and_what_to_do(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run.turn("failed", error="No space left on device: /x", hint="free some space")
    text = shown(run, STEP, capsys)
    assert "failed in training" in text
    assert "No space left on device: /x" in text
    assert "free some space" in text
    assert "0:20:34 left" not in text
    assert look_at(run).to_json()["step"]["loss"] == STEP["loss"]
