"""Opening a window from the command line. The terminal is asked what it can draw before the application starts."""

import os

from tui.app import RealignApp
from tui.context import Context
from tui.frame.picture import colours_are_names, drawer
from tui.frame.terminal import OwnTerminal
from tui.rooms import RoomName


def open_window(context: Context, room: RoomName) -> None:
    """Show a window until the person leaves it; what runs goes on.

    Raises:
        OSError: the terminal went away.
    """
    drawer(context.options.image_mode)
    if colours_are_names(context.options.image_mode):
        # Of 256 colours, which is all that is believed of a terminal over ssh, none is the name that was meant.
        os.environ["COLORTERM"] = "truecolor"
    app = RealignApp(context, room)
    app.driver_class = OwnTerminal
    app.run()
