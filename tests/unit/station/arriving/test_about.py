"""Options beat records, records beat the file's name."""

from pathlib import Path

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
