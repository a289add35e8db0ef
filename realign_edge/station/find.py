"""The bundle that a station works with."""

from pathlib import Path

from realign_edge.bundle.contract import MANIFEST
from realign_edge.errors import MissingError

CURRENT = Path("bundles") / "current"


def find_bundle(home: Path, named: Path | None = None) -> Path:
    """The folder that was named, else the active bundle in `home`; links are resolved, so that it stays the same one.

    Raises:
        MissingError: there is none.
    """
    folder = named or home / CURRENT
    if (folder / MANIFEST).is_file():
        return folder.resolve()
    if named is None and folder.is_symlink():
        raise MissingError(
            f"the active bundle {folder.readlink()} is gone from {folder.parent}", "install it again, or roll back"
        )
    if named is None:
        raise MissingError(
            "no bundle is installed on this station",
            "install one with `realign-edge bundle install FILE`, or name its folder with --bundle",
        )
    raise MissingError(f"{folder} holds no bundle ({MANIFEST} is not there)", "name the folder of a bundle")
