"""LoRA on a 4-bit base against LoRA on the same weights dequantised to float32."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from realign_edge.alignment.lora import inject, trainable
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.load import load_vlm, quantized_modules
from realign_edge.vlm.sight import Sight

# bitsandbytes' CPU kernels round inside (0.011 measured on the nano model); a missing or zero gradient is 1.
TOLERANCE = 0.05


def gradients(vlm: Any, sights: Sequence[Sight]) -> dict[str, torch.Tensor]:
    """Gradient of the log-likelihood of three answers, at the same non-zero adapter."""
    inject(vlm, AlignmentSettings(lora_rank=4))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    question = "Describe the part and its defects."
    answers = ("Brass gear. Dent at the center.", "No defects.", "Rust at the upper left, chip.")
    branches = [[Branch(vlm.answer_ids(question, a))] for a in answers]
    branch_logps(vlm, pack([vlm.prefix(question, s) for s in sights], branches), sights).sum().backward()
    return {name: p.grad for name, p in trainable(vlm).items() if p.grad is not None}


def test_gradients_through_four_bits_are_those_of_the_same_weights(tiny_model: Path) -> None:
    from bitsandbytes.functional import dequantize_4bit

    small, plain = load_vlm(str(tiny_model), quantization="nf4"), load_vlm(str(tiny_model))
    for name in quantized_modules(small.model):
        weight = small.model.get_submodule(name).weight
        plain.model.get_submodule(name).weight.data.copy_(dequantize_4bit(weight.data, weight.quant_state))
    rng = np.random.default_rng(0)
    photos = [Image.fromarray(rng.integers(0, 255, (128, 128, 3), dtype=np.uint8)) for _ in range(3)]
    sights = plain.sights(photos)
    ours, expected = gradients(small, sights), gradients(plain, sights)
    assert ours.keys() == expected.keys()
    for name, gradient in expected.items():
        assert float((ours[name] - gradient).norm() / gradient.norm()) < TOLERANCE, name
