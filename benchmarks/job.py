"""The work that both sides of a benchmark are given: model, photos, pairs, settings, and our own subject."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from realign_edge.alignment.batches import tokenised
from realign_edge.alignment.fused import fused_lora
from realign_edge.alignment.gradient import Learner
from realign_edge.alignment.lora import inject, trainable
from realign_edge.alignment.monitor import means
from realign_edge.alignment.reference import reference_logps
from realign_edge.alignment.settings import AlignmentSettings
from realign_edge.photos.catalog import Catalog
from realign_edge.photos.collection import PhotoSettings, open_collection
from realign_edge.photos.model import Photo
from realign_edge.preferences.model import PreferencePair, Provenance
from realign_edge.progress import Silent
from realign_edge.team import Alone
from realign_edge.vlm.features import FeatureStore
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm

# LLaVA's shape at about 230 M parameters: 576 image tokens, 12 layers of width 1024, a vocabulary of 32,000.
MEDIUM_PROMPT, MEDIUM_ANSWER = 40, 100


@dataclass(frozen=True)
class Job:
    """Everything is on disk, so that a worker process can be given it."""

    model: Path
    folder: Path
    adapter: Path
    photos: Mapping[str, Path]
    pairs: Sequence[PreferencePair]
    prompts: Mapping[str, str]
    settings: AlignmentSettings
    batch: int
    repeats: int = 8

    def batch_at(self, step: int) -> list[PreferencePair]:
        """The pairs of a step; both sides take them in the same order."""
        return [self.pairs[(step * self.batch + i) % len(self.pairs)] for i in range(self.batch)]

    def prompt_text(self, question: str) -> str:
        """The chat prompt with its `<image>` placeholder."""
        return self.prompts[question]


class Ours:
    """Steps of our engine. `epoch`: a round is every pair once, all caches built in it."""

    def __init__(self, job: Job, epoch: bool = False) -> None:
        self.job, self.epoch = job, epoch
        self.vlm = load_vlm(str(job.model))
        self.at = 0
        if not epoch:
            self._prepare(job.folder / "caches")

    def _prepare(self, caches: Path) -> None:
        """Features, reference and a fresh adapter."""
        store = FeatureStore(caches / "features", self.vlm)
        store.ensure([_photo(sha, path) for sha, path in sorted(self.job.photos.items())], Silent())
        items = tokenised(self.vlm, self.job.pairs)
        settings = self.job.settings
        known = reference_logps(self.vlm, store, items, caches / "references", settings.micro_tokens, Silent())
        self.wrapped = inject(self.vlm, settings)
        self.parameters = list(trainable(self.vlm).values())
        self.optimizer = optimizer_for(self.parameters, settings)
        self.learner = Learner(self.vlm, store, items, settings, known, settings.micro_tokens, Silent(), Alone())

    def round(self) -> float:
        """One step, or one epoch; the mean loss."""
        if not self.epoch:
            return self._step()
        from realign_edge.alignment.lora import eject

        caches = self.job.folder / "epoch"
        shutil.rmtree(caches, ignore_errors=True)
        self._prepare(caches)
        steps = len(self.job.pairs) // self.job.batch
        loss = sum(self._step() for _ in range(steps)) / steps
        eject(self.vlm, self.wrapped)
        return loss

    def _step(self) -> float:
        count = len(self.job.pairs)
        indices = [(self.at * self.job.batch + i) % count for i in range(self.job.batch)]
        self.at += 1
        with fused_lora(self.vlm):
            table = self.learner.gradient(indices, self.job.settings.objective)
        torch.nn.utils.clip_grad_norm_(self.parameters, self.job.settings.max_grad_norm)
        self.optimizer.step()
        return means(table)["loss"]


def optimizer_for(parameters: Sequence[torch.nn.Parameter], settings: AlignmentSettings) -> torch.optim.Optimizer:
    """The same on both sides."""
    return torch.optim.AdamW(parameters, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.0)


def lora_config(job: Job) -> Any:
    """The same adapter on both sides."""
    from peft import LoraConfig

    from realign_edge.vlm.family import families

    family = next(f for f in families() if f.name == "llava")
    return LoraConfig(
        r=job.settings.lora_rank,
        lora_alpha=job.settings.lora_alpha,
        target_modules=family.lora_targets,
        bias="none",
    )


def nano_job(folder: Path, settings: AlignmentSettings, batch: int) -> Job:
    """The embedded model, photos of the shop floor, notes and yes/no questions from their records."""
    from realign_edge.home import models_folder
    from realign_edge.shopfloor.floor import write_floor

    write_floor(folder / "floor", 80, seed=5, progress=Silent())
    with Catalog(folder / "catalog.sqlite") as catalog:
        found = open_collection(catalog, folder / "floor", PhotoSettings(), Silent()).photos
    pairs = []
    for i, photo in enumerate(found[:64]):
        other = found[(i + 7) % len(found)]
        assert photo.record is not None
        assert other.record is not None
        if i % 2:
            question, answers = "Does the photo show rust?", ("No.", "Yes.")
        else:
            question, answers = "Describe the part and its defects.", (photo.record.note, other.record.note)
        pairs.append(PreferencePair(photo.sha256, other.sha256, question, *answers, "note", Provenance("record")))
    return _job(models_folder() / "nano", folder, {p.sha256: p.path for p in found}, pairs, settings, batch)


def medium_job(folder: Path, settings: AlignmentSettings, pairs: int) -> Job:
    """A random LLaVA of about 230 M parameters, random photos, texts of exactly the stated lengths."""
    from realign_edge.files import sha256_file

    model = folder / "medium"
    _write_medium(model)
    rng = np.random.default_rng(0)
    photos = {}
    (folder / "photos").mkdir(exist_ok=True)
    for i in range(pairs + 1):
        path = folder / "photos" / f"{i}.png"
        Image.fromarray(rng.integers(0, 255, (336, 336, 3), dtype=np.uint8)).save(path)
        photos[sha256_file(path)] = path
    names = list(photos)
    vlm = load_vlm(str(model))
    made = []
    for i in range(pairs):
        question = _text_of(lambda t: len(vlm.prompt_ids(t)) - vlm.image_tokens, MEDIUM_PROMPT, rng)
        answers = [_text_of(partial(_answer_length, vlm, question), MEDIUM_ANSWER, rng) for _ in range(2)]
        made.append(
            PreferencePair(names[i], names[i + 1], question, answers[0], answers[1], "note", Provenance("record"))
        )
    return _job(model, folder, photos, made, settings, batch=1)


def _job(
    model: Path, folder: Path, photos: Mapping[str, Path], pairs: Sequence[PreferencePair],
    settings: AlignmentSettings, batch: int,
) -> Job:  # fmt: skip
    from safetensors.torch import save_file

    vlm = load_vlm(str(model))
    prompts = {p.prompt: vlm.prompt_text(p.prompt) for p in pairs}
    inject(vlm, settings)
    adapter = folder / f"start-{model.name}.safetensors"
    save_file({n: p.detach().clone().contiguous() for n, p in trainable(vlm).items()}, adapter)
    return Job(model, folder, adapter, photos, pairs, prompts, settings, batch)


def _photo(sha: str, path: Path) -> Photo:
    with Image.open(path) as image:
        return Photo(sha, path, path.name, *image.size, "train")


def _answer_length(vlm: Vlm, question: str, answer: str) -> int:
    return len(vlm.answer_ids(question, answer))


def _text_of(length: Any, wanted: int, rng: np.random.Generator) -> str:
    """Words until `length(text)` is `wanted`."""
    words = ("the", "gear", "dent", "rust", "left", "upper", "plate", "shaft", "scratch", "bench")
    text = str(rng.choice(words))
    while length(text) < wanted:
        longer = [f"{text} {word}" for word in rng.permutation(words)]
        text = next((t for t in longer if length(t) <= wanted), "")
        if not text:
            raise RuntimeError("no text of that length")
    return text


def _write_medium(folder: Path) -> None:
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from realign_edge.nano.architecture import CHAT_TEMPLATE, build_tokenizer
    from realign_edge.nano.recipe import tokenizer_texts

    if (folder / "config.json").exists():
        return
    tokenizer = build_tokenizer(tokenizer_texts(0, scenes=200))
    side = {"height": 336, "width": 336}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=side),
        tokenizer=tokenizer, patch_size=14, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, image_token="<image>", chat_template=CHAT_TEMPLATE,
    )  # fmt: skip
    tower = CLIPVisionConfig(
        hidden_size=384, intermediate_size=1536, num_hidden_layers=6, num_attention_heads=6, image_size=336,
        patch_size=14,
    )  # fmt: skip
    text = LlamaConfig(
        vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=12, num_attention_heads=16,
        num_key_value_heads=16, max_position_embeddings=2048, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=tower, text_config=text, image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-2, vision_feature_select_strategy="default", image_seq_length=576,
    )  # fmt: skip
    model = LlavaForConditionalGeneration(config)
    processor.save_pretrained(folder)
    model.save_pretrained(folder)
