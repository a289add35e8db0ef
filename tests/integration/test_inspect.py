"""`inspect` and `ask` as a technician runs them: the real command, on a signed bundle, with the base install alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

Command = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = ("torch", "transformers", "peft", "safetensors", "hnswlib", "scipy", "onnx", "sentence_transformers",
         "textual", "tui")  # fmt: skip


def test_photos_are_judged_and_the_rest_is_named(command: Command, station: Path, incoming: Path) -> None:
    done = command("inspect", incoming, "--name-pattern", "{lot}_{serial}_*", "--operator", "sato", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert [(p["name"], p["lot"], p["serial"], p["operator"]) for p in said["photos"]] == [
        (f"L77_{n:03d}_a.jpg", "L77", f"{n:03d}", "sato") for n in range(3)
    ]
    for photo in said["photos"]:
        assert photo["verdict"] in ("PASS", "FAIL", "REVIEW")
        assert photo["description"] and photo["reasons"] and photo["part"]
        assert len(photo["neighbours"]) == 5
        assert (photo["verdict"] == "FAIL") <= bool(photo["findings"])
    assert {r["name"] for r in said["refused"]} == {"broken.jpg", "mail.png"}
    assert sum(said["counts"].values()) == 5


def test_a_person_sees_verdict_symbol_and_word(command: Command, station: Path, incoming: Path) -> None:
    done = command("inspect", incoming, "--quiet")
    assert done.returncode == 0
    assert done.stderr == ""
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "- REFUSED  broken.jpg" in done.stdout
    assert any(f"{symbol} {word}" in done.stdout for symbol, word in (("✓", "PASS"), ("✗", "FAIL"), ("?", "REVIEW")))
    assert "3 photos:" in done.stdout


def test_a_question_is_answered_with_its_evidence(command: Command, station: Path, incoming: Path) -> None:
    done = command("ask", incoming / "L77_000_a.jpg", "Does the photo show rust?", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["answer"] in ("Yes.", "No.")
    assert 0 < said["confidence"] <= 1
    assert said["reference"]
    assert len(said["neighbours"]) == 5
    assert command("ask", incoming / "mail.png", "What?").returncode == 3


def test_without_a_bundle_it_says_what_to_do(command: Command, incoming: Path) -> None:
    done = command("inspect", incoming)
    assert done.returncode == 3
    assert "realign-edge bundle install" in done.stderr


def test_a_link_that_leads_nowhere_is_told_of(command: Command, station: Path, incoming: Path) -> None:
    (station / "bundles" / "tried").rename(station / "bundles" / "elsewhere")
    done = command("inspect", incoming)
    assert (done.returncode, "the active bundle tried is gone" in done.stderr) == (3, True)


def test_nothing_of_a_changed_bundle_is_loaded(command: Command, station: Path, incoming: Path) -> None:
    rules = station / "bundles" / "tried" / "rules.toml"
    rules.write_text(rules.read_text(encoding="utf-8").replace("REVIEW", "PASS  "), encoding="utf-8")
    done = command("inspect", incoming)
    assert done.returncode == 1
    assert "rules.toml" in done.stderr
    assert done.stdout == ""


def test_exit_codes(command: Command, station: Path, incoming: Path, tmp_path: Path) -> None:
    assert command("inspect", incoming, "--name-pattern", "{lott}").returncode == 2
    assert command("inspect", tmp_path / "nowhere").returncode == 3
    assert command("inspect", incoming / "mail.png").returncode == 3
    assert command("ask", incoming / "L77_000_a.jpg", " ").returncode == 2
    said = json.loads(command("inspect", incoming, "--json").stdout)
    strict = command("inspect", incoming, "--strict", "--quiet")
    assert strict.returncode == (0 if said["counts"]["PASS"] == 3 else 4)


def test_only_the_base_install_is_loaded(station: Path, incoming: Path) -> None:
    """With every heavy library made impossible to import, and none of them loaded at the end."""
    code = f"""
import sys
for name in {HEAVY!r}:
    sys.modules[name] = None
sys.argv = ["realign-edge", "inspect", {str(incoming)!r}, "--quiet"]
from realign_edge.cli.main import main
try:
    main()
except SystemExit as end:
    loaded = [n for n in {HEAVY!r} if sys.modules.get(n) is not None]
    sys.exit(f"loaded: {{loaded}}" if loaded else end.code)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "3 photos:" in done.stdout
