"""What is shown in a terminal in which no window fits."""

from textual.app import ComposeResult
from textual.widgets import Static

from tui.frame.window import Speaking

LEAST = (80, 24)


class TooSmall(Speaking):
    """Says how large the terminal is and how large it must be; goes by itself when it is."""

    def compose(self) -> ComposeResult:
        """One sentence."""
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        """With the size of now."""
        self._tell()

    def on_resize(self) -> None:
        """With the new size."""
        self._tell()

    def _tell(self) -> None:
        width, height = self.app.size
        text = self.words("common.too_small", width=width, height=height, columns=LEAST[0], lines=LEAST[1])
        self.query_one(Static).update(text)
