"""A folder of photos and the index over all of them: what `index`, `similar` and the nightly upkeep open."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from realign_edge.files import fingerprint
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import Collection, PhotoSettings, open_collection
from realign_edge.progress import Progress
from realign_edge.retrieval.index import PhotoIndex, open_index
from realign_edge.retrieval.policy import RetrievalSettings

if TYPE_CHECKING:
    from realign_edge.vlm.model import Vlm


@dataclass(frozen=True)
class IndexedFolder:
    """What was read, the index over it, and the model whose eyes were used."""

    found: Collection
    index: PhotoIndex
    vlm: "Vlm"


def open_indexed(home: Path, photos: Path, model: str, progress: Progress) -> IndexedFolder:
    """Read the folder, look at what is new, and bring its index up to date.

    Raises:
        RealignError: no photos, no model, or the disk is full.
    """
    from realign_edge.vlm.features import FeatureStore
    from realign_edge.vlm.load import load_vlm

    with Catalog(home / "catalog.sqlite") as catalog:
        found = open_collection(catalog, photos, PhotoSettings(), progress)
    vlm = load_vlm(model)
    store = FeatureStore(home / "features", vlm)
    store.ensure(found.photos, progress)
    shas = tuple(sorted(p.sha256 for p in found.photos))
    pooling = RetrievalSettings().pooling
    folder = home / "index" / fingerprint(vlm.vision_fingerprint, pooling, str(found.root), "all")
    return IndexedFolder(found, open_index(folder, shas, store.vectors(shas, pooling), progress), vlm)
