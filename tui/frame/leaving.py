"""The terminal as it is given back: nothing of a window stays above the prompt, whatever size it had meanwhile."""

from textual.drivers.linux_driver import LinuxDriver

# Where its size has changed under the second screen, tmux leaves that one by filling the first from above with lines
# of it; empty ones are not taken.
_EMPTY = "\x1b[2J"


class CleanLeaving(LinuxDriver):
    """As Textual's; used where a program is left and where it is suspended."""

    def stop_application_mode(self) -> None:
        """Empty the window's own screen, then leave it."""
        self.write(_EMPTY)
        super().stop_application_mode()
