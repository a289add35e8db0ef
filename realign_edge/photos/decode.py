"""Decode one photo safely: bounded, by content, and refused with a reason instead of crashing."""

import io
import os
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
MAX_PIXELS = 80_000_000
MAX_BYTES = 200_000_000


class Refusal(Exception):  # noqa: N818 - it is not a mistake of ours, it is what the file deserves
    """A file that is not taken; the text is the reason, in plain words."""


def read_bytes(path: Path) -> bytes:
    """The bytes of a regular file.

    Raises:
        Refusal: not a regular file, empty, too large, or not readable.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:
        raise Refusal("no permission to read the file") from None
    except OSError as problem:
        raise Refusal(f"cannot be opened ({problem.strerror or problem})") from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise Refusal("not a regular file")
        if facts.st_size == 0:
            raise Refusal("the file is empty")
        if facts.st_size > MAX_BYTES:
            raise Refusal(f"larger than {MAX_BYTES // 1_000_000} MB")
        try:
            return file.read(MAX_BYTES + 1)
        except OSError as problem:
            raise Refusal(f"cannot be read ({problem.strerror or problem})") from None


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Decode to upright 8-bit RGB; the first frame of an animation, transparency laid on white.

    Raises:
        Refusal: another format, too many pixels, damaged, or ending early.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        except UnidentifiedImageError:
            raise Refusal("not a JPEG, PNG, WebP, TIFF or BMP image") from None
        except Image.DecompressionBombError:
            raise Refusal(f"more than {max_pixels // 1_000_000} million pixels") from None
        except Exception as problem:
            raise Refusal(f"damaged image header ({_words(problem)})") from None
        if image.width * image.height > max_pixels:
            raise Refusal(f"more than {max_pixels // 1_000_000} million pixels")
        if min(image.size) < 8:
            raise Refusal(f"only {image.width} x {image.height} pixels")
        try:
            image.load()
            return _rgb(ImageOps.exif_transpose(image))
        except MemoryError:
            raise Refusal("needs more memory than there is") from None
        except Exception as problem:
            text = _words(problem)
            reason = "the file ends early" if "truncated" in text else f"damaged image data ({text})"
            raise Refusal(reason) from None


def read_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Read and decode one file.

    Raises:
        Refusal: see `read_bytes` and `decode`.
    """
    return decode(read_bytes(path), max_pixels)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _from_deep(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        upright = image.convert("RGBA")
        white = Image.new("RGBA", upright.size, "white")
        return Image.alpha_composite(white, upright).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16-bit grey is scaled by its full range; clipping it, as a plain conversion does, gives white."""
    values = np.asarray(image, np.float64)
    top = 65535.0 if image.mode != "F" else max(1.0, float(np.nanmax(values)))
    grey = np.clip(np.nan_to_num(values) / top * 255, 0, 255).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _words(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0][:80]
