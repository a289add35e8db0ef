"""Does a decoder have the shape that our own graph is written for? Told by its modules, never by its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from realign_edge.export.graphs.decoder.positions import axes_of, tables_of
from realign_edge.export.graphs.decoder.unfit import UnfitError

# What a layer of a Llama-like decoder consists of; whatever else it holds is a reason to leave it to the tracer.
_LAYER = {"self_attn", "mlp", "input_layernorm", "post_attention_layernorm"}
_ATTENTION = {"q_proj", "k_proj", "v_proj", "o_proj"}
_NORMS = {"q_norm", "k_norm"}
_MLP = {"gate_proj", "up_proj", "down_proj"}
# Of two ways to compute a root mean square in float32.
_NORM_TOLERANCE = 1e-5
# What onnxruntime's GroupQueryAttention asks of a head that it rotates.
_HEAD_STEP = 16


@dataclass(frozen=True)
class Linear:
    """A linear layer: weight (out, in) float32, bias (out,) or None."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True)
class Norm:
    """x / sqrt(mean(x^2) + epsilon) * weight; weight: (width,) float32."""

    weight: Tensor
    epsilon: float


@dataclass(frozen=True)
class Layer:
    """One decoder layer; query_norm, key_norm: over each head, before positions are put in, or None."""

    before: Norm
    query: Linear
    key: Linear
    value: Linear
    output: Linear
    after: Norm
    gate: Linear
    up: Linear
    down: Linear
    query_norm: Norm | None
    key_norm: Norm | None


@dataclass(frozen=True)
class Decoder:
    """A Llama-like decoder as numbers.

    scale: of the products of queries and keys; cosine, sine: (positions, rotated / 2) of the model's own rotary
    module, whatever its scaling; axes: which row of position_ids turns each pair, empty where they have one row; deep:
    layers behind which features of the photo are added.
    """

    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    vocabulary: int
    scale: float
    cosine: Tensor
    sine: Tensor
    layers: tuple[Layer, ...]
    norm: Norm
    head: Linear
    axes: tuple[int, ...] = ()
    deep: int = 0


def decoder_of(language_model: Any, head: Any, positions: int, axes: int = 1, deep: int = 0) -> Decoder:
    """The decoder's numbers; positions: the longest sequence that the graph is for; axes: of its position ids.

    Raises:
        UnfitError: it has a part, an activation, a norm or a window that our graph does not know.
    """
    _only(language_model, {"embed_tokens", "layers", "norm", "rotary_emb"}, "the decoder")
    layers = tuple(_layer(layer) for layer in language_model.layers)
    attention = language_model.layers[0].self_attn
    width = int(attention.head_dim)
    if width % _HEAD_STEP:
        raise UnfitError(f"heads of width {width}, which is no multiple of {_HEAD_STEP}")
    if any(_window(layer.self_attn) < positions for layer in language_model.layers):
        raise UnfitError("layers that do not look back to the start")
    scales = {float(layer.self_attn.scaling) for layer in language_model.layers}
    if len(scales) > 1:
        raise UnfitError("layers that scale differently")
    cosine, sine = tables_of(language_model.rotary_emb, positions)
    return Decoder(
        heads=layers[0].query.weight.shape[0] // width,
        kv_heads=layers[0].key.weight.shape[0] // width,
        head_dim=width,
        hidden=layers[0].query.weight.shape[1],
        vocabulary=head.weight.shape[0],
        scale=scales.pop(),
        cosine=cosine,
        sine=sine,
        layers=layers,
        norm=_norm(language_model.norm),
        head=_linear(head),
        axes=axes_of(language_model.rotary_emb, cosine, axes) if axes > 1 else (),
        deep=deep,
    )


def _only(module: nn.Module, known: set[str], what: str, optional: Sequence[str] = ()) -> None:
    found = {name for name, _ in module.named_children()}
    odd = (found ^ known) - set(optional)
    own = [name for name, _ in module.named_parameters(recurse=False)]
    if odd or own:
        raise UnfitError(f"{what} has or lacks {', '.join(sorted([*odd, *own]))}")


def _layer(layer: Any) -> Layer:
    attention, mlp = layer.self_attn, layer.mlp
    _only(layer, _LAYER, "a layer")
    normed = bool(_NORMS & {name for name, _ in attention.named_children()})
    _only(attention, _ATTENTION | (_NORMS if normed else set()), "attention", ("rotary_emb",))
    _only(mlp, _MLP | {"act_fn"}, "the feed-forward layer", ("act_fn",))
    _check_activation(mlp.act_fn)
    return Layer(
        before=_norm(layer.input_layernorm),
        query=_linear(attention.q_proj),
        key=_linear(attention.k_proj),
        value=_linear(attention.v_proj),
        output=_linear(attention.o_proj),
        after=_norm(layer.post_attention_layernorm),
        gate=_linear(mlp.gate_proj),
        up=_linear(mlp.up_proj),
        down=_linear(mlp.down_proj),
        query_norm=_norm(attention.q_norm) if normed else None,
        key_norm=_norm(attention.k_norm) if normed else None,
    )


def _linear(module: Any) -> Linear:
    if type(module) is not nn.Linear:
        raise UnfitError(f"{type(module).__name__} where a linear layer was expected")
    bias = module.bias
    return Linear(module.weight.detach().float(), None if bias is None else bias.detach().float())


@torch.no_grad()
def _norm(module: Any) -> Norm:
    """Its weight, once what it computes was found to be a plain RMS norm."""
    epsilon = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    weight = getattr(module, "weight", None)
    if epsilon is None or weight is None:
        raise UnfitError(f"{type(module).__name__} where an RMS norm was expected")
    probe = torch.linspace(-2, 3, weight.shape[0], device=weight.device, dtype=weight.dtype)
    expected = probe * (probe.square().mean() + epsilon).rsqrt() * weight
    if not torch.allclose(module(probe), expected, rtol=_NORM_TOLERANCE, atol=_NORM_TOLERANCE):
        raise UnfitError(f"{type(module).__name__} is no plain RMS norm")
    return Norm(weight.detach().float(), float(epsilon))


def _check_activation(activation: Any) -> None:
    probe = torch.linspace(-6, 6, 97)
    if not torch.allclose(activation(probe), nn.functional.silu(probe), atol=1e-6):
        raise UnfitError(f"activation {type(activation).__name__}")


def _window(attention: Any) -> float:
    """How many tokens back it looks; some attentions keep it themselves, others ask their configuration."""
    asked = getattr(attention.config, "sliding_window", None)
    return float(getattr(attention, "sliding_window", asked) or float("inf"))
