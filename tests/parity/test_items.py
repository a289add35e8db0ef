"""A pair as two packed sequences against its answers one by one: whole, from pixels, by the model's own forward."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import logsigmoid

from realign_edge.alignment.batches import Item, micro_batches, pair_logps, tokenised
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.lora import eject, inject, trainable
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.branches import Branch, branch_logps, pack, token_logps
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.sight import Layout, Sight

BETA = 0.1
SETTINGS = AlignmentSettings(beta=BETA, lora_rank=4)
DESCRIBE, RUST = "Describe the part and its defects.", "Does the photo show rust?"
# Summed log-probabilities in float32, up to 150 nats, of another order of summation; times beta 0.1.
LOSS_TOLERANCE = 5e-5
# Of a gradient's largest element: rounding of activations of size 10 through two layers, both directions.
GRADIENT_TOLERANCE = 2e-4


class Photos:
    """Features of photos in memory, in the shape of a FeatureStore."""

    def __init__(self, vlm: Any) -> None:
        rng = np.random.default_rng(0)
        self.images = {
            name: Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)) for name in ("a", "b", "c")
        }
        self.seen = {name: vlm.sights([image])[0] for name, image in self.images.items()}

    def sights(self, names: Sequence[str]) -> list[Sight]:
        return [self.seen[name] for name in names]

    def layouts(self, names: Sequence[str]) -> list[Layout]:
        return [self.seen[name].layout for name in names]


def pair(photo: str, retrieved: str, prompt: str, chosen: str, rejected: str) -> PreferencePair:
    return PreferencePair(photo, retrieved, prompt, chosen, rejected, "note", Provenance("record"))


PAIRS = (
    pair("a", "b", DESCRIBE, "Brass gear. Dent at the center.", "Steel shaft. No defects."),
    pair("b", "c", DESCRIBE, "Steel shaft. Rust at the upper left, chip, scratch at the right.", "Brass gear."),
    pair("c", "", DESCRIBE, "Copper plate. No defects.", "Steel shaft. Scratch at the lower right."),
    pair("a", "c", RUST, "No.", "Yes."),
)


@pytest.fixture(scope="module")
def vlm(tiny_model: Path) -> Any:
    return load_vlm(str(tiny_model))


@pytest.fixture(scope="module")
def photos(vlm: Any) -> Photos:
    return Photos(vlm)


@pytest.fixture
def adapted(vlm: Any, photos: Photos, tmp_path: Path) -> Iterator[Learner]:
    """The engine with an adapter that does something: its B is not zero."""
    store: Any = photos
    items = tokenised(vlm, store, PAIRS)
    reference = reference_logps(vlm, store, items, tmp_path, 4096, Silent())
    wrapped = inject(vlm, SETTINGS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    yield Learner(vlm, store, items, SETTINGS, reference, 4096, Silent(), Alone())
    eject(vlm, wrapped)


def alone(vlm: Any, image: Image.Image, question: str, answer: str) -> Tensor:
    """log pi(answer | photo, question) by the model's own forward pass over pixels, full logits."""
    inputs = vlm.processor(text=vlm.wording.prompt(question).given, images=image, return_tensors="pt")
    ids = torch.cat([inputs["input_ids"][0], vlm.answer_ids(question, answer)])
    logits = vlm.model(input_ids=ids[None], pixel_values=inputs["pixel_values"]).logits[0].double()
    start = inputs["input_ids"].shape[1]
    summed: Tensor = logits[start - 1 : -1].log_softmax(-1).gather(1, ids[start:, None]).sum()
    return summed


def by_hand(vlm: Any, photos: Photos, p: PreferencePair, reference: Sequence[float], objective: str) -> Tensor:
    """The loss of one pair from three or four whole sequences."""
    seen, other = photos.images[p.photo], photos.images.get(p.retrieved)
    w = BETA * (alone(vlm, seen, p.prompt, p.chosen) - reference[0])
    l = BETA * (alone(vlm, seen, p.prompt, p.rejected) - reference[1])
    loss = -logsigmoid(w - l)
    if objective in ("rdpo-anchored", "rdpo-symmetric"):
        loss = loss - logsigmoid(w)
    if objective == "dpo" or other is None:
        return loss
    wl = BETA * (alone(vlm, other, p.prompt, p.chosen) - reference[2])
    loss = loss - logsigmoid(w - wl)
    if objective == "rdpo-symmetric":
        ll = BETA * (alone(vlm, other, p.prompt, p.rejected) - reference[3])
        loss = loss - logsigmoid(ll - wl)
    return loss


def values_now(vlm: Any, photos: Photos) -> list[list[float]]:
    with torch.no_grad():
        return [
            [
                float(alone(vlm, photos.images[photo], p.prompt, answer)) if photo else 0.0
                for photo in (p.photo, p.retrieved)
                for answer in (p.chosen, p.rejected)
            ]
            for p in PAIRS
        ]


def gradients(vlm: Any) -> dict[str, Tensor]:
    found = {}
    for name, parameter in trainable(vlm).items():
        assert parameter.grad is not None, name
        found[name] = parameter.grad.clone()
        parameter.grad = None
    return found


