"""The loader on a configuration of its own, with every kind of value there is."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realign_edge.config.load import from_values, load_config, to_toml
from realign_edge.errors import UsageError


@dataclass(frozen=True)
class Camera:
    exposure_ms: float = 8.0
    area: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if not self.exposure_ms > 0:
            raise ValueError("exposure_ms must be positive")


@dataclass(frozen=True)
class Station:
    name: str = "press 4"
    shifts: int = 3
    night: bool = False
    mode: Literal["fast", "careful", "1"] = "fast"
    folder: Path = Path("photos")
    tags: tuple[str, ...] = ()
    limit: float | None = None
    camera: Camera = field(default_factory=Camera)


@dataclass(frozen=True)
class Strict:
    beta: float


def problems_of(kind: type, text: str, tmp_path: Path) -> str:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_config(kind, path)
    assert caught.value.exit_code == 2
    return caught.value.message.removeprefix(f"{path}: ")


def test_nothing_gives_the_defaults_and_everything_is_taken(tmp_path: Path) -> None:
    assert load_config(Station, None) == Station()
    path = tmp_path / "s.toml"
    path.write_text(
        'name = "プレス"\nshifts = 2\nnight = true\nmode = "careful"\nfolder = "~/x"\ntags = ["a", "b"]\nlimit = 3\n'
        "[camera]\nexposure_ms = 4\narea = [1, 2]\n"
    )
    assert load_config(Station, path) == Station(
        "プレス", 2, True, "careful", Path.home() / "x", ("a", "b"), 3.0, Camera(4.0, (1, 2))
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shifts = true", "`shifts` must be a whole number, not True"),
        ("shifts = 1.0", "`shifts` must be a whole number, not 1.0"),
        ("night = 1", "`night` must be true or false, not 1"),
        ("name = 4", "`name` must be text, not 4"),
        ("folder = 4", "`folder` must be a path, not 4"),
        ("limit = nan", "`limit` must be a finite number, not nan"),
        ('limit = "3"', "`limit` must be a number, not '3'"),
        ('mode = "carefull"', "`mode` must be one of fast, careful, 1 (did you mean `careful`?)"),
        ("mode = 1", "`mode` must be one of fast, careful, 1 (did you mean `1`?)"),
        ('tags = "a"', "`tags` must be a list, not 'a'"),
        ('tags = ["a", 4]', "`tags[2]` must be text, not 4"),
        ("camera = 4", "`camera` must be a table, not 4"),
        ("[camera]\narea = [1]", "`camera.area` must have 2 items, not 1"),
        ("[camera]\nexposure_ms = 0", "camera: exposure_ms must be positive"),
        ("[camera]\nexposur_ms = 0", "unknown key `camera.exposur_ms` (did you mean `exposure_ms`?)"),
        ("exposure_ms = 4", "unknown key `exposure_ms` (did you mean `camera.exposure_ms`?)"),
        ("[camera]\nshifts = 4", "unknown key `camera.shifts` (did you mean `shifts`?)"),
        ("zzz = 4", "unknown key `zzz`"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_meant(tmp_path: Path, text: str, words: str) -> None:
    assert problems_of(Station, text, tmp_path) == words


def test_all_problems_are_told_at_once_ranges_too(tmp_path: Path) -> None:
    told = problems_of(Station, 'shifts = "x"\nnight = 2\n[camera]\nexposure_ms = -1\narea = 3\n', tmp_path)
    assert told.splitlines() == [
        "4 problems",
        "  `shifts` must be a whole number, not 'x'",
        "  `night` must be true or false, not 2",
        "  `camera.area` must be a list, not 3",
        "  camera: exposure_ms must be positive",
    ]


def test_a_key_without_default_must_be_there(tmp_path: Path) -> None:
    assert problems_of(Strict, "", tmp_path) == "`beta` is missing"
    assert problems_of(Strict, "bata = 1", tmp_path).splitlines() == [
        "2 problems",
        "  unknown key `bata` (did you mean `beta`?)",
        "  `beta` is missing",
    ]


@pytest.mark.parametrize(
    ("data", "words"), [(b"\xff", "it is not UTF-8"), (b"a = 1\nb = = 2\n", "line 2"), (None, "No such file")]
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, data: bytes | None, words: str) -> None:
    path = tmp_path / "s.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=f"s.toml cannot be read: .*{words}"):
        load_config(Station, path)


def test_what_is_typed_beats_the_file_and_is_checked_as_strictly(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("shifts = 1\n[camera]\nexposure_ms = 2\n")
    found = load_config(Station, path, {"shifts": 9, "camera.exposure_ms": 3, "tags": ("x",)})
    assert (found.shifts, found.camera.exposure_ms, found.tags) == (9, 3.0, ("x",))
    with pytest.raises(UsageError, match="did you mean `shifts`"):
        load_config(Station, None, {"shift": 1})
    path.write_text("camera = 1\n")
    with pytest.raises(UsageError, match="`camera` must be a table, not 1"):
        load_config(Station, path, {"camera.exposure_ms": 3})


# Surrogates are no text: neither TOML nor UTF-8 can hold them.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@given(
    TEXT,
    st.integers(-(2**63), 2**63 - 1),
    st.lists(TEXT, max_size=3),
    st.none() | NUMBER,
    NUMBER.filter(lambda x: x > 0),
)
def test_every_configuration_reads_back_as_it_was(
    name: str, shifts: int, tags: list[str], limit: float | None, exposure: float
) -> None:
    config = Station(name=name, shifts=shifts, tags=tuple(tags), limit=limit, camera=Camera(exposure))
    assert from_values(Station, tomllib.loads(to_toml(config)), "test") == config
