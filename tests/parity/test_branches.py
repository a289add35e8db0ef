"""Our packed forward passes and our greedy loop against transformers' own, one sequence at a time."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.vlm.branches import Branch, branch_logps, pack, question_branch
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm, quantized_modules
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.tree import Continuation, TokenTree, token_batches

# Sums of up to 40 float32 log-probabilities of size 5; the order of summation in attention differs.
TOLERANCE = 2e-4


@pytest.fixture
def images() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8)) for _ in range(4)]


def alone(vlm: Any, image: Image.Image, question: str, answer: str) -> float:
    """log pi(answer | photo, question) by the model's own forward pass over pixels."""
    inputs = vlm.processor(text=vlm.wording.prompt(question).given, images=image, return_tensors="pt")
    ids = torch.cat([inputs["input_ids"][0], vlm.answer_ids(question, answer)])
    with torch.no_grad():
        logits = vlm.model(input_ids=ids[None], pixel_values=inputs["pixel_values"]).logits[0].double()
    start = inputs["input_ids"].shape[1]
    return float(logits[start - 1 : -1].log_softmax(-1).gather(1, ids[start:, None]).sum())


def test_packed_branches_equal_separate_sequences(tiny_vlm: Any, images: list[Image.Image]) -> None:
    sights = tiny_vlm.sights(images[:2])
    question, answers = (
        "Describe the part and its defects.",
        ["Brass gear. Dent at the center.", "No defects.", "Rust."],
    )
    prompt = tiny_vlm.prefix(question, sights[0])
    branches = [
        [Branch(tiny_vlm.answer_ids(question, a)) for a in answers],
        [Branch(tiny_vlm.answer_ids(question, "Rust."))],
    ]
    with torch.no_grad():
        packed = branch_logps(tiny_vlm, pack([prompt, prompt], branches), sights)
    expected = [alone(tiny_vlm, images[0], question, a) for a in answers] + [
        alone(tiny_vlm, images[1], question, "Rust.")
    ]
    assert packed.tolist() == pytest.approx(expected, abs=TOLERANCE)


def test_questions_behind_one_photo_equal_separate_prompts(tiny_vlm: Any, images: list[Image.Image]) -> None:
    sights = tiny_vlm.sights(images[:1])
    turns = [("Does the photo show rust?", "Yes."), ("Where is the dent?", "At the center."), ("Hm?", "No.")]
    prefix = tiny_vlm.photo_prefix(sights[0])
    with torch.no_grad():
        packed = pack([prefix], [[question_branch(tiny_vlm, *t) for t in turns]])
        found = branch_logps(tiny_vlm, packed, sights)
    assert found.tolist() == pytest.approx([alone(tiny_vlm, images[0], *t) for t in turns], abs=TOLERANCE)


def test_padding_contributes_nothing(tiny_vlm: Any, images: list[Image.Image]) -> None:
    sights = tiny_vlm.sights(images[:2])
    question = "Describe the part and its defects."
    prompt = tiny_vlm.prefix(question, sights[0])
    short, long = (Branch(tiny_vlm.answer_ids(question, a)) for a in ("Rust.", "A long answer that goes on and on."))
    with torch.no_grad():
        together = branch_logps(tiny_vlm, pack([prompt, prompt], [[short], [long, long]]), sights)
        single = branch_logps(tiny_vlm, pack([prompt], [[short]]), sights[:1])
    assert float(together[0]) == pytest.approx(float(single[0]), abs=TOLERANCE)


def test_our_greedy_loop_equals_generate(tiny_vlm: Any, images: list[Image.Image]) -> None:
    question = "Describe the part and its defects."
    sights = tiny_vlm.sights(images)
    ours = generate(tiny_vlm, sights, [question] * 4, max_new_tokens=24)
    for image, answer in zip(images, ours, strict=True):
        inputs = tiny_vlm.processor(text=tiny_vlm.wording.prompt(question).given, images=image, return_tensors="pt")
        theirs = tiny_vlm.model.generate(**inputs, max_new_tokens=24, do_sample=False)
        assert tiny_vlm.decode(theirs[0, inputs["input_ids"].shape[1] :]) == answer


