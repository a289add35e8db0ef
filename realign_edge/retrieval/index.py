"""The index of photo vectors: hnswlib as a rebuildable, checksummed cache; exact search where it is not good enough.

hnswlib saves in place without fsync, never raises on a full disk, loads flipped bits silently, and an
untrusted file can overflow its heap. So an index file is written beside, hashed, renamed, and loaded
only if its hash is the one in the manifest that was written after it.
"""

import errno
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realign_edge.files import fingerprint, from_json, sha256_file, sync_folder, write_json
from realign_edge.progress import Progress

Vectors = NDArray[np.float32]
_M, _EF_CONSTRUCTION, _SEED = 32, 400, 100
_RECALL_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a saved index is. `photos` in label order; recall_at_10 against exact search, in [0, 1]."""

    space: str
    dim: int
    photos: tuple[str, ...]
    sha256: str
    recall_at_10: float
    key: str


class PhotoIndex:
    """Nearest photos by cosine similarity. Build with `open_index`."""

    def __init__(self, graph: Any, vectors: Vectors, manifest: Manifest, min_recall: float) -> None:
        self._graph, self._vectors, self.manifest = graph, vectors, manifest
        self._rows = {sha: i for i, sha in enumerate(manifest.photos)}
        self.exact = graph is None or manifest.recall_at_10 < min_recall

    def __len__(self) -> int:
        return len(self.manifest.photos)

    def nearest(self, vector: Vectors, k: int) -> list[tuple[str, float]]:
        """The k nearest photos of a unit vector (dim,), best first, with cosine similarity; ties by identity."""
        k = min(k, len(self))
        rows = self._search(vector, k) if not self.exact else self._exact(vector, k)
        similarity = self._vectors[rows] @ vector
        found = [(self.manifest.photos[r], float(s)) for r, s in zip(rows, similarity, strict=True)]
        return sorted(found, key=lambda f: (-f[1], f[0]))

    def neighbours(self, sha256: str, k: int) -> list[tuple[str, float]]:
        """The k nearest other photos of an indexed photo."""
        found = self.nearest(self._vectors[self._rows[sha256]], k + 1)
        return [f for f in found if f[0] != sha256][:k]

    def _search(self, vector: Vectors, k: int) -> NDArray[np.int64]:
        for ef in (max(200, 4 * k), max(1000, 20 * k)):
            self._graph.set_ef(ef)
            try:
                labels, _ = self._graph.knn_query(vector, k=k, num_threads=1)
            except RuntimeError:
                continue
            return np.asarray(labels[0], np.int64)
        return self._exact(vector, k)

    def _exact(self, vector: Vectors, k: int) -> NDArray[np.int64]:
        return np.argsort(-(self._vectors @ vector), kind="stable")[:k]


def open_index(
    folder: Path, photos: tuple[str, ...], vectors: Vectors, progress: Progress, min_recall: float = 0.99
) -> PhotoIndex:
    """Load the index of exactly these photos, extend one that lacks some of them, or build it.

    vectors: (n, dim) float32 of unit length, in the order of `photos`.

    Raises:
        ValueError: a vector is not finite or not of unit length.
    """
    norms = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(vectors).all() or not np.allclose(norms, 1, atol=1e-3):
        raise ValueError("photo vectors must be finite and of unit length")
    saved = _load(folder, vectors.shape[1])
    key = fingerprint(photos, [round(float(x), 5) for x in vectors.sum(axis=0)])
    if saved is not None and saved[1].key == key:
        by_photo = dict(zip(photos, vectors, strict=True))
        return PhotoIndex(saved[0], np.stack([by_photo[p] for p in saved[1].photos]), saved[1], min_recall)
    graph, order = _grown(saved, photos, vectors)
    rows = {sha: i for i, sha in enumerate(photos)}
    ordered = vectors[[rows[sha] for sha in order]]
    draft = Manifest("cosine", vectors.shape[1], order, "", 1.0, key)
    recall = _recall(PhotoIndex(graph, ordered, draft, min_recall))
    manifest = replace(draft, recall_at_10=recall)
    _save(folder, graph, manifest)
    progress.start("Indexing photos", len(photos))
    progress.finish(f"{len(photos)} photos, recall@10 {recall:.3f}")
    return PhotoIndex(graph, ordered, manifest, min_recall)


def _grown(
    saved: tuple[Any, Manifest] | None, photos: tuple[str, ...], vectors: Vectors
) -> tuple[Any, tuple[str, ...]]:
    """Add new photos to a saved graph when all of its photos are still there, else build anew.

    Threads would make the graph depend on timing, so one thread builds it.
    """
    import hnswlib

    if saved is not None and set(saved[1].photos) <= set(photos):
        graph, known = saved[0], saved[1].photos
        new = tuple(p for p in photos if p not in set(known))
        graph.resize_index(len(photos))
    else:
        graph, known, new = hnswlib.Index("cosine", vectors.shape[1]), (), photos
        graph.init_index(max(len(photos), 1), ef_construction=_EF_CONSTRUCTION, M=_M, random_seed=_SEED)
    if new:
        rows = {sha: i for i, sha in enumerate(photos)}
        labels = np.arange(len(known), len(known) + len(new))
        graph.add_items(vectors[[rows[p] for p in new]], labels, num_threads=1)
    return graph, (*known, *new)


def _recall(index: PhotoIndex) -> float:
    """Share of the exact 10 nearest that the graph finds, over an evenly spread sample of photos."""
    step = max(1, len(index) // _RECALL_SAMPLE)
    k = min(10, len(index))
    hits = [
        len(set(index._search(v, k).tolist()) & set(index._exact(v, k).tolist())) / k for v in index._vectors[::step]
    ]
    return float(np.mean(hits))


def _save(folder: Path, graph: Any, manifest: Manifest) -> None:
    beside, path = folder / ".index.tmp", folder / "index.hnsw"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    try:
        graph.save_index(str(beside))
        if not beside.exists() or beside.stat().st_size != graph.index_file_size():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        with beside.open("rb+") as handle:
            os.fsync(handle.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(folder)
    write_json(folder / "manifest.json", {**asdict(manifest), "sha256": sha256_file(path)})


def _load(folder: Path, dim: int) -> tuple[Any, Manifest] | None:
    import hnswlib

    path = folder / "index.hnsw"
    try:
        values = from_json((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest = Manifest(**{**values, "photos": tuple(values["photos"])})
        if manifest.dim != dim or manifest.space != "cosine" or sha256_file(path) != manifest.sha256:
            return None
        graph = hnswlib.Index("cosine", dim)
        graph.load_index(str(path), max_elements=len(manifest.photos))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError):
        return None
    return graph, manifest
