"""The training loop: from pairs to an adapter, resumable to the byte."""

import importlib.metadata
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from realign_edge.alignment.batches import tokenised
from realign_edge.alignment.checkpoints import (
    Checkpoint,
    newest_checkpoint,
    optimizer_state,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.gradient import Learner, diverged, named
from realign_edge.alignment.holdout import Looks, split
from realign_edge.alignment.lora import eject, inject, save_adapter, trainable
from realign_edge.alignment.memory import (
    Plan,
    device_memory,
    free_memory,
    geometry_of,
    give_back_at_once,
    plan,
)
from realign_edge.alignment.monitor import Explosion, FallingChosen, Pace, means, memory_gib, recent_mean
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.schedule import learning_rate, schedule, step_count
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import Interrupted, UsageError
from realign_edge.files import fingerprint
from realign_edge.preferences.model import PreferencePair
from realign_edge.progress import Progress
from realign_edge.team import Alone, Team
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.model import Vlm

EventSink = Callable[[dict[str, Any]], None]
_LIBRARIES = ("torch", "transformers", "peft", "bitsandbytes")
_GIB = 2**30


class Control(Protocol):
    """What a person or the system wants of the run; asked once a step."""

    def wish(self) -> Literal["go", "pause", "stop"]:
        """Go on, write a checkpoint and wait, or write a checkpoint and end."""
        ...

    def wait_while_paused(self) -> None:
        """Come back when the pause is over."""
        ...


class Uninterrupted:
    """A run that nobody wants anything of."""

    def wish(self) -> Literal["go", "pause", "stop"]:
        """Go on."""
        return "go"

    def wait_while_paused(self) -> None:
        """Never paused."""


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


@dataclass
class _Loop:
    """The state of one training run between its steps."""

    learner: Learner
    plan: Sequence[Sequence[int]]
    held: Sequence[int]
    identity: Mapping[str, str]
    folder: Path
    events: EventSink
    control: Control
    parameters: dict[str, torch.nn.Parameter]
    optimizer: torch.optim.Optimizer
    looks: Looks
    done: int = 0

    @property
    def settings(self) -> AlignmentSettings:
        return self.learner.settings


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
) -> AlignmentResult:
    """Train an adapter on `pairs`, continuing from the newest checkpoint; leaves `vlm` as the base model.

    Raises:
        UsageError: there are no pairs, memory does not suffice, or a checkpoint is of something else.
        Interrupted: `control` said so; a checkpoint was written first.
        RealignError: the loss or the gradient is out of bounds; the message names the pair.
    """
    if not pairs:
        raise UsageError("there are no preference pairs to train on", "look at `realign-edge pairs list`")
    began, team = time.monotonic(), team or Alone()
    items = tokenised(vlm, pairs)
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
    identity: Mapping[str, str],
    run: Path,
    events: EventSink,
    control: Control,
) -> _Loop:
    """The state to begin or to go on with."""
    settings, parameters = learner.settings, trainable(learner.vlm)
    optimizer = torch.optim.AdamW(
        parameters.values(), lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=settings.weight_decay
    )
    looks = Looks(settings.patience, [])
    folder = run / "checkpoints"
    loop = _Loop(learner, batches, held, identity, folder, events, control, parameters, optimizer, looks)
    _resume(loop, learner.team.share(newest_checkpoint(folder) if learner.team.first else None))
    return loop


def _train(loop: _Loop) -> float:
    """Every step that is left; the adapter is then the best one. Returns the change of the true notes, nats."""
    settings, learner, progress = loop.settings, loop.learner, loop.learner.progress
    pace, falling, explosion = Pace(), FallingChosen(settings), Explosion(settings.explosion)
    changes: list[float] = []
    progress.start("Training", len(loop.plan), "steps")
    with fused_lora(learner.vlm), _training(learner.vlm, settings):
        while loop.done < len(loop.plan) and not loop.looks.enough:
            began = time.monotonic()
            event = _step(loop, explosion)
            items = [learner.items[i] for i in loop.plan[loop.done - 1]]
            tokens = sum(sum(i.lengths(settings.objective)) for i in items)
            event |= pace.after(time.monotonic() - began, len(items), tokens, len(loop.plan) - loop.done)
            loop.events({**event, "memory_gib": memory_gib(learner.vlm.device)})
            progress.advance(loop.done)
            changes.append(event["chosen_change"])
            warning = falling.after(event["chosen_change"])
            if warning:
                progress.warn(warning)
                loop.events({"type": "warning", "message": warning})
            _between_steps(loop)
        held_change = _take_best(loop)
    learner.vlm.model.eval()
    progress.finish(_outcome(loop))
    return recent_mean(changes) if math.isnan(held_change) else held_change


