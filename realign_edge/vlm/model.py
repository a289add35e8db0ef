"""A loaded vision-language model, and the things that the rest of the project asks of it."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor, nn

from realign_edge.vlm.family import Family
from realign_edge.vlm.head import capped
from realign_edge.vlm.seeing import Look, Seen, look_at, see
from realign_edge.vlm.shape import context_of
from realign_edge.vlm.sight import Layout, Prefix, Sight, blocks_of
from realign_edge.vlm.wording import PROBE, Wording

Quantization = Literal["none", "nf4"]


@dataclass
class Vlm:
    """A model with its processor. `model` is the transformers class itself; a LoRA adapter is injected in place.

    `fingerprint` changes with the weights, the tokenizer, the chat template, the limits of photos and the
    quantisation;
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
    def logit_cap(self) -> float | None:
        """What the logits stay within, None where nothing caps them."""
        cap = getattr(self.model.config.get_text_config(), "final_logit_softcapping", None)
        return cap if self.family.caps_logits else None

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., vocabulary) of hidden states (..., hidden)."""
        return capped(self.lm_head(hidden), self.logit_cap)

    @property
    def image_token_id(self) -> int:
        """The token whose embeddings image features replace."""
        return int(self.model.config.image_token_id)

    @property
    def eos_token_id(self) -> int:
        """The token that ends an answer."""
        tokenizer, end = self.processor.tokenizer, self.family.answer_end
        return int(tokenizer.convert_tokens_to_ids(end) if end else tokenizer.eos_token_id)

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
        wanted = inspect.signature(self.model.model.get_image_features).parameters
        return look_at(self.wording, image, frozenset(wanted))

    def see(self, look: Look) -> Seen:
        """Run the frozen tower and projector."""
        return see(self.model, self.family, look)

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
        return self._placed(self.wording.ends(PROBE).head, layout, [])

    def asked_ids(self, question: str) -> list[int]:
        """Token ids of a prompt behind `photo_prefix`.

        Raises:
            ValueError: the chat template puts something before the photo that depends on the question.
        """
        head, tail = self.wording.ends(question)
        if head != self.wording.ends(PROBE).head:
            raise ValueError("the chat template puts text before the photo that depends on the question")
        return tail

    def _placed(self, head: list[int], layout: Layout, tail: list[int]) -> Prefix:
        ids = torch.cat([torch.tensor(head, dtype=torch.int64), layout.tokens, torch.tensor(tail, dtype=torch.int64)])
        image = ids == self.image_token_id
        if not len(layout.grid):
            return Prefix(ids, torch.arange(len(ids)).unsqueeze(0), blocks_of(image, self.family.both_ways))
        positions, _ = self.model.model.get_rope_index(
            ids.unsqueeze(0), mm_token_type_ids=image.int().unsqueeze(0), image_grid_thw=layout.grid.unsqueeze(0)
        )
        return Prefix(ids, positions[:, 0], blocks_of(image, self.family.both_ways))

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
