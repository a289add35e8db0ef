"""A screen that lays itself out for the size the terminal has, never for one it had."""

from textual import events
from textual.command import CommandList, CommandPalette
from textual.screen import Screen
from textual.widgets.option_list import Option


class Steady(Screen[object]):
    """Textual lays a screen out for every size event, and laying out for another size posts the next one.

    Two events of different sizes in flight (an edge being dragged) thus call each other for ever, and no key is heard
    any more. Only the size of now counts.
    """

    async def _on_resize(self, event: events.Resize) -> None:
        """An event that came too late is dropped; the one with the size of now is still to come."""
        if event.size != self.app.size:
            event.prevent_default()
            event.stop()


class Palette(CommandPalette, Steady):
    """Textual's palette of commands. placeholder, nothing: what it says before a word is typed, and where none fits."""

    def __init__(self, placeholder: str, nothing: str) -> None:
        super().__init__(id="--command-palette", placeholder=placeholder)
        self._nothing = nothing

    def _start_no_matches_countdown(self, search_value: str) -> None:
        super()._start_no_matches_countdown(search_value)
        if self._no_matches_timer is not None and search_value:
            self._no_matches_timer.stop()
            self._no_matches_timer = self.set_timer(self._NO_MATCHES_COUNTDOWN, self._say_nothing)

    def _say_nothing(self) -> None:
        self.query_one(CommandList).add_option(Option(self._nothing, disabled=True, id=self._NO_MATCHES))
        self._list_visible = True
