"""Vision features of the frozen tower: computed once per photo, kept on disk, a cache that can be rebuilt.

Each photo goes through the tower alone. Batching would be a little faster, but floating-point results
depend on what a photo is batched with, and then a run that was killed and continued would not give the
bytes of one that was not. Only the small retrieval vectors stay in memory; the features of a photo, which
are megabytes for a large model, are read from their shard when they are needed.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

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
from realign_edge.team import Alone, Team, dealt, mine
from realign_edge.vlm.model import Pooling, VisionFeatures, Vlm, pool

_SHARD = 64
_OPEN_SHARDS = 32
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "projected")


class FeatureStore:
    """Features of photos under one tower: `directory`/<vision fingerprint>/<shard>.safetensors.

    With a team, the members see different photos and the first one writes; all read the same folder.
    """

    def __init__(self, directory: Path, vlm: Vlm, team: Team | None = None) -> None:
        self.vlm, self.team = vlm, team or Alone()
        self.folder = directory / vlm.vision_fingerprint
        self._places: dict[str, tuple[Path, int]] = {}
        self._vectors: dict[str, dict[Pooling, NDArray[np.float32]]] = {}
        self._open = lru_cache(maxsize=_OPEN_SHARDS)(_open_shard)
        if self.team.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            for shard in sorted(self.folder.glob("*.safetensors")):
                self._read(shard)
        self._places, self._vectors = self.team.share((self._places, self._vectors))

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

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
                share = mine(self.team, shard)
                images = reader.map(lambda p: self.vlm.pixels([read_photo(p.path)]), share)
                seen: list[VisionFeatures] = []
                for done, pixels in enumerate(images, 1):
                    seen.append(VisionFeatures(*(f.cpu() for f in self.vlm.encode_pixels(pixels))))
                    progress.advance(start + min(done * self.team.size, len(shard)))
                self._add([p.sha256 for p in shard], [_row(f) for f in seen])
        progress.finish()
        return len(missing)

    def image_features(self, sha256s: Sequence[str]) -> Tensor:
        """(n, tokens, hidden) as the language model reads them, one row per identity given."""
        rows = []
        for sha in sha256s:
            path, row = self._places[sha]
            rows.append(self._open(path).get_slice("image_features")[row])
        return torch.stack(rows)

    def mean(self, sha256s: Sequence[str]) -> Tensor:
        """(tokens, hidden) the mean over photos, one at a time so that few are in memory."""
        total = torch.zeros(())
        for sha in sha256s:
            total = total + self.image_features([sha])[0].float()
        return (total / max(len(sha256s), 1)).to(self.vlm.dtype)

    def vectors(self, sha256s: Sequence[str], pooling: Pooling) -> NDArray[np.float32]:
        """(n, dim) unit-length retrieval vectors."""
        return np.stack([self._vectors[sha][pooling] for sha in sha256s])

    def _add(self, shas: list[str], share: list[dict[str, Tensor]]) -> None:
        """Bring the members' rows of a shard together and write it."""
        rows = dealt(self.team.gather(share))
        tensors = {name: torch.stack([row[name] for row in rows]) for name in rows[0]}
        path = self.folder / f"{fingerprint(shas)}.safetensors"
        if self.team.first:
            write_atomic(path, save(tensors, {"photos": json.dumps(shas)}))
        self.team.wait()
        self._keep(path, shas, {how: tensors[how].numpy() for how in POOLINGS})

    def _read(self, path: Path) -> None:
        """Take a shard in; a damaged one is removed and its photos are computed again."""
        try:
            with safe_open(path, framework="pt") as shard:
                shas: list[str] = json.loads(shard.metadata()["photos"])
                if shard.get_slice("image_features").get_shape()[0] != len(shas):
                    raise ValueError("as many rows as photos")
                pooled = {how: shard.get_tensor(how).numpy().copy() for how in POOLINGS}
        except (SafetensorError, OSError, KeyError, TypeError, ValueError):
            path.unlink(missing_ok=True)
            return
        self._keep(path, shas, pooled)

    def _keep(self, path: Path, shas: list[str], pooled: dict[Pooling, NDArray[np.float32]]) -> None:
        for row, sha in enumerate(shas):
            self._places[sha] = (path, row)
            self._vectors[sha] = {how: v[row] for how, v in pooled.items()}


def _open_shard(path: Path) -> Any:
    return safe_open(path, framework="pt")


def _row(features: VisionFeatures) -> dict[str, Tensor]:
    """What is kept of one photo."""
    pooled: dict[str, Tensor] = {how: torch.from_numpy(pool(features, how)[0]) for how in POOLINGS}
    return {"image_features": features.image_features[0], **pooled}
