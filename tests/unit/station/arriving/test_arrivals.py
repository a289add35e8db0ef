"""What is known about a photo before anybody looks at it."""

import time
from pathlib import Path

import pytest

from realign_edge.errors import MissingError, UsageError
from realign_edge.station.arriving.arrivals import NamePattern, arrivals
from realign_edge.station.arriving.context import Context


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("{lot}_{serial}_*", "a/L2601_007_1.jpg", Context(lot="L2601", serial="007")),
        ("{lot}_{serial}_*", "a/L2601.jpg", Context()),
        ("{serial}", "L2601-007.jpeg", Context(serial="L2601-007")),
        ("{station}/**/{lot}-{serial}", "ST1/x/y/L1-2.png", Context(station="ST1", lot="L1", serial="2")),
        ("{station}/**/{lot}-{serial}", "L1-2.png", Context()),
        ("{lot}-{serial}", "L1-2-3.jpg", Context(lot="L1", serial="2-3")),
        ("{lot}^{serial}", "L]1^2.jpg", Context(lot="L]1", serial="2")),
        ("[{lot}]*", "[A.1] front.jpg", Context(lot="A.1")),
    ],
)
def test_names_are_read_by_a_pattern(pattern: str, name: str, expected: Context) -> None:
    assert NamePattern(pattern).read(name) == expected


@pytest.mark.parametrize("pattern", ["*", "{lott}", "{lot}{lot}", "{lot}*", "**_**_{lot}", "{}", "{lot}" + "*" * 600])
def test_a_pattern_that_makes_no_sense_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        NamePattern(pattern)


def test_no_name_takes_long() -> None:
    pattern = NamePattern("{lot}_{serial}_{station}_{operator}_*_*_*_*_*_*_*_*!")
    began = time.process_time()
    assert pattern.read("_" * 250 + ".jpg") == Context()
    # Seconds at most; by trying every split it would be years.
    assert time.process_time() - began < 5


def test_options_beat_records_and_records_beat_names(tmp_path: Path) -> None:
    for name in ("L1_1.jpg", "L1_2.jpg", "sub/L1_3.jpg", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "records.csv").write_text("photo,lot,taken_at\nL1_1.jpg,FROM-RECORD,2026-04-01\n")
    found = arrivals([tmp_path], Context(operator="sato"), "{lot}_{serial}")
    assert [(a.name, a.context) for a in found] == [
        ("L1_1.jpg", Context("", "sato", "FROM-RECORD", "1", "2026-04-01")),
        ("L1_2.jpg", Context("", "sato", "L1", "2", "")),
        ("sub/L1_3.jpg", Context("", "sato", "L1", "3", "")),
    ]
    assert arrivals([tmp_path], Context(lot="GIVEN"), "{lot}_{serial}")[0].context.lot == "GIVEN"


def test_single_files_have_the_records_of_their_folder_and_are_taken_once(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"x")
    (tmp_path / "a.json").write_text('{"lot": "L9"}')
    found = arrivals([photo, tmp_path, photo], Context())
    assert [(a.name, a.context.lot) for a in found] == [("a.jpg", "L9")]
    with pytest.raises(MissingError, match="is not there"):
        arrivals([tmp_path / "b.jpg"], Context())
