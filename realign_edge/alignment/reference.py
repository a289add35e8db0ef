"""Reference log-probabilities: of the base model, once per pair, kept on disk under the base model's fingerprint.

All pairs of one photo are computed together and apart from every other photo's: the photo and the prompt
are paid for once, and a value depends on nothing but its photo's pairs. So an interrupted pass, another
number of processes and a folder that has grown since give the same bits.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from realign_edge.alignment.batches import Item, micro_batches, pair_logps
from realign_edge.alignment.objectives import Logps
from realign_edge.files import fingerprint, from_json, write_atomic
from realign_edge.progress import Progress
from realign_edge.team import Alone, Team, dealt, mine
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

# The most demanding objective, so that one pass serves them all.
_WIDEST = "rdpo-symmetric"
_PHOTOS_A_FILE = 64


@torch.no_grad()
def reference_logps(
    vlm: Vlm,
    store: FeatureStore,
    items: Sequence[Item],
    folder: Path,
    micro_tokens: int,
    progress: Progress,
    team: Team | None = None,
) -> dict[str, Tensor]:
    """Pair identity to (4,) float32 log-probabilities, in the order of `Logps`.

    Must be called before an adapter is injected: the reference is the base model, never a trained adapter.
    """
    if any("lora_" in name for name, _ in vlm.model.named_parameters()):
        raise RuntimeError("reference log-probabilities must come from the base model, without an adapter")
    team = team or Alone()
    place = folder / vlm.fingerprint
    known = team.share(_read(place) if team.first else {})
    groups = {key: group for key, group in _groups(vlm, items, micro_tokens) if key not in known}
    if groups:
        progress.start("Reference", sum(map(len, groups.values())), "pairs")
        keys = list(groups)
        for start in range(0, len(keys), _PHOTOS_A_FILE):
            part = keys[start : start + _PHOTOS_A_FILE]
            rows = [_of_photo(vlm, store, groups[key], micro_tokens) for key in mine(team, part)]
            found = dict(zip(part, dealt(team.gather(rows)), strict=True))
            if team.first:
                _write(place, found)
            known |= found
            progress.advance(sum(len(groups[key]) for key in keys[: start + len(part)]))
        progress.finish()
    wanted = _groups(vlm, items, micro_tokens)
    return {pair: row for key, _ in wanted for pair, row in known[key].items()}


def as_logps(rows: Sequence[Tensor], device: torch.device) -> Logps:
    """Rows of `reference_logps` as a batch."""
    return Logps(*torch.stack(list(rows)).to(device).unbind(dim=1))


def _groups(vlm: Vlm, items: Sequence[Item], micro_tokens: int) -> Iterator[tuple[str, list[Item]]]:
    """The pairs of each photo in a fixed order, and what their values are kept under."""
    by_photo: dict[str, dict[str, Item]] = defaultdict(dict)
    for item in items:
        by_photo[item.pair.photo][item.pair.pair_id] = item
    for photo in sorted(by_photo):
        group = [by_photo[photo][pair] for pair in sorted(by_photo[photo])]
        key = fingerprint(vlm.fingerprint, [i.pair.pair_id for i in group], micro_tokens)
        yield key, group


def _of_photo(vlm: Vlm, store: FeatureStore, items: Sequence[Item], micro_tokens: int) -> dict[str, Tensor]:
    found = {}
    for group in micro_batches(items, micro_tokens, _WIDEST):
        rows = torch.stack(tuple(pair_logps(vlm, store, [items[i] for i in group], _WIDEST)), dim=1).cpu()
        found.update({items[i].pair.pair_id: row for i, row in zip(group, rows, strict=True)})
    return found


def _write(folder: Path, found: Mapping[str, Mapping[str, Tensor]]) -> None:
    """One file for some photos; a file is whole or absent, and what is missing is computed again."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [(key, pair) for key, rows in found.items() for pair in rows]
    logps = torch.stack([found[key][pair] for key, pair in names])
    write_atomic(folder / f"{fingerprint(names)}.safetensors", save({"logps": logps}, {"names": json.dumps(names)}))


def _read(folder: Path) -> dict[str, dict[str, Tensor]]:
    known: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                names, logps = from_json(file.metadata()["names"]), file.get_tensor("logps")
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            path.unlink(missing_ok=True)
            continue
        for (key, pair), row in zip(names, logps, strict=True):
            known[key][pair] = row.clone()
    return dict(known)
