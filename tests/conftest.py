"""What every test shares: no network, a state folder of its own, a tiny VLM, a small shop floor."""

import os
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# No test is timed: a busy machine takes 0.2 s, hypothesis' limit, for what takes a hundredth of it on another.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

os.environ["REALIGN_EDGE_CONFIG"] = ""
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", OMP_NUM_THREADS="1")

# This process and every one that a test starts, the installed command among them, refuse the network.
_OFFLINE = Path(__file__).with_name("offline")
os.environ["PYTHONPATH"] = os.pathsep.join([str(_OFFLINE), *filter(None, [os.environ.get("PYTHONPATH")])])
if not any(Path(getattr(m, "__file__", None) or "").parent == _OFFLINE for m in [sys.modules.get("sitecustomize")]):
    runpy.run_path(str(_OFFLINE / "sitecustomize.py"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of this test's own."""
    folder = tmp_path / "home"
    monkeypatch.setenv("REALIGN_EDGE_HOME", str(folder))
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The nano architecture with 2 + 2 layers and random weights, in hub folder shape."""
    import torch

    from realign_edge.nano.architecture import build_model, build_processor
    from realign_edge.nano.recipe import tokenizer_texts

    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    processor = build_processor(tokenizer_texts(0, scenes=60))
    model = build_model(processor, seed=0, tower_layers=2, decoder_layers=2)
    # Untrained weights give near-uniform answers, for which any bug looks like noise; these are decided.
    with torch.no_grad():
        for name, parameter in model.model.language_model.named_parameters():
            if "proj" in name:
                parameter.mul_(3)
    processor.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


@pytest.fixture
def tiny_vlm(tiny_model: Path) -> Any:
    """A fresh copy of the tiny model, loaded our way."""
    from realign_edge.vlm.load import load_vlm

    return load_vlm(str(tiny_model))


@pytest.fixture(scope="session")
def small_floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop floor of 40 photos at 128 px; tests only read it."""
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor

    folder = tmp_path_factory.mktemp("floor") / "floor"
    write_floor(folder, 40, seed=3, size=128, progress=Silent())
    return folder


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(home: Path) -> Iterator[Command]:
    """Run the installed `realign-edge` in a process of its own."""

    def run(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
        executable = Path(sys.executable).with_name("realign-edge")
        environment = {**os.environ, "REALIGN_EDGE_HOME": str(home), "COLUMNS": "80"}
        return subprocess.run(
            [str(executable), *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=300,
            **more,
        )

    yield run


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A model folder as on the hub: two shards, an index, a licence; a few zeros for weights, made without torch."""
    import json

    import numpy as np
    from safetensors.numpy import save_file

    folder = tmp_path / "stick" / "plant-llava"
    folder.mkdir(parents=True)
    shards = {
        "model-00001-of-00002.safetensors": {
            "vision_tower.vision_model.embeddings.class_embedding": np.zeros(8, np.float32),
            "multi_modal_projector.linear_1.weight": np.zeros((16, 8), np.float32),
        },
        "model-00002-of-00002.safetensors": {
            "language_model.model.embed_tokens.weight": np.zeros((32, 16), np.float32),
            "language_model.model.layers.0.mlp.up_proj.weight": np.zeros((24, 16), np.float32),
            "language_model.model.layers.0.input_layernorm.weight": np.zeros(16, np.float32),
            "language_model.lm_head.weight": np.zeros((32, 16), np.float32),
        },
    }
    for name, tensors in shards.items():
        save_file(tensors, folder / name)
    index = {"metadata": {}, "weight_map": {tensor: name for name, found in shards.items() for tensor in found}}
    texts: dict[str, Any] = {
        "model.safetensors.index.json": index,
        "config.json": {"model_type": "llava"},
        "tokenizer.json": {"version": "1.0"},
        "tokenizer_config.json": {"tokenizer_class": "TokenizersBackend"},
        "preprocessor_config.json": {"image_processor_type": "CLIPImageProcessor"},
        "chat_template.json": {"chat_template": "USER: {{ messages }}"},
    }
    for name, value in texts.items():
        (folder / name).write_text(json.dumps(value))
    (folder / "LICENSE").write_text("LLAMA 2 COMMUNITY LICENSE AGREEMENT\nand so on\n")
    (folder / "README.md").write_text("---\nlicense: llama2\n---\n# A model\n")
    return folder


@pytest.fixture(scope="session")
def station_bundle(tmp_path_factory: pytest.TempPathFactory, small_floor: Path) -> Path:
    """The embedded model as a station has it, in float32, with the small floor for its past; unsigned; only read."""
    from benchmarks.bundles import write_bundle

    return write_bundle(tmp_path_factory.mktemp("bundle") / "bundle", "nano", small_floor)
