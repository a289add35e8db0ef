from pathlib import Path

import pytest

from realign_edge.alignment.gpu_presets import gpu_presets
from realign_edge.alignment.settings import PRESETS
from realign_edge.config.load import load_config, to_toml
from realign_edge.errors import UsageError
from realign_edge.pipeline.config import AlignConfig, resolve


def test_the_resolved_configuration_reads_back(tmp_path: Path) -> None:
    config = resolve(None, {"preset": "paper", "alignment.seed": 7})
    path = tmp_path / "config.toml"
    path.write_text(to_toml(config), encoding="utf-8")
    assert load_config(AlignConfig, path) == config
    assert resolve(path, {}) == config


def test_every_problem_at_once_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(
        'modle = "x"\n[alignment]\nobjective = "rpdo"\nseed = "one"\nlora_rang = 3\n[photos]\nheld_out_share = 0.9\n'
        '[retrieval]\nmatch_attributes = "finish"\n'
    )
    with pytest.raises(UsageError) as caught:
        load_config(AlignConfig, path)
    for words in (
        "did you mean `model`",
        "did you mean `rdpo`",
        "`alignment.seed` must be a whole number, not 'one'",
        "did you mean `lora_rank`",
        "held_out_share must be above 0",
        "`retrieval.match_attributes` must be a list",
        "bad.toml",
    ):
        assert words in caught.value.message


def test_file_beats_preset_and_flags_beat_the_file(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('preset = "paper"\n[alignment]\nbeta = 0.2\nseed = 1\n')
    config = resolve(path, {"alignment.seed": 9})
    assert (config.alignment.beta, config.alignment.seed) == (0.2, 9)
    assert config.alignment.lora_rank == PRESETS["paper"].lora_rank
    with pytest.raises(UsageError, match="unknown preset"):
        resolve(None, {"preset": "papre"})


def test_broken_toml_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("= nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        resolve(path, {})


def test_a_gpu_preset_sets_what_memory_depends_on_and_a_named_model_keeps_its_own_photos(tmp_path: Path) -> None:
    preset = gpu_presets()["gpu-16gb"]
    config = resolve(None, {"preset": "gpu-16gb"})
    assert (config.device, config.model, config.photo_tokens) == ("cuda", preset.installed, preset.photo_tokens)
    assert config.alignment.micro_tokens == preset.micro_tokens
    assert config.alignment.quantization == "nf4"
    assert config.alignment.learning_rate == PRESETS["workstation"].learning_rate
    # Another model's photos may not be limitable, and the planner finds its budget.
    other = resolve(None, {"preset": "gpu-16gb", "model": "llava-1.5-7b-hf"})
    assert (other.model, other.photo_tokens) == ("llava-1.5-7b-hf", 0)
    path = tmp_path / "c.toml"
    path.write_text(
        f'preset = "gpu-16gb"\nmodel = "/media/{preset.installed}"\ndevice = "cpu"\n[alignment]\nlora_rank = 8\n'
    )
    mine = resolve(path, {})
    assert (mine.device, mine.photo_tokens, mine.alignment.lora_rank) == ("cpu", preset.photo_tokens, 8)
    assert resolve(path, {"photo_tokens": 99}).photo_tokens == 99
    with pytest.raises(UsageError, match="photo_tokens must not be negative"):
        resolve(None, {"photo_tokens": -1})
