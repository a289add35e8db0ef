"""The training loop: from pairs to an adapter, resumable to the byte."""

import importlib.metadata
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from realign_edge.alignment.batches import tokenised
from realign_edge.alignment.checkpoints import newest_checkpoint
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.holdout import Looks, split
from realign_edge.alignment.loop import (
    Control,
    EventSink,
    Glimpse,
    Loop,
    between_steps,
    optimise,
    resume,
    take_best,
    unseen,
)
from realign_edge.alignment.lora import eject, inject, save_adapter, trainable
from realign_edge.alignment.machine import device_memory, free_memory, give_back_at_once
from realign_edge.alignment.memory import Plan, geometry_of, plan
from realign_edge.alignment.monitor import Explosion, FallingChosen, Pace, memory_gib, recent_mean
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.schedule import schedule, step_count
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import UsageError
from realign_edge.files import fingerprint
from realign_edge.preferences.model import PreferencePair
from realign_edge.progress import Progress
from realign_edge.team import Alone, Team
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")
_GIB = 2**30


@dataclass(frozen=True)
class Workspace:
    """Where a run keeps its things: checkpoints/ and adapter/ in `run`, the shared cache in `references`."""

    run: Path
    references: Path


@dataclass(frozen=True, slots=True)
class AlignmentResult:
    """adapter: PEFT folder; steps: done of planned; best_step: the one that the adapter is of.

    chosen_change: mean log pi - log pi_0 of true notes in nats, of the held-out pairs at the best step where
    there are any, else over the last steps.
    """

    adapter: Path
    steps: int
    planned: int
    best_step: int
    chosen_change: float
    seconds: float


def align(
    vlm: Vlm,
    pairs: Sequence[PreferencePair],
    store: FeatureStore,
    settings: AlignmentSettings,
    workspace: Workspace,
    *,
    progress: Progress,
    events: EventSink,
    control: Control,
    team: Team | None = None,
    glimpse: Glimpse = unseen,
) -> AlignmentResult:
    """Train an adapter on `pairs`, continuing from the newest checkpoint; leaves `vlm` as the base model.

    glimpse: called at every look with the step; it may ask the model, and must leave it as it was.

    Raises:
        UsageError: there are no pairs, memory does not suffice, or a checkpoint is of something else.
        Interrupted: `control` said so; a checkpoint was written first.
        RealignError: the loss or the gradient is out of bounds; the message names the pair.
    """
    if not pairs:
        raise UsageError("there are no preference pairs to train on", "look at `realign-edge pairs list`")
    began, team = time.monotonic(), team or Alone()
    items = tokenised(vlm, store, pairs)
    kept, held = split(items, settings.holdout_share, settings.seed)
    steps = step_count(settings, len(kept))
    order = schedule([items[i] for i in kept], steps, settings.batch_pairs, settings.question_share, settings.seed)
    batches = [[kept[i] for i in step] for step in order]
    used = sorted({i for step in batches for i in step} | set(held))
    fitting = team.share(plan(geometry_of(vlm), settings, [items[i] for i in used], device_memory(vlm.device)))
    _tell_plan(fitting, vlm, progress, events)
    if fitting.tight(free_memory(vlm.device)):
        give_back_at_once()
    reference = reference_logps(
        vlm, store, [items[i] for i in used], workspace.references, settings.micro_tokens, progress, team
    )
    wrapped = inject(vlm, settings)
    try:
        learner = Learner(vlm, store, items, settings, reference, fitting.micro_tokens, progress, team)
        loop = _loop(learner, batches, held, _identity(vlm, pairs, settings), workspace.run, events, control)
        loop.glimpse = glimpse
        change = _train(loop)
        if team.first:
            save_adapter(wrapped, workspace.run / "adapter")
        team.wait()
    finally:
        eject(vlm, wrapped)
    best = loop.looks.best[0] if loop.looks.best else loop.done
    seconds = time.monotonic() - began
    return AlignmentResult(workspace.run / "adapter", loop.done, len(batches), best, change, seconds)


