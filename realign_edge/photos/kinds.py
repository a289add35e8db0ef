"""What a file is, by its first bytes: the extension is never trusted."""

import re
import struct
import zlib

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")

_TIFF = (b"II*\x00", b"MM\x00*", b"MM*\x00", b"II\x00*", b"II+\x00", b"MM\x00+")
# Two bytes that end a JPEG's compressed data: neither a stuffed 0xFF nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _TEMPORARY = 0xD8, 0xD9, 0xDA, 0x01
# Bytes per value of a directory entry, by its type.
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_PNG = b"\x89PNG\r\n\x1a\n"
_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (_PNG, "PNG"),
    *((start, "TIFF") for start in _TIFF),
    (b"BM", "BMP"),
    (b"GIF8", "a GIF image"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"8BPS", "a Photoshop file"),
    (b"\x00\x00\x01\x00", "an icon file"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
)
_MARKUP = ((b"<svg", "an SVG drawing"), (b"<html", "a web page"), (b"<!doctype html", "a web page"))
_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def kind_of(data: bytes) -> str:
    """One of FORMATS, else words for what the file is ("a GIF image", "not an image")."""
    for start, kind in _SIGNATURES:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[4:8] == b"ftyp":
        brand = data[8:12]
        return "a HEIC image" if brand in _HEIC else "an AVIF image" if brand == b"avif" else "a video or HEIF file"
    if data[128:132] == b"DICM":
        return "a DICOM file"
    head = data[:1000].lower()
    return next((kind for mark, kind in _MARKUP if mark in head), "not an image")


def ends_early(data: bytes, kind: str) -> bool:
    """Whether a file that could not be decoded looks cut off. Only asked after a failure."""
    if kind == "JPEG":
        return not data.rstrip(b"\x00").endswith(b"\xff\xd9") or data.endswith(bytes(16))
    if kind == "PNG":
        return b"IEND" not in data[-64:]
    if kind == "WEBP":
        return int.from_bytes(data[4:8], "little") + 8 > len(data)
    if kind == "BMP":
        return int.from_bytes(data[2:6], "little") > len(data)
    if kind == "TIFF" and len(data) >= 8:
        return _directory_end(data) > len(data)
    return len(data) < 16


def never_finished(data: bytes) -> bool:
    """Whether a JPEG ends in zeros instead of its end marker, as after a power cut or on a full disk.

    The decoder takes zeros for pixels. In the scan, 0xFF is followed by 0x00 or a restart marker, so
    that the end marker cannot be there by chance.
    """
    return data.endswith(bytes(16)) and data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) < 0


def has_more_scans(data: bytes, most: int) -> bool:
    """Whether a JPEG has more than `most` scans (ITU-T T.81, B.1.1).

    The decoder goes through all pixels once for each, and one that changes nothing takes a hundred bytes: a small file
    could keep it busy for hours. Progressive encoders write about ten.
    """
    at, scans = 0, 0
    while (found := _MARKER.search(data, at)) is not None:
        at, code = found.end(), data[found.end() - 1]
        if code == _END_OF_IMAGE:
            break
        if code not in (_START_OF_IMAGE, _TEMPORARY):
            at += int.from_bytes(data[at : at + 2], "big")
        scans += code == _START_OF_SCAN
        if scans > most:
            return True
    return False


def _directory_end(data: bytes) -> int:
    """Where the first directory of a (small, not Big) TIFF and its values should end, in bytes from the start."""
    order = "<" if data[:2] == b"II" else ">"
    at = int(struct.unpack_from(order + "I", data, 4)[0])
    if b"*" not in data[:4]:
        return 0
    if at + 2 > len(data):
        return at + 2
    entries = int(struct.unpack_from(order + "H", data, at)[0])
    end = at + 6 + 12 * entries
    for entry in range(at + 2, min(end, len(data)) - 15, 12):
        _, kind, count, offset = struct.unpack_from(order + "HHII", data, entry)
        size = count * _TIFF_SIZES.get(kind, 0)
        end = max(end, offset + size if size > 4 else 0)
    return end


def damaged_chunk(data: bytes) -> str:
    """The name of the first essential PNG chunk whose checksum is wrong, "" where all are right.

    The decoder stops at the last pixel it can make and does not check what is left, so that a file
    whose end was never written (zeros after a power cut) would be read with a made-up lower half.
    """
    at = len(_PNG)
    while at + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            return ""
        if name[:1].isupper():
            found = zlib.crc32(memoryview(data)[at + 4 : at + 8 + length])
            if found != struct.unpack_from(">I", data, at + 8 + length)[0]:
                return name.decode("ascii", "replace") if name.isalpha() else "unknown"
        if name == b"IEND":
            return ""
        at += 12 + length
    return ""
