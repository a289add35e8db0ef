"""What the frozen tower says of photos: computed once per photo, kept on disk, a cache that can be rebuilt.

Each photo goes through the tower alone. Batching would be a little faster, but floating-point results
depend on what a photo is batched with, and then a run that was killed and continued would not give the
bytes of one that was not. Only layouts and the small retrieval vectors stay in memory; the features of a
photo, which are megabytes for a large model, are read from their shard when they are needed.
"""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from realign_edge.files import fingerprint, from_json, write_atomic
from realign_edge.photos.model import Photo
from realign_edge.photos.same import read_same
from realign_edge.progress import Progress
from realign_edge.team import Alone, Team, dealt, mine
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.pooling import POOLINGS, Pooling
from realign_edge.vlm.seeing import Seen
from realign_edge.vlm.sight import Layout, Sight

_SHARD = 64
_OPEN_SHARDS = 32


@dataclass(frozen=True)
class _Place:
    """Where the rows of a photo lie: [start, end) of the shard's `rows`."""

    shard: Path
    start: int
    end: int
    layout: Layout


class FeatureStore:
    """Photos as one tower sees them: `directory`/<vision fingerprint>/<shard>.safetensors.

    A shard holds the rows of its photos one after another: `rows` (1 + k, sum of m, hidden), `tokens` (sum of n,),
    `grids` (photos, 3 or 0), a vector a photo for each pooling, and in its metadata the photos and where each begins.
    With a team, the members see different photos and the first one writes; all read the same folder.
    """

    def __init__(self, directory: Path, vlm: Vlm, team: Team | None = None) -> None:
        self.vlm, self.team = vlm, team or Alone()
        self.folder = directory / vlm.vision_fingerprint
        self._places: dict[str, _Place] = {}
        self._vectors: dict[str, dict[Pooling, NDArray[np.float32]]] = {}
        # Photos of one camera stand alike in a prompt; each layout is kept once.
        self._layouts: dict[Any, Layout] = {}
        self._open = lru_cache(maxsize=_OPEN_SHARDS)(_open_shard)
        if self.team.first:
            self.folder.mkdir(parents=True, exist_ok=True)
            for shard in sorted(self.folder.glob("*.safetensors")):
                self._read(shard)
        self._places, self._vectors, self._layouts = self.team.share((self._places, self._vectors, self._layouts))

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def ensure(self, photos: Sequence[Photo], progress: Progress) -> int:
        """Compute what is missing; returns how many were computed. Kept shard by shard, so little is lost.

        Raises:
            MissingError: a photo can no longer be read, or is another one (the folder changed while we worked).
        """
        missing = [p for p in photos if p.sha256 not in self]
        if not missing:
            return 0
        progress.start("Seeing photos", len(missing))
        with ThreadPoolExecutor(1) as reader:
            for start in range(0, len(missing), _SHARD):
                shard = missing[start : start + _SHARD]
                share = mine(self.team, shard)
                looks = reader.map(lambda p: self.vlm.look(read_same(p)), share)
                seen: list[dict[str, Tensor]] = []
                for done, look in enumerate(looks, 1):
                    seen.append(_kept(self.vlm.see(look)))
                    progress.advance(start + min(done * self.team.size, len(shard)))
                self._add([p.sha256 for p in shard], seen)
        progress.finish()
        return len(missing)

    def layouts(self, sha256s: Sequence[str]) -> list[Layout]:
        """How photos stand in a prompt; nothing is read."""
        return [self._places[sha].layout for sha in sha256s]

    def sights(self, sha256s: Sequence[str]) -> list[Sight]:
        """Photos as the language model sees them, read now."""
        found = []
        for place in (self._places[sha] for sha in sha256s):
            rows = self._open(place.shard).get_slice("rows")[:, place.start : place.end]
            deep = rows[1:] if len(rows) > 1 else None
            found.append(Sight(place.layout.tokens, place.layout.grid, features=rows[0], deep=deep))
        return found

    def mean_row(self, sha256s: Sequence[str]) -> Tensor:
        """(1 + k, hidden) the mean row over photos, read one at a time so that few are in memory."""
        total, count = torch.zeros(()), 0
        for sha in sha256s:
            rows = self.sights([sha])[0].rows
            total, count = total + rows.float().sum(dim=1), count + rows.shape[1]
        return (total / max(count, 1)).to(self.vlm.dtype)

    def vectors(self, sha256s: Sequence[str], pooling: Pooling) -> NDArray[np.float32]:
        """(n, dim) unit-length retrieval vectors."""
        return np.stack([self._vectors[sha][pooling] for sha in sha256s])

    def _add(self, shas: list[str], share: list[dict[str, Tensor]]) -> None:
        """Bring the members' photos of a shard together and write it."""
        seen = dealt(self.team.gather(share))
        tensors = {
            "rows": torch.cat([s["rows"] for s in seen], dim=1),
            "tokens": torch.cat([s["tokens"] for s in seen]),
            "grids": torch.stack([s["grids"] for s in seen]),
        } | {how: torch.stack([s[how] for s in seen]) for how in POOLINGS}
        about = {"photos": shas} | {n: _starts([s[n].shape[-1 if n == "tokens" else 1] for s in seen]) for n in _CUT}
        path = self.folder / f"{fingerprint(shas)}.safetensors"
        if self.team.first:
            # One entry: safetensors writes several in any order, and processes must agree on every byte.
            write_atomic(path, save(tensors, {"about": json.dumps(about)}))
        self.team.wait()
        self._keep(path, about, tensors)

    def _read(self, path: Path) -> None:
        """Take a shard in; a damaged one is removed and its photos are computed again."""
        try:
            with safe_open(path, framework="pt") as shard:
                about: dict[str, Any] = from_json(shard.metadata()["about"])
                tensors = {n: shard.get_tensor(n).clone() for n in ("tokens", "grids", *POOLINGS)}
                if shard.get_slice("rows").get_shape()[1] != about["rows"][-1]:
                    raise ValueError("as many rows as places")
            self._keep(path, about, tensors)
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, IndexError):
            path.unlink(missing_ok=True)

    def _keep(self, path: Path, about: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        tokens, rows = ([*pairwise(about[name])] for name in ("tokens", "rows"))
        for i, (sha, (start, end), (first, last)) in enumerate(zip(about["photos"], rows, tokens, strict=True)):
            layout = Layout(tensors["tokens"][first:last].clone(), tensors["grids"][i].clone())
            layout = self._layouts.setdefault(layout.key, layout)
            self._places[sha] = _Place(path, start, end, layout)
            self._vectors[sha] = {how: tensors[how][i].numpy() for how in POOLINGS}


# What of a shard is cut by where its photos begin.
_CUT = ("rows", "tokens")


def _starts(lengths: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(lengths).tolist()]


def _open_shard(path: Path) -> Any:
    return safe_open(path, framework="pt")


def _kept(seen: Seen) -> dict[str, Tensor]:
    """What is kept of one photo."""
    sight = seen.sight
    kept = {"rows": sight.rows.cpu().contiguous(), "tokens": sight.tokens, "grids": sight.grid}
    return kept | {how: seen.pooled[how] for how in POOLINGS}
