"""A folder in which most files are no photos; a scan that is killed."""

import io
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.progress import Silent

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Maker = Callable[[int], bytes]


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8))


def encoded(seed: int, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture(seed).save(buffer, form, **options)
    return buffer.getvalue()


def noise(seed: int, length: int = 64) -> bytes:
    return np.random.default_rng(seed).bytes(length)


def cut(form: str, share: float, **options: Any) -> Maker:
    def make(seed: int) -> bytes:
        data = encoded(seed, form, **options)
        return data[: max(20, int(len(data) * share))]

    return make


def zeroed(form: str, **options: Any) -> Maker:
    """The end was never written: a power cut, a full disk."""

    def make(seed: int) -> bytes:
        data = encoded(seed, form, **options)
        return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)

    return make


def rotten(compression: str) -> Maker:
    """Wrong bytes in the middle of the pixels, about which libtiff talks."""

    def make(seed: int) -> bytes:
        data = bytearray(encoded(seed, "TIFF", compression=compression))
        data[200:400] = noise(seed, 200)
        return bytes(data)

    return make


def png_claiming(width: int, height: int, colour: int = 2) -> Maker:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def make(seed: int) -> bytes:
        header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
        data = chunk(b"IDAT", zlib.compress(noise(seed)))
        return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")

    return make


def webp_claiming(side: int) -> Maker:
    def make(seed: int) -> bytes:
        size = (side - 1).to_bytes(3, "little")
        body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + size + size + noise(seed)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    return make


def bmp_claiming(side: int) -> Maker:
    return lambda seed: (
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 200, 0, 54, 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0) + noise(seed)
    )


def after(start: bytes) -> Maker:
    return lambda seed: start + noise(seed)


def flipped(form: str, **options: Any) -> Maker:
    def make(seed: int) -> bytes:
        data = bytearray(encoded(seed, form, **options))
        data[60:120] = bytes(255 - b for b in data[60:120])
        return bytes(data)

    return make


MAKERS: tuple[Maker, ...] = (
    lambda seed: b"",
    lambda seed: b"\xff\xd8",
    noise,
    *map(after, (b"GIF89a", b"%PDF-1.7\n", b"RIFF", b"BM", b"II*\x00", b"MM\x00*", b"II+\x00", b"\xff\xd8\xff\xe0")),
    *map(after, (b"\x89PNG\r\n\x1a\n", b"\x00\x00\x00\x18ftypheic", b"<html>", b"<svg>", b"8BPS", b"PK\x03\x04")),
    after(bytes(500)),
    *(cut("JPEG", share) for share in (0.02, 0.3, 0.99)),
    *(cut("PNG", share) for share in (0.01, 0.5, 0.9)),
    *(cut("WEBP", share) for share in (0.1, 0.9)),
    *(cut("TIFF", share, compression="tiff_lzw") for share in (0.1, 0.9)),
    *(cut("BMP", share) for share in (0.1, 0.9)),
    *(zeroed(form) for form in ("JPEG", "PNG")),
    zeroed("TIFF", compression="tiff_adobe_deflate"),
    flipped("PNG"),
    rotten("tiff_lzw"),
    rotten("tiff_adobe_deflate"),
    *(png_claiming(*size) for size in ((60000, 60000), (9000, 9000), (3, 2), (0, 7), (64, 64))),
    png_claiming(64, 64, colour=9),
    *(webp_claiming(side) for side in (16384, 1 << 24)),
    *(bmp_claiming(side) for side in (2**31 - 1, -(2**31), 0, 50000)),
    lambda seed: encoded(seed, "GIF"),
    lambda seed: encoded(seed, "ICO"),
    lambda seed: encoded(seed, "JPEG2000"),
)


def test_200_malformed_files_cost_200_named_refusals_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    root, deep = tmp_path / "photos", tmp_path / "photos" / "deep" / "er"
    deep.mkdir(parents=True)
    extensions = (".jpg", ".JPEG", ".png", ".tif", ".webp", ".bmp")
    bad = [f"bad-{i:03d}{extensions[i % 6]}" for i in range(196)]
    for i, name in enumerate(bad):
        (root / name).write_bytes(MAKERS[i % len(MAKERS)](i))
    os.mkfifo(root / "bad-pipe.jpg")
    (root / "bad-loop.jpg").symlink_to("bad-loop.jpg")
    (root / "bad-gone.jpg").symlink_to("nowhere.jpg")
    (root / "bad-outside.jpg").symlink_to("/etc/hostname")
    bad += ["bad-pipe.jpg", "bad-loop.jpg", "bad-gone.jpg", "bad-outside.jpg"]
    (root / "deep" / "round").symlink_to(root)
    good = [f"deep/er/good-{i:02d}.png" for i in range(30)]
    for i, name in enumerate(good):
        (root / name).write_bytes(encoded(1000 + i, "PNG"))
    rows = "".join(f"{name},note of {name}\n" for name in [*bad, *good])
    (root / "records.csv").write_text("photo,note\n" + rows)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        found = open_collection(catalog, root, PhotoSettings(), Silent())
        again = open_collection(catalog, root, PhotoSettings(), Silent())
    assert len(bad) == 200
    assert [r.name for r in found.refused] == sorted(bad)
    assert all(r.reason.isprintable() and r.reason for r in found.refused)
    assert len({r.reason for r in found.refused}) >= 20
    assert [p.name for p in found.photos] == good
    assert [p.record.note for p in found.photos if p.record] == [f"note of {n}" for n in good]
    assert found.problems == (
        "1 linked folders are not followed (first: deep/round); name the folder itself, or copy its photos",
    )
    assert (again.photos, again.refused, again.rescanned) == (found.photos, found.refused, False)
    assert capfd.readouterr() == ("", "")


SCAN = """
import sys
from pathlib import Path
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.progress import Silent
with Catalog(Path(sys.argv[2])) as catalog:
    print(len(open_collection(catalog, Path(sys.argv[1]), PhotoSettings(), Silent()).photos))
"""


def test_a_killed_scan_goes_on_from_where_it_was(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    root.mkdir()
    for i in range(600):
        (root / f"{i:04d}.png").write_bytes(encoded(i, "PNG"))
    path = tmp_path / "catalog.sqlite"
    arguments = [sys.executable, "-c", SCAN, str(root), str(path)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL)
    with Catalog(path) as watching:
        deadline = time.monotonic() + 60
        while not watching.known_files(root) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = len(watching.known_files(root))
    assert 0 < kept <= 600
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip() == "600"
