"""Text that is drawn again only when it has changed, and laid out again only when its height has."""

from rich.text import Text
from textual.widgets import Static


class Still(Static):
    """Most of what a look tells is what the look before told."""

    _put: Text | None = None

    def put(self, text: Text) -> None:
        """Show this."""
        before = self._put
        if before is not None and text == before and text.style == before.style:
            return
        self._put = text
        self.update(text, layout=before is None or before.plain.count("\n") != text.plain.count("\n"))