def _loop(
    learner: Learner,
    batches: Sequence[Sequence[int]],
    held: Sequence[int],
    identity: dict[str, str],
    run: Path,
    events: EventSink,
    control: Control,
) -> Loop:
    """The state to begin or to go on with."""
    settings, parameters = learner.settings, trainable(learner.vlm)
    optimizer = torch.optim.AdamW(
        parameters.values(),
        lr=settings.learning_rate,
        betas=(0.9, 0.99),
        weight_decay=settings.weight_decay,
        # On a GPU the usual way makes another copy of all weights for a moment, which the plan has no room for.
        fused=learner.vlm.device.type == "cuda",
    )
    looks = Looks(settings.patience, [])
    folder = run / "checkpoints"
    loop = Loop(learner, batches, held, identity, folder, events, control, parameters, optimizer, looks)
    resume(loop, learner.team.share(newest_checkpoint(folder) if learner.team.first else None))
    return loop


def _train(loop: Loop) -> float:
    """Every step that is left; the adapter is then the best one. Returns the change of the true notes, nats."""
    settings, learner, progress = loop.settings, loop.learner, loop.learner.progress
    pace, falling, explosion = Pace(), FallingChosen(settings), Explosion(settings.explosion)
    changes: list[float] = []
    progress.start("Training", len(loop.plan), "steps")
    with fused_lora(learner.vlm), _training(learner.vlm, settings):
        while loop.done < len(loop.plan) and not loop.looks.enough:
            began = time.monotonic()
            event = optimise(loop, explosion)
            items = [learner.items[i] for i in loop.plan[loop.done - 1]]
            tokens = sum(sum(i.lengths(settings.objective)) for i in items)
            event |= pace.after(time.monotonic() - began, len(items), tokens, len(loop.plan) - loop.done)
            loop.events({**event, "memory_gib": memory_gib(learner.vlm.device)})
            progress.advance(loop.done)
            changes.append(event["chosen_change"])
            warning = falling.after(event["chosen_change"])
            if warning:
                progress.warn(warning)
                loop.events({"type": "warning", "kind": "chosen_falling", "message": warning})
            between_steps(loop)
        figures = take_best(loop)
    learner.vlm.model.eval()
    progress.finish(_outcome(loop, figures))
    held_change = figures.get("chosen_change", math.nan)
    return recent_mean(changes) if math.isnan(held_change) else held_change


def _outcome(loop: Loop, figures: Mapping[str, float]) -> str:
    """What came out, in a line for people."""
    text = f"{loop.done} steps"
    if loop.done < len(loop.plan):
        text = f"ended after {loop.done} of {len(loop.plan)} steps, held-out pairs gained no more"
    best = loop.looks.best
    if best is not None and best[0] != loop.done:
        text += f"; best after {best[0]}"
    accuracy = figures.get("text_accuracy", math.nan)
    if math.isnan(accuracy):
        return text
    pairs = len(loop.held)
    return f"{text}; true answer preferred in {round(accuracy * pairs)} of {pairs} held-out pairs"


@contextmanager
def _training(vlm: Vlm, settings: AlignmentSettings) -> Iterator[None]:
    """Dropout, and gradient checkpointing where it is asked for."""
    checkpointing = settings.gradient_checkpointing
    if checkpointing:
        vlm.model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    vlm.model.train(settings.lora_dropout > 0 or checkpointing)
    try:
        yield
    finally:
        vlm.model.eval()
        if checkpointing:
            vlm.model.gradient_checkpointing_disable()


def _tell_plan(fitting: Plan, vlm: Vlm, progress: Progress, events: EventSink) -> None:
    found = fitting.forecast
    events(
        {
            "type": "plan",
            "micro_tokens": fitting.micro_tokens,
            "predicted_gib": found.total / _GIB,
            "weights_gib": found.weights / _GIB,
            "activations_gib": found.activations / _GIB,
            "limit_gib": fitting.limit / _GIB,
        }
    )
    needed, free = found.total - found.base - found.weights, free_memory(vlm.device)
    if needed > free:
        progress.warn(
            f"training needs {needed / _GIB:.1f} GiB and {free / _GIB:.1f} GiB are free now; close other programs"
        )


def _identity(vlm: Vlm, pairs: Sequence[PreferencePair], settings: AlignmentSettings) -> dict[str, str]:
    """What must be the same for a run to be continued, under names that a person understands."""
    return {
        "base model": vlm.fingerprint,
        "pairs": fingerprint([p.pair_id for p in pairs]),
        **{("objective" if k == "objective" else f"setting {k}"): str(v) for k, v in asdict(settings).items()},
        **{f"version of {name}": importlib.metadata.version(name) for name in _LIBRARIES},
    }
