"""The disk is full at some write of inspect, report, upkeep and restore: clear words, nothing torn, and it goes on."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).with_name("full_disk_stages.py")


def test_a_full_disk_on_a_station_is_told_and_loses_nothing(
    station: Path, incoming: Path, opened_namespace: list[str], tmp_path: Path
) -> None:
    if not opened_namespace:
        pytest.skip("mount namespaces are not permitted here")
    words = [sys.executable, str(WORKER), str(station), str(incoming), str(tmp_path / "disk")]
    (tmp_path / "disk").mkdir()
    done = subprocess.run([*opened_namespace, *words], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    assert all(any(t["code"] for t in tries) for tries in found.values()), found
    for stage, tries in found.items():
        for tried in tries:
            where = f"{stage}, {tried['pages']} pages: {tried['words']}"
            assert (tried["strays"], tried["problems"], tried["again"]) == ([], [], 0), where
            if tried["code"]:
                assert tried["code"] == 1, where
                assert "Traceback" not in tried["words"], where
                assert "inside realign-edge" not in tried["words"], where
                assert "/disk/" in tried["words"], where
                assert any(w in tried["words"] for w in ("free some space", "make room on the disk")), where
    shutil.rmtree(tmp_path / "disk")
