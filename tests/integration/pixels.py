"""What a terminal draws of the bytes that it is sent: kitty's pictures and sixels, read as their specifications say.

https://sw.kovidgoyal.net/kitty/graphics-protocol/ and DEC's STD 070, chapter "Sixel Graphics".
"""

import base64
import io
import re
from dataclasses import dataclass

from PIL import Image

_MESSAGE = re.compile(rb"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")
_COLOUR_OR_CELL = re.compile("\x1b\\[([\\d;]*)m|\U0010eeee(.)(.)(.)", re.DOTALL)
_SIXELS = re.compile(rb"\x1bP[\d;]*q([^\x1b]*)\x1b\\")
_TOKEN = re.compile(rb'"(\d+;\d+;\d+;\d+)|#([\d;]+)|!(\d+)([?-~])|([?-~])|([$-])')


@dataclass(frozen=True)
class Kitty:
    """number: of the picture; columns, rows: the cells that it fills; cells: (number's low 24 bits, marks of row and
    column) of each cell that asks for a part of a picture, in the order in which they were sent."""

    number: int
    image: Image.Image
    columns: int
    rows: int
    cells: tuple[tuple[int, str, str], ...]


def kitty(sent: bytes) -> Kitty:
    """The last picture that was sent whole and placed."""
    data, image, number, placed = b"", None, 0, (0, 0)
    for keys, payload in _MESSAGE.findall(sent):
        about = dict(pair.split("=", 1) for pair in keys.decode().split(","))
        if about.get("f") == "100":
            assert len(payload) <= 4096, "a message of more than 4096 bytes"
            assert about["q"] == "2", "the terminal would answer into the keys"
            data += payload
            if about["m"] == "0":
                image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
                number, data = int(about["i"]), b""
        elif about.get("a") == "p":
            assert about["U"] == "1" and int(about["i"]) == number
            placed = int(about["c"]), int(about["r"])
    assert image is not None and placed[0], "no picture was sent and placed"
    return Kitty(number, image.convert("RGB"), *placed, tuple(_cells(sent.decode("utf-8", "replace"))))


def _cells(text: str) -> list[tuple[int, str, str]]:
    found, colour = [], -1
    for match in _COLOUR_OR_CELL.finditer(text):
        if match[1] is None:
            found.append((colour, match[2], match[3]))
        elif direct := re.search(r"(?:^|;)38;2;(\d+);(\d+);(\d+)", match[1]):
            colour = int(direct[1]) << 16 | int(direct[2]) << 8 | int(direct[3])
        elif indexed := re.search(r"(?:^|;)38;5;(\d+)", match[1]):
            colour = int(indexed[1])
        elif match[1] in ("", "0"):
            colour = -1
    return found


def sixel(sent: bytes) -> Image.Image:
    """The last picture that was sent whole."""
    data = _SIXELS.findall(sent)[-1]
    size = next(m[1] for m in _TOKEN.finditer(data) if m[1])
    _, _, width, height = map(int, size.split(b";"))
    image, colours = Image.new("RGB", (width, height)), dict[int, tuple[int, int, int]]()
    x = y = colour = end = 0
    for token in _TOKEN.finditer(data):
        assert token.start() == end, f"no sixel: {data[end : token.start()]!r}"
        end = token.end()
        if token[2]:
            colour, *about = map(int, token[2].split(b";"))
            if about:
                assert about[0] == 2, "red, green and blue in percent"
                red, green, blue = (round(255 * share / 100) for share in about[1:])
                colours[colour] = (red, green, blue)
        elif token[4] or token[5]:
            bits, times = (token[4] or token[5])[0] - 63, int(token[3] or 1)
            for row in range(6):
                if bits >> row & 1:
                    image.paste(colours[colour], (x, y + row, x + times, y + row + 1))
            x += times
        elif token[6]:
            x, y = 0, y + (6 if token[6] == b"-" else 0)
    assert end == len(data), f"no sixel: {data[end:]!r}"
    return image
