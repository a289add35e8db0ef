"""Where a model lies: by path, installed in the state folder, or packaged. Loads nothing heavy."""

from difflib import get_close_matches
from pathlib import Path

from realign_edge.errors import MissingError
from realign_edge.home import home, models_folder


def find_model(name: str) -> Path:
    """The folder of a model given by path, or by name below the state folder or the packaged models.

    Raises:
        MissingError: there is no such folder, or it holds no config.json.
    """
    for folder in (Path(name).expanduser(), home() / "models" / name, models_folder() / name):
        if (folder / "config.json").is_file():
            return folder.resolve()
    close = get_close_matches(name.casefold(), {n.casefold(): n for n in _names()}, n=1)
    meant = next((f"did you mean `{n}`? " for n in _names() if [n.casefold()] == close), "")
    raise MissingError(
        f"no model `{name}`: neither a folder with a config.json nor an installed model",
        f"{meant}`realign-edge models list` shows the models there are; `realign-edge models add PATH` adds one",
    )


def _names() -> list[str]:
    """Of the models that can be named."""
    folders = (home() / "models", models_folder())
    return sorted(p.parent.name for folder in folders for p in folder.glob("*/config.json"))
