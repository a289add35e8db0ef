"""Qwen2.5-VL models with random weights, written as a hub folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class QwenShape:
    """Widths, layers and heads of tower and decoder; the tower sees patches of 14 px, a token is four of them."""

    tower_hidden: int
    tower_intermediate: int
    tower_layers: int
    tower_heads: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    key_heads: int
    vocabulary: int

    def shrunk(self, factor: int) -> "QwenShape":
        """Layers, widths and heads divided, at least 2 layers and 1 head of each kind."""
        heads, tower_heads = max(1, self.heads // factor), max(1, self.tower_heads // factor)
        return QwenShape(
            tower_hidden=tower_heads * (self.tower_hidden // self.tower_heads),
            tower_intermediate=max(8, self.tower_intermediate // factor),
            tower_layers=max(2, self.tower_layers // factor),
            tower_heads=tower_heads,
            hidden=heads * (self.hidden // self.heads),
            intermediate=max(8, self.intermediate // factor),
            layers=max(2, self.layers // factor),
            heads=heads,
            key_heads=max(1, self.key_heads // factor),
            vocabulary=max(1024, self.vocabulary // factor),
        )


# Qwen2.5-VL-7B, from memory of its published configuration.
QWEN_SEVEN_B = QwenShape(1280, 3420, 32, 16, 3584, 18944, 28, 28, 4, 152064)
# With about as many parameters as the medium LLaVA of benchmarks/llava.py.
MEDIUM_QWEN = QwenShape(512, 1024, 8, 8, 1024, 2816, 14, 16, 4, 32000)
# A photo of 1,260 tokens, of the 1,280 that the profile allows: width, height in pixels.
USUAL_PHOTO = (36 * 28, 35 * 28)
_TOKENS = {
    "image_token": "<|image_pad|>", "video_token": "<|video_pad|>",
    "vision_start_token": "<|vision_start|>", "vision_end_token": "<|vision_end|>",
}  # fmt: skip
_CHAT = (
    "{% for message in messages %}user\n"
    "{% for item in message['content'] if item['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% endfor %}{% for item in message['content'] if item['type'] == 'text' %}{{ item['text'] }}{% endfor %}\n"
    "{% endfor %}{% if add_generation_prompt %}assistant\n{% endif %}"
)


def write_qwen(folder: Path, shape: QwenShape, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
    """Write model, tokenizer and processor, unless they are there already; device: where the weights are drawn."""
    from transformers import Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from realign_edge.vlm.processor import photos_only

    if (folder / "config.json").exists():
        return
    tokenizer = _tokenizer()
    images = Qwen2VLImageProcessorPil(patch_size=14, size={"shortest_edge": 3136, "longest_edge": 1003520})
    processor = photos_only(Qwen2_5_VLProcessor)(image_processor=images, tokenizer=tokenizer, chat_template=_CHAT)
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    # The weights are made in their own dtype: 8 B of them in float32 would take 33 GB of memory.
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = Qwen2_5_VLForConditionalGeneration(qwen_config(shape, tokenizer))
    finally:
        torch.set_default_dtype(before)
    processor.save_pretrained(folder)
    model.save_pretrained(folder, max_shard_size="4GB")


def _tokenizer() -> Any:
    """The embedded model's, with Qwen's special tokens and without BOS."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    from realign_edge.nano.architecture import build_tokenizer
    from realign_edge.nano.recipe import tokenizer_texts

    core = build_tokenizer(tokenizer_texts(0, scenes=200)).backend_tokenizer
    core.post_processor = processors.ByteLevel(trim_offsets=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="</s>", pad_token="<pad>", extra_special_tokens=_TOKENS,
        clean_up_tokenization_spaces=False,
    )  # fmt: skip


def qwen_config(shape: QwenShape, tokenizer: Any) -> Any:
    """The shape as transformers' own configuration."""
    from transformers import Qwen2_5_VLConfig

    head = shape.hidden // shape.heads
    tower = {
        "depth": shape.tower_layers, "hidden_size": shape.tower_hidden, "intermediate_size": shape.tower_intermediate,
        "num_heads": shape.tower_heads, "out_hidden_size": shape.hidden, "window_size": 112,
        "fullatt_block_indexes": [shape.tower_layers - 1],
    }  # fmt: skip
    text = {
        "vocab_size": shape.vocabulary, "hidden_size": shape.hidden, "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads, "num_key_value_heads": shape.key_heads,
        "max_position_embeddings": 32768, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        # A quarter of the frequencies for time, three eighths each for height and width.
        "rope_parameters": {
            "rope_type": "default", "rope_theta": 1e6, "mrope_section": [head // 8, 3 * head // 16, 3 * head // 16]
        },
    }  # fmt: skip
    places = {name: getattr(tokenizer, f"{name}_id") for name in _TOKENS}
    return Qwen2_5_VLConfig(text_config=text, vision_config=tower, **{f"{n}_id": v for n, v in places.items()})