def assert_close(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert float(value.abs().max()) > 0, name
        assert float((ours[name] - value).abs().max() / value.abs().max()) < GRADIENT_TOLERANCE, name


@pytest.fixture
def reference_by_hand(vlm: Any, photos: Photos) -> list[list[float]]:
    """Of the base model, before `adapted` puts an adapter in."""
    return values_now(vlm, photos)


@pytest.mark.parametrize("objective", ["dpo", "rdpo", "rdpo-anchored", "rdpo-symmetric"])
def test_loss_and_gradient_of_the_step_are_those_of_whole_sequences(
    vlm: Any, photos: Photos, reference_by_hand: list[list[float]], adapted: Learner, objective: str
) -> None:
    expected = [by_hand(vlm, photos, p, values, objective) for p, values in zip(PAIRS, reference_by_hand, strict=True)]
    torch.stack(expected).mean().backward()
    theirs = gradients(vlm)
    with fused_lora(vlm):
        table = adapted.gradient(range(len(PAIRS)), objective)
    assert table[:, 0].sum() / len(PAIRS) == pytest.approx(
        sum(value.item() for value in expected) / len(PAIRS), abs=LOSS_TOLERANCE
    )
    assert_close(gradients(vlm), theirs)
    # The loss of every pair by itself, under any grouping.
    for i, value in enumerate(expected):
        assert float(adapted.figures([i], objective)[0, 0]) == pytest.approx(value.item(), abs=LOSS_TOLERANCE)


def test_the_three_photos_and_two_lengths_share_a_batch(vlm: Any, photos: Photos) -> None:
    """What the test above means by packing: several pairs, with padding, in one group."""
    store: Any = photos
    items = tokenised(vlm, store, PAIRS)
    groups = micro_batches(items, 4096, "rdpo")
    assert max(map(len, groups)) >= 2
    assert any(len({items[i].lengths("rdpo") for i in group}) > 1 for group in groups)


def scored(
    vlm: Any, photos: Photos, items: Sequence[Item], owner: int, change: Any
) -> tuple[Tensor, dict[str, Tensor]]:
    """Log-probability of branch `owner`, and its gradient, of a batch whose ids `change` alters first."""
    prefixes, branches = [i.prompt for i in items], [[Branch(i.chosen), Branch(i.rejected)] for i in items]
    packed = change(pack(prefixes, branches))
    with fused_lora(vlm):
        logps = token_logps(vlm, packed, photos.sights([i.pair.photo for i in items]))
        own = logps[packed.owner == owner].sum()
        own.backward()
    return own.detach(), gradients(vlm)


def other_ids(packed: Any, places: Tensor) -> Any:
    """The same batch with other words at some places; targets are left, so only what is read changes."""
    ids = packed.ids.clone()
    assert bool(places.any())
    ids[places] = torch.where(ids[places] == 300, 301, 300)
    return replace(packed, ids=ids)


@pytest.mark.parametrize("what", ["padding", "the other branch", "another row"])
def test_what_a_branch_may_not_see_changes_not_a_bit(vlm: Any, photos: Photos, adapted: Learner, what: str) -> None:
    """-inf in the mask makes an attention weight exactly 0, and 0 times a finite number is 0: bit for bit."""
    items = [adapted.items[0], adapted.items[1]]
    start = len(items[0].prompt)
    end = start + len(items[0].chosen)

    def places(packed: Any) -> Tensor:
        found = torch.zeros_like(packed.ids, dtype=torch.bool)
        if what == "padding":
            found[0, end + len(items[0].rejected) :] = True
        elif what == "the other branch":
            found[0, end : end + len(items[0].rejected)] = True
        else:
            found[1, len(items[1].prompt) :] = True
        return found

    before = scored(vlm, photos, items, 0, lambda packed: packed)
    after = scored(vlm, photos, items, 0, lambda packed: other_ids(packed, places(packed)))
    assert torch.equal(before[0], after[0])
    assert all(torch.equal(value, after[1][name]) for name, value in before[1].items())
    # The test can see: a word of the branch itself does change it.
    own = torch.zeros_like(pack([i.prompt for i in items], [[Branch(i.chosen), Branch(i.rejected)] for i in items]).ids)
    own[0, start] = 1
    assert not torch.equal(before[0], scored(vlm, photos, items, 0, lambda p: other_ids(p, own > 0))[0])


def test_the_second_branch_does_not_see_the_first(vlm: Any, photos: Photos, adapted: Learner) -> None:
    """The direction that causality alone would not forbid."""
    items = [adapted.items[1]]
    start = len(items[0].prompt)

    def places(packed: Any) -> Tensor:
        found = torch.zeros_like(packed.ids, dtype=torch.bool)
        found[0, start : start + len(items[0].chosen)] = True
        return found

    before = scored(vlm, photos, items, 1, lambda packed: packed)
    after = scored(vlm, photos, items, 1, lambda packed: other_ids(packed, places(packed)))
    assert torch.equal(before[0], after[0])
    assert all(torch.equal(value, after[1][name]) for name, value in before[1].items())


def test_four_log_probabilities_are_the_four_answers(vlm: Any, photos: Photos, adapted: Learner) -> None:
    """Which column is which, and 0 where there is no second photo."""
    store: Any = photos
    with torch.no_grad():
        found = torch.stack(tuple(pair_logps(vlm, store, adapted.items, "rdpo-symmetric")), dim=1)
    expected = torch.tensor(values_now(vlm, photos))
    # Up to 150 nats in float32.
    torch.testing.assert_close(found, expected, atol=3e-4, rtol=0)
    assert found[2, 2:].tolist() == [0.0, 0.0]


def test_summed_is_the_sum_of_the_tokens(vlm: Any, photos: Photos, adapted: Learner) -> None:
    items = adapted.items[:2]
    packed = pack([i.prompt for i in items], [[Branch(i.chosen), Branch(i.rejected)] for i in items])
    features = photos.sights([i.pair.photo for i in items])
    with torch.no_grad():
        tokens, sums = token_logps(vlm, packed, features), branch_logps(vlm, packed, features)
    lengths = [len(part) for i in items for part in (i.chosen, i.rejected)]
    # The same numbers in another order of summation.
    torch.testing.assert_close(sums, torch.stack([part.sum() for part in tokens.split(lengths)]), atol=1e-4, rtol=0)
