"""Our own graph against transformers' forward pass, for every shape of decoder that it claims to know."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from realign_edge.export.graphs.decoder.architecture import decoder_of
from realign_edge.export.graphs.decoder.decoder import decoder_graph
from realign_edge.export.graphs.decoder.unfit import UnfitError
from realign_edge.export.graphs.onnxfile import save_model
from tests.parity.export.decoders import CONTEXT, FITTING, HIDDEN, VOCABULARY, amplified, llama, mistral
from tests.parity.export.running import Runner

# Logits are of order 30; three layers in another order of summation.
TOLERANCE = 5e-4
PROMPT, ANSWER = 40, 64


@dataclass
class Case:
    model: Any
    runner: Runner

    def embed(self, ids: Any) -> Any:
        return self.model.get_input_embeddings().weight[torch.as_tensor(ids)].numpy()


@pytest.fixture(scope="module", params=FITTING)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    torch.set_num_threads(1)
    model = amplified(FITTING[request.param]())
    path = tmp_path_factory.mktemp("decoder") / "decoder.onnx"
    save_model(decoder_graph(decoder_of(model.model, model.lm_head, CONTEXT)), path)
    return Case(model, Runner(path))


def prompts(batch: int = 1, length: int = PROMPT) -> Any:
    return np.random.default_rng(1).integers(0, VOCABULARY, (batch, length))


def expected(case: Case, ids: Any) -> Any:
    return case.model(torch.as_tensor(ids)).logits.numpy()


def test_logits_are_the_models(case: Case) -> None:
    ids = prompts(3)
    found, _ = case.runner.run(case.embed(ids))
    assert np.abs(found - expected(case, ids)).max() < TOLERANCE


def test_greedy_answers_are_the_models_token_for_token(case: Case) -> None:
    ids = prompts()
    settings: dict[str, Any] = {"do_sample": False, "max_new_tokens": ANSWER, "eos_token_id": None, "pad_token_id": 0}
    told = case.model.generate(torch.as_tensor(ids), **settings)[0, PROMPT:].tolist()
    assert len(set(told)) > 15, "an answer that repeats itself shows little"
    assert _greedy_grown(case, ids) == told
    assert _greedy_shared(case, ids) == told


def _greedy_grown(case: Case, ids: Any) -> list[int]:
    logits, past = case.runner.run(case.embed(ids), keep=1)
    found = [int(logits[0, -1].argmax())]
    while len(found) < ANSWER:
        logits, past = case.runner.run(case.embed([[found[-1]]]), past, keep=1)
        found.append(int(logits[0, -1].argmax()))
    return found


def _greedy_shared(case: Case, ids: Any) -> list[int]:
    buffers = case.runner.buffers(PROMPT + ANSWER + 7)
    logits = case.runner.run_shared(case.embed(ids), 0, buffers, keep=1)
    found = [int(logits[0, -1].argmax())]
    while len(found) < ANSWER:
        logits = case.runner.run_shared(case.embed([[found[-1]]]), PROMPT + len(found) - 1, buffers, keep=1)
        found.append(int(logits[0, -1].argmax()))
    return found


def test_a_prompt_in_parts_is_the_prompt(case: Case) -> None:
    states = case.embed(prompts())
    whole, cache = case.runner.run(states)
    first, past = case.runner.run(states[:, :23])
    second, past = case.runner.run(states[:, 23:39], past)
    third, past = case.runner.run(states[:, 39:], past)
    # The same kernels read the same numbers; a single token goes through those for vectors.
    assert np.abs(np.concatenate([first, second, third], 1) - whole).max() < TOLERANCE
    assert all(np.abs(past[name] - cache[name]).max() < 1e-4 for name in cache)


def test_other_answers_follow_a_shared_prompt(case: Case) -> None:
    """What a second question wrote behind the first ones is overwritten and not seen."""
    states, buffers = case.embed(prompts()), case.runner.buffers(PROMPT + 9)
    fresh, _ = case.runner.run(states)
    case.runner.run_shared(states[:, :30], 0, buffers)
    case.runner.run_shared(case.embed(prompts(length=19)), 30, buffers)
    again = case.runner.run_shared(states[:, 30:], 30, buffers)
    assert np.abs(again - fresh[:, 30:]).max() < TOLERANCE


@pytest.mark.parametrize("keep", [1, 7, PROMPT])
def test_kept_logits_are_the_last_ones(case: Case, keep: int) -> None:
    states = case.embed(prompts(2))
    whole, _ = case.runner.run(states)
    kept, _ = case.runner.run(states, keep=keep)
    assert kept.shape == (2, keep, VOCABULARY)
    assert np.abs(kept - whole[:, -keep:]).max() < TOLERANCE


def test_single_tokens_go_in_batches(case: Case) -> None:
    ids = prompts(3)
    _, past = case.runner.run(case.embed(ids[:, :-1]))
    found, _ = case.runner.run(case.embed(ids[:, -1:]), past)
    assert np.abs(found[:, 0] - expected(case, ids)[:, -1]).max() < TOLERANCE


def test_axes_are_free_and_names_are_those_of_transformers_js(case: Case) -> None:
    inputs = {v.name: v.shape for v in case.runner.session.get_inputs()}
    assert inputs["inputs_embeds"] == ["batch_size", "length", HIDDEN]
    assert inputs["attention_mask"] == ["batch_size", "total"]
    assert [n for n in inputs if "past" in n][:3] == [f"past_key_values.{n}" for n in ("0.key", "0.value", "1.key")]
    assert [v.name for v in case.runner.session.get_outputs()][:3] == ["logits", "present.0.key", "present.0.value"]


def dynamic() -> Any:
    return llama(rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 2.0})


def gelu() -> Any:
    return llama(hidden_act="gelu")


def narrow() -> Any:
    return llama(head_dim=8)


def windowed() -> Any:
    return mistral(window=100)


def gemma() -> Any:
    from transformers import GemmaConfig, GemmaForCausalLM

    return GemmaForCausalLM(GemmaConfig(vocab_size=99, hidden_size=32, intermediate_size=32, num_hidden_layers=1))


def olmo() -> Any:
    from transformers import Olmo2Config, Olmo2ForCausalLM

    sizes: dict[str, Any] = {"vocab_size": 99, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    return Olmo2ForCausalLM(Olmo2Config(**sizes, num_attention_heads=2, pad_token_id=0))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (narrow, "width 8"), (windowed, "look back"), (dynamic, "length"), (gelu, "activation"),
        (gemma, "activation|RMS norm"), (olmo, "has or lacks"),
    ],
)  # fmt: skip
def test_what_it_does_not_express_is_left_to_the_tracer(make: Any, said: str) -> None:
    model = amplified(make())
    with pytest.raises(UnfitError, match=said):
        decoder_of(model.model, model.lm_head, 1024)


def test_a_saved_graph_has_the_same_bytes_twice(tmp_path: Path) -> None:
    model = amplified(llama())
    for name in ("a", "b"):
        save_model(decoder_graph(decoder_of(model.model, model.lm_head, CONTEXT)), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
