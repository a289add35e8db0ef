"""Decode one photo safely: bounded, by content, and refused with a reason instead of crashing."""

import functools
import io
import logging
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from realign_edge.photos.kinds import FORMATS, damaged_chunk, ends_early, has_more_scans, kind_of, never_finished
from realign_edge.photos.quiet import quiet_stderr
from realign_edge.photos.regular import MAX_BYTES, Refusal, read_bytes
from realign_edge.photos.text import clean

__all__ = ["FORMATS", "MAX_BYTES", "MAX_PIXELS", "RULES", "Refusal", "decode", "read_bytes", "read_photo"]

MAX_PIXELS = 80_000_000
MIN_SIDE = 8
MOST_SCANS = 100
# Raise it when the same bytes are read or refused differently: photos seen before are then looked at again.
RULES = 2

_ORIENTATION, _BITS, _PHOTOMETRIC, _DNG = 0x0112, 258, 262, 50706
_EARLY = "the file ends early"
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode to upright 8-bit RGB; the first frame of an animation, transparency laid on white.

    12- and 16-bit samples keep their high byte, so that the full range maps to 0..255.

    Raises:
        Refusal: another format, fewer than 8 pixels a side, too many pixels, damaged, or ending early.
    """
    _hush()
    kind = kind_of(data)
    if kind not in FORMATS:
        raise Refusal(_EARLY if len(data) < 12 and _begins(data) else f"{kind}; JPEG, PNG, WebP, TIFF, BMP are read")
    image = _opened(data, kind)
    if image.width * image.height > max_pixels:
        raise Refusal(f"more than {max_pixels // 1_000_000} million pixels")
    if min(image.size) < MIN_SIDE:
        raise Refusal(f"only {image.width} x {image.height} pixels")
    if kind == "JPEG" and never_finished(data):
        raise Refusal(_EARLY)
    if kind == "JPEG" and has_more_scans(data, MOST_SCANS):
        raise Refusal(f"more than {MOST_SCANS} scans, which no camera writes")
    if kind == "PNG" and (chunk := damaged_chunk(data)):
        raise Refusal(f"damaged image data (wrong checksum of {chunk})")
    try:
        with quiet_stderr() if kind == "TIFF" else nullcontext():
            image.load()
    except MemoryError:
        raise Refusal("needs more memory than there is", passing=True) from None
    except Exception as problem:  # decoders raise whatever their libraries do
        raise _damaged(data, kind, problem, "data") from None
    return _rgb(_upright(image))


def read_photo(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read and decode one file, or the bytes of one.

    Raises:
        Refusal: see `read_bytes` and `decode`.
    """
    return decode(source if isinstance(source, bytes) else read_bytes(source), max_pixels)


@functools.cache
def _hush() -> None:
    """Pillow's warnings and log lines about odd metadata are no news to a technician.

    Once and for all threads: `warnings.catch_warnings` is not safe where photos are decoded in several.
    """
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", module=r"PIL\..*")
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def _opened(data: bytes, kind: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=(kind,))
    except Image.DecompressionBombError:
        raise Refusal("more than 178 million pixels") from None
    except MemoryError:
        raise Refusal("needs more memory than there is", passing=True) from None
    except Exception as problem:
        raise _damaged(data, kind, problem, "header") from None
    if kind == "TIFF" and _DNG in _tags(image):
        raise Refusal("a camera raw file; export it as TIFF or JPEG")
    return image


def _damaged(data: bytes, kind: str, problem: Exception, where: str) -> Refusal:
    text = clean((str(problem).splitlines() or [""])[0])[:80]
    if ends_early(data, kind) or "truncated" in text.lower():
        return Refusal(_EARLY)
    # Pillow's message of an unidentified image is the address of a buffer.
    said = "" if isinstance(problem, UnidentifiedImageError) or not text else f" ({text})"
    return Refusal(f"damaged {kind.replace('WEBP', 'WebP')} {where}{said}")


def _begins(data: bytes) -> bool:
    return any(start.startswith(data) for start in (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"II*\x00"))


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says; a photo whose EXIF cannot be read is taken as it is."""
    try:
        turn = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        turn = None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):
        return _from_deep(image)
    if image.mode in ("I", "F"):
        raise Refusal("signed, 32-bit or floating-point pixels have no stated range; save it with 8 or 16 bits")
    try:
        if image.mode in ("La", "RGBa"):
            image = image.convert(image.mode.upper())
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            clear = image.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
        return image.convert("RGB")
    except MemoryError:
        raise Refusal("needs more memory than there is", passing=True) from None
    except Exception:
        raise Refusal(f"pixels in the form {image.mode} are not supported; save it as RGB") from None


def _from_deep(image: Image.Image) -> Image.Image:
    """Deep grey by its high byte, as Pillow does for 16-bit colour; a plain conversion would clip it to white."""
    tags = _tags(image)
    bits = int(tags.get(_BITS, (16,))[0])
    values = (np.asarray(image) >> (bits - 8)).astype(np.uint8)
    # Pillow leaves 16-bit TIFF whose zero is white as a negative.
    return Image.fromarray(255 - values if tags.get(_PHOTOMETRIC) == 0 else values).convert("RGB")


def _tags(image: Image.Image) -> Any:
    """TIFF tags; empty for other formats."""
    return getattr(image, "tag_v2", {})
