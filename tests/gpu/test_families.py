"""Every family on a GPU: what is seen, scored and learnt there is what the CPU says."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.lora import inject, trainable
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.vlm.branches import Branch, branch_logps, pack
from realign_edge.vlm.generate import generate_ids
from realign_edge.vlm.load import load_vlm, quantized_modules
from tests.parity.families.recipes import FIRST
from tests.parity.families.recipes_more import SECOND

RECIPES = FIRST | SECOND
QUESTION = "Describe the part and its defects."
ANSWERS = (("Brass gear. Dent at the center.", "No defects."), ("Rust at the upper left, chip.", "A dent."))
# Float32 products of another library, in another order, through a few layers.
SAME = 2e-3


@dataclass
class Learnt:
    """On the CPU. features: of every photo; logps: of every answer; gradients: of their sum, by LoRA weight."""

    features: Tensor
    logps: Tensor
    gradients: dict[str, Tensor]
    answers: list[list[int]]


def learnt(vlm: Any, photos: Sequence[Image.Image]) -> Learnt:
    """All that a run asks of a model, under an adapter that is far from zero."""
    sights = vlm.sights(photos)
    answers = generate_ids(vlm, sights, [QUESTION] * len(sights), max_new_tokens=6)
    inject(vlm, AlignmentSettings(lora_rank=4))
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_((0.02 * torch.randn(parameter.shape, generator=noise)).to(parameter))
    branches = [[Branch(vlm.answer_ids(QUESTION, text)) for text in told] for told in ANSWERS]
    with fused_lora(vlm):
        logps = branch_logps(vlm, pack([vlm.prefix(QUESTION, s) for s in sights], branches), sights)
        logps.sum().backward()
    gradients = {n: p.grad.float().cpu() for n, p in trainable(vlm).items() if p.grad is not None}
    features = torch.cat([s.features.float().cpu() for s in sights])
    return Learnt(features, logps.detach().float().cpu(), gradients, answers)


def apart(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8)) for size in ((96, 128), (128, 96))]


@pytest.fixture(scope="module", params=RECIPES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A family's tiny model."""
    place = tmp_path_factory.mktemp(request.param) / "model"
    RECIPES[request.param](place)
    return place


@pytest.fixture(scope="module")
def expected(folder: Path, photos: list[Image.Image]) -> Learnt:
    """By the CPU, in float32."""
    return learnt(load_vlm(str(folder)), photos)


def test_in_float32_the_gpu_says_what_the_cpu_says(folder: Path, photos: list[Image.Image], expected: Learnt) -> None:
    found = learnt(load_vlm(str(folder), device="cuda", dtype=torch.float32), photos)
    assert apart(found.features, expected.features) < SAME
    assert apart(found.logps, expected.logps) < SAME
    assert found.answers == expected.answers
    assert found.gradients.keys() == expected.gradients.keys()
    worst = {n: apart(g, expected.gradients[n]) for n, g in found.gradients.items()}
    assert max(worst.values()) < SAME, worst


def test_in_bfloat16_it_comes_as_near_as_eight_bits_do(
    folder: Path, photos: list[Image.Image], expected: Learnt
) -> None:
    vlm = load_vlm(str(folder), device="cuda")
    assert vlm.dtype == torch.bfloat16
    found = learnt(vlm, photos)
    assert apart(found.features, expected.features) < 0.03
    assert apart(found.logps, expected.logps) < 0.03
    ours, theirs = (torch.cat([g.flatten() for _, g in sorted(x.gradients.items())]) for x in (found, expected))
    assert float(torch.cosine_similarity(ours, theirs, dim=0)) > 0.98


def test_through_four_bits_the_gradient_is_that_of_the_weights_they_stand_for(
    folder: Path, photos: list[Image.Image]
) -> None:
    from bitsandbytes.functional import dequantize_4bit

    small = load_vlm(str(folder), device="cuda", dtype=torch.float32, quantization="nf4")
    plain = load_vlm(str(folder), device="cuda", dtype=torch.float32)
    for name in quantized_modules(small.model):
        weight = small.model.get_submodule(name).weight
        assert weight.dtype == torch.uint8
        plain.model.get_submodule(name).weight.data.copy_(dequantize_4bit(weight.data, weight.quant_state))
    found, wanted = learnt(small, photos), learnt(plain, photos)
    assert found.answers == wanted.answers
    worst = {n: apart(g, wanted.gradients[n]) for n, g in found.gradients.items()}
    assert max(worst.values()) < SAME, worst


def test_a_parked_tower_sees_from_where_it_is(folder: Path, photos: list[Image.Image], expected: Learnt) -> None:
    vlm = load_vlm(str(folder), device="cuda", dtype=torch.float32)
    vlm.park_tower()
    assert vlm.device.type == "cuda"
    tower = vlm.model.get_submodule(vlm.family.vision_tower)
    assert {p.device.type for p in tower.parameters()} == {"cpu"}
    assert apart(learnt(vlm, photos).logps, expected.logps) < SAME
