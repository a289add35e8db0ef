import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.decode import Refusal, decode, read_photo
from realign_edge.progress import Silent


def picture(seed: int = 0, size: tuple[int, int] = (64, 48)) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def malformed(seed: int) -> bytes:
    """One of twenty ways to be no photo; `seed` makes each file different."""
    rng = np.random.default_rng(seed)
    jpeg, png = encoded(picture(seed), "JPEG"), encoded(picture(seed), "PNG")
    noise = rng.bytes(64)
    ways = (
        b"", b"\xff\xd8", noise, b"GIF89a" + noise, b"%PDF-1.7\n" + noise, b"RIFF" + noise, b"BM" + noise,
        b"II*\x00" + noise, b"MM\x00*" + noise, jpeg[: len(jpeg) // 2], jpeg[:20], png[: len(png) // 2], png[:40],
        png_claiming(60000, 60000), png_claiming(3, 2), encoded(picture(seed), "GIF"), encoded(picture(seed), "ICO"),
        b"<svg xmlns='http://www.w3.org/2000/svg'/>" + noise, b"\x00" * 500 + noise,
        png[:60] + bytes(255 - b for b in png[60:120]) + png[120:],
    )  # fmt: skip
    return ways[seed % len(ways)]


@pytest.mark.parametrize(
    ("image", "form", "options"),
    [
        (picture(), "JPEG", {}),
        (picture().convert("CMYK"), "JPEG", {}),
        (picture().convert("L"), "PNG", {}),
        (picture().convert("P"), "PNG", {}),
        (picture().convert("1"), "PNG", {}),
        (picture().convert("RGBA"), "PNG", {}),
        (picture().convert("LA"), "PNG", {}),
        (picture(), "WEBP", {}),
        (picture(), "BMP", {}),
        (picture(), "TIFF", {"compression": "tiff_lzw"}),
        (picture(), "WEBP", {"save_all": True, "append_images": [picture(1)]}),
    ],
    ids=["jpeg", "cmyk", "grey", "palette", "bilevel", "alpha", "grey-alpha", "webp", "bmp", "tiff-lzw", "animated"],
)
def test_every_usual_kind_is_read(image: Image.Image, form: str, options: dict[str, object]) -> None:
    found = decode(encoded(image, form, **options))
    assert (found.mode, found.size) == ("RGB", (64, 48))


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = Image.fromarray(np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16))
    for form in ("PNG", "TIFF"):
        values = np.asarray(decode(encoded(deep, form)))[..., 0]
        assert values.min() == 0
        assert values.max() == 255
        assert abs(float(values.mean()) - 127.5) < 2


def test_a_turned_photo_is_turned_back() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(picture(), "JPEG", exif=exif)).size == (48, 64)


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    assert np.asarray(decode(encoded(clear, "PNG"))).min() == 255


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(picture(), "PNG"))
    assert read_photo(path).size == (64, 48)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(picture(), "JPEG")[:1200], "ends early"),
        (png_claiming(60000, 60000), "million pixels"),
        (png_claiming(3, 2), "only 3 x 2"),
        (b"hello", "not a JPEG"),
        (encoded(picture(), "GIF"), "not a JPEG"),
    ],
)
def test_a_refusal_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        decode(data)


def test_files_that_are_not_files_are_never_opened_for_long(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    for name, reason in (("pipe", "regular"), ("empty", "empty"), ("loop", "opened"), ("gone", "opened")):
        with pytest.raises(Refusal, match=reason):
            read_photo(tmp_path / f"{name}.jpg")


def test_200_malformed_files_cost_200_named_refusals(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    (root / "deep" / "er").mkdir(parents=True)
    for i in range(200):
        (root / f"bad-{i:03d}.jpg").write_bytes(malformed(i))
    for i in range(30):
        (root / "deep" / "er" / f"good-{i:02d}.png").write_bytes(encoded(picture(1000 + i), "PNG"))
    (root / "deep" / "round").symlink_to(root)
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        found = open_collection(catalog, root, PhotoSettings(), Silent())
        assert catalog.photos(root) == found.photos
    assert len(found.photos) == 30
    assert [r.name for r in found.refused] == [f"bad-{i:03d}.jpg" for i in range(200)]
    assert all(r.reason for r in found.refused)
