"""What happens in a training run: a step, what lies between two steps, and taking a run up again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch

from realign_edge.alignment.checkpoints import (
    Checkpoint,
    optimizer_state,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from realign_edge.alignment.gradient import Learner, diverged, named
from realign_edge.alignment.holdout import Looks
from realign_edge.alignment.monitor import Explosion, means
from realign_edge.alignment.schedule import learning_rate
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import Interrupted, UsageError

EventSink = Callable[[dict[str, Any]], None]


# Told the number of steps done at every look, while the weights are those of that step.
Glimpse = Callable[[int], None]


def unseen(step: int) -> None:
    """Nobody looks on."""


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


@dataclass
class Loop:
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
    glimpse: Glimpse = unseen

    @property
    def settings(self) -> AlignmentSettings:
        return self.learner.settings


def optimise(loop: Loop, explosion: Explosion) -> dict[str, Any]:
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


def between_steps(loop: Loop) -> None:
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


def _look(loop: Loop) -> None:
    """Figures of the held-out pairs under the present weights, and a glimpse for whoever looks on."""
    if loop.held:
        figures = means(loop.learner.figures(loop.held, loop.settings.objective))
        loop.looks.add(loop.done, figures["loss"])
        loop.events({"type": "held_out", "step": loop.done, "pairs": len(loop.held), **figures})
    loop.glimpse(loop.done)


def _save(loop: Loop) -> None:
    if loop.learner.team.first:
        first, second = optimizer_state(loop.optimizer, loop.parameters)
        weights = {name: p.detach() for name, p in loop.parameters.items()}
        state = Checkpoint(
            loop.done, loop.identity, weights, first, second, tuple(loop.looks.seen), loop.learner.budget
        )
        write_checkpoint(loop.folder, state)
    loop.events({"type": "checkpoint", "step": loop.done})


def take_best(loop: Loop) -> dict[str, float]:
    """Make the weights those of the best look; the figures of the held-out pairs there, none without any."""
    best, team = loop.looks.best, loop.learner.team
    if best is None:
        return {}
    if best[0] != loop.done:
        found = team.share(read_checkpoint(loop.folder, best[0]) if team.first else None)
        if found is None:
            raise UsageError(f"the checkpoint of step {best[0]} is gone", "start a new run, or bring it back")
        restore(found, loop.optimizer, loop.parameters)
    figures = means(loop.learner.figures(loop.held, loop.settings.objective))
    early = loop.done < len(loop.plan)
    loop.events({"type": "best", "step": best[0], "done": loop.done, "ended_early": early, **figures})
    return figures


def resume(loop: Loop, checkpoint: Checkpoint | None) -> None:
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
