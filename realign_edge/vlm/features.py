"""Vision features of the frozen tower: computed once per photo, kept on disk, a cache that can be rebuilt.

Each photo goes through the tower alone. Batching would be a little faster, but floating-point results
depend on what a photo is batched with, and then a run that was killed and continued would not give the
bytes of one that was not.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from realign_edge.files import fingerprint, write_atomic
from realign_edge.photos.decode import read_photo
from realign_edge.photos.model import Photo
from realign_edge.progress import Progress
from realign_edge.vlm.model import Pooling, Vlm, pool

_SHARD = 64
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "projected")


class FeatureStore:
    """Features of photos under one tower: `directory`/<vision fingerprint>/<shard>.safetensors."""

    def __init__(self, directory: Path, vlm: Vlm) -> None:
        self.vlm = vlm
        self.folder = directory / vlm.vision_fingerprint
        self.folder.mkdir(parents=True, exist_ok=True)
        self._features: dict[str, Tensor] = {}
        self._vectors: dict[str, dict[Pooling, NDArray[np.float32]]] = {}
        for shard in sorted(self.folder.glob("*.safetensors")):
            self._read(shard)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._features

    def ensure(self, photos: Sequence[Photo], progress: Progress) -> int:
        """Compute what is missing; returns how many were computed. Kept shard by shard, so little is lost.

        Raises:
            Refusal: a photo can no longer be read (the folder changed while we worked).
        """
        missing = [p for p in photos if p.sha256 not in self]
        if not missing:
            return 0
        progress.start("Seeing photos", len(missing))
        with ThreadPoolExecutor(1) as reader:
            for start in range(0, len(missing), _SHARD):
                shard = missing[start : start + _SHARD]
                images = reader.map(lambda p: self.vlm.pixels([read_photo(p.path)]), shard)
                rows = []
                for done, (photo, pixels) in enumerate(zip(shard, images, strict=True), start + 1):
                    rows.append((photo.sha256, self.vlm.encode_pixels(pixels)))
                    progress.advance(done)
                features = torch.cat([f.image_features for _, f in rows]).cpu()
                pooled = {how: np.concatenate([pool(f, how) for _, f in rows]) for how in POOLINGS}
                self._write([sha for sha, _ in rows], features, pooled)
        progress.finish()
        return len(missing)

    def image_features(self, sha256s: Sequence[str]) -> Tensor:
        """(n, tokens, hidden) as the language model reads them, one row per identity given."""
        return torch.stack([self._features[sha] for sha in sha256s])

    def vectors(self, sha256s: Sequence[str], pooling: Pooling) -> NDArray[np.float32]:
        """(n, dim) unit-length retrieval vectors."""
        return np.stack([self._vectors[sha][pooling] for sha in sha256s])

    def _write(self, shas: list[str], features: Tensor, pooled: dict[Pooling, NDArray[np.float32]]) -> None:
        tensors: dict[str, Tensor] = {
            "image_features": features,
            **{how: torch.from_numpy(v) for how, v in pooled.items()},
        }
        path = self.folder / f"{fingerprint(shas)}.safetensors"
        write_atomic(path, save(tensors, {"photos": json.dumps(shas)}))
        self._keep(shas, features, pooled)

    def _read(self, path: Path) -> None:
        """Take a shard in; a damaged one is removed and its photos are computed again."""
        try:
            with safe_open(path, framework="pt") as shard:
                shas: list[str] = json.loads(shard.metadata()["photos"])
                features = shard.get_tensor("image_features")
                pooled = {how: shard.get_tensor(how).numpy() for how in POOLINGS}
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            path.unlink(missing_ok=True)
            return
        self._keep(shas, features, pooled)

    def _keep(self, shas: list[str], features: Tensor, pooled: dict[Pooling, NDArray[np.float32]]) -> None:
        for row, sha in enumerate(shas):
            self._features[sha] = features[row]
            self._vectors[sha] = {how: v[row] for how, v in pooled.items()}
