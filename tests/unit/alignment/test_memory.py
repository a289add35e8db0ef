"""The planner: its forecast against what a process really needs, and what it says and does with it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from realign_edge.alignment import memory
from realign_edge.alignment.batches import Item
from realign_edge.alignment.memory import Geometry, alternatives, forecast, geometry_of, peak, plan
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import UsageError
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.vlm.decoder import Decoder
from realign_edge.vlm.sight import Prefix
from tests.unit.alignment.memory_models import MODELS

MIB, GIB = 2**20, 2**30
# What the forecast leaves out: Python's objects, allocations below 256 KiB, code that is read at first use.
TOLERANCE = 0.15
CASES: dict[str, dict[str, Any]] = {
    "all-linear": {},
    "several rows": {"pairs": 2, "objective": "dpo"},
    "attention": {"lora_targets": "attention"},
    "checkpointing": {"gradient_checkpointing": True},
    "dropout": {"lora_dropout": 0.1},
    "dropout in attention": {"lora_dropout": 0.1, "lora_targets": "attention"},
}


@pytest.fixture(scope="module")
def forty_million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LLaVA's shape: 8 layers of width 512, 256 image tokens, 33 million parameters at random."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from realign_edge.nano.architecture import CHAT_TEMPLATE, build_tokenizer
    from realign_edge.nano.recipe import tokenizer_texts

    folder = tmp_path_factory.mktemp("models") / "forty"
    tokenizer = build_tokenizer(tokenizer_texts(0, scenes=60))
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224}),
        tokenizer=tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, image_token="<image>", chat_template=CHAT_TEMPLATE,
    )  # fmt: skip
    tower = CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=224, patch_size=14
    )
    text = LlamaConfig(
        vocab_size=8000, hidden_size=512, intermediate_size=1408, num_hidden_layers=8, num_attention_heads=8,
        max_position_embeddings=2048, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    config = LlavaConfig(
        vision_config=tower, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2, vision_feature_select_strategy="default", image_seq_length=256,
    )  # fmt: skip
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def measurements(forty_million: Path) -> dict[str, dict[str, int]]:
    return measured(forty_million, CASES)


def measured(folder: Path, cases: dict[str, dict[str, Any]]) -> dict[str, dict[str, int]]:
    """All cases, each in a process of its own."""
    common = {"pairs": 1, "prompt": 24, "answer": 40, "dtype": "float32"}
    arguments = [str(folder), json.dumps([common | case for case in cases.values()])]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("memory_worker.py")), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(cases, json.loads(done.stdout), strict=True))


FAMILIES: dict[str, dict[str, Any]] = {
    "all-linear": {},
    "attention": {"lora_targets": "attention"},
    "checkpointing": {"gradient_checkpointing": True},
}


@pytest.fixture(scope="module", params=MODELS)
def family_measurements(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, int]]:
    """Of a family whose layers keep more than LLaMA's."""
    folder = tmp_path_factory.mktemp(request.param) / "model"
    MODELS[request.param](folder)
    return measured(folder, FAMILIES)


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
@pytest.mark.parametrize("case", FAMILIES)
def test_so_it_is_with_deep_features_more_norms_and_eager_attention(
    family_measurements: dict[str, dict[str, int]], case: str
) -> None:
    found = family_measurements[case]
    assert found["forecast"] == pytest.approx(found["measured"], rel=TOLERANCE)
    needed, expected = (found[k] - found["before"] for k in ("measured", "forecast"))
    assert expected == pytest.approx(needed, rel=TOLERANCE, abs=25 * MIB)


@pytest.mark.skipif(sys.platform != "linux", reason="measures by /proc")
@pytest.mark.parametrize("case", CASES)
def test_the_forecast_is_what_a_process_needs(measurements: dict[str, dict[str, int]], case: str) -> None:
    found = measurements[case]
    assert found["forecast"] == pytest.approx(found["measured"], rel=TOLERANCE)
    # And by itself the part that depends on the settings; 25 MiB of what the tolerance names is a lot for so small
    # a model.
    needed, expected = (found[k] - found["before"] for k in ("measured", "forecast"))
    assert expected == pytest.approx(needed, rel=TOLERANCE, abs=25 * MIB)


SEVEN_B = Geometry(
    layers=32, hidden=4096, intermediate=11008, queries=4096, heads=32, vocabulary=32064, weights=14 * GIB,
    activation=2, base=GIB,
)  # fmt: skip


def items(count: int, answer: int = 100) -> Sequence[Item]:
    ids, zeros = torch.zeros(answer, dtype=torch.int64), torch.zeros(640, dtype=torch.int64)
    prompt = Prefix(zeros, torch.arange(640).unsqueeze(0), zeros)
    return [
        Item(
            PreferencePair(str(i), "other", "?", str(i), "no", "note", Provenance("record")),
            prompt,
            prompt,
            ids,
            ids,
        )
        for i in range(count)
    ]


def test_a_small_memory_takes_a_smaller_budget(workbench: Any) -> None:
    settings = AlignmentSettings(micro_tokens=8192)
    roomy = plan(SEVEN_B, settings, items(8), 128 * GIB)
    assert roomy.micro_tokens == 8192
    assert roomy.limit == int(128 * GIB * 0.9)
    between = (roomy.forecast.total + peak(SEVEN_B, settings, items(8), 4096).total) / 2 / GIB
    tight = plan(SEVEN_B, replace(settings, memory_gib=between), items(8), 128 * GIB)
    assert tight.micro_tokens == 4096
    assert tight.forecast.total <= tight.limit == int(between * GIB)
    assert tight.forecast.tokens <= 4096 < roomy.forecast.tokens
    # memory_gib cannot promise more than the device has.
    assert plan(SEVEN_B, replace(settings, memory_gib=1000), items(8), 128 * GIB) == roomy


