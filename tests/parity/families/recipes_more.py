"""More recipes: families with tiles in text, and with attention in both directions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from realign_edge.vlm.processor import photos_only
from tests.parity.families.recipes import HIDDEN, chat, text_settings, tokenizer_with, tower_settings, write


def internvl(folder: Path, head: int = 8, decoder: str = "qwen2") -> None:
    """decoder: InternVL 3 has Qwen2's, InternVL 3.5 "qwen3"."""
    from transformers import InternVLConfig, InternVLForConditionalGeneration, InternVLProcessor
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

    named = {
        "context_image_token": "<IMG_CONTEXT>", "video_token": "<video>", "start_image_token": "<img>",
        "end_image_token": "</img>",
    }  # fmt: skip
    tokenizer = tokenizer_with(named, bos=False)
    images = GotOcr2ImageProcessorPil(size={"height": 32, "width": 32}, crop_to_patches=True, max_patches=4)
    processor = photos_only(InternVLProcessor)(
        image_processor=images, tokenizer=tokenizer, image_seq_length=4,
        chat_template=chat("<IMG_CONTEXT>\n", "user\n", "assistant\n", "\n"),
    )  # fmt: skip
    tower: dict[str, Any] = {**tower_settings(32, 8), "use_absolute_position_embeddings": True}
    config = InternVLConfig(
        vision_config=tower, text_config={**text_settings(tokenizer, head), "model_type": decoder}, image_seq_length=4,
        image_token_id=tokenizer.context_image_token_id, tie_word_embeddings=False,
    )  # fmt: skip
    write(folder, InternVLForConditionalGeneration, config, processor)


TILES = (
    "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>",
    *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
)  # fmt: skip
IDEFICS_CHAT = chat("<image>", "<s>User:", "\nAssistant:", "<end_of_utterance>")


def idefics3(folder: Path, head: int = 8) -> None:
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration, Idefics3Processor, LlamaConfig
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    tokenizer = tokenizer_with({}, TILES)
    images = Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = Idefics3Processor(
        image_processor=images, tokenizer=tokenizer, image_seq_len=4, chat_template=IDEFICS_CHAT
    )
    config = Idefics3Config(
        vision_config=tower_settings(32, 8), text_config=LlamaConfig(**text_settings(tokenizer, head)),
        image_token_id=processor.image_token_id, scale_factor=2,
    )  # fmt: skip
    write(folder, Idefics3ForConditionalGeneration, config, processor)


def smolvlm2(folder: Path, head: int = 8) -> None:
    from transformers import LlamaConfig, SmolVLMConfig, SmolVLMForConditionalGeneration, SmolVLMProcessor
    from transformers.models.smolvlm.image_processing_pil_smolvlm import SmolVLMImageProcessorPil

    tokenizer = tokenizer_with({}, (*TILES, "<video>"))
    images = SmolVLMImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
    processor = photos_only(SmolVLMProcessor)(
        image_processor=images, tokenizer=tokenizer, video_processor=None, image_seq_len=4, chat_template=IDEFICS_CHAT
    )
    config = SmolVLMConfig(
        vision_config=tower_settings(32, 8), text_config=LlamaConfig(**text_settings(tokenizer, head)),
        image_token_id=processor.image_token_id, scale_factor=2,
    )  # fmt: skip
    write(folder, SmolVLMForConditionalGeneration, config, processor)


def gemma3(folder: Path, head: int = 8) -> None:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration, Gemma3Processor, SiglipVisionConfig
    from transformers.models.gemma3.image_processing_pil_gemma3 import Gemma3ImageProcessorPil

    named = {
        "image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>",
    }  # fmt: skip
    tokenizer = tokenizer_with(named, ("<start_of_turn>", "<end_of_turn>"))
    images = Gemma3ImageProcessorPil(size={"height": 32, "width": 32})
    processor = Gemma3Processor(
        image_processor=images, tokenizer=tokenizer, image_seq_length=4,
        chat_template=chat(
            "<start_of_image>", "<start_of_turn>user\n", "<start_of_turn>model\n", "<end_of_turn>\n", "{{ bos_token }}"
        ),
    )  # fmt: skip
    text = {**text_settings(tokenizer, head), "sliding_window": 512, "query_pre_attn_scalar": 8}
    config = Gemma3Config(
        text_config={**text, "layer_types": ["sliding_attention", "full_attention"]},
        vision_config=SiglipVisionConfig(**tower_settings(32, 8), vision_use_head=False), mm_tokens_per_image=4,
        boi_token_index=tokenizer.boi_token_id, eoi_token_index=tokenizer.eoi_token_id,
        image_token_index=tokenizer.image_token_id,
    )  # fmt: skip
    write(folder, Gemma3ForConditionalGeneration, config, processor)


def paligemma2(folder: Path, head: int = 8) -> None:
    from transformers import (
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipVisionConfig,
    )
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    tokenizer = tokenizer_with({"image_token": "<image>"})
    images: Any = SiglipImageProcessorPil(size={"height": 32, "width": 32})
    images.image_seq_length = 16
    processor = PaliGemmaProcessor(image_processor=images, tokenizer=tokenizer)
    text = {
        **text_settings(tokenizer, head), "vocab_size": len(processor.tokenizer), "model_type": "gemma2",
        "sliding_window": 512, "query_pre_attn_scalar": 8,
    }  # fmt: skip
    more: dict[str, Any] = {"projection_dim": HIDDEN, "vision_use_head": False}
    tower = SiglipVisionConfig(**tower_settings(32, 8), **more)
    config = PaliGemmaConfig(
        vision_config=tower, text_config=text, projection_dim=HIDDEN, image_token_index=tokenizer.image_token_id
    )
    write(folder, PaliGemmaForConditionalGeneration, config, processor)


def janus(folder: Path, head: int = 8) -> None:
    from transformers import JanusConfig, JanusForConditionalGeneration, JanusProcessor
    from transformers.models.janus.image_processing_pil_janus import JanusImageProcessorPil

    named = {
        "image_token": "<image_placeholder>", "boi_token": "<begin_of_image>", "eoi_token": "<end_of_image>",
    }  # fmt: skip
    tokenizer = tokenizer_with(named)
    images = JanusImageProcessorPil(size={"height": 32, "width": 32})
    processor = JanusProcessor(
        image_processor=images, tokenizer=tokenizer, num_image_tokens=16,
        chat_template=chat("<image_placeholder>\n", "<|User|>: ", "<|Assistant|>:", "\n"),
    )  # fmt: skip
    tower = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 32, "patch_size": 8,
        "mlp_ratio": 2, "projection_dim": HIDDEN, "num_image_tokens": 16,
    }  # fmt: skip
    drawer = {
        "embed_dim": 8, "num_embeddings": 16, "latent_channels": 32, "base_channels": 32, "channel_multiplier": [1, 1],
        "num_res_blocks": 1, "num_patches": 4, "projection_dim": HIDDEN, "image_token_embed_dim": HIDDEN,
    }  # fmt: skip
    config = JanusConfig(
        text_config={**text_settings(tokenizer, head), "model_type": "llama"}, vision_config=tower, vq_config=drawer,
        image_token_id=tokenizer.image_token_id,
    )  # fmt: skip
    write(folder, JanusForConditionalGeneration, config, processor)


SECOND: dict[str, Callable[[Path], None]] = {
    f.__name__: f for f in (internvl, idefics3, smolvlm2, gemma3, paligemma2, janus)
}
