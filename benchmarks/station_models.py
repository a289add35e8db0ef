"""The models of `benchmarks.station`: bundles in every precision, the unfused decoder, genai's decoder."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realign_edge.bundle.contract import Precision
from realign_edge.files import write_json

PRECISIONS: tuple[Precision, ...] = ("fp32", "int8", "int4")
PROMPT = 600


@dataclass(frozen=True)
class Made:
    """folder: a bundle, with `torch/` beside its files; weight_bytes, cache_bytes: that fp32 reads for one token.

    genai, unfused: are its decoder and the one that torch traces there as well?
    """

    folder: Path
    weight_bytes: int
    cache_bytes: int
    genai: bool
    unfused: bool = True


def make_nano(work: Path) -> Made:
    """The embedded model over a floor of 120 photos, with its own prompt."""
    from realign_edge.home import models_folder

    return _made(work / "nano", models_folder() / "nano", "", genai=False)


def make_medium(work: Path) -> Made:
    """About 230 M random parameters; the question is as long as it takes for a prompt of 600 tokens."""
    from benchmarks.llava import MEDIUM, write_llava

    model = work / "medium" / "model"
    write_llava(model, MEDIUM)
    return _made(work / "medium", model, _question(model), genai=True)


def make_patches(work: Path) -> Made:
    """A Qwen2.5-VL about as large as the medium LLaVA, its photo of as many tokens."""
    from benchmarks.qwen import MEDIUM_QWEN, write_qwen

    model = work / "patches" / "model"
    write_qwen(model, MEDIUM_QWEN)
    return _made(work / "patches", model, "Describe the part and its defects.", genai=False, unfused=False, edge=672)


def _made(place: Path, model: Path, question: str, *, genai: bool, unfused: bool = True, edge: int = 336) -> Made:
    from benchmarks.bundles import write_bundle
    from realign_edge.progress import Silent
    from realign_edge.shopfloor.floor import write_floor
    from realign_edge.station.decoding.model import load_station

    folder, done = place / "bundle", place / "bundle" / "prompt.json"
    if not done.exists():
        if not (place / "floor").exists():
            write_floor(place / "floor", 120 if not question else 12, seed=5, workers=2, progress=Silent())
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_bundle(folder, str(model), place / "floor", PRECISIONS, question)
        (folder / "torch").symlink_to(model.resolve())
        if unfused:
            _unfused(model, folder)
        tokens = prompt_tokens(folder, edge)
        for precision in ("fp32", "int4") if genai else ():
            _genai(model, folder / f"genai-{precision}", precision)
        write_json(done, {"tokens": tokens, "edge": edge})
    profile = load_station(folder).profile
    weights = sum(p.stat().st_size for p in (folder / "onnx").glob("decoder_model_merged.onnx*"))
    cache = 2 * 4 * profile.layers * profile.kv_heads * profile.head_dim * prompt_tokens(folder, edge)
    return Made(folder, weights, cache, genai, unfused)


def _question(model: Path) -> str:
    """A question that makes the prompt, photo included, PROMPT tokens long or a little longer."""
    from realign_edge.vlm.family import family_of
    from realign_edge.vlm.processor import load_processor
    from realign_edge.vlm.wording import Wording

    wording = Wording(load_processor(model, "llava"), family_of("llava", "here"), "medium")
    question = "Describe the part and its defects."
    while sum(map(len, wording.ends(question))) + 576 < PROMPT:
        question += " Rust?"
    return question


def prompt_tokens(folder: Path, edge: int = 336) -> int:
    """Of the question, the photo included; edge: of the photo, in pixels."""
    from benchmarks.station_subjects import picture
    from realign_edge.station.profile import read_profile
    from realign_edge.station.prompting.prompts import Prompts
    from realign_edge.station.seeing.patches import tokens_of
    from realign_edge.station.seeing.pixels import pixels

    profile = read_profile(folder)
    ends = Prompts(folder, profile).ends(profile.questions["describe"])
    rows, columns = tokens_of(pixels(picture(0, edge), profile.preprocess).grid, profile.preprocess)
    return len(ends.head) + (profile.image_tokens or rows * columns) + len(ends.tail)


def _unfused(model: Path, folder: Path) -> None:
    """torch's own trace of the decoder, without fused operators, beside links to the other graphs."""
    import torch
    from transformers import LlavaForConditionalGeneration

    from realign_edge.export.graphs.onnxfile import save_model
    from realign_edge.export.graphs.trace import traced

    place = folder / "onnx-plain"
    place.mkdir()
    for name in ("vision_encoder.onnx", "embed_tokens.onnx"):
        (place / name).symlink_to(folder / "onnx" / name)
    loaded: Any = LlavaForConditionalGeneration.from_pretrained(model, dtype=torch.float32).eval()
    text = loaded.config.text_config
    layers, heads, width = text.num_hidden_layers, text.num_key_value_heads, text.head_dim
    past = [torch.zeros(1, heads, 5, width) for _ in range(2 * layers)]
    example = (torch.zeros(1, 3, text.hidden_size), torch.ones(1, 8, dtype=torch.int64), torch.arange(5, 8)[None], past)
    names = [f"{n}.{k}" for n in range(layers) for k in ("key", "value")]
    free: Any = torch.export.Dim.DYNAMIC
    axes = {
        "inputs_embeds": {1: free}, "attention_mask": {1: free}, "position_ids": {1: free},
        "past_key_values": [{2: free}] * (2 * layers),
    }  # fmt: skip
    inputs = ["inputs_embeds", "attention_mask", "position_ids", *(f"past_key_values.{n}" for n in names)]
    graph = traced(
        _decoder(loaded), example, inputs, ["logits", *(f"present.{n}" for n in names)], axes, "decoder_model_merged"
    )
    save_model(graph, place / "decoder_model_merged.onnx")


def _decoder(model: Any) -> Any:
    """The language model as a module of tensors alone."""
    import torch
    from transformers.cache_utils import DynamicCache, DynamicLayer

    class Decoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.language, self.head = model.model.language_model, model.lm_head

        def forward(self, inputs_embeds: Any, attention_mask: Any, position_ids: Any, past_key_values: Any) -> Any:
            cache: Any = DynamicCache()
            cache.layers, cache.layer_class_to_replicate = [], None
            for keys, values in zip(past_key_values[0::2], past_key_values[1::2], strict=True):
                layer: Any = DynamicLayer()
                layer.keys, layer.values = keys, values
                layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
                cache.layers.append(layer)
            hidden = self.language(
                inputs_embeds=inputs_embeds, attention_mask=attention_mask, position_ids=position_ids,
                past_key_values=cache, use_cache=True,
            ).last_hidden_state[:, -1:]  # fmt: skip
            return (self.head(hidden), *[t for layer in cache.layers for t in (layer.keys, layer.values)])

    return Decoder()


def _genai(model: Path, place: Path, precision: str) -> None:
    """genai's builder takes the decoder as a text model of its own."""
    import torch
    from transformers import LlamaForCausalLM, LlavaForConditionalGeneration

    text = place.with_name("genai-text")
    if not text.exists():
        loaded: Any = LlavaForConditionalGeneration.from_pretrained(model, dtype=torch.float32)
        alone: Any = LlamaForCausalLM(loaded.config.text_config)
        alone.model, alone.lm_head = loaded.model.language_model, loaded.lm_head
        alone.save_pretrained(text)
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(model / name, text / name)
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(text), "-o", str(place)]
    subprocess.run(
        [*builder, "-p", precision, "-e", "cpu", "-c", str(place) + "-cache"], check=True, capture_output=True
    )
