"""Tiny models with random weights, of transformers' own classes, with processors as the hub's checkpoints have them.

A recipe writes a folder as on the hub. Sizes are the smallest that a family allows; what differs between families
(tiles, axes of positions, deep features, attention in both directions) is there.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from realign_edge.nano.recipe import tokenizer_texts
from realign_edge.vlm.processor import photos_only

HIDDEN, LAYERS, CONTEXT = 32, 2, 1024


def tokenizer_with(named: Mapping[str, str], more: tuple[str, ...] = (), bos: bool = True) -> Any:
    """A byte-level BPE; `named`: special tokens by the attribute that a processor asks for; `more`: others."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = ["<pad>", "<s>", "</s>", *named.values(), *more]
    trainer = trainers.BpeTrainer(
        vocab_size=400 + len(special),
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(tokenizer_texts(0, scenes=40), trainer)
    steps: list[Any] = [processors.ByteLevel(trim_offsets=False)]
    if bos:
        start = ("<s>", core.token_to_id("<s>"))
        steps.append(processors.TemplateProcessing(single="<s> $A", special_tokens=[start]))
    core.post_processor = processors.Sequence(steps)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>" if bos else None,
        eos_token="</s>",
        pad_token="<pad>",
        extra_special_tokens=dict(named),
        additional_special_tokens=list(more),
        clean_up_tokenization_spaces=False,
    )


def chat(photo: str, user: str = "USER: ", assistant: str = " ASSISTANT:", end: str = "", start: str = "") -> str:
    """A chat template that writes `photo` before the question."""
    return (
        f"{start}{{% for message in messages %}}{user}"
        "{% for item in message['content'] if item['type'] == 'image' %}" + photo + "{% endfor %}"
        "{% for item in message['content'] if item['type'] == 'text' %}{{ item['text'] }}{% endfor %}"
        + end + "{% endfor %}{% if add_generation_prompt %}" + assistant + "{% endif %}"
    )  # fmt: skip


def text_settings(tokenizer: Any, head: int = 8) -> dict[str, Any]:
    """Of a decoder; head: how wide its heads are."""
    return {
        "vocab_size": len(tokenizer), "hidden_size": HIDDEN, "intermediate_size": 64, "num_hidden_layers": LAYERS,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": head, "max_position_embeddings": CONTEXT,
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip


def tower_settings(size: int, patch: int) -> dict[str, Any]:
    """Of a CLIP or SigLIP tower."""
    return {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "image_size": size, "patch_size": patch,
    }  # fmt: skip


def llava_next(folder: Path, head: int = 8) -> None:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaNextConfig,
        LlavaNextForConditionalGeneration,
        LlavaNextProcessor,
    )
    from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

    tokenizer, points = tokenizer_with({"image_token": "<image>"}), [[64, 32], [32, 64], [64, 64]]
    images = LlavaNextImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_grid_pinpoints=points
    )
    processor = LlavaNextProcessor(
        image_processor=images, tokenizer=tokenizer, patch_size=8, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=chat("<image>\n"),
    )  # fmt: skip
    config = LlavaNextConfig(
        vision_config=CLIPVisionConfig(**tower_settings(32, 8)),
        text_config=LlamaConfig(**text_settings(tokenizer, head)),
        image_token_index=tokenizer.image_token_id, image_grid_pinpoints=points,
    )  # fmt: skip
    write(folder, LlavaNextForConditionalGeneration, config, processor)


def llava_onevision(folder: Path, head: int = 8) -> None:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        LlavaOnevisionProcessor,
        Qwen2Config,
        SiglipVisionConfig,
    )
    from transformers.models.llava_onevision import image_processing_pil_llava_onevision as images_of

    named = {"image_token": "<image>", "video_token": "<video>"}
    tokenizer, points = tokenizer_with(named, bos=False), [[64, 32], [32, 64], [64, 64], [96, 32]]
    images = images_of.LlavaOnevisionImageProcessorPil(size={"height": 32, "width": 32}, image_grid_pinpoints=points)
    processor = photos_only(LlavaOnevisionProcessor)(
        image_processor=images, tokenizer=tokenizer, num_image_tokens=16, vision_feature_select_strategy="full",
        chat_template=chat("<image>\n"),
    )  # fmt: skip
    tower = SiglipVisionConfig(**tower_settings(32, 8), vision_use_head=False)
    config = LlavaOnevisionConfig(
        vision_config=tower, text_config=Qwen2Config(**text_settings(tokenizer, head)),
        image_token_index=tokenizer.image_token_id, video_token_index=tokenizer.video_token_id,
        image_grid_pinpoints=points,
    )  # fmt: skip
    write(folder, LlavaOnevisionForConditionalGeneration, config, processor)


