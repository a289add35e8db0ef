"""Every kind of photo is read right or refused with its reason."""

import io
import os
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin

from realign_edge.photos.decode import MOST_SCANS, Refusal, decode, read_photo
from realign_edge.photos.kinds import has_more_scans

# Pillow's warnings are silenced once per process; pytest records them anew for each test.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def picture(seed: int = 0) -> Image.Image:
    """128 x 96 in flat blocks of 16: lossy formats keep the middle of each."""
    rng = np.random.default_rng(seed)
    return Image.fromarray(np.kron(rng.integers(0, 255, (6, 8, 3), np.uint8), np.ones((16, 16, 1), np.uint8)))


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def refusal_of(data: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        decode(data)
    return str(caught.value)


def close(found: Image.Image, wanted: Image.Image, tolerance: float = 0) -> bool:
    a, b = (np.asarray(i, np.float64)[8::16, 8::16] for i in (found, wanted))
    return found.mode == "RGB" and found.size == wanted.size and float(np.abs(a - b).max()) <= tolerance


def tiff(values: "np.ndarray[Any, Any]", bits: int, photometric: int = 1) -> bytes:
    """An uncompressed grey TIFF whose samples have `bits` bits; 12-bit samples are packed."""
    height, width = values.shape
    if bits == 12:
        pairs = values.reshape(height, -1, 2).astype(np.uint16)
        a, b = pairs[..., 0], pairs[..., 1]
        packed = np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], -1).astype(np.uint8).tobytes()
    else:
        packed = values.astype("<u2").tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: 150, 277: 1, 278: height}
    tags[279] = len(packed)
    rows = b"".join(struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, v) for tag, v in sorted(tags.items()))
    return (b"II*\x00" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4)).ljust(150, b"\x00") + packed


# Lossy formats lose at most a few levels in the middle of a flat block; 8 leaves room for other builds.
LOSSY = 8


@pytest.mark.parametrize(
    ("image", "form", "options", "tolerance"),
    [
        (picture(), "JPEG", {"quality": 95}, LOSSY),
        (picture(), "JPEG", {"quality": 95, "progressive": True}, LOSSY),
        (picture(), "PNG", {}, 0),
        (picture(), "WEBP", {"quality": 95}, 2 * LOSSY),
        (picture(), "WEBP", {"lossless": True}, 0),
        (picture(), "WEBP", {"lossless": True, "save_all": True, "append_images": [picture(1)]}, 0),
        (picture(), "PNG", {"save_all": True, "append_images": [picture(1)]}, 0),
        (picture(), "TIFF", {"save_all": True, "append_images": [picture(1)]}, 0),
        (picture(), "TIFF", {"compression": "tiff_lzw"}, 0),
        (picture(), "TIFF", {"compression": "tiff_adobe_deflate"}, 0),
        (picture(), "TIFF", {"big_tiff": True}, 0),
        (picture(), "BMP", {}, 0),
        (picture().quantize(256), "PNG", {}, 0),
        (picture().convert("RGBA"), "PNG", {}, 0),
        (picture().convert("RGBA"), "WEBP", {"lossless": True}, 0),
    ],
)
def test_every_usual_kind_is_read_right(image: Image.Image, form: str, options: dict[str, Any], tolerance: int) -> None:
    assert close(decode(encoded(image, form, **options)), picture(), tolerance)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_kinds_are_read_right(mode: str) -> None:
    grey = picture().convert(mode)
    assert close(decode(encoded(grey, "PNG")), grey.convert("RGB"))


def test_print_colours_are_turned_into_screen_colours() -> None:
    for cmyk, rgb in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))):
        for form in ("JPEG", "TIFF"):
            found = np.asarray(decode(encoded(Image.new("CMYK", (32, 32), cmyk), form)), np.int64)
            assert np.abs(found - rgb).max() <= LOSSY, (cmyk, form)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    deep = np.linspace(0, 65535, 96 * 128).reshape(96, 128).astype(np.uint16)
    wanted = Image.fromarray((deep >> 8).astype(np.uint8)).convert("RGB")
    for data in (encoded(Image.fromarray(deep), "PNG"), encoded(Image.fromarray(deep), "TIFF"), tiff(deep, 16)):
        assert decode(data).tobytes() == wanted.tobytes()