def _step(loop: _Loop, explosion: Explosion) -> dict[str, Any]:
    """One optimiser step; what is to be told of it."""
    settings, indices = loop.settings, loop.plan[loop.done]
    objective = "sft" if loop.done < settings.sft_steps else settings.objective
    rate = learning_rate(settings, loop.done, len(loop.plan))
    for group in loop.optimizer.param_groups:
        group["lr"] = rate
    # Dropout depends on the step alone, so a run that goes on draws what it would have drawn.
    torch.manual_seed((settings.seed * 1_000_003 + loop.done) * 64 + loop.learner.team.rank)
    figures = means(loop.learner.gradient(indices, objective))
    norm = float(torch.nn.utils.clip_grad_norm_(loop.parameters.values(), settings.max_grad_norm))
    trouble = explosion.at(norm)
    if trouble:
        _save(loop)
        item = loop.learner.largest(indices, objective)
        raise diverged(f"the gradient of step {loop.done + 1} {trouble}; {named(item)} contributes most")
    loop.optimizer.step()
    loop.done += 1
    about = {"type": "step", "step": loop.done, "steps": len(loop.plan), "learning_rate": rate, "grad_norm": norm}
    return {**about, **figures, "micro_tokens": loop.learner.budget}


def _between_steps(loop: _Loop) -> None:
    """Look at the held-out pairs, write a checkpoint, do what is asked for.

    Raises:
        Interrupted: a stop was asked for; the checkpoint is written.
    """
    last = loop.done == len(loop.plan)
    wish = "go" if last else loop.learner.team.share(loop.control.wish())
    if last or loop.done % loop.settings.checkpoint_every == 0:
        _look(loop)
        _save(loop)
    elif wish != "go":
        _save(loop)
    if wish == "stop":
        raise Interrupted(
            f"training was stopped after step {loop.done} of {len(loop.plan)}", "run the same command again to go on"
        )
    if wish == "pause":
        if loop.learner.team.first:
            loop.control.wait_while_paused()
        loop.learner.team.wait()


def _look(loop: _Loop) -> None:
    """Figures of the held-out pairs under the present weights."""
    if not loop.held:
        return
    figures = means(loop.learner.figures(loop.held, loop.settings.objective))
    loop.looks.add(loop.done, figures["loss"])
    loop.events({"type": "held_out", "step": loop.done, "pairs": len(loop.held), **figures})


def _save(loop: _Loop) -> None:
    if loop.learner.team.first:
        first, second = optimizer_state(loop.optimizer, loop.parameters)
        weights = {name: p.detach().clone() for name, p in loop.parameters.items()}
        state = Checkpoint(
            loop.done, loop.identity, weights, first, second, tuple(loop.looks.seen), loop.learner.budget
        )
        write_checkpoint(loop.folder, state)
    loop.events({"type": "checkpoint", "step": loop.done})


def _take_best(loop: _Loop) -> float:
    """Make the weights those of the best look; the change of the held-out true notes there, NaN without any."""
    best, team = loop.looks.best, loop.learner.team
    if best is None:
        return math.nan
    if best[0] != loop.done:
        found = team.share(read_checkpoint(loop.folder, best[0]) if team.first else None)
        if found is None:
            raise UsageError(f"the checkpoint of step {best[0]} is gone", "start a new run, or bring it back")
        restore(found, loop.optimizer, loop.parameters)
    return means(loop.learner.figures(loop.held, loop.settings.objective))["chosen_change"]


def _outcome(loop: _Loop) -> str:
    text = f"{loop.done} steps"
    if loop.done < len(loop.plan):
        text += f" of {len(loop.plan)}, no further gain on held-out pairs"
    best = loop.looks.best
    return f"{text}; best after {best[0]}" if best is not None and best[0] != loop.done else text


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


def _resume(loop: _Loop, checkpoint: Checkpoint | None) -> None:
    if checkpoint is None:
        return
    changed = [
        f"{key} ({checkpoint.identity[key]} before, {loop.identity[key]} now)" if key in checkpoint.identity else key
        for key in loop.identity
        if checkpoint.identity.get(key) != loop.identity[key]
    ]
    if changed:
        raise UsageError(
            f"the run cannot go on from step {checkpoint.step}, changed since then: {', '.join(changed)}",
            "start a new run, or bring back what was there",
        )
    restore(checkpoint, loop.optimizer, loop.parameters)
    loop.done, loop.looks.seen = checkpoint.step, list(checkpoint.looks)
    loop.learner.budget = min(loop.learner.budget, checkpoint.budget or loop.learner.budget)
    loop.events({"type": "resumed", "step": checkpoint.step})
