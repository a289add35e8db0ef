"""Checkpoints: adapter weights, optimiser state and step, whole or absent, without pickle."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from realign_edge.files import sha256_bytes, write_atomic, write_json

_KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """State after `step` steps. identity: what must be the same for it to be continued."""

    step: int
    identity: Mapping[str, str]
    weights: dict[str, Tensor]
    first: dict[str, Tensor]
    second: dict[str, Tensor]
    random_state: Tensor


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write the tensors, then the manifest with their SHA-256; older checkpoints but one are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"random_state": checkpoint.random_state}
    for group, values in (("w", checkpoint.weights), ("m", checkpoint.first), ("v", checkpoint.second)):
        tensors |= {f"{group}:{name}": value.detach().cpu().contiguous() for name, value in values.items()}
    data = save(tensors)
    path = folder / f"step-{checkpoint.step:07d}.safetensors"
    write_atomic(path, data)
    manifest = {"step": checkpoint.step, "identity": dict(checkpoint.identity), "sha256": sha256_bytes(data)}
    write_json(path.with_suffix(".json"), manifest)
    for old in sorted(folder.glob("step-*.json"))[:-_KEEP]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)
    return path


def newest_checkpoint(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; a damaged one is passed over for the one before."""
    for manifest_path in sorted(folder.glob("step-*.json"), reverse=True):
        try:
            manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
            data = manifest_path.with_suffix(".safetensors").read_bytes()
            if sha256_bytes(data) != manifest["sha256"]:
                continue
            tensors = load(data)
            step, identity = int(manifest["step"]), dict(manifest["identity"])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError):
            continue
        groups: dict[str, dict[str, Tensor]] = {"w": {}, "m": {}, "v": {}}
        for key, value in tensors.items():
            if ":" in key:
                groups[key[0]][key[2:]] = value
        return Checkpoint(step, identity, groups["w"], groups["m"], groups["v"], tensors["random_state"])
    return None


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
    """Put weights, moments and random state back."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(checkpoint.weights[name])
            optimizer.state[parameter] = {
                "step": torch.tensor(float(checkpoint.step)),
                "exp_avg": checkpoint.first[name].to(parameter.device),
                "exp_avg_sq": checkpoint.second[name].to(parameter.device),
            }
    torch.set_rng_state(checkpoint.random_state)
