"""Tiny decoders of transformers' own classes, whose random weights are large enough that answers are decided."""

from collections.abc import Callable, Mapping
from typing import Any

import torch

VOCABULARY, HIDDEN, CONTEXT = 211, 64, 256
_SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY, "hidden_size": HIDDEN, "intermediate_size": 96, "num_hidden_layers": 3,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}  # fmt: skip
LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 10000.0, "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip


def llama(**more: Any) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(LlamaConfig(**(_SIZES | more)))


def mistral(window: int | None = None) -> Any:
    from transformers import MistralConfig, MistralForCausalLM

    return MistralForCausalLM(MistralConfig(**_SIZES, sliding_window=window))


def qwen2() -> Any:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    return Qwen2ForCausalLM(Qwen2Config(**_SIZES))


def qwen3() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(Qwen3Config(**_SIZES, head_dim=32))


FITTING: Mapping[str, Callable[[], Any]] = {
    "llama": llama,
    "mha": lambda: llama(num_key_value_heads=4),
    "tied": lambda: llama(tie_word_embeddings=True),
    "llama3-rope": lambda: llama(rope_parameters=LLAMA3_ROPE),
    "biased": lambda: llama(attention_bias=True, mlp_bias=True),
    "mistral": mistral,
    "qwen2": qwen2,
    "qwen3": qwen3,
}


def amplified(model: Any, seed: int = 0) -> Any:
    """Norms and biases differ from their initial ones and zeros, so that a forgotten one would show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim > 1:
                spread = 1.0 if "embed" in name or "lm_head" in name else 1.5 / parameter.shape[-1] ** 0.5
                parameter.copy_(noise * spread)
            else:
                parameter.add_(0.2 * noise)
    return model.eval().requires_grad_(False)
