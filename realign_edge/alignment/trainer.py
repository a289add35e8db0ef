"""The training loop: from pairs to an adapter, resumable to the byte."""

import importlib.metadata
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from realign_edge.alignment.batches import Item, micro_batches, pair_logps, schedule, tokenised
from realign_edge.alignment.checkpoints import (
    Checkpoint,
    newest_checkpoint,
    optimizer_state,
    restore,
    write_checkpoint,
)
from realign_edge.alignment.lora import eject, inject, save_adapter, trainable
from realign_edge.alignment.objectives import OBJECTIVES, rewards
from realign_edge.alignment.reference import as_logps, reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import Interrupted, RealignError, UsageError
from realign_edge.files import fingerprint
from realign_edge.preferences.model import PreferencePair
from realign_edge.progress import Progress
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

EventSink = Callable[[dict[str, Any]], None]
# Below this the chosen answers have become less likely, and a warning names the remedy.
FALLING_CHOSEN_NATS = -1.0


@dataclass(frozen=True)
class Workspace:
    """Where a run keeps its things: checkpoints/ and adapter/ in `run`, the shared cache in `references`."""

    run: Path
    references: Path


@dataclass(frozen=True, slots=True)
class AlignmentResult:
    """adapter: PEFT folder; chosen_change: mean log pi - log pi_0 of chosen notes over the last steps, nats."""

    adapter: Path
    steps: int
    chosen_change: float
    seconds: float


@dataclass
class Trainer:
    """One run over given pairs. `align` is the entrance; the class only holds what its steps share."""

    vlm: Vlm
    store: FeatureStore
    items: Sequence[Item]
    settings: AlignmentSettings
    reference: Mapping[str, Tensor]

    def step(self, indices: Sequence[int], objective: str) -> dict[str, float]:
        """Accumulate the gradient of the mean loss of these items; returns the step's figures."""
        items = [self.items[i] for i in indices]
        figures: list[dict[str, Tensor]] = []
        for group in micro_batches(items, self.settings.micro_tokens):
            batch = [items[i] for i in group]
            loss, shown = self._losses(batch, objective)
            (loss.sum() / len(items)).backward()
            shown["loss"] = loss.detach()
            figures.append(shown)
            if not bool(torch.isfinite(loss).all()):
                bad = next(i for i, value in zip(batch, loss.tolist(), strict=True) if not math.isfinite(value))
                raise _diverged(f"the loss of pair {bad.pair.pair_id} (photo {bad.pair.photo[:12]}) is not a number")
        return _means(figures)

    def _losses(self, batch: Sequence[Item], objective: str) -> tuple[Tensor, dict[str, Tensor]]:
        """Per-item losses (batch,), and what is shown of them."""
        settings = self.settings
        policy = pair_logps(self.vlm, self.store, batch, objective)
        reference = as_logps([self.reference[i.pair.pair_id] for i in batch], policy.chosen.device)
        r = rewards(policy, reference, settings.beta)
        visual = torch.tensor([float(bool(i.pair.retrieved)) for i in batch], device=policy.chosen.device)
        loss = OBJECTIVES[objective](r, visual)
        nll_weight = 1.0 if objective == "sft" else settings.nll_weight
        if nll_weight:
            lengths = torch.tensor([float(len(i.chosen)) for i in batch], device=policy.chosen.device)
            loss = loss - nll_weight * policy.chosen / lengths
        note = torch.tensor([float(i.pair.kind == "note") for i in batch], device=policy.chosen.device)
        with torch.no_grad():
            text, sight = r.chosen - r.rejected, r.chosen - r.chosen_retrieved
            shown = {
                "text_margin": text, "text_accuracy": (text > 0).float(), "reward_chosen": r.chosen,
                "reward_rejected": r.rejected, "reward_retrieved": r.chosen_retrieved,
                "visual_margin": torch.where(visual > 0, sight, torch.nan),
                "visual_accuracy": torch.where(visual > 0, (sight > 0).float(), torch.nan),
                "chosen_change": torch.where(note > 0, policy.chosen - reference.chosen, torch.nan),
            }  # fmt: skip
        return loss, shown


def align(
    vlm: Vlm,
    pairs: Sequence[PreferencePair],
    store: FeatureStore,
    settings: AlignmentSettings,
    workspace: Workspace,
    *,
    progress: Progress,
    events: EventSink,
    should_stop: Callable[[], bool],
) -> AlignmentResult:
    """Train an adapter on `pairs`, continuing from the newest checkpoint; leaves `vlm` as the base model.

    Raises:
        UsageError: there are no pairs, or a checkpoint belongs to another model, other data or settings.
        Interrupted: `should_stop()` said so; a checkpoint was written first.
        RealignError: the loss or the gradient is no longer finite.
    """
    if not pairs:
        raise UsageError("there are no preference pairs to train on", "look at `realign-edge pairs list`")
    began = time.monotonic()
    items = tokenised(vlm, pairs)
    steps = step_count(settings, len(items))
    plan = schedule(items, steps, settings.batch_pairs, settings.question_share, settings.seed)
    used = [items[i] for i in sorted({i for step in plan for i in step})]
    reference = reference_logps(vlm, store, used, workspace.references, settings.micro_tokens, progress)
    wrapped = inject(vlm, settings)
    try:
        trainer = Trainer(vlm, store, items, settings, reference)
        change = _train(trainer, plan, _identity(vlm, pairs, settings), workspace, progress, events, should_stop)
        save_adapter(wrapped, workspace.run / "adapter")
    finally:
        eject(vlm, wrapped)
    return AlignmentResult(workspace.run / "adapter", steps, change, time.monotonic() - began)


