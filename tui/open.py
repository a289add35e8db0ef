"""Opening a window from the command line. The terminal is asked what it can draw before the application starts."""

from tui.app import RealignApp
from tui.context import Context
from tui.frame.picture import drawer
from tui.frame.terminal import OwnTerminal
from tui.rooms import RoomName


def open_window(context: Context, room: RoomName) -> None:
    """Show a window until the person leaves it; what runs goes on.

    Raises:
        OSError: the terminal went away.
    """
    drawer(context.options.image_mode)
    app = RealignApp(context, room)
    app.driver_class = OwnTerminal
    app.run()
