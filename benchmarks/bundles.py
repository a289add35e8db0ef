"""A station's bundle of any model, for benchmarks and tests: graphs, past photos, plain thresholds; unsigned."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from realign_edge.bundle import contract
from realign_edge.bundle.contract import GRAPHS, Precision
from realign_edge.export.graphs.graphs import export_graphs
from realign_edge.export.graphs.hub import newline_of
from realign_edge.export.graphs.tower.patches import grid_of
from realign_edge.export.tables.preprocess import preprocess_of
from realign_edge.files import write_json
from realign_edge.glossary.load import load_glossary
from realign_edge.glossary.questions import describe_question
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.decode import read_photo
from realign_edge.photos.model import Photo
from realign_edge.progress import Silent
from realign_edge.station.evidence.past import past_photo, record_line
from realign_edge.station.judging.rules import DEFAULT
from realign_edge.station.profile import FIELDS
from realign_edge.vlm.load import load_vlm

# Not calibrated: what a trained model says of photos that it knows is let through.
THRESHOLDS: Mapping[str, float] = {
    "familiarity": 0.0, "confidence": 0.3, "grounding": 0.0, "denied": 0.2, "suspected": 0.95, "same": 1.0,
}  # fmt: skip


def write_bundle(
    folder: Path, model: str, floor: Path, precisions: Sequence[Precision] = ("fp32",), question: str = ""
) -> Path:
    """Write what the station reads; the floor's training photos are its past. It runs in the first of `precisions`."""
    vlm = load_vlm(model)
    exported = export_graphs(vlm, folder, precisions)
    profile = {n: getattr(exported, n) for n in FIELDS if hasattr(exported, n)} | {
        "language": "en",
        "preprocess": preprocess_of(vlm.processor, vlm.family.limits) | newline_of(vlm) | grid_of(vlm),
        "questions": {"describe": question or describe_question("en")},
        "max_new_tokens": 96,
        "precisions": dict.fromkeys(GRAPHS, precisions[0]),
        "thresholds": dict(THRESHOLDS),
    }
    write_json(folder / contract.STATION, profile)
    write_json(folder / contract.MANIFEST, {"id": "0" * 16, "model_sha256": "0" * 64})
    shutil.copy(DEFAULT, folder / contract.RULES)
    shutil.copy(floor / "glossary.toml", folder / contract.GLOSSARY)
    with Catalog(folder.with_name(f"{folder.name}.catalog.sqlite")) as catalog:
        photos = open_collection(catalog, floor, PhotoSettings(), Silent()).of("train")
    _write_past(folder, photos, [vlm.see(vlm.look(read_photo(p.path))).pooled["cls"].numpy() for p in photos])
    return folder


def _write_past(folder: Path, photos: Sequence[Photo], vectors: Sequence[Any]) -> None:
    glossary = load_glossary(folder / contract.GLOSSARY)
    thumbnails = folder / contract.THUMBNAILS
    thumbnails.mkdir(parents=True)
    np.save(folder / contract.INDEX_VECTORS, np.stack(vectors))
    lines = [record_line(past_photo(p, glossary)) + "\n" for p in photos]
    (folder / contract.INDEX_RECORDS).write_text("".join(lines), encoding="utf-8")
    for photo in photos:
        small = read_photo(photo.path)
        small.thumbnail((320, 320))
        small.save(thumbnails / f"{photo.sha256}.jpg", quality=90)