def test_what_does_not_fit_is_refused_with_numbers_and_what_would_fit() -> None:
    settings = AlignmentSettings()
    one = peak(SEVEN_B, settings, items(8), 1)
    with pytest.raises(UsageError) as caught:
        plan(SEVEN_B, replace(settings, memory_gib=(one.total - 1) / GIB), items(8), 128 * GIB)
    assert f"training would take {one.total / GIB:.1f} GiB of memory (weights 14.0 GiB, " in caught.value.message
    assert f"and {(one.total - 1) / GIB:.1f} GiB may be used" in caught.value.message
    offers = caught.value.hint.split("; or ")
    assert len(offers) == 3
    assert offers[0].startswith("set alignment.gradient_checkpointing = true (")
    assert offers[1].startswith('set alignment.quantization = "nf4" (')
    # Every offer that is made fits, by the planner's own word; one that does not is not made.
    totals = [total for _, total in alternatives(SEVEN_B, settings, items(8))]
    assert all(total < one.total for total in totals)
    least = totals[-1]
    with pytest.raises(UsageError) as caught:
        plan(SEVEN_B, replace(settings, memory_gib=least / GIB), items(8), 128 * GIB)
    assert caught.value.hint.count("set ") == 1
    assert 'alignment.lora_targets = "attention" and alignment.lora_rank = 8' in caught.value.hint
    with pytest.raises(UsageError) as caught:
        plan(SEVEN_B, settings, items(8), 2 * GIB)
    assert caught.value.hint == "use a smaller model or a machine with more memory"


def test_one_pair_that_just_fits_is_planned() -> None:
    settings = AlignmentSettings()
    one = peak(SEVEN_B, settings, items(8), 1)
    assert plan(SEVEN_B, replace(settings, memory_gib=one.total / GIB), items(8), 128 * GIB).forecast == one


def test_the_same_machine_plans_the_same(workbench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though what the process holds wavers."""
    settings, some = workbench.settings, workbench.items()
    weights = geometry_of(workbench.vlm, 0).weights
    plans = []
    for held in (300 * MIB, 500 * MIB, 513 * MIB):
        monkeypatch.setattr(memory, "used_memory", lambda device, held=held: weights + held)
        plans.append(plan(geometry_of(workbench.vlm), settings, some, 8 * GIB))
    assert plans[0] == plans[1]
    # In steps of 256 MiB, upwards.
    assert [p.forecast.base for p in plans] == [512 * MIB, 512 * MIB, 768 * MIB]


def test_freed_tensors_go_back_at_once_where_memory_is_tight_alone() -> None:
    found = plan(SEVEN_B, AlignmentSettings(), items(8), 128 * GIB)
    holes = found.forecast.activations // 2
    fits = found.forecast.total + holes
    assert not replace(found, limit=fits).tight(128 * GIB)
    assert replace(found, limit=fits - 1).tight(128 * GIB)
    # What the process holds already need not be free.
    free = fits - found.forecast.base - found.forecast.weights
    assert not found.tight(free)
    assert found.tight(free - 1)


@pytest.mark.parametrize(
    ("change", "smaller"),
    [
        ({"gradient_checkpointing": True}, True),
        ({"lora_targets": "attention"}, True),
        ({"lora_rank": 64}, False),
        ({"lora_dropout": 0.05}, False),
    ],
)
def test_every_setting_counts(change: dict[str, Any], smaller: bool) -> None:
    usual = AlignmentSettings()
    lengths = [(840, 740)]
    before = forecast(SEVEN_B, usual, lengths, 300).total
    after = forecast(SEVEN_B, replace(usual, **change), lengths, 300).total
    assert (after < before) is smaller
    assert after != before


@pytest.mark.parametrize(
    "more",
    [{"decoder": Decoder(norms=4)}, {"decoder": Decoder(head_norms=True)}, {"decoder": Decoder(fused_mlp=False)},
     {"decoder": Decoder(eager=True)}, {"deep": 3}],
)  # fmt: skip
@pytest.mark.parametrize("checkpointing", [False, True])
def test_what_a_decoder_keeps_besides_counts(more: dict[str, Any], checkpointing: bool) -> None:
    settings = AlignmentSettings(gradient_checkpointing=checkpointing)
    plain = forecast(SEVEN_B, settings, [(840, 740)], 300).total
    assert forecast(replace(SEVEN_B, **more), settings, [(840, 740)], 300).total > plain


def test_scores_of_eager_attention_grow_with_the_square_of_a_sequence() -> None:
    """One layer's at a time with checkpointing, every layer's without: bfloat16 and float32 of 32 heads, by hand."""
    eager = replace(SEVEN_B, decoder=Decoder(eager=True, capped=True))

    def scores(checkpointing: bool, n: int) -> int:
        settings = AlignmentSettings(gradient_checkpointing=checkpointing, objective="dpo")
        kept = (forecast(g, settings, [(n, 0)], 300).activations for g in (eager, SEVEN_B))
        # Attention writes its result once less.
        layers = 1 if checkpointing else 32
        return next(kept) - next(kept) + layers * n * 4096 * 2

    assert scores(False, 1000) == 32 * 32 * 1000**2 * (4 + 2 + 2)
    assert scores(True, 1000) == 32 * 1000**2 * (4 + 2 + 2)
