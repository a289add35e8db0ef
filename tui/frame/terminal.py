"""The terminal as it is: its size is asked of itself, and it is given back as it was found."""

import os

from textual.drivers.linux_driver import LinuxDriver

# Where its size has changed under the second screen, tmux leaves that one by filling the first from above with lines
# of it; empty ones are not taken.
_EMPTY = "\x1b[2J"


class OwnTerminal(LinuxDriver):
    """Textual's, but for the size, and for the moment in which a program is left or suspended."""

    def stop_application_mode(self) -> None:
        """Empty the window's own screen, then leave it."""
        self.write(_EMPTY)
        super().stop_application_mode()

    def _get_terminal_size(self) -> tuple[int, int]:
        """Columns and lines. Textual asks $COLUMNS and $LINES first; where those are exported, by a shell or by what
        started it, they say for ever what the size once was."""
        try:
            size = os.get_terminal_size(self._file.fileno() if self._file is not None else -1)
        except (OSError, ValueError):
            return super()._get_terminal_size()
        return size.columns, size.lines
