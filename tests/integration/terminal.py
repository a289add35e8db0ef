"""A real terminal for tests: a tmux server of its own, keys that are pressed, the screen as text."""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Generous: a loaded machine may be slow, and only a test that fails waits so long.
LIMIT_S = 240.0


class Terminal:
    """One shell in one window. socket: of its server, which ends with `close`."""

    def __init__(self, socket: Path, environment: dict[str, str], columns: int, lines: int) -> None:
        self._socket = str(socket)
        size = ["-x", str(columns), "-y", str(lines)]
        command = ["tmux", "-S", self._socket, "-f", "/dev/null", "new-session", "-d", *size, "sh"]
        subprocess.run(command, check=True, env=environment)

    def run(self, words: Sequence[str]) -> None:
        """Type a command and Enter."""
        self._tmux("send-keys", "-l", " ".join(f"'{word}'" for word in words))
        self.press("Enter")

    def clear(self) -> None:
        """An empty screen, so that nothing is taken for new that was seen before."""
        self.run(["clear"])
        self.wait(lambda: len(self.screen.strip()) < 5, "an empty screen")

    def press(self, *keys: str) -> None:
        """Keys by tmux's names."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, lines: int) -> None:
        """Another size of the window."""
        self._tmux("resize-window", "-x", str(columns), "-y", str(lines))

    @property
    def screen(self) -> str:
        """What is seen now."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, text: str) -> str:
        """The screen, once this stands on it."""
        self.wait(lambda: text in self.screen, f"`{text}` on the screen")
        return self.screen

    def wait(self, reached: Callable[[], bool], what: str) -> None:
        """Wait for a condition; fail with the screen when the limit is over."""
        deadline = time.monotonic() + LIMIT_S
        while not reached():
            assert time.monotonic() < deadline, f"waited in vain for {what}:\n{self.screen}"
            time.sleep(0.1)

    def close(self) -> None:
        """End the server and what still runs in it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True)

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-S", self._socket, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
