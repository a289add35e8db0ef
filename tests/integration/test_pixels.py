"""Photos as pixels: the bytes that a window sends to a terminal, read back and held against the photo."""

import fcntl
import importlib.util
import os
import pty
import random
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from realign_edge.evaluation.preference.answers import AnswerPair, write_answers
from realign_edge.files import sha256_file
from realign_edge.runs.run import create_run

COLUMNS, LINES, CELL = 80, 24, (10, 20)
# Generous: only a test that fails waits so long.
LIMIT_S = 120.0
COLOURS = ((192, 32, 48), (32, 160, 64), (32, 64, 192), (208, 176, 48))


@pytest.fixture(scope="module")
def pixels() -> Any:
    """What reads the bytes as a terminal does."""
    spec = importlib.util.spec_from_file_location("pixels", Path(__file__).with_name("pixels.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules["pixels"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A run with answers to one photo, 240 x 160 pixels: four fields of one colour each, and between them noise, so
    that it does not fit into one message."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "runs").mkdir()
    image = Image.new("RGB", (240, 160))
    for number, colour in enumerate(COLOURS):
        x, y = 120 * (number % 2), 80 * (number // 2)
        ImageDraw.Draw(image).rectangle((x, y, x + 119, y + 79), colour)
    image.paste(Image.frombytes("RGB", (240, 8), random.Random(0).randbytes(240 * 8 * 3)), (0, 76))
    image.save(tmp_path / "photos" / "a.png")
    run = create_run(tmp_path / "runs", "abcd" * 4, {"photos": str(tmp_path / "photos")}, "", datetime(2026, 4, 1, 8))
    write_answers(run.folder, "Describe.", [AnswerPair(sha256_file(tmp_path / "photos" / "a.png"), "a.png", "x", "y")])
    return tmp_path


def sent(home: Path, mode: str, enough: Callable[[bytes], bool], **environment: str) -> bytes:
    """What the blind test sends to a terminal with cells of 10 x 20 pixels, until the photo is there."""
    pid, terminal = pty.fork()
    if pid == 0:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HF_HUB_OFFLINE") if name in os.environ}
        state = {"REALIGN_EDGE_HOME": str(home), "HOME": str(home), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "realign_edge", "runs", "blind-test", "--image-mode", mode]
        os.execve(sys.executable, command, {**kept, **state, **environment})
    pixels_wide, pixels_high = COLUMNS * CELL[0], LINES * CELL[1]
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, pixels_wide, pixels_high))
    found, deadline = b"", time.monotonic() + LIMIT_S
    try:
        while not enough(found):
            assert time.monotonic() < deadline, found[-2000:]
            if select.select([terminal], [], [], 0.2)[0]:
                found += os.read(terminal, 65536)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)
    return found


def same_colours(image: Image.Image, tolerance: int) -> None:
    """Every pixel of the four fields, but for what is less than 12 pixels from an edge: noise, and what resizing mixes
    with it."""
    wide, high = image.width // 2, image.height // 2
    for number, colour in enumerate(COLOURS):
        x, y = wide * (number % 2), high * (number // 2)
        field = image.crop((x + 12, y + 12, x + wide - 12, y + high - 12))
        for channel, wanted in zip(field.split(), colour, strict=True):
            low, most = channel.getextrema()
            assert isinstance(low, int | float) and isinstance(most, int | float)
            assert wanted - tolerance <= low and most <= wanted + tolerance, (number, low, most, wanted)


def cells_of(found: Any) -> Any:
    """The cells of the placed picture as they were last sent from first to last; empty before that."""
    count, first = found.columns * found.rows, (found.number & 0xFFFFFF, "\u0305", "\u0305")
    starts = [i for i, cell in enumerate(found.cells) if cell == first and i + count <= len(found.cells)]
    return found.cells[starts[-1] : starts[-1] + count] if starts else ()


@pytest.mark.parametrize("colours", [{"COLORTERM": "truecolor"}, {}], ids=["here", "over ssh"])
def test_kitty_is_sent_the_photo_and_asked_for_all_of_it(home: Path, pixels: Any, colours: dict[str, str]) -> None:
    def whole(received: bytes) -> bool:
        return b"a=p" in received and bool(cells_of(pixels.kitty(received)))

    received = sent(home, "kitty", whole, TERM="xterm-kitty", **colours)
    assert b"m=1" in received, "more than one message"
    found = pixels.kitty(received)
    assert found.image.size == (found.columns * CELL[0], found.rows * CELL[1]), "not stretched"
    assert found.image.width * 160 == found.image.height * 240
    same_colours(found.image, 0)
    # Every cell names the picture in its colour, its row and its column; the first of both have the same mark.
    cells = cells_of(found)
    assert {number for number, _, _ in cells} == {found.number & 0xFFFFFF}
    rows = [cells[n * found.columns : (n + 1) * found.columns] for n in range(found.rows)]
    marks = [column for _, _, column in rows[0]]
    assert len(set(marks)) == found.columns
    for row in rows:
        assert [column for _, _, column in row] == marks and len({mark for _, mark, _ in row}) == 1
    assert [row[0][1] for row in rows] == marks[: found.rows]


def test_sixels_are_the_photo(home: Path, pixels: Any) -> None:
    image = pixels.sixel(
        sent(home, "sixel", lambda b: b"\x1bP" in b and b"\x1b\\" in b.rpartition(b"\x1bP")[2], TERM="xterm")
    )
    assert image.width * 160 == image.height * 240 and image.width % CELL[0] == image.height % CELL[1] == 0
    # Colours in whole percents, and at most 256 of them.
    same_colours(image, 4)
