"""MVTec AD, VisA, and plain normal/abnormal folders tell part and defect by their names."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from realign_edge.photos.model import InspectionRecord
from realign_edge.photos.text import clean

_SOUND = ("normal", "good", "ok")
_UNSOUND = ("abnormal", "anomaly", "defect", "ng")
_SIDES = ("train", "test")


class Layouts:
    """What the folders below a photo folder say of its photos.

    MVTec AD: `<category>/{train,test}/<defect>/x.png`, recognised by its folder `good`: without it,
    folders below `test` may as well be lots. VisA: `<category>/Data/Images/{Normal,Anomaly}/x.JPG`.
    The photo folder may itself be one category; its name is then the part.
    """

    def __init__(self, root_name: str, names: Iterable[str]) -> None:
        self._root_name = root_name
        self._mvtec = set[tuple[str, ...]]()
        for folders in {self._folders(name) for name in names}:
            if len(folders) >= 3 and folders[-2].lower() in _SIDES and folders[-1].lower() == "good":
                self._mvtec.add(folders[:-2])

    def record(self, name: str) -> InspectionRecord | None:
        """The part, and the defects as data; None where the folders of photo `name` say nothing."""
        folders = self._folders(name)
        lowered = [f.lower() for f in folders]
        if len(folders) >= 3 and lowered[-2] in _SIDES and folders[:-2] in self._mvtec:
            return _record(folders[-3], "" if lowered[-1] == "good" else folders[-1], "MVTec AD layout")
        if len(folders) >= 4 and lowered[-3:-1] == ["data", "images"] and lowered[-1] in ("normal", "anomaly"):
            return _record(folders[-4], "anomaly" if lowered[-1] == "anomaly" else "", "VisA layout")
        if len(folders) >= 2 and lowered[-1] in _SOUND + _UNSOUND:
            part = folders[-2] if len(folders) > 2 else ""
            return _record(part, "" if lowered[-1] in _SOUND else "anomaly", "folder names")
        return None

    def _folders(self, name: str) -> tuple[str, ...]:
        return (self._root_name, *PurePosixPath(name).parts[:-1])


def is_mask(name: str) -> bool:
    """Whether a file is a ground-truth mask of MVTec AD or VisA, which is a picture but no photo."""
    path = PurePosixPath(name)
    folders = [f.lower() for f in path.parts[:-1]]
    if len(folders) >= 2 and folders[-2] == "ground_truth" and path.stem.lower().endswith("_mask"):
        return True
    return len(folders) >= 3 and folders[-3:] == ["data", "masks", "anomaly"]


def _record(part: str, defect: str, source: str) -> InspectionRecord:
    defects = (clean(defect.replace("_", " ")),) if defect else ()
    return InspectionRecord(
        part=clean(part.replace("_", " ")),
        defects=defects,
        locations=("",) * len(defects),
        known_defects=True,
        source=source,
    )
