"""How much memory training takes, before it begins: predicted from the model's geometry and the settings.

What is kept for the backward pass, a token and a layer, in the activations' dtype (Q, K = widths of all
query and of all key heads, D = hidden, I = intermediate width, r = LoRA rank):

    2 D  states that the two norms read (float32 where the model computes in 16 bit)
    1 D  what each norm writes, where an adapter reads it
    3 Q  queries, keys and values as attention reads them (keys and values repeated to Q)
    2 Q  what attention writes, for the prefix and for what branches off it and put together
    2 I  gate and up projection
    r    for each adapted layer

With dropout peft's own layers are used, and each adapted one keeps what dropout let through and the factors
that it drew, which is twice its input, instead of what the norm wrote: 6 D and 2 Q in attention, 4 D and 2 I in
the MLP, which then also keeps silu(gate), 1 I. (On a GPU a factor is one byte, so this is an upper bound there.)

Where a decoder differs from LLaMA's (models/decoders.toml; n = length of a sequence, H = heads, K = width of all keys,
m = layers that take deep features):

    2 D   more with norms behind attention and MLP too, which read what these write (Gemma 2, Gemma 3)
    Q + K states that norms by head read, float32 (Qwen3, Gemma 3)
    2 I   more where the MLP is not ours to fuse: act(gate), and the product where an adapter reads it, else 1 I
    m D   the deep features, once (not a layer)
    H n   scores a token where attention is eager: after softmax in float32, again in 16 bit where the model computes
          so, and after tanh where they are capped; attention then writes 1 Q, not 2. Three more in float32 are there
          for the moment that one layer's scores are computed or their gradient is.

With gradient checkpointing: D a token and layer, and the above for one layer at a time. To this come the
weights, the adapter four times in float32 (itself, gradient, two moments), the masks, the rows of the
output head, and the buffers of the moment when the backward pass is in an MLP. tests/unit/alignment
compares the sum with what a process really needs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from realign_edge.alignment.batches import Item, micro_batches, padded_tokens
from realign_edge.alignment.machine import use_once, used_memory
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.errors import UsageError
from realign_edge.vlm.decoder import Decoder, decoder_of
from realign_edge.vlm.head import rows_at_once
from realign_edge.vlm.model import Vlm
from realign_edge.vlm.shape import deep_layers

_GIB = 2**30
# Of a device's memory, what a plan may use: the rest is the system's, the driver's and fragmentation's.
_USABLE = 0.9
_SMALLEST_BUDGET = 256
_BASE_STEP = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Geometry:
    """What memory depends on. Widths in elements; `weights` in bytes; activation: bytes an element.

    base: bytes that the process holds besides; keys: width of all keys; decoder: what its layers keep; deep: layers
    that take deep features.
    """

    layers: int
    hidden: int
    intermediate: int
    queries: int
    heads: int
    vocabulary: int
    weights: int
    activation: int
    base: int
    keys: int = 0
    decoder: Decoder = field(default_factory=Decoder)
    deep: int = 0


@dataclass(frozen=True, slots=True)
class Forecast:
    """Peak memory in bytes, part by part, for one group of `tokens` tokens."""

    tokens: int
    base: int
    weights: int
    adapter: int
    activations: int
    transient: int

    @property
    def total(self) -> int:
        """The peak."""
        return self.base + self.weights + self.adapter + self.activations + self.transient


@dataclass(frozen=True, slots=True)
class Plan:
    """The token budget that fits, and what it is expected to take of `limit` bytes."""

    micro_tokens: int
    forecast: Forecast
    limit: int

    def tight(self, free: int) -> bool:
        """Would the holes that `give_back_at_once` speaks of not fit; free: bytes that nobody uses now?"""
        needed = self.forecast.total + self.forecast.activations // 2
        return needed > min(self.limit, free + self.forecast.base + self.forecast.weights)


def geometry_of(vlm: Vlm, base: int | None = None) -> Geometry:
    """Of a loaded model; base: bytes in use without the weights (measured now where it is not given)."""
    text = vlm.model.config.get_text_config()
    # A tower that was moved away takes nothing here.
    here = [t for t in [*vlm.model.parameters(), *vlm.model.buffers()] if t.device == vlm.device]
    weights = sum(t.numel() * t.element_size() for t in here)
    if base is None:
        use_once(vlm)
        # In whole steps, so that the same machine plans the same though this figure wavers.
        base = math.ceil(max(0, used_memory(vlm.device) - weights) / _BASE_STEP) * _BASE_STEP
    head_dim = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    eager = getattr(vlm.language_model.config, "_attn_implementation", "") == "eager"
    return Geometry(
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        queries=head_dim * text.num_attention_heads,
        heads=text.num_attention_heads,
        vocabulary=text.vocab_size,
        weights=weights,
        activation=torch.finfo(vlm.dtype).bits // 8,
        base=base,
        keys=head_dim * (getattr(text, "num_key_value_heads", None) or text.num_attention_heads),
        decoder=replace(decoder_of(text.model_type), eager=eager),
        deep=deep_layers(vlm.model.config),
    )


def forecast(g: Geometry, settings: AlignmentSettings, lengths: Sequence[tuple[int, int]], scored: int) -> Forecast:
    """The peak for one group; lengths: tokens of (first, second) sequence of each item, scored: answer tokens."""
    tokens, b = padded_tokens(lengths), g.activation
    layer = _a_token(g, settings)
    kept = g.layers * g.hidden * b + layer if settings.gradient_checkpointing else g.layers * layer
    rows, longest = _rows(lengths), [max(pair[k] for pair in lengths) for k in (0, 1)]
    squares = [count * n * n for count, n in zip(rows, longest, strict=True)]
    # The masks; and the scores of every layer, or of the one whose turn it is.
    matrices = sum(squares) * (b + 1) + g.heads * _a_score(g) * (
        max(squares) if settings.gradient_checkpointing else g.layers * sum(squares)
    )
    activations = tokens * (kept + (3 + g.deep) * g.hidden * b) + matrices + scored * g.hidden * b
    widest = max(count * n for count, n in zip(rows, longest, strict=True))
    # A 4-bit layer is dequantised for the moment that it is used.
    plain = g.hidden * g.intermediate * b if settings.quantization == "nf4" else 0
    in_mlp = widest * (4 * g.intermediate + 3 * g.hidden) * b + plain
    in_head = min(scored, rows_at_once(g.vocabulary)) * g.vocabulary * (4 + b + (b if b != 4 else 0))
    in_scores = 3 * 4 * g.heads * max(squares) if g.decoder.eager else 0
    adapter = 4 * 4 * adapter_elements(g, settings)
    return Forecast(tokens, g.base, g.weights, adapter, activations, max(in_mlp, in_head, in_scores))


def _a_token(g: Geometry, settings: AlignmentSettings) -> int:
    """Bytes that one layer keeps of a token, without scores."""
    every, b, kind = settings.lora_targets == "all-linear", g.activation, g.decoder
    read_by_norms = kind.norms * g.hidden + (g.queries + g.keys if kind.head_norms else 0)
    unfused = not kind.fused_mlp
    if settings.lora_dropout:
        attention, mlp = 6 * g.hidden + 2 * g.queries, 4 * g.hidden + 5 * g.intermediate
    else:
        attention, mlp = g.hidden, g.hidden + (4 if unfused else 2) * g.intermediate
    # An MLP without an adapter is fused with dropout too, and does not need its input.
    inputs = attention + (mlp if every else (3 if unfused else 2) * g.intermediate)
    around = (4 if kind.eager else 5) * g.queries + settings.lora_rank * (7 if every else 4)
    return read_by_norms * 4 + (inputs + around) * b + 4 * g.heads


def _a_score(g: Geometry) -> int:
    """Bytes that a layer keeps of one score: nothing where attention computes them again."""
    b, kind = g.activation, g.decoder
    return (4 + (b if b != 4 else 0) + (b if kind.capped else 0)) if kind.eager else 0


def adapter_elements(g: Geometry, settings: AlignmentSettings) -> int:
    """Weights of the adapter. Keys and values are counted as wide as queries: an upper bound with fewer key heads."""
    attention = 3 * (g.hidden + g.queries) + (g.queries + g.hidden)
    mlp = 3 * (g.hidden + g.intermediate) if settings.lora_targets == "all-linear" else 0
    return g.layers * settings.lora_rank * (attention + mlp)


def _rows(lengths: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return len(lengths), sum(1 for _, second in lengths if second)


def peak(g: Geometry, settings: AlignmentSettings, items: Sequence[Item], budget: int) -> Forecast:
    """The largest forecast over the groups that these items fall into at a token budget."""
    found = []
    for group in micro_batches(items, budget, settings.objective):
        lengths = [items[i].lengths(settings.objective) for i in group]
        scored = sum(len(items[i].chosen) * 2 + len(items[i].rejected) for i in group)
        found.append(forecast(g, settings, lengths, scored))
    return max(found, key=lambda f: f.total)


def plan(g: Geometry, settings: AlignmentSettings, items: Sequence[Item], memory: int) -> Plan:
    """The largest token budget, up to `settings.micro_tokens`, whose peak fits; memory: bytes of the device.

    It depends on the machine's memory and not on what is free at the moment, so the same machine always
    plans the same.

    Raises:
        UsageError: not even one pair at a time fits; the message says what would.
    """
    limit = int(min(settings.memory_gib * _GIB or math.inf, memory * _USABLE))
    budget = settings.micro_tokens
    while True:
        found = peak(g, settings, items, budget)
        if found.total <= limit:
            return Plan(budget, found, limit)
        if budget <= _SMALLEST_BUDGET or budget < found.tokens:
            raise _too_big(g, settings, items, found, limit)
        budget //= 2


def _too_big(
    g: Geometry, settings: AlignmentSettings, items: Sequence[Item], found: Forecast, limit: int
) -> UsageError:
    parts = f"weights {_gib(found.weights)}, adapter {_gib(found.adapter)}, activations {_gib(found.activations)}"
    message = (
        f"training would take {_gib(found.total)} of memory ({parts}, other {_gib(found.base + found.transient)}), "
        f"and {_gib(limit)} may be used"
    )
    fitting = [words for words, total in alternatives(g, settings, items) if total <= limit]
    return UsageError(message, "; or ".join(fitting[:3]) or "use a smaller model or a machine with more memory")


def alternatives(g: Geometry, settings: AlignmentSettings, items: Sequence[Item]) -> list[tuple[str, int]]:
    """Changes of settings that take less memory, the gentlest first, with the peak of each in bytes."""
    small = min(settings.lora_rank, 8)
    # A quarter of a byte more than half: NF4's scales, and what stays in 16 bit.
    in_four_bit = replace(g, weights=round(g.weights * 0.6 / g.activation)) if settings.quantization == "none" else g
    steps: list[tuple[str, Geometry, dict[str, Any]]] = [
        ("alignment.gradient_checkpointing = true", g, {"gradient_checkpointing": True}),
        ('alignment.quantization = "nf4"', in_four_bit, {"quantization": "nf4"}),
        (
            'alignment.quantization = "nf4" with alignment.gradient_checkpointing = true',
            in_four_bit,
            {"quantization": "nf4", "gradient_checkpointing": True},
        ),
        (
            f'all of these with alignment.lora_targets = "attention" and alignment.lora_rank = {small}',
            in_four_bit,
            {
                "quantization": "nf4",
                "gradient_checkpointing": True,
                "lora_targets": "attention",
                "lora_rank": small,
            },
        ),
    ]
    found = []
    for words, geometry, change in steps:
        total = peak(geometry, replace(settings, **change), items, 1).total
        found.append((f"set {words} ({_gib(total)})", total))
    return found


def _gib(size: float) -> str:
    return f"{size / _GIB:.1f} GiB" if size >= 0.1 * _GIB else f"{size / 2**20:.0f} MiB"