def _train(
    trainer: Trainer,
    plan: Sequence[Sequence[int]],
    identity: Mapping[str, str],
    workspace: Workspace,
    progress: Progress,
    events: EventSink,
    should_stop: Callable[[], bool],
) -> float:
    settings, folder = trainer.settings, workspace.run / "checkpoints"
    parameters = trainable(trainer.vlm)
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    start = _resume(newest_checkpoint(folder), identity, optimizer, parameters, events)
    trainer.vlm.model.train(settings.lora_dropout > 0)
    progress.start("Training", len(plan), "steps")
    changes: list[float] = []
    warned = False
    for number in range(start, len(plan)):
        began = time.monotonic()
        rate = learning_rate(settings, number, len(plan))
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        figures = trainer.step(plan[number], "sft" if number < settings.sft_steps else settings.objective)
        norm = float(torch.nn.utils.clip_grad_norm_(parameters.values(), settings.max_grad_norm))
        if not math.isfinite(norm):
            raise _diverged(f"the gradient of step {number + 1} is not a number")
        optimizer.step()
        done, seconds = number + 1, time.monotonic() - began
        changes.append(figures["chosen_change"])
        tokens = sum(trainer.items[i].tokens for i in plan[number])
        speed = {"pairs_per_s": len(plan[number]) / seconds, "tokens_per_s": tokens / seconds}
        events(
            {
                "type": "step",
                "step": done,
                "steps": len(plan),
                "learning_rate": rate,
                "grad_norm": norm,
                **figures,
                **speed,
            }
        )
        progress.advance(done)
        warned = warned or _warn_falling(changes, settings, progress, events)
        stopping = done < len(plan) and should_stop()
        if stopping or done % settings.checkpoint_every == 0 or done == len(plan):
            first, second = optimizer_state(optimizer, parameters)
            weights = {name: p.detach().clone() for name, p in parameters.items()}
            write_checkpoint(folder, Checkpoint(done, identity, weights, first, second, torch.get_rng_state()))
            events({"type": "checkpoint", "step": done})
        if stopping:
            raise Interrupted(
                f"training was stopped after step {done} of {len(plan)}",
                "run the same command again to go on",
            )
    progress.finish(f"{len(plan)} steps")
    trainer.vlm.model.eval()
    recent = [c for c in changes[-10:] if math.isfinite(c)]
    return sum(recent) / len(recent) if recent else float("nan")


def step_count(settings: AlignmentSettings, pairs: int) -> int:
    """How many optimiser steps `pairs` pairs get."""
    rounds = pairs / settings.batch_pairs
    return min(settings.steps or math.ceil(rounds * settings.epochs), math.ceil(rounds * settings.max_epochs))


def learning_rate(settings: AlignmentSettings, step: int, steps: int) -> float:
    """Linear warm-up over `warmup_ratio` of the steps, then a cosine to zero."""
    warmup = max(1, math.ceil(settings.warmup_ratio * steps))
    if step < warmup:
        return settings.learning_rate * (step + 1) / warmup
    share = (step - warmup) / max(1, steps - warmup)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def _identity(vlm: Vlm, pairs: Sequence[PreferencePair], settings: AlignmentSettings) -> dict[str, str]:
    libraries = {n: importlib.metadata.version(n) for n in ("torch", "transformers", "peft")}
    return {
        "base model": vlm.fingerprint,
        "pairs": fingerprint([p.pair_id for p in pairs]),
        "settings": fingerprint(asdict(settings)),
        **{f"version of {name}": version for name, version in libraries.items()},
    }


def _resume(
    checkpoint: Checkpoint | None,
    identity: Mapping[str, str],
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    events: EventSink,
) -> int:
    if checkpoint is None:
        return 0
    changed = [key for key in identity if checkpoint.identity.get(key) != identity[key]]
    if changed:
        raise UsageError(
            f"the run cannot go on from step {checkpoint.step}: changed since then: {', '.join(changed)}",
            "start a new run, or bring back what was there",
        )
    restore(checkpoint, optimizer, parameters)
    events({"type": "resumed", "step": checkpoint.step})
    return checkpoint.step


def _means(figures: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """Means over the items of a step; NaN marks an item that a figure does not apply to."""
    means = {}
    for key in figures[0]:
        values = torch.cat([f[key].detach().float().cpu() for f in figures])
        known = values[~values.isnan()] if key != "loss" else values
        means[key] = float(known.mean()) if len(known) else float("nan")
    return means


def _warn_falling(changes: Sequence[float], settings: AlignmentSettings, progress: Progress, events: EventSink) -> bool:
    recent = [c for c in changes[-5:] if math.isfinite(c)]
    if len(recent) < 5 or sum(recent) / 5 > FALLING_CHOSEN_NATS:
        return False
    remedies = "lower learning_rate" if settings.nll_weight else "set nll_weight = 1, or lower learning_rate"
    if settings.objective in ("dpo", "rdpo"):
        remedies = f"use {settings.objective}-anchored, {remedies}"
    message = f"the true notes became {-sum(recent) / 5:.1f} nats less likely; {remedies}"
    progress.warn(message)
    events({"type": "warning", "message": message})
    return True


def _diverged(message: str) -> RealignError:
    return RealignError(
        message, "lower learning_rate; the last checkpoint is intact and a new run can start from scratch"
    )
