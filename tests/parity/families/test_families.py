"""Every family against transformers' own forward passes: one sequence at a time, from pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from realign_edge.alignment.batches import pair_logps, tokenised
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.headroom import shape_of
from realign_edge.alignment.lora import eject, inject, save_adapter, trainable
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.alignment.trainer import _training
from realign_edge.modelstore.facts import facts_of
from realign_edge.modelstore.intake import inspect
from realign_edge.modelstore.source import FolderSource
from realign_edge.preferences.infill import infill
from realign_edge.preferences.masking import Segment, mask_by_grounding, masked_text
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.preferences.scores import TurnScorer
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm, quantized_modules
from realign_edge.vlm.tree import TokenTree

BETA = 0.1
SETTINGS = AlignmentSettings(beta=BETA, lora_rank=4, objective="rdpo")
DESCRIBE, RUST = "Describe the part and its defects.", "Does the photo show rust?"
# Summed float32 log-probabilities of up to 300 nats, of another order of summation.
TOLERANCE = 1e-3
# Of a gradient's largest element: rounding through two or three layers, both directions.
GRADIENT_TOLERANCE = 5e-4
# Families that scale every photo to the same number of tokens.
FIXED = {"gemma3", "paligemma2", "janus"}


def pair(photo: str, retrieved: str, prompt: str, chosen: str, rejected: str) -> PreferencePair:
    return PreferencePair(photo, retrieved, prompt, chosen, rejected, "note", Provenance("record"))


PAIRS = (
    pair("a", "b", DESCRIBE, "Brass gear. Dent at the center.", "Steel shaft. No defects."),
    pair("b", "c", DESCRIBE, "Steel shaft. Rust at the upper left, chip.", "Brass gear."),
    pair("c", "", DESCRIBE, "Copper plate. No defects.", "Steel shaft. Scratch at the lower right."),
    pair("d", "b", RUST, "No.", "Yes."),
)


@pytest.fixture
def adapted(case: Any, tmp_path: Path) -> Iterator[tuple[Learner, Any]]:
    """The engine with an adapter that does something (its B is not zero), and the PeftModel."""
    items = tokenised(case.vlm, case.store, PAIRS)
    reference = reference_logps(case.vlm, case.store, items, tmp_path, 4096, Silent())
    wrapped = inject(case.vlm, SETTINGS)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(case.vlm).values():
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    yield Learner(case.vlm, case.store, items, SETTINGS, reference, 4096, Silent(), Alone()), wrapped
    eject(case.vlm, wrapped)


@pytest.fixture
def learner(adapted: tuple[Learner, Any]) -> Learner:
    return adapted[0]


def values(case: Any, p: PreferencePair) -> list[Tensor]:
    """The four log-probabilities of a pair, from whole sequences."""
    answers = (p.chosen, p.rejected)
    own = [case.alone(p.photo, p.prompt, answer) for answer in answers]
    return own + ([case.alone(p.retrieved, p.prompt, a) for a in answers] if p.retrieved else [torch.zeros(())] * 2)


def loss_by_hand(case: Any, p: PreferencePair, reference: Sequence[float]) -> Tensor:
    w, l, wl, _ = (BETA * (v - r) for v, r in zip(values(case, p), reference, strict=True))
    loss = -logsigmoid(w - l)
    return loss - logsigmoid(w - wl) if p.retrieved else loss


def gradients(vlm: Any) -> dict[str, Tensor]:
    found = {}
    for name, parameter in trainable(vlm).items():
        assert parameter.grad is not None, name
        found[name], parameter.grad = parameter.grad.clone(), None
    return found


def test_the_prompt_is_the_processors_own(case: Any) -> None:
    for photo, sight in zip(case.images, case.store.sights(list(case.images)), strict=True):
        for question in (DESCRIBE, RUST, "1?"):
            expected = case.inputs(photo, question)["input_ids"][0].tolist()
            assert case.vlm.prefix(question, sight).ids.tolist() == expected


def test_every_tensor_belongs_to_one_part(case: Any) -> None:
    found = facts_of(case.folder / "model").parameters
    model, family = case.vlm.model, case.vlm.family
    apart = sum(elements(model.get_submodule(name)) for name in family.unquantized)
    layers = model.get_submodule(family.language_model).layers
    assert found.total == elements(model)
    assert found.total - found.vision_tower - found.projector - found.language_model == apart
    assert found.language_model == elements(model.get_submodule(family.language_model)) + untied(model)
    assert found.decoder_matrices == sum(elements(m) - biases(m) for m in layers.modules() if isinstance(m, nn.Linear))


def test_the_store_takes_it_in(case: Any) -> None:
    (case.folder / "model" / "LICENSE").write_text("Apache License\nVersion 2.0, January 2004\n")
    taken = inspect(FolderSource(case.folder / "model"))
    assert taken.family == case.vlm.family
    assert {"model.safetensors", "tokenizer.json", "processor_config.json"} <= set(taken.files)
    shape = shape_of(case.folder / "model")
    assert (shape.context, shape.image_tokens) == (case.vlm.context, case.vlm.family.photo_tokens)


def elements(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def biases(linear: nn.Linear) -> int:
    return 0 if linear.bias is None else linear.bias.numel()


def untied(model: Any) -> int:
    """Of a head that is not the embeddings."""
    head = model.lm_head
    return 0 if head.weight is model.get_input_embeddings().weight else elements(head)


def test_what_is_kept_of_a_photo_is_what_the_tower_says(case: Any) -> None:
    again = FeatureStore(case.folder / "features", case.vlm)
    assert again.ensure(list(case.photos.values()), Silent()) == 0
    for kept, seen in zip(again.sights(list(case.images)), case.vlm.sights(list(case.images.values())), strict=True):
        assert kept.key == seen.key
        assert torch.equal(kept.rows, seen.rows)
        assert int((kept.tokens == case.vlm.image_token_id).sum()) == len(kept.features)
    assert again.vectors(["a"], "cls").shape == again.vectors(["a"], "mean").shape


def test_photos_of_one_camera_stand_alike_and_others_where_the_family_looks_closer(case: Any) -> None:
    a, c, d = case.store.layouts(["a", "c", "d"])
    assert a.key == c.key
    assert (len(a.tokens) == len(d.tokens)) is (case.name in FIXED)


def test_four_log_probabilities_are_those_of_whole_sequences(case: Any, learner: Learner) -> None:
    with torch.no_grad():
        found = torch.stack(tuple(pair_logps(case.vlm, case.store, learner.items, "rdpo-symmetric")), dim=1)
        expected = torch.stack([torch.stack([v.float() for v in values(case, p)]) for p in PAIRS])
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=0)


def test_loss_and_gradient_are_those_of_whole_sequences(case: Any, learner: Learner) -> None:
    reference = [learner.reference[p.pair_id].tolist() for p in PAIRS]
    expected = torch.stack([loss_by_hand(case, p, r) for p, r in zip(PAIRS, reference, strict=True)])
    expected.mean().backward()
    theirs = gradients(case.vlm)
    with fused_lora(case.vlm):
        table = learner.gradient(range(len(PAIRS)), "rdpo")
    assert float(table[:, 0].mean()) == pytest.approx(float(expected.mean()), abs=BETA * TOLERANCE)
    ours = gradients(case.vlm)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert float(value.abs().max()) > 0, name
        assert float((ours[name] - value).abs().max() / value.abs().max()) < GRADIENT_TOLERANCE, name


def test_gradient_checkpointing_changes_no_gradient(case: Any, learner: Learner) -> None:
    found = []
    for checkpointing in (False, True):
        with fused_lora(case.vlm), _training(case.vlm, replace(SETTINGS, gradient_checkpointing=checkpointing)):
            learner.gradient(range(len(PAIRS)), "rdpo")
        found.append(gradients(case.vlm))
    for name, value in found[0].items():
        torch.testing.assert_close(found[1][name], value, atol=float(value.abs().max()) * 1e-5, rtol=1e-4)


def test_a_step_lowers_the_loss(case: Any, learner: Learner) -> None:
    optimizer = torch.optim.AdamW(trainable(case.vlm).values(), lr=3e-3)
    with fused_lora(case.vlm):
        before = learner.gradient(range(len(PAIRS)), "rdpo")[:, 0].mean()
        optimizer.step()
        after = learner.figures(range(len(PAIRS)), "rdpo")[:, 0].mean()
    assert float(after) < float(before)


def test_the_adapter_sits_in_the_decoder_and_peft_alone_can_load_it(
    case: Any, adapted: tuple[Learner, Any], tmp_path: Path
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    layers = case.vlm.model.config.get_text_config().num_hidden_layers
    names = list(trainable(case.vlm))
    assert len(names) == layers * 7 * 2
    assert all(name.startswith(f"{case.vlm.family.language_model}.layers.") for name in names)
    save_adapter(adapted[1], tmp_path / "adapter")
    plain = AutoModelForImageTextToText.from_pretrained(case.folder / "model", dtype=torch.float32)
    loaded = PeftModel.from_pretrained(plain, str(tmp_path / "adapter"))
    inputs = case.inputs("a", DESCRIBE)
    with torch.no_grad():
        found, expected = loaded(**inputs).logits, case.vlm.model(**inputs).logits
        with adapted[1].disable_adapter():
            base = case.vlm.model(**inputs).logits
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert float((base - expected).abs().max()) > 0.1


def test_nf4_quantises_the_decoder_and_nothing_else(case: Any) -> None:
    vlm = load_vlm(str(case.folder / "model"), quantization="nf4")
    parts = [f"self_attn.{p}_proj" for p in "qkvo"] + [f"mlp.{p}_proj" for p in ("gate", "up", "down")]
    layers = vlm.model.config.get_text_config().num_hidden_layers
    expected = {f"{vlm.family.language_model}.layers.{i}.{part}" for i in range(layers) for part in parts}
    assert set(quantized_modules(vlm.model)) == expected


@torch.no_grad()
def test_turns_behind_one_photo_equal_separate_prompts(case: Any) -> None:
    turns = [(RUST, "Yes."), ("Where is the dent?", "At the center."), (DESCRIBE, "Brass gear."), (RUST, "No.")]
    found = TurnScorer(case.vlm).logps(case.store.sights(["a", "b", "c", "d"]), [turns, turns[:2], [], turns[1:]])
    for photo, logps, asked in zip("abcd", found, (turns, turns[:2], [], turns[1:]), strict=True):
        assert logps.keys() == set(asked)
        for turn, logp in logps.items():
            assert logp == pytest.approx(float(case.alone(photo, *turn)), abs=TOLERANCE)


@torch.no_grad()
def test_infill_chooses_what_whole_sequences_choose(case: Any) -> None:
    phrases = {"part": ("gear", "shaft", "copper plate"), "defect": ("dent", "rust", "scratch")}
    note = (Segment("Brass "), Segment("bolt", True, "part"), Segment(" with "), Segment("chip", True, "defect"))
    known = dict(zip("abcd", case.store.sights(["a", "b", "c", "d"]), strict=True))
    photos = [name for name, sight in known.items() if len(sight.tokens) == len(known["a"].tokens)]
    sights = [known[name] for name in photos]
    tree = TokenTree(case.vlm, [case.vlm.prefix(DESCRIBE, s) for s in sights], sights)
    for photo, written in zip(
        photos, infill(tree, DESCRIBE, [note] * len(photos), [phrases] * len(photos), {}), strict=True
    ):
        text = ""
        for segment in note:
            offered = phrases.get(segment.category, ()) if segment.slot else (segment.text,)
            scores = [without_end(case, photo, text + phrase) for phrase in offered]
            text += offered[int(np.argmax(scores))]
        assert written == text


def without_end(case: Any, photo: str, text: str) -> float:
    """log pi(text | photo), without EOS."""
    told = case.vlm.answer_ids(DESCRIBE, text, end=False)
    logits = case.logits(photo, DESCRIBE, told)[:-1]
    return float(logits.log_softmax(-1).gather(1, told[:, None]).sum())


def test_our_greedy_loop_equals_generate(case: Any) -> None:
    photos = ["a", "b", "c", "d"]
    ours = generate(case.vlm, case.store.sights(photos), [DESCRIBE] * 4, max_new_tokens=12)
    for photo, answer in zip(photos, ours, strict=True):
        inputs = case.inputs(photo, DESCRIBE)
        eos = case.vlm.eos_token_id
        theirs = case.vlm.model.generate(**inputs, max_new_tokens=12, do_sample=False, eos_token_id=eos)
        assert case.vlm.decode(theirs[0, inputs["input_ids"].shape[1] :]) == answer


def test_words_are_masked_where_the_photo_matters(case: Any) -> None:
    note, sights = "Brass gear. Dent at the center.", case.store.sights(["a", "b"])
    row = case.store.mean_row(["a", "b", "c"])
    masked = mask_by_grounding(case.vlm, DESCRIBE, [note, note], sights, row, -1e9)
    assert [masked_text(segments) for segments in masked] == ["[MASK]. [MASK]."] * 2
    gone = [sight.blank(row) for sight in sights]
    assert masked_text(mask_by_grounding(case.vlm, DESCRIBE, [note], gone[:1], row, 1e-3)[0]) == note
