"""Line breaking for Latin and Japanese text: at spaces, between ideographs, and within words that fit nowhere."""

from collections.abc import Callable

Measure = Callable[[str], float]
# Kinsoku shori (JIS X 4051, W3C "Requirements for Japanese Text Layout"): what no line begins or ends with.
_NOT_FIRST = frozenset(
    "、。，．,.・：；:;？！?!）)］]｝}」』】〉》〕”’ー々ゝゞ…‥ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ％%℃"
)
_NOT_LAST = frozenset("（([［{｛「『【〈《〔“‘＃#￥¥＄$")


def wrap(text: str, width: float, measure: Measure, most: int = 0) -> list[str]:
    """Lines no wider than `width`, by `measure`; with `most` lines, the last one ends in an ellipsis if text is left.

    A character that is wider than a line stands alone on one.
    """
    if "\n" not in text and measure(text) <= width:
        return [text.rstrip()]
    lines: list[str] = []
    for piece in text.split("\n"):
        line = ""
        for unit in units(piece):
            line = _placed(lines, line, unit, width, measure)
        lines.append(line.rstrip())
    if most and len(lines) > most:
        lines = [*lines[: most - 1], cut(lines[most - 1] + "…", width, measure, always=True)]
    return lines


def _placed(lines: list[str], line: str, unit: str, width: float, measure: Measure) -> str:
    """Put a unit behind `line`, or on new lines; the line that goes on."""
    if measure((line + unit).rstrip()) <= width:
        return line + unit
    if line.strip():
        lines.append(line.rstrip())
    unit = unit.lstrip()
    while measure(unit.rstrip()) > width and len(unit) > 1:
        head = _fitting(unit, width, measure)
        lines.append(unit[:head])
        unit = unit[head:]
    return unit


def _fitting(text: str, width: float, measure: Measure) -> int:
    """How many characters of `text` fit, at least one; by bisection."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= width else (low, middle - 1)
    return low


def units(text: str) -> list[str]:
    """Pieces between which a line may break; each keeps the spaces behind it."""
    found: list[str] = []
    unit = ""
    for character in text:
        if unit and _may_break(unit[-1], character):
            found.append(unit)
            unit = ""
        unit += character
    return [*found, unit] if unit else found


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    if before == " " or before in "/_":
        return True
    if before == "-":
        return after.isalpha()
    return _is_ideograph(before) or _is_ideograph(after)


def _is_ideograph(character: str) -> bool:
    """Kana, ideographs, full-width forms: between any two of them a line may break."""
    return "\u2e80" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff" or "\uff01" <= character <= "\uff60"


def cut(text: str, width: float, measure: Measure, always: bool = False) -> str:
    """One line: its beginning with an ellipsis where it does not fit (or, with `always`, ends in one already)."""
    if measure(text) <= width:
        return text
    body = text.removesuffix("…") if always else text
    count = _fitting(body, width - measure("…"), measure)
    return body[:count].rstrip() + "…"
