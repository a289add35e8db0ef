"""What stands between tower and projector in families that take no layer of LLaVA's; named by their profiles.

Each is given transformers' model below the head (for its configuration and small methods) and the tower's output,
and returns states (n, tokens, width) for the projector.
"""

from typing import Any

from torch import Tensor


def last(_: Any, output: Any) -> Tensor:
    """The tower's last states as they are: pooling and shuffling are the projector's own (Idefics3, Gemma 3, Janus)."""
    states: Tensor = output.last_hidden_state
    return states


def shuffled(model: Any, output: Any) -> Tensor:
    """Without the class token, and squares of neighbouring patches side by side in one state (InternVL)."""
    config = model.config
    layer = config.vision_feature_layer
    states = output.last_hidden_state if layer == -1 else output.hidden_states[layer]
    if config.vision_feature_select_strategy == "default":
        states = states[:, 1:]
    side = int(states.shape[1] ** 0.5)
    square = states.reshape(states.shape[0], side, side, states.shape[2])
    mixed: Tensor = model.pixel_shuffle(square, scale_factor=config.downsample_ratio)
    return mixed.flatten(1, 2)
