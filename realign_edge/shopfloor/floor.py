"""Write a whole synthetic shop floor to a folder: photos with EXIF, records.csv, glossary.toml."""

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from realign_edge.errors import UsageError
from realign_edge.files import write_atomic
from realign_edge.glossary.load import glossary_toml
from realign_edge.glossary.questions import Language
from realign_edge.progress import Progress
from realign_edge.shopfloor.notes import write_note, write_note_ja
from realign_edge.shopfloor.render import LENSES, render
from realign_edge.shopfloor.scene import CoOccurrence, Scene, another_shot, sample_scene
from realign_edge.shopfloor.vocabulary import GLOSSARY, RARE_PART

COLUMNS = (
    "photo", "note", "part", "defects", "location", "lot", "serial", "station", "inspector", "taken_at",
    "camera", "lighting", "finish", "background",
)  # fmt: skip
_FIRST_DAY = datetime(2026, 4, 1, 8, 0, 0)
_SERIALS_PER_LOT = 12
_RESHOT_SHARE = 0.2
_RARE_WEIGHT = 0.12
_INSPECTORS = ("sato", "tanaka", "suzuki", "mori", "weber")


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo of the floor: what it shows and what its record says."""

    scene: Scene
    name: str
    note: str
    lot: str
    serial: str
    station: str
    inspector: str
    taken_at: datetime


def plan_floor(photos: int, seed: int, world: CoOccurrence, language: Language = "en") -> list[Shot]:
    """Draw the specimens of a floor and their shots; a fifth of the specimens is photographed 2 or 3 times.

    The language is that of the notes alone: everything else is drawn the same.
    """
    rng, pen = np.random.default_rng([seed, 11]), np.random.default_rng([seed, 12])
    shots: list[Shot] = []
    specimen, clock = 0, _FIRST_DAY
    while len(shots) < photos:
        scene = sample_scene(rng, world, {RARE_PART: _RARE_WEIGHT})
        lot = f"L{2600 + specimen // _SERIALS_PER_LOT}"
        serial = f"{lot}-{specimen % _SERIALS_PER_LOT + 1:03d}"
        station, inspector = f"ST{1 + int(rng.integers(3))}", str(rng.choice(_INSPECTORS))
        clock += timedelta(seconds=int(rng.integers(60, 400)))
        times = int(rng.integers(2, 4)) if rng.random() < _RESHOT_SHARE else 1
        for shot in range(min(times, photos - len(shots))):
            shown = another_shot(scene, rng, shot) if shot else scene
            clock += timedelta(seconds=3 if shot else 0)
            name = f"photos/{lot}/{serial}_{shot + 1}.jpg"
            note = write_note(shown, rng)
            note = write_note_ja(shown, pen) if language == "ja" else note
            shots.append(Shot(shown, name, note, lot, serial, station, inspector, clock))
        specimen += 1
    return shots


def write_floor(
    directory: Path,
    photos: int = 500,
    seed: int = 0,
    co_occurrence: CoOccurrence | None = None,
    size: int = 512,
    *,
    language: Language = "en",
    workers: int = 1,
    progress: Progress,
) -> list[Shot]:
    """Render a floor into `directory`; records.csv is written last, so its existence means "complete".

    Raises:
        UsageError: the folder holds something else.
    """
    if directory.exists() and any(directory.iterdir()) and not (directory / "glossary.toml").exists():
        raise UsageError(f"{directory} is not empty and is not a shop floor", "name a new or empty folder")
    shots = plan_floor(photos, seed, co_occurrence or CoOccurrence.unbiased(), language)
    directory.mkdir(parents=True, exist_ok=True)
    write_atomic(directory / "glossary.toml", glossary_toml(GLOSSARY))
    progress.start("Rendering photos", len(shots))
    for done, (name, data) in enumerate(_developed(shots, size, workers), 1):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)
        progress.advance(done)
    write_atomic(directory / "records.csv", _records(shots))
    progress.finish(f"{len(shots)} photos of {len({s.serial for s in shots})} specimens")
    return shots


def _developed(shots: list[Shot], size: int, workers: int) -> Iterator[tuple[str, bytes]]:
    one = partial(_develop, size=size)
    if workers <= 1:
        yield from map(one, shots)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, shots, chunksize=8)


def _develop(shot: Shot, size: int) -> tuple[str, bytes]:
    lens = LENSES[shot.scene.camera]
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = lens.maker, shot.scene.camera
    exif[0x0132] = shot.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    exif.get_ifd(0x8769)[0x9003] = exif[0x0132]
    buffer = io.BytesIO()
    image = Image.fromarray(render(shot.scene, size).image)
    image.save(buffer, "JPEG", quality=lens.jpeg_quality, exif=exif)
    return shot.name, buffer.getvalue()


def _records(shots: list[Shot]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for s in shots:
        scene = s.scene
        defects, places = ";".join(d.kind for d in scene.defects), ";".join(d.place for d in scene.defects)
        writer.writerow(
            (
                s.name, s.note, scene.part, defects, places, s.lot, s.serial, s.station, s.inspector,
                s.taken_at.isoformat(), scene.camera, scene.lighting, scene.finish, scene.background,
            )
        )  # fmt: skip
    return text.getvalue()
