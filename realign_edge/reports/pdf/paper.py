"""A4 pages of a PDF/A-2u: text, lines, pictures and drawings at places in points, y downwards; page x of y at the end.

ISO 19005-2, level u: fonts embedded, every character with its Unicode, colours by an output intent, XMP metadata.
"""

import io
from datetime import UTC, datetime
from typing import Literal, cast

from fpdf import FPDF
from fpdf.fonts import TTFFont

from realign_edge.reports.drawing import Anchor, Tone
from realign_edge.reports.fonts import BOLD, REGULAR
from realign_edge.reports.language import Words
from realign_edge.reports.pdf.wrap import cut, wrap
from realign_edge.reports.pdf.xmp import metadata

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 45.0, 550.28, 48.0, 788.0
SPAN = RIGHT - LEFT
_FAMILY = "noto"
_PRODUCER = "realign-edge, fpdf2"
# A glyph for what the fonts lack: a hollow square, which the report explains.
MISSING = "□"
_COLOURS: dict[Tone, tuple[int, int, int]] = {
    "ink": (27, 36, 48),
    "soft": (93, 104, 117),
    "grid": (222, 222, 217),
    "paper": (255, 255, 255),
    "pass": (44, 122, 88),
    "fail": (168, 50, 42),
    "review": (154, 106, 12),
    "retake": (90, 95, 140),
    "first": (42, 93, 143),
    "second": (177, 96, 44),
}


