"""A loaded vision-language model, and the things that the rest of the project asks of it."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from realign_edge.vlm.family import Family
from realign_edge.vlm.sight import Layout, Prefix, Sight
from realign_edge.vlm.wording import Wording

Quantization = Literal["none", "nf4"]
Pooling = Literal["mean", "cls", "projected"]
POOLINGS: tuple[Pooling, ...] = ("mean", "cls", "projected")
_SHORT = "x"


class Look(NamedTuple):
    """A photo preprocessed. tokens: (n,) int64 ids that stand for it; inputs: what the tower takes, a batch of one."""

    tokens: Tensor
    inputs: dict[str, Tensor]


class Seen(NamedTuple):
    """What the frozen tower says of a photo; pooled: unit-length vectors (dim,) float32 for retrieval."""

    sight: Sight
    pooled: dict[Pooling, Tensor]


@dataclass
class Vlm:
    """A model with its processor. `model` is the transformers class itself; a LoRA adapter is injected in place.

    `fingerprint` changes with the weights, the tokenizer, the chat template and the quantisation;
    `vision_fingerprint` changes with whatever changes a `Sight` (tower, projector, preprocessing, tokenizer).
    """

    model: Any
    processor: Any
    family: Family
    name: str
    fingerprint: str
    vision_fingerprint: str
    quantization: Quantization = "none"

    @property
    def device(self) -> torch.device:
        """Where the language model's input embeddings lie."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of activations."""
        return self.model.get_input_embeddings().weight.dtype  # type: ignore[no-any-return]

    @property
    def language_model(self) -> nn.Module:
        """The decoder, without the head."""
        return self.model.get_submodule(self.family.language_model)  # type: ignore[no-any-return]

    @property
    def lm_head(self) -> nn.Module:
        """Hidden states (..., hidden) to logits (..., vocabulary)."""
        return self.model.get_submodule(self.family.lm_head)  # type: ignore[no-any-return]

    @property
    def image_token_id(self) -> int:
        """The token whose embeddings image features replace."""
        return int(self.model.config.image_token_id)

    @property
    def eos_token_id(self) -> int:
        """The token that ends an answer."""
        return int(self.processor.tokenizer.eos_token_id)

    @property
    def context(self) -> int:
        """The longest sequence, in tokens, that the decoder reads whole."""
        return context_of(self.model.config)

    @cached_property
    def wording(self) -> Wording:
        """Prompts and answers as token ids."""
        return Wording(self.processor, self.family, self.name)

    def look(self, image: Image.Image) -> Look:
        """Preprocess an RGB photo, on the CPU."""
        found = self.wording.processed(_SHORT, image)
        tokens = self.wording.photo_tokens(_SHORT, found["input_ids"][0].tolist())
        wanted = inspect.signature(self.model.get_image_features).parameters
        inputs = {name: value for name, value in found.items() if name in wanted}
        return Look(torch.tensor(tokens, dtype=torch.int64), inputs)

    @torch.no_grad()
    def see(self, look: Look) -> Seen:
        """Run the frozen tower and projector."""
        parameter = next(self.model.get_submodule(self.family.vision_tower).parameters())
        inputs = {n: v.to(parameter.device, _dtype_of(v, parameter.dtype)) for n, v in look.inputs.items()}
        output = self.model.get_image_features(**inputs, output_hidden_states=True, return_dict=True)
        features = torch.cat([f.flatten(0, -2) for f in output.pooler_output])
        placeholders = int((look.tokens == self.image_token_id).sum())
        if len(features) != placeholders:
            raise ValueError(f"{self.name}: {len(features)} features for {placeholders} places of a photo")
        deep = [torch.cat(list(layer)) for layer in getattr(output, "deepstack_features", None) or ()]
        grid = look.inputs.get("image_grid_thw")
        place = Layout(look.tokens) if grid is None else Layout(look.tokens, grid[0].to(torch.int64))
        sight = Sight(place.tokens, place.grid, features=features, deep=torch.stack(deep) if deep else None)
        states = output.hidden_states[-1] if output.hidden_states else output.last_hidden_state
        return Seen(sight, _pooled(features, states, self.family.class_token))

    def sights(self, images: Sequence[Image.Image]) -> list[Sight]:
        """RGB photos as the language model sees them, each by itself."""
        return [self.see(self.look(image)).sight for image in images]

    def park_tower(self) -> None:
        """Move tower and projector out of the GPU's memory: once features are kept, nobody needs them there.

        They still work where they are, slower.
        """
        if self.device.type != "cpu":
            for part in (self.family.vision_tower, self.family.projector):
                self.model.get_submodule(part).to("cpu")
            torch.cuda.empty_cache()

    def prefix(self, question: str, layout: Layout) -> Prefix:
        """The chat prompt with a photo, up to where the answer begins."""
        head, tail = self.wording.ends(question)
        return self._placed(head, layout, tail)

    def photo_prefix(self, layout: Layout) -> Prefix:
        """The prompt up to and including the photo: what every question about it shares.

        Raises:
            ValueError: in this family the photo attends to the question, so that nothing is shared.
        """
        if not self.family.shares_photo:
            raise ValueError(f"in family {self.family.name} a photo attends to the question")
        return self._placed(self.wording.ends(_SHORT).head, layout, [])

    def asked_ids(self, question: str) -> list[int]:
        """Token ids of a prompt behind `photo_prefix`.

        Raises:
            ValueError: the chat template puts something before the photo that depends on the question.
        """
        head, tail = self.wording.ends(question)
        if head != self.wording.ends(_SHORT).head:
            raise ValueError("the chat template puts text before the photo that depends on the question")
        return tail

    def _placed(self, head: list[int], layout: Layout, tail: list[int]) -> Prefix:
        ids = torch.cat([torch.tensor(head, dtype=torch.int64), layout.tokens, torch.tensor(tail, dtype=torch.int64)])
        image = ids == self.image_token_id
        blocks = torch.zeros_like(ids)
        if self.family.both_ways == "photo":
            blocks[image] = (image & ~image.roll(1)).cumsum(0)[image]
        elif self.family.both_ways == "prompt":
            blocks += 1
        if not len(layout.grid):
            return Prefix(ids, torch.arange(len(ids)).unsqueeze(0), blocks)
        positions, _ = self.model.model.get_rope_index(
            ids.unsqueeze(0), mm_token_type_ids=image.int().unsqueeze(0), image_grid_thw=layout.grid.unsqueeze(0)
        )
        return Prefix(ids, positions[:, 0], blocks)

    def answer_ids(self, question: str, answer: str, *, end: bool = True) -> Tensor:
        """Token ids (A,) int64 of `answer` as it continues the prompt, with EOS unless `end` is False.

        Raises:
            ValueError: the tokenizer merges the prompt's end with the answer's start.
        """
        ending = [self.eos_token_id] if end else []
        return torch.tensor([*self.wording.answers_ids(question, [answer])[0], *ending], dtype=torch.int64)

    def decode(self, ids: Sequence[int] | Tensor) -> str:
        """Text of answer token ids, special tokens left out, outer white space stripped."""
        return self.processor.tokenizer.decode(ids, skip_special_tokens=True).strip()  # type: ignore[no-any-return]

    def embed(self, ids: Tensor, sights: Sequence[Sight] = ()) -> Tensor:
        """Input embeddings (..., length, hidden) of `ids` (..., length), the photos' features put in place."""
        ids = ids.to(self.device)
        places = ids == self.image_token_id
        table = self.model.get_input_embeddings()
        # The placeholder may lie outside the vocabulary.
        embeddings: Tensor = table(ids.masked_fill(places, 0) if self.image_token_id >= len(table.weight) else ids)
        if not sights:
            return embeddings
        features = torch.cat([s.features.to(embeddings.device, embeddings.dtype) for s in sights])
        return embeddings.masked_scatter(places.unsqueeze(-1).expand_as(embeddings), features)

    def language(
        self,
        embeddings: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        deep: dict[str, Any] | None = None,
    ) -> Tensor:
        """Hidden states (batch, length, hidden) of the decoder.

        attention_mask: None (causal), (batch, seen) of 0 and 1, or a prepared (batch, 1, length, seen) mask
        of booleans (True = may attend); position_ids: (axes, batch, length); deep: of `deep_inputs`.
        """
        if position_ids is not None:
            position_ids = position_ids.to(self.device)
            position_ids = position_ids[0] if len(position_ids) == 1 else position_ids
        return self.language_model(  # type: ignore[no-any-return]
            inputs_embeds=embeddings,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=cache is not None,
            **(deep or {}),
        ).last_hidden_state


