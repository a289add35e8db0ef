"""A sentence encoder with random weights, for a machine that has none."""

from pathlib import Path
from typing import Any

import torch


def write_encoder(folder: Path) -> Path:
    """A SentenceTransformer of two layers."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer  # type: ignore[import-not-found]
    from transformers import BertConfig, BertModel

    from realign_edge.nano.architecture import build_tokenizer
    from realign_edge.nano.recipe import tokenizer_texts

    tokenizer: Any = build_tokenizer(tokenizer_texts(0, scenes=60))
    shape: dict[str, Any] = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
    }
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    words = Transformer(str(folder / "bert"))
    SentenceTransformer(modules=[words, Pooling(64)], device="cpu").save(str(folder / "encoder"))
    return folder / "encoder"
