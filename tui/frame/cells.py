"""Text in cells of a terminal: cut and padded to a width, in which a Japanese character takes two."""

from rich.cells import cell_len, set_cell_size


def fit(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` cells: padded, or cut with an ellipsis. right: aligned to the right."""
    if width <= 0:
        return ""
    size = cell_len(text)
    if size <= width:
        pad = " " * (width - size)
        return pad + text if right else text + pad
    cut = set_cell_size(text, width - 1)
    return set_cell_size(cut.rstrip() + "…", width)


def tail(text: str, width: int) -> str:
    """At most `width` cells, cut at the beginning: of a path its end says most."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}"
