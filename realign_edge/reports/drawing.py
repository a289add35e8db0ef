"""Vector drawings as plain shapes: the same chart becomes SVG in the HTML form and line art in the PDF."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

# What a shape means; each form has its own colour for it. Never the only sign: hatching, dashes and words say the same.
Tone = Literal["ink", "soft", "grid", "paper", "pass", "fail", "review", "retake", "first", "second"]
# Letters whose width is far from the usual one, as DejaVu Sans has them, the widest of the common fonts.
_WIDE, _NARROW = frozenset("MWmw@%—…↓↑→"), frozenset("ijlI.,:;'|! ")
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle; hatched: lines across it instead of a full fill."""

    x: float
    y: float
    w: float
    h: float
    tone: Tone
    hatched: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    tone: Tone
    width: float = 0.6
    dash: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Dot:
    """A disc; hollow: a ring."""

    x: float
    y: float
    r: float
    tone: Tone
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Label:
    """Text on a baseline."""

    x: float
    y: float
    text: str
    size: float = 7.5
    tone: Tone = "soft"
    anchor: Anchor = "start"
    bold: bool = False


Shape = Box | Path | Dot | Label


@dataclass(frozen=True)
class Drawing:
    """Shapes in points (1/72 inch), y downwards; alt: what it shows, in words."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    alt: str = ""


def text_width(text: str, size: float) -> float:
    """A little more than what it takes in common sans-serif fonts, in points."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    """Of its size; letters of scripts that are drawn as a square where the font lacks them count in full."""
    if unicodedata.east_asian_width(character) in "WF" or "֐" <= character < "\u1e00" or character in _WIDE:
        return 1.0
    if character in _NARROW:
        return 0.34
    return 0.42 if character in "tfr()[]-" else 0.72 if character.isupper() else 0.62


def fitted(text: str, width: float, size: float) -> str:
    """Its beginning that fits into `width`, with an ellipsis where something is left out."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def ticks(low: float, high: float, most: int = 5) -> tuple[float, ...]:
    """Round values that cover [low, high], at steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        high = low + 1
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(round(i * step, 10) for i in range(first, last + 1))


def hatching(box: Box, gap: float = 3.0) -> tuple[tuple[float, float, float, float], ...]:
    """Lines at 45 degrees that fill a box, each (x1, y1, x2, y2), cut at its edges."""
    lines = []
    count = int((box.w + box.h) / gap)
    for i in range(1, count + 1):
        c = i * gap  # the line x + y = c within the box, from its left or bottom edge to its top or right edge
        x1, y1 = (0.0, c) if c <= box.h else (c - box.h, box.h)
        x2, y2 = (c, 0.0) if c <= box.w else (box.w, c - box.w)
        if x2 - x1 > 0.2:
            lines.append((box.x + x1, box.y + y1, box.x + x2, box.y + y2))
    return tuple(lines)


def to_svg(drawing: Drawing, name: str) -> str:
    """An SVG element with classes for colours, so that a page's style sheet decides them; name: for its title's id."""
    head = (
        f'<svg class="chart" viewBox="0 0 {_n(drawing.width)} {_n(drawing.height)}" role="img" '
        f'aria-labelledby="{name}-title" preserveAspectRatio="xMinYMin meet">'
        f'<title id="{name}-title">{escape(drawing.alt)}</title>'
    )
    return head + "".join(map(_svg, drawing.shapes)) + "</svg>"


def _svg(shape: Shape) -> str:
    if isinstance(shape, Box):
        return _svg_box(shape)
    if isinstance(shape, Path):
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in shape.points)
        dash = f' stroke-dasharray="{" ".join(map(_n, shape.dash))}"' if shape.dash else ""
        return f'<polyline class="s-{shape.tone}" points="{points}" stroke-width="{_n(shape.width)}"{dash}/>'
    if isinstance(shape, Dot):
        kind = "ring" if shape.hollow else "f"
        return f'<circle class="{kind}-{shape.tone}" cx="{_n(shape.x)}" cy="{_n(shape.y)}" r="{_n(shape.r)}"/>'
    bold = ' font-weight="600"' if shape.bold else ""
    return (
        f'<text class="f-{shape.tone}" x="{_n(shape.x)}" y="{_n(shape.y)}" font-size="{_n(shape.size)}" '
        f'text-anchor="{shape.anchor}"{bold}>{escape(shape.text)}</text>'
    )


def _svg_box(box: Box) -> str:
    place = f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.w)}" height="{_n(box.h)}"'
    if not box.hatched:
        return f'<rect class="f-{box.tone}" {place}/>'
    lines = "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in hatching(box))
    return f'<rect class="ring-{box.tone}" {place}/><path class="s-{box.tone}" stroke-width="0.7" d="{lines}"/>'


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def legend(x: float, y: float, entries: Sequence[tuple[str, Shape]], size: float = 7.5) -> tuple[Shape, ...]:
    """Keys in a row from (x, y); each entry's shape is drawn at the origin of its own 10 x 6 points."""
    shapes: list[Shape] = []
    for text, key in entries:
        shapes += [moved(key, x, y), Label(x + 13, y + 6, text, size)]
        x += 13 + text_width(text, size) + 12
    return tuple(shapes)


def moved(shape: Shape, dx: float, dy: float) -> Shape:
    """The same shape elsewhere."""
    if isinstance(shape, Path):
        return Path(tuple((x + dx, y + dy) for x, y in shape.points), shape.tone, shape.width, shape.dash)
    if isinstance(shape, Box):
        return Box(shape.x + dx, shape.y + dy, shape.w, shape.h, shape.tone, shape.hatched)
    if isinstance(shape, Dot):
        return Dot(shape.x + dx, shape.y + dy, shape.r, shape.tone, shape.hollow)
    return Label(shape.x + dx, shape.y + dy, shape.text, shape.size, shape.tone, shape.anchor, shape.bold)