QWEN = {
    "image_token": "<|image_pad|>", "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>", "vision_end_token": "<|vision_end|>",
}  # fmt: skip
QWEN_CHAT = chat("<|vision_start|><|image_pad|><|vision_end|>", "user\n", "assistant\n", "\n")


def qwen_tokens(tokenizer: Any) -> dict[str, Any]:
    """The ids that a Qwen configuration wants to know."""
    return {
        "image_token_id": tokenizer.image_token_id, "video_token_id": tokenizer.video_token_id,
        "vision_start_token_id": tokenizer.vision_start_token_id, "vision_end_token_id": tokenizer.vision_end_token_id,
    }  # fmt: skip


def qwen_processor(kind: Any, tokenizer: Any, patch: int = 14) -> Any:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    images = Qwen2VLImageProcessorPil(patch_size=patch, size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 64})
    return photos_only(kind)(image_processor=images, tokenizer=tokenizer, chat_template=QWEN_CHAT)


def rope(head: int) -> dict[str, Any]:
    """Positions over three axes: how many frequencies each has."""
    return {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [head // 4, head // 8, head // 8]}


def qwen_text(tokenizer: Any, heads: int) -> dict[str, Any]:
    """Of a Qwen decoder; heads: more of them are narrower."""
    head = HIDDEN // heads
    shape = {"num_attention_heads": heads, "num_key_value_heads": heads // 2, "head_dim": head}
    return text_settings(tokenizer) | shape | {"rope_parameters": rope(head)}


def qwen2_vl(folder: Path, heads: int = 4) -> None:
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, Qwen2VLProcessor

    tokenizer = tokenizer_with(QWEN, bos=False)
    config = Qwen2VLConfig(
        text_config=qwen_text(tokenizer, heads),
        vision_config={"depth": 2, "embed_dim": 32, "hidden_size": HIDDEN, "num_heads": 2, "mlp_ratio": 2},
        **qwen_tokens(tokenizer),
    )
    write(folder, Qwen2VLForConditionalGeneration, config, qwen_processor(Qwen2VLProcessor, tokenizer))


def qwen2_5_vl(folder: Path, heads: int = 4) -> None:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor

    tokenizer = tokenizer_with(QWEN, bos=False)
    tower = {
        "depth": 2, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": HIDDEN,
        "window_size": 56, "fullatt_block_indexes": [1],
    }  # fmt: skip
    config = Qwen2_5_VLConfig(text_config=qwen_text(tokenizer, heads), vision_config=tower, **qwen_tokens(tokenizer))
    write(folder, Qwen2_5_VLForConditionalGeneration, config, qwen_processor(Qwen2_5_VLProcessor, tokenizer))


def qwen3_vl(folder: Path, heads: int = 4) -> None:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

    tokenizer = tokenizer_with(QWEN, bos=False)
    tower = {
        "depth": 3, "hidden_size": 32, "intermediate_size": 48, "num_heads": 2, "out_hidden_size": HIDDEN,
        "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1],
    }  # fmt: skip
    text = {**qwen_text(tokenizer, heads), "num_hidden_layers": 3}
    config = Qwen3VLConfig(text_config=text, vision_config=tower, **qwen_tokens(tokenizer))
    write(folder, Qwen3VLForConditionalGeneration, config, qwen_processor(Qwen3VLProcessor, tokenizer, 16))


def write(folder: Path, kind: Any, config: Any, processor: Any) -> None:
    """Random weights whose answers are decided: near-uniform ones would hide a bug."""
    torch.manual_seed(0)
    model = kind(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, 0.6 / parameter.shape[-1] ** 0.5 if "proj" in name else 0.3)
    processor.save_pretrained(folder)
    model.save_pretrained(folder)


FIRST: dict[str, Callable[[Path], None]] = {
    f.__name__: f for f in (llava_next, llava_onevision, qwen2_vl, qwen2_5_vl, qwen3_vl)
}
