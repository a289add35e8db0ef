"""One tiny model of each family, photos of several shapes, and log-probabilities by the model's own forward."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from realign_edge.photos.model import Photo
from realign_edge.progress import Silent
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm
from tests.parity.families.recipes import FIRST
from tests.parity.families.recipes_more import SECOND

DESCRIBE = "Describe the part and its defects."
# A photo and one of the same camera, one taken upright, and a wide one: (height, width).
SHAPES = {"a": (96, 128), "b": (128, 96), "c": (96, 128), "d": (60, 170)}


RECIPES = FIRST | SECOND


@dataclass
class Case:
    """A family's model, loaded our way, with its photos on disk and in a store."""

    name: str
    folder: Path
    vlm: Any
    store: FeatureStore
    photos: dict[str, Photo]
    images: dict[str, Image.Image]

    def inputs(self, photo: str, question: str) -> dict[str, Tensor]:
        """The processor's own prompt with a photo."""
        processor, limits = self.vlm.processor, self.vlm.family.limits.as_arguments()
        image = self.images[photo]
        if self.vlm.family.prompt_function != "chat":
            found = dict(processor(text=f"{processor.image_token}{question}", images=image, return_tensors="pt"))
            return {name: value for name, value in found.items() if name != "labels"}
        content = [{"type": "image", "image": image}, {"type": "text", "text": question}]
        return dict(
            processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True,
                return_tensors="pt", processor_kwargs=limits,
            )
        )  # fmt: skip

    def logits(self, photo: str, question: str, told: Tensor) -> Tensor:
        """(len(told) + 1, vocabulary) float64 behind prompt and answer tokens, by the model's own forward pass."""
        inputs = self.inputs(photo, question)
        start = inputs["input_ids"].shape[1]
        # In PaliGemma, the family whose prompts attend in both directions, type 1 is the causal answer.
        causal = int(self.vlm.family.both_ways == "prompt")
        fill = {"attention_mask": 1, "token_type_ids": causal, "mm_token_type_ids": 0}
        more = {"input_ids": told} | {n: torch.full_like(told, v) for n, v in fill.items() if n in inputs}
        inputs |= {name: torch.cat([inputs[name], value[None]], dim=1) for name, value in more.items()}
        logits: Tensor = self.vlm.model(**inputs).logits[0, start - 1 :].double()
        return logits

    def alone(self, photo: str, question: str, answer: str) -> Tensor:
        """log pi(answer | photo, question) from pixels, full logits."""
        told = self.vlm.answer_ids(question, answer)
        logits = self.logits(photo, question, told)[:-1]
        summed: Tensor = logits.log_softmax(-1).gather(1, told[:, None]).sum()
        return summed


@pytest.fixture(scope="session", params=RECIPES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Case]:
    """Of every family in turn."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp(request.param)
    RECIPES[request.param](folder / "model")
    vlm = load_vlm(str(folder / "model"))
    rng = np.random.default_rng(0)
    photos, images = {}, {}
    for name, shape in SHAPES.items():
        images[name] = Image.fromarray(rng.integers(0, 255, (*shape, 3), dtype=np.uint8))
        path = folder / f"{name}.png"
        images[name].save(path)
        photos[name] = Photo(name, path, path.name, shape[1], shape[0], "train")
    store = FeatureStore(folder / "features", vlm)
    with pytest.MonkeyPatch.context() as patch:
        # Photos go by short names here, not by the hash of their bytes.
        patch.setattr("realign_edge.vlm.features.read_same", lambda photo: images[photo.sha256])
        store.ensure(list(photos.values()), Silent())
    yield Case(request.param, folder, vlm, store, photos, images)
