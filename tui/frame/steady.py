"""A screen that lays itself out for the size the terminal has, never for one it had."""

from textual import events
from textual.command import CommandPalette
from textual.screen import Screen


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
    """Textual's palette of commands."""
