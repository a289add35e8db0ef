"""Checkpoints: adapter weights, optimiser state and step, whole or absent, without pickle."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from realign_edge.files import from_json, sha256_bytes, write_atomic, write_json

_KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` steps. identity: what must be the same for it to be continued.

    looks: (step, loss) of every look at the held-out pairs so far; budget: tokens at a time that fit.
    """

    step: int
    identity: Mapping[str, str]
    weights: dict[str, Tensor]
    first: dict[str, Tensor]
    second: dict[str, Tensor]
    looks: tuple[tuple[int, float], ...] = ()
    budget: int = 0

    @property
    def best(self) -> int:
        """The step of the lowest held-out loss; 0 before the first look."""
        return min(self.looks, key=lambda look: (look[1], look[0]))[0] if self.looks else 0


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the tensors, then the manifest with their SHA-256.

    Older checkpoints are removed, but for one and the best one.

    Raises:
        OSError: the disk is full; what was there before stays.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    for group, values in (("w", checkpoint.weights), ("m", checkpoint.first), ("v", checkpoint.second)):
        tensors |= {f"{group}:{name}": value.detach().cpu().contiguous() for name, value in values.items()}
    data = save(tensors)
    path = folder / f"{_name(checkpoint.step)}.safetensors"
    write_atomic(path, data)
    manifest = {
        "step": checkpoint.step,
        "identity": dict(checkpoint.identity),
        "looks": [list(look) for look in checkpoint.looks],
        "budget": checkpoint.budget,
        "sha256": sha256_bytes(data),
    }
    write_json(path.with_suffix(".json"), manifest)
    for old in sorted(folder.glob("step-*.json"))[:-_KEEP]:
        if old.stem != _name(checkpoint.best):
            old.unlink()
            old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; a damaged one is passed over for the one before.

    So is one whose best checkpoint is gone or damaged: from an earlier one the best is made again.
    """
    for manifest in sorted(folder.glob("step-*.json"), reverse=True):
        found = _read(manifest)
        if found is not None and (found.best in (0, found.step) or read_checkpoint(folder, found.best) is not None):
            return found
    return None


def read_checkpoint(folder: Path, step: int) -> Checkpoint | None:
    """The checkpoint after `step` steps, if it is there and whole."""
    return _read(folder / f"{_name(step)}.json")


def _name(step: int) -> str:
    return f"step-{step:07d}"


def _read(path: Path) -> Checkpoint | None:
    try:
        manifest = from_json(path.read_text(encoding="utf-8"))
        data = path.with_suffix(".safetensors").read_bytes()
        if sha256_bytes(data) != manifest["sha256"]:
            return None
        tensors = load(data)
        step, identity, budget = int(manifest["step"]), dict(manifest["identity"]), int(manifest["budget"])
        looks = tuple((int(at), float(loss)) for at, loss in manifest["looks"])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return None
    groups: dict[str, dict[str, Tensor]] = {"w": {}, "m": {}, "v": {}}
    for key, value in tensors.items():
        groups[key[0]][key[2:]] = value
    return Checkpoint(step, identity, groups["w"], groups["m"], groups["v"], looks, budget)


def optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """AdamW's first and second moments by parameter name; zeros before the first step."""
    first, second = {}, {}
    for name, parameter in parameters.items():
        state = optimizer.state.get(parameter, {})
        first[name] = state.get("exp_avg", torch.zeros_like(parameter))
        second[name] = state.get("exp_avg_sq", torch.zeros_like(parameter))
    return first, second


def restore(checkpoint: Checkpoint, optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]) -> None:
    """Put weights and moments back."""
    # The fused kernel counts its steps on the device.
    fused = bool(optimizer.defaults.get("fused"))
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(checkpoint.weights[name])
            optimizer.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step), device=parameter.device if fused else "cpu"),
                "exp_avg": checkpoint.first[name].to(parameter.device),
                "exp_avg_sq": checkpoint.second[name].to(parameter.device),
            }
