"""The whole recipe of `models/nano`, in one command: `python -m realign_edge.nano.recipe --out models/nano`."""

import argparse
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from realign_edge.files import write_json
from realign_edge.nano.architecture import build_model, build_processor
from realign_edge.nano.data import Renders, render_many
from realign_edge.nano.language import tower_states, train_language, turns_of
from realign_edge.nano.tower import Schedule, train_tower
from realign_edge.progress import Progress
from realign_edge.shopfloor.scene import CoOccurrence, sample_scene
from realign_edge.vlm.load import load_vlm


@dataclass(frozen=True)
class Round:
    """One round of training. "see" trains the tower on an unbiased floor, "speak" the rest on a biased one.

    place_weight: whether the tower also learns where on the part each patch lies, without which places do not
    reach the language model; where: "where" questions asked per photo.
    """

    kind: Literal["see", "speak"]
    schedule: Schedule
    place_weight: float = 0.0
    where: int = 1


@dataclass(frozen=True)
class Recipe:
    """Every number that decides the weights. Counts are photos; the seed of a round is `seed` plus its number in kind.

    Seeing and speaking take turns, each from a lower rate than before: a language model that has already learnt its
    habits goes on relying on them when the tower sees better, which is what alignment is there to repair.
    """

    seed: int = 0
    seeing_photos: int = 14000
    speaking_photos: int = 12000
    tower_layers: int = 5
    decoder_layers: int = 4
    rounds: tuple[Round, ...] = (
        Round("see", Schedule(steps=2200, batch=64, rate=1.2e-3, warmup=100)),
        Round("speak", Schedule(steps=1000, batch=48, rate=2e-3)),
        Round("see", Schedule(steps=900, batch=64, rate=7e-4), place_weight=1.0),
        Round("speak", Schedule(steps=900, batch=48, rate=1.5e-3), where=3),
    )


def tokenizer_texts(seed: int, scenes: int = 6000) -> list[str]:
    """Notes, questions and answers that the tokenizer learns its merges from."""
    rng = np.random.default_rng([seed, 9])
    drawn = (sample_scene(rng, CoOccurrence.unbiased()) for _ in range(scenes))
    return [f" {text}" for scene in drawn for turn in turns_of(scene, rng) for text in turn]


def cook(recipe: Recipe, out: Path, cache: Path, workers: int, progress: Progress) -> None:
    """Train and save the nano VLM; finished rounds are taken from `cache`."""
    from safetensors.torch import load_model, save_model

    cache.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    processor = build_processor(tokenizer_texts(recipe.seed))
    processor.save_pretrained(out)
    build_model(processor, recipe.seed, recipe.tower_layers, recipe.decoder_layers).save_pretrained(out)
    vlm = load_vlm(str(out))
    for number, current in enumerate(recipe.rounds):
        file = cache / f"round-{number}.safetensors"
        if file.exists():
            load_model(vlm.model, file)
            continue
        seed = recipe.seed + sum(r.kind == current.kind for r in recipe.rounds[:number])
        photos = _photos(recipe, current.kind, cache, workers, progress)
        if current.kind == "see":
            train_tower(vlm.model, photos, current.schedule, seed, current.place_weight, progress)
        else:
            states = tower_states(vlm.model, photos, progress)
            train_language(vlm, states, photos.scenes, current.schedule, seed, progress, current.where)
        save_model(vlm.model, str(file))
    vlm.model.save_pretrained(out)
    write_json(out / "recipe.json", asdict(recipe))


def _photos(recipe: Recipe, kind: str, cache: Path, workers: int, progress: Progress) -> Renders:
    if kind == "see":
        world, count, seed = CoOccurrence.unbiased(), recipe.seeing_photos, recipe.seed * 10 + 1
    else:
        world, count, seed = CoOccurrence.biased(), recipe.speaking_photos, recipe.seed * 10 + 2
    return cached(cache / f"{kind}ing", count, seed, world, workers, progress)


def cached(path: Path, count: int, seed: int, world: CoOccurrence, workers: int, progress: Progress) -> Renders:
    """Renders, kept in `path`.npz; scenes are drawn again, which costs half a millisecond each."""
    file = path.with_suffix(".npz")
    if file.exists():
        arrays = np.load(file)
        scenes = tuple(sample_scene(np.random.default_rng([seed, i]), world) for i in range(count))
        return Renders(arrays["images"], arrays["patches"], arrays["classes"], scenes)
    renders = render_many(count, seed, world, workers, progress)
    np.savez(file, images=renders.images, patches=renders.patches, classes=renders.classes)
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
