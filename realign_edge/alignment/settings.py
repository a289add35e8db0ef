"""Settings of alignment, and named presets."""

from dataclasses import dataclass
from typing import Literal

ObjectiveName = Literal["sft", "dpo", "dpo-anchored", "rdpo", "rdpo-anchored", "rdpo-symmetric"]


@dataclass(frozen=True, slots=True)
class AlignmentSettings:
    """beta: strength of the preference, 1/nats; steps: optimiser steps, 0 = from `epochs`, and never more than
    take `max_epochs` rounds over the pairs, so that ten photos do not take as long as a thousand.

    batch_pairs: pairs a step, of which `question_share` are questions; nll_weight: weight of the chosen answer's
    mean negative log-likelihood beside the preference; sft_steps: steps of NLL alone that come first;
    lora_targets: every linear layer of the language model, or the attention projections alone.

    Memory: micro_tokens: the most tokens whose activations are kept at a time, which does not change the
    gradient; the planner lowers it to what fits memory_gib (0 = the memory of the device);
    gradient_checkpointing keeps one state a layer and computes the rest again, for a third more time.

    Held out: holdout_share of the photos that have pairs are never trained on; every `checkpoint_every` steps
    the loss of their pairs is looked at, the adapter of the lowest is the result, and training ends after
    `patience` looks without a lower one (0 = never). A gradient `explosion` times the usual stops the run.
    """

    objective: ObjectiveName = "rdpo-anchored"
    beta: float = 0.1
    nll_weight: float = 0.0
    sft_steps: int = 0
    lora_rank: int = 16
    lora_alpha: int = 32
    lora_dropout: float = 0.0
    lora_targets: Literal["all-linear", "attention"] = "all-linear"
    learning_rate: float = 1e-3
    warmup_ratio: float = 0.05
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    steps: int = 60
    epochs: float = 1.0
    max_epochs: float = 20.0
    batch_pairs: int = 32
    question_share: float = 0.5
    micro_tokens: int = 4096
    memory_gib: float = 0.0
    gradient_checkpointing: bool = False
    checkpoint_every: int = 10
    holdout_share: float = 0.1
    patience: int = 3
    explosion: float = 1000.0
    quantization: Literal["none", "nf4"] = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be positive"
            for name in (
                "beta",
                "lora_rank",
                "lora_alpha",
                "learning_rate",
                "batch_pairs",
                "micro_tokens",
                "checkpoint_every",
                "max_grad_norm",
                "max_epochs",
                "explosion",
            )
            if not getattr(self, name) > 0
        ]
        problems += [] if 0 <= self.seed < 2**32 else ["seed must be at least 0 and below 2^32"]
        problems += [
            f"{n} must be in [0, 1)"
            for n in ("lora_dropout", "warmup_ratio", "holdout_share")
            if not 0 <= getattr(self, n) < 1
        ]
        problems += [
            f"{n} must not be negative"
            for n in ("steps", "sft_steps", "nll_weight", "weight_decay", "memory_gib", "patience")
            if getattr(self, n) < 0
        ]
        if not 0 <= self.question_share <= 1:
            problems.append("question_share must be in [0, 1]")
        if not self.steps and not self.epochs > 0:
            problems.append("steps or epochs must be positive")
        if problems:
            raise ValueError("; ".join(problems))


PRESETS: dict[str, AlignmentSettings] = {
    # Chosen on the tuning floor (benchmarks/RESULTS.md); made for models of a few million parameters.
    "nano": AlignmentSettings(beta=0.3, nll_weight=1.0),
    # The paper's run: LoRA on q, k, v, o, one epoch, lr 1e-6, batch 8, notes only, no anchor.
    "paper": AlignmentSettings(
        objective="rdpo",
        lora_rank=128,
        lora_alpha=256,
        lora_dropout=0.05,
        lora_targets="attention",
        learning_rate=1e-6,
        warmup_ratio=0.03,
        steps=0,
        epochs=1.0,
        batch_pairs=8,
        question_share=0.0,
        quantization="nf4",
    ),
    # The paper's adapter with what made preference learning hold here: the anchor and questions. No dropout:
    # with it the fused layers cannot be used, and one epoch over photos does not overfit.
    "workstation": AlignmentSettings(
        lora_rank=128,
        lora_alpha=256,
        lora_targets="attention",
        learning_rate=2e-6,
        warmup_ratio=0.03,
        steps=0,
        batch_pairs=8,
        quantization="nf4",
    ),
}
