"""Random models large enough that their memory can be measured, of families whose layers keep more than LLaMA's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.parity.families.recipes import QWEN, chat, qwen_processor, qwen_tokens, rope, tokenizer_with

WIDTH, HEADS, HEAD, DEEP = 512, 8, 64, 3


def _text(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": 8000, "hidden_size": WIDTH, "intermediate_size": 1408, "num_hidden_layers": 8,
        "num_attention_heads": HEADS, "num_key_value_heads": HEADS // 2, "head_dim": HEAD,
        "max_position_embeddings": 2048, "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, **more,
    }  # fmt: skip


_TOWER: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2}


def qwen3_vl(folder: Path) -> None:
    """Deep features behind three layers; norms of queries and keys by head."""
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration, Qwen3VLProcessor

    tokenizer = tokenizer_with(QWEN, bos=False)
    tower = {
        "depth": DEEP + 1, "hidden_size": 64, "intermediate_size": 128, "num_heads": 2, "out_hidden_size": WIDTH,
        "num_position_embeddings": 256, "deepstack_visual_indexes": list(range(DEEP)),
    }  # fmt: skip
    text = _text(tokenizer, rope_parameters=rope(HEAD))
    config = Qwen3VLConfig(text_config=text, vision_config=tower, **qwen_tokens(tokenizer))
    _write(folder, Qwen3VLForConditionalGeneration(config), qwen_processor(Qwen3VLProcessor, tokenizer, 16))


def gemma3(folder: Path) -> None:
    """Four norms a layer, norms by head, and an MLP with GELU."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor, SiglipVisionConfig
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    named = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>"}
    tokenizer = tokenizer_with(named, ("<start_of_turn>", "<end_of_turn>"))
    processor = Gemma3Processor(
        image_processor=Gemma3ImageProcessorPil(size={"height": 128, "width": 128}), tokenizer=tokenizer,
        image_seq_length=256, chat_template=chat("<start_of_image>"),
    )  # fmt: skip
    config = Gemma3Config(
        text_config=_text(tokenizer, sliding_window=1024, query_pre_attn_scalar=HEAD),
        vision_config=SiglipVisionConfig(**_TOWER, image_size=128, patch_size=8, vision_use_head=False),
        mm_tokens_per_image=256, boi_token_index=tokenizer.boi_token_id, eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
    )  # fmt: skip
    _write(folder, Gemma3ForConditionalGeneration(config), processor)


def paligemma2(folder: Path) -> None:
    """Scores that are capped, so that attention keeps their matrix."""
    from transformers import (
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipVisionConfig,
    )
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    images: Any = SiglipImageProcessorPil(size={"height": 128, "width": 128})
    images.image_seq_length = 256
    processor = PaliGemmaProcessor(image_processor=images, tokenizer=tokenizer_with({"image_token": "<image>"}))
    text = _text(processor.tokenizer, model_type="gemma2", sliding_window=1024, query_pre_attn_scalar=HEAD)
    tower: dict[str, Any] = {**_TOWER, "vision_use_head": False, "projection_dim": WIDTH}
    config = PaliGemmaConfig(
        vision_config=SiglipVisionConfig(**tower, image_size=128, patch_size=8),
        text_config=text, projection_dim=WIDTH, image_token_index=processor.image_token_id,
    )  # fmt: skip
    _write(folder, PaliGemmaForConditionalGeneration(config), processor)


def _write(folder: Path, model: Any, processor: Any) -> None:
    processor.save_pretrained(folder)
    model.save_pretrained(folder)


MODELS: dict[str, Callable[[Path], None]] = {f.__name__: f for f in (qwen3_vl, gemma3, paligemma2)}
