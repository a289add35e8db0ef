"""`pairs review`, `pairs list`, `pairs export` and `runs blind-test` as a person starts them."""

import contextlib
import json
import os
import pty
import select
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.evaluation.preference.answers import AnswerPair, write_answers
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.model import InspectionRecord, Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.runs.run import Run, create_run

ASK = "Describe the part and its defects."


@pytest.fixture
def floor(home: Path, tmp_path: Path) -> Path:
    """Two photos with a pair each; the first is doubtful."""
    root = tmp_path / "photos"
    root.mkdir()
    photos, rows = [], []
    for n in (1, 2):
        Image.new("RGB", (8, 8), (n * 60, 90, 90)).save(root / f"{n}.png")
        note = f"Gear {n}. Dent at the top."
        record = InspectionRecord(note=note, part="gear", defects=("dent", "crack")[n - 1 :], known_defects=True)
        photos.append(Photo(f"{n:064x}", root / f"{n}.png", f"{n}.png", 8, 8, "train", record))
        how = Provenance("record", completion="infill", reference_gap=0.0 if n == 1 else 30.0, text_similarity=0.7)
        pair = PreferencePair(f"{n:064x}", f"{3 - n:064x}", ASK, note, f"Gear {n}. Crack at the top.", "note", how)
        rows.append((pair.photo, dict[str, int](), [pair.to_json()]))
    with Catalog(home / "catalog.sqlite") as catalog:
        catalog.store_scan(root, [], photos)
        catalog.store_attempts(root, "s", rows)
    return root


@pytest.fixture
def run(home: Path, floor: Path) -> Run:
    (home / "runs").mkdir()
    made = create_run(home / "runs", "abcd" * 4, {"photos": str(floor)}, "", datetime(2026, 11, 25, 8))
    answers = [AnswerPair(f"{n:064x}", f"{n}.png", f"Gear {n}. Dent.", f"Gear {n}. Rust.") for n in (1, 2)]
    write_answers(made.folder, ASK, answers)
    return made


def test_pairs_are_reviewed_line_by_line_and_exported_as_decided(command: Any, floor: Path, tmp_path: Path) -> None:
    done = command("pairs", "review", floor, "--plain", "--reviewer", "Mori", input="s\nd\n")
    assert done.returncode == 0, done.stderr
    assert "1.png" in done.stdout.split("2.png")[0] and "Every pair is decided." in done.stdout
    assert "2 of 2 pairs decided, 2 by you" in done.stderr
    out = tmp_path / "pairs.jsonl"
    exported = command("pairs", "export", floor, out, "--form", "realign")
    assert "2 pairs changed by review: 1 swapped, 1 discarded" in exported.stderr
    (row,) = json.loads(out.read_text())
    assert row["chosen"] == "Gear 1. Crack at the top." and row["retrieved_image"] == ""
    listed = command("pairs", "list", floor)
    assert "swapped: the rejected answer is the right one (Mori)" in listed.stdout
    assert "discarded: not trained on (Mori)" in listed.stdout
    told = json.loads(command("pairs", "list", floor, "--json").stdout)
    assert told["trained_on"] == 1 and told["changed"] == {"swapped": 1, "discarded": 1}


def test_lines_are_chosen_by_themselves_on_a_dumb_terminal(command: Any, floor: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TERM", "dumb")
    asked = command("pairs", "review", floor, "--lang", "ja", input="q\n")
    assert asked.returncode == 0, asked.stderr
    assert "要確認 残り 1" in asked.stdout


def test_without_a_terminal_it_says_what_to_do(command: Any, floor: Path, run: Run, monkeypatch: Any) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for words in (("pairs", "review", floor), ("runs", "blind-test")):
        refused = command(*words)
        assert refused.returncode == 2 and "--plain" in refused.stderr and "not a terminal" in refused.stderr
    assert command("pairs", "review", floor, "--lang", "fr").returncode == 2
    assert command("pairs", "review", floor, "--image-mode", "x").returncode == 2
    assert command("pairs", "review", floor / "nowhere", "--plain").returncode == 3


def test_json_tells_how_far_it_is_and_asks_nothing(command: Any, floor: Path) -> None:
    command("pairs", "review", floor, "--plain", "--reviewer", "Mori", input="n\na\n")
    told = json.loads(command("pairs", "review", floor, "--json", "--reviewer", "Mori").stdout)
    assert (told["pairs"], told["decided"], told["own"], told["worth_left"]) == (2, 1, 1, 1)
    assert [n["photo"] for n in told["next"]] == ["1.png"] and told["next"][0]["doubts"][0]["name"] == "record"
    assert told["decisions"][0]["held"] == "accept"


def test_a_blind_test_is_taken_line_by_line_and_told(command: Any, run: Run) -> None:
    early = command("runs", "blind-test", "--plain", "--person", "Mori", input="t\nq\n")
    assert early.returncode == 0 and "1 of 2 photos chosen" in early.stdout and "preferred" not in early.stdout
    done = command("runs", "blind-test", "--plain", "--person", "Mori", input="l\n")
    assert "You have chosen for every photo" in done.stdout and "equally good" in done.stdout
    told = json.loads(command("runs", "blind-test", "--json").stdout)
    assert (told["judged"], told["tie"], told["people"]) == (2, 1, 1)
    assert "Blind test" in command("runs", "show").stdout
    assert "People: 1, choices: 2" in command("runs", "blind-test", "--result").stdout


@pytest.mark.parametrize("words", [("pairs", "review"), ("runs", "blind-test")])
def test_on_a_terminal_a_window_opens_and_q_leaves_it(
    home: Path, floor: Path, run: Run, words: tuple[str, str]
) -> None:
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", "100", "rows", "30"], stdin=child, check=True)
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "TERM": "xterm-256color"}
    more = (str(floor),) if words[0] == "pairs" else ()
    executable = [sys.executable, "-m", "realign_edge", *words, *more, "--image-mode", "none"]
    process = subprocess.Popen(executable, stdin=child, stdout=child, stderr=child, env=environment)
    os.close(child)
    seen, deadline = b"", time.monotonic() + 60
    try:
        while b"Gear" not in seen:
            assert time.monotonic() < deadline, seen[-2000:]
            if select.select([parent], [], [], 1)[0]:
                seen += os.read(parent, 65536)
        os.write(parent, b"q")
        while process.poll() is None:
            assert time.monotonic() < deadline
            # What it still writes is read, so that it never waits for us; at its end there is nothing to read from.
            with contextlib.suppress(OSError):
                if select.select([parent], [], [], 0.2)[0]:
                    os.read(parent, 65536)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def test_help_and_lines_load_no_window_code(floor: Path, home: Path) -> None:
    code = (
        "import sys\nfrom realign_edge.cli.main import app\nimport typer\n"
        f"sys.argv = ['realign-edge', 'pairs', 'review', {str(floor)!r}, '--plain', '--reviewer', 'x']\n"
        "try:\n    typer.main.get_command(app).main(standalone_mode=False)\nexcept SystemExit:\n    pass\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in ('textual', 'torch', 'transformers')]\n"
    )
    environment = {**os.environ, "REALIGN_EDGE_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], input="q\n", capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
