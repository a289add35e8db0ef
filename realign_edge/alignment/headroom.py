"""How much memory training a model would take, and whether it fits this machine, before the model is loaded.

The same planner as before training, on made-up pairs of usual length: the shapes come from config.json, the bytes
of the weights from the counted parameters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from realign_edge.alignment.batches import Item
from realign_edge.alignment.machine import device_memory, used_memory
from realign_edge.alignment.memory import Forecast, Geometry, peak, plan
from realign_edge.alignment.settings import PRESETS, AlignmentSettings
from realign_edge.errors import MissingError, UsageError
from realign_edge.modelstore.facts import ModelFacts, Parameters
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.vlm.decoder import decoder_of
from realign_edge.vlm.family import family_of
from realign_edge.vlm.shape import context_of, deep_layers, photo_tokens
from realign_edge.vlm.sight import Prefix
from realign_edge.vlm.sizes import Sizes

BUDGETS = (2048, 4096, 8192)
# A question's words, and an inspection note's: tokens.
_QUESTION, _NOTE = 40, 60
# NF4: half a byte, one byte a block of 64 weights for its scale, four bytes a 256 of these.
_NF4_BYTES = 0.5 + 1 / 64 + 4 / (64 * 256)
_BASE_STEP = 256 * 2**20
# Bytes that a GPU of another machine is assumed to hold besides: CUDA's context, libraries' workspaces, a desktop.
BASE_ON_GPU = 2**30
Verdict = Literal["fits", "fits with gradient checkpointing", "does not fit"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What config.json says. image_tokens: a usual photo; context: the longest sequence, both in tokens.

    deep: layers that take deep features.
    """

    image_tokens: int
    context: int
    text: Any
    deep: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Peak bytes of one choice of settings: for one pair at a time, and at each of BUDGETS tokens."""

    label: str
    one_pair: int
    at_budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Headroom:
    """device: in words; memory, limit: its bytes, and those a plan may use; dtype: of what is not in 4 bit.

    pair_tokens: of the pairs assumed; needs: bytes of the thriftiest settings that were asked, one pair at a time;
    micro_tokens: the budget that fits, 0 where none does; assumed: it is not this machine's device.
    """

    device: str
    memory: int
    limit: int
    dtype: str
    pair_tokens: int
    rows: tuple[Row, ...]
    verdict: Verdict
    micro_tokens: int
    needs: int
    assumed: bool = False


def shape_of(folder: Path) -> Shape:
    """Read config.json with transformers' own class, which knows the defaults; no weights are loaded.

    Raises:
        MissingError: the class refuses it.
    """
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        tokens = photo_tokens(config, family_of(str(config.model_type), str(folder)))
        return Shape(tokens, context_of(config), config.get_text_config(), deep_layers(config))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise MissingError(f"{folder / 'config.json'} cannot be used: {problem}", "copy the model again") from problem


def headroom(facts: ModelFacts, shape: Shape, gpu_memory: int = 0) -> Headroom:
    """The figures for QLoRA (base in 4 bit) on this machine's GPU, or on its CPU where there is none.

    gpu_memory: bytes of a GPU to take instead, which need not be here; 0 = this machine.
    """
    device = torch.device("cuda" if gpu_memory or torch.cuda.is_available() else "cpu")
    base = BASE_ON_GPU if gpu_memory else None
    geometry = geometry_before_loading(facts.parameters, shape, device, base)
    settings = PRESETS["workstation"]
    items = usual_pairs(shape.image_tokens)
    rows = tuple(_row(label, geometry, chosen, items) for label, chosen in _choices(settings))
    memory = gpu_memory or device_memory(device)
    verdict, tokens = _judge(geometry, settings, items, memory)
    return Headroom(
        device=_name_of(device, gpu_memory),
        memory=memory,
        limit=usable(memory),
        dtype="bfloat16" if geometry.activation == 2 else "float32",
        pair_tokens=items[0].tokens,
        rows=rows,
        verdict=verdict,
        micro_tokens=tokens,
        needs=min(row.one_pair for row in rows[:2]),
        assumed=bool(gpu_memory),
    )


def _name_of(device: torch.device, gpu_memory: int) -> str:
    if gpu_memory:
        return "a GPU as asked for"
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "no GPU, on the CPU"


def geometry_before_loading(
    parameters: Parameters, shape: Shape, device: torch.device, base: int | None = None
) -> Geometry:
    """What `geometry_of` finds once the model is loaded in 4 bit; base: bytes in use besides (measured where None).

    Activations are bfloat16 on a GPU and float32 on a CPU, as the model is loaded for training; tower and
    projector have left a GPU by then.
    """
    width = 2 if device.type == "cuda" else 4
    text = shape.text
    small = parameters.decoder_matrices
    away = parameters.vision_tower + parameters.projector if device.type == "cuda" else 0
    if base is None:
        base = math.ceil(used_memory(device) / _BASE_STEP) * _BASE_STEP
    head = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Geometry(
        layers=text.num_hidden_layers,
        hidden=text.hidden_size,
        intermediate=text.intermediate_size,
        queries=head * text.num_attention_heads,
        heads=text.num_attention_heads,
        vocabulary=text.vocab_size,
        weights=round(small * _NF4_BYTES) + (parameters.total - small - away) * width,
        activation=width,
        base=base,
        keys=head * (getattr(text, "num_key_value_heads", None) or text.num_attention_heads),
        decoder=decoder_of(text.model_type),
        deep=shape.deep,
    )


def geometry_stated(sizes: Sizes, base: int) -> Geometry:
    """The same on a GPU, of a checkpoint that nobody has brought here yet; base: bytes in use besides."""
    plain = sizes.total - sizes.matrices - sizes.vision
    return Geometry(
        layers=sizes.layers,
        hidden=sizes.hidden,
        intermediate=sizes.intermediate,
        queries=sizes.head * sizes.heads,
        heads=sizes.heads,
        vocabulary=sizes.vocabulary,
        weights=round(sizes.matrices * _NF4_BYTES) + plain * 2,
        activation=2,
        base=base,
        keys=sizes.head * sizes.key_heads,
        decoder=decoder_of(sizes.decoder),
        deep=sizes.deep,
    )


def usual_pairs(tokens_a_photo: int, count: int = 32) -> list[Item]:
    """Note pairs of usual length, with a retrieved photo."""
    pair = PreferencePair("0" * 64, "1" * 64, "", "", "", "note", Provenance("record"))
    ids, note = (torch.zeros(n, dtype=torch.int64) for n in (tokens_a_photo + _QUESTION, _NOTE))
    prompt = Prefix(ids, torch.arange(len(ids)).unsqueeze(0), torch.zeros_like(ids))
    return [Item(pair, prompt, prompt, note, note)] * count


def _choices(settings: AlignmentSettings) -> list[tuple[str, AlignmentSettings]]:
    every = replace(settings, lora_targets="all-linear")
    rank = settings.lora_rank
    return [
        (f"attention, rank {rank}", settings),
        ("  with gradient checkpointing", replace(settings, gradient_checkpointing=True)),
        (f"all linear layers, rank {rank}", every),
        ("  with gradient checkpointing", replace(every, gradient_checkpointing=True)),
    ]


def _row(label: str, geometry: Geometry, settings: AlignmentSettings, items: Sequence[Item]) -> Row:
    def at(budget: int) -> Forecast:
        return peak(geometry, settings, items, budget)

    return Row(label, at(1).total, tuple(at(budget).total for budget in BUDGETS))


def _judge(geometry: Geometry, settings: AlignmentSettings, items: Sequence[Item], memory: int) -> tuple[Verdict, int]:
    """The verdict, and the token budget that fits."""
    ways: list[tuple[Verdict, bool]] = [("fits", False), ("fits with gradient checkpointing", True)]
    for verdict, checkpointing in ways:
        try:
            found = plan(geometry, replace(settings, gradient_checkpointing=checkpointing), items, memory)
        except UsageError:
            continue
        return verdict, found.micro_tokens
    return "does not fit", 0


def usable(memory: int) -> int:
    """Of a device's bytes, those that the planner uses: what it says to a model of nothing, which always fits."""
    nothing = Geometry(0, 0, 0, 0, 0, 1, 0, 2, 0)
    return plan(nothing, AlignmentSettings(), usual_pairs(0, 1), memory).limit
