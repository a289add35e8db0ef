"""Options beat records, records beat the file's name."""

import json
from pathlib import Path

import pytest

from realign_edge.station.arriving import about as module
from realign_edge.station.arriving.about import context_by
from realign_edge.station.arriving.context import Context


def test_options_then_records_then_the_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "L1_N1.jpg").write_bytes(b"a photo")
    about = context_by(Context(station="S1"), "{lot}_{serial}")
    path = tmp_path / "sub" / "L1_N1.jpg"
    assert about(path, "sub/L1_N1.jpg") == Context(station="S1", lot="L1", serial="N1")
    (tmp_path / "sub" / "L1_N1.json").write_text('{"lot": "L9", "station": "S9", "taken_at": "2026-04-01"}')
    assert about(path, "sub/L1_N1.jpg") == Context(station="S1", lot="L9", serial="N1", taken_at="2026-04-01")
    (tmp_path / "sub" / "records.csv").write_text("photo,lot\nL1_N1.jpg,L7\n")
    assert about(path, "sub/L1_N1.jpg").lot == "L7"
    assert context_by(Context())(tmp_path / "other.jpg", "other.jpg") == Context()


def test_table_that_is_too_large_to_be_read_for_every_photo_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TABLE", 60)
    (tmp_path / "records.csv").write_text("photo,lot\na.jpg,L1\n")
    told = list[str]()
    about = context_by(Context(), tell=told.append)
    assert about(tmp_path / "a.jpg", "a.jpg").lot == "L1" and told == []
    (tmp_path / "records.csv").write_text("photo,lot\na.jpg,L1\n" + "b.jpg,L2\n" * 10)
    (tmp_path / "a.json").write_text(json.dumps({"lot": "L3", "note": "x" * 100}))
    assert [about(tmp_path / "a.jpg", "a.jpg").lot for _ in range(2)] == ["L3", "L3"]
    assert len(told) == 1 and "records.csv is larger" in told[0]
