"""Parameters, licences and memory, told without loading a model."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from realign_edge.errors import MissingError, UsageError
from realign_edge.home import models_folder
from realign_edge.modelstore import store
from realign_edge.modelstore.facts import Parameters, facts_of
from realign_edge.modelstore.licences import licence_of, licences
from realign_edge.modelstore.sizes import billions, gib
from realign_edge.vlm.family import Checkpoint, families, load_family


def test_parameters_are_counted_by_the_part_they_belong_to(model_folder: Path) -> None:
    found = facts_of(model_folder).parameters
    decoder = 2 * 32 * 16 + 24 * 16 + 16
    assert found == Parameters(8 + 16 * 8 + decoder, 8, 16 * 8, decoder, 24 * 16)


def test_the_embedded_model() -> None:
    facts = facts_of((models_folder() / "nano").resolve())
    assert (facts.embedded, facts.manifest, facts.family.name) == (True, None, "llava")
    assert (facts.licence.id, facts.commercial_use) == ("apache-2.0", True)
    from realign_edge.vlm.load import load_vlm

    loaded = load_vlm("nano").model
    assert facts.parameters.total == sum(p.numel() for p in loaded.parameters())
    assert facts.parameters.vision_tower == sum(p.numel() for p in loaded.model.vision_tower.parameters())
    assert facts.parameters.language_model == sum(p.numel() for p in loaded.model.language_model.parameters())


@pytest.mark.parametrize(
    ("text", "readme", "stated", "licence", "commercial"),
    [
        ("LLAMA 2 COMMUNITY\n  LICENSE AGREEMENT", "", "", "llama2", True),
        ("Apache License\nVersion 2.0, January 2004", "---\nlicense: mit\n---", "", "apache-2.0", True),
        ("our own words", "---\nlicense: cc-by-nc-4.0\n---", "", "cc-by-nc-4.0", False),
        ("our own words", "", "gemma", "gemma", True),
        ("our own words", "---\nlicense: secret\n---", "", "secret", None),
        ("our own words", "", "", "", None),
    ],
)
def test_the_licence_is_known_by_its_text_then_by_the_card(
    tmp_path: Path, text: str, readme: str, stated: str, licence: str, commercial: bool | None
) -> None:
    (tmp_path / "LICENSE.txt").write_text(text)
    (tmp_path / "README.md").write_text(readme)
    found = licence_of(tmp_path, stated)
    assert (found.id, found.commercial_use) == (licence, commercial)
    assert found.allows
    if commercial is None:
        assert "read LICENSE.txt" in found.allows


def test_every_licence_that_a_profile_names_is_known_and_agrees() -> None:
    known = {licence.id: licence.commercial_use for licence in licences()}
    assert len(known) == len(licences())
    for family in families():
        for checkpoint in family.hub:
            assert known[checkpoint.licence] == checkpoint.commercial_use, checkpoint.id


def test_a_profile_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    text = (models_folder() / "families" / "llava.toml").read_text()
    path = tmp_path / "x.toml"
    path.write_text(text.replace("title =", "titel =").replace('revision = ""', 'revision = "main"', 1))
    with pytest.raises(UsageError) as refused:
        load_family(path)
    for words in ("unknown key `titel` (did you mean `title`?)", "`title` is missing", "a whole commit hash"):
        assert words in refused.value.message
    path.write_text(text.replace("commercial_use = true", 'commercial_use = "yes"', 1))
    with pytest.raises(UsageError, match=r"`hub\[1\].commercial_use` must be true or false"):
        load_family(path)
    path.write_text(text.replace("projector = '(model", "projector = '(((model"))
    with pytest.raises(UsageError, match="projector is no regular expression"):
        load_family(path)
    with pytest.raises(ValueError, match="organisation/name"):
        Checkpoint("llava", "mit", True)


@pytest.mark.parametrize(
    ("number", "words"),
    [(7_063_427_072, "7.06 B"), (13_350_100_000, "13.4 B"), (303_507_456, "304 M"), (67_968, "68.0 k"), (12, "12")],
)
def test_parameters_in_words(number: int, words: str) -> None:
    assert billions(number) == words


def test_bytes_in_words() -> None:
    assert (gib(14_126_973_063), gib(14_530_224), gib(7_500)) == ("13.2 GiB", "13.9 MiB", "7.3 KiB")


def test_a_damaged_model_is_told_so(model_folder: Path) -> None:
    (model_folder / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(MissingError, match="is damaged"):
        facts_of(model_folder)


def test_list_add_and_verify_need_no_torch(model_folder: Path, home: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from typer.testing import CliRunner\nfrom realign_edge.cli.main import app\n"
        f"for words in (['models', 'add', {str(model_folder)!r}], ['models', 'list'], "
        "['models', 'verify', 'plant-llava']):\n"
        "    found = CliRunner().invoke(app, words)\n    assert found.exit_code == 0, found.output\n"
        "print([m for m in ('torch', 'transformers', 'peft') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (found.stdout, found.returncode) == ("[]\n", 0), found.stderr


def test_the_geometry_told_beforehand_is_that_of_the_loaded_model(tiny_model: Path) -> None:
    import torch

    from realign_edge.alignment.headroom import geometry_before_loading, shape_of
    from realign_edge.alignment.memory import geometry_of
    from realign_edge.vlm.load import load_vlm

    vlm = load_vlm(str(tiny_model), quantization="nf4")
    loaded, shape = geometry_of(vlm, base=0), shape_of(tiny_model)
    told = geometry_before_loading(facts_of(tiny_model).parameters, shape, torch.device("cpu"), base=0)
    assert told.weights == pytest.approx(loaded.weights, rel=0.05)
    assert [getattr(told, n) for n in GEOMETRY] == [getattr(loaded, n) for n in GEOMETRY]
    look = vlm.look(Image.new("RGB", (128, 128)))
    assert shape.image_tokens == len(look.tokens)


GEOMETRY = ("layers", "hidden", "intermediate", "queries", "heads", "vocabulary", "activation", "base")


def seven_billion(folder: Path) -> Path:
    """LLaVA-1.5-7b in its shapes: a whole header over a file without bytes, and the short config.json of the hub."""
    import torch
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    sight: dict[str, Any] = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
    }
    sight |= {"image_size": 336, "patch_size": 14, "projection_dim": 768}
    words: dict[str, Any] = {"vocab_size": 32064, "max_position_embeddings": 4096}
    config = LlavaConfig(vision_config=CLIPVisionConfig(**sight), text_config=LlamaConfig(**words))
    with torch.device("meta"):
        model = LlavaForConditionalGeneration(config)
    table, at = {}, 0
    for name, tensor in model.state_dict().items():
        table[name] = {"dtype": "F16", "shape": list(tensor.shape), "data_offsets": [at, at + 2 * tensor.numel()]}
        at += 2 * tensor.numel()
    header = json.dumps(table).encode()
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + at)
    short = {
        "model_type": "llava",
        "text_config": {"model_type": "llama", **words},
        "vision_config": {"model_type": "clip_vision_model", **sight},
        "vision_feature_select_strategy": "default",
    }
    (folder / "config.json").write_text(json.dumps(short))
    return folder


def test_seven_billion_parameters_are_judged_without_a_byte_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from realign_edge.alignment import headroom

    facts = facts_of(seven_billion(tmp_path / "llava-1.5-7b-hf"))
    assert facts.parameters.total == 7_063_427_072
    shape = headroom.shape_of(facts.folder)
    assert (shape.image_tokens, shape.context) == (576, 4096)
    monkeypatch.setattr(headroom, "used_memory", lambda _: 0)
    verdicts = {}
    for memory in (8, 16, 64):
        monkeypatch.setattr(headroom, "device_memory", lambda _, m=memory: m * 2**30)
        found = headroom.headroom(facts, shape)
        verdicts[memory] = found.verdict
        assert found.limit < found.memory == memory * 2**30
        assert (found.needs <= found.limit) == (found.verdict != "does not fit")
        assert all(list(row.at_budgets) == sorted(row.at_budgets) for row in found.rows)
    assert verdicts == {8: "does not fit", 16: "fits with gradient checkpointing", 64: "fits"}


def test_a_gpu_is_judged_by_its_own_memory_in_16_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from realign_edge.alignment import headroom

    facts = facts_of(seven_billion(tmp_path / "llava-1.5-7b-hf"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "RTX 4090")
    monkeypatch.setattr(headroom, "used_memory", lambda _: 2**29)
    monkeypatch.setattr(headroom, "device_memory", lambda _: 24 * 2**30)
    shape = headroom.shape_of(facts.folder)
    found = headroom.headroom(facts, shape)
    assert (found.device, found.dtype, found.verdict) == ("RTX 4090", "bfloat16", "fits")
    told = headroom.geometry_before_loading(facts.parameters, shape, torch.device("cuda"))
    # Half a byte for 6.48 billion weights in 4 bit, two bytes for the embeddings and the head, no tower.
    assert told.weights / 2**30 == pytest.approx(3.6, abs=0.05)
    # The same for a GPU that is not here, but for what it holds besides, which is assumed.
    assumed = headroom.headroom(facts, shape, gpu_memory=24 * 2**30)
    assert (assumed.memory, assumed.verdict, assumed.assumed) == (24 * 2**30, "fits", True)
    assert [r.one_pair - headroom.BASE_ON_GPU for r in assumed.rows] == [r.one_pair - 2**29 for r in found.rows]


def test_show_for_a_gpu_that_is_not_here(home: Path) -> None:
    from typer.testing import CliRunner

    from realign_edge.cli.main import app

    folder = seven_billion(home / "llava-1.5-7b-hf")
    fitting, tight = (
        json.loads(CliRunner().invoke(app, ["models", "show", str(folder), "--json", "--gpu-memory", size]).stdout)
        for size in ("24", "6")
    )
    assert (fitting["training"]["verdict"], fitting["training"]["memory"]) == ("fits", 24 * 2**30)
    assert tight["training"]["verdict"] == "does not fit"
    assert fitting["training"]["rows"] == tight["training"]["rows"]


def test_show_for_people(home: Path, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from realign_edge.cli.main import app

    monkeypatch.setenv("COLUMNS", "80")
    folder = seven_billion(home / "llava-1.5-7b-hf")
    for path in model_folder.iterdir():
        if not (path.name.startswith("model") or path.name == "config.json"):
            shutil.copy(path, folder)
    found = CliRunner().invoke(app, ["models", "show", str(folder)])
    for words in (
        "Parameters 7.06 B",
        "vision tower 304 M, projector 21.0 M, language model 6.74 B",
        "576 tokens of a context of 4,096",
        "Llama 2 Community: commercial use up to 700 million monthly users",
        "all linear layers, rank 128",
        "judged for --preset workstation (attention) and pairs of 1,412 tokens",
    ):
        assert words in " ".join(found.stdout.split())
    assert max(map(len, found.stdout.splitlines())) <= 80


def test_show_for_programs(home: Path) -> None:
    from typer.testing import CliRunner

    from realign_edge.cli.main import app

    found = CliRunner().invoke(app, ["models", "show", "nano", "--json"])
    value = json.loads(found.stdout)
    assert (value["image_tokens"], value["context"], value["training"]["verdict"]) == (65, 512, "fits")
    assert (value["parameters"]["total"], value["embedded"], value["hub"]) == (3_617_952, True, None)
    assert all(len(row["at_budgets"]) == len(value["training"]["budgets"]) for row in value["training"]["rows"])


def test_an_installed_model_is_found_by_its_name(model_folder: Path, home: Path) -> None:
    from realign_edge.vlm.find import find_model

    store.add(model_folder)
    assert find_model("plant-llava") == (home / "models" / "plant-llava").resolve()
    assert [p.name for p in store.installed()] == ["nano", "plant-llava"]
