"""Reference log-probabilities: of the base model, once per pair, kept on disk under the base model's fingerprint."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from realign_edge.alignment.batches import Item, micro_batches, pair_logps
from realign_edge.alignment.objectives import Logps
from realign_edge.files import fingerprint, write_atomic
from realign_edge.progress import Progress
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

# The most demanding objective, so that one pass serves them all.
_WIDEST = "rdpo-symmetric"


@torch.no_grad()
def reference_logps(
    vlm: Vlm, store: FeatureStore, items: Sequence[Item], folder: Path, micro_tokens: int, progress: Progress
) -> dict[str, Tensor]:
    """Pair identity to (4,) float32 log-probabilities, in the order of `Logps`.

    Must be called before an adapter is injected: the reference is the base model, never a trained adapter.
    """
    if any("lora_" in name for name, _ in vlm.model.named_parameters()):
        raise RuntimeError("reference log-probabilities must come from the base model, without an adapter")
    wanted = {item.pair.pair_id: item for item in items}
    path = folder / f"{fingerprint(vlm.fingerprint, sorted(wanted))}.safetensors"
    known = _read(path)
    if known is not None:
        return known
    progress.start("Reference", len(wanted), "pairs")
    todo, found = list(wanted.values()), dict[str, Tensor]()
    for group in micro_batches(todo, micro_tokens):
        logps = pair_logps(vlm, store, [todo[i] for i in group], _WIDEST)
        rows = torch.stack(tuple(logps), dim=1).cpu()
        found.update({todo[i].pair.pair_id: row for i, row in zip(group, rows, strict=True)})
        progress.advance(len(found))
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted(found)
    meta = {str(i): name for i, name in enumerate(names)}
    write_atomic(path, save({"logps": torch.stack([found[n] for n in names])}, meta))
    progress.finish()
    return found


def as_logps(rows: Sequence[Tensor], device: torch.device) -> Logps:
    """Rows of `reference_logps` as a batch."""
    return Logps(*torch.stack(list(rows)).to(device).unbind(dim=1))


def _read(path: Path) -> dict[str, Tensor] | None:
    from safetensors import safe_open

    try:
        logps = load(path.read_bytes())["logps"]
        with safe_open(path, framework="pt") as file:
            meta = file.metadata()
    except (OSError, SafetensorError, KeyError):
        return None
    return {meta[str(i)]: logps[i] for i in range(len(logps))}