def context_of(config: Any) -> int:
    """The longest sequence, in tokens, in which every token sees all before it."""
    text = config.get_text_config()
    window = text.sliding_window if "sliding_attention" in (getattr(text, "layer_types", None) or ()) else None
    return int(min(text.max_position_embeddings, window or text.max_position_embeddings))


def photo_tokens(config: Any, family: Family) -> int:
    """Tokens of a usual photo: fixed by resolution, patch size and select strategy, or as the profile says."""
    if family.photo_tokens:
        return family.photo_tokens
    patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    return int(patches) + (1 if config.vision_feature_select_strategy == "full" else 0)


def _dtype_of(value: Tensor, dtype: torch.dtype) -> torch.dtype:
    return dtype if value.is_floating_point() else value.dtype


def _pooled(features: Tensor, states: Tensor, class_token: bool) -> dict[Pooling, Tensor]:
    """Vectors of one photo; where the tower has no class token, the mean stands for it. states: (..., tokens, dim)."""
    flat = states.reshape(-1, states.shape[-1])
    mean = flat.mean(dim=0)
    found: dict[Pooling, Tensor] = {
        "mean": mean, "cls": flat[0] if class_token else mean, "projected": features.mean(dim=0),
    }  # fmt: skip
    return {how: torch.nn.functional.normalize(v.float(), dim=-1).cpu() for how, v in found.items()}
