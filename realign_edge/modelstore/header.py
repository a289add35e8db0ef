"""The header of a safetensors file: names, shapes and places of its tensors, without its weights.

Eight bytes of length (little endian), then JSON: tensor name to dtype, shape and byte range behind the header.
The library itself reads whole files only; its own judgement is asked once the file is copied.
"""

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

# The format allows 100 MB; real headers of models have well below one.
HEADER_MOST = 25 * 2**20


class HeaderError(ValueError):
    """The file is no whole safetensors file; the text says why."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file; shape: its lengths."""

    name: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """Tensors of one file; size: bytes that the whole file must have."""

    tensors: tuple[Tensor, ...]
    size: int


def header_bytes(read: Callable[[int], bytes]) -> bytes:
    """The length and the header, as far as they are there; read(n) gives the next n bytes."""
    start = read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    return start + (read(length) if length <= HEADER_MOST else b"")


def parse_header(data: bytes) -> Header:
    """What `header_bytes` read.

    Raises:
        HeaderError: it is no header, or not whole.
    """
    length = struct.unpack("<Q", data[:8])[0] if len(data) >= 8 else -1
    if not 0 < length <= HEADER_MOST:
        raise HeaderError("it does not begin like a safetensors file")
    if len(data) < 8 + length:
        raise HeaderError("it ends within its header")
    try:
        table = json.loads(data[8 : 8 + length])
        found = [(name, about) for name, about in table.items() if name != "__metadata__"]
        tensors = tuple(Tensor(name, tuple(int(n) for n in about["shape"])) for name, about in found)
        end = max((int(about["data_offsets"][1]) for _, about in found), default=0)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
        raise HeaderError(f"its header cannot be read ({problem})") from problem
    return Header(tensors, 8 + length + end)