def test_twelve_bits_use_their_own_range_and_negatives_are_turned() -> None:
    ramp = np.linspace(0, 4095, 96 * 128).reshape(96, 128).astype(np.uint16)
    wanted = np.asarray(ramp >> 4, np.uint8)
    assert np.array_equal(np.asarray(decode(tiff(ramp, 12)))[..., 0], wanted)
    deep = ramp * 16
    assert np.array_equal(np.asarray(decode(tiff(deep, 16, photometric=0)))[..., 0], 255 - wanted)


def test_pixels_without_a_stated_range_are_refused() -> None:
    for mode in ("F", "I"):
        assert "no stated range" in refusal_of(encoded(Image.new(mode, (32, 32), 7), "TIFF"))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photo_is_turned_back_once(form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that the camera did
    stored = picture().transpose(Image.Transpose(undo[orientation])) if orientation > 1 else picture()
    options = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    assert close(decode(encoded(stored, form, exif=exif, **options)), picture(), LOSSY if form == "JPEG" else 0)


def test_broken_exif_costs_no_photo() -> None:
    data = encoded(picture(), "PNG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f garbage")
    assert close(decode(data), picture())


def test_transparency_is_laid_on_white() -> None:
    clear = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    assert np.asarray(decode(encoded(clear, "PNG"))).min() == 255
    half = np.asarray(decode(encoded(Image.new("RGBA", (16, 16), (255, 0, 0, 128)), "PNG")))[0, 0]
    assert tuple(half) == (255, 127, 127)


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(picture(), "PNG"))
    assert close(read_photo(path), picture())
    assert close(read_photo(path.read_bytes()), picture())


def test_no_decoder_but_the_one_of_the_content_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    original = Image.open

    def watched(source: Any, **options: Any) -> Any:
        asked.append(options.get("formats"))
        return original(source, **options)

    monkeypatch.setattr(Image, "open", watched)
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "BMP"):
        decode(encoded(picture(), form))
    with pytest.raises(Refusal):
        decode(encoded(picture(), "GIF"))
    assert asked == [("JPEG",), ("PNG",), ("WEBP",), ("TIFF",), ("BMP",)]


FORMS: dict[str, bytes] = {
    "JPEG": encoded(picture(), "JPEG"),
    "progressive": encoded(picture(), "JPEG", progressive=True),
    "PNG": encoded(picture(), "PNG"),
    "WebP": encoded(picture(), "WEBP"),
    "lossless WebP": encoded(picture(), "WEBP", lossless=True),
    "BMP": encoded(picture(), "BMP"),
    "TIFF": encoded(picture(), "TIFF"),
    "LZW TIFF": encoded(picture(), "TIFF", compression="tiff_lzw"),
    "deflate TIFF": encoded(picture(), "TIFF", compression="tiff_adobe_deflate"),
}


@pytest.mark.parametrize("name", FORMS)
def test_cut_anywhere_a_photo_is_whole_or_ends_early(name: str) -> None:
    data = FORMS[name]
    whole = decode(data).tobytes()
    for length in [*range(1, len(data), max(1, len(data) // 97)), len(data) - 1]:
        try:
            assert decode(data[:length]).tobytes() == whole, length
        except Refusal as refusal:
            if length >= 16:  # below that, not even the format can be told
                assert str(refusal) == "the file ends early", length


@pytest.mark.parametrize("name", ["JPEG", "progressive", "PNG", "lossless WebP", "LZW TIFF", "deflate TIFF"])
def test_a_file_whose_end_was_never_written_is_refused(name: str) -> None:
    data = FORMS[name]
    for tenth in range(1, 10):
        kept = len(data) * tenth // 10
        assert refusal_of(data[:kept] + bytes(len(data) - kept))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(FORMS)), seed=st.integers(0, 2**32 - 1), flips=st.integers(1, 40))
def test_flipped_bytes_never_crash_the_reader(name: str, seed: int, flips: int) -> None:
    rng, data = np.random.default_rng(seed), bytearray(FORMS[name])
    for at in rng.integers(0, min(len(data), 400), flips):
        data[at] = rng.integers(256)
    try:
        assert decode(bytes(data), max_pixels=2_000_000).mode == "RGB"
    except Refusal as refusal:
        assert str(refusal).isprintable()
        assert "0x" not in str(refusal)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (png_claiming(60000, 60000), "more than 178 million pixels"),
        (png_claiming(9000, 9000), "more than 80 million pixels"),
        (png_claiming(3, 2), "only 3 x 2 pixels"),
        (png_claiming(20, 20), "damaged|ends early"),
        (b"hello", "not an image; JPEG, PNG, WebP, TIFF, BMP are read"),
        (b"\xff\xd8", "the file ends early"),
        (encoded(picture(), "GIF"), "a GIF image"),
        (encoded(picture(), "ICO"), "an icon file"),
        (encoded(picture(), "JPEG2000"), "a JPEG 2000 image"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(20), "a HEIC image"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(20), "an AVIF image"),
        (b"<!DOCTYPE html><html>please log in</html>", "a web page"),
        (b"<?xml version='1.0'?><svg/>", "an SVG drawing"),
        (bytes(128) + b"DICM", "a DICOM file"),
    ],
)
def test_a_refusal_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        decode(data)


