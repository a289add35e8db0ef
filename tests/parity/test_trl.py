"""Our DPO term against TRL's own DPOTrainer: its collator, its two sequences a pair, its reference, its loss."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from realign_edge.alignment.batches import pair_logps, tokenised
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.lora import inject, trainable
from realign_edge.alignment.objectives import rewards, text_term
from realign_edge.alignment.reference import as_logps, reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.sight import Layout, Sight

pytest.importorskip("trl", reason="the bench extra brings TRL")

SETTINGS = AlignmentSettings(objective="dpo", beta=0.1, lora_rank=4, lora_alpha=8)
DESCRIBE = "Describe the part and its defects."
ANSWERS = [("Brass gear. Dent at the center.", "Steel shaft."), ("No defects.", "Rust at the upper left, chip.")]
# beta 0.1 times summed float32 log-probabilities of up to 150 nats.
LOSS_TOLERANCE = 5e-5
# Of the largest element; two orders of summation, two paddings.
GRADIENT_TOLERANCE = 2e-4


def photos() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)) for _ in ANSWERS]


class Features:
    """In the shape of a FeatureStore."""

    def __init__(self, vlm: Vlm) -> None:
        self.seen = vlm.sights(photos())

    def sights(self, names: Sequence[str]) -> list[Sight]:
        return [self.seen[int(name)] for name in names]

    def layouts(self, names: Sequence[str]) -> list[Layout]:
        return [sight.layout for sight in self.sights(names)]


def ours(model: Path, folder: Path) -> tuple[float, dict[str, Tensor], dict[str, Tensor]]:
    """The mean loss, the adapter's weights, and its gradients."""
    vlm = load_vlm(str(model))
    pairs = [
        PreferencePair(str(i), "", DESCRIBE, chosen, rejected, "note", Provenance("record"))
        for i, (chosen, rejected) in enumerate(ANSWERS)
    ]
    store: Any = Features(vlm)
    items = tokenised(vlm, store, pairs)
    reference = reference_logps(vlm, store, items, folder, 4096, Silent())
    inject(vlm, SETTINGS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    with fused_lora(vlm):
        policy = pair_logps(vlm, store, items, "dpo")
        known = as_logps([reference[p.pair_id] for p in pairs], vlm.device)
        loss = text_term(rewards(policy, known, SETTINGS.beta)).mean()
        loss.backward()
    weights = {n: p.detach().clone() for n, p in trainable(vlm).items()}
    return float(loss), weights, {n: p.grad for n, p in trainable(vlm).items() if p.grad is not None}


def theirs(model: Path, folder: Path, weights: dict[str, Tensor]) -> tuple[float, dict[str, Tensor]]:
    """TRL's loss of the same pairs with the same adapter, and its gradients."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import DPOConfig, DPOTrainer

    vlm = load_vlm(str(model))
    rows = [
        {
            "images": [image],
            "prompt": f"<s>{vlm.wording.prompt(DESCRIBE).given}",
            "chosen": f" {chosen}</s>",
            "rejected": f" {rejected}</s>",
        }
        for image, (chosen, rejected) in zip(photos(), ANSWERS, strict=True)
    ]
    settings = DPOConfig(
        output_dir=str(folder), per_device_train_batch_size=len(rows), beta=SETTINGS.beta, max_length=None,
        report_to=[], use_cpu=True, bf16=False, gradient_checkpointing=False, remove_unused_columns=False,
        disable_tqdm=True,
    )  # fmt: skip
    targets = vlm.family.lora_targets
    trainer = DPOTrainer(
        model=AutoModelForImageTextToText.from_pretrained(model, dtype=torch.float32).requires_grad_(False),
        args=settings,
        processing_class=AutoProcessor.from_pretrained(model, local_files_only=True, backend="pil"),
        train_dataset=Dataset.from_list(rows),
        peft_config=LoraConfig(r=SETTINGS.lora_rank, lora_alpha=SETTINGS.lora_alpha, target_modules=targets),
    )
    own = {n.split("base_model.model.")[-1]: p for n, p in trainer.model.named_parameters() if p.requires_grad}
    assert own.keys() == weights.keys()
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(weights[name])
    batch = next(iter(trainer.get_train_dataloader()))
    # Two pairs, chosen and rejected: four whole sequences.
    assert len(batch["input_ids"]) == 2 * len(rows)
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return float(loss), {name: parameter.grad for name, parameter in own.items() if parameter.grad is not None}


def test_the_dpo_loss_and_its_gradient_are_trls(tiny_model: Path, tmp_path: Path) -> None:
    loss, weights, gradients = ours(tiny_model, tmp_path / "references")
    expected, slopes = theirs(tiny_model, tmp_path / "trl", weights)
    # An adapter that does nothing would give log 2 on both sides.
    assert abs(loss - 0.6931) > 0.01
    assert loss == pytest.approx(expected, abs=LOSS_TOLERANCE)
    assert gradients.keys() == slopes.keys()
    assert len(slopes) == 2 * 7 * 2
    for name, value in slopes.items():
        assert float(value.abs().max()) > 0, name
        assert float((gradients[name] - value).abs().max() / value.abs().max()) < GRADIENT_TOLERANCE, name
