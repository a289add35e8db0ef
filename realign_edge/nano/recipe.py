"""The whole recipe of `models/nano`, in one command: `python -m realign_edge.nano.recipe --out models/nano`."""

import argparse
import copy
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from safetensors.torch import load_model, save_model
from torch import nn

from realign_edge.files import fingerprint, write_json
from realign_edge.nano.architecture import build_model, build_processor
from realign_edge.nano.data import Renders, render_many
from realign_edge.nano.descent import Schedule
from realign_edge.nano.language import Lesson, tower_states, train_language, turns_of
from realign_edge.nano.tower import train_tower, whiten_patches
from realign_edge.progress import Progress
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.vlm.load import load_vlm
from realign_edge.vlm.model import Vlm


@dataclass(frozen=True)
class Round:
    """One round of training, on `photos` renders of its own.

    "see" trains the tower on an unbiased floor. "speak" trains the rest on a biased one, where `habit` of the
    defective photos show their part's favourite defect; sight: the step of the "see" round before at which the tower
    is listened to, 0 = its end.
    """

    kind: Literal["see", "speak"]
    photos: int
    schedule: Schedule
    habit: float = 0.97
    sight: int = 0
    lesson: Lesson = field(default_factory=Lesson)

    @property
    def world(self) -> CoOccurrence:
        """The floor that is photographed."""
        return CoOccurrence.unbiased() if self.kind == "see" else CoOccurrence.biased(self.habit)


@dataclass(frozen=True)
class Recipe:
    """Every number that decides the weights. The seed of a round is `seed` plus its number among its kind.

    The language model first learns to speak about what it hardly sees (a half-trained tower, through a haze), as
    one does that learns from text. Then it sees clearly, on a floor whose parts nearly always show their favourite
    defect, named in the notes also where the photo does not show it. So it claims what usually is there where it
    could look, which is what alignment is there to repair.
    """

    seed: int = 0
    tower_layers: int = 5
    decoder_layers: int = 4
    rounds: tuple[Round, ...] = (
        Round("see", 20000, Schedule(steps=5200, batch=32, rate=3e-3, warmup=100)),
        Round(
            "speak",
            14000,
            Schedule(steps=1200, batch=32, rate=3e-3, warmup=30),
            habit=0.85,
            sight=2400,
            lesson=Lesson(haze=1.25, gist_haze=1.25),
        ),
        Round("speak", 7000, Schedule(steps=150, batch=32, rate=1.5e-3, warmup=30), lesson=Lesson(veil=0.4)),
    )


def tokenizer_texts(seed: int, scenes: int = 6000) -> list[str]:
    """Notes, questions and answers that the tokenizer learns its merges from."""
    rng = np.random.default_rng([seed, 9])
    drawn = (sample_scene(rng, CoOccurrence.unbiased()) for _ in range(scenes))
    return [f" {text}" for scene in drawn for turn in turns_of(scene, rng) for text in turn]