class Paper:
    """A document under way; `y` is where the next thing goes."""

    def __init__(self, words: Words, title: str, number: str, made_at: datetime) -> None:
        self.words, self.title, self.number = words, title, number
        self.zone = made_at.tzinfo or UTC
        self.y, self.missing = TOP, False
        self._pdf = FPDF(unit="pt", format="A4", enforce_compliance="PDF/A-2U")
        self._pdf.set_auto_page_break(False)
        self._pdf.set_margin(0)
        self._pdf.add_font(_FAMILY, "", REGULAR)
        self._pdf.add_font(_FAMILY, "B", BOLD)
        self._describe(made_at)
        # Style and size of the type that is set: most texts of a table follow one of the same.
        self._face: tuple[str, float] | None = None
        # Advance widths in thousandths of the size, by code point.
        self._widths: dict[str, dict[int, float]] = {
            style: dict(cast("TTFFont", self._pdf.fonts[_FAMILY + style]).cw) for style in ("", "B")
        }
        self._pdf.add_page()

    def _describe(self, made_at: datetime) -> None:
        """Title, language and dates."""
        pdf, stamp = self._pdf, made_at.astimezone(UTC).isoformat(timespec="seconds")
        title = f"{self.title} {self.number}"
        pdf.set_title(title)
        pdf.set_lang(self.words.language)
        pdf.set_producer(_PRODUCER)
        pdf.set_creation_date(made_at.astimezone(UTC).replace(microsecond=0))
        pdf.set_xmp_metadata(metadata(title, stamp, _PRODUCER))

    # Pages

    @property
    def page(self) -> int:
        """The page that is written on, from 1."""
        return self._pdf.page

    def new_page(self) -> None:
        """Go on at the top of a new page."""
        self._pdf.add_page()
        self.y = TOP

    def need(self, height: float) -> bool:
        """Make sure that `height` points fit below `y`; True where that took a new page."""
        if self.y + height <= BOTTOM or self.y <= TOP:
            return False
        self.new_page()
        return True

    def bookmark(self, text: str) -> None:
        """A place in the reader's outline, at `y`."""
        self._pdf.set_xy(LEFT, self.y)
        self._pdf.start_section(text)

    # Text

    def known(self, text: str) -> str:
        """The text with what the fonts lack replaced."""
        widths = self._widths[""]
        if (text.isascii() and text.isprintable()) or all(ord(c) in widths for c in text):
            return text
        self.missing = True
        return "".join(c if ord(c) in widths else MISSING for c in text)

    def width(self, text: str, size: float, bold: bool = False) -> float:
        """Of a line of text, in points."""
        widths = self._widths["B" if bold else ""]
        return sum(widths.get(ord(c), 1000) for c in text) * size * 0.001

    def lines(self, text: str, width: float, size: float, bold: bool = False, most: int = 0) -> list[str]:
        """The text as lines of at most `width` points."""
        return wrap(self.known(text), width, lambda t: self.width(t, size, bold), most)

    def cut(self, text: str, width: float, size: float, bold: bool = False) -> str:
        """The text on one line, shortened where it must be."""
        return cut(self.known(text), width, lambda t: self.width(t, size, bold))

    def text(
        self, x: float, y: float, text: str, size: float = 8.5, tone: Tone = "ink", bold: bool = False,
        anchor: Anchor = "start",
    ) -> None:  # fmt: skip
        """One line on the baseline `y`."""
        if not text:
            return
        text = self.known(text)
        if anchor != "start":
            x -= self.width(text, size, bold) * (0.5 if anchor == "middle" else 1.0)
        style: Literal["", "B"] = "B" if bold else ""
        if (style, size) != self._face:
            self._pdf.set_font(_FAMILY, style, size)
            self._face = (style, size)
        self._pdf.set_text_color(*_COLOURS[tone])
        self._pdf.text(x, y, text)

    def block(
        self, x: float, y: float, width: float, text: str, size: float = 8.5, tone: Tone = "ink", bold: bool = False,
        most: int = 0,
    ) -> float:  # fmt: skip
        """A paragraph whose first baseline is one size below `y`; the y below it."""
        step = leading(size)
        for line in self.lines(text, width, size, bold, most):
            self.text(x, y + size, line, size, tone, bold)
            y += step
        return y

    # Lines, marks and pictures

    def line(
        self, points: tuple[tuple[float, float], ...], tone: Tone = "grid", width: float = 0.5,
        dash: tuple[float, ...] = (),
    ) -> None:  # fmt: skip
        """A line through points; dash: lengths of strokes and gaps."""
        self._pdf.set_draw_color(*_COLOURS[tone])
        self._pdf.set_line_width(width)
        if dash:
            self._pdf.set_dash_pattern(dash[0], dash[-1])
        self._pdf.polyline(list(points))
        if dash:
            self._pdf.set_dash_pattern()

    def rule(self, y: float, tone: Tone = "grid", x1: float = LEFT, x2: float = RIGHT) -> None:
        """A horizontal line."""
        self.line(((x1, y), (x2, y)), tone)

    def frame(self, x: float, y: float, w: float, h: float, tone: Tone = "grid") -> None:
        """An empty rectangle."""
        self.line(((x, y), (x + w, y), (x + w, y + h), (x, y + h), (x, y)), tone)

    def disc(self, x: float, y: float, r: float, tone: Tone, hollow: bool = False) -> None:
        """A filled circle, or a ring on white."""
        self._pdf.set_draw_color(*_COLOURS[tone])
        self._pdf.set_fill_color(*_COLOURS["paper" if hollow else tone])
        self._pdf.set_line_width(0.9)
        self._pdf.circle(x, y, r, "DF" if hollow else "F")

    def area(self, x: float, y: float, w: float, h: float, tone: Tone) -> None:
        """A filled rectangle."""
        self._pdf.set_fill_color(*_COLOURS[tone])
        self._pdf.rect(x, y, w, h, "F")

    def picture(self, data: bytes, x: float, y: float, w: float, h: float) -> None:
        """A JPEG within a box, whole, its proportions kept."""
        self._pdf.image(io.BytesIO(data), x, y, w, h, keep_aspect_ratio=True)

    # The end

    def finish(self, left: str) -> bytes:
        """Foot of every page, then the file's bytes: the same for the same content and date."""
        pages = self._pdf.pages_count
        for page in range(1, pages + 1):
            self._pdf.page = page
            self._forget()
            self.rule(HEIGHT - 40)
            counted = self.words("heading.page", page=page, pages=pages)
            self.text(RIGHT, HEIGHT - 28, counted, 7, "soft", anchor="end")
            self.text(LEFT, HEIGHT - 28, self.cut(left, SPAN - 120, 7), 7, "soft")
        return bytes(self._pdf.output())

    def _forget(self) -> None:
        """Another page was left with other settings than fpdf2 remembers: make it write all of them again."""
        self._pdf.current_font_is_set_on_page, self._face = False, None
        self._pdf.set_draw_color(1, 2, 3)
        self._pdf.set_fill_color(1, 2, 3)
        self._pdf.set_line_width(9)


def leading(size: float) -> float:
    """From one baseline to the next."""
    return size * 1.42
