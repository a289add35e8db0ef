"""Where a model lies: by path, installed in the state folder, or packaged. Loads nothing heavy."""

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
    raise MissingError(
        f"no model `{name}`: neither a folder with a config.json nor an installed model",
        "`realign-edge models list` shows the models there are; `realign-edge models add PATH` adds one",
    )
