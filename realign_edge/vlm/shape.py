"""What a configuration says of lengths, before a model is loaded."""

from typing import Any

from realign_edge.vlm.family import Family


def context_of(config: Any) -> int:
    """The longest sequence, in tokens, in which every token sees all before it."""
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None)
    # Where layers differ, those that look through a window are named.
    if "sliding_attention" not in (getattr(text, "layer_types", None) or ["sliding_attention"]):
        window = None
    return int(min(text.max_position_embeddings, window or text.max_position_embeddings))


def photo_tokens(config: Any, family: Family) -> int:
    """Tokens of a usual photo: fixed by resolution, patch size and select strategy, or as the profile says."""
    if family.photo_tokens:
        return family.photo_tokens
    patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    return int(patches) + (1 if config.vision_feature_select_strategy == "full" else 0)


def deep_layers(config: Any) -> int:
    """Layers behind which features of the photo are added once more."""
    return len(getattr(config.vision_config, "deepstack_visual_indexes", None) or ())
