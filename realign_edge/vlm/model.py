"""A loaded vision-language model, and the five things the rest of the project asks of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from realign_edge.vlm.family import Family

Quantization = Literal["none", "nf4"]
Pooling = Literal["mean", "cls", "projected"]


class VisionFeatures(NamedTuple):
    """What the frozen tower says of n photos.

    image_features: (n, tokens, text hidden) as the language model reads them, model dtype
    tower: (n, tokens, tower hidden) the tower's last hidden state, class token first, model dtype
    """

    image_features: Tensor
    tower: Tensor


@dataclass
class Vlm:
    """A model with its processor. `model` is the transformers class itself; a LoRA adapter is injected in place.

    `fingerprint` changes with the weights, the tokenizer, the chat template and the quantisation;
    `vision_fingerprint` changes with whatever changes `encode_photos` (tower, projector, preprocessing).
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
        """The placeholder token that image features replace."""
        return int(self.model.config.image_token_id)

    @property
    def eos_token_id(self) -> int:
        """The token that ends an answer."""
        return int(self.processor.tokenizer.eos_token_id)

    def pixels(self, images: Sequence[Image.Image]) -> Tensor:
        """Preprocess RGB photos: (n, 3, height, width) float32, on the CPU."""
        return self.processor.image_processor(images=list(images), return_tensors="pt")["pixel_values"]  # type: ignore[no-any-return]

    @torch.no_grad()
    def encode_pixels(self, pixels: Tensor) -> VisionFeatures:
        """Run the frozen tower and projector on preprocessed pixels (n, 3, height, width)."""
        tower = self.model.get_submodule(self.family.vision_tower)
        parameter = next(tower.parameters())
        output = self.model.get_image_features(
            pixel_values=pixels.to(parameter.device, parameter.dtype),
            output_hidden_states=True,
            return_dict=True,
        )
        return VisionFeatures(torch.stack(list(output.pooler_output)), output.hidden_states[-1])

    def encode_photos(self, images: Sequence[Image.Image]) -> VisionFeatures:
        """Run the frozen tower and projector on RGB photos."""
        return self.encode_pixels(self.pixels(images))

    def park_tower(self) -> None:
        """Move tower and projector out of the GPU's memory: once features are kept, nobody needs them there.

        They still work where they are, slower.
        """
        if self.device.type != "cpu":
            for part in (self.family.vision_tower, self.family.projector):
                self.model.get_submodule(part).to("cpu")
            torch.cuda.empty_cache()

    def prompt_ids(self, question: str) -> Tensor:
        """Token ids (P,) int64 of the chat prompt for one photo, image placeholders expanded.

        The chat template writes no BOS; the tokenizer's post-processor adds it (asserted in the tests).
        """
        text = self.prompt_text(question)
        ids = self.processor.tokenizer(text, add_special_tokens=True)["input_ids"]
        at = ids.index(self.image_token_id)
        expanded = ids[:at] + [self.image_token_id] * self.image_tokens + ids[at + 1 :]
        return torch.tensor(expanded, dtype=torch.int64)

    def prompt_text(self, question: str) -> str:
        """The chat prompt with one `<image>` placeholder, up to where the answer begins."""
        content = [{"type": "image"}, {"type": "text", "text": question}]
        messages = [{"role": "user", "content": content}]
        return self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)  # type: ignore[no-any-return]

    @property
    def image_tokens(self) -> int:
        """Placeholders per photo."""
        return image_tokens(self.model.config)

    def answer_ids(self, question: str, answer: str, *, end: bool = True) -> Tensor:
        """Token ids (A,) int64 of `answer` as it continues the prompt, with EOS unless `end` is False.

        Raises:
            ValueError: the tokenizer merges the prompt's end with the answer's start.
        """
        ending = [self.eos_token_id] if end else []
        return torch.tensor([*self.answers_ids(question, [answer])[0], *ending], dtype=torch.int64)

    def answers_ids(self, question: str, answers: Sequence[str]) -> list[list[int]]:
        """Token ids of each answer to one question, without EOS.

        Tokenised together with the prompt, so that a tokenizer that treats the start of a text
        specially gives the tokens that the model will see.

        Raises:
            ValueError: the tokenizer merges the prompt's end with an answer's start.
        """
        prompt = self.prompt_text(question)
        texts = [prompt, *(prompt + self.family.answer_prefix + answer for answer in answers)]
        before, *whole = self.processor.tokenizer(texts, add_special_tokens=True)["input_ids"]
        for ids, answer in zip(whole, answers, strict=True):
            if ids[: len(before)] != before:
                raise ValueError(f"{self.name}: the tokenizer merges the prompt with the answer {answer[:40]!r}")
        return [ids[len(before) :] for ids in whole]

    def decode(self, ids: Sequence[int] | Tensor) -> str:
        """Text of answer token ids, special tokens left out, outer white space stripped."""
        return self.processor.tokenizer.decode(ids, skip_special_tokens=True).strip()  # type: ignore[no-any-return]

    def embed(self, ids: Tensor, image_features: Tensor | None = None) -> Tensor:
        """Input embeddings (..., length, hidden) of `ids` (..., length), image features put in place.

        image_features: (n, tokens, hidden), in the order of the placeholders.
        """
        ids = ids.to(self.device)
        embeddings: Tensor = self.model.get_input_embeddings()(ids)
        if image_features is None:
            return embeddings
        mask = (ids == self.image_token_id).unsqueeze(-1).expand_as(embeddings)
        return embeddings.masked_scatter(mask, image_features.to(embeddings.device, embeddings.dtype))

    def language(
        self,
        embeddings: Tensor,
        *,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
    ) -> Tensor:
        """Hidden states (batch, length, hidden) of the decoder.

        attention_mask: None (causal), (batch, seen) of 0 and 1, or a prepared (batch, 1, length, seen) mask
        of booleans (True = may attend); position_ids: (batch, length).
        """
        return self.language_model(  # type: ignore[no-any-return]
            inputs_embeds=embeddings,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state


def image_tokens(config: Any) -> int:
    """Placeholders per photo (LLaVA: fixed by resolution, patch size and the select strategy)."""
    patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    return int(patches) + (1 if config.vision_feature_select_strategy == "full" else 0)


def pool(features: VisionFeatures, how: Pooling) -> np.ndarray[Any, np.dtype[np.float32]]:
    """One unit-length vector per photo, (n, dim) float32, for retrieval."""
    source = features.image_features if how == "projected" else features.tower
    vectors = source[:, 0] if how == "cls" else source.mean(dim=1)
    normed = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return normed.cpu().numpy()
