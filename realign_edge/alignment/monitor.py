"""What is watched in every run: figures of a step, memory, time left, and words of warning."""

import math
import statistics
from collections import deque
from collections.abc import Sequence

import torch
from torch import Tensor

from realign_edge.alignment.objectives import Logps, Rewards
from realign_edge.alignment.settings import AlignmentSettings

# Columns of a table of figures, one row a pair; NaN where a figure does not apply to a pair. Rewards and
# margins are beta * nats, accuracies are 0 or 1, chosen_change is log pi - log pi_0 of a true note in nats.
FIGURES = (
    "loss",
    "reward_chosen",
    "reward_rejected",
    "reward_retrieved",
    "text_margin",
    "text_accuracy",
    "visual_margin",
    "visual_accuracy",
    "chosen_change",
)
# Below this the true notes have become less likely, and a warning names the remedy.
FALLING_CHOSEN_NATS = -1.0
_WINDOW = 5
_GIB = 2**30


def figures_of(
    loss: Tensor, r: Rewards, policy: Logps, reference: Logps, visual: Tensor, note: Tensor, objective: str
) -> Tensor:
    """(batch, len(FIGURES)) float32 on the CPU; visual, note: (batch,) of 0 and 1."""
    with torch.no_grad():
        text, sight = r.chosen - r.rejected, r.chosen - r.chosen_retrieved
        nothing = torch.full_like(loss, torch.nan)
        judged = objective != "sft"
        seen = visual if judged and objective.startswith("rdpo") else torch.zeros_like(visual)
        columns = (
            loss,
            r.chosen,
            r.rejected if judged else nothing,
            torch.where(seen > 0, r.chosen_retrieved, nothing),
            text if judged else nothing,
            (text > 0).float() if judged else nothing,
            torch.where(seen > 0, sight, nothing),
            torch.where(seen > 0, (sight > 0).float(), nothing),
            torch.where(note > 0, policy.chosen - reference.chosen, nothing),
        )
        return torch.stack(columns, dim=1).float().cpu()


def means(table: Tensor) -> dict[str, float]:
    """Mean of every figure over the pairs that it applies to; NaN where it applies to none. A NaN loss stays one."""
    found = {}
    for name, values in zip(FIGURES, table.unbind(dim=1), strict=True):
        known = values if name == "loss" else values[~values.isnan()]
        found[name] = float(known.double().mean()) if len(known) else float("nan")
    return found


def memory_gib(device: torch.device) -> float:
    """Memory in use, in GiB: what torch has reserved on a GPU, else what this process has resident."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device) / _GIB
    import psutil

    return psutil.Process().memory_info().rss / _GIB


class Pace:
    """Speed and time left, from the last steps (their median, since a machine is shared)."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=20)

    def after(self, seconds: float, pairs: int, tokens: int, steps_left: int) -> dict[str, float]:
        """Figures behind a step that took `seconds`."""
        self._recent.append(seconds)
        return {
            "pairs_per_s": pairs / seconds,
            "tokens_per_s": tokens / seconds,
            "seconds_left": statistics.median(self._recent) * steps_left,
        }


class FallingChosen:
    """Says once, in plain words, that the true notes became less likely, and what to do."""

    def __init__(self, settings: AlignmentSettings) -> None:
        self.settings, self._recent, self._said = settings, deque[float](maxlen=_WINDOW), False

    def after(self, chosen_change: float) -> str:
        """The warning that is due after a step, else an empty text; chosen_change in nats."""
        if math.isfinite(chosen_change):
            self._recent.append(chosen_change)
        mean = sum(self._recent) / max(len(self._recent), 1)
        if self._said or len(self._recent) < _WINDOW or mean > FALLING_CHOSEN_NATS:
            return ""
        self._said = True
        remedies = "lower learning_rate" if self.settings.nll_weight else "set nll_weight = 1, or lower learning_rate"
        if self.settings.objective in ("dpo", "rdpo"):
            remedies = f"use {self.settings.objective}-anchored, {remedies}"
        return f"the true notes became {-mean:.1f} nats less likely; {remedies}"


class Explosion:
    """Is a gradient out of all proportion to the ones before?"""

    def __init__(self, factor: float) -> None:
        self.factor, self._recent = factor, deque[float](maxlen=20)

    def at(self, norm: float) -> str:
        """What is wrong with a gradient of this norm, else an empty text."""
        if not math.isfinite(norm):
            return "is not a number"
        usual = statistics.median(self._recent) if len(self._recent) >= _WINDOW else math.inf
        if norm > self.factor * usual:
            return f"has norm {norm:.3g}, and {usual:.3g} is usual"
        self._recent.append(norm)
        return ""


def recent_mean(values: Sequence[float], count: int = 10) -> float:
    """Mean of the last finite values; NaN where there is none."""
    known = [v for v in values[-count:] if math.isfinite(v)]
    return sum(known) / len(known) if known else float("nan")
