"""The panes of the dashboard: one alone, or all of them where there is room. Keys and clicks on their edges choose."""

from typing import TYPE_CHECKING, Literal

from tui.context import Context
from tui.dashboard.asking import Asking
from tui.dashboard.news import NewsLog
from tui.dashboard.warnings import Warnings

if TYPE_CHECKING:
    from textual import events

PaneName = Literal["curves", "sample", "news"]
PANES: tuple[PaneName, ...] = ("curves", "sample", "news")
# Smaller than this in either direction, and there is room for one pane alone.
_ALL_PANES = (110, 34)


class Panes(Asking):
    """The part of the dashboard that arranges."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (_ALL_PANES[0], "-mid"), (170, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-low"), (_ALL_PANES[1], "-tall")]
        self._pane: PaneName | None = None

    def on_resize(self) -> None:
        """One pane or all."""
        self._arrange()

    def _arrange(self) -> None:
        small = self.size.width < _ALL_PANES[0] or self.size.height < _ALL_PANES[1]
        one = self._pane or ("curves" if small else None)
        self.query_one("#panes").set_class(one is not None, "one")
        self.query_one(Warnings).most = 1 if small else 3
        for number, name in enumerate(PANES, 1):
            pane = self.query_one(f"#{name}")
            pane.set_class(name == one, "shown")
            if name != "sample":
                printed = name == "news" and self.query_one(NewsLog).printed
                pane.border_title = self._title(number, "printed" if printed else name)
            others = [self._title(n, other) for n, other in enumerate(PANES, 1) if other != name]
            pane.border_subtitle = " · ".join(others) if one else ""

    def _title(self, number: int, name: str) -> str:
        return f"{number} {self.words(f'dashboard.pane_{name}')}"

    def action_pane(self, name: PaneName) -> None:
        """Show this pane alone; again, and all are shown where there is room for them."""
        self._pane = None if self._pane == name else name
        self._arrange()

    def on_click(self, event: "events.Click") -> None:
        """The edges of a pane: its title shows it alone, its lower edge names the others and shows the next."""
        for name, following in zip(PANES, (*PANES[1:], PANES[0]), strict=True):
            region = self.query_one(f"#{name}").region
            if region.contains(event.screen_x, event.screen_y):
                if event.screen_y == region.y:
                    self.action_pane(name)
                elif event.screen_y == region.bottom - 1 and self.query_one("#panes").has_class("one"):
                    self.action_pane(following)

    def action_printed(self) -> None:
        """What happened, or what the process printed."""
        log = self.query_one(NewsLog)
        log.printed = not log.printed
        self._arrange()
        if self.view is not None:
            log.tell(self.view, self.words)