def test_the_prompt_is_the_processors_and_begins_with_bos(tiny_vlm: Any, images: list[Image.Image]) -> None:
    question = "Where is the dent?"
    ids = tiny_vlm.prefix(question, tiny_vlm.sights(images[:1])[0]).ids
    text = tiny_vlm.wording.prompt(question).given
    theirs = tiny_vlm.processor(text=text, images=images[0], return_tensors="pt")
    assert theirs["input_ids"][0].tolist() == ids.tolist()
    assert ids[0] == tiny_vlm.processor.tokenizer.bos_token_id


def test_nf4_quantises_the_decoder_and_nothing_else(tiny_model: Any) -> None:
    vlm = load_vlm(str(tiny_model), quantization="nf4")
    names = quantized_modules(vlm.model)
    assert len(names) == 2 * 7
    assert all(name.startswith("model.language_model.layers.") for name in names)


def test_a_token_tree_equals_separate_sequences_however_it_grew(tiny_vlm: Any, images: list[Image.Image]) -> None:
    sights = tiny_vlm.sights(images[:3])
    question = "Describe the part and its defects."
    tree = TokenTree(tiny_vlm, [tiny_vlm.prefix(question, sight) for sight in sights], sights)
    rounds = [
        [["Brass gear.", "Brass gear. Dent at the center."], ["Rust."], []],
        [["Brass gear. Rust."], [], ["No defects.", "No dents."]],
        [["Brass gear. Dent at the center."], ["Rust at the left side.", "Rust."], ["No defects."]],
    ]
    for answers in rounds:
        told = [[Continuation(tuple(tiny_vlm.answer_ids(question, a).tolist())) for a in row] for row in answers]
        expected = [[alone(tiny_vlm, images[i], question, a) for a in row] for i, row in enumerate(answers)]
        for found, right in zip(tree.logps(told), expected, strict=True):
            assert found == pytest.approx(right, abs=TOLERANCE)
    tree.keep([2, 0])
    told = [[Continuation(tuple(tiny_vlm.answer_ids(question, "No rust.").tolist()))]] * 2
    expected = [[alone(tiny_vlm, images[i], question, "No rust.")] for i in (2, 0)]
    for found, right in zip(tree.logps(told), expected, strict=True):
        assert found == pytest.approx(right, abs=TOLERANCE)


def test_a_token_tree_runs_no_token_twice(
    tiny_vlm: Any, images: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = count_tokens(monkeypatch)
    sights = tiny_vlm.sights(images[:1])
    prefix = tiny_vlm.prefix("x", sights[0])
    tree = TokenTree(tiny_vlm, [prefix], sights)
    tree.logps([[Continuation((5, 6, 7)), Continuation((5, 6, 8)), Continuation((9,))]])
    tree.logps([[Continuation((5, 6, 7, 8))]])
    tree.most_likely({0: (5, 6)})
    # (5, 6) for the first three, whose last tokens are predicted but not run; 7 for the fourth; nothing more.
    assert ran == [len(prefix), 2, 1]


def test_batches_of_rows_hold_little_padding_and_every_row() -> None:
    batches = token_batches([10, 90, 12, 300, 11], at_once=100)
    assert batches == [[0, 4, 2], [1], [3]]


def count_tokens(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tokens of every forward pass of the decoder from here on, padding included."""
    ran: list[int] = []
    language = Vlm.language

    def counted(self: Vlm, embeddings: torch.Tensor, **more: Any) -> torch.Tensor:
        ran.append(embeddings.shape[0] * embeddings.shape[1])
        return language(self, embeddings, **more)

    monkeypatch.setattr(Vlm, "language", counted)
    return ran
