"""LLaVA models with random weights in the shapes that benchmarks need, written as a hub folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Shape:
    """Widths, layers and heads of tower and decoder; the tower sees 336 px in patches of 14: 576 image tokens."""

    tower_hidden: int
    tower_intermediate: int
    tower_layers: int
    tower_heads: int
    hidden: int
    intermediate: int
    layers: int
    heads: int
    vocabulary: int

    def shrunk(self, factor: int) -> "Shape":
        """Layers, widths and heads divided, at least 2 layers (the features are the last but one's) and 1 head."""
        heads, tower_heads = max(1, self.heads // factor), max(1, self.tower_heads // factor)
        return Shape(
            tower_hidden=tower_heads * (self.tower_hidden // self.tower_heads),
            tower_intermediate=max(8, self.tower_intermediate // factor),
            tower_layers=max(2, self.tower_layers // factor),
            tower_heads=tower_heads,
            hidden=heads * (self.hidden // self.heads),
            intermediate=max(8, self.intermediate // factor),
            layers=max(2, self.layers // factor),
            heads=heads,
            vocabulary=max(1024, self.vocabulary // factor),
        )


# About 230 M parameters.
MEDIUM = Shape(384, 1536, 6, 6, 1024, 2816, 12, 16, 32000)
# LLaVA-1.5-7B: CLIP ViT-L/14-336 and Vicuna 7B, the vocabulary padded to 32,064.
SEVEN_B = Shape(1024, 4096, 24, 16, 4096, 11008, 32, 32, 32064)


def write_llava(folder: Path, shape: Shape, dtype: torch.dtype = torch.float32, device: str = "cpu") -> None:
    """Write model, tokenizer and processor, unless they are there already; device: where the weights are drawn."""
    from transformers import LlavaForConditionalGeneration, LlavaProcessor
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from realign_edge.nano.architecture import CHAT_TEMPLATE, build_tokenizer
    from realign_edge.nano.recipe import tokenizer_texts

    if (folder / "config.json").exists():
        return
    tokenizer = build_tokenizer(tokenizer_texts(0, scenes=200))
    side = {"height": 336, "width": 336}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=side),
        tokenizer=tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, image_token="<image>", chat_template=CHAT_TEMPLATE,
    )  # fmt: skip
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    # The weights are made in their own dtype: 7 B of them in float32 would take 28 GB of memory.
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = LlavaForConditionalGeneration(llava_config(shape, tokenizer))
    finally:
        torch.set_default_dtype(before)
    processor.save_pretrained(folder)
    model.save_pretrained(folder, max_shard_size="4GB")


def llava_config(shape: Shape, tokenizer: Any) -> Any:
    """The shape as transformers' own configuration."""
    from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig

    tower = CLIPVisionConfig(
        hidden_size=shape.tower_hidden, intermediate_size=shape.tower_intermediate,
        num_hidden_layers=shape.tower_layers, num_attention_heads=shape.tower_heads, image_size=336, patch_size=14,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=shape.vocabulary, hidden_size=shape.hidden, intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers, num_attention_heads=shape.heads, num_key_value_heads=shape.heads,
        max_position_embeddings=2048, bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return LlavaConfig(
        vision_config=tower, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2, vision_feature_select_strategy="default", image_seq_length=576,
    )  # fmt: skip
