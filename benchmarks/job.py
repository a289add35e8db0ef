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

from benchmarks.llava import MEDIUM, write_llava
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
from realign_edge.vlm.model import Quantization, Vlm

# Tokens of the random texts: what a question and a note of an inspection have.
MEDIUM_PROMPT, MEDIUM_ANSWER = 40, 100


@dataclass(frozen=True)
class Where:
    """Where a model lives, and in what numbers."""

    device: str = "cpu"
    dtype: torch.dtype = torch.float32
    quantization: Quantization = "none"

    def load(self, model: Path) -> Vlm:
        """The model, our way."""
        return load_vlm(str(model), device=self.device, dtype=self.dtype, quantization=self.quantization)


ON_CPU = Where()


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
    where: Where = ON_CPU

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
        self.vlm = job.where.load(job.model)
        self.at = 0
        if not epoch:
            self._prepare(job.folder / "caches")

    def _prepare(self, caches: Path) -> None:
        """Features, reference and a fresh adapter."""
        store = FeatureStore(caches / "features", self.vlm)
        store.ensure([photo_of(sha, path) for sha, path in sorted(self.job.photos.items())], Silent())
        self.vlm.park_tower()
        items = tokenised(self.vlm, store, self.job.pairs)
        settings = self.job.settings
        known = reference_logps(self.vlm, store, items, caches / "references", settings.micro_tokens, Silent())
        self.wrapped = inject(self.vlm, settings)
        checkpointing(self.vlm.model, settings)
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


def checkpointing(model: Any, settings: AlignmentSettings) -> None:
    """Gradient checkpointing where it is asked for, on both sides the same kind."""
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        # transformers looks at this mode alone; without dropout it changes nothing else.
        model.train()


def optimizer_for(parameters: Sequence[torch.nn.Parameter], settings: AlignmentSettings) -> torch.optim.Optimizer:
    """The same on both sides."""
    fused = parameters[0].is_cuda
    return torch.optim.AdamW(parameters, lr=settings.learning_rate, betas=(0.9, 0.99), weight_decay=0.0, fused=fused)


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
    nano, photos = models_folder() / "nano", {p.sha256: p.path for p in found}
    return _job(ON_CPU.load(nano), nano, folder, photos, pairs, settings, batch, ON_CPU)


def medium_job(folder: Path, settings: AlignmentSettings, pairs: int) -> Job:
    """A random LLaVA of about 230 M parameters, random photos, texts of exactly the stated lengths."""
    write_llava(folder / "medium", MEDIUM)
    return random_job(folder / "medium", folder, settings, pairs)


def random_job(
    model: Path,
    folder: Path,
    settings: AlignmentSettings,
    pairs: int,
    where: Where = ON_CPU,
    size: tuple[int, int] = (336, 336),
) -> Job:
    """Random photos of `size` (width, height), texts of exactly the stated lengths; the model stays where `where` says.

    The prompt's length is without its photo.
    """
    from realign_edge.files import sha256_file

    rng = np.random.default_rng(0)
    photos = {}
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    for i in range(pairs + 1):
        path = folder / "photos" / f"{i}.png"
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).save(path)
        photos[sha256_file(path)] = path
    names = list(photos)
    vlm = where.load(model)
    made = []
    for i in range(pairs):
        question = _text_of(lambda t: sum(map(len, vlm.wording.ends(t))), MEDIUM_PROMPT, rng)
        answers = [_text_of(partial(_answer_length, vlm, question), MEDIUM_ANSWER, rng) for _ in range(2)]
        made.append(
            PreferencePair(names[i], names[i + 1], question, answers[0], answers[1], "note", Provenance("record"))
        )
    return _job(vlm, model, folder, photos, made, settings, 1, where)


def _job(
    vlm: Vlm, model: Path, folder: Path, photos: Mapping[str, Path], pairs: Sequence[PreferencePair],
    settings: AlignmentSettings, batch: int, where: Where,
) -> Job:  # fmt: skip
    """With the adapter that all sides start from on disk; `vlm` is used up."""
    from safetensors.torch import save_file

    prompts = {p.prompt: vlm.wording.prompt(p.prompt).given for p in pairs}
    inject(vlm, settings)
    adapter = folder / f"start-{model.name}.safetensors"
    save_file({n: p.detach().clone().contiguous() for n, p in trainable(vlm).items()}, adapter)
    return Job(model, folder, adapter, photos, pairs, prompts, settings, batch, where=where)


def photo_of(sha: str, path: Path) -> Photo:
    """A training photo on disk."""
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
