"""What is refused before a byte is copied, and in which words."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from realign_edge.errors import MissingError
from realign_edge.modelstore.intake import inspect, stated_licence
from realign_edge.modelstore.source import FolderSource

SECOND = "model-00002-of-00002.safetensors"
INDEX = "model.safetensors.index.json"


def change_json(name: str, **values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        value = json.loads((folder / name).read_text()) if (folder / name).exists() else {}
        (folder / name).write_text(json.dumps({**value, **values}))

    return change


def gone(*names: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def only_pickles(folder: Path) -> None:
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x02.")


def truncated(folder: Path) -> None:
    data = (folder / SECOND).read_bytes()
    (folder / SECOND).write_bytes(data[:-10])


def longer(folder: Path) -> None:
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes() + b"xx")


def outside(folder: Path) -> None:
    shutil.copy(folder / SECOND, folder.parent / "x.safetensors")
    rename_shard(folder, "../x.safetensors")


def rename_shard(folder: Path, name: str) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] = {t: name if n == SECOND else n for t, n in index["weight_map"].items()}
    (folder / INDEX).write_text(json.dumps(index))


def promise_more(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["language_model.model.layers.1.mlp.up_proj.weight"] = SECOND
    (folder / INDEX).write_text(json.dumps(index))


def template_in_tokenizer(folder: Path) -> None:
    gone("chat_template.json")(folder)
    change_json("tokenizer_config.json", chat_template="x")(folder)


def other_layout(folder: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({"model.mm_projector.0.weight": np.zeros(4, np.float32)}, folder / "model.safetensors")


def no_model(folder: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "config.json").rename(folder / "inner" / "config.json")


def text(name: str, words: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).write_text(words, encoding="latin-1")

    return change


REFUSALS: list[tuple[Callable[[Path], None], str, str]] = [
    (only_pickles, "the weights are pickle files (pytorch_model.bin)", "take the checkpoint with .safetensors"),
    (lambda f: rename_shard(f, "weights.bin"), "pickle files (weights.bin)", ".safetensors files"),
    (gone(SECOND), f"1 of 2 weight files are missing: {SECOND}", "copy the missing files"),
    (gone(INDEX), f"{INDEX} is missing", "copy the index"),
    (truncated, f"{SECOND} is truncated", "copy this file again"),
    (longer, f"{SECOND} is damaged", "copy the model again"),
    (text(SECOND, ""), f"{SECOND} is damaged", "copy the model again"),
    (text(SECOND, "\xff" * 99), "does not begin like", "copy the model again"),
    (text(SECOND, "\x09" + "\0" * 7 + "{"), "within its header", "copy"),
    (text(SECOND, "\x02" + "\0" * 7 + "[]"), "header cannot be read", "copy"),
    (outside, "names a file outside the folder: '../x.safetensors'", "do not use this copy"),
    (lambda f: rename_shard(f, "/etc/passwd"), "names a file outside the folder: '/etc/passwd'", "do not use"),
    (promise_more, f"{SECOND} lacks language_model.model.layers.1", "copy the model again"),
    (change_json(INDEX, weight_map={}), "names no files", "copy the model again"),
    (other_layout, "the weights hold no vision tower", "-hf"),
    (change_json("config.json", model_type="gpt2"), "the architecture `gpt2` is not supported", "llava (LLaVA-1.5)"),
    (change_json("config.json", quantization_config={"quant_method": "awq"}), "quantised already (awq)", "full"),
    (change_json("config.json", quantization_config=["fp8"]), "quantised already", "full"),
    (gone("chat_template.json"), "the processor has no chat template", "chat_template.jinja"),
    (template_in_tokenizer, "only tokenizer_config.json has one", "put the template into a file"),
    (gone("preprocessor_config.json"), "does not say how photos are prepared", "copy the model with this file"),
    (gone("tokenizer.json"), "the tokenizer lacks tokenizer.json", "copy the model again"),
    (change_json("preprocessor_config.json", auto_map={"AutoProcessor": "x.Y"}), "program code", "-hf"),
    (gone("LICENSE"), "no licence text (its README.md states `llama2`)", "--licence FILE"),
    (no_model, "there is no config.json in it", "name the folder itself: "),
    (text("config.json", "{"), "config.json is damaged", "copy the model again"),
    (text("config.json", "[" * 100_000), "config.json is damaged", "copy the model again"),
    (text("config.json", "[]"), "config.json holds no JSON object", "copy the model again"),
]


@pytest.mark.parametrize(("change", "message", "hint"), REFUSALS)
def test_a_model_that_may_not_be_used_is_refused_with_the_way_out(
    model_folder: Path, change: Callable[[Path], None], message: str, hint: str
) -> None:
    change(model_folder)
    with pytest.raises(MissingError) as refused:
        inspect(FolderSource(model_folder))
    assert message in refused.value.message
    assert hint in refused.value.hint
    assert str(model_folder) in refused.value.message


def test_an_adapter_is_told_from_a_model(model_folder: Path) -> None:
    (model_folder / "config.json").rename(model_folder / "adapter_config.json")
    with pytest.raises(MissingError, match="holds an adapter"):
        inspect(FolderSource(model_folder))


def test_code_pickles_and_hidden_files_stay_behind(model_folder: Path) -> None:
    for name in ("modeling_x.py", "pytorch_model.bin", ".gitattributes", "manifest.json", "stray.safetensors"):
        (model_folder / name).write_text("{}")
    (model_folder / "USE_POLICY").write_text("be good")
    (model_folder / "loop").symlink_to("loop")
    found = inspect(FolderSource(model_folder))
    assert found.left_out == (
        ".gitattributes",
        "manifest.json",
        "modeling_x.py",
        "pytorch_model.bin",
        "stray.safetensors",
    )
    assert {"USE_POLICY", "LICENSE", "README.md", "chat_template.json", INDEX, SECOND} <= set(found.files)


def test_a_single_file_is_preferred_as_transformers_does(model_folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = {k: v for p in model_folder.glob("*.safetensors") for k, v in load_file(p).items()}
    save_file(tensors, model_folder / "model.safetensors")
    found = inspect(FolderSource(model_folder))
    assert [n for n in found.files if "safetensors" in n] == ["model.safetensors"]
    assert INDEX in found.left_out


@pytest.mark.parametrize(
    ("readme", "stated"),
    [
        ("---\nlicense: MIT\n---\n", "mit"),
        ("---\nlicense: 'apache-2.0'\n", "apache-2.0"),
        ("license: mit", ""),
        ("---\n---\nlicense: mit", ""),
        ("", ""),
    ],
)
def test_the_licence_that_a_model_card_states(readme: str, stated: str) -> None:
    assert stated_licence(readme) == stated