def test_camera_raw_is_not_read_as_its_thumbnail() -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[50706] = b"\x01\x04\x00\x00"
    assert "camera raw" in refusal_of(encoded(picture(), "TIFF", tiffinfo=info))


def test_a_metadata_bomb_is_refused() -> None:
    chunk = b"zTXt" + b"k\x00\x00" + zlib.compress(bytes(80_000_000))
    bomb = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = FORMS["PNG"]
    assert refusal_of(data[:33] + bomb + data[33:])


def progressive(scans: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A JPEG of 64 x 64 pixels whose further scans say of every block that nothing is left to be said.

    before: put before the frame, after: behind the end.
    """

    def segment(marker: int, data: bytes) -> bytes:
        return bytes((0xFF, marker)) + (len(data) + 2).to_bytes(2, "big") + data

    one_code = bytes([1] + [0] * 15)
    head = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, b"\x08\0\x40\0\x40\1\1\x11\0")
    head += segment(0xC4, b"\x00" + one_code + b"\x00") + segment(0xC4, b"\x10" + one_code + b"\x60")
    first = segment(0xDA, b"\1\1\0\0\0\0") + bytes(8)
    # One run of 64 blocks: a code of one bit, and six bits of 0.
    more = segment(0xDA, b"\1\1\0\1\x3f\0") + b"\x01"
    return b"\xff\xd8" + before + head + first + more * (scans - 1) + b"\xff\xd9" + after


def test_a_small_file_that_keeps_the_decoder_busy_for_hours_is_refused() -> None:
    assert decode(progressive(MOST_SCANS)).size == (64, 64)
    with pytest.raises(Refusal, match="more than 100 scans"):
        decode(progressive(MOST_SCANS + 1))
    # What only looks like scans is none: in a maker's notes, and in a film behind the photo.
    notes = b"\xff\xe1\x40\x00" + b"\xff\xda" * 0x1FFF
    assert decode(progressive(3, notes, b"\xff\xda\0\0" * 1000)).size == (64, 64)


@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\xda", b"\xff\xe1\xff", b"\xff" * 100_000 + b"\0" * 100_000])
def test_scans_are_counted_in_whatever_bytes_there_are(end: bytes) -> None:
    assert not has_more_scans(b"\xff\xd8" + end, 3)


@pytest.mark.parametrize("error", [MemoryError(), struct.error("x"), SyntaxError("x"), RecursionError(), KeyError(3)])
def test_whatever_a_decoder_raises_is_a_refusal(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **options: object) -> Image.Image:
        raise error

    monkeypatch.setattr(Image, "open", broken)
    assert refusal_of(FORMS["PNG"])


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "null.jpg").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.jpg"))
    monkeypatch.setattr(os, "open", lambda *a, **k: pytest.fail(f"{a} was opened"))
    reasons = {
        "pipe": "a pipe", "folder": "a folder", "socket": "a socket", "null": "a device",
        "loop": "leads in a circle", "gone": "not there", "empty": "the file is empty",
    }  # fmt: skip
    for name, reason in reasons.items():
        with pytest.raises(Refusal, match=reason):
            read_photo(tmp_path / f"{name}.jpg")


def test_a_file_one_may_not_read_or_that_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(FORMS["JPEG"])
    with path.open("r+b") as file:
        file.truncate(200_000_001)  # sparse
    with pytest.raises(Refusal, match="larger than 200 MB"):
        read_photo(path)
    path.write_bytes(FORMS["JPEG"])

    def denied(*arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(Refusal, match="no permission to read the file"):
        read_photo(path)