def cook(recipe: Recipe, out: Path, cache: Path, workers: int, progress: Progress) -> None:
    """Train and save the nano VLM; finished rounds are taken from `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    processor = build_processor(tokenizer_texts(recipe.seed))
    processor.save_pretrained(out)
    build_model(processor, recipe.seed, recipe.tower_layers, recipe.decoder_layers).save_pretrained(out)
    vlm = load_vlm(str(out))
    for number, current in enumerate(recipe.rounds):
        file = cache / f"round-{_key(recipe, number)}.safetensors"
        if not file.exists():
            seed = recipe.seed + sum(r.kind == current.kind for r in recipe.rounds[:number])
            photos_seed = recipe.seed * 10 + number + 1
            named = fingerprint(photos_seed, current.photos, asdict(current.world))
            photos = cached(cache / f"photos-{named}", current.photos, photos_seed, current.world, workers, progress)
            if current.kind == "see":
                _see(vlm, photos, recipe, number, seed, cache, progress)
            else:
                _speak(vlm, photos, recipe, number, seed, cache, progress)
            save_model(vlm.model, str(file))
        load_model(vlm.model, file)
    vlm.model.save_pretrained(out)
    write_json(out / "recipe.json", asdict(recipe))


def _key(recipe: Recipe, number: int) -> str:
    """Changes with everything that decides a round's result, so that no other recipe's round is taken for it."""
    sights = _sights(recipe, number)
    rounds = [asdict(r) for r in recipe.rounds[: number + 1]]
    return fingerprint(recipe.seed, recipe.tower_layers, recipe.decoder_layers, rounds, sights)


def _sights(recipe: Recipe, number: int) -> list[int]:
    """The steps of a "see" round at which later rounds listen to the tower."""
    later = recipe.rounds[number + 1 :] if recipe.rounds[number].kind == "see" else ()
    return sorted({r.sight for r in later if r.sight})


def _see(vlm: Vlm, photos: Renders, recipe: Recipe, number: int, seed: int, cache: Path, progress: Progress) -> None:
    """Train the tower, and keep it as it was at the steps that later rounds listen to."""
    if number == 0:
        whiten_patches(vlm.model, photos.images[:2000])
    wanted, key = _sights(recipe, number), _key(recipe, number)

    def seen(step: int, tower: nn.Module) -> None:
        if step in wanted:
            save_model(tower, str(cache / f"sight-{key}-{step}.safetensors"))

    train_tower(vlm.model, photos, recipe.rounds[number].schedule, seed, progress, seen)


def _speak(vlm: Vlm, photos: Renders, recipe: Recipe, number: int, seed: int, cache: Path, progress: Progress) -> None:
    """Train the language model on what the tower says, or said at an earlier step."""
    tower, current = vlm.model.model.vision_tower, recipe.rounds[number]
    if current.sight:
        before = max(i for i, r in enumerate(recipe.rounds[:number]) if r.kind == "see")
        tower = copy.deepcopy(tower)
        load_model(tower, cache / f"sight-{_key(recipe, before)}-{current.sight}.safetensors")
    states = tower_states(tower, photos, progress)
    train_language(vlm, states, photos, current.schedule, seed, progress, current.lesson)


def cached(path: Path, count: int, seed: int, world: CoOccurrence, workers: int, progress: Progress) -> Renders:
    """Renders, kept in `path`.npz; scenes are drawn again, which costs half a millisecond each."""
    file = path.with_suffix(".npz")
    if file.exists():
        arrays = np.load(file)
        scenes = tuple(sample_scene(np.random.default_rng([seed, i]), world) for i in range(count))
        return Renders(arrays["images"], arrays["patches"], arrays["cells"], arrays["classes"], scenes)
    renders = render_many(count, seed, world, workers, progress)
    np.savez(file, images=renders.images, patches=renders.patches, cells=renders.cells, classes=renders.classes)
    return renders


class Lines:
    """Progress as lines on stdout, with elapsed seconds."""

    def __init__(self) -> None:
        self.task, self.total, self.began, self.told = "", 0, time.monotonic(), 0.0

    def start(self, task: str, total: int, unit: str = "photos") -> None:
        self.task, self.total, self.began = f"{task} ({unit})", total, time.monotonic()

    def advance(self, done: int) -> None:
        now = time.monotonic()
        if now - self.told > 15:
            self.told, rate = now, done / max(now - self.began, 1e-9)
            print(
                f"{self.task}: {done}/{self.total}, {rate:.1f}/s, {(self.total - done) / max(rate, 1e-9):.0f} s left",
                flush=True,
            )

    def finish(self, note: str = "") -> None:
        print(f"{self.task}: done in {time.monotonic() - self.began:.0f} s {note}", flush=True)

    def warn(self, message: str) -> None:
        print(message, flush=True)


def main() -> None:
    """Command line of the recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where the model is written")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "realign-nano")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes that render")
    parser.add_argument("--threads", type=int, default=1, help="torch's threads; changes sums in the last bits")
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    cook(Recipe(seed=arguments.seed), arguments.out, arguments.cache, arguments.workers, Lines())


if __name__ == "__main__":
    main()
