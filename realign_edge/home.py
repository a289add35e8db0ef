"""Where state lives: `$REALIGN_EDGE_HOME`, systemd's StateDirectory, or the platform's user state folder."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """The state folder, created with mode 0700 when it is not there yet."""
    named = os.environ.get("REALIGN_EDGE_HOME") or os.environ.get("STATE_DIRECTORY")
    folder = Path(named) if named else Path(platformdirs.user_state_dir("realign-edge", appauthor=False))
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.resolve()


def home_source() -> str:
    """What decides where that is: an environment variable, or "default"."""
    return next((f"${name}" for name in ("REALIGN_EDGE_HOME", "STATE_DIRECTORY") if os.environ.get(name)), "default")


def models_folder() -> Path:
    """The folder `models/`: an environment variable, the packaged copy, then the source tree."""
    named = os.environ.get("REALIGN_EDGE_MODELS")
    package = Path(__file__).resolve().parent
    candidates = [Path(named)] if named else [package / "_models", package.parent / "models"]
    return next((c for c in candidates if c.is_dir()), candidates[-1])
