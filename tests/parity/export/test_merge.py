"""The merged model against the model with its adapter beside it, by PEFT."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from realign_edge.alignment.lora import eject, inject, save_adapter, trainable
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import MissingError, RealignError
from realign_edge.export.merge import TOLERANCE, load_merged, merge
from realign_edge.home import models_folder
from realign_edge.vlm.generate import generate
from realign_edge.vlm.load import load_vlm

QUESTIONS = ("Describe the part and its defects.", "Does the photo show rust?")
NANO = str(models_folder() / "nano")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    torch.set_num_threads(1)
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8))


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One that changes what the model says."""
    vlm, folder = load_vlm(NANO), tmp_path_factory.mktemp("run") / "adapter"
    wrapped = inject(vlm, AlignmentSettings(beta=0.1, lora_rank=4))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in trainable(vlm).values():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    save_adapter(wrapped, folder)
    eject(vlm, wrapped)
    yield folder


def test_the_merged_model_says_what_the_adapted_one_says(adapter: Path, photo: Image.Image) -> None:
    from peft import PeftModel

    vlm, found = load_merged(NANO, adapter, photo, QUESTIONS)
    assert found.difference < TOLERANCE * found.scale < found.adapter
    assert found.positions > 2 * 65
    assert not [name for name, _ in vlm.model.named_modules() if "lora" in name]
    other = load_vlm(NANO)
    PeftModel.from_pretrained(other.model, str(adapter))
    answers = [generate(v, v.sights([photo] * 2), QUESTIONS, 24) for v in (vlm, other)]
    assert answers[0] == answers[1]


def test_a_merge_that_loses_the_adapter_is_refused(
    adapter: Path, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel

    def lost(wrapped: Any, **_: Any) -> Any:
        return wrapped.unload()

    monkeypatch.setattr(PeftModel, "merge_and_unload", lost, raising=False)
    with pytest.raises(RealignError, match="differs from the model with its adapter by"):
        load_merged(NANO, adapter, photo, QUESTIONS)


def test_what_is_no_adapter_is_refused(tmp_path: Path, photo: Image.Image) -> None:
    with pytest.raises(MissingError, match="holds no adapter"):
        merge(load_vlm(NANO), tmp_path, photo, QUESTIONS)


def test_an_adapter_of_another_model_is_refused(adapter: Path, tmp_path: Path, photo: Image.Image) -> None:
    text = (adapter / "adapter_config.json").read_text(encoding="utf-8")
    (tmp_path / "adapter_config.json").write_text(text.replace('"r": 4', '"r": 8'), encoding="utf-8")
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    (tmp_path / "adapter_model.safetensors").write_bytes(weights)
    with pytest.raises(MissingError, match="does not fit"):
        merge(load_vlm(NANO), tmp_path, photo, QUESTIONS)
